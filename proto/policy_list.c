/*
 * policy_list.c - struct sl_policy to the flat list of policy_list.h
 *
 * Values are canonical: defaults are said, numbers stand in the largest unit that
 * needs no decimals, and what YAML could read otherwise is quoted.  Pure.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_list.h"
#include "policy_units.h"

static const char *const role_words[] = {"lan", "uplink", "mirror"};
static const char *const placement_words[] = {"tap", "gateway", "wire"};
static const char *const driver_words[] = {"eal", "af_xdp", "af_packet"};
static const char *const tunnel_words[] = {"gre", "ipip", "vxlan", "geneve", "gtp-u"};
static const char *const priority_words[] = {"background", "normal", "high", "critical"};

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* ::ffff:a.b.c.d */
static const char *const when_words[] = {"suspected", "always", "never"};
static const char *const which_words[] = {"critical", "all", "none"};

/* Is there room for one more?  False: out of memory, what is there stands. */
static bool have_room(struct sl_leaves *leaves)
{
	size_t size = leaves->size ? leaves->size * 2 : 64;

	if (leaves->count < leaves->size)
		return true;
	struct sl_leaf *grown = realloc(leaves->leaf, size * sizeof(*grown));

	if (!grown)
		return false;
	leaves->leaf = grown;
	leaves->size = size;
	return true;
}

/* Add (@path, @value); takes @value, which is NULL when there was no memory for it. */
static void add_owned(struct sl_leaves *leaves, const char *path, char *value, bool item)
{
	if (!value || !have_room(leaves)) {
		leaves->failed = true;
		free(value);
		return;
	}
	struct sl_leaf *leaf = &leaves->leaf[leaves->count++];

	snprintf(leaf->path, sizeof(leaf->path), "%s", path);
	leaf->value = value;
	leaf->item = item;
}

__attribute__((format(printf, 3, 4))) static void add(struct sl_leaves *leaves, const char *path,
						      const char *format, ...)
{
	char *value = NULL;
	va_list list;

	if (leaves->failed)
		return;
	va_start(list, format);
	if (vasprintf(&value, format, list) < 0)
		value = NULL;
	va_end(list);
	add_owned(leaves, path, value, false);
}

/* The same under a section's name: "services.pos" and "slo.loss". */
__attribute__((format(printf, 4, 5))) static void
add_under(struct sl_leaves *leaves, const char *under, const char *key, const char *format, ...)
{
	char path[112], value[512];
	va_list list;

	snprintf(path, sizeof(path), "%s.%s", under, key);
	va_start(list, format);
	vsnprintf(value, sizeof(value), format, list);
	va_end(list);
	add(leaves, path, "%s", value);
}

/* ["-a", "0000:03:00.0"]; NULL when out of memory. */
static char *eal_text(const struct sl_policy_engine *engine)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (uint32_t i = 0; i < engine->eal_words; i++) {
		fputs(i ? ", \"" : "[\"", out);
		for (const char *p = engine->eal[i]; *p; p++)
			fprintf(out, "%s%c", strchr("\"\\", *p) ? "\\" : "", *p);
		fputc('"', out);
	}
	fputc(']', out);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

static void list_lcores(struct sl_leaves *leaves, const struct sl_policy_engine *engine)
{
	char text[SL_ENGINE_LCORES_MAX * sizeof("65535, ")];
	size_t used = 0;

	for (uint32_t i = 0; i < engine->lcores; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u", i ? ", " : "",
					 engine->lcore[i]);
	if (used)
		add(leaves, "engine.lcores", "[%s]", text);
}

static void list_engine(struct sl_leaves *leaves, const struct sl_policy_engine *engine)
{
	char text[SL_UNITS_TEXT_MAX];

	if (engine->kind != SL_ENGINE_DPDK)
		return;
	add(leaves, "engine.kind", "dpdk");
	add(leaves, "engine.driver", "%s", driver_words[engine->driver]);
	if (engine->eal_words && !leaves->failed)
		add_owned(leaves, "engine.eal", eal_text(engine), false);
	add(leaves, "engine.queues", "%u", engine->queues);
	list_lcores(leaves, engine);
	if (engine->mbufs)
		add(leaves, "engine.mbufs", "%u", engine->mbufs);
	if (engine->flows)
		add(leaves, "engine.flows", "%u", engine->flows);
	add(leaves, "engine.huge_pages", "%s", engine->no_huge_pages ? "false" : "true");
	add(leaves, "engine.idle_sleep", "%s",
	    sl_units_write((uint64_t)engine->idle_sleep_us * 1000, sl_units_time, text));
}

static void list_tunnels(struct sl_leaves *leaves, uint32_t tunnels)
{
	char text[80];
	size_t used = 0;

	if (tunnels == SL_POLICY_TUNNELS_ALL)
		return add(leaves, "tunnels", "all");
	for (uint32_t i = 0; i < sizeof(tunnel_words) / sizeof(tunnel_words[0]); i++)
		if (tunnels & 1u << i)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
						 used ? ", " : "", tunnel_words[i]);
	if (used)
		add(leaves, "tunnels", "[%s]", text);
}

/* A PCI address is quoted. */
static void list_device(struct sl_leaves *leaves, const char *under, const char *device)
{
	const char *quote = strchr(device, ':') ? "\"" : "";

	add_under(leaves, under, "device", "%s%s%s", quote, device, quote);
}

static void list_ports(struct sl_leaves *leaves, const struct sl_policy *policy)
{
	char under[64];

	for (uint32_t i = 0; i < policy->ports; i++) {
		const struct sl_policy_port *port = &policy->port[i];

		snprintf(under, sizeof(under), "ports.%s", port->name);
		list_device(leaves, under, port->device);
		add_under(leaves, under, "role", "%s", role_words[port->role]);
		if (port->pair != SL_PORT_NONE)
			add_under(leaves, under, "pair", "%s", policy->port[port->pair].name);
	}
}

static void list_stamp(struct sl_leaves *leaves, const char *under,
		       const struct sl_policy_uplink *link)
{
	char address[INET6_ADDRSTRLEN];

	if (!link->stamp.bits)
		return;
	bool ip4 = !memcmp(link->stamp.address, mapped, sizeof(mapped));

	inet_ntop(ip4 ? AF_INET : AF_INET6, link->stamp.address + (ip4 ? sizeof(mapped) : 0),
		  address, sizeof(address));
	add_under(leaves, under, "stamp", ip4 ? "\"%s:%u\"" : "\"[%s]:%u\"", address,
		  link->stamp_port);
}

static void list_uplinks(struct sl_leaves *leaves, const struct sl_policy *policy)
{
	char under[64], text[SL_UNITS_TEXT_MAX];

	for (uint32_t i = 0; i < policy->uplinks; i++) {
		const struct sl_policy_uplink *link = &policy->uplink[i];

		snprintf(under, sizeof(under), "uplinks.%s", link->name);
		list_device(leaves, under, link->device);
		if (link->gateway[0])
			add_under(leaves, under, "gateway", "%s", link->gateway);
		if (link->gateway6[0])
			add_under(leaves, under, "gateway6", "\"%s\"", link->gateway6);
		if (link->capacity_bps)
			add_under(leaves, under, "capacity", "%s",
				  sl_units_write(link->capacity_bps, sl_units_rate, text));
		if (link->metered && link->monthly_bytes)
			add_under(leaves, under, "metered.monthly", "%s",
				  sl_units_write(link->monthly_bytes, sl_units_bytes, text));
		else if (link->metered)
			add_under(leaves, under, "metered", "true");
		if (link->kind)
			add_under(leaves, under, "kind", "%s", sl_policy_kind_word(link->kind));
		if (link->mtu)
			add_under(leaves, under, "mtu", "%u", link->mtu);
		if (link->dscp == SL_DSCP_HONOURED)
			add_under(leaves, under, "dscp", "honoured");
		list_stamp(leaves, under, link);
	}
}

static void print_prefix(FILE *out, const struct sl_policy_prefix *prefix)
{
	char text[INET6_ADDRSTRLEN];

	if (prefix->bits >= 96 && !memcmp(prefix->address, mapped, sizeof(mapped))) {
		inet_ntop(AF_INET, prefix->address + sizeof(mapped), text, sizeof(text));
		fprintf(out, "%s/%u", text, prefix->bits - 96);
	} else {
		inet_ntop(AF_INET6, prefix->address, text, sizeof(text));
		fprintf(out, "\"%s/%u\"", text, prefix->bits);
	}
}

static void print_prefixes(FILE *out, const char *key, const struct sl_policy_prefix *list,
			   uint32_t count)
{
	if (count)
		fprintf(out, ", %s: [", key);
	for (uint32_t i = 0; i < count; i++) {
		fputs(i ? ", " : "", out);
		print_prefix(out, &list[i]);
	}
	fputs(count ? "]" : "", out);
}

static void print_l4(FILE *out, const struct sl_policy_l4 *l4)
{
	fputs(sl_units_protocol_name(l4->proto), out);
	if (l4->port_min == 0 && l4->port_max == UINT16_MAX)
		return;
	fprintf(out, "/%u", l4->port_min);
	if (l4->port_max != l4->port_min)
		fprintf(out, "-%u", l4->port_max);
}

static void print_l4s(FILE *out, const struct sl_policy_match *match)
{
	if (match->l4s)
		fputs(", port: [", out);
	for (uint32_t i = 0; i < match->l4s; i++) {
		fputs(i ? ", " : "", out);
		print_l4(out, &match->l4[i]);
	}
	fputs(match->l4s ? "]" : "", out);
}

/* Quoted: "*.x" is an alias to YAML, and an application could be called on. */
static void print_clauses(FILE *out, const char *key, const struct sl_policy *policy,
			  const uint8_t *list, uint32_t count)
{
	if (count)
		fprintf(out, ", %s: [", key);
	for (uint32_t i = 0; i < count; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "", policy->clause[list[i]].pattern);
	fputs(count ? "]" : "", out);
}

/* "{vlan: 20, src: [10.0.0.0/8]}"; NULL when out of memory. */
static char *match_text(const struct sl_policy *policy, const struct sl_policy_match *match)
{
	char *text = NULL, dscp[SL_UNITS_TEXT_MAX];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	if (match->has_in)
		fprintf(out, ", in: %s", policy->port[match->in_port].name);
	if (match->has_vlan)
		fprintf(out, ", vlan: %u", match->vlan);
	print_prefixes(out, "src", match->src, match->srcs);
	print_prefixes(out, "dst", match->dst, match->dsts);
	print_l4s(out, match);
	print_clauses(out, "name", policy, match->name, match->names);
	print_clauses(out, "app", policy, match->app, match->apps);
	if (match->has_dscp)
		fprintf(out, ", dscp: %s", sl_units_write_dscp(match->dscp, dscp));
	fputs("}", out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	/* Each clause came with a comma before it: the first one's makes room for the brace. */
	memmove(text + 1, text + 2, size - 1);
	text[0] = '{';
	return text;
}

static void list_slo(struct sl_leaves *leaves, const char *under, const struct sl_policy_slo *slo)
{
	char key[32], text[SL_UNITS_TEXT_MAX];

	if (slo->latency_ns) {
		snprintf(key, sizeof(key), "slo.latency_p%u", slo->latency_quantile_ppm / 10000);
		add_under(leaves, under, key, "%s",
			  sl_units_write(slo->latency_ns, sl_units_time, text));
	}
	if (slo->loss_ppm != UINT32_MAX)
		add_under(leaves, under, "slo.loss", "%s",
			  sl_units_write(slo->loss_ppm, sl_units_share, text));
	if (slo->failures_ppm != UINT32_MAX)
		add_under(leaves, under, "slo.failures", "%s",
			  sl_units_write(slo->failures_ppm, sl_units_share, text));
	add_under(leaves, under, "slo.window", "%s",
		  sl_units_write((uint64_t)slo->window_ms * 1000000, sl_units_time, text));
}

static void list_preferences(struct sl_leaves *leaves, const char *under,
			     const struct sl_policy *policy,
			     const struct sl_policy_service *service)
{
	char text[SL_WIRE_UPLINKS_MAX * (SL_NAME_MAX + 2)] = "";
	size_t used = 0;

	for (uint32_t i = 0; i < service->uplinks; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? ", " : "",
					 policy->uplink[service->uplink[i]].name);
	if (used)
		add_under(leaves, under, "uplinks", "[%s]", text);
}

static void list_pins(struct sl_leaves *leaves, const char *under, const struct sl_policy *policy,
		      const struct sl_policy_service *service)
{
	char text[SL_WIRE_UPLINKS_MAX * (SL_NAME_MAX + 2)] = "";
	size_t used = 0;

	for (uint32_t i = 0; i < policy->uplinks; i++)
		if (service->pinned & 1u << i)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
						 used ? ", " : "", policy->uplink[i].name);
	if (used)
		add_under(leaves, under, "pinned", "[%s]", text);
	if (service->reset)
		add_under(leaves, under, "reset", "true");
}

static void list_service(struct sl_leaves *leaves, const struct sl_policy *policy,
			 const struct sl_policy_service *service)
{
	char under[64], path[112], text[SL_UNITS_TEXT_MAX];

	snprintf(under, sizeof(under), "services.%s", service->name);
	snprintf(path, sizeof(path), "%s.match", under);
	for (uint32_t i = 0; i < service->matches && !leaves->failed; i++)
		add_owned(leaves, path,
			  match_text(policy, &policy->match[service->first_match + i]), true);
	if (service->has_slo)
		list_slo(leaves, under, &service->slo);
	list_preferences(leaves, under, policy, service);
	list_pins(leaves, under, policy, service);
	add_under(leaves, under, "priority", "%s", priority_words[service->priority]);
	if (service->may_throttle)
		add_under(leaves, under, "throttle.floor", "%s",
			  sl_units_write(service->throttle_floor_bps, sl_units_rate, text));
	if (service->has_remark)
		add_under(leaves, under, "remark.dscp", "%s",
			  sl_units_write_dscp(service->remark_dscp, text));
	if (service->flow_share_ppm)
		add_under(leaves, under, "flow_share", "%s",
			  sl_units_write(service->flow_share_ppm, sl_units_share, text));
}

/* Only what is said: most policies say none of it. */
static void list_probes(struct sl_leaves *leaves, const struct sl_policy_probes *probes)
{
	char text[SL_UNITS_TEXT_MAX];

	if (probes->when == SL_PROBE_SUSPECTED && probes->interval_ms == 10 &&
	    probes->budget_bps == 20000 && !probes->monthly_bytes)
		return;
	add(leaves, "probes.when", "%s", when_words[probes->when]);
	add(leaves, "probes.interval", "%s",
	    sl_units_write((uint64_t)probes->interval_ms * 1000000, sl_units_time, text));
	add(leaves, "probes.budget", "%s", sl_units_write(probes->budget_bps, sl_units_rate, text));
	if (probes->monthly_bytes)
		add(leaves, "probes.monthly", "%s",
		    sl_units_write(probes->monthly_bytes, sl_units_bytes, text));
}

static char *allowed_text(const struct sl_policy_reflector *reflector)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (uint32_t i = 0; i < reflector->allows; i++) {
		fputs(i ? ", " : "[", out);
		print_prefix(out, &reflector->allow[i]);
	}
	fputs("]", out);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

static void list_aside(struct sl_leaves *leaves, const struct sl_policy *policy)
{
	const struct sl_policy_recorder *recorder = &policy->recorder;

	if (policy->reflector.allows && !leaves->failed) {
		add_owned(leaves, "reflector.from", allowed_text(&policy->reflector), false);
		add(leaves, "reflector.rate", "%u", policy->reflector.per_second);
	}
	if (recorder->services == SL_RECORD_CRITICAL && recorder->payload == SL_RECORD_HEADERS &&
	    recorder->files == 16)
		return;
	add(leaves, "recorder.services", "%s", which_words[recorder->services]);
	add(leaves, "recorder.payload", "%s",
	    recorder->payload == SL_RECORD_HEAD ? "head" : "none");
	add(leaves, "recorder.files", "%u", recorder->files);
}

static void list_history(struct sl_leaves *leaves, const struct sl_policy_history *history)
{
	char text[SL_UNITS_TEXT_MAX];

	if (history->keep_s == SL_POLICY_KEEP_S && history->detail == SL_HISTORY_FULL)
		return;
	add(leaves, "history.keep", "%s", sl_units_write(history->keep_s, sl_units_span, text));
	add(leaves, "history.detail", "%s", history->detail == SL_HISTORY_LEAN ? "lean" : "full");
}

int sl_leaves_open(struct sl_leaves *leaves, const struct sl_policy *policy)
{
	char text[SL_UNITS_TEXT_MAX];

	*leaves = (struct sl_leaves){0};
	add(leaves, "site", "%s", policy->site);
	if (policy->version)
		add(leaves, "version", "%" PRIu64, policy->version);
	add(leaves, "mode", "%s", sl_mode_word(policy->mode));
	add(leaves, "placement", "%s", placement_words[policy->placement]);
	list_engine(leaves, &policy->engine);
	list_tunnels(leaves, policy->tunnels);
	add(leaves, "names", "%s", policy->no_names ? "false" : "true");
	list_ports(leaves, policy);
	list_uplinks(leaves, policy);
	for (uint32_t i = 0; i < policy->services; i++)
		list_service(leaves, policy, &policy->service[i]);
	add(leaves, "guardrails.actions_per_minute", "%u", policy->guardrails.actions_per_minute);
	add(leaves, "guardrails.moves_per_hour", "%u", policy->guardrails.moves_per_hour);
	add(leaves, "guardrails.hold_down", "%s",
	    sl_units_write((uint64_t)policy->guardrails.hold_down_ms * 1000000, sl_units_time,
			   text));
	add(leaves, "guardrails.revert", "%s",
	    policy->guardrails.revert == SL_REVERT_AUTO ? "auto" : "advise");
	list_probes(leaves, &policy->probes);
	list_aside(leaves, policy);
	list_history(leaves, &policy->history);
	if (!leaves->failed)
		return 0;
	sl_leaves_close(leaves);
	return -ENOMEM;
}

void sl_leaves_close(struct sl_leaves *leaves)
{
	for (size_t i = 0; i < leaves->count; i++)
		free(leaves->leaf[i].value);
	free(leaves->leaf);
	*leaves = (struct sl_leaves){0};
}
