/*
 * knobs.c - single-word stores into the standing tables
 */
#include "knobs.h"

#include <string.h>

#define NS_PER_S       UINT64_C(1000000000)
#define US_PER_S       UINT64_C(1000000)
#define BURST_US       50000
#define BURST_BITS_MIN (10 * 1500 * 8) /* ten full packets: less starves one TCP flow */

struct sl_steer sl_knobs_steer(const struct sl_tables *tables, unsigned int service)
{
	const uint64_t *word = (const uint64_t *)(const void *)&tables->knobs.steer[service];
	uint64_t value = __atomic_load_n(word, __ATOMIC_RELAXED);
	struct sl_steer steer;

	memcpy(&steer, &value, sizeof(steer));
	return steer;
}

void sl_knobs_set_steer(struct sl_tables *tables, unsigned int service, struct sl_steer steer)
{
	uint64_t value;

	memcpy(&value, &steer, sizeof(value));
	__atomic_store_n((uint64_t *)(void *)&tables->knobs.steer[service], value,
			 __ATOMIC_RELEASE);
}

struct sl_rate sl_knobs_rate(uint64_t bps)
{
	if (bps == 0)
		return (struct sl_rate){0, 0};
	if (bps < SL_KNOBS_BPS_MIN)
		bps = SL_KNOBS_BPS_MIN;
	uint64_t ns_per_kib = (1024 * 8 * NS_PER_S + bps / 2) / bps;
	uint64_t burst_us = BURST_BITS_MIN * US_PER_S / bps;

	return (struct sl_rate){
		.ns_per_kib = ns_per_kib ? (uint32_t)ns_per_kib : 1,
		.burst_us = burst_us > BURST_US ? (uint32_t)burst_us : BURST_US,
	};
}

uint64_t sl_knobs_bps(struct sl_rate rate)
{
	return rate.ns_per_kib ? 1024 * 8 * NS_PER_S / rate.ns_per_kib : 0;
}

void sl_knobs_set_rate(struct sl_tables *tables, unsigned int service, struct sl_rate rate)
{
	uint64_t value;

	memcpy(&value, &rate, sizeof(value));
	for (int side = 0; side < 2; side++)
		__atomic_store_n((uint64_t *)(void *)&tables->knobs.rate[service][side], value,
				 __ATOMIC_RELEASE);
}

void sl_knobs_set_bypass(struct sl_tables *tables, bool bypass)
{
	__atomic_store_n(&tables->knobs.bypass, bypass, __ATOMIC_RELEASE);
}

void sl_knobs_set_clamp(struct sl_tables *tables, unsigned int uplink, uint16_t bytes)
{
	__atomic_store_n(&tables->knobs.clamp_bytes[uplink], bytes, __ATOMIC_RELEASE);
}

void sl_knobs_set_remark(struct sl_tables *tables, unsigned int service, uint8_t word)
{
	__atomic_store_n(&tables->knobs.remark[service], word, __ATOMIC_RELEASE);
}

void sl_knobs_set_record(struct sl_tables *tables, unsigned int service, struct sl_record_knob knob)
{
	uint64_t value;

	memcpy(&value, &knob, sizeof(value));
	__atomic_store_n((uint64_t *)(void *)&tables->knobs.record[service], value,
			 __ATOMIC_RELEASE);
}
