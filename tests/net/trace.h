/*
 * trace.h - what a link did to each frame, as a file of fixed records
 *
 * One record a frame, written when its way ends: where its TCP bytes are, when it came to
 * the link and when it went (CLOCK_REALTIME: the kernel's own stamp of arrival, and the
 * moment before the send call), or why it was lost.  It is the lab's truth: nothing
 * here is shared with the code under test.  Host byte order; read by lab_oracle.py.
 */
#ifndef SL_TRACE_H
#define SL_TRACE_H

#include "model.h"

/* On disk as it is: lab_oracle.py has the same layout. */
struct sl_trace_record {
	uint64_t entered_ns;
	uint64_t left_ns; /* 0 = never */
	uint32_t seq, ack;
	uint32_t tsval, tsecr; /* 0 = no option */
	uint16_t sport, dport;
	uint16_t frame_bytes, payload_bytes;
	uint8_t way;  /* enum sl_link_direction */
	uint8_t end;  /* enum sl_model_end */
	uint8_t copy; /* 1: the link's own duplicate */
	uint8_t proto;
	uint8_t tcp_flags;
	uint8_t pad[3];
};
_Static_assert(sizeof(struct sl_trace_record) == 48, "lab_oracle.py reads 48 bytes");

struct sl_trace;

/* Write to @path, made anew.  0 and *@trace; or -errno. */
int sl_trace_open(struct sl_trace **trace, const char *path);
/* 0; or -EIO: not everything is in the file. */
int sl_trace_close(struct sl_trace *trace);

/*
 * The way of the frame @bytes ends.  The caller sets all of @record but what the headers
 * say: ports, sequence numbers, timestamps, payload (IPv4 and IPv6 without tags and
 * extension headers, as the lab's hosts send them; else those stay 0).
 */
void sl_trace_write(struct sl_trace *trace, struct sl_trace_record *record, const uint8_t *bytes,
		    uint32_t length);

/* CLOCK_REALTIME in ns. */
uint64_t sl_trace_now_ns(void);

#endif
