/*
 * probe_server.c - far enough, called from here, by somebody whom we trust
 */
#include "probe_server.h"

/* Multicast, link-local, loopback: nobody that an uplink leads to. */
static bool is_far(const struct sl_addr *a)
{
	uint32_t first = (uint32_t)a->lo >> 24;

	if (a->hi == 0 && a->lo >> 32 == 0xffff)
		return first != 0 && first != 127 && first < 224;
	return a->hi >> 56 != 0xff && a->hi >> 54 != 0x3fa && a->hi >> 61 != 0;
}

/* The uplinks (bit each) by which a server of @service may be asked. */
static uint8_t taught(const struct sl_tables *tables, unsigned int service,
		      const uint32_t trusted[SL_UPLINKS_MAX])
{
	uint8_t uplinks = 0;

	if (tables->service[service].priority > 0)
		return UINT8_MAX;
	for (unsigned int u = 0; u < tables->uplinks && u < SL_UPLINKS_MAX; u++)
		if (trusted[u] & 1u << service)
			uplinks |= (uint8_t)(1u << u);
	return uplinks;
}

bool sl_probe_server_of(const struct sl_inspect *inspect, const struct sl_tables *tables,
			const uint32_t trusted[SL_UPLINKS_MAX], struct sl_probe_server *server)
{
	const struct sl_flow_key *key = &inspect->key;
	const struct sl_addr *far = inspect->lan ? &key->a : &key->b;
	unsigned int service = inspect->service & (SL_SERVICES_MAX - 1);

	if (inspect->number != 1 || inspect->initiator != inspect->lan || !is_far(far))
		return false;
	*server = (struct sl_probe_server){
		.addr = *far,
		.port = inspect->lan ? key->a_port : key->b_port,
		.proto = key->proto,
		.rank = tables->service[service].priority,
		.uplinks = taught(tables, service, trusted),
	};
	return server->uplinks != 0;
}
