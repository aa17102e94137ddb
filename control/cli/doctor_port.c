/*
 * doctor_port.c - checks of a policy's devices, and of what the kernel does between them
 */
#include "doctor.h"

#include <stdio.h>
#include <string.h>

#define NATIVE_MTU_MAX \
	3498 /* one page, less headroom and skb_shared_info: no frags in our program */
#define CHECK_MAX 64

static const char *title(const struct sl_facts_port *port, const char *what, char text[CHECK_MAX])
{
	snprintf(text, CHECK_MAX, "%.20s (%.15s) %s", port->name, port->device, what);
	return text;
}

/* Drivers with native XDP in Linux 6.1; a guess, for kernels that do not say it themselves. */
static bool guess_native(const char *driver)
{
	static const char *const drivers[] = {"atlantic",    "bnxt_en", "dpaa2-eth", "ena",
					      "fec",         "gve",     "hv_netvsc", "i40e",
					      "ice",         "igb",     "igc",       "ixgbe",
					      "ixgbevf",     "lan966x", "mlx4_en",   "mlx5_core",
					      "mvneta",      "mvpp2",   "nfp",       "qede",
					      "sfc",         "st_gmac", "stmmac",    "ti-cpsw",
					      "thunder-nic", "tsnep",   "tun",       "veth",
					      "virtio_net",  "vmxnet3", "bonding",   "netfront"};

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (!strcmp(driver, drivers[i]))
			return true;
	return false;
}

static void link_state(struct sl_findings *findings, const struct sl_facts_port *port)
{
	char check[CHECK_MAX], cure[96];

	title(port, "link", check);
	if (!port->up) {
		snprintf(cure, sizeof(cure), "ip link set %s up", port->device);
		sl_doctor_add(findings, SL_DOCTOR_FAIL, check,
			      "nothing passes a device that is down", cure, "down");
	} else if (!port->carrier) {
		sl_doctor_add(findings, SL_DOCTOR_WARN, check, "no signal on the wire",
			      "look at the cable, the switch, the modem", "up, no carrier");
	} else if (port->half_duplex) {
		sl_doctor_add(
			findings, SL_DOCTOR_WARN, check,
			"one end negotiates and the other is fixed: collisions look like loss",
			"let both ends negotiate, or fix both", "half duplex");
	} else if (port->speed_mbit > 0) {
		sl_doctor_add(findings, SL_DOCTOR_OK, check, NULL, NULL, "up, %d Mbit/s, MTU %u",
			      port->speed_mbit, port->mtu);
	} else {
		sl_doctor_add(findings, SL_DOCTOR_OK, check, NULL, NULL, "up, MTU %u", port->mtu);
	}
}

static void xdp_known(struct sl_findings *findings, const struct sl_facts_port *port,
		      const char *check)
{
	if (!(port->features & SL_FACTS_XDP_BASIC))
		sl_doctor_add(
			findings, SL_DOCTOR_WARN, check,
			"the driver has no native XDP: generic XDP takes its place, which costs "
			"more for each packet",
			"none, while the CPU keeps up; else a NIC whose driver has it",
			"generic only (driver %s)", port->driver[0] ? port->driver : "unknown");
	else
		sl_doctor_add(findings, SL_DOCTOR_OK, check, NULL, NULL, "native (driver %s)%s",
			      port->driver,
			      port->features & SL_FACTS_XDP_ZEROCOPY ? ", AF_XDP without copies"
								     : "");
}

/* On a gateway's uplinks stands the reflector's program, or none. */
static bool is_reflectors(const struct sl_facts *facts, const struct sl_facts_port *port)
{
	return port->uplink && facts->policy->reflector.allows &&
	       facts->policy->placement == SL_PLACEMENT_GATEWAY &&
	       facts->policy->engine.kind == SL_ENGINE_XDP;
}

static void xdp(struct sl_findings *findings, const struct sl_facts *facts,
		const struct sl_facts_port *port)
{
	bool generic = port->has_features && !(port->features & SL_FACTS_XDP_BASIC);
	char check[CHECK_MAX];

	title(port, "XDP", check);
	if (port->has_features)
		xdp_known(findings, port, check);
	else if (guess_native(port->driver))
		sl_doctor_add(findings, SL_DOCTOR_OK, check, NULL, NULL,
			      "native, to judge by its name (driver %s); this kernel does not tell",
			      port->driver);
	else
		sl_doctor_add(
			findings, SL_DOCTOR_WARN, check,
			"this kernel does not tell what its driver can, and its name is not on "
			"our list",
			"attach, and see: `storeline status` says native or generic",
			"probably generic (driver %s)", port->driver[0] ? port->driver : "unknown");
	title(port, "MTU", check);
	if (port->mtu > NATIVE_MTU_MAX && !generic)
		sl_doctor_add(findings, SL_DOCTOR_WARN, check,
			      "native XDP wants a packet in one page: with jumbo frames it will be "
			      "generic",
			      "lower the MTU to 3498 or less, or live with generic XDP", "%u",
			      port->mtu);
	title(port, "XDP program", check);
	if (port->attached && is_reflectors(facts, port))
		sl_doctor_add(findings, SL_DOCTOR_WARN, check,
			      "Storeline's reflector from before, or another's program, and then "
			      "STAMP is answered by the agent's socket alone",
			      "if no Storeline stands here, see whose it is: bpftool net",
			      "there is one, on an uplink that reflects STAMP");
	else if (port->attached)
		sl_doctor_add(findings, SL_DOCTOR_WARN, check,
			      "one is attached: Storeline's from before, or another's, and then "
			      "Storeline cannot attach",
			      "if no Storeline stands here, see whose it is: bpftool net",
			      "there is one");
}

static void queues(struct sl_findings *findings, const struct sl_facts *facts,
		   const struct sl_facts_port *port)
{
	unsigned int cpus = facts->host.cpus;
	char check[CHECK_MAX], cure[96];

	title(port, "queues", check);
	if (port->queues_rx == SL_FACTS_UNKNOWN)
		sl_doctor_add(findings, SL_DOCTOR_OK, check, NULL, NULL,
			      "one, as far as the driver tells: one CPU takes all its packets");
	else if (port->queues_rx < port->queues_most && (unsigned int)port->queues_rx < cpus) {
		snprintf(cure, sizeof(cure), "ethtool -L %s combined %d", port->device,
			 port->queues_most < (int)cpus ? port->queues_most : (int)cpus);
		sl_doctor_add(findings, SL_DOCTOR_WARN, check,
			      "fewer queues than CPUs: the others take no packets", cure,
			      "%d of %d, %u CPUs", port->queues_rx, port->queues_most, cpus);
	} else {
		sl_doctor_add(findings, SL_DOCTOR_OK, check, NULL, NULL, "%d, %u CPUs",
			      port->queues_rx, cpus);
	}
}

static void stack(struct sl_findings *findings, const struct sl_facts_port *port)
{
	char check[CHECK_MAX], cure[160];

	title(port, "kind", check);
	if (!strcmp(port->kind, "vlan"))
		sl_doctor_add(findings, SL_DOCTOR_WARN, check,
			      "a VLAN device has generic XDP only, and its tag is gone",
			      "name the device under it in the policy, and match by vlan:",
			      "a VLAN device");
	else if (!strcmp(port->kind, "bridge"))
		sl_doctor_add(findings, SL_DOCTOR_WARN, check,
			      "a bridge has generic XDP only; what it switches does not pass here",
			      "name its ports, when services meet on them", "a bridge");
	else if (!strcmp(port->kind, "bond") && !port->has_features)
		sl_doctor_add(
			findings, SL_DOCTOR_WARN, check,
			"a bond has native XDP when all its members have, in modes that balance",
			"see what `storeline status` says after attaching", "a bond");
	if (port->master[0]) {
		snprintf(cure, sizeof(cure), "name %s in the policy instead of %s", port->master,
			 port->device);
		sl_doctor_add(findings, SL_DOCTOR_WARN, check,
			      "the kernel routes its packets as its master's: marks and routes of "
			      "this device do not meet them",
			      cure, "a member of %s (%s)", port->master,
			      port->master_kind[0] ? port->master_kind : "?");
	}
}

static void offloads(struct sl_findings *findings, const struct sl_facts_port *port)
{
	char check[CHECK_MAX], cure[96];

	title(port, "LRO", check);
	snprintf(cure, sizeof(cure), "ethtool -K %s lro off", port->device);
	if (port->lro)
		sl_doctor_add(findings, SL_DOCTOR_FAIL, check,
			      "the NIC glues segments together: round trips and loss are wrong, "
			      "forwarding breaks, and some drivers refuse XDP",
			      cure, "on");
}

/* Strict filtering throws away what comes back by an uplink without the default route. */
static void filter(struct sl_findings *findings, const struct sl_facts *facts,
		   const struct sl_facts_port *port)
{
	int all = facts->host.rp_filter_all, own = port->rp_filter;
	char check[CHECK_MAX], cure[160];

	if (!port->uplink || facts->policy->placement != SL_PLACEMENT_GATEWAY ||
	    facts->policy->engine.kind != SL_ENGINE_XDP)
		return;
	title(port, "rp_filter", check);
	snprintf(cure, sizeof(cure),
		 "sysctl -w net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.%s.rp_filter=2",
		 port->device);
	/* The kernel takes the higher of the two. */
	if ((own > all ? own : all) == 1)
		sl_doctor_add(findings, SL_DOCTOR_FAIL, check,
			      "strict: the answers that come by this uplink are dropped when the "
			      "default route is another's",
			      cure, "1");
	else
		sl_doctor_add(findings, SL_DOCTOR_OK, check, NULL, NULL, "not strict");
}

static void ssh(struct sl_findings *findings, const struct sl_facts *facts,
		const struct sl_facts_port *port)
{
	char check[CHECK_MAX], cure[SL_TEXT_MAX * 2];

	if (!port->carries_ssh)
		return;
	title(port, "ssh", check);
	if (!facts->confirm_s) {
		sl_doctor_add(findings, SL_DOCTOR_REFUSE, check,
			      "a mistake in the policy would cut the only way in",
			      "come in by another device or by the console; or say "
			      "--confirm-within 60, and do what it says then",
			      "your ssh session (%s) comes in by it", facts->ssh_address);
		return;
	}
	snprintf(cure, sizeof(cure),
		 "try it for a time: setsid timeout %u storeline-dataplane run --policy %.200s "
		 "--detach-on-exit ... takes itself off after %u s; if you are still here then, "
		 "start it for good",
		 facts->confirm_s, facts->policy_file ? facts->policy_file : "FILE",
		 facts->confirm_s);
	sl_doctor_add(
		findings, SL_DOCTOR_WARN, check,
		"a mistake in the policy would cut the only way in; the dataplane has no timer for it",
		cure, "your ssh session (%s) comes in by it", facts->ssh_address);
}

void sl_doctor_port(struct sl_findings *findings, const struct sl_facts *facts,
		    const struct sl_facts_port *port)
{
	char check[CHECK_MAX];

	if (!port->kernels) {
		sl_doctor_add(findings, SL_DOCTOR_SKIP, title(port, "device", check), NULL, NULL,
			      "a device of DPDK: EAL looks at it when it starts");
		return;
	}
	if (!port->exists) {
		sl_doctor_add(findings, SL_DOCTOR_FAIL, title(port, "device", check),
			      "the policy names a device that this machine does not have",
			      "see what there is: ip -br link; and correct the policy",
			      "there is no %s", port->device);
		return;
	}
	link_state(findings, port);
	xdp(findings, facts, port);
	queues(findings, facts, port);
	stack(findings, port);
	offloads(findings, port);
	filter(findings, facts, port);
	ssh(findings, facts, port);
}

static void forwarding(struct sl_findings *findings, const struct sl_facts_host *host)
{
	if (host->ip_forward == 0)
		sl_doctor_add(findings, SL_DOCTOR_FAIL, "forwarding",
			      "the kernel routes between LAN and uplinks; Storeline only chooses",
			      "sysctl -w net.ipv4.ip_forward=1", "off");
	else if (host->ip_forward > 0)
		sl_doctor_add(findings, SL_DOCTOR_OK, "forwarding", NULL, NULL, "on");
	if (host->nat == 0)
		sl_doctor_add(
			findings, SL_DOCTOR_WARN, "NAT",
			"no rule translates addresses here: private ones get no answer, unless "
			"a router beyond translates them",
			"nft add table ip nat; nft add chain ip nat post '{ type nat hook "
			"postrouting priority srcnat; }'; nft add rule ip nat post oifname "
			"'{ UPLINK, UPLINK }' masquerade",
			"no masquerade or snat rule");
	else if (host->nat > 0)
		sl_doctor_add(findings, SL_DOCTOR_OK, "NAT", NULL, NULL,
			      "there is a rule; whether for each uplink was not looked at");
	else
		sl_doctor_add(findings, SL_DOCTOR_SKIP, "NAT", NULL, NULL,
			      "the rules could not be listed (nft -j list ruleset)");
}

/* af_packet gives DPDK a copy of each packet: the kernel has it as well, and may forward it. */
static void forwarding_twice(struct sl_findings *findings, const struct sl_facts_host *host)
{
	if (host->ip_forward > 0)
		sl_doctor_add(
			findings, SL_DOCTOR_WARN, "forwarding",
			"with driver af_packet the kernel sees each packet too, and forwards it "
			"as DPDK does: every IPv4 packet leaves twice",
			"sysctl -w net.ipv4.ip_forward=0; or driver: af_xdp in the policy, and "
			"leave it on",
			"on, beside a DPDK gateway");
	else if (host->ip_forward == 0)
		sl_doctor_add(findings, SL_DOCTOR_OK, "forwarding", NULL, NULL,
			      "off: DPDK alone forwards");
}

static void forwarders(struct sl_findings *findings, const struct sl_facts *facts)
{
	const struct sl_policy *policy = facts->policy;

	if (policy->placement != SL_PLACEMENT_GATEWAY)
		return;
	if (policy->engine.kind == SL_ENGINE_XDP)
		forwarding(findings, &facts->host);
	else if (policy->engine.driver == SL_DRIVER_AF_PACKET)
		forwarding_twice(findings, &facts->host);
}

void sl_doctor_site(struct sl_findings *findings, const struct sl_facts *facts)
{
	if (!facts->policy) {
		sl_doctor_add(findings, SL_DOCTOR_SKIP, "devices", NULL, NULL,
			      "no policy is named: --policy FILE");
		return;
	}
	forwarders(findings, facts);
	for (uint32_t i = 0; i < facts->ports; i++)
		sl_doctor_port(findings, facts, &facts->port[i]);
	if (!facts->has_ssh)
		sl_doctor_add(findings, SL_DOCTOR_OK, "ssh", NULL, NULL,
			      "this is no ssh session, as far as can be seen");
}
