/*
 * dpdk_forward.c - where a measured packet goes, and what is rewritten on the way
 *
 * tap: nowhere, it was a copy.  wire: to the other end, as it came.  gateway: to the next
 * hop, by RFC 1812 5.2 and RFC 8200: a known neighbour, else (from the LAN) the gateway of
 * the uplink that the core chose.  Whatever needs more than that (own addresses, groups,
 * tags, options, a TTL that ends, a packet larger than the port, a neighbour that is not
 * known yet) goes to the kernel by the exception port, and is counted.
 */
#include <string.h>

#include "dpdk_private.h"
#include "fastpath/pipeline.h"

#define ETHERNET_BYTES 14

static inline void push(struct sl_dpdk_out *out, struct rte_mbuf *m)
{
	out->packet[out->count++] = m;
}

static void to_kernel(struct sl_lcore *lcore, const struct sl_dpdk_port *port, struct rte_mbuf *m)
{
	struct sl_stats *stats = lcore->worker.memory.stats;

	stats->to_kernel++;
	if (port->exception != SL_DPDK_NO_PORT) {
		push(&lcore->exception[port->entry.index], m);
		return;
	}
	stats->to_kernel_failed++;
	rte_pktmbuf_free(m);
}

/* DSCP and ECN, when the core asks for it. */
static inline void remark(const struct sl_work *work, struct rte_mbuf *m)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);

	sl_remark_apply(work, frame, frame + rte_pktmbuf_data_len(m));
}

/* What else the core asks for: a smaller MSS in a SYN. */
static __attribute__((noinline)) void clamp(const struct sl_work *work, struct rte_mbuf *m)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);

	if (work->packet.l4_offset < rte_pktmbuf_data_len(m))
		sl_clamp_apply(frame + work->packet.l4_offset, frame + rte_pktmbuf_data_len(m),
			       work->result.clamp_mss);
}

/* Dropped, and free; else its MSS, where it has one, is as the core wants it. */
static inline bool is_dropped(const struct sl_work *work, struct rte_mbuf *m)
{
	if (work->result.action == SL_ACTION_DROP) {
		rte_pktmbuf_free(m);
		return true;
	}
	if (unlikely(work->result.action == SL_ACTION_CLAMP))
		clamp(work, m);
	return false;
}

/* A packet that cannot move goes back by its port as a RST; false: it has not been touched. */
static __attribute__((noinline)) bool turn(struct sl_lcore *lcore, const struct sl_dpdk_port *port,
					   const struct sl_work *work, struct rte_mbuf *m)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	uint32_t had = rte_pktmbuf_data_len(m);
	uint32_t has = m->nb_segs == 1 ? sl_reset_turn(frame, frame + had, work->packet.l3_offset,
						       work->packet.l4_offset)
				       : 0;

	if (!has)
		return false;
	rte_pktmbuf_trim(m, (uint16_t)(had - has));
	push(&lcore->out[port - lcore->dpdk->port], m);
	return true;
}

/* ---- wire ---- */

static inline void forward_wire(struct sl_lcore *lcore, const struct sl_dpdk_port *port,
				uint32_t count)
{
	struct sl_dpdk_out *out = &lcore->out[port->pair];

	for (uint32_t i = 0; i < count; i++) {
		const struct sl_work *work = &lcore->worker.work[i];

		if (is_dropped(work, lcore->rx[i]))
			continue;
		remark(work, lcore->rx[i]);
		push(out, lcore->rx[i]);
	}
}

/* ---- gateway ---- */

/* The IP header of a packet that may be forwarded without the kernel; NULL = it may not. */
static inline uint8_t *plain_header(const struct sl_dpdk_port *port, const struct sl_work *work,
				    struct rte_mbuf *m)
{
	struct rte_ether_addr *to = rte_pktmbuf_mtod(m, struct rte_ether_addr *);
	uint8_t *ip = (uint8_t *)to + ETHERNET_BYTES;

	if (!work->packet.ip_bytes || work->packet.l3_offset != ETHERNET_BYTES ||
	    work->result.reason == SL_REASON_IP_SHORT || work->result.reason == SL_REASON_IP_BAD ||
	    !rte_is_same_ether_addr(to, &port->mac))
		return NULL;
	if (work->packet.ip6)
		return ip[6] != 0 && ip[7] > 1 ? ip : NULL; /* 0: hop-by-hop options */
	return ip[0] == 0x45 && ip[8] > 1 ? ip : NULL;
}

/* Addresses that no router forwards: this network, loopback, link-local, groups, unspecified. */
static inline bool stays_local(struct sl_addr a)
{
	if (a.hi == 0 && a.lo >> 32 == 0xffff) {
		uint32_t ip4 = (uint32_t)a.lo;

		return ip4 >> 24 == 0 || ip4 >> 24 == 127 || ip4 >> 16 == 0xa9fe ||
		       ip4 >> 28 >= 0xe;
	}
	return a.hi >> 54 == 0x3fa || a.hi >> 56 == 0xff || (a.hi == 0 && a.lo <= 1);
}

/* The uplink of a packet from the LAN; what the core could not classify goes as "other". */
static inline uint32_t uplink_of(const struct sl_tables *tables, const struct sl_work *work)
{
	switch (work->result.reason) {
	case SL_REASON_L4_SHORT:
	case SL_REASON_L4_BAD:
	case SL_REASON_L4_OTHER:
	case SL_REASON_IP6_DEEP:
		return tables->knobs.steer[SL_SERVICE_OTHER].uplink & (SL_UPLINKS_MAX - 1);
	default:
		return work->result.uplink & (SL_UPLINKS_MAX - 1);
	}
}

/* The next hop for @dst; NULL = the kernel knows better. */
static inline const struct sl_hop *next_hop(struct sl_hops *hops, const struct sl_tables *tables,
					    const struct sl_work *work, struct sl_addr src,
					    struct sl_addr dst)
{
	struct sl_hop *hop;

	if (!hops || stays_local(dst) || stays_local(src))
		return NULL;
	hop = sl_hops_find(hops, dst);
	if (!hop && work->side == SL_SIDE_LAN)
		hop = &hops->gateway[uplink_of(tables, work)][work->packet.ip6];
	if (!hop || hop->kind != SL_HOP_HOST)
		return NULL;
	if (!hop->used)
		hop->used = 1;
	return hop;
}

/* One hop less to live; the IPv4 checksum follows (RFC 1624 equation 3: the high byte loses 1). */
static inline void age_header(uint8_t *ip, bool ip6)
{
	if (ip6) {
		ip[7]--;
		return;
	}
	uint32_t sum = (uint32_t)(ip[10] << 8 | ip[11]) + 0x100;

	sum += sum >> 16;
	ip[8]--;
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

static inline void forward_one(struct sl_lcore *lcore, const struct sl_dpdk_port *port,
			       const struct sl_work *work, struct rte_mbuf *m)
{
	struct sl_dpdk *dpdk = lcore->dpdk;
	uint8_t *ip = plain_header(port, work, m);
	const struct sl_hop *hop = NULL;
	const struct sl_dpdk_port *out;

	if (ip) {
		/* From the header itself: an ICMP error's flow has other addresses. */
		struct sl_addr src = work->packet.ip6 ? sl_addr6(ip + 8) : sl_addr4(ip + 12);
		struct sl_addr dst = work->packet.ip6 ? sl_addr6(ip + 24) : sl_addr4(ip + 16);

		hop = next_hop(lcore->hops, lcore->tables, work, src, dst);
	}
	if (!hop || rte_pktmbuf_pkt_len(m) > dpdk->port[hop->port].mtu + (uint32_t)ETHERNET_BYTES) {
		to_kernel(lcore, port, m);
		return;
	}
	out = &dpdk->port[hop->port];
	age_header(ip, work->packet.ip6);
	memcpy(ip - ETHERNET_BYTES, hop->mac, sizeof(hop->mac));
	memcpy(ip - ETHERNET_BYTES + 6, &out->mac, sizeof(out->mac));
	push(&lcore->out[hop->port], m);
}

static inline void forward_gateway(struct sl_lcore *lcore, const struct sl_dpdk_port *port,
				   uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct sl_work *work = &lcore->worker.work[i];

		if (is_dropped(work, lcore->rx[i]))
			continue;
		if (unlikely(work->result.action == SL_ACTION_RESET) &&
		    turn(lcore, port, work, lcore->rx[i]))
			continue;
		/* Before the ways part: what the kernel forwards for us is marked as well. */
		remark(work, lcore->rx[i]);
		forward_one(lcore, port, work, lcore->rx[i]);
	}
}

void sl_dpdk_forward(struct sl_lcore *lcore, const struct sl_dpdk_port *port, uint32_t count)
{
	switch (lcore->dpdk->policy.placement) {
	case SL_PLACEMENT_WIRE:
		forward_wire(lcore, port, count);
		break;
	case SL_PLACEMENT_GATEWAY:
		forward_gateway(lcore, port, count);
		break;
	default:
		rte_pktmbuf_free_bulk(lcore->rx, count);
		break;
	}
}

void sl_dpdk_pass(struct sl_lcore *lcore, const struct sl_dpdk_port *port, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (port->pair != SL_DPDK_NO_PORT)
			push(&lcore->out[port->pair], lcore->rx[i]);
		else if (lcore->dpdk->policy.placement == SL_PLACEMENT_GATEWAY)
			to_kernel(lcore, port, lcore->rx[i]);
		else
			rte_pktmbuf_free(lcore->rx[i]);
	}
}
