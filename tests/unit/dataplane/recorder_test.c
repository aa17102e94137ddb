/*
 * recorder_test.c - rings to a capture file that other readers take, and who has a ring
 *
 * A worker's rings are filled by the core itself (worker.c), from frames made here.
 */
#include "memory_engine.h"

#include "dataplane/capture.h"
#include "dataplane/recorder.h"
#include "dataplane/worker.h"
#include "tests/unit/row.h"

#define SLOTS    256
#define POS_RING 1

static struct {
	struct sl_worker worker;
	struct sl_tables tables;
	struct sl_bucket bucket[64] __attribute__((aligned(64)));
	struct sl_flow flow[64 * SL_BUCKET_WAYS] __attribute__((aligned(64)));
	struct sl_fragment_slot fragment[SL_FRAGMENT_SLOTS];
	struct sl_stats stats;
	struct sl_record record[SL_RECORD_RINGS * SLOTS];
	struct sl_record_head head[SL_RECORD_RINGS];
} box;

static void open_box(struct sl_record_knob knob)
{
	const struct sl_worker_memory memory = {
		.bucket = box.bucket,
		.flow = box.flow,
		.fragment = box.fragment,
		.stats = &box.stats,
		.record = box.record,
		.record_head = box.head,
		.record_slots = SLOTS,
	};

	memset(&box, 0, sizeof(box));
	sl_worker_init(&box.worker, &memory, 64, NULL);
	box.tables.generation = 1;
	box.tables.services = 2;
	box.tables.rules = 1;
	box.tables.rule[0] = (struct sl_rule){.dst_port_min = 443,
					      .dst_port_max = 443,
					      .proto = 6,
					      .proto_mask = 0xff,
					      .service = 1};
	box.tables.service[0].flow_quota = box.tables.service[1].flow_quota = 400;
	box.tables.knobs.record[1] = knob;
}

/* A segment of 100 bytes of payload from client @client to port @port; 154 bytes. */
static void pass(uint8_t client, uint16_t port, uint64_t t_ns, bool back)
{
	static uint8_t bytes[154];
	const struct sl_port in = {.uplink = SL_UPLINK_NONE};
	const uint8_t ip[] = {0x45, 0, 0, 140, 0, 1, 0, 0, 64, 6, 0, 0};
	struct sl_frame frame = {t_ns, sizeof(bytes), sizeof(bytes), bytes};

	memset(bytes, 'x', sizeof(bytes)); /* payload: must not be found anywhere */
	memset(bytes, 2, 12);
	memcpy(bytes + 12, "\x08\x00", 2);
	memcpy(bytes + 14, ip, sizeof(ip));
	memcpy(bytes + (back ? 30 : 26), "\x0a\x00\x00\x01", 4);
	bytes[back ? 33 : 29] = client;
	memcpy(bytes + (back ? 26 : 30), "\xcb\x00\x71\x01", 4);
	memset(bytes + 34, 0, 20);
	bytes[back ? 36 : 34] = 0xc0;
	bytes[back ? 34 : 36] = (uint8_t)(port >> 8);
	bytes[back ? 35 : 37] = (uint8_t)port;
	bytes[46] = 0x50;
	bytes[47] = 0x18;
	sl_worker_burst(&box.worker, &box.tables, &in, back ? SL_SIDE_WAN : SL_SIDE_LAN, &frame, 1);
}

static char dir[300], file[400];

static int open_dir(void **state)
{
	char *made = make_dir();

	snprintf(dir, sizeof(dir), "%s", made);
	snprintf(file, sizeof(file), "%s/20261125T120000Z-incident-7.pcapng", dir);
	free(made);
	return 0;
}

static int close_dir(void **state)
{
	remove_dir(strdup(dir));
	return 0;
}

static struct sl_recorder_job *job_of(uint64_t from_ns, uint64_t to_ns)
{
	static struct sl_recorder_job job;

	memset(&job, 0, sizeof(job));
	job.view[0] = (struct sl_record_view){box.head, box.record, SLOTS};
	job.views = 1;
	job.from_ns = from_ns;
	job.to_ns = to_ns;
	job.unix_offset_ns = 1795608000 * S;
	job.rings = (1u << SL_RECORD_RINGS) - 1;
	strcpy(job.comment, "incident 7 of store-0421: fibre is down");
	strcpy(job.path[1][0], "pos/fibre");
	return &job;
}

/* Frames of @file; the first's time, and how many bytes of payload any of them has. */
struct read_back {
	uint32_t frames, length_most;
	uint64_t first_ns, wire_bytes;
	bool payload;
	char end[80];
};

static struct read_back read_file(void)
{
	struct read_back r = {0};
	struct sl_capture *capture;
	struct sl_frame frame;
	char why[256];

	if (sl_capture_open(file, &capture, why, sizeof(why)))
		fail_msg("%s", why);
	for (; sl_capture_next(capture, &frame); r.frames++) {
		r.first_ns = r.frames ? r.first_ns : frame.t_ns;
		r.wire_bytes = frame.wire_bytes;
		r.length_most = frame.length > r.length_most ? frame.length : r.length_most;
		for (uint32_t i = 0; i < frame.length; i++)
			r.payload |= frame.bytes[i] == 'x';
	}
	snprintf(r.end, sizeof(r.end), "%s", sl_capture_end(capture));
	sl_capture_close(capture);
	return r;
}

static void written(void **state)
{
	struct sl_recorder_done done = {0};

	open_box((struct sl_record_knob){.ring = POS_RING});
	for (uint32_t i = 0; i < 100; i++)
		pass(1, i % 10 == 9 ? 80 : 443, (1 + i) * S, i % 2); /* 80: another service */
	assert_int_equal(sl_recorder_write(job_of(71 * S, 100 * S), file, &done), 0);
	struct read_back r = read_file();

	assert_string_equal(r.end, "");
	assert_int_equal(r.frames, 27); /* of the last 30 s, but for every tenth */
	assert_int_equal(done.packets, 27);
	assert_int_equal(done.overwritten, 0);
	assert_int_equal(done.first_ns, 71 * S);
	assert_int_equal(r.first_ns, (1795608000 + 71) * S);
	assert_int_equal(r.length_most, 54); /* Ethernet, IPv4, TCP */
	assert_int_equal(r.wire_bytes, 154);
	assert_false(r.payload);
}

static void whole(void **state)
{
	struct sl_recorder_done done = {0};

	open_box((struct sl_record_knob){.ring = POS_RING, .whole = 1});
	pass(1, 443, S, false);
	assert_int_equal(sl_recorder_write(job_of(0, 2 * S), file, &done), 0);
	struct read_back r = read_file();

	assert_int_equal(r.length_most, SL_RECORD_BYTES);
	assert_true(r.payload);
}

static void overwritten(void **state)
{
	struct sl_recorder_done done = {0};

	open_box((struct sl_record_knob){.ring = POS_RING});
	for (uint64_t i = 1; i <= SLOTS + 50; i++)
		pass(1, 443, 10 * S + i, false);
	box.record[(SLOTS + 7) % SLOTS].number = 0; /* as if just being written */
	assert_int_equal(sl_recorder_write(job_of(0, 20 * S), file, &done), 0);
	assert_int_equal(read_file().frames, SLOTS - 1);
	assert_int_equal(done.overwritten, 2);
	assert_int_equal(done.first_ns, 10 * S + 51 + (51 == SLOTS + 7));
}

/* Whole conversations are left out, and counted. */
static void sampled(void **state)
{
	struct sl_recorder_done done = {0};

	open_box((struct sl_record_knob){.ring = POS_RING, .mask = 3});
	for (uint8_t client = 1; client <= 40; client++)
		for (int i = 0; i < 4; i++)
			pass(client, 443, 10 * S + client, i % 2);
	assert_int_equal(box.head[0].number + box.head[0].skipped, 160);
	assert_int_equal(box.head[0].number % 4, 0);
	assert_in_range(box.head[0].number, 4 * 2, 4 * 25);
	assert_int_equal(sl_recorder_write(job_of(0, 20 * S), file, &done), 0);
	assert_int_equal(done.packets, box.head[0].number);
}

static void nothing(void **state)
{
	struct sl_recorder_done done = {0};

	open_box((struct sl_record_knob){0});
	pass(1, 443, S, false);
	assert_int_equal(sl_recorder_write(job_of(0, 2 * S), file, &done), 0);
	assert_int_equal(read_file().frames, 0);
	assert_int_equal(sl_recorder_write(job_of(0, 2 * S), "/nowhere/file.pcapng", &done),
			 -ENOENT);
}

static void count_file(void *arg, const char *name, uint64_t bytes)
{
	++*(int *)arg;
	if (*(int *)arg == 1)
		assert_string_equal(name, "20261125T120003Z-incident-1.pcapng");
	assert_int_equal(bytes, 4);
}

static void pruned(void **state)
{
	int files = 0;

	for (int i = 0; i < 6; i++) {
		snprintf(file, sizeof(file), "%s/20261125T12000%dZ-incident-1.pcapng", dir, i);
		FILE *f = fopen(file, "w");

		fputs("test", f);
		fclose(f);
	}
	sl_recorder_prune(dir, 3);
	assert_int_equal(sl_recorder_list(dir, count_file, &files), 3);
	assert_int_equal(files, 3);
	assert_int_equal(sl_recorder_list("/nowhere", count_file, &files), 0);
}

/* Readers that are not ours, where they are installed. */
static const struct reader_row {
	const char *name, *program, *command;
} reader_rows[] = {
	{"tshark reads it", "tshark", "tshark -r '%s' 2>&1 | grep -c 443"},
	{"capinfos knows the incident", "capinfos", "capinfos '%s' | grep -c 'incident 7'"},
	{"tcpdump reads it", "tcpdump", "tcpdump -n -r '%s' 2>/dev/null | grep -c 443"},
};

static void read_by_others(void **state)
{
	const struct reader_row *row = *state;
	struct sl_recorder_done done;
	char command[600], answer[16] = "";

	open_dir(NULL);
	open_box((struct sl_record_knob){.ring = POS_RING});
	for (uint32_t i = 0; i < 20; i++)
		pass(1, 443, (1 + i) * S, i % 2);
	assert_int_equal(sl_recorder_write(job_of(0, 100 * S), file, &done), 0);
	snprintf(command, sizeof(command), "command -v %s >/dev/null", row->program);
	bool there = system(command) == 0;

	snprintf(command, sizeof(command), row->command, file);
	FILE *out = there ? popen(command, "r") : NULL;

	if (out && !fgets(answer, sizeof(answer), out))
		answer[0] = 0;
	if (out)
		pclose(out);
	close_dir(NULL);
	if (!there)
		skip();
	assert_in_range(atoi(answer), 1, 40);
}

static const struct assign_row {
	const char *name, *yaml;
	uint8_t pos, guest; /* rings */
	bool whole;         /* of guest */
} assign_rows[] = {
	{"the default: critical services", "", 1, 0, false},
	{"all", "recorder: {services: all}\n", 1, 2, false},
	{"none", "recorder: {services: none}\n", 0, 0, false},
	{"payload of who is not critical", "recorder: {services: all, payload: head}\n", 1, 2,
	 true},
};

static void assigned(void **state)
{
	const struct assign_row *row = *state;
	static struct sl_policy policy;
	struct sl_record_knob knob[SL_SERVICES_MAX];
	char yaml[2000];

	snprintf(yaml, sizeof(yaml), "%s%s", STORE_YAML, row->yaml);
	read_policy(&policy, yaml);
	sl_recorder_assign(&policy, knob);
	assert_int_equal(knob[SL_SERVICE_OTHER].ring, 0);
	assert_int_equal(knob[POS].ring, row->pos);
	assert_int_equal(knob[GUEST].ring, row->guest);
	assert_int_equal(knob[POS].whole, 0);
	assert_int_equal(knob[GUEST].whole, row->whole);
}

static const struct mask_row {
	const char *name;
	uint64_t per_second;
	uint32_t slots;
	uint16_t mask;
} mask_rows[] = {
	{"30 s fit", 273, 8192, 0},
	{"they do not quite", 274, 8192, 1},
	{"ten times too many", 2730, 8192, 15},
	{"as many as a NIC has", 10000000, 8192, 1023},
	{"nothing", 0, 8192, 0},
};

static void masked(void **state)
{
	const struct mask_row *row = *state;

	assert_int_equal(sl_recorder_mask(row->per_second, row->slots), row->mask);
}

int main(void)
{
	static struct sl_row_tests tests;
	const struct CMUnitTest files[] = {
#define FILES(name, run) {name, run, open_dir, close_dir, NULL}
		FILES("the last 30 s of a service, headers alone", written),
		FILES("the head of the frame, where it is asked for", whole),
		FILES("what was overwritten is counted", overwritten),
		FILES("whole flows are left out of a ring too small", sampled),
		FILES("nothing recorded, nowhere to write", nothing),
		FILES("the oldest files go", pruned),
	};

	SL_ROWS_ADD(&tests, assign_rows, assigned);
	SL_ROWS_ADD(&tests, mask_rows, masked);
	SL_ROWS_ADD(&tests, reader_rows, read_by_others);
	return _cmocka_run_group_tests("recorder files", files, sizeof(files) / sizeof(files[0]),
				       NULL, NULL) +
	       sl_row_run("recorder", &tests);
}
