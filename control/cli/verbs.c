/*
 * verbs.c - the table of verbs, and the help made from it
 */
#include "verbs.h"

#include <string.h>

const struct sl_cli_verb sl_verbs[] = {
	{"status", "", "health of every service on every uplink, once",
	 "Exit 7 when any path is degraded or down.", "", 0, 0, 0, sl_cli_status},
	{"top", "", "the same, live: states, times, rates, incidents, events",
	 "In a terminal a screen of its own: arrows choose a service, Enter says why it stands as\n"
	 "it does, i shows incidents, p pauses, ? lists the keys, q ends.  Elsewhere plain text.",
	 "", 0, 0, 0, sl_cli_top},
	{"watch", "", "events and decisions as they happen",
	 "One line each; with --json one JSON object a line.  Ends with Ctrl-C.", "", 0, 0, 0,
	 sl_cli_watch},
	{"why", "SERVICE", "how a service stands, and why: the last decisions, with their numbers",
	 "State on each uplink against the SLO, where it goes and who sent it there, the open\n"
	 "incident, and the last decisions: what they rest on, what was weighed, what held back.",
	 "", 1, 1, 0, sl_cli_why},
	{"incidents", "[show ID]", "what went wrong, what was done, what came of it",
	 "The newest first; show ID tells the whole of one.", "show", 0, 2, SL_CLI_LAST,
	 sl_cli_incidents},
	{"fleet", "", "what many sites have at once: one fault; and who is alone with theirs",
	 "Looks at all sites whose keys this Redis holds, whatever --site says, and at what is open or\n"
	 "was in that time (the last hour).  The same fault of a service, begun within two minutes at\n"
	 "three sites and a tenth of all, is told as one.  Exit 7 when anything is open.",
	 "", 0, 0, SL_CLI_SPAN, sl_cli_fleet},
	{"memory", "[show FINGERPRINT | export | import FILE]",
	 "which remedies have helped against which incidents",
	 "export writes what the whole fleet has learnt as JSON.  import reads such a file and\n"
	 "adds it to the fleet's as a site of its own, imported-FILE; again: in place of that.",
	 "show export import", 0, 2, 0, sl_cli_memory},
	{"policy", "validate FILE | show | diff FILE | apply FILE | history | revert [EPOCH]",
	 "check, show, compare, change the policy",
	 "validate works without Redis; its mistakes are FILE:LINE:COLUMN: KEY: what is wrong.\n"
	 "apply waits until the dataplane has taken it, and so does revert, which puts the policy of\n"
	 "before, or the one of EPOCH, in force again as a new one.  history lists the last 16, with\n"
	 "what each changed.  rollback is revert without EPOCH.",
	 "validate show diff apply history revert rollback", 1, 2, 0, sl_cli_policy},
	{"whatif", "", "what another policy would have made of the past",
	 "Plays the recorded seconds again, with the policy in force and with FILE, and tells for each\n"
	 "service moves, flaps, time out of its SLO, and bytes of metered uplinks, beside what really\n"
	 "happened; and what the figures cannot say.  Nothing is changed.  How far the record reaches\n"
	 "back is said by the policy (history).",
	 "", 0, 0, SL_CLI_POLICY | SL_CLI_SPAN | SL_CLI_RANGE | SL_CLI_SERVICE, sl_cli_whatif},
	{"discover", "", "busy traffic that no service claims, and services for it",
	 "Prints stanzas for the policy's services, the busiest first, each with what it was seen\n"
	 "by: read them, say in each what it must be like (slo), add them to the policy.\n"
	 "Flows are counted since the dataplane's start; it tells them each 10 s.",
	 "", 0, 0, 0, sl_cli_discover},
	{"doctor", "", "is this machine fit for it?  Before attaching",
	 "One line a check, then cause and cure.  Looks at the devices of the policy and changes\n"
	 "nothing.  Without --redis it does not look at Redis.  Exit 7 when something fails, 5\n"
	 "when a port of the policy carries the ssh session that you are in.",
	 "", 0, 0, SL_CLI_POLICY | SL_CLI_CONFIRM | SL_CLI_STATE, sl_cli_doctor},
	{"reroute", "SERVICE UPLINK", "send a service's flows by an uplink", "", "", 2, 2,
	 SL_CLI_SHARE | SL_CLI_LIVE | SL_CLI_HOLD, sl_cli_reroute},
	{"throttle", "SERVICE RATE", "limit a service's rate, each way; RATE off lifts it",
	 "RATE is like 2mbit, 500kbit, off.", "", 2, 2, SL_CLI_HOLD, sl_cli_throttle},
	{"remark", "SERVICE DSCP", "the DSCP of a service's packets towards the WAN; off lifts it",
	 "DSCP is a name (le, ef, va, cs0 to cs7, af11 to af43), 0 to 63, or off: as the policy says.\n"
	 "It tells only where the far side of the uplink honours it.",
	 "", 2, 2, SL_CLI_HOLD, sl_cli_remark},
	{"clamp", "UPLINK BYTES",
	 "smaller packets for an uplink's new TCP connections; off lifts it",
	 "BYTES of an IP packet: 1280, 576, off.  By the MSS of their SYNs, where large packets vanish.",
	 "", 2, 2, SL_CLI_HOLD, sl_cli_clamp},
	{"restore", "SERVICE", "back to what the policy says, limit and DSCP lifted", "", "", 1, 1,
	 0, sl_cli_restore},
	{"freeze", "", "no new action; what stands stays", "`storeline resume` ends it.", "", 0, 0,
	 0, sl_cli_freeze},
	{"bypass", "", "every packet passes untouched", "`storeline resume` ends it.", "", 0, 0, 0,
	 sl_cli_bypass},
	{"resume", "", "end freeze and bypass", "", "", 0, 0, 0, sl_cli_resume},
	{"completion", "bash | man", "completion for the shell, or the manual page",
	 "In ~/.bashrc:  source <(storeline completion bash)", "bash man", 1, 1, 0,
	 sl_cli_completion},
};
const size_t sl_verbs_count = sizeof(sl_verbs) / sizeof(sl_verbs[0]);

const struct sl_cli_verb *sl_verbs_find(const char *name)
{
	for (size_t i = 0; i < sl_verbs_count; i++)
		if (!strcmp(sl_verbs[i].name, name))
			return &sl_verbs[i];
	return NULL;
}

/* The options that @bits has; 0 = those of every verb. */
static void options(FILE *to, unsigned int bits)
{
	for (size_t i = 0; i < sl_options_count; i++) {
		const struct sl_option *option = &sl_options[i];
		char name[32];

		if (bits ? !(option->bit & bits) : option->bit)
			continue;
		snprintf(name, sizeof(name), "%s %s", option->name, option->value);
		fprintf(to, "  %-18s %s\n", name, option->help);
	}
}

static void tail(FILE *to)
{
	fputs("\noptions:\n", to);
	options(to, 0);
	fputs("\nexit: 0 ok, 1 error, 2 usage or bad policy, 3 no such service, uplink, incident,\n"
	      "      4 no permission, 5 refused by a safety limit, 6 no answer (also: no Redis),\n"
	      "      7 unhealthy\n",
	      to);
}

void sl_verbs_help(FILE *to)
{
	fputs("usage: storeline [options] VERB ...\n\n", to);
	for (size_t i = 0; i < sl_verbs_count; i++)
		fprintf(to, "  %-10s %-14s %s\n", sl_verbs[i].name,
			strlen(sl_verbs[i].synopsis) > 14 ? "..." : sl_verbs[i].synopsis,
			sl_verbs[i].help);
	tail(to);
}

void sl_verbs_help_one(FILE *to, const struct sl_cli_verb *verb)
{
	fprintf(to, "usage: storeline [options] %s%s%s\n\n%s\n", verb->name,
		verb->synopsis[0] ? " " : "", verb->synopsis, verb->help);
	if (verb->more[0])
		fprintf(to, "%s\n", verb->more);
	if (verb->options)
		options(to, verb->options);
	tail(to);
}

/* One name for two things: so many of the newest, or so much of the past. */
static unsigned int given(const struct sl_cli *cli, const struct sl_cli_verb *verb)
{
	if (verb->options & SL_CLI_SPAN && cli->options & SL_CLI_LAST)
		return (cli->options & ~(unsigned int)SL_CLI_LAST) | SL_CLI_SPAN;
	return cli->options;
}

int sl_verbs_check(struct sl_cli *cli, const struct sl_cli_verb *verb)
{
	if (cli->words < verb->words_min || cli->words > verb->words_max)
		return sl_cli_fail(SL_CLI_USAGE, "usage: storeline %s %s", verb->name,
				   verb->synopsis);
	for (size_t i = 0; i < sl_options_count; i++)
		if (sl_options[i].bit & given(cli, verb) & ~verb->options)
			return sl_cli_fail(SL_CLI_USAGE, "%s takes no %s", verb->name,
					   sl_options[i].name);
	return sl_words_last(cli, verb->options & SL_CLI_SPAN);
}
