/*
 * slowpath_other.c - what the traffic is that no service claims
 *
 * The kinds with the most flows, by the space-saving method (Metwally et al. 2005): when there is
 * no more room the rarest kind gives its place and its count to the new one, which is then
 * over-counted by that much at most, and says so.  Bytes are those of first packets only: the
 * slow path sees no others.
 */
#include <stdlib.h>
#include <string.h>

#include "slowpath_private.h"

static bool is_kind(const struct sl_unclaimed *kind, const struct sl_unclaimed *one)
{
	if (kind->port != one->port || kind->proto != one->proto ||
	    strcmp(kind->app, one->app) != 0 || strcmp(kind->name, one->name) != 0)
		return false;
	return one->name[0] ||
	       (kind->server.hi == one->server.hi && kind->server.lo == one->server.lo);
}

static struct sl_unclaimed *find(struct sl_slowpath *slowpath, const struct sl_unclaimed *one)
{
	for (uint32_t i = 0; i < slowpath->others; i++)
		if (is_kind(&slowpath->other[i], one))
			return &slowpath->other[i];
	return NULL;
}

static struct sl_unclaimed *replace(struct sl_slowpath *slowpath, const struct sl_unclaimed *one)
{
	struct sl_unclaimed *rarest = &slowpath->other[0];
	uint64_t before;

	if (slowpath->others < SL_SLOW_OTHERS) {
		rarest = &slowpath->other[slowpath->others++];
		*rarest = *one;
		return rarest;
	}
	for (uint32_t i = 1; i < slowpath->others; i++)
		if (slowpath->other[i].flows < rarest->flows)
			rarest = &slowpath->other[i];
	before = rarest->flows;
	*rarest = *one;
	rarest->flows = rarest->flows_over = before;
	return rarest;
}

void sl_slow_other_count(struct sl_slowpath *slowpath, const struct sl_slow_flow *flow)
{
	const struct sl_flow_name *said = &flow->said;
	struct sl_unclaimed one = {.proto = said->key.proto, .server = *sl_slow_server_of(said)};
	struct sl_unclaimed *kind;

	if (said->service != SL_SERVICE_OTHER || sl_slow_word_bits(slowpath, flow))
		return;
	one.port = said->lan ? said->key.a_port : said->key.b_port;
	memcpy(one.name, said->name, sizeof(one.name));
	if (!said->guessed)
		memcpy(one.app, said->app, sizeof(one.app));
	kind = find(slowpath, &one);
	if (!kind)
		kind = replace(slowpath, &one);
	kind->server = one.server;
	kind->source = said->source;
	kind->flows++;
	kind->first_bytes += flow->first_bytes;
	kind->seen_ns = slowpath->now_ns;
}

static int by_flows(const void *a, const void *b)
{
	const struct sl_unclaimed *x = a, *y = b;

	return (x->flows < y->flows) - (x->flows > y->flows);
}

uint32_t sl_slowpath_unclaimed(const struct sl_slowpath *slowpath, struct sl_unclaimed *out,
			       uint32_t max)
{
	static struct sl_unclaimed sorted[SL_SLOW_OTHERS]; /* one thread */
	uint32_t count = slowpath->others < max ? slowpath->others : max;

	memcpy(sorted, slowpath->other, sizeof(sorted));
	qsort(sorted, slowpath->others, sizeof(sorted[0]), by_flows);
	memcpy(out, sorted, count * sizeof(*out));
	return count;
}
