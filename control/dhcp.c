/*
 * dhcp.c - reports of VLANs to incidents
 *
 * Which incident is whose stands in its fingerprint, so that it survives a restart of control
 * with the cases themselves.
 */
#include "dhcp.h"

#include <stdio.h>
#include <string.h>

#define PRINT    "dhcp/vlan%u"
#define NAME_MAX 56 /* "VLAN 4095 (" and a service's name */

enum trouble { UNANSWERED = 1, REFUSED = 2, NEW_SERVER = 4 };

static bool vlan_of(const struct sl_incident *incident, uint32_t *vlan)
{
	return sscanf(incident->fingerprint, PRINT, vlan) == 1;
}

bool sl_dhcp_owns(const struct sl_incident *incident)
{
	uint32_t vlan;

	return vlan_of(incident, &vlan);
}

/* ---- who is meant ---- */

/* The service that the policy finds by @vlan; "" when none is. */
static const char *service_of(const struct sl_policy *policy, uint32_t vlan)
{
	for (uint32_t s = 0; s < policy->services; s++) {
		const struct sl_policy_service *service = &policy->service[s];

		for (uint32_t m = 0; m < service->matches; m++) {
			const struct sl_policy_match *match =
				&policy->match[service->first_match + m];

			if (match->has_vlan && match->vlan == vlan)
				return service->name;
		}
	}
	return "";
}

static const char *name_of(const struct sl_vlan *vlan, char name[NAME_MAX])
{
	int at = vlan->vlan ? snprintf(name, NAME_MAX, "VLAN %u", vlan->vlan)
			    : snprintf(name, NAME_MAX, "the untagged LAN");

	if (vlan->care.name[0])
		snprintf(name + at, NAME_MAX - (size_t)at, " (%s)", vlan->care.name);
	return name;
}

/* What is kept of VLAN @number, begun when nothing is; NULL when there is no room. */
static struct sl_vlan *keep(struct sl_site *site, uint32_t number)
{
	struct sl_vlan *unused = NULL;

	for (unsigned int i = 0; i < SL_WIRE_VLANS_MAX; i++) {
		struct sl_vlan *vlan = &site->vlan[i];

		if (vlan->used && vlan->vlan == number)
			return vlan;
		if (!vlan->used && !unused)
			unused = vlan;
	}
	if (unused)
		*unused = (struct sl_vlan){.used = true, .vlan = number};
	return unused;
}

static const struct sl_dhcp_report *report_of(const struct sl_site *site, uint32_t number)
{
	for (uint32_t i = 0; i < site->picture.dhcp; i++)
		if (site->picture.dhcp_vlan[i].vlan == number)
			return &site->picture.dhcp_vlan[i];
	return NULL;
}

/* ---- what is wrong ---- */

static bool some_uplink_is_dark(const struct sl_site *site)
{
	for (unsigned int u = 0; u < SL_SITE_UPLINKS; u++)
		if (site->view.uplink[u] && site->view.uplink[u]->state == SL_HEALTH_DOWN)
			return true;
	return false;
}

/* Once said, it is not over before the last one has what it wants. */
static bool many(const struct sl_vlan *vlan, enum trouble what, uint32_t devices)
{
	return devices >= (vlan->ever & what ? 1 : SL_DHCP_MANY);
}

static unsigned int trouble_of(const struct sl_site *site, const struct sl_vlan *vlan,
			       const struct sl_dhcp_report *report)
{
	unsigned int trouble = 0;

	if (!report)
		return 0;
	if (many(vlan, UNANSWERED, report->clients_unanswered) &&
	    report->clients_unanswered * SL_DHCP_SHARE >= report->clients_asking &&
	    (vlan->ever & UNANSWERED || !some_uplink_is_dark(site)))
		trouble |= UNANSWERED;
	if (many(vlan, REFUSED, report->clients_refused))
		trouble |= REFUSED;
	if (report->new_server[0])
		trouble |= NEW_SERVER;
	return trouble;
}

/* ---- what is said ---- */

static void put(struct sl_decision *record, const char *name, uint32_t value, uint64_t limit)
{
	struct sl_decision_input input = {.value = value, .limit = limit};

	snprintf(input.name, sizeof(input.name), "%s", name);
	sl_record_input(record, &input);
}

static void tell_unanswered(const struct sl_dhcp_report *report, char *text, size_t size)
{
	bool random = report->clients_randomised * 2 >= report->clients;

	snprintf(
		text, size,
		"%u devices ask for an address and get none; %u in 10 min, %u with random MACs: %s",
		report->clients_unanswered, report->clients, report->clients_randomised,
		random ? "the pool is likely full, shorten the lease"
		       : "the server is silent or its pool is full");
}

/* What it is, in half a line each: all of it fits a text. */
static void tell(const struct sl_dhcp_report *report, unsigned int trouble, char text[SL_TEXT_MAX])
{
	char unanswered[140] = "", refused[48] = "", server[64] = "";

	if (trouble & UNANSWERED)
		tell_unanswered(report, unanswered, sizeof(unanswered));
	if (trouble & REFUSED)
		snprintf(refused, sizeof(refused), "%u devices are refused again and again",
			 report->clients_refused);
	if (trouble & NEW_SERVER)
		snprintf(server, sizeof(server), "server %s answers that was not there before",
			 report->new_server);
	snprintf(text, SL_TEXT_MAX, "%.63s%s%.47s%s%.139s", server,
		 server[0] && (refused[0] || unanswered[0]) ? "; " : "", refused,
		 refused[0] && unanswered[0] ? "; " : "", unanswered);
}

static void put_on_record(struct sl_site *site, const struct sl_vlan *vlan,
			  const struct sl_dhcp_report *report)
{
	struct sl_decision *record = &site->record;

	sl_say_turn(site, SL_SITE_SERVICES);
	snprintf(record->fingerprint, sizeof(record->fingerprint), PRINT, vlan->vlan);
	snprintf(record->remembered, sizeof(record->remembered),
		 "nothing is done about such an incident, so nothing is learnt");
	put(record, "dhcp_unanswered", report->clients_unanswered, SL_DHCP_MANY);
	put(record, "dhcp_refused", report->clients_refused, SL_DHCP_MANY);
	put(record, "dhcp_asking", report->clients_asking, 0);
	put(record, "dhcp_clients", report->clients, 0);
	put(record, "dhcp_randomised", report->clients_randomised, 0);
	put(record, "dhcp_naks", report->naks, 0);
	put(record, "dhcp_servers", report->servers, 0);
	sl_record_option(record, "notify", "", true, "lan: DHCP is the store's own");
	sl_record_option(record, "reroute", "", false, "another uplink does not mend the LAN");
}

static struct sl_saying saying_of(struct sl_vlan *vlan, const char *remedy, const char *key)
{
	return (struct sl_saying){.care = &vlan->care,
				  .remedy = remedy,
				  .key = key,
				  .uplink = SL_UPLINK_UNSET,
				  .to_uplink = SL_UPLINK_UNSET,
				  .verdict = SL_VERDICT_LAN};
}

/* Said again when it is of one more kind, of another server, or of twice as many. */
static void notify(struct sl_site *site, struct sl_vlan *vlan, const struct sl_dhcp_report *report)
{
	uint32_t devices = (vlan->trouble & UNANSWERED ? report->clients_unanswered : 0) +
			   (vlan->trouble & REFUSED ? report->clients_refused : 0);
	char key[SL_KEY_MAX], text[SL_TEXT_MAX], name[NAME_MAX];
	struct sl_saying saying = saying_of(vlan, "notify", key);
	int doublings;

	vlan->ever |= vlan->trouble;
	vlan->most = devices > vlan->most ? devices : vlan->most;
	doublings = vlan->most ? 32 - __builtin_clz(vlan->most) : 0;
	snprintf(key, sizeof(key), "dhcp-%u-%d-%s", vlan->ever, doublings, report->new_server);
	tell(report, vlan->trouble, text);
	put_on_record(site, vlan, report);
	snprintf(site->record.located, SL_TEXT_MAX, "DHCP on %s: %.190s", name_of(vlan, name),
		 text);
	sl_say_hold(site, &saying, "%s", site->record.located);
	sl_say_turn_over(site);
}

static void end(struct sl_site *site, struct sl_vlan *vlan)
{
	struct sl_saying saying = saying_of(vlan, "resolved", "");
	char name[NAME_MAX];

	sl_say(site, &saying, "DHCP on %s: incident %llu is over: it is well again",
	       name_of(vlan, name), (unsigned long long)vlan->care.incident);
	vlan->used = false;
}

static void step(struct sl_site *site, struct sl_vlan *vlan)
{
	const struct sl_dhcp_report *report = report_of(site, vlan->vlan);

	snprintf(vlan->care.name, SL_NAME_MAX, "%s", service_of(&site->policy, vlan->vlan));
	vlan->trouble = trouble_of(site, vlan, report);
	if (vlan->trouble) {
		vlan->well_ms = 0;
		if (site->now_ms - vlan->since_ms >= SL_DHCP_STAND_MS)
			notify(site, vlan, report);
		return;
	}
	if (!vlan->well_ms)
		vlan->well_ms = site->now_ms;
	if (!vlan->care.incident)
		vlan->used = false;
	else if (site->now_ms - vlan->well_ms >= site->policy.guardrails.hold_down_ms)
		end(site, vlan);
}

/* Incidents from before a restart, and VLANs that are in trouble now. */
static void keep_all(struct sl_site *site)
{
	struct sl_vlan *vlan;
	uint32_t number;

	for (uint32_t i = 0; i < site->cases.count; i++) {
		const struct sl_incident *incident = &site->cases.one[i].incident;

		vlan = incident->closed_unix_ns || !vlan_of(incident, &number) ? NULL
									       : keep(site, number);
		if (vlan && !vlan->care.incident)
			vlan->care.incident = incident->id;
	}
	for (uint32_t i = 0; i < site->picture.dhcp; i++) {
		const struct sl_dhcp_report *report = &site->picture.dhcp_vlan[i];
		struct sl_vlan none = {.vlan = report->vlan};

		if (!trouble_of(site, &none, report))
			continue;
		vlan = keep(site, report->vlan);
		if (vlan && !vlan->since_ms)
			vlan->since_ms = site->now_ms;
	}
}

void sl_dhcp_step(struct sl_site *site)
{
	keep_all(site);
	for (unsigned int i = 0; i < SL_WIRE_VLANS_MAX; i++)
		if (site->vlan[i].used)
			step(site, &site->vlan[i]);
}
