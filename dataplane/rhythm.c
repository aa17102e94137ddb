/*
 * rhythm.c - an hour is watched, then folded into the one that is remembered
 */
#include "rhythm.h"

#include <string.h>

#define MS           UINT64_C(1000000)
#define S            (1000 * MS)
#define HOUR_NS      (3600 * S)
#define WHOLE_NS     (50 * 60 * S) /* an hour watched for less is not learnt */
#define GAP_NS       (5 * S)       /* no tick for so long: the process, or the box, was away */
#define FACTOR       3             /* times the longest rest known */
#define LEAST_NS     (3 * S)
#define IDLE_NS      (600 * S) /* rests so long: nothing is expected in this hour */
#define FORGET_SHARE 8         /* a longest rest sinks by an eighth a week */
#define GROWTH       2         /* times, at most, in a week */
#define SMOOTH       0.25f
#define REST_UNIT_NS (100 * MS)

static void begin_hour(struct sl_rhythm_now *n, uint64_t now_ns, uint32_t hour)
{
	n->hour = hour;
	n->longest_ns = n->watched_ns = n->packets = n->flows = 0;
	n->tick_ns = now_ns;
}

void sl_rhythm_name(struct sl_rhythm *r, uint32_t services, const char (*name)[SL_NAME_MAX])
{
	static struct sl_rhythm_memory was[SL_SERVICES_MAX];

	memcpy(was, r->memory, sizeof(was));
	memset(r->memory, 0, sizeof(r->memory));
	memset(r->now, 0, sizeof(r->now));
	for (uint32_t s = 0; s < SL_SERVICES_MAX; s++)
		r->now[s].hour = SL_RHYTHM_HOURS;
	for (uint32_t s = 0; s < services; s++) {
		memcpy(r->memory[s].name, name[s], SL_NAME_MAX);
		for (uint32_t i = 0; i < SL_SERVICES_MAX; i++)
			if (!strncmp(was[i].name, name[s], SL_NAME_MAX))
				r->memory[s] = was[i];
	}
}

/* What was watched becomes part of what is known. */
static void fold(struct sl_rhythm_hour *h, const struct sl_rhythm_now *n)
{
	uint64_t rest_ns = n->longest_ns < HOUR_NS ? n->longest_ns : HOUR_NS;
	uint64_t most_ns = GROWTH * h->rest_100ms * REST_UNIT_NS;
	uint16_t sunk = (uint16_t)(h->rest_100ms - h->rest_100ms / FORGET_SHARE);
	float whole = (float)HOUR_NS / (float)n->watched_ns, first = h->weeks == 0 ? 1 : SMOOTH;

	if (n->watched_ns < WHOLE_NS)
		return;
	/* One outage must not teach that an hour of silence is usual. */
	if (h->weeks >= SL_RHYTHM_WEEKS_MIN && rest_ns > most_ns)
		rest_ns = most_ns > LEAST_NS ? most_ns : LEAST_NS;
	uint16_t rest = (uint16_t)(rest_ns / REST_UNIT_NS + 1);

	h->rest_100ms = rest > sunk ? rest : sunk;
	h->packets += first * ((float)n->packets * whole - h->packets);
	h->flows += first * ((float)n->flows * whole - h->flows);
	h->weeks = (uint16_t)(h->weeks < UINT16_MAX ? h->weeks + 1 : h->weeks);
}

void sl_rhythm_feed(struct sl_rhythm *r, unsigned int service, uint64_t now_ns, uint32_t hour,
		    uint64_t packets, uint64_t flows)
{
	struct sl_rhythm_now *n = &r->now[service];

	if (n->hour == SL_RHYTHM_HOURS || now_ns - n->tick_ns > GAP_NS) {
		/* Nobody watched: neither a rest nor an hour may be made of that. */
		begin_hour(n, now_ns, hour);
		n->last_ns = now_ns;
	} else if (n->hour != hour) {
		fold(&r->memory[service].hour[n->hour % SL_RHYTHM_HOURS], n);
		begin_hour(n, now_ns, hour);
	}
	n->watched_ns += now_ns - n->tick_ns;
	n->tick_ns = now_ns;
	n->packets += packets;
	n->flows += flows;
	if (now_ns - n->last_ns > n->longest_ns)
		n->longest_ns = now_ns - n->last_ns;
	if (packets)
		n->last_ns = now_ns;
}

void sl_rhythm_look(const struct sl_rhythm *r, unsigned int service, struct sl_rhythm_view *view)
{
	const struct sl_rhythm_now *n = &r->now[service];
	const struct sl_rhythm_hour *h = &r->memory[service].hour[n->hour % SL_RHYTHM_HOURS];
	uint64_t known_ns = h->rest_100ms * REST_UNIT_NS;
	uint64_t limit_ns = FACTOR * known_ns > LEAST_NS ? FACTOR * known_ns : LEAST_NS;

	*view = (struct sl_rhythm_view){
		.word = SL_RHYTHM_UNKNOWN,
		.weeks = h->weeks,
		.rest_ns = n->tick_ns - n->last_ns,
		.known_ns = known_ns,
	};
	if (n->hour == SL_RHYTHM_HOURS || h->weeks < SL_RHYTHM_WEEKS_MIN)
		return;
	view->word =
		known_ns < IDLE_NS && view->rest_ns > limit_ns ? SL_RHYTHM_SILENT : SL_RHYTHM_USUAL;
}
