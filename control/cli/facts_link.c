/*
 * facts_link.c - one interface: rtnetlink, the netdev family, ethtool
 *
 * What XDP its driver can is told by generic netlink since Linux 6.3.  libbpf 1.1's
 * bpf_xdp_query() has no field for it, and control knows no BPF: libmnl asks.
 */
#include "facts.h"

#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* linux/netdev.h, not in Debian 12 */
#define NETDEV_FAMILY   "netdev"
#define NETDEV_DEV_GET  1
#define NETDEV_IFINDEX  1
#define NETDEV_FEATURES 3
#define ATTRIBUTES      64
#define QUESTION_BYTES  1024
#define ANSWER_BYTES    32768

struct table {
	const struct nlattr *at[ATTRIBUTES];
};

static int on_attribute(const struct nlattr *attr, void *arg)
{
	struct table *table = arg;

	if (mnl_attr_get_type(attr) < ATTRIBUTES)
		table->at[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

/* Send and hear the answer; false when the kernel says no. */
static bool talk(int bus, struct nlmsghdr *head, mnl_cb_t each, void *arg)
{
	struct mnl_socket *socket = mnl_socket_open(bus);
	char answer[ANSWER_BYTES];
	ssize_t got = -1;
	int ran = -1;

	if (!socket)
		return false;
	head->nlmsg_seq = 1;
	if (!mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) &&
	    mnl_socket_sendto(socket, head, head->nlmsg_len) >= 0)
		got = mnl_socket_recvfrom(socket, answer, sizeof(answer));
	if (got > 0)
		ran = mnl_cb_run(answer, (size_t)got, 1, mnl_socket_get_portid(socket), each, arg);
	mnl_socket_close(socket);
	return ran >= 0;
}

struct link {
	bool found;
	unsigned int flags, mtu, master;
	char kind[20];
	bool carrier, attached;
};

static void nested(const struct table *outer, struct link *link)
{
	struct table table = {{NULL}};

	if (outer->at[IFLA_LINKINFO]) {
		mnl_attr_parse_nested(outer->at[IFLA_LINKINFO], on_attribute, &table);
		if (table.at[IFLA_INFO_KIND])
			snprintf(link->kind, sizeof(link->kind), "%.19s",
				 mnl_attr_get_str(table.at[IFLA_INFO_KIND]));
	}
	table = (struct table){{NULL}};
	if (outer->at[IFLA_XDP]) {
		mnl_attr_parse_nested(outer->at[IFLA_XDP], on_attribute, &table);
		link->attached =
			table.at[IFLA_XDP_ATTACHED] && mnl_attr_get_u8(table.at[IFLA_XDP_ATTACHED]);
	}
}

static int on_link(const struct nlmsghdr *head, void *arg)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(head);
	struct link *link = arg;
	struct table table = {{NULL}};

	if (head->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	mnl_attr_parse(head, sizeof(*info), on_attribute, &table);
	link->found = true;
	link->flags = info->ifi_flags;
	link->mtu = table.at[IFLA_MTU] ? mnl_attr_get_u32(table.at[IFLA_MTU]) : 0;
	link->master = table.at[IFLA_MASTER] ? mnl_attr_get_u32(table.at[IFLA_MASTER]) : 0;
	link->carrier = table.at[IFLA_CARRIER] && mnl_attr_get_u8(table.at[IFLA_CARRIER]);
	nested(&table, link);
	return MNL_CB_OK;
}

static void ask_link(unsigned int index, struct link *link)
{
	char bytes[QUESTION_BYTES];
	struct nlmsghdr *head = mnl_nlmsg_put_header(bytes);
	struct ifinfomsg *info;

	head->nlmsg_type = RTM_GETLINK;
	head->nlmsg_flags = NLM_F_REQUEST;
	info = mnl_nlmsg_put_extra_header(head, sizeof(*info));
	info->ifi_index = (int)index;
	memset(link, 0, sizeof(*link));
	talk(NETLINK_ROUTE, head, on_link, link);
}

static int on_family(const struct nlmsghdr *head, void *arg)
{
	struct table table = {{NULL}};

	mnl_attr_parse(head, sizeof(struct genlmsghdr), on_attribute, &table);
	if (table.at[CTRL_ATTR_FAMILY_ID])
		*(uint16_t *)arg = mnl_attr_get_u16(table.at[CTRL_ATTR_FAMILY_ID]);
	return MNL_CB_OK;
}

static int on_features(const struct nlmsghdr *head, void *arg)
{
	struct sl_facts_port *port = arg;
	struct table table = {{NULL}};

	mnl_attr_parse(head, sizeof(struct genlmsghdr), on_attribute, &table);
	if (!table.at[NETDEV_FEATURES])
		return MNL_CB_OK;
	port->features = mnl_attr_get_u64(table.at[NETDEV_FEATURES]);
	port->has_features = true;
	return MNL_CB_OK;
}

static struct nlmsghdr *generic(char *bytes, uint16_t family, uint8_t command)
{
	struct nlmsghdr *head = mnl_nlmsg_put_header(bytes);
	struct genlmsghdr *body;

	head->nlmsg_type = family;
	head->nlmsg_flags = NLM_F_REQUEST;
	body = mnl_nlmsg_put_extra_header(head, sizeof(*body));
	body->cmd = command;
	body->version = 1;
	return head;
}

static void ask_features(struct sl_facts_port *port, unsigned int index)
{
	char bytes[QUESTION_BYTES];
	struct nlmsghdr *head = generic(bytes, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	uint16_t family = 0;

	mnl_attr_put_strz(head, CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY);
	if (!talk(NETLINK_GENERIC, head, on_family, &family) || !family)
		return;
	head = generic(bytes, family, NETDEV_DEV_GET);
	mnl_attr_put_u32(head, NETDEV_IFINDEX, index);
	talk(NETLINK_GENERIC, head, on_features, port);
}

/* One question of ethtool; false when the driver has no answer. */
static bool ethtool(int fd, const char *device, void *question)
{
	struct ifreq request = {.ifr_data = question};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%.15s", device);
	return !ioctl(fd, SIOCETHTOOL, &request);
}

static void ask_ethtool(struct sl_facts_port *port)
{
	struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	struct ethtool_cmd speed = {.cmd = ETHTOOL_GSET};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (ethtool(fd, port->device, &driver))
		snprintf(port->driver, sizeof(port->driver), "%.31s", driver.driver);
	if (ethtool(fd, port->device, &channels)) {
		port->queues_rx = (int)(channels.rx_count + channels.combined_count);
		port->queues_most = (int)(channels.max_rx + channels.max_combined);
	}
	if (ethtool(fd, port->device, &flags))
		port->lro = (flags.data & ETH_FLAG_LRO) != 0;
	if (ethtool(fd, port->device, &speed)) {
		uint32_t mbit = ethtool_cmd_speed(&speed);

		port->speed_mbit =
			mbit && mbit < (uint32_t)SPEED_UNKNOWN ? (int)mbit : SL_FACTS_UNKNOWN;
		port->half_duplex = speed.duplex == DUPLEX_HALF;
	}
	close(fd);
}

static int filter_of(const char *device)
{
	char path[96];
	FILE *file;
	int value = SL_FACTS_UNKNOWN;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", device);
	file = strchr(device, '/') ? NULL : fopen(path, "re");
	if (!file)
		return value;
	value = fgetc(file);
	value = value >= '0' && value <= '2' ? value - '0' : SL_FACTS_UNKNOWN;
	fclose(file);
	return value;
}

void sl_facts_link(struct sl_facts_port *port)
{
	unsigned int index = if_nametoindex(port->device);
	struct link link, master;

	port->queues_rx = port->queues_most = port->speed_mbit = SL_FACTS_UNKNOWN;
	port->rp_filter = SL_FACTS_UNKNOWN;
	if (!index)
		return;
	ask_link(index, &link);
	port->exists = link.found;
	port->up = link.flags & IFF_UP;
	port->carrier = link.carrier;
	port->mtu = link.mtu;
	port->attached = link.attached;
	memcpy(port->kind, link.kind, sizeof(port->kind));
	if (link.master && if_indextoname(link.master, port->master)) {
		ask_link(link.master, &master);
		memcpy(port->master_kind, master.kind, sizeof(port->master_kind));
	}
	ask_features(port, index);
	ask_ethtool(port);
	port->rp_filter = filter_of(port->device);
}
