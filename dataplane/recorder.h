/*
 * recorder.h - the flow recorder: who is recorded, how densely, and a file of it
 *
 * The core keeps the last packets' headers in rings (fastpath/record.h).  Here: which services
 * have one, which share of their flows fits 30 s into it, and the writing of what stands
 * there as pcapng, an interface a path.  Writing reads memory that the workers go on writing:
 * a record that is overwritten meanwhile is left out and counted.
 */
#ifndef SL_RECORDER_H
#define SL_RECORDER_H

#include "engine.h"
#include "proto/policy.h"

#define SL_RECORDER_SPAN_NS     (30 * UINT64_C(1000000000))
#define SL_RECORDER_WORKERS_MAX 256
#define SL_RECORDER_BYTES_MAX   (UINT64_C(64) << 20) /* of all files; the oldest go */
#define SL_RECORDER_DIR         "recordings"

/* The knobs of @policy's services, by index in the tables: the most important have the rings. */
void sl_recorder_assign(const struct sl_policy *policy,
			struct sl_record_knob knob[SL_SERVICES_MAX]);

/* The mask under which a ring of @slots holds 30 s of @per_second packets, about. */
uint16_t sl_recorder_mask(uint64_t per_second, uint32_t slots);

/* What is to be written. */
struct sl_recorder_job {
	struct sl_record_view view[SL_RECORDER_WORKERS_MAX];
	uint32_t views;
	uint64_t from_ns, to_ns; /* of the records' clock */
	uint64_t unix_offset_ns; /* unix time = the records' clock + this, modulo 2^64 */
	uint32_t rings;          /* bit each */
	char comment[SL_TEXT_MAX];
	char path[SL_SERVICES_MAX][SL_UPLINKS_MAX][2 * SL_NAME_MAX]; /* names: "pos/fibre" */
};

struct sl_recorder_done {
	uint32_t packets;
	uint64_t overwritten; /* records of the span that were gone */
	uint64_t first_ns;    /* the oldest that is there; 0 = none */
};

/* Write @job to the file @name.  0 and *@done; or -errno, and no file. */
int sl_recorder_write(const struct sl_recorder_job *job, const char *name,
		      struct sl_recorder_done *done);

/* Call @each with the files of @dir, the oldest first.  How many, or -errno. */
int sl_recorder_list(const char *dir, void (*each)(void *arg, const char *name, uint64_t bytes),
		     void *arg);

/* Remove the oldest of @dir until there are @files at most, of SL_RECORDER_BYTES_MAX in all. */
void sl_recorder_prune(const char *dir, uint32_t files);

#endif
