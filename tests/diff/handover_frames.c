/*
 * handover_frames.c - the table of what is handed over, its frames byte by byte, their way
 */
#include "handover_frames.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>

#include "tests/unit/row.h"

#define WAIT 20 /* ms that a frame may take through a veth pair */

const uint8_t frame_source[6] = {2, 0, 0, 0, 0, 1};

const struct frame frames[] = {
#define ELSEWHERE4          \
	{                   \
		10, 9, 9, 9 \
	}
#define ELSEWHERE6                                       \
	{                                                \
		0x20, 1, 0xd, 0xb8, 0, 0, 0, 9, [15] = 9 \
	}
	{"IPv4 is handed over", true, 2, 0, ETH_P_IP, ELSEWHERE4},
	{"behind a tag", true, 2, 1, ETH_P_IP, ELSEWHERE4},
	{"behind two", true, 2, 2, ETH_P_IP, ELSEWHERE4},
	{"behind three: kernel", false, 2, 3, ETH_P_IP, ELSEWHERE4},
	{"IPv6 is handed over", true, 2, 0, ETH_P_IPV6, ELSEWHERE6, 17},
	{"IPv6 behind a tag", true, 2, 1, ETH_P_IPV6, ELSEWHERE6, 17},
	{"ping by IPv6", true, 2, 0, ETH_P_IPV6, ELSEWHERE6, 58, 128},
	{"ICMPv6 just below neighbour discovery", true, 2, 0, ETH_P_IPV6, ELSEWHERE6, 58, 132},
	{"router solicitation: kernel", false, 2, 0, ETH_P_IPV6, ELSEWHERE6, 58, 133},
	{"neighbour solicitation: kernel", false, 2, 0, ETH_P_IPV6, ELSEWHERE6, 58, 135},
	{"redirect: kernel", false, 2, 0, ETH_P_IPV6, ELSEWHERE6, 58, 137},
	{"ICMPv6 just above neighbour discovery", true, 2, 0, ETH_P_IPV6, ELSEWHERE6, 58, 138},
	{"UDP with a byte like a redirect", true, 2, 0, ETH_P_IPV6, ELSEWHERE6, 17, 137},
	{"ARP to all: kernel", false, 0xff, 0, ETH_P_ARP},
	{"ARP to one: kernel", false, 2, 0, ETH_P_ARP},
	{"ARP behind a tag: kernel", false, 2, 1, ETH_P_ARP},
	{"PPPoE: kernel", false, 2, 0, ETH_P_PPP_SES},
	{"IPv4 multicast: kernel", false, 1, 0, ETH_P_IP, ELSEWHERE4},
	{"IPv6 multicast: kernel", false, 0x33, 0, ETH_P_IPV6, ELSEWHERE6, 17},
	{"DHCP to all: kernel, but measured", false, 0xff, 0, ETH_P_IP, ELSEWHERE4, .from = 68,
	 .port = 67, .seen = true},
	{"DHCP to all behind a tag: likewise", false, 0xff, 1, ETH_P_IP, ELSEWHERE4, .from = 67,
	 .port = 68, .seen = true},
	{"DHCP to one is handed over", true, 2, 0, ETH_P_IP, ELSEWHERE4, .from = 68, .port = 67},
	{"other UDP to all: kernel", false, 0xff, 0, ETH_P_IP, ELSEWHERE4, .from = 68, .port = 69},
	{"DHCP to all cut short: kernel", false, 0xff, 0, ETH_P_IP, ELSEWHERE4, .cut = 5,
	 .from = 68, .port = 67},
	{"to our IPv4 address: kernel", false, 2, 0, ETH_P_IP, {10, 0, 0, 1}},
	{"to our IPv4 address on another port: kernel", false, 2, 0, ETH_P_IP, {192, 0, 2, 2}},
	{"to our IPv6 address: kernel",
	 false,
	 2,
	 0,
	 ETH_P_IPV6,
	 {0x20, 1, 0xd, 0xb8, [15] = 1},
	 17},
	{"IPv4 header cut short: kernel", false, 2, 0, ETH_P_IP, ELSEWHERE4, .cut = 25},
	{"IPv6 header cut short: kernel", false, 2, 0, ETH_P_IPV6, ELSEWHERE6, 17, .cut = 9},
	{"ICMPv6 without a type: kernel", false, 2, 0, ETH_P_IPV6, ELSEWHERE6, 58, .cut = 8},
};

const size_t frames_count = sizeof(frames) / sizeof(frames[0]);

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

size_t frame_build(const struct frame *frame, uint8_t bytes[FRAME_MAX])
{
	uint8_t *at = bytes + 12;
	bool ip6 = frame->type == ETH_P_IPV6;

	memset(bytes, 0, FRAME_MAX);
	bytes[0] = frame->group;
	memcpy(bytes + 6, frame_source, sizeof(frame_source));
	for (int i = 0; i < frame->tags; i++, at += 4) {
		put16(at, ETH_P_8021Q);
		put16(at + 2, 5);
	}
	put16(at, frame->type);
	at += 2;
	at[0] = ip6 ? 0x60 : 0x45;
	put16(at + (ip6 ? 4 : 2), ip6 ? 8 : 28);
	if (ip6) {
		at[6] = frame->next;
		at[7] = 64;
		memcpy(at + 24, frame->to, 16);
		at[40] = frame->icmp;
	} else {
		at[8] = 64;
		at[9] = 17;
		memcpy(at + 12, (const uint8_t[]){10, 0, 0, 2}, 4);
		memcpy(at + 16, frame->to, 4);
		put16(at + 20, frame->from);
		put16(at + 22, frame->port);
	}
	return (size_t)(at - bytes) + (ip6 ? 48 : 28) - frame->cut;
}

int frame_socket(const char *device)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = __builtin_bswap16(ETH_P_ALL),
				 .sll_ifindex = (int)if_nametoindex(device)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

int frame_heard(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	uint8_t bytes[256];
	int count = 0;

	while (poll(&ready, 1, WAIT) == 1)
		if (recv(fd, bytes, sizeof(bytes), 0) >= 12)
			count += !memcmp(bytes + 6, frame_source, sizeof(frame_source));
	return count;
}

void frame_send(const struct frame *frame, const char *device, int count)
{
	int out = frame_socket(device);
	uint8_t bytes[FRAME_MAX];
	size_t length = frame_build(frame, bytes);

	while (count--)
		assert_int_equal(send(out, bytes, length, 0), length);
	close(out);
}
