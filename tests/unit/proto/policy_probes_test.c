/*
 * policy_probes_test.c - probes, reflector, recorder, history and stamp in a policy: read, refused, written
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/policy.h"
#include "tests/unit/row.h"

#define TOP "site: s\nports: {l: {device: e, role: lan}}\n" /* 2 lines */

static const char everything[] =
	TOP "uplinks:\n"
	    "  f: {device: g, stamp: \"192.0.2.9:8620\"}\n"
	    "  l: {device: h, stamp: \"2001:db8::1\"}\n"
	    "probes: {when: always, interval: 20ms, budget: 64kbit, monthly: 20MB}\n"
	    "reflector: {from: [10.0.0.0/8, \"2001:db8::/32\"], rate: 50}\n"
	    "recorder: {services: all, payload: head, files: 3}\n"
	    "history: {keep: 7d, detail: lean}\n";

static void must_read(struct sl_policy *policy, const char *yaml)
{
	char why[1024];

	if (sl_policy_read(policy, yaml, strlen(yaml), "t", why, sizeof(why)))
		fail_msg("%s", why);
}

static void reads_everything(void **state)
{
	static const uint8_t nine[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, 0, 2, 9};
	struct sl_policy policy;

	must_read(&policy, everything);
	assert_int_equal(policy.uplink[0].stamp.bits, 128);
	assert_memory_equal(policy.uplink[0].stamp.address, nine, 16);
	assert_int_equal(policy.uplink[0].stamp_port, 8620);
	assert_int_equal(policy.uplink[1].stamp.address[0], 0x20);
	assert_int_equal(policy.uplink[1].stamp_port, 862);
	assert_int_equal(policy.probes.when, SL_PROBE_ALWAYS);
	assert_int_equal(policy.probes.interval_ms, 20);
	assert_int_equal(policy.probes.budget_bps, 64000);
	assert_int_equal(policy.probes.monthly_bytes, 20000000);
	assert_int_equal(policy.reflector.allows, 2);
	assert_int_equal(policy.reflector.allow[0].bits, 104);
	assert_int_equal(policy.reflector.per_second, 50);
	assert_int_equal(policy.recorder.services, SL_RECORD_ALL);
	assert_int_equal(policy.recorder.payload, SL_RECORD_HEAD);
	assert_int_equal(policy.recorder.files, 3);
	assert_int_equal(policy.history.keep_s, 7 * 86400);
	assert_int_equal(policy.history.detail, SL_HISTORY_LEAN);
}

static void has_defaults(void **state)
{
	struct sl_policy policy;

	must_read(&policy, TOP);
	assert_int_equal(policy.probes.when, SL_PROBE_SUSPECTED);
	assert_int_equal(policy.probes.interval_ms, 10);
	assert_int_equal(policy.probes.budget_bps, 20000);
	assert_int_equal(policy.reflector.allows, 0);
	assert_int_equal(policy.recorder.services, SL_RECORD_CRITICAL);
	assert_int_equal(policy.recorder.payload, SL_RECORD_HEADERS);
	assert_int_equal(policy.history.keep_s, 86400);
	assert_int_equal(policy.history.detail, SL_HISTORY_FULL);
}

static const struct text_row {
	const char *name;
	const char *yaml;
} good_rows[] = {
	{"everything", everything},
	{"defaults that are said", TOP "probes: {when: suspected}\nrecorder: {payload: none}\n"},
	{"never", TOP "probes: {when: never}\nrecorder: {services: none}\n"},
	{"a port of IPv6", TOP "uplinks: {f: {device: g, stamp: \"[::1]:900\"}}\n"},
	{"one who may ask", TOP "reflector: {from: 192.0.2.7}\n"},
};

static void round_trip(void **state)
{
	const struct text_row *row = *state;
	struct sl_policy before, after;
	char *yaml, *diff;

	must_read(&before, row->yaml);
	yaml = sl_policy_write(&before);
	must_read(&after, yaml);
	diff = sl_policy_diff(&before, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_string_equal(diff, "");
	free(yaml);
	free(diff);
}

static const struct bad_row {
	const char *name;
	const char *yaml;
	const char *why;
} bad_rows[] = {
	{"an interval below the tick", TOP "probes: {interval: 5ms}\n",
	 "t:3:20: probes.interval: 5ms is out of range: 10ms to 10s"},
	{"an unknown time to probe", TOP "probes: {when: maybe}\n",
	 "t:3:16: probes.when: \"maybe\" is not one of suspected, always, never"},
	{"a budget that fills a link", TOP "probes: {budget: 1gbit}\n",
	 "t:3:18: probes.budget: 1gbit is out of range: 1kbit to 10mbit"},
	{"a reflector for anybody unsaid", TOP "reflector: {rate: 5}\n",
	 "t:3:12: reflector.from: is missing"},
	{"a name as reflector", TOP "uplinks: {f: {device: g, stamp: dc.example}}\n",
	 "t:3:33: uplinks.f.stamp: \"dc.example\" is no reflector such as 192.0.2.1:862"},
	{"a port too high", TOP "uplinks: {f: {device: g, stamp: \"10.0.0.1:70000\"}}\n",
	 "t:3:33: uplinks.f.stamp: \"10.0.0.1:70000\" is no reflector such as 192.0.2.1:862"},
	{"a bracket that does not close", TOP "uplinks: {f: {device: g, stamp: \"[::1\"}}\n",
	 "t:3:33: uplinks.f.stamp: \"[::1\" is no reflector such as 192.0.2.1:862"},
	{"a history of no time", TOP "history: {keep: 0s}\n",
	 "t:3:17: history.keep: 0s is out of range: 1min to 31d"},
	{"a history without a unit", TOP "history: {keep: 7}\n",
	 "t:3:17: history.keep: \"7\" is not a time such as 7d (s, min, h, d)"},
	{"a detail of its own", TOP "history: {detail: some}\n",
	 "t:3:19: history.detail: \"some\" is not one of full, lean"},
	{"whole packets", TOP "recorder: {payload: all}\n",
	 "t:3:21: recorder.payload: \"all\" is not one of none, head"},
};

static void refused(void **state)
{
	const struct bad_row *row = *state;
	struct sl_policy policy;
	char why[1024];

	assert_int_equal(sl_policy_read(&policy, row->yaml, strlen(row->yaml), "t", why,
					sizeof(why)),
			 -EINVAL);
	assert_string_equal(why, row->why);
}

static void differs(void **state)
{
	struct sl_policy before, after;
	char *diff;

	must_read(&before, TOP);
	must_read(&after, TOP "probes: {when: never}\nreflector: {from: 192.0.2.7, rate: 9}\n");
	diff = sl_policy_diff(&before, &after);
	assert_string_equal(diff,
			    "probes.when: added never\nprobes.interval: added 10ms\n"
			    "probes.budget: added 20kbit\nreflector: added\n"
			    "reflector.from: added [192.0.2.7/32]\nreflector.rate: added 9\n");
	free(diff);
}

int main(void)
{
	struct sl_row_tests tests = {0};

	sl_row_add(&tests, "every key is read", reads_everything, NULL);
	sl_row_add(&tests, "what is not said has a default", has_defaults, NULL);
	sl_row_add(&tests, "the difference is told", differs, NULL);
	SL_ROWS_ADD(&tests, good_rows, round_trip);
	SL_ROWS_ADD(&tests, bad_rows, refused);
	return sl_row_run("policy probes", &tests);
}
