/*
 * meter.h - may this packet pass under its service's rate limit?
 *
 * The generic cell rate algorithm in its virtual-scheduling form (ITU-T I.371
 * annex A): one word holds when the bytes admitted so far are due.  A packet that
 * would run further ahead than the burst is dropped; beyond half the burst an
 * ECN-capable one is marked instead (RFC 3168 5), so that its sender slows before
 * it loses.  One compare-and-swap, tried once: two CPUs that collide let a packet
 * pass unmetered rather than wait.
 */
#ifndef SL_METER_H
#define SL_METER_H

#include "work.h"

#define SL_METER_AHEAD_MAX_NS UINT64_C(10000000000) /* 64 KiB at 64 kbit/s is 8 s */

enum sl_meter_verdict { SL_METER_PASS, SL_METER_MARK, SL_METER_DROP };

/*
 * Charge @bytes at @now_ns to the limit @rate, whose state is *@due_ns.
 * A zero rate passes everything.
 */
SL_INLINE enum sl_meter_verdict sl_meter_take(const struct sl_rate *rate, uint64_t *due_ns,
					      uint64_t now_ns, uint32_t bytes)
{
	if (!rate->ns_per_kib)
		return SL_METER_PASS;
	uint64_t cost_ns = (uint64_t)bytes * rate->ns_per_kib >> 10;
	uint64_t burst_ns = (uint64_t)rate->burst_us * 1000;
	uint64_t seen = *(volatile uint64_t *)due_ns;
	uint64_t due = seen > now_ns ? seen : now_ns;
	uint64_t ahead = due - now_ns;

	/* A clock that stepped back must not close the road for long. */
	if (ahead > SL_METER_AHEAD_MAX_NS) {
		due = now_ns;
		ahead = 0;
	}
	if (ahead && ahead + cost_ns > burst_ns)
		return SL_METER_DROP;
	__sync_val_compare_and_swap(due_ns, seen, due + cost_ns);
	return ahead > burst_ns / 2 ? SL_METER_MARK : SL_METER_PASS;
}

/* True when the IP header's ECN field says that marking is understood (RFC 3168 5). */
SL_INLINE bool sl_meter_ecn_capable(uint8_t tos)
{
	return (tos & 3) == 1 || (tos & 3) == 2;
}

/*
 * Charge the packet of @work to @rate, whose state is *@due_ns: sets metered, action, mark_ecn.
 * A packet that is measured inside its tunnel is not marked.
 */
SL_INLINE void sl_meter_police(struct sl_work *work, const struct sl_rate *rate, uint64_t *due_ns)
{
	struct sl_result *result = &work->result;
	enum sl_meter_verdict verdict = sl_meter_take(rate, due_ns, work->now_ns, work->wire_bytes);

	result->metered = 1;
	if (verdict == SL_METER_DROP)
		result->action = SL_ACTION_DROP;
	else if (verdict == SL_METER_MARK)
		result->mark_ecn = !work->packet.inner && sl_meter_ecn_capable(work->packet.tos);
}

/*
 * Write @tos to the IP header at @ip (20 bytes of IPv4, 2 of IPv6 are touched); the
 * IPv4 checksum follows by RFC 1624 equation 3.
 */
SL_INLINE void sl_meter_write_tos(uint8_t *ip, uint8_t tos)
{
	if (ip[0] >> 4 == 6) {
		ip[0] = (uint8_t)(0x60 | tos >> 4);
		ip[1] = (uint8_t)(tos << 4 | (ip[1] & 0xf));
		return;
	}
	uint32_t sum = (uint16_t) ~(ip[10] << 8 | ip[11]);

	sum += (uint16_t) ~(ip[0] << 8 | ip[1]);
	sum += (uint32_t)(ip[0] << 8 | tos);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip[1] = tos;
	ip[10] = (uint8_t)(~sum >> 8);
	ip[11] = (uint8_t)~sum;
}

#endif
