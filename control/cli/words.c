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

static int take_value(struct sl_cli *cli, const char *name, const char *value)
{
	if (!strcmp(name, "--redis"))
		cli->redis = value;
	else if (!strcmp(name, "--site"))
		cli->site = value;
	else if (!strcmp(name, "--timeout"))
		return read_ms(name, value, TIMEOUT_MAX_MS, &cli->timeout_ms);
	else if (!strcmp(name, "--hold")) {
		cli->options |= SL_CLI_HOLD;
		return read_ms(name, value, HOLD_MAX_MS, &cli->hold_ms);
	} else if (!strcmp(name, "--share")) {
		cli->options |= SL_CLI_SHARE;
		return read_share(value, &cli->share_ppm);
	}
	return 0;
}

static bool takes_value(const char *name, size_t size)
{
	static const char *const names[] = {"--redis", "--site", "--timeout", "--hold", "--share"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == size && !strncmp(names[i], name, size))
			return true;
	return false;
}

/* --name value and --name=value; how many words it took, 0 = a mistake, told. */
static int take_option(struct sl_cli *cli, int left, char **argv)
{
	size_t size = strcspn(argv[0], "=");
	bool joined = argv[0][size] == '=';
	char name[16];

	if (!strcmp(argv[0], "--json")) {
		cli->json = true;
	} else if (!strcmp(argv[0], "--live")) {
		cli->live = true;
		cli->options |= SL_CLI_LIVE;
	} else if (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h")) {
		cli->help = true;
	} else if (!takes_value(argv[0], size)) {
		sl_cli_fail(0, "unknown option %s (see storeline --help)", argv[0]);
		return 0;
	} else if (!joined && left < 2) {
		sl_cli_fail(0, "%s wants a value", argv[0]);
		return 0;
	} else {
		snprintf(name, sizeof(name), "%.*s", (int)size, argv[0]);
		if (take_value(cli, name, joined ? argv[0] + size + 1 : argv[1]))
			return 0;
		return joined ? 1 : 2;
	}
	return 1;
}

int sl_words_split(struct sl_cli *cli, const char **verb, int argc, char **argv)
{
	*cli = (struct sl_cli){.redis = getenv("STORELINE_REDIS"),
			       .site = getenv("STORELINE_SITE"),
			       .timeout_ms = 3000,
			       .share_ppm = 1000000};
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
