/*
 * probe_socket.h - probes by the kernel's sockets, each bound to its uplink
 *
 * The mark of an uplink sends them by its route table (route.h), SO_BINDTODEVICE sees to it
 * that an answer counts only when it came in there.  ICMP needs CAP_NET_RAW; without it, or
 * when a device is away, a send fails and says so.  A SYN's connection is reset as soon as it
 * stands.  The agent's thread.
 */
#ifndef SL_PROBE_SOCKET_H
#define SL_PROBE_SOCKET_H

#include "probe.h"
#include "proto/policy.h"
#include "stamp.h"

struct sl_probe_sockets;

/* An answer: @times when it was a STAMP reflector's, else NULL. */
typedef void sl_probe_answer(void *arg, unsigned int uplink, uint32_t number,
			     const struct sl_stamp_times *times);

/* 0 and *@sockets, which answer to @answer; or -errno. */
int sl_probe_sockets_open(struct sl_probe_sockets **sockets, sl_probe_answer *answer, void *arg);
/* NULL is fine. */
void sl_probe_sockets_close(struct sl_probe_sockets *sockets);

/* Readable when there are answers. */
int sl_probe_sockets_fd(const struct sl_probe_sockets *sockets);
void sl_probe_sockets_drain(struct sl_probe_sockets *sockets);

/*
 * Send @order by @uplink with @mark.  0, also when it fails for the reason that a probe looks for
 * (no route, no link); or -errno: it says nothing of the uplink.
 */
int sl_probe_sockets_send(struct sl_probe_sockets *sockets, const struct sl_probe_order *order,
			  const struct sl_policy_uplink *uplink, uint32_t mark);

#endif
