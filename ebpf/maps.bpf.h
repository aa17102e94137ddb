/*
 * maps.bpf.h - the maps of maps.h as the BPF side declares them, and the program's constants
 */
#ifndef SL_MAPS_BPF_H
#define SL_MAPS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps.h"

const volatile struct sl_config sl_config = {.cpus = 1, .record_mask = SL_RECORD_SLOTS_MIN - 1};

struct sl_tables_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct sl_tables);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__array(values, struct sl_tables_inner);
} sl_tables SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct sl_stats);
} sl_stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct sl_work);
} sl_work SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* page-aligned: an entry is whole cache lines */
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct sl_bucket);
} sl_buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* page-aligned: an entry is whole cache lines */
	__uint(max_entries, SL_BUCKET_WAYS);
	__type(key, uint32_t);
	__type(value, struct sl_flow);
} sl_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct sl_shared);
} sl_shared SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SL_FRAGMENT_SLOTS);
	__type(key, uint32_t);
	__type(value, struct sl_fragment_slot);
} sl_fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SL_PORT_SLOTS);
	__type(key, uint32_t);
	__type(value, struct sl_port);
} sl_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct sl_clock);
} sl_clock SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct sl_names);
} sl_names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SL_INSPECT_RING_BYTES);
} sl_inspects SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SL_RECORD_RINGS *SL_RECORD_SLOTS_MIN);
	__type(key, uint32_t);
	__type(value, struct sl_record);
} sl_records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SL_RECORD_RINGS);
	__type(key, uint32_t);
	__type(value, struct sl_record_head);
} sl_record_heads SEC(".maps");

#endif
