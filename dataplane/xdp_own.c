/*
 * xdp_own.c - where the reflector's program may be asked: own addresses, by device, tags and MAC
 *
 * Addresses of a device that it stands on, and of VLAN devices over that (two tags at most).
 * What is asked of another device's address, which Linux would answer too, is the socket's.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_vlan.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xdp_private.h"

struct own {
	const struct sl_xdp_reflect *reflect;
	int socket; /* for ioctl */
	uint32_t count;
	struct sl_reflect_local at[SL_REFLECT_OWN_MAX];
	struct sl_reflect_mac mac[SL_REFLECT_OWN_MAX];
};

static uint32_t standing_on(const struct sl_xdp_reflect *reflect, const char *device)
{
	for (uint32_t i = 0; i < reflect->devices; i++)
		if (!strcmp(reflect->device[i].device, device))
			return reflect->device[i].ifindex;
	return 0;
}

/* The id of the VLAN device @device, whose name becomes that of the device below; 0 = it is none. */
static uint16_t below(const struct own *own, char device[IFNAMSIZ])
{
	struct vlan_ioctl_args ask = {.cmd = GET_VLAN_VID_CMD};
	int id;

	snprintf(ask.device1, sizeof(ask.device1), "%s", device);
	if (ioctl(own->socket, SIOCGIFVLAN, &ask))
		return 0;
	id = ask.u.VID;
	memset(&ask, 0, sizeof(ask));
	ask.cmd = GET_VLAN_REALDEV_NAME_CMD;
	snprintf(ask.device1, sizeof(ask.device1), "%s", device);
	if (ioctl(own->socket, SIOCGIFVLAN, &ask))
		return 0;
	snprintf(device, IFNAMSIZ, "%.*s", IFNAMSIZ - 1, ask.u.device2);
	return (uint16_t)id;
}

/* By which device and tags, outer first, frames for @device come.  False: by none of the program's. */
static bool find_way(const struct own *own, const char *device, struct sl_reflect_local *local)
{
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "%s", device);
	for (int tags = 0; tags <= SL_VLAN_TAGS_MAX; tags++) {
		uint16_t id;

		local->ifindex = standing_on(own->reflect, name);
		if (local->ifindex)
			return true;
		id = below(own, name);
		if (!id || tags == SL_VLAN_TAGS_MAX)
			return false;
		local->vlan[1] = local->vlan[0];
		local->vlan[0] = id;
	}
	return false;
}

static bool find_mac(const struct own *own, const char *device, struct sl_reflect_mac *mac)
{
	struct ifreq ask = {0};

	snprintf(ask.ifr_name, sizeof(ask.ifr_name), "%s", device);
	if (ioctl(own->socket, SIOCGIFHWADDR, &ask))
		return false;
	memcpy(mac->byte, ask.ifr_hwaddr.sa_data, sizeof(mac->byte));
	return true;
}

/* False: @address is neither IPv4 nor IPv6. */
static bool address_of(const struct sockaddr *address, struct sl_reflect_address *to)
{
	if (address && address->sa_family == AF_INET)
		*to = sl_reflect_mapped(
			(const uint8_t *)&((const struct sockaddr_in *)address)->sin_addr);
	else if (address && address->sa_family == AF_INET6)
		memcpy(to, &((const struct sockaddr_in6 *)address)->sin6_addr, sizeof(*to));
	else
		return false;
	return true;
}

/* 0; -ENOSPC: no room. */
static int add(struct own *own, const struct ifaddrs *one)
{
	struct sl_reflect_local local = {.ifindex = 0};
	struct sl_reflect_mac mac = {.pad = {0}};
	char device[IFNAMSIZ];

	snprintf(device, sizeof(device), "%.*s", (int)strcspn(one->ifa_name, ":"),
		 one->ifa_name); /* a label "eth0:1" is of eth0 */
	if (!address_of(one->ifa_addr, &local.address) || !find_way(own, device, &local) ||
	    !find_mac(own, device, &mac))
		return 0;
	if (own->count == SL_REFLECT_OWN_MAX)
		return -ENOSPC;
	own->at[own->count] = local;
	own->mac[own->count++] = mac;
	return 0;
}

static int gather(struct own *own)
{
	struct ifaddrs *all;
	int err = 0;

	if (getifaddrs(&all))
		return -errno;
	for (const struct ifaddrs *one = all; one; one = one->ifa_next)
		if (add(own, one))
			err = -ENOSPC;
	freeifaddrs(all);
	return err;
}

static bool has(const struct own *own, const struct sl_reflect_local *local)
{
	for (uint32_t i = 0; i < own->count; i++)
		if (!memcmp(&own->at[i], local, sizeof(*local)))
			return true;
	return false;
}

/* First: the new ones may need the room. */
static void delete_others(int fd, const struct own *own)
{
	struct sl_reflect_local key, *last = NULL, kept;

	while (!bpf_map_get_next_key(fd, last, &key)) {
		if (has(own, &key)) {
			kept = key;
			last = &kept;
		} else if (bpf_map_delete_elem(fd, &key)) {
			return;
		}
	}
}

int sl_xdp_own_write(int fd, const struct sl_xdp_reflect *reflect)
{
	struct own own = {.reflect = reflect,
			  .socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
	int err;

	if (own.socket < 0)
		return -errno;
	err = gather(&own);
	close(own.socket);
	if (err && err != -ENOSPC)
		return err;
	delete_others(fd, &own);
	for (uint32_t i = 0; i < own.count; i++)
		if (bpf_map_update_elem(fd, &own.at[i], &own.mac[i], BPF_ANY) && !err)
			err = -errno;
	return err;
}
