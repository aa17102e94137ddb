/*
 * post.c - incidents and memory onto the bus, until they are taken; the fleet's memory off it
 */
#include "post.h"
#include "learn.h"

#include "proto/bus.h"

#include <stdlib.h>
#include <string.h>

#define FETCH_MS 60000
#define USAGE_MS 60000 /* so much of the month's count may be lost */
#define AGAIN_MS 5000  /* Redis would not (no memory, read only): not at every tick */

struct sent {
	struct sl_post *post;
	uint64_t id;
	uint32_t version;
};

static void on_taken(void *arg, int err, const char *id)
{
	struct sent *sent = arg;

	if (!err) {
		sl_incident_taken(&sent->post->site->cases, sent->id, sent->version);
		sent->post->dirty = true;
	}
	free(sent);
}

static bool send_case(struct sl_post *post, struct sl_case *one)
{
	struct sent *sent = malloc(sizeof(*sent));

	if (!sent)
		return false;
	*sent = (struct sent){post, one->incident.id, one->version};
	if (sl_bus_send_incident(post->bus, &one->incident, on_taken, sent)) {
		free(sent);
		return false;
	}
	one->sent = one->version;
	return true;
}

bool sl_post_open(struct sl_post *post, struct sl_bus *bus, struct sl_site *site)
{
	*post = (struct sl_post){.bus = bus,
				 .site = site,
				 .heard = calloc(1, sizeof(*post->heard)),
				 .report = calloc(1, sizeof(*post->report))};
	return post->heard && post->report;
}

void sl_post_close(struct sl_post *post)
{
	free(post->heard);
	free(post->report);
}

/* One site's; our own is only news when our state was lost. */
static void hear(struct sl_post *post, const struct sl_memory_report *report)
{
	struct sl_site *site = post->site;
	bool own = !strcmp(report->site, site->name);

	if (own && site->memory.count)
		return;
	for (uint32_t i = 0; i < report->entries; i++)
		sl_memory_add(own ? &site->memory : post->heard, &report->entry[i]);
	post->dirty |= own;
}

static void on_memory(void *arg, const struct sl_memory_report *report)
{
	struct sl_post *post = arg;

	if (report) {
		hear(post, report);
		return;
	}
	post->fetching = false;
	/* Nothing heard may be a lost connection: what was known stays. */
	if (post->heard->count)
		post->site->fleet = *post->heard;
}

static void fetch_memory(struct sl_post *post, uint64_t now_ms)
{
	if (post->fetching)
		return;
	post->fetch_ms = now_ms;
	post->fetching = true;
	*post->heard = (struct sl_memory){.count = 0};
	if (sl_bus_fetch_memory(post->bus, on_memory, post))
		post->fetching = false;
}

static void send_memory(struct sl_post *post)
{
	uint32_t version = post->site->memory.version;

	if (version == post->memory_sent)
		return;
	sl_learn_report(post->site, post->report);
	if (!sl_bus_send_memory(post->bus, post->report))
		post->memory_sent = version;
}

void sl_post_connected(struct sl_post *post)
{
	sl_incident_resend(&post->site->cases, true);
	post->memory_sent = 0; /* Redis may have come back empty */
	post->fetch_ms = 0;
}

void sl_post_step(struct sl_post *post, uint64_t now_ms)
{
	struct sl_case *one = NULL;

	if (now_ms - post->usage_ms >= USAGE_MS) {
		post->usage_ms = now_ms;
		post->dirty = true;
	}
	if (now_ms - post->again_ms >= AGAIN_MS) {
		post->again_ms = now_ms;
		sl_incident_resend(&post->site->cases, false);
	}
	if (!post->fetch_ms || now_ms - post->fetch_ms >= FETCH_MS)
		fetch_memory(post, now_ms);
	send_memory(post);
	while ((one = sl_incident_unsent(&post->site->cases, one)))
		if (!send_case(post, one))
			return;
}
