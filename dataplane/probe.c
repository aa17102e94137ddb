/*
 * probe.c - whom to ask, when, and what no answer means
 */
#include "probe.h"

#include <string.h>

#define MS          UINT64_C(1000000)
#define S           (1000 * MS)
#define IPPROTO_TCP 6

#define BURST_NS     (1 * S) /* so much of the budget may be spent at once ... */
#define CALM_SPEND   (S / 2) /* ... of which what can wait leaves half */
#define WAIT_MIN_NS  (15 * MS)
#define WAIT_MAX_NS  (400 * MS)
#define WAIT_NEW_NS  (1 * S)    /* for one that was never heard */
#define SLACK_US     5000       /* two turns of a busy box, at least, beside the deviation */
#define LEARN_NS     (250 * MS) /* between the first tries of a target by an uplink */
#define KEEP_NS      (20 * S)   /* then */
#define KEEP_METERED (120 * S)
#define PROVEN_NS    (600 * S)
#define PROVEN_TIMES 2
#define MUTE_TRIES   3
#define MUTE_NS      (600 * S)
#define DOUBT_TIMES  3
#define STALE_NS     (60 * S) /* a target that nobody used for so long gives way to a new one */
#define RETURN_NS    (200 * MS)
#define TIRED_NS     (100 * MS) /* the row is long enough: no need to hurry any more */
#define WEARY_NS     (1 * S)
#define BLIPS_NS     (10 * S)
#define BLIPS_MOST   4
#define CROSS_NS     (50 * MS)
#define FRESH_NS     (1 * S)

/* IP bytes of a probe and what it calls forth: echo; SYN, SYN-ACK, ACK, RST; STAMP. */
static const uint16_t cost_bytes[SL_PROBE_KINDS][2] = {{72, 112}, {212, 292}, {144, 184}};

void sl_probe_init(struct sl_probe *p, uint32_t uplinks, uint64_t interval_ns, bool always)
{
	*p = (struct sl_probe){.uplinks = uplinks, .interval_ns = interval_ns, .always = always};
}

/* ---- targets ---- */

static bool same_address(const struct sl_addr *a, const struct sl_addr *b)
{
	return a->hi == b->hi && a->lo == b->lo;
}

static struct sl_probe_target *find(struct sl_probe *p, const struct sl_probe_server *server)
{
	for (int i = 0; i < SL_PROBE_TARGETS; i++)
		if (p->target[i].used && p->target[i].kind != SL_PROBE_STAMP &&
		    same_address(&p->target[i].server.addr, &server->addr))
			return &p->target[i];
	return NULL;
}

/* Where a new one may go: free, or the least of those that may give way; NULL = none. */
static struct sl_probe_target *room(struct sl_probe *p, uint8_t rank, uint64_t now_ns)
{
	struct sl_probe_target *least = NULL;

	for (int i = 0; i < SL_PROBE_TARGETS; i++) {
		struct sl_probe_target *t = &p->target[i];

		if (!t->used)
			return t;
		bool gives_way = t->kind != SL_PROBE_STAMP &&
				 (t->server.rank < rank || now_ns - t->seen_ns > STALE_NS);

		if (gives_way &&
		    (!least || t->server.rank < least->server.rank ||
		     (t->server.rank == least->server.rank && t->seen_ns < least->seen_ns)))
			least = t;
	}
	return least;
}

static void forget_flights(struct sl_probe *p, uint8_t target)
{
	for (uint32_t u = 0; u < p->uplinks; u++) {
		p->uplink[u].row_targets &= ~(1u << target);
		for (int i = 0; i < SL_PROBE_FLIGHTS; i++)
			if (p->uplink[u].flight[i].target == target)
				p->uplink[u].flight[i] = (struct sl_probe_flight){0};
	}
}

void sl_probe_learn(struct sl_probe *p, const struct sl_probe_server *server, uint64_t now_ns)
{
	struct sl_probe_target *t = find(p, server);

	if (!t) {
		t = room(p, server->rank, now_ns);
		if (!t)
			return;
		forget_flights(p, (uint8_t)(t - p->target));
		*t = (struct sl_probe_target){.server = *server, .used = true};
	}
	t->seen_ns = now_ns;
	t->server.uplinks |= server->uplinks;
	if (server->rank > t->server.rank)
		t->server.rank = server->rank;
}

void sl_probe_reflector(struct sl_probe *p, unsigned int uplink,
			const struct sl_probe_server *server)
{
	struct sl_probe_target *t = room(p, UINT8_MAX, 0);

	if (!t)
		return;
	*t = (struct sl_probe_target){.server = *server, .used = true, .kind = SL_PROBE_STAMP};
	t->server.uplinks = (uint8_t)(1u << uplink);
}

static bool askable(const struct sl_probe_target *t, unsigned int uplink, uint64_t now_ns)
{
	return t->used && (t->server.uplinks & 1u << uplink) && now_ns >= t->mute_until_ns;
}

static bool proven(const struct sl_probe_target *t, unsigned int uplink, uint64_t now_ns)
{
	const struct sl_probe_reply *r = &t->reply[uplink];

	return r->answered >= PROVEN_TIMES && now_ns - r->answered_ns < PROVEN_NS;
}

static uint64_t wait_ns(const struct sl_probe_target *t, unsigned int uplink, uint64_t now_ns)
{
	const struct sl_probe_reply *r = &t->reply[uplink];
	uint32_t slack = 4 * r->deviation_us > SLACK_US ? 4 * r->deviation_us : SLACK_US;
	uint64_t ns = (uint64_t)(r->srtt_us + slack) * 1000;

	if (!proven(t, uplink, now_ns))
		return WAIT_NEW_NS;
	return ns < WAIT_MIN_NS ? WAIT_MIN_NS : ns > WAIT_MAX_NS ? WAIT_MAX_NS : ns;
}

/* Nobody heard it by any uplink: another way to ask, or none for a while. */
static void give_up(struct sl_probe_target *t, uint64_t now_ns)
{
	uint32_t tries = 0;

	for (int u = 0; u < SL_UPLINKS_MAX; u++) {
		if (t->reply[u].answered)
			return;
		tries += t->reply[u].unheard;
	}
	if (tries < MUTE_TRIES || t->kind == SL_PROBE_STAMP)
		return;
	memset(t->reply, 0, sizeof(t->reply));
	if (t->kind == SL_PROBE_ECHO && t->server.proto == IPPROTO_TCP) {
		t->kind = SL_PROBE_SYN;
		return;
	}
	t->kind = SL_PROBE_ECHO;
	t->mute_until_ns = now_ns + MUTE_NS;
}

/* ---- what comes of a probe ---- */

static void lose(struct sl_probe *p, unsigned int u, struct sl_probe_flight *f, uint64_t now_ns)
{
	struct sl_probe_uplink *uplink = &p->uplink[u];
	struct sl_probe_target *t = &p->target[f->target];

	f->waiting = false;
	if (!f->proven) {
		p->counts.unheard++;
		t->reply[u].unheard += uplink->row == 0;
		give_up(t, now_ns);
		return;
	}
	p->counts.lost++;
	t->reply[u].unheard++;
	if (uplink->row++ == 0)
		uplink->row_ns = f->sent_ns;
	uplink->row_targets |= 1u << f->target;
}

void sl_probe_expire(struct sl_probe *p, uint64_t now_ns)
{
	for (uint32_t u = 0; u < p->uplinks; u++)
		for (uint32_t i = 0; i < SL_PROBE_FLIGHTS; i++) {
			/* In the order in which they were sent. */
			uint32_t at = (p->uplink[u].number + 1 + i) % SL_PROBE_FLIGHTS;
			struct sl_probe_flight *f = &p->uplink[u].flight[at];

			if (f->waiting && now_ns >= f->due_ns)
				lose(p, u, f, now_ns);
		}
}

/* RFC 6298 2.2, 2.3. */
static void sample(struct sl_probe_reply *r, uint32_t rtt_us)
{
	uint32_t off = rtt_us > r->srtt_us ? rtt_us - r->srtt_us : r->srtt_us - rtt_us;

	if (r->answered == 0) {
		r->srtt_us = rtt_us;
		r->deviation_us =
			rtt_us / 8; /* half, says the RFC: for one to whom a repeat is dear */
		return;
	}
	r->deviation_us = (3 * r->deviation_us + off) / 4;
	r->srtt_us = (7 * r->srtt_us + rtt_us) / 8;
}

/* Whoever was silent in a row that another one ended is no witness any more. */
static void doubt(struct sl_probe *p, unsigned int u)
{
	for (int i = 0; i < SL_PROBE_TARGETS; i++) {
		struct sl_probe_reply *r = &p->target[i].reply[u];

		if ((p->uplink[u].row_targets & 1u << i) && r->unheard >= DOUBT_TIMES)
			r->answered = r->tried = 0;
	}
}

/* Single ones that are lost do no harm: a row of two tells that three will come by chance. */
static void end_row(struct sl_probe_uplink *uplink, uint64_t now_ns)
{
	if (now_ns - uplink->blips_ns > BLIPS_NS) {
		uplink->blips_before = now_ns - uplink->blips_ns > 2 * BLIPS_NS ? 0 : uplink->blips;
		uplink->blips = 0;
		uplink->blips_ns = now_ns;
	}
	uplink->blips += uplink->row >= 2;
	uplink->row = uplink->row_targets = 0;
}

bool sl_probe_answered(struct sl_probe *p, unsigned int u, uint32_t number, uint64_t now_ns)
{
	struct sl_probe_uplink *uplink = &p->uplink[u];
	struct sl_probe_flight *f = &uplink->flight[number % SL_PROBE_FLIGHTS];
	struct sl_probe_reply *r = &p->target[f->target].reply[u];

	if (f->sent_ns == 0 || f->number != number)
		return false;
	sample(r, (uint32_t)((now_ns - f->sent_ns) / 1000));
	r->answered++;
	r->unheard = 0;
	r->answered_ns = now_ns;
	doubt(p, u);
	end_row(uplink, now_ns);
	uplink->answered_ns = now_ns;
	uplink->answers++;
	p->counts.answered++;
	*f = (struct sl_probe_flight){0};
	return true;
}

void sl_probe_failed(struct sl_probe *p, unsigned int u, uint32_t number)
{
	struct sl_probe_flight *f = &p->uplink[u].flight[number % SL_PROBE_FLIGHTS];

	if (f->sent_ns == 0 || f->number != number)
		return;
	*f = (struct sl_probe_flight){0};
	p->counts.failed++;
}

/* ---- the budget ---- */

static bool pay(struct sl_probe *p, unsigned int u, uint32_t bytes, uint64_t ahead_ns,
		uint64_t now_ns)
{
	struct sl_probe_uplink *uplink = &p->uplink[u];
	uint64_t paid = uplink->paid_until_ns > now_ns ? uplink->paid_until_ns : now_ns;
	uint64_t price_ns = bytes * 8 * S / uplink->limits.budget_bps;
	uint64_t month = uplink->limits.month_bytes;

	if (paid + price_ns - now_ns > ahead_ns || (month && uplink->month_used + bytes > month)) {
		p->counts.held++;
		return false;
	}
	uplink->paid_until_ns = paid + price_ns;
	uplink->month_used += bytes;
	p->counts.bytes += bytes;
	return true;
}

/* ---- orders ---- */

struct orders {
	struct sl_probe *p;
	struct sl_probe_order *order;
	uint32_t count;
	uint64_t now_ns;
};

static bool is_ip4(const struct sl_addr *a)
{
	return a->hi == 0 && a->lo >> 32 == 0xffff;
}

/* False: no room, or no budget. */
static bool put_order(struct orders *o, unsigned int u, uint8_t target, uint64_t ahead_ns)
{
	struct sl_probe_uplink *uplink = &o->p->uplink[u];
	struct sl_probe_target *t = &o->p->target[target];
	uint32_t bytes = cost_bytes[t->kind][!is_ip4(&t->server.addr)];
	uint64_t now_ns = o->now_ns;

	if (o->count == SL_PROBE_ORDERS_MAX || !pay(o->p, u, bytes, ahead_ns, now_ns))
		return false;
	uint32_t number = ++uplink->number;

	uplink->flight[number % SL_PROBE_FLIGHTS] = (struct sl_probe_flight){
		.sent_ns = now_ns,
		.due_ns = now_ns + wait_ns(t, u, now_ns),
		.number = number,
		.target = target,
		.waiting = true,
		.proven = proven(t, u, now_ns),
	};
	uplink->last_ns = t->reply[u].sent_ns = now_ns;
	t->reply[u].tried++;
	o->p->counts.sent++;
	o->order[o->count++] = (struct sl_probe_order){
		.uplink = (uint8_t)u,
		.kind = t->kind,
		.addr = t->server.addr,
		.port = t->server.port,
		.number = number,
	};
	return true;
}

/* The next in turn: of those that are proven, else of those that may be asked; -1 = nobody. */
static int next_target(struct sl_probe *p, unsigned int u, uint64_t now_ns)
{
	struct sl_probe_uplink *uplink = &p->uplink[u];
	int any = -1;

	for (uint32_t i = 1; i <= SL_PROBE_TARGETS; i++) {
		uint32_t at = (uplink->turn + i) % SL_PROBE_TARGETS;

		if (!askable(&p->target[at], u, now_ns))
			continue;
		if (any < 0)
			any = (int)at;
		if (!proven(&p->target[at], u, now_ns))
			continue;
		uplink->turn = at;
		return (int)at;
	}
	if (any >= 0)
		uplink->turn = (uint32_t)any;
	return any;
}

static void ask(struct orders *o, unsigned int u, uint64_t gap_ns, uint64_t ahead_ns)
{
	int target;

	/* A tick that comes a little early is this one's. */
	if (o->now_ns - o->p->uplink[u].last_ns + MS < gap_ns)
		return;
	target = next_target(o->p, u, o->now_ns);
	if (target >= 0)
		put_order(o, u, (uint8_t)target, ahead_ns);
}

/* One that needs to be tried, in calm, so that it is known when it is needed. */
static void keep_proven(struct orders *o, unsigned int u)
{
	struct sl_probe *p = o->p;
	uint64_t keep_ns = p->uplink[u].limits.metered ? KEEP_METERED : KEEP_NS;

	for (uint8_t i = 0; i < SL_PROBE_TARGETS; i++) {
		const struct sl_probe_target *t = &p->target[i];
		const struct sl_probe_reply *r = &t->reply[u];
		uint64_t gap_ns = r->answered > PROVEN_TIMES || r->tried > 4 * PROVEN_TIMES
					  ? keep_ns
					  : LEARN_NS;

		if (askable(t, u, o->now_ns) && (!r->sent_ns || o->now_ns - r->sent_ns >= gap_ns)) {
			put_order(o, u, i, CALM_SPEND);
			return;
		}
	}
}

/* The one server that fell silent by @u: does it answer by another uplink? */
static void cross_check(struct orders *o, unsigned int u, const enum sl_probe_wish *wish)
{
	struct sl_probe *p = o->p;
	uint32_t targets = p->uplink[u].row_targets;

	if (!targets || targets & (targets - 1))
		return;
	uint8_t target = (uint8_t)__builtin_ctz(targets);
	struct sl_probe_target *t = &p->target[target];

	for (uint32_t v = 0; v < p->uplinks; v++)
		if (v != u && wish[v] == SL_PROBE_CALM && askable(t, v, o->now_ns) &&
		    o->now_ns - t->reply[v].sent_ns >= CROSS_NS)
			put_order(o, v, target, BURST_NS);
}

static uint32_t row_needed(const struct sl_probe_uplink *uplink, uint64_t now_ns)
{
	uint32_t blips =
		uplink->blips > uplink->blips_before ? uplink->blips : uplink->blips_before;

	if (now_ns - uplink->blips_ns > 2 * BLIPS_NS)
		blips = 0;
	return SL_PROBE_ROW + (blips < BLIPS_MOST ? blips : BLIPS_MOST);
}

/* How long after the last probe the next one goes, while @uplink is suspected or in a row. */
static uint64_t suspect_gap(const struct sl_probe *p, const struct sl_probe_uplink *uplink,
			    uint64_t now_ns)
{
	uint32_t needed = row_needed(uplink, now_ns);
	uint64_t age_ns = uplink->suspect_ns ? now_ns - uplink->suspect_ns : 0;

	/* Answered, and suspected all the same: ask again, but ever more seldom. */
	if (!uplink->row && uplink->answered_ns > uplink->suspect_ns && age_ns > p->interval_ns)
		return age_ns < 2 * WEARY_NS ? age_ns : 2 * WEARY_NS;
	if (uplink->row <= 2 * needed)
		return p->interval_ns;
	return uplink->row <= 8 * needed ? TIRED_NS : WEARY_NS;
}

static void note_wish(struct sl_probe_uplink *uplink, enum sl_probe_wish wish, uint64_t now_ns)
{
	if (wish != SL_PROBE_SUSPECT)
		uplink->suspect_ns = 0;
	else if (!uplink->suspect_ns)
		uplink->suspect_ns = now_ns;
}

uint32_t sl_probe_tick(struct sl_probe *p, uint64_t now_ns,
		       const enum sl_probe_wish wish[SL_UPLINKS_MAX],
		       struct sl_probe_order order[SL_PROBE_ORDERS_MAX])
{
	struct orders o = {p, order, 0, now_ns};

	for (uint32_t u = 0; u < p->uplinks; u++) {
		struct sl_probe_uplink *uplink = &p->uplink[u];

		note_wish(uplink, wish[u], now_ns);
		if (wish[u] == SL_PROBE_RETURN)
			ask(&o, u, RETURN_NS, BURST_NS);
		else if (wish[u] == SL_PROBE_SUSPECT || uplink->row)
			ask(&o, u, suspect_gap(p, uplink, now_ns), BURST_NS);
		else if (p->always && now_ns - uplink->last_ns + MS >= p->interval_ns)
			ask(&o, u, p->interval_ns, CALM_SPEND);
		if (wish[u] == SL_PROBE_CALM && !uplink->row)
			keep_proven(&o, u);
		else
			cross_check(&o, u, wish);
	}
	return o.count;
}

/* ---- the word ---- */

/* It is the uplink: a reflector is silent, or one that answers by another uplink since. */
static bool is_witnessed(const struct sl_probe *p, unsigned int u)
{
	for (int i = 0; i < SL_PROBE_TARGETS; i++) {
		const struct sl_probe_target *t = &p->target[i];

		if (!(p->uplink[u].row_targets & 1u << i))
			continue;
		if (t->kind == SL_PROBE_STAMP)
			return true;
		for (uint32_t v = 0; v < p->uplinks; v++)
			if (v != u && t->reply[v].answered_ns > p->uplink[u].row_ns)
				return true;
	}
	return false;
}

void sl_probe_look(const struct sl_probe *p, unsigned int u, uint64_t now_ns,
		   struct sl_probe_view *view)
{
	const struct sl_probe_uplink *uplink = &p->uplink[u];

	*view = (struct sl_probe_view){
		.lost = uplink->row,
		.servers = (uint32_t)__builtin_popcount(uplink->row_targets),
		.first_lost_ns = uplink->row ? uplink->row_ns : 0,
		.answered_ns = uplink->answered_ns,
		.answers = uplink->answers,
		.always = p->always,
	};
	if (uplink->row >= row_needed(uplink, now_ns))
		view->word =
			view->servers >= 2 || is_witnessed(p, u) ? SL_PROBE_DEAD : SL_PROBE_UNKNOWN;
	else if (uplink->answered_ns && now_ns - uplink->answered_ns <= FRESH_NS)
		view->word = SL_PROBE_CARRIES;
}
