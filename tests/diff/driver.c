/*
 * driver.c - the guard and an AF_XDP socket on a device, by libbpf and libxdp
 */
#include "driver.h"

#include <bpf/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/mman.h>

#include "dataplane/xdp.h"
#include "tests/unit/row.h"

#define FRAMES 64 /* of a socket's memory, all in its fill ring */
#define BYTES  ((size_t)FRAMES * XSK_UMEM__DEFAULT_FRAME_SIZE)

int driver_attach(struct driver *driver, struct sl_engine *engine, const char *device,
		  uint32_t mode)
{
	char path[64];

	*driver = (struct driver){.device = device};
	assert_int_equal(sl_xdp_handover_object(engine, path, sizeof(path)), 0);
	driver->object = bpf_object__open_file(path, NULL);
	assert_non_null(driver->object);
	assert_int_equal(bpf_object__load(driver->object), 0);
	return bpf_xdp_attach((int)if_nametoindex(device),
			      bpf_program__fd(bpf_object__next_program(driver->object, NULL)),
			      mode | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL);
}

static void refill(struct driver *driver, uint32_t count)
{
	uint32_t at = 0;

	assert_int_equal(xsk_ring_prod__reserve(&driver->fill, count, &at), count);
	for (uint32_t i = 0; i < count; i++)
		*xsk_ring_prod__fill_addr(&driver->fill, at + i) =
			(uint64_t)((at + i) % FRAMES) * XSK_UMEM__DEFAULT_FRAME_SIZE;
	xsk_ring_prod__submit(&driver->fill, count);
}

void driver_socket(struct driver *driver)
{
	const struct xsk_umem_config umem = {.fill_size = FRAMES,
					     .comp_size = FRAMES,
					     .frame_size = XSK_UMEM__DEFAULT_FRAME_SIZE};
	const struct xsk_socket_config config = {.rx_size = FRAMES,
						 .libxdp_flags =
							 XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
						 .bind_flags = XDP_COPY};
	int map = bpf_object__find_map_fd_by_name(driver->object, "xsks_map"), fd;
	uint32_t queue = 0;

	driver->memory =
		mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(driver->memory, MAP_FAILED);
	assert_int_equal(xsk_umem__create(&driver->umem, driver->memory, BYTES, &driver->fill,
					  &driver->completion, &umem),
			 0);
	refill(driver, FRAMES);
	assert_int_equal(xsk_socket__create(&driver->socket, driver->device, queue, driver->umem,
					    &driver->rx, NULL, &config),
			 0);
	fd = xsk_socket__fd(driver->socket);
	assert_int_equal(bpf_map_update_elem(map, &queue, &fd, BPF_ANY), 0);
}

int driver_taken(struct driver *driver)
{
	uint32_t at = 0, count;

	if (!driver->socket)
		return 0;
	count = xsk_ring_cons__peek(&driver->rx, FRAMES, &at);
	xsk_ring_cons__release(&driver->rx, count);
	refill(driver, count);
	return (int)count;
}

void driver_kill(struct driver *driver)
{
	if (!driver->socket)
		return;
	xsk_socket__delete(driver->socket);
	xsk_umem__delete(driver->umem);
	munmap(driver->memory, BYTES);
	driver->socket = NULL;
}

void driver_close(struct driver *driver)
{
	driver_kill(driver);
	bpf_object__close(driver->object);
	*driver = (struct driver){0};
}
