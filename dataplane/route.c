/*
 * route.c - rtnetlink messages for route.h, one at a time, each acknowledged
 */
#include "route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MESSAGE_BYTES 1024 /* ours are under 200 */
#define ROUTES_MAX    64   /* deleted from one table before we believe that it refills */

/* Marks mark_base .. mark_base + 7 are ours (SL_UPLINKS_MAX is 4). */
#define MARK_FAMILY 0xfffffff8u

struct request {
	struct nlmsghdr *head;
	char bytes[MESSAGE_BYTES];
};

/* Send and wait for the kernel's word: 0 or -errno. */
static int ask(struct mnl_socket *socket, struct nlmsghdr *head)
{
	char answer[8192];
	ssize_t got;

	head->nlmsg_seq = (uint32_t)time(NULL);
	if (mnl_socket_sendto(socket, head, head->nlmsg_len) < 0)
		return -errno;
	got = mnl_socket_recvfrom(socket, answer, sizeof(answer));
	if (got < 0)
		return -errno;
	return mnl_cb_run(answer, (size_t)got, head->nlmsg_seq, mnl_socket_get_portid(socket), NULL,
			  NULL) < 0
		       ? -errno
		       : 0;
}

static void begin(struct request *request, uint16_t type, uint16_t flags)
{
	request->head = mnl_nlmsg_put_header(request->bytes);
	request->head->nlmsg_type = type;
	request->head->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
}

/* ---- rules ---- */

struct rule {
	uint8_t family;
	uint32_t priority, mark, mask, table;
	bool specific_only; /* of @table: a default route there does not count */
};

static int rule_ask(struct mnl_socket *socket, uint16_t type, uint16_t flags,
		    const struct rule *rule)
{
	struct request request;
	struct fib_rule_hdr *header;

	begin(&request, type, flags);
	header = mnl_nlmsg_put_extra_header(request.head, sizeof(*header));
	header->family = rule->family;
	header->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(request.head, FRA_PRIORITY, rule->priority);
	mnl_attr_put_u32(request.head, FRA_TABLE, rule->table);
	mnl_attr_put_u32(request.head, FRA_FWMARK, rule->mark);
	mnl_attr_put_u32(request.head, FRA_FWMASK, rule->mask);
	if (rule->specific_only)
		mnl_attr_put_u32(request.head, FRA_SUPPRESS_PREFIXLEN, 0);
	return ask(socket, request.head);
}

/* A kernel without this family has no such traffic either. */
static bool no_family(int err)
{
	return err == -EAFNOSUPPORT || err == -EOPNOTSUPP;
}

static int rule_set(struct mnl_socket *socket, const struct rule *rule)
{
	int err = rule_ask(socket, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);

	return err == -EEXIST || no_family(err) ? 0 : err;
}

static int rules_set(struct mnl_socket *socket, uint32_t mark_base, uint32_t uplink)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	int first = 0;

	for (int i = 0; i < 2; i++) {
		struct rule local = {families[i], SL_ROUTE_PRIORITY, mark_base & MARK_FAMILY,
				     MARK_FAMILY, RT_TABLE_MAIN,     true};
		struct rule marked = {families[i], SL_ROUTE_TABLE + uplink, mark_base + 1 + uplink,
				      UINT32_MAX,  SL_ROUTE_TABLE + uplink, false};
		int err = rule_set(socket, &local);

		if (!err)
			err = rule_set(socket, &marked);
		if (err && !first)
			first = err;
	}
	return first;
}

/* There is nothing left to delete: no such rule, route or table. */
static bool gone(int err)
{
	return err == -ENOENT || err == -ESRCH || no_family(err);
}

/* Whatever stands at @priority: another mark_base may have made it. */
static int rule_drop(struct mnl_socket *socket, uint8_t family, uint32_t priority)
{
	int err = 0;

	for (int i = 0; i < ROUTES_MAX && !err; i++) {
		struct request request;
		struct fib_rule_hdr *header;

		begin(&request, RTM_DELRULE, 0);
		header = mnl_nlmsg_put_extra_header(request.head, sizeof(*header));
		header->family = family;
		mnl_attr_put_u32(request.head, FRA_PRIORITY, priority);
		err = ask(socket, request.head);
	}
	return gone(err) ? 0 : err;
}

/* ---- routes ---- */

static struct rtmsg *route_begin(struct request *request, uint16_t type, uint16_t flags,
				 uint8_t family, uint32_t table)
{
	struct rtmsg *route;

	begin(request, type, flags);
	route = mnl_nlmsg_put_extra_header(request->head, sizeof(*route));
	route->rtm_family = family;
	route->rtm_table = RT_TABLE_UNSPEC; /* the number does not fit: RTA_TABLE has it */
	mnl_attr_put_u32(request->head, RTA_TABLE, table);
	return route;
}

/* The default route of @table by @gateway ("" = straight out) on @ifindex. */
static int route_set(struct mnl_socket *socket, uint8_t family, uint32_t table, const char *gateway,
		     uint32_t ifindex)
{
	struct request request;
	struct rtmsg *route =
		route_begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, family, table);
	uint8_t address[16];

	route->rtm_protocol = RTPROT_STATIC;
	route->rtm_type = RTN_UNICAST;
	route->rtm_scope = *gateway || family == AF_INET6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	mnl_attr_put_u32(request.head, RTA_OIF, ifindex);
	if (*gateway) {
		if (inet_pton(family, gateway, address) != 1)
			return -EINVAL;
		mnl_attr_put(request.head, RTA_GATEWAY, family == AF_INET ? 4 : 16, address);
	}
	return ask(socket, request.head);
}

static int route_drop(struct mnl_socket *socket, uint8_t family, uint32_t table)
{
	int err = 0;

	for (int i = 0; i < ROUTES_MAX && !err; i++) {
		struct request request;

		route_begin(&request, RTM_DELROUTE, 0, family, table)->rtm_scope = RT_SCOPE_NOWHERE;
		err = ask(socket, request.head);
	}
	return gone(err) ? 0 : err;
}

/* A point-to-point uplink has no gateway in either family. */
static int routes_set(struct mnl_socket *socket, const struct sl_policy_uplink *uplink,
		      uint32_t table, uint32_t ifindex)
{
	bool direct = !uplink->gateway[0] && !uplink->gateway6[0];
	int err = 0, err6 = 0;

	if (direct || uplink->gateway[0])
		err = route_set(socket, AF_INET, table, uplink->gateway, ifindex);
	if (direct || uplink->gateway6[0])
		err6 = route_set(socket, AF_INET6, table, uplink->gateway6, ifindex);
	/* Straight out in IPv6 is a bonus where IPv6 is off on the device. */
	return err ? err : direct ? 0 : err6;
}

/* ---- the door ---- */

__attribute__((format(printf, 4, 5))) static int fail(char *why, size_t size, int err,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, size, format, args);
	va_end(args);
	return err;
}

static int open_socket(struct mnl_socket **socket, char *why, size_t size)
{
	*socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (*socket && mnl_socket_bind(*socket, 0, MNL_SOCKET_AUTOPID) >= 0)
		return 0;
	return fail(why, size, -errno, "rtnetlink: %s", strerror(errno));
}

static int uplink_apply(struct mnl_socket *socket, const struct sl_policy_uplink *uplink,
			uint32_t index, uint32_t mark_base)
{
	uint32_t ifindex = if_nametoindex(uplink->device);
	int err = rules_set(socket, mark_base, index);

	if (err)
		return err;
	return ifindex ? routes_set(socket, uplink, SL_ROUTE_TABLE + index, ifindex) : -ENODEV;
}

int sl_route_apply(const struct sl_policy_uplink *uplink, uint32_t uplinks, uint32_t mark_base,
		   char *why, size_t why_size)
{
	struct mnl_socket *socket = NULL;
	int first = open_socket(&socket, why, why_size);

	for (uint32_t i = 0; i < uplinks && socket; i++) {
		int err = uplink_apply(socket, &uplink[i], i, mark_base);

		if (err && !first)
			first = fail(why, why_size, err, "uplink %s: route by %s on %s: %s",
				     uplink[i].name,
				     uplink[i].gateway[0] ? uplink[i].gateway : "device",
				     uplink[i].device, strerror(-err));
	}
	if (socket)
		mnl_socket_close(socket);
	return first;
}

static int family_remove(struct mnl_socket *socket, uint8_t family)
{
	int first = rule_drop(socket, family, SL_ROUTE_PRIORITY);

	for (uint32_t i = 0; i < SL_WIRE_UPLINKS_MAX; i++) {
		int err = rule_drop(socket, family, SL_ROUTE_TABLE + i);
		int route_err = route_drop(socket, family, SL_ROUTE_TABLE + i);

		if (!first)
			first = err ? err : route_err;
	}
	return first;
}

int sl_route_remove(char *why, size_t why_size)
{
	struct mnl_socket *socket = NULL;
	int err = open_socket(&socket, why, why_size), err6;

	if (!err) {
		err = family_remove(socket, AF_INET);
		err6 = family_remove(socket, AF_INET6);
		err = err ? err : err6;
		if (err)
			fail(why, why_size, err, "remove rules and routes: %s", strerror(-err));
	}
	if (socket)
		mnl_socket_close(socket);
	return err;
}
