/*
 * xdp_veth.c - may XDP send back on this device?  Not on a veth whose other end has no XDP
 *
 * A veth puts what XDP_TX sends into a ring of its other end, which native XDP there empties, and
 * nothing else does in time (drivers/net/veth.c, veth_xdp_flush()).  Containers and tests have
 * veths; the other end may be in another namespace, where rtnetlink asks by its id.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "xdp_private.h"

#define QUESTION_BYTES 256
#define ANSWER_BYTES   16384 /* a link's attributes are some 2 KB */
#define ATTRIBUTES     128   /* IFLA_ are half as many */

#define NETNS_OURS (-1)

struct table {
	const struct nlattr *at[ATTRIBUTES];
};

struct end {
	bool found, is_veth, has_xdp;
	uint32_t other; /* ifindex of the other end */
	int netns;      /* where that is */
};

static int on_attribute(const struct nlattr *attribute, void *arg)
{
	struct table *table = arg;

	if (mnl_attr_get_type(attribute) < ATTRIBUTES)
		table->at[mnl_attr_get_type(attribute)] = attribute;
	return MNL_CB_OK;
}

static bool is_kind(const struct nlattr *info, const char *kind)
{
	struct table table = {{NULL}};

	mnl_attr_parse_nested(info, on_attribute, &table);
	return table.at[IFLA_INFO_KIND] &&
	       !strcmp(mnl_attr_get_str(table.at[IFLA_INFO_KIND]), kind);
}

static bool is_native(const struct nlattr *xdp)
{
	struct table table = {{NULL}};
	uint8_t mode;

	mnl_attr_parse_nested(xdp, on_attribute, &table);
	mode = table.at[IFLA_XDP_ATTACHED] ? mnl_attr_get_u8(table.at[IFLA_XDP_ATTACHED]) : 0;
	return mode == XDP_ATTACHED_DRV || mode == XDP_ATTACHED_MULTI;
}

static int on_link(const struct nlmsghdr *head, void *arg)
{
	struct table table = {{NULL}};
	struct end *end = arg;

	mnl_attr_parse(head, sizeof(struct ifinfomsg), on_attribute, &table);
	end->found = true;
	end->is_veth = table.at[IFLA_LINKINFO] && is_kind(table.at[IFLA_LINKINFO], "veth");
	end->has_xdp = table.at[IFLA_XDP] && is_native(table.at[IFLA_XDP]);
	end->other = table.at[IFLA_LINK] ? mnl_attr_get_u32(table.at[IFLA_LINK]) : 0;
	end->netns = table.at[IFLA_LINK_NETNSID]
			     ? (int)mnl_attr_get_u32(table.at[IFLA_LINK_NETNSID])
			     : NETNS_OURS;
	return MNL_CB_STOP;
}

/* What is unknown afterwards was not found, or may not be asked. */
static struct end ask(struct mnl_socket *socket, uint32_t ifindex, int netns)
{
	char question[QUESTION_BYTES], answer[ANSWER_BYTES];
	struct nlmsghdr *head = mnl_nlmsg_put_header(question);
	struct end end = {.netns = NETNS_OURS};
	struct ifinfomsg *info;
	ssize_t got;

	head->nlmsg_type = RTM_GETLINK;
	head->nlmsg_flags = NLM_F_REQUEST;
	info = mnl_nlmsg_put_extra_header(head, sizeof(*info));
	info->ifi_index = (int)ifindex;
	if (netns != NETNS_OURS)
		mnl_attr_put_u32(head, IFLA_TARGET_NETNSID, (uint32_t)netns);
	if (mnl_socket_sendto(socket, head, head->nlmsg_len) < 0)
		return end;
	got = mnl_socket_recvfrom(socket, answer, sizeof(answer));
	if (got > 0)
		mnl_cb_run(answer, (size_t)got, 0, 0, on_link, &end);
	return end;
}

bool sl_xdp_sends(uint32_t ifindex)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct end end;
	bool sends;

	if (!socket)
		return false;
	end = ask(socket, ifindex, NETNS_OURS);
	sends = end.found && !end.is_veth;
	if (end.is_veth && end.other)
		sends = ask(socket, end.other, end.netns).has_xdp;
	mnl_socket_close(socket);
	return sends;
}
