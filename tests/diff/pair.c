/*
 * pair.c - the same frames through all engines, compared one by one
 *
 * The core is one source for two machines; what differs here is a compiler, the
 * verifier's view, the glue around the pipeline's calls, or that DPDK works in bursts.  The tables
 * have rules of every kind, a small table that overflows, and a rate limit, so that all paths run.
 * A slow path that knows nothing names some flows and servers, and takes all copies.
 */
#include "pair.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/dpdk.h"
#include "dataplane/host.h"
#include "dataplane/xdp.h"

#define GENERATION 1
#define SEED       UINT64_C(0x5151515151515151)
#define FLOWS      4000 /* few enough that a scan in the captures fills its quota */

static struct sl_addr ip4_addr(uint32_t address)
{
	return (struct sl_addr){0, UINT64_C(0xffff00000000) | address};
}

static struct sl_rule any(uint8_t service)
{
	return (struct sl_rule){.dst_port_max = UINT16_MAX, .service = service};
}

static void set_rules(struct sl_tables *tables)
{
	struct sl_rule *rule = tables->rule;

	rule[0] = any(1); /* a port */
	rule[0].proto = SL_PROTO_TCP;
	rule[0].proto_mask = 0xff;
	rule[0].dst_port_min = rule[0].dst_port_max = 443;
	rule[1] = any(2); /* a prefix */
	rule[1].src = ip4_addr(0xc0a80000);
	rule[1].src_mask = (struct sl_addr){UINT64_MAX, UINT64_C(0xffffffffffff0000)};
	rule[2] = any(3); /* a VLAN */
	rule[2].vlan = 100;
	rule[2].vlan_mask = 0xfff;
	rule[3] = any(4); /* a DSCP */
	rule[3].dscp = 18;
	rule[3].dscp_mask = 0x3f;
	rule[4] = any(1); /* a name, and another: before the rules that nearly all have */
	rule[4].name = 1;
	rule[5] = any(3);
	rule[5].name = 2;
	tables->rules = 6;
}

static void make_tables(struct sl_tables *tables, uint32_t inner)
{
	*tables = (struct sl_tables){.generation = GENERATION,
				     .inner = inner,
				     .inspect = 1,
				     .services = 5,
				     .uplinks = 3,
				     .mark_base = 0x5100,
				     .hash_seed = SEED};
	set_rules(tables);
	for (int i = 0; i < 5; i++)
		tables->service[i] = (struct sl_service){.flow_quota = i == 2 ? 40 : FLOWS / 4,
							 .priority = (uint8_t)(i % 4)};
	tables->service[1].reset = tables->service[2].reset = 1;
	tables->knobs.steer[1] =
		(struct sl_steer){.uplink = 1, .trial_uplink = 2, .trial_share = 64};
	tables->knobs.rate[4][SL_SIDE_WAN] =
		(struct sl_rate){.ns_per_kib = 1000000, .burst_us = 20000};
	tables->knobs.remark[3] = SL_REMARK | 46;
	tables->knobs.clamp_bytes[1] = 1280;
	tables->knobs.clamp_bytes[0] = 576;
	/* Recorded: all headers, whole heads of half the flows, and "other". */
	tables->knobs.record[1] = (struct sl_record_knob){.ring = 1};
	tables->knobs.record[2] = (struct sl_record_knob){.ring = 2, .whole = 1, .mask = 1};
	tables->knobs.record[0] = (struct sl_record_knob){.ring = SL_RECORD_RINGS};
}

void sl_pair_open(struct sl_pair *pair)
{
	struct sl_tables *tables = malloc(sizeof(*tables));
	struct sl_xdp_config config = {.tables = tables, .flows = FLOWS, .replay = true};
	char why[SL_TEXT_MAX];
	int err;

	assert_non_null(tables);
	memset(pair, 0, sizeof(*pair));
	make_tables(tables, 0);
	err = sl_xdp_open(&config, &pair->xdp, why, sizeof(why));
	if (!err)
		err = sl_host_open(FLOWS, tables, &pair->host);
	if (!err)
		err = sl_dpdk_replay_open(FLOWS, tables, false, &pair->dpdk, why, sizeof(why));
	free(tables);
	if (err == -EPERM || err == -ENOSYS) {
		print_message("%s\n", why);
		skip();
	}
	if (err)
		fail_msg("%s", why);
}

void sl_pair_ask(struct sl_pair *pair, uint32_t inner)
{
	struct sl_engine *engines[] = {pair->xdp, pair->host, pair->dpdk};
	struct sl_tables *tables = malloc(sizeof(*tables));

	assert_non_null(tables);
	make_tables(tables, inner);
	for (int i = 0; i < 3; i++)
		assert_int_equal(engines[i]->ops->apply(engines[i], tables), 0);
	free(tables);
}

void sl_pair_reset(struct sl_pair *pair)
{
	assert_int_equal(sl_xdp_reset(pair->xdp), 0);
	assert_int_equal(sl_host_reset(pair->host), 0);
	assert_int_equal(sl_dpdk_reset(pair->dpdk), 0);
	sl_book_close(pair->xdp_book);
	sl_book_close(pair->host_book);
	sl_book_close(pair->dpdk_book);
	pair->xdp_book = sl_book_open();
	pair->host_book = sl_book_open();
	pair->dpdk_book = sl_book_open();
	pair->waits = 0;
	pair->frames = 0;
	pair->last_ns = pair->unanswered = 0;
	pair->copied = pair->named = pair->inside = 0;
}

void sl_pair_close(struct sl_pair *pair)
{
	sl_book_close(pair->xdp_book);
	sl_book_close(pair->host_book);
	sl_book_close(pair->dpdk_book);
	if (pair->xdp)
		pair->xdp->ops->close(pair->xdp, true);
	if (pair->host)
		pair->host->ops->close(pair->host, true);
	if (pair->dpdk)
		pair->dpdk->ops->close(pair->dpdk, true);
	memset(pair, 0, sizeof(*pair));
}

static void same(uint64_t frame, const char *what, const char *other, const void *a, const void *b,
		 size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (((const uint8_t *)a)[i] != ((const uint8_t *)b)[i])
			fail_msg("frame %" PRIu64 ": byte %zu of %s: xdp %02x, %s %02x", frame, i,
				 what, ((const uint8_t *)a)[i], other, ((const uint8_t *)b)[i]);
}

static void same_work(uint64_t frame, const char *other, const struct sl_work *xdp,
		      const struct sl_work *work)
{
	assert_int_equal(xdp->result.reason, work->result.reason);
	if (xdp->result.reason == SL_REASON_ETH_SHORT) /* the kernel refuses to run those */
		return;
	same(frame, "result", other, &xdp->result, &work->result, sizeof(xdp->result));
	same(frame, "packet", other, &xdp->packet, &work->packet, sizeof(xdp->packet));
}

/* ---- the slow path ---- */

static void take_copy(void *arg, const struct sl_inspect *inspect)
{
	struct sl_pair_copies *copies = arg;
	struct sl_inspect *copy = &copies->copy[copies->count];

	assert_true(copies->count < SL_PAIR_COPIES);
	memcpy(copy, inspect, offsetof(struct sl_inspect, bytes) + inspect->length);
	memset(copy->pad, 0, sizeof(copy->pad)); /* nobody writes it */
	copies->count++;
}

/* All engines have run the same frames: they hand over the same copies. */
static void same_copies(struct sl_pair *pair)
{
	struct sl_engine *engines[] = {pair->xdp, pair->host, pair->dpdk};
	const struct sl_pair_copies *xdp = &pair->copies[0];
	static const char *const other[] = {"xdp", "host", "dpdk"};

	for (int i = 0; i < 3; i++) {
		struct sl_pair_copies *copies = &pair->copies[i];

		copies->count = 0;
		engines[i]->ops->inspect(engines[i], take_copy, copies);
		assert_int_equal(copies->count, xdp->count);
		for (uint32_t n = 0; n < xdp->count; n++)
			same(pair->frames, "copy", other[i], &xdp->copy[n], &copies->copy[n],
			     offsetof(struct sl_inspect, bytes) + xdp->copy[n].length);
	}
	pair->copied += xdp->count;
}

static void write_name(struct sl_name_slot *array, uint64_t tag, uint64_t names,
		       uint32_t incarnation)
{
	array[sl_names_index(tag)] =
		(struct sl_name_slot){tag, SL_NAMES_NONE | names |
						   sl_names_stamp(GENERATION, incarnation)
							   << SL_NAMES_BITS};
}

/* Some flows have a name, or are said to have begun with a hello, and some servers, by chance. */
static void name_flow(struct sl_pair *pair, const struct sl_work *work)
{
	struct sl_engine *engines[] = {pair->xdp, pair->host, pair->dpdk};
	bool a_is_lan = work->result.from_lan != (work->sender & 1);
	const struct sl_addr *server = a_is_lan ? &work->key.b : &work->key.a;
	const struct sl_addr *client = a_is_lan ? &work->key.a : &work->key.b;
	const struct sl_addr anybody = {0, 0};
	static const uint64_t words[] = {1 << 1, SL_NAMES_FINAL | 1 << 2, SL_NAMES_HELLO, 1 << 1,
					 1 << 2};
	uint32_t which = (uint32_t)(work->hash >> 40) % 16;

	for (int i = 0; i < 3; i++) {
		struct sl_names *names = engines[i]->ops->names(engines[i]);

		if (which < 3)
			write_name(names->flow, work->hash, words[which], work->result.incarnation);
		else
			write_name(names->server,
				   sl_names_server_hash(server, which == 3 ? client : &anybody,
							SEED),
				   words[which], 0);
	}
	pair->named++;
}

/* ---- frames ---- */

/* DPDK has run @done of the frames that waited. */
static void same_burst(struct sl_pair *pair, const struct sl_work *work, uint32_t done)
{
	if (done)
		assert_int_equal(done, pair->waits);
	for (uint32_t i = 0; i < done; i++) {
		same_work(pair->frames - done + i + 1, "dpdk", &pair->waiting[i], &work[i]);
		assert_int_equal(sl_book_add(pair->dpdk_book, &work[i]), 0);
	}
	if (!done)
		return;
	pair->waits = 0;
	same_copies(pair);
}

static void flush(struct sl_pair *pair)
{
	const struct sl_work *work = NULL;
	uint32_t done = 0;

	assert_int_equal(sl_dpdk_flush(pair->dpdk, &work, &done), 0);
	same_burst(pair, work, done);
}

void sl_pair_frame(struct sl_pair *pair, const struct sl_frame *frame)
{
	const struct sl_work *xdp = NULL, *host = NULL, *dpdk = NULL;
	uint32_t done = 0;

	pair->frames++;
	pair->last_ns = frame->t_ns;
	assert_int_equal(sl_xdp_packet(pair->xdp, frame, SL_SIDE_UNKNOWN, &xdp), 0);
	assert_int_equal(sl_host_packet(pair->host, frame, SL_SIDE_UNKNOWN, &host), 0);
	same_work(pair->frames, "host", xdp, host);
	assert_int_equal(sl_book_add(pair->xdp_book, xdp), 0);
	assert_int_equal(sl_book_add(pair->host_book, host), 0);
	pair->waiting[pair->waits++] = *xdp;
	assert_int_equal(sl_dpdk_add(pair->dpdk, frame, SL_SIDE_UNKNOWN, &dpdk, &done), 0);
	same_burst(pair, dpdk, done);
	pair->inside += xdp->packet.inner != 0 && xdp->result.reason == SL_REASON_MEASURED;
	if (xdp->result.reason != SL_REASON_MEASURED || xdp->result.flow_event != SL_FLOW_NEW ||
	    (xdp->hash >> 40) % 16 > 4 || xdp->packet.fragment == SL_FRAGMENT_LATER)
		return;
	struct sl_work first = *xdp;

	flush(pair); /* else DPDK would know the name too early */
	name_flow(pair, &first);
}

void sl_pair_capture(struct sl_pair *pair, const char *path)
{
	struct sl_capture *capture = NULL;
	struct sl_frame frame;
	char why[SL_TEXT_MAX];

	if (sl_capture_open(path, &capture, why, sizeof(why)))
		fail_msg("%s", why);
	while (sl_capture_next(capture, &frame))
		sl_pair_frame(pair, &frame);
	sl_capture_close(capture);
}

/* The XDP engine's workers, summed: all words grow alike, so they add as words. */
static void sum_words(struct sl_engine *engine, struct sl_stats *sum)
{
	const struct sl_stats *stats;

	memset(sum, 0, sizeof(*sum));
	for (unsigned int worker = 0; (stats = engine->ops->stats(engine, worker)); worker++)
		for (size_t i = 0; i < sizeof(*sum) / sizeof(uint64_t); i++)
			((uint64_t *)sum)[i] += ((const uint64_t *)stats)[i];
}

/* ---- the flow recorder ---- */

/* The rings of the one worker of @engine that has run. */
static struct sl_record_view records_of(struct sl_engine *engine)
{
	struct sl_record_view view, used;

	assert_true(engine->ops->records(engine, 0, &used));
	for (unsigned int worker = 1; engine->ops->records(engine, worker, &view); worker++)
		for (int ring = 0; ring < SL_RECORD_RINGS; ring++)
			if (view.head[ring].number + view.head[ring].skipped)
				used = view;
	return used;
}

static void same_records(struct sl_pair *pair, struct sl_engine *engine, const char *other)
{
	struct sl_record_view a = records_of(pair->xdp), b = records_of(engine);
	uint32_t kept = a.slots < b.slots ? a.slots : b.slots;

	for (uint32_t ring = 0; ring < SL_RECORD_RINGS; ring++) {
		uint64_t last = a.head[ring].number;

		same(pair->frames, "record head", other, &a.head[ring], &b.head[ring],
		     sizeof(a.head[0]));
		for (uint64_t n = last > kept ? last - kept + 1 : 1; n <= last; n++) {
			const struct sl_record *x = &a.slot[ring * a.slots + n % a.slots];
			const struct sl_record *y = &b.slot[ring * b.slots + n % b.slots];

			assert_int_equal(x->number, n);
			same(pair->frames, "record", other, x, y,
			     offsetof(struct sl_record, bytes) + x->length);
		}
		pair->recorded += last;
	}
}

void sl_pair_same_stats(struct sl_pair *pair)
{
	struct sl_stats *xdp = malloc(sizeof(*xdp)), *other = malloc(sizeof(*other));

	assert_non_null(xdp);
	assert_non_null(other);
	flush(pair);
	sum_words(pair->xdp, xdp);
	sum_words(pair->host, other);
	same(pair->frames, "stats", "host", xdp, other, sizeof(*xdp));
	sum_words(pair->dpdk, other);
	same(pair->frames, "stats", "dpdk", xdp, other, sizeof(*xdp));
	same_records(pair, pair->host, "host");
	same_records(pair, pair->dpdk, "dpdk");
	free(xdp);
	free(other);
}

/* A frame that is of no flow: XDP's clock, which its sweep goes by, stands at @now_ns. */
static void set_clock(struct sl_pair *pair, uint64_t now_ns)
{
	static const uint8_t arp[60] = {[12] = 0x08, [13] = 0x06};
	const struct sl_frame frame = {.t_ns = now_ns,
				       .wire_bytes = sizeof(arp),
				       .length = sizeof(arp),
				       .bytes = arp};
	const struct sl_work *work;

	assert_int_equal(sl_xdp_packet(pair->xdp, &frame, SL_SIDE_UNKNOWN, &work), 0);
	assert_int_equal(sl_host_packet(pair->host, &frame, SL_SIDE_UNKNOWN, &work), 0);
}

static uint32_t sweep_all(struct sl_engine *xdp)
{
	uint32_t freed = 0;

	for (int tick = 0; tick < 60; tick++) { /* 50 are the whole table */
		int more = sl_xdp_sweep(xdp);

		assert_true(more >= 0);
		freed += (uint32_t)more;
	}
	return freed;
}

void sl_pair_same_sweep(struct sl_pair *pair, uint64_t later_ns)
{
	struct sl_stats *xdp = malloc(sizeof(*xdp)), *host = malloc(sizeof(*host));
	uint64_t now_ns = pair->last_ns + later_ns;

	assert_non_null(xdp);
	assert_non_null(host);
	set_clock(pair, now_ns);
	assert_int_equal(sweep_all(pair->xdp), sl_host_sweep(pair->host, now_ns));
	sum_words(pair->xdp, xdp);
	sum_words(pair->host, host);
	same(pair->frames, "stats behind the sweep", "host", xdp, host, sizeof(*xdp));
	for (int path = 0; path < SL_PATHS_MAX; path++)
		pair->unanswered += host->path[path].requests_unanswered;
	free(xdp);
	free(host);
}

static char *lines(struct sl_book *book)
{
	char *bytes = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&bytes, &size);

	assert_non_null(out);
	assert_int_equal(sl_book_write(book, NULL, out), 0);
	fclose(out);
	return bytes;
}

char *sl_pair_lines(struct sl_pair *pair)
{
	return lines(pair->host_book);
}

void sl_pair_same_books(struct sl_pair *pair)
{
	char *xdp = lines(pair->xdp_book), *host = lines(pair->host_book), *dpdk;

	flush(pair);
	dpdk = lines(pair->dpdk_book);
	assert_string_equal(xdp, host);
	assert_string_equal(xdp, dpdk);
	free(xdp);
	free(host);
	free(dpdk);
}
