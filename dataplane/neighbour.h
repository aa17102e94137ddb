/*
 * neighbour.h - the kernel's neighbours and own addresses, by rtnetlink
 *
 * The DPDK gateway forwards by them: the kernel does ARP and ND, we read what it found
 * out (RFC 826, RFC 4861), and tell it which entries are in use, so that it keeps and
 * confirms them although it does not see the packets.
 */
#ifndef SL_NEIGHBOUR_H
#define SL_NEIGHBOUR_H

#include <stddef.h>

#include "hops.h"

/* Interfaces of the kernel whose neighbours count: interface @ifindex is port @port. */
struct sl_neighbour_port {
	unsigned int ifindex;
	uint8_t port;
};

/*
 * The hops on @ports interfaces, and the box's own addresses.  0 and *@hops, to be
 * free()d; or -errno, *@hops untouched.  Without the gateways: the caller's.
 */
int sl_neighbour_read(const struct sl_neighbour_port *port, uint32_t ports, struct sl_hops **hops);

/* Have the kernel find out, or confirm, who has @addr on @ifindex.  0 or -errno. */
int sl_neighbour_use(unsigned int ifindex, struct sl_addr addr);

/*
 * Give @ifindex the IPv4 address 169.254.76.@number/32 (RFC 3927), for want of another: the
 * kernel's source check drops all IPv4 that comes in by an interface without an address.
 * 0 or -errno.
 */
int sl_neighbour_number(unsigned int ifindex, uint8_t number);

/* @text (IPv4 or IPv6) as an address; false when it is neither. */
bool sl_neighbour_parse(const char *text, struct sl_addr *addr);

#endif
