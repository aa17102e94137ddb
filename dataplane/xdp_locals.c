/*
 * xdp_locals.c - the box's own addresses, which are never handed over to DPDK
 *
 * All addresses of this network namespace, whatever device they are on: Linux
 * answers for each of them on every device.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "xdp_private.h"

#include "storeline.skel.h" /* behind maps.h, whose structs it holds */

struct locals {
	uint32_t count;
	struct sl_local at[SL_LOCALS_MAX];
};

static bool has(const struct locals *locals, const struct sl_local *local)
{
	for (uint32_t i = 0; i < locals->count; i++)
		if (!memcmp(&locals->at[i], local, sizeof(*local)))
			return true;
	return false;
}

/* False: @address is neither IPv4 nor IPv6. */
static bool local_of(const struct sockaddr *address, struct sl_local *local)
{
	static const struct sl_local mapped = {{[10] = 0xff, [11] = 0xff}};

	if (!address)
		return false;
	if (address->sa_family == AF_INET) {
		*local = mapped;
		memcpy(local->byte + 12, &((const struct sockaddr_in *)address)->sin_addr, 4);
		return true;
	}
	if (address->sa_family == AF_INET6)
		memcpy(local->byte, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
	return address->sa_family == AF_INET6;
}

/* 0; -ENOSPC: *@now is full and some are missing; -errno. */
static int gather(struct locals *now)
{
	struct ifaddrs *all;
	int err = 0;

	if (getifaddrs(&all))
		return -errno;
	for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
		struct sl_local local;

		if (!local_of(one->ifa_addr, &local) || has(now, &local))
			continue;
		if (now->count == SL_LOCALS_MAX)
			err = -ENOSPC;
		else
			now->at[now->count++] = local;
	}
	freeifaddrs(all);
	return err;
}

/* The keys of the map, which no one else writes. */
static void list(int map, struct locals *known)
{
	const struct sl_local *last = NULL;

	while (known->count < SL_LOCALS_MAX &&
	       !bpf_map_get_next_key(map, last, &known->at[known->count]))
		last = &known->at[known->count++];
}

int sl_xdp_handover_locals(struct sl_engine *engine)
{
	int map = bpf_map__fd(((struct sl_xdp *)engine)->skel->maps.sl_locals);
	struct locals now = {0}, known = {0};
	uint32_t one = 1;
	int err = gather(&now);

	if (err && err != -ENOSPC)
		return err;
	list(map, &known);
	for (uint32_t i = 0; i < known.count; i++) /* first: the new ones may need the room */
		if (!has(&now, &known.at[i]))
			bpf_map_delete_elem(map, &known.at[i]);
	for (uint32_t i = 0; i < now.count; i++)
		if (!has(&known, &now.at[i]) &&
		    bpf_map_update_elem(map, &now.at[i], &one, BPF_ANY) && !err)
			err = -errno;
	return err;
}
