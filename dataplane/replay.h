/*
 * replay.h - capture files through an engine, with the captures' own clock
 *
 * Each frame goes through the very program that runs live (xdp: the verified BPF
 * program by BPF_PROG_TEST_RUN; dpdk: the workers' burst function, on mbufs; host: the
 * same core frame by frame), and what the core said of it into a book (book.h).  Deterministic: the same input gives
 * the same bytes.
 */
#ifndef SL_REPLAY_H
#define SL_REPLAY_H

#include <stdbool.h>

#include "../proto/policy.h"
#include "clauses.h"
#include "fastpath/tables.h"

#define SL_REPLAY_FLOWS 100000

struct sl_replay_config {
	const char *engine; /* "xdp", "dpdk" or "host" */
	const struct sl_policy *policy;
	const struct sl_tables *tables;   /* of that policy; .inspect set, or nothing has a name */
	const struct sl_clauses *clauses; /* likewise */
	uint32_t flows;                   /* capacity; 0 = SL_REPLAY_FLOWS */
	/*
	 * Where the lines go.  A file: the captures are one recording in parts, read
	 * in order.  A directory (ends in '/'): each capture is one of its own, with
	 * a file NAME.flows.jsonl each.
	 */
	const char *flows_out;
	const char *events_out; /* NULL = none */
	const char *const *capture;
	uint32_t captures;
	bool verbose;
};

struct sl_replay_result {
	uint64_t frames;
	uint32_t damaged; /* captures that ended before their end, each said on stderr */
};

/*
 * Replay.  0 and *@result; or -errno and @why: -EINVAL no such engine, and what
 * sl_xdp_open() and sl_capture_open() return.  A file that is no capture gives an
 * empty file, and -EBADMSG after the others are done.
 */
int sl_replay_run(const struct sl_replay_config *config, struct sl_replay_result *result, char *why,
		  size_t why_size);

#endif
