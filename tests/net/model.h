/*
 * model.h - what one direction of a WAN link does to a frame
 *
 * Pure: settings, a clock reading and a frame's length go in; its fate and the
 * time it leaves come out, and everything is counted.  Order: MTU, black hole,
 * bursty loss (Gilbert: two states, all lost in the bad one), random loss, the
 * bottleneck (a rate with a finite queue in bytes), delay and jitter, reordering,
 * duplication.  Frames leave in order unless reordering asks otherwise, so jitter
 * alone reorders nothing.  Same seed and same frames: same fates.  Lengths are of
 * the Ethernet frame without FCS; probabilities are 0 to 1.  Called from one thread.
 */
#ifndef SL_MODEL_H
#define SL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

struct sl_model_settings {
	double delay_ms;
	double jitter_ms; /* uniform, on top of the delay */
	double loss;
	double burst_enter; /* Gilbert: good to bad, a frame */
	double burst_leave; /* Gilbert: bad to good, a frame */
	double reorder;     /* share of frames held back by reorder_ms */
	double reorder_ms;
	double duplicate;
	double rate_mbit;   /* 0 = no bottleneck */
	double queue_bytes; /* before the bottleneck; 0 = endless */
	double mtu;         /* of the IP packet; larger ones vanish; 0 = no limit */
	bool blackhole;
};

struct sl_model_counts {
	uint64_t in, out, bytes_in, bytes_out;
	uint64_t lost, queue_drops, blackholed, mtu_drops;
	uint64_t reordered, duplicated, max_queue_bytes;
};

struct sl_model {
	struct sl_model_settings settings;
	struct sl_model_counts counts;
	uint64_t random; /* state of the generator, never 0 */
	bool burst;      /* Gilbert's bad state */
	uint64_t busy_until_ns, last_due_ns;
};

/* How a frame's way ends. */
enum sl_model_end {
	SL_MODEL_PASSED,
	SL_MODEL_LOST,       /* at random, or in a burst */
	SL_MODEL_QUEUE_FULL, /* before the bottleneck */
	SL_MODEL_BLACKHOLED,
	SL_MODEL_TOO_LONG,  /* for the MTU */
	SL_MODEL_UNDER_WAY, /* the link was taken away first */
};

struct sl_model_fate {
	enum sl_model_end end;
	bool twice;
	uint64_t due_ns;
};

/* Start with nothing impaired and the generator set from @seed (any value). */
void sl_model_init(struct sl_model *model, uint64_t seed);

/* The fate of a frame of @length bytes that enters at @now_ns. */
struct sl_model_fate sl_model_enter(struct sl_model *model, uint32_t length, uint64_t now_ns);

/* A frame is due: true = it leaves; false = the link was cut while it was on it. */
bool sl_model_leave(struct sl_model *model, uint32_t length);

#endif
