/*
 * handover.bpf.c - the object that DPDK's net_af_xdp driver is given to load
 *
 * The driver wants a program with a map xsks_map, attaches it and puts its sockets
 * into that map.  The program itself passes everything: it stands on the device only
 * until sl_xdp takes its place and the map with it (dataplane/xdp_handover.c).
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps.h"

char LICENSE[] SEC("license") = "GPL";

/* The inner map of sl_handover (handover.bpf.h) must be its like. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, SL_HANDOVER_QUEUES);
	__type(key, uint32_t);
	__type(value, uint32_t);
} xsks_map SEC(".maps");

SEC("xdp")
int sl_guard(struct xdp_md *ctx)
{
	/* Past the last entry, so always XDP_PASS: named here so that the program has the map. */
	return (int)bpf_redirect_map(&xsks_map, SL_HANDOVER_QUEUES, XDP_PASS);
}
