/*
 * fleet_tell.c - the fleet in a few lines: what is one fault, who is alone with theirs, who is silent
 */
#include "fleet.h"

#include "paper.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS         UINT64_C(1000000000)
#define ALONE_MAX  20 /* lines */
#define SILENT_MAX 10 /* names */

struct sl_fleet_count sl_fleet_counted(const struct sl_fleet_view *view)
{
	struct sl_fleet_count count = {0};

	for (uint32_t i = 0; i < view->fleet.sites; i++) {
		const struct sl_fleet_site *site = &view->site[i];

		count.well += site->speaks && !site->open;
		count.open += site->open > 0;
		count.silent += !site->speaks;
	}
	return count;
}

/* ---- a group in a sentence ---- */

/* What it means that many have it at once, and what to do. */
static const char *meaning(enum sl_verdict verdict)
{
	static const char *const means[SL_VERDICT_COUNT] = {
		[SL_VERDICT_UNKNOWN] = "no site can tell where: look for what these have in common",
		[SL_VERDICT_LAN] =
			"in the sites' own networks: look for a change that all were given",
		[SL_VERDICT_UPLINK] = "the provider's network; each site moves by itself",
		[SL_VERDICT_DESTINATION] =
			"the far end is out; no site can mend it: use offline mode",
		[SL_VERDICT_DNS] = "the resolver that they share: mend it, or give them another",
		[SL_VERDICT_SELF] =
			"no policy came just before: look for what else all of them were given",
	};

	return verdict < SL_VERDICT_COUNT ? means[verdict] : means[SL_VERDICT_UNKNOWN];
}

static void policy_name(const struct sl_fleet_group *group, char text[SL_NAME_MAX])
{
	if (group->policy)
		snprintf(text, SL_NAME_MAX, "policy %llu", (unsigned long long)group->policy);
	else
		snprintf(text, SL_NAME_MAX, "a new policy");
}

static void when(const struct sl_fleet_group *group, uint64_t now, char text[SL_TEXT_MAX])
{
	char first[SL_PAPER_CLOCK_MAX], end[SL_PAPER_CLOCK_MAX + 8] = "", policy[SL_NAME_MAX];
	char clock[SL_PAPER_CLOCK_MAX];
	uint64_t within = (group->last_unix_ns - group->first_unix_ns + NS - 1) / NS;
	int at;

	if (group->closed_unix_ns)
		snprintf(end, sizeof(end), " to %s",
			 sl_paper_clock(group->closed_unix_ns, now, clock));
	at = snprintf(text, SL_TEXT_MAX, "%s %s%s (%s within %llu s)", end[0] ? "from" : "since",
		      sl_paper_clock(group->first_unix_ns, now, first), end,
		      end[0] ? "begun" : "all", (unsigned long long)(within ? within : 1));
	if (!sl_fleet_by_policy(group))
		return;
	policy_name(group, policy);
	snprintf(text + at, SL_TEXT_MAX - (size_t)at, ", within %d s of %s", SL_FLEET_POLICY_S,
		 policy);
}

const char *sl_fleet_sentence(const struct sl_fleet_group *group, uint32_t seen,
			      uint64_t now_unix_ns, char text[SL_FLEET_SENTENCE_MAX])
{
	char still[32] = "", time[SL_TEXT_MAX];
	const char *means = meaning(group->verdict);

	when(group, now_unix_ns, time);
	if (group->open && group->open < group->sites)
		snprintf(still, sizeof(still), " (open at %u)", group->open);
	if (group->closed_unix_ns)
		means = "over";
	else if (sl_fleet_by_policy(group))
		means = group->verdict == SL_VERDICT_SELF ? "roll it back"
							  : "it may be the cause: roll it back";
	snprintf(text, SL_FLEET_SENTENCE_MAX, "%s: %s%s%s at %u of %u sites%s, %s: %s",
		 group->service, sl_verdict_word(group->verdict), group->uplink[0] ? " " : "",
		 group->uplink, group->sites, seen, still, time, means);
	return text;
}

/* ---- who is alone ---- */

/* What a site has for itself: the case that tells most, and how many there are. */
struct alone {
	const struct sl_fleet_case *most;
	uint32_t cases;
};

/* Open ones, then the newest. */
static int compare_cases(const struct sl_fleet_case *a, const struct sl_fleet_case *b)
{
	if (!a->closed_unix_ns != !b->closed_unix_ns)
		return a->closed_unix_ns ? 1 : -1;
	return (a->began_unix_ns < b->began_unix_ns) - (a->began_unix_ns > b->began_unix_ns);
}

static int compare_alone(const void *left, const void *right)
{
	const struct alone *a = left, *b = right;
	int order;

	if (!a->most || !b->most)
		return !a->most - !b->most;
	order = compare_cases(a->most, b->most);
	return order ? order : (a->most->site > b->most->site) - (a->most->site < b->most->site);
}

/* One for each site that has any, those that tell most first; NULL when out of memory.  Caller frees. */
static struct alone *find_alone(const struct sl_fleet_view *view, uint32_t *count)
{
	struct alone *alone = calloc(view->fleet.sites, sizeof(*alone));

	*count = 0;
	for (uint32_t i = 0; alone && i < view->fleet.cases; i++) {
		const struct sl_fleet_case *one = &view->fleet.list[i];
		struct alone *of = &alone[one->site];

		if (one->group != SL_FLEET_ALONE)
			continue;
		*count += !of->cases++;
		if (!of->most || compare_cases(one, of->most) < 0)
			of->most = one;
	}
	if (alone)
		qsort(alone, view->fleet.sites, sizeof(*alone), compare_alone);
	return alone;
}

static void print_one(const struct sl_fleet_view *view, const struct alone *alone)
{
	const struct sl_fleet_case *one = alone->most;
	bool on = one->verdict == SL_VERDICT_UPLINK && one->uplink[0];
	char since[SL_PAPER_CLOCK_MAX], end[SL_PAPER_CLOCK_MAX], more[32] = "";

	if (alone->cases > 1)
		snprintf(more, sizeof(more), "; and %u more there", alone->cases - 1);
	printf("%s: %s: %s%s%s, %s %s%s%s (incident %llu)%s%s%s\n", view->site[one->site].name,
	       one->service, sl_verdict_word(one->verdict), on ? " " : "", on ? one->uplink : "",
	       one->closed_unix_ns ? "over, from" : "since",
	       sl_paper_clock(one->began_unix_ns, view->now_unix_ns, since),
	       one->closed_unix_ns ? " to " : "",
	       one->closed_unix_ns ? sl_paper_clock(one->closed_unix_ns, view->now_unix_ns, end)
				   : "",
	       (unsigned long long)one->id, one->located[0] ? ": " : "", one->located, more);
}

static void print_alone(const struct sl_fleet_view *view)
{
	uint32_t count, open = 0;
	struct alone *alone = find_alone(view, &count);

	if (!alone) {
		puts("(out of memory)");
		return;
	}
	if (count) {
		const struct sl_paper paper = sl_paper_stdout();

		if (view->fleet.groups)
			fputc('\n', stdout);
		sl_paper_head(&paper, "ALONE WITH THEIRS");
	}
	for (uint32_t i = 0; i < count && i < ALONE_MAX; i++)
		print_one(view, &alone[i]);
	for (uint32_t i = ALONE_MAX; i < count; i++)
		open += !alone[i].most->closed_unix_ns;
	if (count > ALONE_MAX)
		printf("and %u more, %u of them with something open\n", count - ALONE_MAX, open);
	free(alone);
}

/* ---- the whole ---- */

static void print_silent(const struct sl_fleet_view *view, uint32_t silent)
{
	uint32_t named = 0;

	printf("silent (no word of their control for %d s): ", SL_FLEET_SILENT_S);
	for (uint32_t i = 0; i < view->fleet.sites && named < SILENT_MAX; i++)
		if (!view->site[i].speaks)
			printf("%s%s", named++ ? ", " : "", view->site[i].name);
	if (silent > named)
		printf(" and %u more", silent - named);
	fputc('\n', stdout);
}

/* What was not looked at is said, too. */
static void print_limits(const struct sl_fleet_view *view)
{
	if (view->part)
		puts("not all keys of this Redis were looked through: there may be more sites");
	if (view->more)
		printf("only %d sites are looked at, and there are more\n", SL_FLEET_SITES_MAX);
	if (view->cut)
		printf("sites of which only the last %d changes were read: %u\n", SL_FLEET_ENTRIES,
		       view->cut);
	if (view->unreadable)
		printf("entries that could not be read: %u\n", view->unreadable);
}

void sl_fleet_print(const struct sl_fleet_view *view)
{
	struct sl_fleet_count count = sl_fleet_counted(view);
	char text[SL_FLEET_SENTENCE_MAX];

	for (uint32_t i = 0; i < view->fleet.groups; i++)
		puts(sl_fleet_sentence(&view->fleet.group[i], view->fleet.seen, view->now_unix_ns,
				       text));
	print_alone(view);
	if (view->fleet.cases)
		fputc('\n', stdout);
	printf("%u site%s: %u well, %u with something open, %u silent\n", view->fleet.sites,
	       view->fleet.sites == 1 ? "" : "s", count.well, count.open, count.silent);
	if (count.silent)
		print_silent(view, count.silent);
	print_limits(view);
}

static json_t *json_sites(const struct sl_fleet_view *view, uint32_t group)
{
	json_t *names = json_array();

	memset(view->fleet.mark, 0, view->fleet.sites * sizeof(*view->fleet.mark));
	for (uint32_t i = 0; i < view->fleet.cases; i++) {
		const struct sl_fleet_case *one = &view->fleet.list[i];

		if (one->group == group && !view->fleet.mark[one->site]++)
			json_array_append_new(names, json_string(view->site[one->site].name));
	}
	return names;
}

static json_t *json_group(const struct sl_fleet_view *view, const struct sl_fleet_group *group)
{
	char text[SL_FLEET_SENTENCE_MAX];

	return json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:b,s:s,s:o}", "service",
			 group->service, "verdict", sl_verdict_word(group->verdict), "uplink",
			 group->uplink, "sites", (json_int_t)group->sites, "open",
			 (json_int_t)group->open, "first_bad_unix_ns",
			 (json_int_t)group->first_unix_ns, "last_bad_unix_ns",
			 (json_int_t)group->last_unix_ns, "closed_unix_ns",
			 (json_int_t)group->closed_unix_ns, "policy_version",
			 (json_int_t)group->policy, "policy_sites", (json_int_t)group->policy_sites,
			 "by_policy", sl_fleet_by_policy(group), "text",
			 sl_fleet_sentence(group, view->fleet.seen, view->now_unix_ns, text), "at",
			 json_sites(view, group->number));
}

static json_t *json_alone(const struct sl_fleet_view *view)
{
	json_t *all = json_array();

	for (uint32_t i = 0; i < view->fleet.cases; i++) {
		const struct sl_fleet_case *one = &view->fleet.list[i];

		if (one->group != SL_FLEET_ALONE)
			continue;
		json_array_append_new(all,
				      json_pack("{s:s,s:I,s:s,s:s,s:s,s:s,s:I,s:I}", "site",
						view->site[one->site].name, "incident",
						(json_int_t)one->id, "service", one->service,
						"verdict", sl_verdict_word(one->verdict), "uplink",
						one->uplink, "located", one->located,
						"first_bad_unix_ns", (json_int_t)one->began_unix_ns,
						"closed_unix_ns", (json_int_t)one->closed_unix_ns));
	}
	return all;
}

int sl_fleet_json(const struct sl_fleet_view *view)
{
	struct sl_fleet_count count = sl_fleet_counted(view);
	json_t *groups = json_array(), *silent = json_array(), *all;
	char *text;

	for (uint32_t i = 0; i < view->fleet.groups; i++)
		json_array_append_new(groups, json_group(view, &view->fleet.group[i]));
	for (uint32_t i = 0; i < view->fleet.sites; i++)
		if (!view->site[i].speaks)
			json_array_append_new(silent, json_string(view->site[i].name));
	all = json_pack("{s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:b,s:b,s:I,s:I}", "sites",
			(json_int_t)view->fleet.sites, "seen", (json_int_t)view->fleet.seen, "well",
			(json_int_t)count.well, "open", (json_int_t)count.open, "silent", silent,
			"groups", groups, "alone", json_alone(view), "keys_left_out", view->part,
			"sites_left_out", view->more, "sites_cut", (json_int_t)view->cut,
			"unreadable", (json_int_t)view->unreadable);
	text = all ? json_dumps(all, JSON_COMPACT) : NULL;
	json_decref(all);
	if (!text)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	puts(text);
	free(text);
	return SL_CLI_OK;
}
