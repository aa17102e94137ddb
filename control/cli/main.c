/*
 * main.c - storeline: the table of verbs
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

static const struct sl_cli_verb verbs[] = {
	{"status", "", "health of every service on every uplink, once",
	 "Exit 7 when any path is degraded or down.", 0, 0, 0, sl_cli_status},
	{"top", "", "the same, live, with the last events", "Ends with Ctrl-C.", 0, 0, 0,
	 sl_cli_top},
	{"watch", "", "events and decisions as they happen",
	 "One line each; with --json one JSON object a line.  Ends with Ctrl-C.", 0, 0, 0,
	 sl_cli_watch},
	{"policy", "validate FILE | show | diff FILE | apply FILE | rollback",
	 "check, show, compare, change the policy",
	 "validate works without Redis; its mistakes are FILE:LINE:COLUMN: KEY: what is wrong.\n"
	 "apply waits until the dataplane has taken it; rollback goes back to the one before.",
	 1, 2, 0, sl_cli_policy},
	{"discover", "", "busy traffic that no service claims, and services for it",
	 "Prints stanzas for the policy's services, the busiest first, each with what it was seen\n"
	 "by: read them, say in each what it must be like (slo), add them to the policy.\n"
	 "Flows are counted since the dataplane's start; it tells them each 10 s.",
	 0, 0, 0, sl_cli_discover},
	{"reroute", "SERVICE UPLINK", "send a service's flows by an uplink",
	 "  --share PCT   only this share of its new flows\n"
	 "  --live        move its live flows too\n"
	 "  --hold TIME   ends by itself after this, like 10m",
	 2, 2, SL_CLI_SHARE | SL_CLI_LIVE | SL_CLI_HOLD, sl_cli_reroute},
	{"throttle", "SERVICE RATE", "limit a service's rate, each way; RATE off lifts it",
	 "  RATE is like 2mbit, 500kbit, off\n"
	 "  --hold TIME   ends by itself after this, like 10m",
	 2, 2, SL_CLI_HOLD, sl_cli_throttle},
	{"restore", "SERVICE", "back to what the policy says, limit lifted", "", 1, 1, 0,
	 sl_cli_restore},
	{"freeze", "", "no new action; what stands stays", "`storeline resume` ends it.", 0, 0, 0,
	 sl_cli_freeze},
	{"bypass", "", "every packet passes untouched", "`storeline resume` ends it.", 0, 0, 0,
	 sl_cli_bypass},
	{"resume", "", "end freeze and bypass", "", 0, 0, 0, sl_cli_resume},
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static const char tail[] =
	"\n"
	"options:\n"
	"  --redis ADDR  unix:PATH or tcp:HOST:PORT      (or STORELINE_REDIS)\n"
	"  --site SITE   e.g. store-0421                 (or STORELINE_SITE)\n"
	"  --json        for programs\n"
	"  --timeout T   how long to wait for an answer  (3s)\n"
	"  -h, --help    this text, or that of a verb\n"
	"\n"
	"exit: 0 ok, 1 error, 2 usage or bad policy, 3 no such service or uplink, 4 no permission,\n"
	"      5 refused by a safety limit, 6 no answer (also: no Redis), 7 unhealthy\n";

static void help(FILE *to)
{
	fputs("usage: storeline [options] VERB ...\n\n", to);
	for (size_t i = 0; i < VERBS; i++)
		fprintf(to, "  %-9s %-16s %s\n", verbs[i].name,
			strlen(verbs[i].synopsis) > 16 ? "..." : verbs[i].synopsis, verbs[i].help);
	fputs(tail, to);
}

static int help_verb(const struct sl_cli_verb *verb)
{
	printf("usage: storeline [options] %s %s\n\n%s\n", verb->name, verb->synopsis, verb->help);
	if (verb->more[0])
		printf("%s\n", verb->more);
	fputs(tail, stdout);
	return 0;
}

static const struct sl_cli_verb *find(const char *name)
{
	for (size_t i = 0; i < VERBS; i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

static int check(const struct sl_cli *cli, const struct sl_cli_verb *verb)
{
	unsigned int wrong = cli->options & ~verb->options;

	if (cli->words < verb->words_min || cli->words > verb->words_max)
		return sl_cli_fail(SL_CLI_USAGE, "usage: storeline %s %s", verb->name,
				   verb->synopsis);
	if (wrong)
		return sl_cli_fail(SL_CLI_USAGE, "%s takes no %s", verb->name,
				   wrong & SL_CLI_SHARE  ? "--share"
				   : wrong & SL_CLI_LIVE ? "--live"
							 : "--hold");
	return 0;
}

int main(int argc, char **argv)
{
	const struct sl_cli_verb *verb;
	const char *name;
	struct sl_cli cli;
	int code = sl_words_split(&cli, &name, argc, argv);

	if (code)
		return code;
	if (!name) {
		help(cli.help ? stdout : stderr);
		return cli.help ? SL_CLI_OK : SL_CLI_USAGE;
	}
	verb = find(name);
	if (!verb)
		return sl_cli_fail(SL_CLI_USAGE, "unknown verb %s (see storeline --help)", name);
	cli.verb = verb;
	if (cli.help)
		return help_verb(verb);
	code = check(&cli, verb);
	return code ? code : verb->run(&cli);
}
