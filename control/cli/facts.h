/*
 * facts.h - what `doctor` judges by: the machine as it is, gathered and not judged
 *
 * Each fact that could not be learnt says so itself; gathering never fails.
 */
#ifndef SL_FACTS_H
#define SL_FACTS_H

#include "proto/bus.h"
#include "proto/policy.h"

#define SL_FACTS_PORTS_MAX (SL_POLICY_PORTS_MAX + SL_WIRE_UPLINKS_MAX)
#define SL_FACTS_UNKNOWN   (-1)

struct sl_facts_host {
	uint64_t capabilities; /* effective, bits of linux/capability.h */
	char kernel[64];       /* "6.1.0-13-amd64" */
	unsigned int kernel_major, kernel_minor;
	bool btf, bpffs;
	int jit;           /* net.core.bpf_jit_enable; SL_FACTS_UNKNOWN */
	char lockdown[20]; /* "none", "integrity", "confidentiality"; "" = this kernel has none */
	int clock;         /* 1 in step with a time source, 0 not, SL_FACTS_UNKNOWN */
	int ip_forward, rp_filter_all; /* the sysctls; SL_FACTS_UNKNOWN */
	int nat; /* 1 there is a rule that masquerades, 0 none, SL_FACTS_UNKNOWN */
	uint64_t huge_pages_free, huge_page_bytes; /* of the default size */
	char state_dir[256]; /* the folder, or the nearest there is above it */
	int state_error;     /* errno of looking there */
	uint64_t state_free_bytes;
	unsigned int cpus;
};

struct sl_facts_port {
	char name[SL_NAME_MAX], device[SL_DEVICE_MAX]; /* name in the policy */
	bool uplink;
	bool kernels; /* an interface of the kernel; else a device of DPDK's EAL */
	bool exists, up, carrier;
	char driver[32], kind[20]; /* kind: "vlan", "bond", "bridge", "veth" ...; "" = a NIC */
	char master[16], master_kind[20]; /* "" = none */
	int attached;                     /* 1 an XDP program is on it, 0 none */
	bool has_features;                /* the kernel says what its driver can (Linux 6.3) */
	uint64_t features;                /* SL_FACTS_XDP_* */
	int queues_rx, queues_most;       /* SL_FACTS_UNKNOWN */
	unsigned int mtu;
	int speed_mbit; /* SL_FACTS_UNKNOWN */
	int half_duplex, lro, rp_filter;
	bool carries_ssh; /* this session comes in by it */
};

/* NETDEV_XDP_ACT_*, linux/netdev.h, which Debian 12 does not have. */
#define SL_FACTS_XDP_BASIC    UINT64_C(1)
#define SL_FACTS_XDP_REDIRECT UINT64_C(2)
#define SL_FACTS_XDP_ZEROCOPY UINT64_C(8)
#define SL_FACTS_XDP_FRAGS    UINT64_C(32)

struct sl_facts {
	struct sl_facts_host host;
	const struct sl_policy *policy; /* NULL = none was named */
	const char *policy_file;
	uint32_t confirm_s; /* 0 = not said */
	bool has_ssh;       /* this is an ssh session */
	char ssh_address[64];
	uint32_t ports;
	struct sl_facts_port port[SL_FACTS_PORTS_MAX];
	bool redis_named, redis_answers;
	const char *redis;
	char redis_why[SL_TEXT_MAX];
	int socket_mode; /* of the unix socket's file; SL_FACTS_UNKNOWN */
	struct sl_bus_server_report server;
};

/* Fill in the host's, and the ports' of facts->policy.  @state NULL: the usual folder. */
void sl_facts_host(struct sl_facts *facts, const char *state);
void sl_facts_ports(struct sl_facts *facts);

/* facts_link.c: one interface as the kernel tells it over netlink and ethtool. */
void sl_facts_link(struct sl_facts_port *port);

#endif
