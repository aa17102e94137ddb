/*
 * wire_fields.c - the tables of wire_fields.h, and the memory that a walk works in
 *
 * Rows stand in the order of the field numbers of storeline.proto; a unit test
 * holds the names against the descriptors.  Constant after start: any thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storeline.pb-c.h"
#include "wire_fields.h"

#define AT(member) offsetof(struct STRUCT, member)
#define VERSION                                                  \
	{                                                        \
		.name = "wire_version", .kind = SL_FIELD_VERSION \
	}
#define BOOL(member)                                                         \
	{                                                                    \
		.name = #member, .kind = SL_FIELD_BOOL, .offset = AT(member) \
	}
#define U32(member)                                                         \
	{                                                                   \
		.name = #member, .kind = SL_FIELD_U32, .offset = AT(member) \
	}
#define U64(member)                                                         \
	{                                                                   \
		.name = #member, .kind = SL_FIELD_U64, .offset = AT(member) \
	}
#define ID(member)                                                         \
	{                                                                  \
		.name = #member, .kind = SL_FIELD_ID, .offset = AT(member) \
	}
#define U32_AS(as, member)                                              \
	{                                                               \
		.name = #as, .kind = SL_FIELD_U32, .offset = AT(member) \
	}
#define U64_AS(as, member)                                              \
	{                                                               \
		.name = #as, .kind = SL_FIELD_U64, .offset = AT(member) \
	}
#define ENUM(member, of)                                                      \
	{                                                                     \
		.name = #member, .kind = SL_FIELD_ENUM, .offset = AT(member), \
		.words = &sl_words_##of                                       \
	}
#define TEXT(member)                                                          \
	{                                                                     \
		.name = #member, .kind = SL_FIELD_TEXT, .offset = AT(member), \
		.limit = sizeof(((struct STRUCT *)0)->member)                 \
	}
#define LINES(member)                                                          \
	{                                                                      \
		.name = #member, .kind = SL_FIELD_LINES, .offset = AT(member), \
		.limit = sizeof(((struct STRUCT *)0)->member)                  \
	}
#define MESSAGE(as, member, of)                                                             \
	{                                                                                   \
		.name = #as, .kind = SL_FIELD_MESSAGE, .offset = AT(member), .message = &of \
	}
#define OPTIONAL(member, has, of)                                                 \
	{                                                                         \
		.name = #member, .kind = SL_FIELD_OPTIONAL, .offset = AT(member), \
		.count = AT(has), .message = &of                                  \
	}
#define LIST(counter, member, max, of)                                         \
	{                                                                      \
		.name = #counter, .kind = SL_FIELD_LIST, .offset = AT(member), \
		.count = AT(counter), .limit = max, .message = &of             \
	}
#define FIELDS(of, table, pb)                                                 \
	{                                                                     \
		.descriptor = &pb, .size = sizeof(struct of), .field = table, \
		.fields = sizeof(table) / sizeof((table)[0])                  \
	}

#define STRUCT sl_latency_report
static const struct sl_field latency_rows[] = {
	TEXT(method), U32(samples), U32(above_slo), U32(p50_us), U32(p95_us), U32(max_us),
};
static const struct sl_fields latency =
	FIELDS(sl_latency_report, latency_rows, storeline__v1__latency_report__descriptor);
#undef STRUCT

const uint32_t sl_latency_bound_us[SL_LATENCY_BOUNDS] = {
	1000, 2000, 5000, 10000, 20000, 40000, 80000, 160000, 320000, 1000000, 3000000, 10000000,
};

#define STRUCT sl_latency_totals
static const struct sl_field totals_rows[] = {
	U64_AS(to_1ms, count[0]),   U64_AS(to_2ms, count[1]),
	U64_AS(to_5ms, count[2]),   U64_AS(to_10ms, count[3]),
	U64_AS(to_20ms, count[4]),  U64_AS(to_40ms, count[5]),
	U64_AS(to_80ms, count[6]),  U64_AS(to_160ms, count[7]),
	U64_AS(to_320ms, count[8]), U64_AS(to_1s, count[9]),
	U64_AS(to_3s, count[10]),   U64_AS(to_10s, count[11]),
	U64_AS(longer, count[12]),  U64(sum_us),
};
static const struct sl_fields totals =
	FIELDS(sl_latency_totals, totals_rows, storeline__v1__latency_totals__descriptor);
#undef STRUCT

#define STRUCT sl_loss_report
static const struct sl_field loss_rows[] = {
	U32(segments),  U32(lost_after),   U32(lost_before), U32(spurious),
	U32(reordered), U32(capture_miss), U32(duplicates),
};
static const struct sl_fields loss =
	FIELDS(sl_loss_report, loss_rows, storeline__v1__loss_report__descriptor);
#undef STRUCT

#define STRUCT sl_media_report
static const struct sl_field media_rows[] = {U32(packets), U32(expected), U32(jitter_us)};
static const struct sl_fields media =
	FIELDS(sl_media_report, media_rows, storeline__v1__media_report__descriptor);
#undef STRUCT

#define STRUCT sl_path_report
static const struct sl_field path_rows[] = {
	TEXT(service),
	TEXT(uplink),
	ENUM(state, health),
	TEXT(reason),
	U32(window_ms),
	MESSAGE(rtt_lan, rtt[0], latency),
	MESSAGE(rtt_wan, rtt[1], latency),
	MESSAGE(loss_from_lan, loss[0], loss),
	MESSAGE(loss_from_wan, loss[1], loss),
	U32_AS(packets_from_lan, packets[0]),
	U32_AS(packets_from_wan, packets[1]),
	U64_AS(bytes_from_lan, bytes[0]),
	U64_AS(bytes_from_wan, bytes[1]),
	U32(flows_new),
	U32(flows_full),
	U32(attempts),
	U32(attempts_repeated),
	U32(established),
	U32(refused),
	U32(resets),
	U32(demand),
	U32(progress),
	U32(stalls),
	U32(stall_repeats),
	U32(silent_ms),
	U32(coverage_ppm),
	U32(meter_dropped),
	MESSAGE(dns, dns, latency),
	MESSAGE(think, think, latency),
	MESSAGE(transaction, transaction, latency),
	MESSAGE(media_from_lan, media[0], media),
	MESSAGE(media_from_wan, media[1], media),
	U32(queries),
	U32(queries_failed),
	U32(queries_unanswered),
	U32(hellos),
	U32(hellos_unanswered),
	U32(bogus_acks),
	U32(bogus_seqs),
	U32(bogus_echoes),
	U32(bogus_icmp),
	U32(bogus),
	U32(bogus_answers),
	U32(requests),
	U32(requests_unanswered),
	U32_AS(large_stuck_from_lan, large_stuck[0]),
	U32_AS(large_stuck_from_wan, large_stuck[1]),
	U32_AS(large_passed_from_lan, large_passed[0]),
	U32_AS(large_passed_from_wan, large_passed[1]),
	OPTIONAL(rtt_wan_totals, has_rtt_wan_totals, totals),
	U32(remarked),
	U32(idle_unanswered),
	U32(idle_ms),
};
static const struct sl_fields path =
	FIELDS(sl_path_report, path_rows, storeline__v1__path_report__descriptor);
#undef STRUCT

#define STRUCT sl_uplink_report
static const struct sl_field uplink_rows[] = {
	TEXT(name),
	ENUM(state, health),
	TEXT(reason),
	U64_AS(rate_up_bps, rate_bps[0]),
	U64_AS(rate_down_bps, rate_bps[1]),
	U64(capacity_bps),
	U32(silent_ms),
	U32(clamp_bytes),
	TEXT(cause),
};
static const struct sl_fields uplink =
	FIELDS(sl_uplink_report, uplink_rows, storeline__v1__uplink_report__descriptor);
#undef STRUCT

#define STRUCT sl_service_report
static const struct sl_field service_rows[] = {
	TEXT(name),
	TEXT(uplink),
	TEXT(trial_uplink),
	U32(trial_share_ppm),
	U64_AS(limit_up_bps, limit_bps[0]),
	U64_AS(limit_down_bps, limit_bps[1]),
	BOOL(rerouted),
	TEXT(cause),
	TEXT(dscp),
	TEXT(dscp_cause),
};
static const struct sl_fields service =
	FIELDS(sl_service_report, service_rows, storeline__v1__service_report__descriptor);
#undef STRUCT

#define STRUCT sl_counter
static const struct sl_field counter_rows[] = {TEXT(name), U64(value)};
static const struct sl_fields counter =
	FIELDS(sl_counter, counter_rows, storeline__v1__counter__descriptor);
#undef STRUCT

#define STRUCT sl_dhcp_report
static const struct sl_field dhcp_rows[] = {
	U32(vlan),
	U32(clients),
	U32(clients_randomised),
	U32(clients_asking),
	U32(clients_unanswered),
	U32(clients_refused),
	U32(discovers),
	U32(naks),
	U32(servers),
	TEXT(new_server),
};
static const struct sl_fields dhcp =
	FIELDS(sl_dhcp_report, dhcp_rows, storeline__v1__dhcp_report__descriptor);
#undef STRUCT

#define STRUCT sl_telemetry
static const struct sl_field telemetry_rows[] = {
	VERSION,
	TEXT(site),
	ID(boot),
	U64(version),
	U64(at_unix_ns),
	U64(event_seq),
	ENUM(mode, mode),
	U64(policy_version),
	U32(tables_generation),
	BOOL(frozen),
	BOOL(bypassed),
	LIST(paths, path, SL_WIRE_PATHS_MAX, path),
	LIST(uplinks, uplink, SL_WIRE_UPLINKS_MAX, uplink),
	LIST(services, service, SL_WIRE_SERVICES_MAX, service),
	LIST(counters, counter, SL_WIRE_COUNTERS_MAX, counter),
	LIST(dhcp, dhcp_vlan, SL_WIRE_VLANS_MAX, dhcp),
};
const struct sl_fields sl_fields_telemetry =
	FIELDS(sl_telemetry, telemetry_rows, storeline__v1__telemetry__descriptor);
#undef STRUCT

#define STRUCT sl_decision_input
static const struct sl_field input_rows[] = {
	TEXT(name), U64(value), U64(limit), U64(usual), U32(samples),
};
static const struct sl_fields input =
	FIELDS(sl_decision_input, input_rows, storeline__v1__decision_input__descriptor);
#undef STRUCT

#define STRUCT sl_decision_option
static const struct sl_field option_rows[] = {TEXT(remedy), TEXT(target), BOOL(chosen), TEXT(why)};
static const struct sl_fields option =
	FIELDS(sl_decision_option, option_rows, storeline__v1__decision_option__descriptor);
#undef STRUCT

#define STRUCT sl_decision
static const struct sl_field decision_rows[] = {
	TEXT(located),
	TEXT(guardrail),
	TEXT(fingerprint),
	TEXT(remembered),
	LIST(inputs, input, SL_WIRE_INPUTS_MAX, input),
	LIST(options, option, SL_WIRE_OPTIONS_MAX, option),
};
static const struct sl_fields decision =
	FIELDS(sl_decision, decision_rows, storeline__v1__decision__descriptor);
#undef STRUCT

#define STRUCT sl_event
static const struct sl_field event_rows[] = {
	VERSION,
	TEXT(site),
	TEXT(source),
	ID(boot),
	U64(seq),
	U64(at_unix_ns),
	U64(at_mono_ns),
	ENUM(kind, event),
	TEXT(service),
	TEXT(uplink),
	TEXT(to_uplink),
	ENUM(before, health),
	ENUM(after, health),
	ENUM(verdict, verdict),
	TEXT(remedy),
	U64(limit_bps),
	ENUM(ack, ack),
	TEXT(command_id),
	U64(incident),
	U64(lost),
	TEXT(text),
	OPTIONAL(path, has_path, path),
	OPTIONAL(decision, has_decision, decision),
};
const struct sl_fields sl_fields_event =
	FIELDS(sl_event, event_rows, storeline__v1__event__descriptor);
#undef STRUCT

#define STRUCT sl_incident_step
static const struct sl_field step_rows[] = {
	U64(at_unix_ns),
	TEXT(remedy),
	TEXT(target),
	TEXT(text),
};
static const struct sl_fields step =
	FIELDS(sl_incident_step, step_rows, storeline__v1__incident_step__descriptor);
#undef STRUCT

#define STRUCT sl_incident
static const struct sl_field incident_rows[] = {
	VERSION,
	TEXT(site),
	U64(id),
	TEXT(service),
	TEXT(uplink),
	ENUM(verdict, verdict),
	TEXT(located),
	TEXT(fingerprint),
	TEXT(remedy),
	TEXT(target),
	ENUM(outcome, outcome),
	U64(first_bad_unix_ns),
	U64(opened_unix_ns),
	U64(acted_unix_ns),
	U64(proved_unix_ns),
	U64(closed_unix_ns),
	TEXT(text),
	OPTIONAL(path, has_path, path),
	LIST(steps, step, SL_WIRE_STEPS_MAX, step),
};
const struct sl_fields sl_fields_incident =
	FIELDS(sl_incident, incident_rows, storeline__v1__incident__descriptor);
#undef STRUCT

#define STRUCT sl_memory_entry
static const struct sl_field memory_entry_rows[] = {
	TEXT(fingerprint), TEXT(remedy),   TEXT(target),      U32(helped),
	U32(failed),       U32(repair_ms), U64(last_unix_ns),
};
static const struct sl_fields memory_entry =
	FIELDS(sl_memory_entry, memory_entry_rows, storeline__v1__memory_entry__descriptor);
#undef STRUCT

#define STRUCT sl_memory_report
static const struct sl_field memory_rows[] = {
	VERSION,
	TEXT(site),
	U64(at_unix_ns),
	LIST(entries, entry, SL_WIRE_MEMORIES_MAX, memory_entry),
};
const struct sl_fields sl_fields_memory =
	FIELDS(sl_memory_report, memory_rows, storeline__v1__memory__descriptor);
#undef STRUCT

#define STRUCT sl_command
static const struct sl_field command_rows[] = {
	VERSION,
	TEXT(site),
	TEXT(id),
	TEXT(controller),
	U64(term),
	U64(issued_unix_ns),
	U64(expires_unix_ns),
	ENUM(kind, command),
	TEXT(service),
	TEXT(uplink),
	U32(share_ppm),
	BOOL(move_live),
	U64(limit_bps),
	U32(hold_ms),
	U64(incident),
	TEXT(reason),
	LINES(policy),
	U32(packet_bytes),
	TEXT(dscp),
	U64(policy_version),
};
const struct sl_fields sl_fields_command =
	FIELDS(sl_command, command_rows, storeline__v1__command__descriptor);
#undef STRUCT

#define STRUCT sl_unclaimed_entry
static const struct sl_field kind_rows[] = {
	TEXT(name),  TEXT(name_source), TEXT(address),    TEXT(app),         U32(port),
	TEXT(proto), U64(flows),        U64(first_bytes), U64(last_unix_ns), U64(flows_over),
};
static const struct sl_fields kind =
	FIELDS(sl_unclaimed_entry, kind_rows, storeline__v1__unclaimed_entry__descriptor);
#undef STRUCT

#define STRUCT sl_unclaimed_report
static const struct sl_field unclaimed_rows[] = {
	VERSION,
	TEXT(site),
	U64(at_unix_ns),
	LIST(entries, entry, SL_WIRE_KINDS_MAX, kind),
};
const struct sl_fields sl_fields_unclaimed =
	FIELDS(sl_unclaimed_report, unclaimed_rows, storeline__v1__unclaimed__descriptor);
#undef STRUCT

int sl_arena_open(struct sl_arena *arena, size_t size)
{
	*arena = (struct sl_arena){.base = malloc(size), .size = size};
	return arena->base ? 0 : -ENOMEM;
}

void *sl_arena_take(struct sl_arena *arena, size_t size)
{
	const size_t align = sizeof(max_align_t);
	uint8_t *piece = arena->base + arena->used;

	if (size > arena->size)
		return NULL;
	size = (size + align - 1) / align * align;
	if (size > arena->size - arena->used)
		return NULL;
	arena->used += size;
	return memset(piece, 0, size);
}

void sl_arena_close(struct sl_arena *arena)
{
	free(arena->base);
	*arena = (struct sl_arena){0};
}
