/*
 * link.h - two interfaces joined by two impaired directions
 *
 * Reads frames from packet sockets in batches, asks the model for their fate, keeps
 * what is under way in a heap ordered by the time it is due, and writes it out in
 * batches.  Every frame is treated alike, ARP too: it is a cable.  One thread.
 */
#ifndef SL_LINK_H
#define SL_LINK_H

#include "model.h"
#include "trace.h"

#define SL_LINK_WATCHES 16

enum sl_link_direction { SL_LINK_UP, SL_LINK_DOWN, SL_LINK_DIRECTIONS };

/* Waits for the first frame of direction up towards an address and port. */
struct sl_link_watch {
	bool armed;
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;       /* TCP or UDP */
	uint64_t seen_ns;    /* CLOCK_MONOTONIC; 0 = not yet */
};

/* What the link itself lost, not the model: must stay 0 for a run to count. */
struct sl_link_trouble {
	uint64_t socket_drops, no_frame, oversize, send_errors;
};

struct sl_link;

/*
 * Join @interface[up] (the store's side, whose frames go up) and @interface[down].
 * 0 and *@link; -ENODEV for an unknown interface, else -errno.
 */
int sl_link_open(struct sl_link **link, const char *const interface[SL_LINK_DIRECTIONS],
		 uint64_t seed);
void sl_link_close(struct sl_link *link);

/*
 * From now on write what becomes of each frame to @trace, which is the caller's and must
 * live as long as the link; frames are then sent one by one, each with its own time.
 * 0 or -errno.
 */
int sl_link_trace(struct sl_link *link, struct sl_trace *trace);

/* Send what is due at @now_ns. */
void sl_link_deliver(struct sl_link *link, uint64_t now_ns);
/* Take in what has arrived on the side that @direction starts from. */
void sl_link_receive(struct sl_link *link, enum sl_link_direction direction);

/* When the next frame is due; UINT64_MAX = none is under way. */
uint64_t sl_link_next_ns(const struct sl_link *link);
/* The socket to poll for frames of @direction. */
int sl_link_fd(const struct sl_link *link, enum sl_link_direction direction);

struct sl_model *sl_link_model(struct sl_link *link, enum sl_link_direction direction);
/* The watches: the caller arms one and reads seen_ns. */
struct sl_link_watch *sl_link_watches(struct sl_link *link);
/* Frames under way, both directions. */
uint32_t sl_link_under_way(const struct sl_link *link);
struct sl_link_trouble sl_link_trouble(struct sl_link *link);

/* CLOCK_MONOTONIC in ns: the link's only clock. */
uint64_t sl_link_now_ns(void);

#endif
