/*
 * driver.h - a stand-in for DPDK's net_af_xdp driver, of one queue
 *
 * What the driver does to a device, in its order: load the guard and attach it by
 * netlink where no program stands, make a socket, put that into xsks_map.
 */
#ifndef SL_DIFF_DRIVER_H
#define SL_DIFF_DRIVER_H

#include <bpf/libbpf.h>
#include <stdint.h>
#include <xdp/xsk.h>

#include "dataplane/engine.h"

struct driver { /* zero = not started */
	const char *device;
	struct bpf_object *object;
	void *memory;
	struct xsk_umem *umem;
	struct xsk_socket *socket;
	struct xsk_ring_prod fill;
	struct xsk_ring_cons completion, rx;
};

/* The guard of @engine on @device, in @mode (XDP_FLAGS_, 0 = the kernel's choice).  0 or -errno. */
int driver_attach(struct driver *driver, struct sl_engine *engine, const char *device,
		  uint32_t mode);
void driver_socket(struct driver *driver);
int driver_taken(struct driver *driver); /* frames that came since the last call */
/* The socket goes, and with it its entry in xsks_map, as when a process is killed. */
void driver_kill(struct driver *driver);
void driver_close(struct driver *driver); /* that, and the object; the program stays */

#endif
