/*
 * look.h - what a flow asks of the slow path, and when it looks for the answer
 *
 * A new flow looks once for its server's names (names.h).  While the slow path may have more
 * to say, its first packets go there in copy (inspect.h), and it looks for what was said of
 * the flow itself: with each of its first packets, then once a second, then no more.  Pure.
 */
#ifndef SL_LOOK_H
#define SL_LOOK_H

#include "inspect.h"
#include "measure.h"

/* What is known of the server at the far end of a new flow of @work: its clauses, or none. */
SL_INLINE uint64_t sl_look_server(const struct sl_work *work, const struct sl_tables *tables,
				  const struct sl_names *names, uint32_t lan)
{
	const struct sl_addr *server = lan ? &work->key.a : &work->key.b;
	const struct sl_addr *client = lan ? &work->key.b : &work->key.a;
	const struct sl_addr anybody = {0, 0};
	uint64_t stamp = sl_names_stamp(tables->generation, 0);
	uint64_t tag = sl_names_server_hash(server, client, tables->hash_seed);
	uint64_t word = sl_names_read(&names->server[sl_names_index(tag)], tag, stamp);

	if (word)
		return word;
	tag = sl_names_server_hash(server, &anybody, tables->hash_seed);
	word = sl_names_read(&names->server[sl_names_index(tag)], tag, stamp);
	return word ? word : SL_NAMES_NONE;
}

#define SL_LOOKS_DENSE 64  /* packets that look for names one after the other */
#define SL_LOOKS_MAX   120 /* then one in a second looks, until this */

/* Is it this packet's turn to look for what the slow path says of @flow? */
SL_INLINE bool sl_look_is_turn(const struct sl_flow *flow, const struct sl_work *work)
{
	if (SL_LIKELY(!(flow->flags & SL_FLOW_PENDING)))
		return false;
	return flow->name_looks < SL_LOOKS_DENSE ||
	       sl_flow_moment_age(flow->seen) != sl_flow_age(work->now_ns);
}

/*
 * What the slow path says of the known flow @flow meanwhile, to work->names; 0 there =
 * nothing new.  Always 0.
 */
SL_RARE int sl_look_flow(struct sl_flow *flow, struct sl_work *work, const struct sl_tables *tables,
			 const struct sl_names *names)
{
	if (!flow || !work || !tables || !names)
		return 0;
	uint64_t tag = work->hash;
	bool restarts = sl_believe_is_restart(flow, work);
	bool anew = flow->generation != (uint32_t)tables->generation || restarts;
	uint64_t stamp = sl_names_stamp(tables->generation, flow->incarnation + restarts);

	work->names = sl_names_read(&names->flow[sl_names_index(tag)], tag, stamp);
	if (!work->names && anew)
		work->names = sl_look_server(work, tables, names, flow->lan);
	if (++flow->name_looks >= SL_LOOKS_MAX || (work->names & SL_NAMES_FINAL))
		flow->flags &= (uint16_t)~SL_FLOW_PENDING;
	if ((work->names & SL_NAMES_HELLO) && !(flow->flags & SL_FLOW_GREETED)) {
		flow->flags |= SL_FLOW_GREETED;
		work->result.seen |= SL_SEEN_HELLO;
	}
	return 0;
}

/* Is a look due before the known flow @flow is measured: a turn of its own, or a new policy? */
SL_INLINE bool sl_look_is_due(const struct sl_flow *flow, const struct sl_work *work,
			      const struct sl_tables *tables)
{
	return work->result.flow_event == SL_FLOW_KNOWN && tables->inspect &&
	       (sl_look_is_turn(flow, work) || (work->packet.tcp_flags & SL_TCP_SYN) ||
		flow->generation != (uint32_t)tables->generation);
}

/*
 * Is this packet DHCP, which always goes to the slow path (leases.h)?  Not what comes by an
 * uplink: whom an ISP gives addresses to is none of the LAN's business.
 */
SL_INLINE bool sl_look_dhcp(const struct sl_work *work)
{
	const struct sl_packet *packet = &work->packet;

	return sl_dhcp_is(packet) && packet->payload_bytes && !packet->icmp_error &&
	       (work->side != SL_SIDE_WAN || work->port_uplink == SL_UPLINK_NONE);
}

/*
 * Copy this packet of @flow, which is measured, to the slow path?  The first ones with payload,
 * DNS answers and DHCP; but none that is not believed: a forged answer would name servers.
 */
SL_INLINE void sl_look_inspect(struct sl_flow *flow, struct sl_work *work,
			       const struct sl_tables *tables)
{
	const struct sl_packet *packet = &work->packet;
	bool answer = packet->proto == SL_PROTO_UDP && packet->src_port == SL_PORT_DNS;

	if (!tables->inspect || !packet->payload_bytes || packet->icmp_error ||
	    (work->result.seen & SL_SEEN_BOGUS))
		return;
	if ((flow->flags & SL_FLOW_PENDING) && flow->inspected < SL_INSPECT_MAX)
		work->result.inspect = ++flow->inspected;
	else if (answer || sl_look_dhcp(work))
		work->result.inspect = SL_INSPECT_ANSWER;
}

#endif
