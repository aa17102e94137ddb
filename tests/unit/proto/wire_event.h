/*
 * wire_event.h - an event as small as they are, for the tests of bytes
 */
#ifndef SL_WIRE_EVENT_H
#define SL_WIRE_EVENT_H

#include "proto/wire.h"

static inline void small_event(struct sl_event *event)
{
	*event = (struct sl_event){
		.site = "store-0421",
		.source = "dataplane",
		.boot = UINT64_C(0xfedcba9876543210),
		.seq = 7,
		.at_unix_ns = UINT64_C(1700000000000000000),
		.kind = SL_EVENT_STATE_CHANGE,
		.service = "pos",
		.uplink = "fibre",
		.before = SL_HEALTH_GOOD,
		.after = SL_HEALTH_DEGRADED,
		.text = "loss 3.1% > 0.5%",
		.path = {.service = "pos", .uplink = "fibre", .rtt = {{"seq", 9}}},
		.has_path = true,
	};
}

#endif
