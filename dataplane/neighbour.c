/*
 * neighbour.c - dumps of RTM_GETNEIGH and RTM_GETADDR into a table of hops
 */
#include "neighbour.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fastpath/packet.h"

#define DUMP_BYTES 32768 /* of one part; the kernel sends at most this much */

/* States in which the MAC may be used. */
#define NUD_USABLE (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP)

struct reading {
	const struct sl_neighbour_port *port;
	uint32_t ports;
	struct sl_hop *hop;
	uint32_t count, room;
	int err;
};

static void keep(struct reading *r, const struct sl_hop *hop)
{
	if (r->count == r->room) {
		uint32_t room = r->room ? r->room * 2 : 256;
		struct sl_hop *more = realloc(r->hop, room * sizeof(*more));

		if (!more) {
			r->err = -ENOMEM;
			return;
		}
		r->hop = more;
		r->room = room;
	}
	r->hop[r->count++] = *hop;
}

static struct sl_addr address(uint8_t family, const void *bytes)
{
	return family == AF_INET ? sl_addr4(bytes) : sl_addr6(bytes);
}

static bool fits(uint8_t family, const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) == (family == AF_INET ? 4 : 16);
}

#define ATTRIBUTES (NDA_MAX > IFA_MAX ? NDA_MAX + 1 : IFA_MAX + 1)

static int on_attribute(const struct nlattr *attr, void *arg)
{
	const struct nlattr **table = arg;

	if (mnl_attr_get_type(attr) < ATTRIBUTES)
		table[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

/* The attributes behind the header, by type; NULL = not there. */
static void attributes(const struct nlmsghdr *head, unsigned int header,
		       const struct nlattr **table)
{
	memset(table, 0, ATTRIBUTES * sizeof(*table));
	mnl_attr_parse(head, header, on_attribute, table);
}

static int port_of(const struct reading *r, unsigned int ifindex)
{
	for (uint32_t i = 0; i < r->ports; i++)
		if (r->port[i].ifindex == ifindex)
			return r->port[i].port;
	return -1;
}

static int on_neighbour(const struct nlmsghdr *head, void *arg)
{
	const struct ndmsg *message = mnl_nlmsg_get_payload(head);
	struct reading *r = arg;
	struct sl_hop hop = {.kind = SL_HOP_HOST};
	const struct nlattr *attr[ATTRIBUTES], *dst, *mac;
	int port = port_of(r, (unsigned int)message->ndm_ifindex);

	if (port < 0 || !(message->ndm_state & NUD_USABLE) || message->ndm_type != RTN_UNICAST)
		return MNL_CB_OK;
	attributes(head, sizeof(*message), attr);
	dst = attr[NDA_DST];
	mac = attr[NDA_LLADDR];
	if (!fits(message->ndm_family, dst) || !mac || mnl_attr_get_payload_len(mac) != 6)
		return MNL_CB_OK;
	hop.addr = address(message->ndm_family, mnl_attr_get_payload(dst));
	memcpy(hop.mac, mnl_attr_get_payload(mac), sizeof(hop.mac));
	hop.port = (uint8_t)port;
	keep(r, &hop);
	return MNL_CB_OK;
}

static int on_address(const struct nlmsghdr *head, void *arg)
{
	const struct ifaddrmsg *message = mnl_nlmsg_get_payload(head);
	const struct nlattr *attr[ATTRIBUTES], *own;
	struct sl_hop hop = {.kind = SL_HOP_SELF};

	attributes(head, sizeof(*message), attr);
	own = attr[IFA_LOCAL] ? attr[IFA_LOCAL] : attr[IFA_ADDRESS];
	if (!fits(message->ifa_family, own))
		return MNL_CB_OK;
	hop.addr = address(message->ifa_family, mnl_attr_get_payload(own));
	keep(arg, &hop);
	return MNL_CB_OK;
}

/* Send and hear until the dump or the answer is whole. */
static int talk(struct mnl_socket *socket, struct nlmsghdr *head, mnl_cb_t each, void *arg)
{
	static char part[DUMP_BYTES];
	int more = 1;

	head->nlmsg_seq = (uint32_t)time(NULL);
	if (mnl_socket_sendto(socket, head, head->nlmsg_len) < 0)
		return -errno;
	while (more > 0) {
		ssize_t got = mnl_socket_recvfrom(socket, part, sizeof(part));

		if (got < 0)
			return -errno;
		more = mnl_cb_run(part, (size_t)got, head->nlmsg_seq, mnl_socket_get_portid(socket),
				  each, arg);
	}
	return more < 0 ? -errno : 0;
}

static int dump(struct mnl_socket *socket, uint16_t type, uint8_t family, mnl_cb_t each,
		struct reading *r)
{
	char bytes[256];
	struct nlmsghdr *head = mnl_nlmsg_put_header(bytes);
	int err;

	head->nlmsg_type = type;
	head->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	if (type == RTM_GETNEIGH)
		((struct ndmsg *)mnl_nlmsg_put_extra_header(head, sizeof(struct ndmsg)))
			->ndm_family = family;
	else
		((struct ifaddrmsg *)mnl_nlmsg_put_extra_header(head, sizeof(struct ifaddrmsg)))
			->ifa_family = family;
	err = talk(socket, head, each, r);
	return err ? err : r->err;
}

static struct mnl_socket *open_socket(void)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (socket && !mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID))
		return socket;
	if (socket)
		mnl_socket_close(socket);
	return NULL;
}

/* Own addresses first: what is ours is never somebody else's. */
static int read_all(struct mnl_socket *socket, struct reading *r)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	int err = 0;

	for (int i = 0; i < 2 && !err; i++)
		err = dump(socket, RTM_GETADDR, families[i], on_address, r);
	for (int i = 0; i < 2 && !err; i++)
		err = dump(socket, RTM_GETNEIGH, families[i], on_neighbour, r);
	return err;
}

static struct sl_hops *table_of(const struct reading *r)
{
	struct sl_hops *hops = sl_hops_make(r->count);

	for (uint32_t i = 0; i < r->count && hops; i++)
		sl_hops_put(hops, &r->hop[i]);
	return hops;
}

int sl_neighbour_read(const struct sl_neighbour_port *port, uint32_t ports, struct sl_hops **hops)
{
	struct reading r = {.port = port, .ports = ports};
	struct mnl_socket *socket = open_socket();
	struct sl_hops *made = NULL;
	int err;

	if (!socket)
		return -errno;
	err = read_all(socket, &r);
	if (!err) {
		made = table_of(&r);
		err = made ? 0 : -ENOMEM;
	}
	if (!err)
		*hops = made;
	free(r.hop);
	mnl_socket_close(socket);
	return err;
}

static bool is_ip4(struct sl_addr addr)
{
	return addr.hi == 0 && addr.lo >> 32 == 0xffff;
}

static void put_address(struct nlmsghdr *head, struct sl_addr addr)
{
	uint64_t words[2] = {__builtin_bswap64(addr.hi), __builtin_bswap64(addr.lo)};
	const uint8_t *bytes = (const uint8_t *)words;

	if (is_ip4(addr))
		mnl_attr_put(head, NDA_DST, 4, bytes + 12);
	else
		mnl_attr_put(head, NDA_DST, 16, bytes);
}

int sl_neighbour_use(unsigned int ifindex, struct sl_addr addr)
{
	struct mnl_socket *socket = open_socket();
	char bytes[256];
	struct nlmsghdr *head = mnl_nlmsg_put_header(bytes);
	struct ndmsg *message;
	int err;

	if (!socket)
		return -errno;
	head->nlmsg_type = RTM_NEWNEIGH;
	head->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
	message = mnl_nlmsg_put_extra_header(head, sizeof(*message));
	message->ndm_family = is_ip4(addr) ? AF_INET : AF_INET6;
	message->ndm_ifindex = (int)ifindex;
	message->ndm_state = NUD_NONE;
	message->ndm_flags = NTF_USE;
	put_address(head, addr);
	err = talk(socket, head, NULL, NULL);
	mnl_socket_close(socket);
	return err;
}

int sl_neighbour_number(unsigned int ifindex, uint8_t number)
{
	const uint8_t address[4] = {169, 254, 76, number};
	struct mnl_socket *socket = open_socket();
	char bytes[256];
	struct nlmsghdr *head = mnl_nlmsg_put_header(bytes);
	struct ifaddrmsg *message;
	int err;

	if (!socket)
		return -errno;
	head->nlmsg_type = RTM_NEWADDR;
	head->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
	message = mnl_nlmsg_put_extra_header(head, sizeof(*message));
	message->ifa_family = AF_INET;
	message->ifa_prefixlen = 32;
	message->ifa_scope = RT_SCOPE_LINK;
	message->ifa_index = ifindex;
	mnl_attr_put(head, IFA_LOCAL, sizeof(address), address);
	mnl_attr_put(head, IFA_ADDRESS, sizeof(address), address);
	err = talk(socket, head, NULL, NULL);
	mnl_socket_close(socket);
	return err;
}

bool sl_neighbour_parse(const char *text, struct sl_addr *addr)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		*addr = sl_addr4(bytes);
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		*addr = sl_addr6(bytes);
	else
		return false;
	return true;
}
