/*
 * discover.c - storeline discover: services for the traffic that none claims
 */
#include "propose.h"
#include "session.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STALE_S 60 /* the dataplane tells it each 10 s */

struct found {
	const struct sl_unclaimed_report *report;
	const struct sl_policy *policy;
	struct sl_proposals proposals;
};

static double age_s(const struct sl_unclaimed_report *report)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9 - (double)report->at_unix_ns / 1e9;
}

static int print_stanzas(const struct found *found)
{
	const struct sl_proposals *all = &found->proposals;

	if (all->count)
		puts("services:");
	for (uint32_t i = 0; i < all->count; i++) {
		char *yaml = sl_propose_yaml(&all->proposal[i], found->report, found->policy);

		if (!yaml)
			return sl_cli_fail(SL_CLI_ERROR, "out of memory");
		fputs(yaml, stdout);
		free(yaml);
	}
	return SL_CLI_OK;
}

static int print(const struct found *found)
{
	const struct sl_proposals *all = &found->proposals;
	int code;

	printf("# %s: %llu flows that no service claims, of %u kinds\n", found->policy->site,
	       (unsigned long long)all->flows, all->kinds);
	if (all->claimed)
		printf("# kinds that the policy claims by now: %u\n", all->claimed);
	code = print_stanzas(found);
	if (all->beyond)
		printf("# no room in the policy: %u groups, of %llu flows\n", all->beyond,
		       (unsigned long long)all->beyond_flows);
	if (all->rare)
		printf("# too rare for a service: %u groups, of %llu flows\n", all->rare,
		       (unsigned long long)all->rare_flows);
	return code;
}

/* NULL when out of memory. */
static json_t *proposal_json(const struct found *found, const struct sl_proposal *p)
{
	char *match = sl_propose_match(p);
	char *yaml = sl_propose_yaml(p, found->report, found->policy);
	json_t *kinds = json_array(), *made = NULL;

	for (uint32_t i = 0; i < p->kinds; i++)
		json_array_append_new(kinds, json_integer(p->kind[i]));
	if (match && yaml)
		made = json_pack("{s:s,s:I,s:I,s:I,s:O,s:s,s:s}", "service", p->service, "flows",
				 (json_int_t)p->flows, "first_bytes", (json_int_t)p->first_bytes,
				 "last_unix_ns", (json_int_t)p->last_unix_ns, "entries", kinds,
				 "match", match, "yaml", yaml);
	json_decref(kinds);
	free(match);
	free(yaml);
	return made;
}

/* {"proposals":[...],"unclaimed":{as in storeline.proto}}; "entries" are its indexes. */
static int print_json(const struct found *found)
{
	char *line = sl_wire_json_unclaimed(found->report), *text = NULL;
	json_t *proposals = json_array(), *all;

	for (uint32_t i = 0; i < found->proposals.count; i++)
		json_array_append_new(proposals,
				      proposal_json(found, &found->proposals.proposal[i]));
	all = json_pack("{s:o,s:o}", "proposals", proposals, "unclaimed",
			line ? json_loads(line, 0, NULL) : NULL);
	if (all)
		text = json_dumps(all, JSON_COMPACT);
	if (text)
		puts(text);
	json_decref(all);
	free(line);
	free(text);
	return text ? SL_CLI_OK : sl_cli_fail(SL_CLI_ERROR, "out of memory");
}

static int show(struct sl_session *session, const struct sl_policy *policy)
{
	const struct sl_unclaimed_report *report = session->unclaimed;
	struct found *found;
	int code;

	if (!report)
		return sl_cli_fail(SL_CLI_TIMEOUT,
				   "nothing is known of unclaimed traffic at %s: %s",
				   session->cli->site,
				   policy->no_names
					   ? "its policy says names: false"
					   : "its dataplane tells it 10 s after its start");
	found = calloc(1, sizeof(*found));
	if (!found)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	found->report = report;
	found->policy = policy;
	if (age_s(report) > STALE_S)
		fprintf(stderr, "storeline: this is %.0f s old: is storeline-dataplane running?\n",
			age_s(report));
	code = sl_propose(report, policy, &found->proposals)
		       ? sl_cli_fail(SL_CLI_ERROR, "out of memory")
	       : session->cli->json ? print_json(found)
				    : print(found);
	free(found);
	return code;
}

int sl_cli_discover(struct sl_cli *cli)
{
	struct sl_session *session = calloc(1, sizeof(*session));
	struct sl_policy *policy = NULL;
	int code;

	if (!session)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	code = sl_session_open(session, cli, &(struct sl_session_wants){.events = false});
	if (!code)
		policy = sl_session_read_policy(session, &code);
	if (policy)
		code = sl_session_unclaimed(session);
	if (policy && !code)
		code = show(session, policy);
	free(policy);
	sl_session_close(session);
	free(session);
	return code;
}
