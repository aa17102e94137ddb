/*
 * slowpath_fuzz.c - a byte string plays copies of packets through the slow path, nDPI and all
 *
 * Input: steps of HEAD bytes - what, who, how, a jump in sequence or time, a length - and what they
 * carry.  It carries it in headers as the core copies them, some damaged, some cut.  The slow
 * path lives as long as the process, as nDPI takes long to start: behind each input it is
 * emptied; only nDPI's own caches stay.  slowpath_check.c says what must hold behind each step.
 */
#include <string.h>

#include <sanitizer/allocator_interface.h>

#include "slowpath_check.h"
#include "tests/unit/dataplane/copies.h"

#define HEAD        8
#define CARRIED_MAX 2048
#define SECOND_NS   UINT64_C(1000000000)
#define HEAP_MAX    (16u << 20) /* bytes that nDPI may keep for itself: its caches are small */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum what { TCP_CLIENT, TCP_SERVER, UDP_CLIENT, UDP_SERVER, SEALED, WAIT, POLICY, SKIP };

enum how {
	AGAIN = 1,    /* the next connection on the same ports */
	CUT = 2,      /* half of the payload was copied */
	ANSWER = 4,   /* as a DNS answer beyond the first packets */
	LAST = 8,     /* the last packet that is copied */
	DAMAGED = 16, /* a byte of the headers is another */
	INWARD = 32,  /* the server is on the LAN */
	CLAIMED = 64, /* a service has it */
	STARTED = 128 /* the server's end began it */
};

struct step {
	enum what what;
	uint8_t who, how, where, value;
	int16_t jump;
	const uint8_t *bytes;
	uint32_t length;
};

static struct check check;
static struct sl_slowpath *slowpath;
static struct sl_names names;
static struct sl_clauses clauses;
static struct sl_inspect copy;
static size_t heap;

/* What a flow of ours is at: each end's next byte. */
static struct progress {
	uint32_t seq[2], incarnation;
	uint8_t number;
} progress[256];

static void add_clause(bool is_app, const char *pattern)
{
	struct sl_clause *clause = &clauses.clause[++clauses.count];

	clause->is_app = is_app;
	memcpy(clause->pattern, pattern, strlen(pattern) + 1);
}

static void apply(uint64_t generation)
{
	clauses.count = 0;
	add_clause(false, "*.example.com");
	add_clause(generation & 1, generation & 1 ? "HTTP" : "shop.example.com");
	add_clause(true, "TLS");
	sl_slowpath_apply(slowpath, &clauses, generation, 7, &names);
	check_words(&check);
}

static void open_once(void)
{
	if (slowpath)
		return;
	FUZZ_HOLDS(!sl_slowpath_open(&slowpath, check_told, &check));
	check.slowpath = slowpath;
	check.names = &names;
	heap = __sanitizer_get_current_allocated_bytes();
}

static void begin(void)
{
	open_once();
	memset(&check.expect, 0, sizeof(check.expect));
	memset(progress, 0, sizeof(progress));
	memset(&copy, 0, sizeof(copy));
	copy.now_ns = 1000 * SECOND_NS;
	apply(1);
}

/* As if it were new: all is over, forgotten, and uncounted. */
static void end(void)
{
	struct sl_slow_flow *flow;

	sl_slowpath_settle(slowpath);
	check_all(&check);
	FUZZ_HOLDS(!slowpath->busy_count);
	sl_slowpath_tick(slowpath, slowpath->now_ns + 3 * 3600 * SECOND_NS);
	FUZZ_HOLDS(!slowpath->counts.servers);
	while ((flow = TAILQ_FIRST(&slowpath->all)))
		sl_slow_flow_forget(slowpath, flow);
	FUZZ_HOLDS(!slowpath->counts.flows);
	FUZZ_HOLDS(__sanitizer_get_current_allocated_bytes() < heap + HEAP_MAX);
	memset(&slowpath->counts, 0, sizeof(slowpath->counts));
	memset(check.told, 0, sizeof(check.told));
	slowpath->others = slowpath->server_scan = 0;
	slowpath->now_ns = slowpath->scanned_ns = 0;
}

static void seal(struct wire *datagram, const struct step *step)
{
	static struct wire frames;

	frames.length = datagram->length = 0;
	wire_put(&frames, step->bytes, step->length);
	wire_put_packet(datagram,
			&(struct wire_packet){.version = 1,
					      .id = "8394c8f03e515708",
					      .number = step->value,
					      .number_bytes = 2,
					      .pad_to = 64},
			&frames);
}

static struct copies_flow flow_of(const struct step *step)
{
	static const uint16_t ports[] = {443, 53, 80, 25};
	bool tcp = step->what == TCP_CLIENT || step->what == TCP_SERVER;

	return (struct copies_flow){.client = 1 + (step->who & 3),
				    .server = 1 + (step->who >> 2 & 3),
				    .sport = 1000 + (step->who >> 4 & 3),
				    .dport = ports[step->who >> 6],
				    .proto = tcp ? SL_PROTO_TCP : SL_PROTO_UDP,
				    .service = step->how & CLAIMED ? 1 : SL_SERVICE_OTHER};
}

/* All of the copy that does not come out of the packet itself. */
static void place(const struct step *step, struct progress *at, bool from_client, uint32_t length)
{
	at->number = step->how & AGAIN ? 1 : (uint8_t)(at->number + (at->number < SL_INSPECT_MAX));
	at->incarnation += step->how & AGAIN;
	copy.number = step->how & ANSWER ? SL_INSPECT_ANSWER
		      : step->how & LAST ? SL_INSPECT_MAX
					 : at->number;
	copy.tcp_seq = at->seq[from_client] + (uint32_t)step->jump;
	at->seq[from_client] = copy.tcp_seq + length;
}

static void carry(const struct step *step, bool from_client)
{
	static struct wire payload;
	struct copies_flow flow = flow_of(step);
	struct progress *at = &progress[step->who];

	payload.length = 0;
	if (step->what == SEALED)
		seal(&payload, step);
	else
		wire_put(&payload, step->bytes, step->length);
	place(step, at, from_client, payload.length);
	flow.incarnation = at->incarnation;
	copies_make(&copy, &flow, from_client, &payload,
		    step->how & CUT ? payload.length / 2 : UINT32_MAX);
	copy.from_initiator = from_client == !(step->how & STARTED);
	copy.initiator = (step->how & STARTED) != 0;
	copy.lan = (step->how & INWARD) != 0;
	copy.from_lan = from_client == !copy.lan;
	if (step->how & DAMAGED)
		copy.bytes[step->where % copy.payload_offset] = step->value;
	if (step->what == SKIP)
		sl_slowpath_skip(slowpath, &copy);
	else
		sl_slowpath_take(slowpath, &copy);
	check.expect.packets += step->what != SKIP;
	check.expect.skipped += step->what == SKIP;
	copy.now_ns += 1000;
}

static void play(const struct step *step)
{
	switch (step->what) {
	case WAIT:
		copy.now_ns += (uint16_t)step->jump * (SECOND_NS / 8);
		return sl_slowpath_tick(slowpath, copy.now_ns);
	case POLICY:
		return apply(slowpath->generation + 1);
	case TCP_SERVER:
	case UDP_SERVER:
		return carry(step, false);
	default:
		return carry(step, true);
	}
}

static struct step read_step(const uint8_t *data, size_t size)
{
	uint32_t length = ((uint32_t)data[6] << 8 | data[7]) % (CARRIED_MAX + 1);

	return (struct step){.what = data[0] & 7,
			     .who = data[1],
			     .how = data[2],
			     .where = data[0] >> 3,
			     .value = data[3],
			     .jump = (int16_t)((uint16_t)data[4] << 8 | data[5]),
			     .bytes = data + HEAD,
			     .length = length < size - HEAD ? length : (uint32_t)size - HEAD};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	begin();
	while (size >= HEAD) {
		struct step step = read_step(data, size);

		play(&step);
		check_all(&check);
		data += HEAD + step.length;
		size -= HEAD + step.length;
	}
	end();
	return 0;
}
