/*
 * fleet.c - storeline fleet [--last TIME]: all sites that this Redis holds, read
 *
 * First which sites there are, then the incidents of each, a few sites at a time; then, of
 * those that were found to be one, which policy the site ran when it began and a minute before.
 */
#include "fleet.h"

#include "paper.h"
#include "session.h"

#include "proto/bus.h"

#include <stdlib.h>
#include <string.h>

#define NS     UINT64_C(1000000000)
#define LAST_S 3600
#define BATCH  8 /* sites asked at once: an answer is some 100 KB, and the bus takes 32 MiB */

struct reading;

/* To one site. */
struct question {
	struct reading *reading;
	uint32_t site, entries, ids;
	uint64_t id[SL_FLEET_ENTRIES]; /* of the incidents that came */
	uint64_t oldest_unix_ns;       /* the last change that came */
};

/* The version of a policy at a time; 0 = not known. */
struct version {
	struct reading *reading;
	uint64_t policy;
};

struct reading {
	struct sl_session *session;
	struct sl_fleet_view view;
	uint32_t room; /* for cases */
	uint32_t waiting;
	bool no_memory;
	struct question question[BATCH];
	struct version before[BATCH], then[BATCH];
};

static void on_malformed(struct sl_session *session, const char *id)
{
	((struct reading *)session->arg)->view.unreadable++;
}

static bool answered(const struct sl_session *session)
{
	return !((const struct reading *)session->arg)->waiting;
}

/* 0; or an exit code, told: a lost connection ends each question like an answer. */
static int wait_all(struct reading *reading)
{
	struct sl_session *session = reading->session;

	if (!sl_session_run(session, answered, session->cli->timeout_ms) || session->losses)
		return sl_cli_fail(SL_CLI_TIMEOUT, "Redis at %s does not answer",
				   session->cli->redis);
	return reading->no_memory ? sl_cli_fail(SL_CLI_ERROR, "out of memory") : 0;
}

/* ---- which sites ---- */

/* The place of @name, or where it should be. */
static uint32_t place_of(const struct sl_fleet_view *view, const char *name)
{
	uint32_t from = 0, to = view->fleet.sites;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (strcmp(view->site[middle].name, name) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static void on_site(void *arg, const char *name, bool fresh)
{
	struct reading *reading = arg;
	struct sl_fleet_view *view = &reading->view;
	uint32_t place;

	if (!name) {
		view->part = !fresh;
		reading->waiting--;
		return;
	}
	place = place_of(view, name);
	if (place == view->fleet.sites || strcmp(view->site[place].name, name) != 0) {
		if (view->fleet.sites == SL_FLEET_SITES_MAX) {
			view->more = true;
			return;
		}
		memmove(&view->site[place + 1], &view->site[place],
			(view->fleet.sites++ - place) * sizeof(*view->site));
		view->site[place] = (struct sl_fleet_site){.speaks = false};
		snprintf(view->site[place].name, SL_NAME_MAX, "%s", name);
	}
	view->site[place].speaks |= fresh;
}

static int read_sites(struct reading *reading)
{
	struct sl_fleet_view *view = &reading->view;
	int code;

	view->site = calloc(SL_FLEET_SITES_MAX, sizeof(*view->site));
	if (!view->site)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	reading->waiting = 1;
	sl_bus_fetch_sites(reading->session->bus, on_site, reading);
	code = wait_all(reading);
	if (!code && view->unreadable)
		return sl_cli_fail(SL_CLI_ERROR, "Redis at %s does not let its keys be listed",
				   reading->session->cli->redis);
	if (!code && !view->fleet.sites)
		return sl_cli_fail(SL_CLI_TIMEOUT,
				   "no site has written to Redis at %s: has any dataplane run?",
				   reading->session->cli->redis);
	return code;
}

/* ---- their incidents ---- */

static bool is_known(const struct question *question, uint64_t id)
{
	for (uint32_t i = 0; i < question->ids; i++)
		if (question->id[i] == id)
			return true;
	return false;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* When it last changed. */
static uint64_t changed_ns(const struct sl_incident *incident)
{
	uint64_t at = later(incident->opened_unix_ns, incident->closed_unix_ns);

	at = later(at, later(incident->acted_unix_ns, incident->proved_unix_ns));
	return incident->steps ? later(at, incident->step[incident->steps - 1].at_unix_ns) : at;
}

/*
 * What was open in that time.  What a silent site says to be open is its last word, which may
 * be of a store that is no more.
 */
static bool wanted(const struct sl_fleet_view *view, const struct sl_fleet_site *site,
		   const struct sl_incident *incident)
{
	if (incident->closed_unix_ns)
		return incident->closed_unix_ns >= view->since_unix_ns;
	return site->speaks || changed_ns(incident) >= view->since_unix_ns;
}

static void add_case(struct reading *reading, uint32_t site, const struct sl_incident *incident)
{
	struct sl_fleet *fleet = &reading->view.fleet;
	struct sl_fleet_case *one;

	if (fleet->cases == reading->room) {
		uint32_t room = reading->room ? reading->room * 2 : 256;
		struct sl_fleet_case *more = realloc(fleet->list, room * sizeof(*more));

		if (!more) {
			reading->no_memory = true;
			return;
		}
		fleet->list = more;
		reading->room = room;
	}
	one = &fleet->list[fleet->cases++];
	*one = (struct sl_fleet_case){.site = site,
				      .id = incident->id,
				      .verdict = incident->verdict,
				      .began_unix_ns = incident->first_bad_unix_ns,
				      .closed_unix_ns = incident->closed_unix_ns};
	strcpy(one->service, incident->service);
	strcpy(one->uplink, incident->uplink);
	strcpy(one->located, incident->located);
	reading->view.site[site].cases++;
	reading->view.site[site].open += !incident->closed_unix_ns;
}

static void on_incident(void *arg, const struct sl_incident *incident)
{
	struct question *question = arg;
	struct reading *reading = question->reading;
	struct sl_fleet_view *view = &reading->view;

	if (!incident) {
		reading->waiting--;
		view->cut += question->entries == SL_FLEET_ENTRIES &&
			     question->oldest_unix_ns >= view->since_unix_ns;
		return;
	}
	if (question->entries < SL_FLEET_ENTRIES)
		question->entries++;
	question->oldest_unix_ns = changed_ns(incident);
	/* Newest first: the first of an id is what stands. */
	if (is_known(question, incident->id) || question->ids == SL_FLEET_ENTRIES)
		return;
	question->id[question->ids++] = incident->id;
	if (wanted(view, &view->site[question->site], incident))
		add_case(reading, question->site, incident);
}

static int read_incidents(struct reading *reading)
{
	uint32_t sites = reading->view.fleet.sites;
	int code = 0;

	for (uint32_t from = 0; from < sites && !code; from += BATCH) {
		for (uint32_t i = 0; i < BATCH && from + i < sites; i++) {
			struct question *question = &reading->question[i];

			*question = (struct question){.reading = reading, .site = from + i};
			reading->waiting++;
			sl_bus_fetch_incidents_of(reading->session->bus,
						  reading->view.site[from + i].name,
						  SL_FLEET_ENTRIES, on_incident, question);
		}
		code = wait_all(reading);
	}
	return code;
}

/* ---- what belongs together, and whose policy it is ---- */

static int find(struct sl_fleet_view *view)
{
	struct sl_fleet *fleet = &view->fleet;

	for (uint32_t i = 0; i < fleet->sites; i++)
		fleet->seen += view->site[i].speaks || view->site[i].cases;
	fleet->group = calloc(fleet->cases / SL_FLEET_LEAST + 1, sizeof(*fleet->group));
	fleet->mark = calloc(fleet->sites + 1, sizeof(*fleet->mark));
	if (!fleet->group || !fleet->mark)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	sl_fleet_find(fleet);
	return 0;
}

static void on_rollup(void *arg, const struct sl_telemetry *rollup, const char *id)
{
	struct version *version = arg;

	if (rollup)
		version->policy = rollup->policy_version;
	else
		version->reading->waiting--;
}

static void ask_version(struct reading *reading, const struct sl_fleet_case *one,
			uint64_t at_unix_ns, struct version *version)
{
	*version = (struct version){.reading = reading};
	reading->waiting++;
	sl_bus_fetch_health_of(reading->session->bus, reading->view.site[one->site].name,
			       at_unix_ns, on_rollup, version);
}

/* Of up to BATCH cases that are in a group, from *@at on. */
static int read_policies_of(struct reading *reading, uint32_t *at)
{
	struct sl_fleet *fleet = &reading->view.fleet;
	struct sl_fleet_case *one[BATCH];
	uint32_t count = 0;
	int code;

	for (; *at < fleet->cases && count < BATCH; ++*at) {
		struct sl_fleet_case *each = &fleet->list[*at];

		if (each->group == SL_FLEET_ALONE || each->began_unix_ns < SL_FLEET_POLICY_S * NS)
			continue;
		ask_version(reading, each, each->began_unix_ns - SL_FLEET_POLICY_S * NS,
			    &reading->before[count]);
		/* There is one a second: the first that can know of what came just before. */
		ask_version(reading, each, each->began_unix_ns + NS, &reading->then[count]);
		one[count++] = each;
	}
	code = wait_all(reading);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t before = reading->before[i].policy, then = reading->then[i].policy;

		one[i]->policy = before && before != then ? then : 0;
	}
	return code;
}

static int read_policies(struct reading *reading)
{
	uint32_t at = 0;
	int code = 0;

	while (!code && at < reading->view.fleet.cases)
		code = read_policies_of(reading, &at);
	sl_fleet_blame(&reading->view.fleet);
	return code;
}

static int tell(const struct sl_cli *cli, const struct sl_fleet_view *view)
{
	struct sl_fleet_count count = sl_fleet_counted(view);
	int code = SL_CLI_OK;

	if (cli->json)
		code = sl_fleet_json(view);
	else
		sl_fleet_print(view);
	if (code)
		return code;
	if (!count.open && count.silent == view->fleet.sites)
		return sl_cli_fail(SL_CLI_TIMEOUT,
				   "no site's control writes: is storeline-control running?");
	return count.open ? SL_CLI_UNHEALTHY : SL_CLI_OK;
}

static int with_session(struct reading *reading, struct sl_cli *cli)
{
	int code = sl_session_open(reading->session, cli, &(struct sl_session_wants){0});

	reading->session->arg = reading;
	reading->session->on_malformed = on_malformed;
	if (!code)
		code = sl_session_connect(reading->session);
	if (!code)
		code = read_sites(reading);
	if (!code)
		code = read_incidents(reading);
	if (!code)
		code = find(&reading->view);
	if (!code)
		code = read_policies(reading);
	return code ? code : tell(cli, &reading->view);
}

int sl_cli_fleet(struct sl_cli *cli)
{
	struct reading *reading = calloc(1, sizeof(*reading));
	struct sl_session *session = calloc(1, sizeof(*session));
	int code = SL_CLI_ERROR;

	/* The bus is a site's; of this one nothing is read. */
	cli->site = "fleet";
	if (reading && session) {
		reading->session = session;
		reading->view.now_unix_ns = sl_paper_now();
		reading->view.since_unix_ns =
			reading->view.now_unix_ns - (cli->last_s ? cli->last_s : LAST_S) * NS;
		code = with_session(reading, cli);
		sl_session_close(session);
		free(reading->view.site);
		free(reading->view.fleet.list);
		free(reading->view.fleet.group);
		free(reading->view.fleet.mark);
	}
	free(session);
	free(reading);
	return code;
}
