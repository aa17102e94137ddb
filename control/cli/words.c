/*
 * words.c - the command line to struct sl_cli
 */
#include "cli.h"

#include "proto/policy_units.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLD_MAX_MS    (24u * 3600 * 1000)
#define TIMEOUT_MAX_MS (600u * 1000)
#define LAST           20
#define LAST_MAX       500
#define CONFIRM_MAX_S  3600

int sl_cli_fail(int code, const char *format, ...)
{
	va_list args;

	fputs("storeline: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

/* A person's times are longer than a policy's. */
static const struct sl_unit times[] = {{"h", UINT64_C(3600000000000)},
				       {"m", UINT64_C(60000000000)},
				       {"s", 1000000000},
				       {"ms", 1000000},
				       {NULL, 0}};

static int read_ms(const char *name, const char *text, uint32_t most_ms, uint32_t *ms)
{
	uint64_t ns;

	if (!sl_units_read(text, times, &ns) || ns < 1000000 || ns / 1000000 > most_ms)
		return sl_cli_fail(SL_CLI_USAGE,
				   "%s %s: not a time from 1ms to %us, like 30s or 10m", name, text,
				   most_ms / 1000);
	*ms = (uint32_t)(ns / 1000000);
	return 0;
}

static int read_share(const char *text, uint32_t *ppm)
{
	char percent[32];
	uint64_t value;

	snprintf(percent, sizeof(percent), "%s%s", text, strchr(text, '%') ? "" : "%");
	if (!sl_units_read(percent, sl_units_share, &value) || !value || value > 1000000)
		return sl_cli_fail(SL_CLI_USAGE, "--share %s: not a percentage above 0, up to 100",
				   text);
	*ppm = (uint32_t)value;
	return 0;
}

const struct sl_option sl_options[] = {
	{"--share", "PCT", "only this share of its new flows", SL_CLI_SHARE},
	{"--live", "", "move its live flows too", SL_CLI_LIVE},
	{"--hold", "TIME", "ends by itself after this, like 10m", SL_CLI_HOLD},
	{"--last", "N", "so many, the newest (20)", SL_CLI_LAST},
	{"--last", "TIME", "so much of the past, like 90m, 7d (whatif: 24h, fleet: 1h)",
	 SL_CLI_SPAN},
	{"--from", "WHEN", "instead: from this time on, like 2026-11-24T08:00:00Z", SL_CLI_RANGE},
	{"--to", "WHEN", "up to this time (now)", SL_CLI_RANGE},
	{"--service", "SERVICE", "only of this service", SL_CLI_SERVICE},
	{"--policy", "FILE", "the policy that it is about", SL_CLI_POLICY},
	{"--state", "DIR", "where the dataplane keeps its state (/var/lib/storeline)",
	 SL_CLI_STATE},
	{"--confirm-within", "S", "a trial of so many seconds: ssh is then no reason to refuse",
	 SL_CLI_CONFIRM},
	{"--redis", "ADDR", "unix:PATH or tcp:HOST:PORT (or STORELINE_REDIS)", 0},
	{"--site", "SITE", "e.g. store-0421 (or STORELINE_SITE)", 0},
	{"--json", "", "for programs", 0},
	{"--timeout", "T", "how long to wait for an answer (3s)", 0},
	{"--help", "", "this text, or that of a verb", 0},
};
const size_t sl_options_count = sizeof(sl_options) / sizeof(sl_options[0]);

static int read_number(const char *name, const char *text, uint32_t most, uint32_t *number)
{
	uint64_t value;

	if (!sl_units_read_whole(text, &value) || !value || value > most)
		return sl_cli_fail(SL_CLI_USAGE, "%s %s: not a number from 1 to %u", name, text,
				   most);
	*number = (uint32_t)value;
	return 0;
}

int sl_words_last(struct sl_cli *cli, bool is_time)
{
	if (!cli->last_text)
		return 0;
	if (!is_time)
		return read_number("--last", cli->last_text, LAST_MAX, &cli->last);
	if (sl_words_span(cli->last_text, &cli->last_s))
		return 0;
	return sl_cli_fail(SL_CLI_USAGE, "--last %s: not a time from 1s to 31d, like 90m or 7d",
			   cli->last_text);
}

static int take_value(struct sl_cli *cli, const struct sl_option *option, const char *value)
{
	switch (option->bit) {
	case SL_CLI_SHARE:
		return read_share(value, &cli->share_ppm);
	case SL_CLI_HOLD:
		return read_ms(option->name, value, HOLD_MAX_MS, &cli->hold_ms);
	case SL_CLI_LAST:
		cli->last_text = value;
		return 0;
	case SL_CLI_CONFIRM:
		return read_number(option->name, value, CONFIRM_MAX_S, &cli->confirm_s);
	case SL_CLI_POLICY:
		cli->policy = value;
		return 0;
	case SL_CLI_STATE:
		cli->state = value;
		return 0;
	case SL_CLI_SERVICE:
		cli->service = value;
		return 0;
	case SL_CLI_RANGE:
		*(strcmp(option->name, "--to") ? &cli->from : &cli->to) = value;
		return 0;
	}
	if (!strcmp(option->name, "--redis"))
		cli->redis = value;
	else if (!strcmp(option->name, "--site"))
		cli->site = value;
	else
		return read_ms(option->name, value, TIMEOUT_MAX_MS, &cli->timeout_ms);
	return 0;
}

static void take_flag(struct sl_cli *cli, const struct sl_option *option)
{
	if (option->bit == SL_CLI_LIVE)
		cli->live = true;
	else if (!strcmp(option->name, "--json"))
		cli->json = true;
	else
		cli->help = true;
}

static const struct sl_option *find_option(const char *name, size_t size)
{
	if (size == 2 && !strncmp(name, "-h", 2))
		return &sl_options[sl_options_count - 1];
	for (size_t i = 0; i < sl_options_count; i++)
		if (strlen(sl_options[i].name) == size && !strncmp(sl_options[i].name, name, size))
			return &sl_options[i];
	return NULL;
}

/* --name value and --name=value; how many words it took, 0 = a mistake, told. */
static int take_option(struct sl_cli *cli, int left, char **argv)
{
	size_t size = strcspn(argv[0], "=");
	bool joined = argv[0][size] == '=';
	const struct sl_option *option = find_option(argv[0], size);

	if (!option || (joined && !option->value[0])) {
		sl_cli_fail(0, "unknown option %s (see storeline --help)", argv[0]);
		return 0;
	}
	cli->options |= option->bit;
	if (!option->value[0]) {
		take_flag(cli, option);
		return 1;
	}
	if (!joined && left < 2) {
		sl_cli_fail(0, "%s wants a value", argv[0]);
		return 0;
	}
	if (take_value(cli, option, joined ? argv[0] + size + 1 : argv[1]))
		return 0;
	return joined ? 1 : 2;
}

int sl_words_split(struct sl_cli *cli, const char **verb, int argc, char **argv)
{
	*cli = (struct sl_cli){.redis = getenv("STORELINE_REDIS"),
			       .site = getenv("STORELINE_SITE"),
			       .timeout_ms = 3000,
			       .share_ppm = 1000000,
			       .last = LAST};
	*verb = NULL;
	for (int i = 1; i < argc;) {
		if (argv[i][0] == '-' && argv[i][1]) {
			int took = take_option(cli, argc - i, argv + i);

			if (!took)
				return SL_CLI_USAGE;
			i += took;
			continue;
		}
		if (!*verb)
			*verb = argv[i];
		else if (cli->words == SL_CLI_WORDS_MAX)
			return sl_cli_fail(SL_CLI_USAGE, "too many words: %s", argv[i]);
		else
			cli->word[cli->words++] = argv[i];
		i++;
	}
	return 0;
}

bool sl_words_rate(const char *text, uint64_t *bps)
{
	if (!strcmp(text, "off")) {
		*bps = 0;
		return true;
	}
	if (sl_units_read(text, sl_units_rate, bps) || sl_units_read_whole(text, bps))
		return *bps > 0;
	return false;
}

int sl_words_need_bus(const struct sl_cli *cli)
{
	if (!cli->redis || !*cli->redis)
		return sl_cli_fail(SL_CLI_USAGE,
				   "where is Redis? --redis unix:PATH or STORELINE_REDIS");
	if (!cli->site || !*cli->site)
		return sl_cli_fail(SL_CLI_USAGE, "which site? --site SITE or STORELINE_SITE");
	if (strlen(cli->site) >= SL_NAME_MAX)
		return sl_cli_fail(SL_CLI_USAGE, "--site %s: longer than %d letters", cli->site,
				   SL_NAME_MAX - 1);
	return 0;
}
