/*
 * record.h - the flow recorder's part in the core: which packets' headers are kept, and how
 *
 * Services that the agent has given a ring (sl_knobs.record) leave each packet's headers there,
 * with time and path: 96 bytes at most, and nothing behind the TCP, UDP or ICMP header unless the
 * knob says so.  The oldest gives way.  When a ring is too small for 30 s only flows whose hash
 * fits .mask are kept, whole conversations, the others counted.  One writer a ring
 * (CPU or lcore); readers see by .number whether a record was overwritten meanwhile.
 */
#ifndef SL_RECORD_H
#define SL_RECORD_H

#include "stats.h"
#include "work.h"

#define SL_RECORD_BYTES     96
#define SL_RECORD_SLOTS     32768 /* for one service, over all workers: 4 MB */
#define SL_RECORD_SLOTS_MAX 8192  /* of a worker's ring; a power of two */
#define SL_RECORD_SLOTS_MIN 256
#define SL_RECORD_RINGS     4 /* services that can be recorded at a time, by each worker */

struct sl_record {
	uint64_t number; /* of its ring, from 1; 0 = none, or being written */
	uint64_t now_ns;
	uint32_t wire_bytes;
	uint8_t service;
	uint8_t uplink;
	uint8_t from_lan;
	uint8_t length; /* of bytes[] that are there */
	uint32_t seen;  /* enum sl_seen bits: what the core made of it */
	uint8_t pad[4];
	uint8_t bytes[SL_RECORD_BYTES];
};
SL_ASSERT_SIZE(struct sl_record, 128);

/* Of a ring. */
struct sl_record_head {
	uint64_t number;  /* of the last record */
	uint64_t skipped; /* packets of flows that were not chosen */
};
SL_ASSERT_SIZE(struct sl_record_head, 16);

/* Slots of each ring when there are @workers workers: bounded memory, 16 MB where these are many. */
SL_INLINE uint32_t sl_record_slots(uint32_t workers)
{
	uint32_t slots = SL_RECORD_SLOTS_MAX;

	while (slots > SL_RECORD_SLOTS_MIN && slots * workers > SL_RECORD_SLOTS)
		slots >>= 1;
	return slots;
}

/* What the service of @work has of the recorder; .ring 0 = nothing. */
SL_INLINE const struct sl_record_knob *sl_record_knob(const struct sl_work *work,
						      const struct sl_tables *tables)
{
	return &tables->knobs.record[work->result.service & (SL_SERVICES_MAX - 1)];
}

/* How many bytes of a frame of @frame_bytes are kept: its headers; @whole: what fits. */
SL_INLINE uint32_t sl_record_length(const struct sl_work *work, uint32_t frame_bytes,
				    uint32_t whole)
{
	const struct sl_packet *packet = &work->packet;
	uint32_t most = frame_bytes < SL_RECORD_BYTES ? frame_bytes : SL_RECORD_BYTES;
	bool tcp = packet->proto == SL_PROTO_TCP && !packet->icmp_error;
	uint32_t header = tcp ? (packet->tcp_offset >> 4) * 4u : 8;
	uint32_t end = packet->l4_offset;

	if (packet->fragment != SL_FRAGMENT_LATER)
		end += header;
	return whole || end > most ? most : end;
}

/* Is it known where the headers of @work's packet end? */
SL_INLINE bool sl_record_is_parsed(const struct sl_work *work)
{
	return work->result.reason == SL_REASON_MEASURED ||
	       work->result.reason >= SL_REASON_ICMP_ERROR;
}

/* Is the flow of @work among those that are kept?  Later fragments are: they have no hash. */
SL_INLINE bool sl_record_is_chosen(const struct sl_work *work, uint32_t mask)
{
	return ((uint32_t)(work->hash >> 16) & mask) == 0 ||
	       work->packet.fragment == SL_FRAGMENT_LATER;
}

/* All of @record but .number, which is 0 until the bytes are there, and the bytes. */
SL_INLINE void sl_record_describe(struct sl_record *record, const struct sl_work *work,
				  uint32_t length)
{
	record->number = 0;
	record->now_ns = work->now_ns;
	record->wire_bytes = work->wire_bytes;
	record->service = work->result.service;
	record->uplink = work->result.uplink;
	record->from_lan = work->result.from_lan;
	record->length = (uint8_t)length;
	record->seen = work->result.seen;
}

#endif
