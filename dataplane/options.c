/*
 * options.c - getopt_long over one table
 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOWS_MIN 64
#define FLOWS_MAX (64u << 20)

static const struct option table[] = {
	{"policy", required_argument, NULL, 'p'},   {"redis", required_argument, NULL, 'r'},
	{"state", required_argument, NULL, 's'},    {"pin", required_argument, NULL, 'P'},
	{"engine", required_argument, NULL, 'E'},   {"flows", required_argument, NULL, 'f'},
	{"events", required_argument, NULL, 'e'},   {"generic", no_argument, NULL, 'g'},
	{"detach-on-exit", no_argument, NULL, 'd'}, {"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
};

static bool read_flows(struct sl_options *o, const char *text, bool replay)
{
	char *end;

	if (replay) {
		o->flows_out = text;
		return true;
	}
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);

	if (errno || *end || end == text || value < FLOWS_MIN || value > FLOWS_MAX) {
		fprintf(stderr, "storeline-dataplane: --flows %s: a number from %d to %u\n", text,
			FLOWS_MIN, FLOWS_MAX);
		return false;
	}
	o->flows = (uint32_t)value;
	return true;
}

static bool take(struct sl_options *o, int key, const char *value, bool replay)
{
	switch (key) {
	case 'p':
		o->policy = value;
		return true;
	case 'r':
		o->redis = value;
		return true;
	case 's':
		o->state = value;
		return true;
	case 'P':
		o->pin = value;
		return true;
	case 'E':
		o->engine = value;
		return true;
	case 'f':
		return read_flows(o, value, replay);
	case 'e':
		o->events_out = value;
		return true;
	case 'g':
		return o->generic = true;
	case 'd':
		return o->detach_on_exit = true;
	case 'v':
		return o->verbose = true;
	case 'h':
		return o->help = true;
	default: /* getopt has said it */
		return false;
	}
}

static bool has_all(const struct sl_options *o, unsigned int needs)
{
	const struct {
		unsigned int need;
		bool there;
		const char *what;
	} rows[] = {
		{SL_NEED_POLICY, o->policy != NULL, "--policy FILE"},
		{SL_NEED_REDIS, o->redis != NULL, "--redis unix:PATH"},
		{SL_NEED_STATE, o->state != NULL, "--state DIR"},
		{SL_NEED_ENGINE, o->engine != NULL, "--engine xdp|dpdk|host"},
		{SL_NEED_FLOWS_OUT, o->flows_out != NULL, "--flows OUT.jsonl"},
		{SL_NEED_FILES, o->file_count > 0, "CAPTURE..."},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((needs & rows[i].need) && !rows[i].there) {
			fprintf(stderr, "storeline-dataplane: needs %s\n", rows[i].what);
			return false;
		}
	if (o->file_count == 0 || (needs & SL_NEED_FILES))
		return true;
	fprintf(stderr, "storeline-dataplane: what is \"%s\"?\n", o->files[0]);
	return false;
}

bool sl_options_read(struct sl_options *o, int argc, char **argv, unsigned int needs, bool replay)
{
	int key;

	*o = (struct sl_options){0};
	optind = 1;
	while ((key = getopt_long(argc, argv, "vh", table, NULL)) != -1)
		if (!take(o, key, optarg, replay))
			return false;
	o->files = argv + optind;
	o->file_count = argc - optind;
	return o->help || has_all(o, needs);
}
