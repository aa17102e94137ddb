/*
 * dhcp_fuzz.c - a byte string plays DHCP messages through their reader and the table of leases
 *
 * Input: steps of HEAD bytes - a VLAN, a time to wait in eighths of a second squared, a length -
 * and the message.
 */
#include <string.h>

#include "dataplane/leases.h"
#include "holds.h"

#define HEAD 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_view(struct sl_leases *leases, uint64_t now_ns)
{
	struct sl_leases_vlan view[SL_LEASES_VLANS];
	uint32_t vlans = sl_leases_view(leases, now_ns, view), clients = 0;

	FUZZ_HOLDS(vlans <= SL_LEASES_VLANS);
	for (uint32_t i = 0; i < vlans; i++) {
		const struct sl_leases_vlan *v = &view[i];

		clients += v->clients;
		FUZZ_HOLDS(v->clients && v->random <= v->clients && v->asking <= v->clients);
		FUZZ_HOLDS(v->unanswered <= v->asking && v->refused <= v->clients);
		FUZZ_HOLDS(v->servers <= SL_LEASES_SERVERS && (!v->new_server || v->servers));
		for (uint32_t j = 0; j < i; j++)
			FUZZ_HOLDS(view[j].vlan != v->vlan);
	}
	FUZZ_HOLDS(clients <= SL_LEASES_CLIENTS);
}

/* What it said is in the view; or it was none, and nothing is said of it. */
static void take(struct sl_leases *leases, uint16_t vlan, const uint8_t *bytes, uint32_t length,
		 uint64_t now_ns)
{
	struct sl_dhcp_message message;

	memset(&message, 0xee, sizeof(message));
	if (sl_dhcp_read(bytes, length, &message)) {
		for (size_t i = 0; i < sizeof(message); i++)
			FUZZ_HOLDS(((const uint8_t *)&message)[i] == 0xee);
		return;
	}
	FUZZ_HOLDS(length > 240 && message.client >> 48 == 0);
	FUZZ_HOLDS(message.type >= SL_DHCP_DISCOVER && message.type <= SL_DHCP_INFORM);
	sl_leases_take(leases, vlan, &message, now_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t now_ns = 1000 * SL_LEASES_SECOND_NS;
	struct sl_leases *leases;

	if (sl_leases_open(&leases))
		return 0;
	while (size >= HEAD) {
		uint32_t length = (uint32_t)data[2] << 8 | data[3];

		if (length > size - HEAD)
			length = (uint32_t)size - HEAD;
		now_ns += (uint64_t)data[1] * data[1] * (SL_LEASES_SECOND_NS / 8);
		take(leases, data[0], data + HEAD, length, now_ns);
		check_view(leases, now_ns);
		data += HEAD + length;
		size -= HEAD + length;
	}
	sl_leases_close(leases);
	return 0;
}
