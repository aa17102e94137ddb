/*
 * rings.c - ports out of rte_rings (net_ring), one each way, and the engine between them
 */
#include "rings.h"

#include <errno.h>
#include <rte_eth_ring.h>
#include <rte_ring.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/dpdk.h"
#include "dataplane/dpdk_private.h"
#include "tests/unit/row.h"

#define MEMORY_BYTES (UINT64_C(160) << 20) /* of EAL: pool, rings, ports */
#define SLOTS        64
#define WAIT_US      200
#define WAITS        25000 /* 5 s: a busy machine's worker may have to wait for its turn */
#define LINGER_US    2000  /* for what leaves by a port that it should not */

const uint8_t rings_mac[RINGS_PORTS][6] = {{2, 0, 0, 0, 1, 1},
					   {2, 0, 0, 0, 1, 2},
					   {2, 0, 0, 0, 1, 3}};

static struct rte_ring *in[RINGS_PORTS], *out[RINGS_PORTS];
static struct sl_engine *standing; /* a test that failed leaves it */

static const char wire_yaml[] =
	"site: s\n"
	"engine: {kind: dpdk, driver: eal, eal: [\"--no-pci\"], flows: 1024, mbufs: 16384,\n"
	"         huge_pages: false, idle_sleep: 20us}\n"
	"ports:\n"
	"  lan: {device: net_ring_%u_0, role: lan, pair: far}\n"
	"  far: {device: net_ring_%u_1, role: uplink}\n"
	"uplinks:\n"
	"  fibre: {device: net_ring_%u_1}\n";

static const char gateway_yaml[] =
	"site: s\n"
	"engine: {kind: dpdk, driver: eal, eal: [\"--no-pci\"], flows: 1024, mbufs: 16384,\n"
	"         huge_pages: false, idle_sleep: 20us}\n"
	"ports:\n"
	"  lan: {device: net_ring_%u_0, role: lan}\n"
	"uplinks:\n"
	"  fibre: {device: net_ring_%u_1, gateway: 198.51.100.1}\n"
	"  lte: {device: net_ring_%u_2, gateway: 198.51.100.9}\n";

static struct sl_dpdk *dpdk_of(struct sl_engine *engine)
{
	return (struct sl_dpdk *)engine;
}

static void read_policy(struct sl_policy *policy, bool gateway, unsigned int number)
{
	char yaml[1024], why[1024];
	int length;

	if (gateway)
		length = snprintf(yaml, sizeof(yaml), gateway_yaml, number, number, number);
	else
		length = snprintf(yaml, sizeof(yaml), wire_yaml, number, number, number);
	if (sl_policy_read(policy, yaml, (size_t)length, "rings", why, sizeof(why)))
		fail_msg("%s", why);
	policy->engine.queues = 1;
}

static struct rte_ring *make_ring(const char *way, unsigned int number, int port)
{
	char name[RTE_RING_NAMESIZE];
	struct rte_ring *ring;

	snprintf(name, sizeof(name), "%s_%u_%d", way, number, port);
	ring = rte_ring_create(name, SLOTS, SOCKET_ID_ANY, 0);
	assert_non_null(ring);
	return ring;
}

static void make_ports(unsigned int number)
{
	for (int port = 0; port < RINGS_PORTS; port++) {
		char name[32];

		snprintf(name, sizeof(name), "%u_%d", number, port);
		in[port] = make_ring("in", number, port);
		out[port] = make_ring("out", number, port);
		int id = rte_eth_from_rings(name, &in[port], 1, &out[port], 1, 0);

		assert_true(id >= 0);
	}
}

static struct sl_addr ip4(uint32_t address)
{
	return (struct sl_addr){0, UINT64_C(0xffff00000000) | address};
}

static struct sl_hop hop_to(int port, struct sl_addr addr)
{
	struct sl_hop hop = {.addr = addr, .port = (uint8_t)port, .kind = SL_HOP_HOST};

	memcpy(hop.mac, rings_mac[port], sizeof(hop.mac));
	return hop;
}

/* The clients on the LAN, and the gateways, which the kernel of this namespace does not know. */
static void set_hops(struct sl_dpdk *dpdk)
{
	struct sl_hops *hops = sl_hops_make(4);
	struct sl_hop client4 = hop_to(RINGS_LAN, ip4(0x0a2a1405));
	struct sl_hop client6 =
		hop_to(RINGS_LAN, (struct sl_addr){UINT64_C(0x20010db800000000), 5});

	assert_non_null(hops);
	assert_true(sl_hops_put(hops, &client4) && sl_hops_put(hops, &client6));
	for (int uplink = 0; uplink < 2; uplink++)
		for (int ip6 = 0; ip6 < 2; ip6++)
			hops->gateway[uplink][ip6] = hop_to(RINGS_FIBRE + uplink, ip4(0xc6336401));
	assert_int_equal(sl_dpdk_hops_apply(dpdk, hops), 0);
	/* A turn that began before may yet poll, and would not know them. */
	rte_rcu_qsbr_check(dpdk->rcu, dpdk->retired.hops_token, true);
}

bool rings_alone(void)
{
	static const char path[] = "/proc/sys/net/ipv6/conf/default/disable_ipv6";
	FILE *file;
	bool done;

	if (unshare(CLONE_NEWNET))
		return false;
	file = fopen(path, "w");
	if (!file)
		return errno == ENOENT;
	done = fputs("1", file) >= 0;
	return !fclose(file) && done;
}

struct sl_engine *rings_open(bool gateway, const struct sl_tables *tables)
{
	static struct sl_policy policy;
	static unsigned int number;
	const struct sl_dpdk_config config = {.policy = &policy, .tables = tables};
	struct sl_engine *engine = NULL;
	char why[SL_TEXT_MAX];
	int err;

	if (standing)
		rings_close(standing);
	read_policy(&policy, gateway, ++number);
	err = sl_dpdk_eal_start(&policy.engine, MEMORY_BYTES, false,
				(struct sl_dpdk_why){why, sizeof(why)});
	if (!err) {
		make_ports(number);
		err = sl_dpdk_open(&config, &engine, why, sizeof(why));
	}
	if (!err)
		err = sl_dpdk_start(engine, why, sizeof(why));
	standing = engine;
	if (err)
		fail_msg("%s", why);
	if (gateway)
		set_hops(dpdk_of(engine));
	return engine;
}

const uint8_t *rings_own(struct sl_engine *engine, int port)
{
	return dpdk_of(engine)->port[port].mac.addr_bytes;
}

/* What leaves by @port; NULL: the kernel got it, which had @before. */
static struct rte_mbuf *wait_for(struct sl_engine *engine, int port, uint64_t before)
{
	const struct sl_stats *stats = engine->ops->stats(engine, 0);
	void *m = NULL;

	for (int i = 0; i < WAITS; i++) {
		if (port == RINGS_KERNEL && *(volatile const uint64_t *)&stats->to_kernel > before)
			return NULL;
		if (port != RINGS_KERNEL && !rte_ring_dequeue(out[port], &m))
			return m;
		usleep(WAIT_US);
	}
	fail_msg("nothing left by port %d", port);
	return NULL;
}

uint32_t rings_pass(struct sl_engine *engine, int from, int to, const uint8_t *bytes,
		    uint32_t length, uint8_t *got, uint32_t room)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(dpdk_of(engine)->pool);
	uint64_t before = engine->ops->stats(engine, 0)->to_kernel;
	uint32_t has;

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)length), bytes, length);
	assert_int_equal(rte_ring_enqueue(in[from], m), 0);
	m = wait_for(engine, to, before);
	usleep(LINGER_US);
	for (int port = 0; port < RINGS_PORTS; port++)
		assert_int_equal(rte_ring_count(out[port]), 0);
	if (!m)
		return 0;
	has = rte_pktmbuf_pkt_len(m);
	assert_int_equal(m->nb_segs, 1);
	assert_true(has <= room);
	memcpy(got, rte_pktmbuf_mtod(m, uint8_t *), has);
	rte_pktmbuf_free(m);
	return has;
}

void rings_close(struct sl_engine *engine)
{
	standing = NULL;
	engine->ops->close(engine, true);
	for (int port = 0; port < RINGS_PORTS; port++) {
		rte_ring_free(in[port]);
		rte_ring_free(out[port]);
	}
}
