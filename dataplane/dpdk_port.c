/*
 * dpdk_port.c - the policy's ports as ethdevs: made, configured, counted, closed
 *
 * Each port has as many receive and transmit queues as there are workers.  Where the NIC
 * can, packets are spread by RSS with a symmetric key, so that both directions of a flow
 * meet on one worker whichever port they come in by.
 */
#include <errno.h>
#include <rte_bus_vdev.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <stdio.h>
#include <string.h>

#include "dpdk_private.h"
#include "neighbour.h"
#include "xdp.h"

#define DESCRIPTORS  1024
#define POOL_CACHE   256
#define MBUFS_MIN    16384
#define QUEUE_MBUFS  4096 /* of each queue: both rings, bursts, the driver's own */
#define AF_XDP_MBUFS 8192 /* net_af_xdp fills rings of 2048 both ways */

/*
 * The key that makes Toeplitz symmetric: its 16-bit pattern repeats, so that swapping
 * source and destination swaps equal terms (Woo and Park, "Scalable TCP session
 * monitoring with symmetric receive-side scaling", 2012).
 */
#define KEY4 0x6d, 0x5a, 0x6d, 0x5a
static uint8_t rss_key[] = {KEY4, KEY4, KEY4, KEY4, KEY4, KEY4, KEY4,
			    KEY4, KEY4, KEY4, KEY4, KEY4, KEY4};

/* ---- the plan ---- */

static int uplink_of(const struct sl_policy *policy, const char *device)
{
	for (uint32_t i = 0; i < policy->uplinks; i++)
		if (!strcmp(policy->uplink[i].device, device))
			return (int)i;
	return -1;
}

static int port_of(const struct sl_dpdk *dpdk, const char *device)
{
	for (uint32_t i = 0; i < dpdk->ports; i++)
		if (!strcmp(dpdk->port[i].device, device))
			return (int)i;
	return -1;
}

static struct sl_dpdk_port *add_port(struct sl_dpdk *dpdk, const char *name, const char *device,
				     enum sl_side ingress)
{
	struct sl_dpdk_port *port = &dpdk->port[dpdk->ports++];
	int uplink = uplink_of(&dpdk->policy, device);

	*port = (struct sl_dpdk_port){.id = SL_DPDK_NO_PORT,
				      .exception = SL_DPDK_NO_PORT,
				      .pair = SL_DPDK_NO_PORT};
	snprintf(port->name, sizeof(port->name), "%s", name);
	snprintf(port->device, sizeof(port->device), "%s", device);
	port->entry.index = (uint8_t)(dpdk->ports - 1);
	port->entry.ingress = (uint8_t)ingress;
	port->entry.uplink = uplink < 0 ? SL_UPLINK_NONE : (uint8_t)uplink;
	return port;
}

/* A gateway chooses the uplink itself; a wire's two ends are one uplink. */
static void plan_uplinks(struct sl_dpdk *dpdk)
{
	for (uint32_t i = 0; i < dpdk->ports; i++) {
		struct sl_dpdk_port *port = &dpdk->port[i];

		if (dpdk->policy.placement == SL_PLACEMENT_GATEWAY)
			port->entry.uplink = SL_UPLINK_NONE;
		else if (port->pair != SL_DPDK_NO_PORT && port->entry.uplink == SL_UPLINK_NONE)
			port->entry.uplink = dpdk->port[port->pair].entry.uplink;
	}
}

static void plan(struct sl_dpdk *dpdk)
{
	static const enum sl_side ingress[] = {[SL_ROLE_LAN] = SL_SIDE_LAN,
					       [SL_ROLE_UPLINK] = SL_SIDE_WAN,
					       [SL_ROLE_MIRROR] = SL_SIDE_UNKNOWN};
	const struct sl_policy *policy = &dpdk->policy;
	bool both_ways = policy->placement == SL_PLACEMENT_TAP &&
			 policy->engine.driver == SL_DRIVER_AF_PACKET;

	for (uint32_t i = 0; i < policy->ports; i++) {
		const struct sl_policy_port *from = &policy->port[i];
		struct sl_dpdk_port *port =
			add_port(dpdk, from->name, from->device,
				 both_ways ? SL_SIDE_UNKNOWN : ingress[from->role]);

		if (from->pair != SL_PORT_NONE)
			port->pair = from->pair;
	}
	for (uint32_t i = 0; i < policy->uplinks; i++) {
		const struct sl_policy_uplink *uplink = &policy->uplink[i];

		if (policy->placement != SL_PLACEMENT_WIRE && port_of(dpdk, uplink->device) < 0)
			add_port(dpdk, uplink->name, uplink->device,
				 both_ways ? SL_SIDE_UNKNOWN : SL_SIDE_WAN);
		dpdk->uplink_port[i] = (uint8_t)port_of(dpdk, uplink->device);
	}
	plan_uplinks(dpdk);
}

/* ---- devices ---- */

static int make_vdev(struct sl_dpdk_port *port, const char *arguments, uint16_t *id,
		     const char *vdev, struct sl_dpdk_why why)
{
	int err = rte_eal_hotplug_add("vdev", vdev, arguments);

	if (!err && !rte_eth_dev_get_port_by_name(vdev, id))
		return 0;
	return sl_dpdk_fail(why, err == -ENODEV ? -ENODEV : -EIO,
			    "%s: DPDK cannot make %s (%s): %s", port->name, vdev, arguments,
			    err ? strerror(err < 0 ? -err : err) : "it is not there");
}

static int make_af_packet(struct sl_dpdk *dpdk, struct sl_dpdk_port *port, struct sl_dpdk_why why)
{
	char arguments[128];

	snprintf(port->vdev, sizeof(port->vdev), "net_af_packet_%u", port->entry.index);
	snprintf(arguments, sizeof(arguments), "iface=%s,qpairs=%u", port->device, dpdk->workers);
	return make_vdev(port, arguments, &port->id, port->vdev, why);
}

static int make_af_xdp(struct sl_dpdk *dpdk, struct sl_dpdk_port *port, struct sl_dpdk_why why)
{
	char arguments[256], object[64];
	int err = sl_xdp_handover_object(dpdk->xdp, object, sizeof(object));

	if (err)
		return sl_dpdk_fail(why, err, "the XDP program for DPDK's driver: %s",
				    strerror(-err));
	err = sl_xdp_handover_clear(dpdk->xdp, port->device, why.text, why.size);
	if (err)
		return err;
	snprintf(port->vdev, sizeof(port->vdev), "net_af_xdp_%u", port->entry.index);
	snprintf(arguments, sizeof(arguments),
		 "iface=%s,start_queue=0,queue_count=%u,busy_budget=0,xdp_prog=%s", port->device,
		 dpdk->workers, object);
	return make_vdev(port, arguments, &port->id, port->vdev, why);
}

static int find_device(struct sl_dpdk *dpdk, struct sl_dpdk_port *port, struct sl_dpdk_why why)
{
	if (dpdk->policy.engine.driver == SL_DRIVER_EAL) {
		if (!rte_eth_dev_get_port_by_name(port->device, &port->id))
			return 0;
		return sl_dpdk_fail(
			why, -ENODEV,
			"%s: EAL has no device %s: is it bound to a DPDK driver, or made "
			"by a --vdev in engine.eal?",
			port->name, port->device);
	}
	memcpy(port->kernel, port->device, sizeof(port->kernel) - 1); /* it is no longer: policy */
	if (!if_nametoindex(port->kernel))
		return sl_dpdk_fail(why, -ENODEV, "%s: no device %s", port->name, port->device);
	return dpdk->policy.engine.driver == SL_DRIVER_AF_XDP ? make_af_xdp(dpdk, port, why)
							      : make_af_packet(dpdk, port, why);
}

/* What is not ours to forward goes to the kernel by a TAP of the port's own address. */
static int make_tap(struct sl_dpdk *dpdk, struct sl_dpdk_port *port, struct sl_dpdk_why why)
{
	char arguments[128], mac[RTE_ETHER_ADDR_FMT_SIZE], name[IFNAMSIZ];
	int err;

	if (dpdk->policy.placement != SL_PLACEMENT_GATEWAY)
		return 0;
	rte_ether_format_addr(mac, sizeof(mac), &port->mac);
	snprintf(name, sizeof(name), "sl-%.12s", port->name);
	snprintf(port->tap, sizeof(port->tap), "net_tap_%u", port->entry.index);
	snprintf(arguments, sizeof(arguments), "iface=%s,mac=%s", name, mac);
	if (dpdk->policy.engine.driver != SL_DRIVER_AF_XDP)
		snprintf(port->kernel, sizeof(port->kernel), "%s", name);
	err = make_vdev(port, arguments, &port->exception, port->tap, why);
	if (err || !dpdk->xdp)
		return err;
	/* Under AF_XDP the box's addresses stay where they were, and this port has none. */
	err = sl_neighbour_number(if_nametoindex(name), (uint8_t)(port->entry.index + 1));
	return err ? sl_dpdk_fail(why, err, "%s: its exception port %s: %s", port->name, name,
				  strerror(-err))
		   : 0;
}

/* ---- configuration ---- */

static void spread(const struct rte_eth_dev_info *info, uint32_t workers, struct rte_eth_conf *conf)
{
	uint64_t want = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;

	if (workers < 2 || !(want & info->flow_type_rss_offloads))
		return;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_key = rss_key;
	conf->rx_adv_conf.rss_conf.rss_key_len =
		info->hash_key_size && info->hash_key_size <= sizeof(rss_key) ? info->hash_key_size
									      : 40;
	conf->rx_adv_conf.rss_conf.rss_hf = want & info->flow_type_rss_offloads;
}

static int set_queues(struct sl_dpdk *dpdk, uint16_t id)
{
	uint16_t rx = DESCRIPTORS, tx = DESCRIPTORS;
	int socket = rte_eth_dev_socket_id(id);
	int err = rte_eth_dev_adjust_nb_rx_tx_desc(id, &rx, &tx);

	for (uint16_t q = 0; q < dpdk->workers && !err; q++) {
		err = rte_eth_rx_queue_setup(id, q, rx, (unsigned int)socket, NULL, dpdk->pool);
		if (!err)
			err = rte_eth_tx_queue_setup(id, q, tx, (unsigned int)socket, NULL);
	}
	return err;
}

static int configure(struct sl_dpdk *dpdk, struct sl_dpdk_port *port, uint16_t id,
		     struct sl_dpdk_why why)
{
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf = {0};
	uint16_t queues = (uint16_t)dpdk->workers;
	int err = rte_eth_dev_info_get(id, &info);

	if (!err && (queues > info.max_rx_queues || queues > info.max_tx_queues))
		return sl_dpdk_fail(why, -EINVAL,
				    "%s: %s has %u queues at most, the policy wants %u", port->name,
				    port->device, RTE_MIN(info.max_rx_queues, info.max_tx_queues),
				    queues);
	if (!err) {
		spread(&info, dpdk->workers, &conf);
		err = rte_eth_dev_configure(id, queues, queues, &conf);
	}
	if (!err)
		err = set_queues(dpdk, id);
	if (err)
		return sl_dpdk_fail(why, err < 0 ? err : -EIO, "%s: configure %s: %s", port->name,
				    port->device, strerror(err < 0 ? -err : err));
	return 0;
}

static int open_port(struct sl_dpdk *dpdk, struct sl_dpdk_port *port, struct sl_dpdk_why why)
{
	int err = find_device(dpdk, port, why);

	if (err)
		return err;
	rte_eth_macaddr_get(port->id, &port->mac);
	if (rte_eth_dev_get_mtu(port->id, &port->mtu))
		port->mtu = RTE_ETHER_MTU;
	err = configure(dpdk, port, port->id, why);
	if (!err)
		err = make_tap(dpdk, port, why);
	if (!err && port->exception != SL_DPDK_NO_PORT)
		err = configure(dpdk, port, port->exception, why);
	return err;
}

uint32_t sl_dpdk_mbufs(const struct sl_dpdk *dpdk)
{
	const struct sl_policy *policy = &dpdk->policy;
	bool af_xdp = policy->engine.driver == SL_DRIVER_AF_XDP;
	bool taps = policy->placement == SL_PLACEMENT_GATEWAY;
	uint32_t queues = (policy->ports + policy->uplinks) * dpdk->workers * (taps ? 2 : 1);
	uint32_t need = queues * QUEUE_MBUFS + (af_xdp ? queues * AF_XDP_MBUFS : 0);

	if (policy->engine.mbufs)
		return policy->engine.mbufs;
	return need > MBUFS_MIN ? need : MBUFS_MIN;
}

static int open_pool(struct sl_dpdk *dpdk, struct sl_dpdk_why why)
{
	uint32_t mbufs = sl_dpdk_mbufs(dpdk);
	uint32_t cache = mbufs >= POOL_CACHE * 2 * dpdk->workers ? POOL_CACHE : 0;

	dpdk->pool = rte_pktmbuf_pool_create("sl_mbufs", mbufs, cache, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					     SOCKET_ID_ANY);
	if (dpdk->pool)
		return 0;
	return sl_dpdk_fail(why, -ENOMEM, "engine: no memory for %u mbufs: %s", mbufs,
			    rte_strerror(rte_errno));
}

int sl_dpdk_ports_open(struct sl_dpdk *dpdk, struct sl_dpdk_why why)
{
	int err;

	plan(dpdk);
	if (!dpdk->ports)
		return sl_dpdk_fail(why, -EINVAL, "the policy has no port to poll");
	err = open_pool(dpdk, why);
	for (uint32_t i = 0; i < dpdk->ports && !err; i++)
		err = open_port(dpdk, &dpdk->port[i], why);
	return err;
}

/* ---- start, counters, close ---- */

static void describe(const struct sl_dpdk *dpdk, struct sl_dpdk_port *port)
{
	static const char *const placements[] = {[SL_PLACEMENT_TAP] = "tap",
						 [SL_PLACEMENT_GATEWAY] = "gateway",
						 [SL_PLACEMENT_WIRE] = "wire"};
	struct rte_eth_dev_info info = {0};

	rte_eth_dev_info_get(port->id, &info);
	snprintf(port->line, sizeof(port->line), "%s %s %s dpdk %.20s x%u", port->name,
		 port->device, placements[dpdk->policy.placement],
		 info.driver_name ? info.driver_name : "?", dpdk->workers);
}

static int start_port(struct sl_dpdk *dpdk, struct sl_dpdk_port *port, struct sl_dpdk_why why)
{
	int err = rte_eth_dev_start(port->id);

	if (err)
		return sl_dpdk_fail(why, err < 0 ? err : -EIO, "%s: start %s: %s", port->name,
				    port->device, strerror(err < 0 ? -err : err));
	port->started = true;
	if (dpdk->policy.placement != SL_PLACEMENT_GATEWAY)
		rte_eth_promiscuous_enable(port->id); /* where it cannot, it sees all anyway */
	if (port->exception != SL_DPDK_NO_PORT && (err = rte_eth_dev_start(port->exception)))
		return sl_dpdk_fail(why, -EIO, "%s: start its exception port: %s", port->name,
				    strerror(err < 0 ? -err : err));
	describe(dpdk, port);
	return dpdk->xdp ? sl_xdp_handover_attach(dpdk->xdp, port->device, why.text, why.size) : 0;
}

int sl_dpdk_ports_start(struct sl_dpdk *dpdk, struct sl_dpdk_why why)
{
	int err = 0;

	for (uint32_t i = 0; i < dpdk->ports && !err; i++)
		err = start_port(dpdk, &dpdk->port[i], why);
	return err;
}

void sl_dpdk_ports_count(struct sl_dpdk *dpdk)
{
	uint64_t missed = 0;

	for (uint32_t i = 0; i < dpdk->ports; i++) {
		struct rte_eth_stats stats;

		if (dpdk->port[i].started && !rte_eth_stats_get(dpdk->port[i].id, &stats))
			missed += stats.imissed + stats.ierrors + stats.rx_nombuf;
	}
	if (missed > dpdk->nics->missed)
		dpdk->nics->missed = missed;
}

static void close_dev(uint16_t id, const char *vdev)
{
	if (id == SL_DPDK_NO_PORT)
		return;
	rte_eth_dev_stop(id);
	if (vdev[0])
		rte_eal_hotplug_remove("vdev", vdev);
	else
		rte_eth_dev_close(id);
}

void sl_dpdk_ports_close(struct sl_dpdk *dpdk)
{
	for (uint32_t i = 0; i < dpdk->ports; i++) {
		close_dev(dpdk->port[i].exception, dpdk->port[i].tap);
		close_dev(dpdk->port[i].id, dpdk->port[i].vdev);
	}
	dpdk->ports = 0;
	rte_mempool_free(dpdk->pool);
	dpdk->pool = NULL;
}
