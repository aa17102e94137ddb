/*
 * post.h - what control has to say besides events: its incidents, what it has learnt
 *
 * Sent when they change, and again when Redis has not taken them.  What other sites have
 * learnt is read at the start and each minute.  Lives beside the daemon's loop; never blocks.
 */
#ifndef SL_POST_H
#define SL_POST_H

#include "site.h"

struct sl_bus;

struct sl_post {
	struct sl_bus *bus;
	struct sl_site *site;
	bool dirty; /* something that the state file keeps has changed */
	uint64_t again_ms, fetch_ms, usage_ms;
	uint32_t memory_sent;            /* version in Redis, as far as is known */
	struct sl_memory *heard;         /* of the other sites, while it comes in */
	struct sl_memory_report *report; /* to send from */
	bool fetching;
};

/* Set up, zeroed but for bus and site.  False when out of memory; close takes that too. */
bool sl_post_open(struct sl_post *post, struct sl_bus *bus, struct sl_site *site);
void sl_post_close(struct sl_post *post);

/* The connection is there (again): what was sent into the old one is not known to be there. */
void sl_post_connected(struct sl_post *post);

/* Send what is due at @now_ms. */
void sl_post_step(struct sl_post *post, uint64_t now_ms);

#endif
