/*
 * pair.h - the same frames through all engines, compared one by one
 */
#ifndef SL_PAIR_H
#define SL_PAIR_H

#include "dataplane/book.h"
#include "dataplane/capture.h"
#include "dataplane/engine.h"
#include "dataplane/worker.h"
#include "tests/unit/row.h"

#define SL_PAIR_COPIES (2 * SL_BURST_MAX)

/* All of enum sl_tunnel. */
#define SL_PAIR_TUNNELS \
	(SL_TUNNEL_GRE | SL_TUNNEL_IPIP | SL_TUNNEL_VXLAN | SL_TUNNEL_GENEVE | SL_TUNNEL_GTPU)

struct sl_pair {
	struct sl_engine *xdp, *host, *dpdk;
	struct sl_book *xdp_book, *host_book, *dpdk_book;
	uint64_t frames, last_ns; /* how many, and when the last passed */
	uint64_t unanswered;      /* requests that the sweeps gave up, or a reset ended */
	/* What XDP made of the frames that wait in DPDK's burst. */
	struct sl_work waiting[SL_BURST_MAX];
	uint32_t waits;
	/* The copies for the slow path since they were last compared. */
	struct sl_pair_copies {
		struct sl_inspect copy[SL_PAIR_COPIES];
		uint32_t count;
	} copies[3];
	uint64_t copied;   /* in all */
	uint64_t named;    /* flows and servers that were given a name */
	uint64_t recorded; /* records compared, of all recordings so far */
	uint64_t inside;   /* packets that came in a tunnel */
};

/* Open them, once for a test program; skips the test by name where there is no BPF or no root. */
void sl_pair_open(struct sl_pair *pair);

/* Ask for the tunnels @inner (enum sl_tunnel bits) from now on; reset before the next frame. */
void sl_pair_ask(struct sl_pair *pair, uint32_t inner);

/* Empty them and their books: the next recording. */
void sl_pair_reset(struct sl_pair *pair);

/* One frame through all; fails the test at the first byte that differs. */
void sl_pair_frame(struct sl_pair *pair, const struct sl_frame *frame);

/* All frames of a capture file. */
void sl_pair_capture(struct sl_pair *pair, const char *path);

/* At the end: the counters of all, and the lines that their books write, are the same. */
void sl_pair_same_stats(struct sl_pair *pair);
void sl_pair_same_books(struct sl_pair *pair);

/* XDP's sweep and the host's, @later_ns behind the last frame, free and count the same. */
void sl_pair_same_sweep(struct sl_pair *pair, uint64_t later_ns);

/* The lines of the host's book; free() them. */
char *sl_pair_lines(struct sl_pair *pair);

void sl_pair_close(struct sl_pair *pair);

#endif
