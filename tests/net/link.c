/*
 * link.c - see link.h
 *
 * A frame's buffer is taken from the pool when it is received and given back when
 * it is sent or lost, so nothing is copied but a duplicate.  The pool is a stack:
 * an idle link touches few pages of it.
 */
#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "towards.h"

#define FRAMES       32768
#define FRAME_BYTES  2048
#define BATCH        64
#define SOCKET_BYTES (16 << 20)

struct frame {
	uint64_t due_ns;
	uint64_t order;      /* of entry: breaks ties of due_ns */
	uint64_t entered_ns; /* CLOCK_REALTIME, by the kernel; only with a trace */
	bool copy;
	uint32_t length;
	enum sl_link_direction direction;
	uint8_t bytes[FRAME_BYTES];
};

struct sl_link {
	struct frame *frame;
	uint32_t free[FRAMES], frees;
	uint32_t heap[FRAMES], heaped; /* earliest first */
	uint64_t order;
	int fd[SL_LINK_DIRECTIONS];
	struct sl_model model[SL_LINK_DIRECTIONS];
	struct sl_link_watch watch[SL_LINK_WATCHES];
	struct sl_link_trouble trouble;
	struct sl_trace *trace; /* NULL = none */
};

uint64_t sl_link_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static bool earlier(const struct sl_link *link, uint32_t a, uint32_t b)
{
	const struct frame *x = &link->frame[a], *y = &link->frame[b];

	return x->due_ns != y->due_ns ? x->due_ns < y->due_ns : x->order < y->order;
}

static void heap_push(struct sl_link *link, uint32_t slot)
{
	uint32_t at = link->heaped++;

	while (at && earlier(link, slot, link->heap[(at - 1) / 2])) {
		link->heap[at] = link->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	link->heap[at] = slot;
}

static uint32_t heap_pop(struct sl_link *link)
{
	uint32_t first = link->heap[0], last = link->heap[--link->heaped], at = 0, child;

	while ((child = 2 * at + 1) < link->heaped) {
		if (child + 1 < link->heaped &&
		    earlier(link, link->heap[child + 1], link->heap[child]))
			child++;
		if (!earlier(link, link->heap[child], last))
			break;
		link->heap[at] = link->heap[child];
		at = child;
	}
	link->heap[at] = last;
	return first;
}

static int socket_open(const char *interface, int *fd)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	struct packet_mreq promiscuous = {.mr_type = PACKET_MR_PROMISC};
	int on = 1, bytes = SOCKET_BYTES, err;

	address.sll_ifindex = (int)if_nametoindex(interface);
	if (!address.sll_ifindex)
		return -ENODEV;
	promiscuous.mr_ifindex = address.sll_ifindex;
	/* Protocol 0: nothing is heard before the socket is bound to its interface. */
	*fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return -errno;
	if (setsockopt(*fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) ||
	    setsockopt(*fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) ||
	    setsockopt(*fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) ||
	    setsockopt(*fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) ||
	    setsockopt(*fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) ||
	    bind(*fd, (struct sockaddr *)&address, sizeof(address))) {
		err = -errno;
		close(*fd);
		return err;
	}
	return 0;
}

int sl_link_open(struct sl_link **link, const char *const interface[SL_LINK_DIRECTIONS],
		 uint64_t seed)
{
	struct sl_link *new = calloc(1, sizeof(*new));
	int err = -ENOMEM;

	if (!new)
		return err;
	new->frame = calloc(FRAMES, sizeof(*new->frame));
	if (!new->frame)
		goto err_link;
	err = socket_open(interface[SL_LINK_UP], &new->fd[SL_LINK_UP]);
	if (err)
		goto err_frames;
	err = socket_open(interface[SL_LINK_DOWN], &new->fd[SL_LINK_DOWN]);
	if (err)
		goto err_up;
	for (uint32_t slot = 0; slot < FRAMES; slot++)
		new->free[new->frees++] = FRAMES - 1 - slot;
	sl_model_init(&new->model[SL_LINK_UP], 2 * seed);
	sl_model_init(&new->model[SL_LINK_DOWN], 2 * seed + 1);
	*link = new;
	return 0;

err_up:
	close(new->fd[SL_LINK_UP]);
err_frames:
	free(new->frame);
err_link:
	free(new);
	return err;
}

int sl_link_trace(struct sl_link *link, struct sl_trace *trace)
{
	int on = 1;

	for (int way = 0; way < SL_LINK_DIRECTIONS; way++) {
		if (setsockopt(link->fd[way], SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)))
			return -errno;
	}
	link->trace = trace;
	return 0;
}

/* The way of the frame in @slot ends, and its slot is free. */
static void leave(struct sl_link *link, uint32_t slot, enum sl_model_end end, uint64_t left_ns)
{
	const struct frame *frame = &link->frame[slot];
	struct sl_trace_record record = {.entered_ns = frame->entered_ns,
					 .left_ns = left_ns,
					 .way = (uint8_t)frame->direction,
					 .end = (uint8_t)end,
					 .copy = frame->copy};

	if (link->trace)
		sl_trace_write(link->trace, &record, frame->bytes, frame->length);
	link->free[link->frees++] = slot;
}

void sl_link_close(struct sl_link *link)
{
	while (link->heaped)
		leave(link, heap_pop(link), SL_MODEL_UNDER_WAY, 0);
	close(link->fd[SL_LINK_UP]);
	close(link->fd[SL_LINK_DOWN]);
	free(link->frame);
	free(link);
}

static void put_under_way(struct sl_link *link, uint32_t slot, uint64_t due_ns)
{
	link->frame[slot].due_ns = due_ns;
	link->frame[slot].order = link->order++;
	heap_push(link, slot);
}

static void duplicate(struct sl_link *link, uint32_t slot)
{
	const struct frame *original = &link->frame[slot];
	struct frame *copy;

	if (!link->frees) {
		link->trouble.no_frame++;
		return;
	}
	slot = link->free[--link->frees];
	copy = &link->frame[slot];
	copy->length = original->length;
	copy->direction = original->direction;
	copy->entered_ns = original->entered_ns;
	copy->copy = true;
	memcpy(copy->bytes, original->bytes, original->length);
	put_under_way(link, slot, original->due_ns);
}

static void look(struct sl_link *link, const struct frame *frame, uint64_t now_ns)
{
	for (struct sl_link_watch *watch = link->watch; watch < link->watch + SL_LINK_WATCHES;
	     watch++) {
		if (watch->armed && !watch->seen_ns &&
		    sl_towards(frame->bytes, frame->length, watch->address, watch->port))
			watch->seen_ns = now_ns;
	}
}

static void enter(struct sl_link *link, uint32_t slot, uint64_t now_ns)
{
	const struct frame *frame = &link->frame[slot];
	struct sl_model_fate fate;

	if (frame->direction == SL_LINK_UP)
		look(link, frame, now_ns);
	fate = sl_model_enter(&link->model[frame->direction], frame->length, now_ns);
	if (fate.end != SL_MODEL_PASSED) {
		leave(link, slot, fate.end, 0);
		return;
	}
	put_under_way(link, slot, fate.due_ns);
	if (fate.twice)
		duplicate(link, slot);
}

/* Room for one SCM_TIMESTAMPNS. */
union stamp {
	struct cmsghdr header;
	uint8_t room[CMSG_SPACE(sizeof(struct timespec))];
};

/* When the kernel had the frame of @message; 0 = it does not say. */
static uint64_t stamp_ns(struct msghdr *message)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	struct timespec at;

	if (!control || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SO_TIMESTAMPNS)
		return 0;
	memcpy(&at, CMSG_DATA(control), sizeof(at));
	return (uint64_t)at.tv_sec * UINT64_C(1000000000) + (uint64_t)at.tv_nsec;
}

/* Read up to @room frames into free slots, which are @slot[]; returns how many came. */
static int receive_batch(struct sl_link *link, enum sl_link_direction direction, uint32_t *slot,
			 uint32_t room)
{
	struct mmsghdr message[BATCH] = {0};
	struct iovec part[BATCH];
	union stamp stamp[BATCH];
	int got;

	for (uint32_t i = 0; i < room; i++) {
		slot[i] = link->free[link->frees - 1 - i];
		part[i] = (struct iovec){link->frame[slot[i]].bytes, FRAME_BYTES};
		message[i].msg_hdr.msg_iov = &part[i];
		message[i].msg_hdr.msg_iovlen = 1;
		message[i].msg_hdr.msg_control = &stamp[i];
		message[i].msg_hdr.msg_controllen = sizeof(stamp[i]);
	}
	got = recvmmsg(link->fd[direction], message, room, MSG_DONTWAIT | MSG_TRUNC, NULL);
	for (int i = 0; i < got; i++) {
		link->frame[slot[i]].length = message[i].msg_len;
		link->frame[slot[i]].direction = direction;
		link->frame[slot[i]].copy = false;
		link->frame[slot[i]].entered_ns = stamp_ns(&message[i].msg_hdr);
	}
	return got;
}

void sl_link_receive(struct sl_link *link, enum sl_link_direction direction)
{
	uint32_t slot[BATCH] = {0}, room = link->frees < BATCH ? link->frees : BATCH;
	uint64_t now_ns;
	int got;

	if (!room) {
		link->trouble.no_frame++;
		return;
	}
	got = receive_batch(link, direction, slot, room);
	if (got <= 0)
		return;
	now_ns = sl_link_now_ns();
	link->frees -= (uint32_t)got;
	for (int i = 0; i < got; i++) {
		if (link->frame[slot[i]].length <= FRAME_BYTES) {
			enter(link, slot[i], now_ns);
			continue;
		}
		link->trouble.oversize++;
		link->free[link->frees++] = slot[i];
	}
}

/* Write @count frames out on the far side of @direction and give their slots back. */
static void send_batch(struct sl_link *link, enum sl_link_direction direction, const uint32_t *slot,
		       uint32_t count)
{
	struct mmsghdr message[BATCH] = {0};
	struct iovec part[BATCH];
	uint64_t left_ns[BATCH] = {0};
	uint32_t sent = 0, room;
	int done;

	for (uint32_t i = 0; i < count; i++) {
		part[i] = (struct iovec){link->frame[slot[i]].bytes, link->frame[slot[i]].length};
		message[i].msg_hdr.msg_iov = &part[i];
		message[i].msg_hdr.msg_iovlen = 1;
	}
	while (sent < count) {
		room = link->trace ? 1 : count - sent;
		left_ns[sent] = link->trace ? sl_trace_now_ns() : 0;
		done = sendmmsg(link->fd[!direction], message + sent, room, 0);
		if (done <= 0) {
			link->trouble.send_errors++;
			done = 1;
		}
		sent += (uint32_t)done;
	}
	for (uint32_t i = 0; i < count; i++)
		leave(link, slot[i], SL_MODEL_PASSED, left_ns[i]);
}

void sl_link_deliver(struct sl_link *link, uint64_t now_ns)
{
	uint32_t due[SL_LINK_DIRECTIONS][BATCH] = {0}, count[SL_LINK_DIRECTIONS] = {0};

	while (sl_link_next_ns(link) <= now_ns) {
		uint32_t slot = heap_pop(link);
		enum sl_link_direction way = link->frame[slot].direction;

		if (!sl_model_leave(&link->model[way], link->frame[slot].length)) {
			leave(link, slot, SL_MODEL_BLACKHOLED, 0);
			continue;
		}
		due[way][count[way]++] = slot;
		if (count[way] == BATCH) {
			send_batch(link, way, due[way], BATCH);
			count[way] = 0;
		}
	}
	for (int way = 0; way < SL_LINK_DIRECTIONS; way++) {
		if (count[way])
			send_batch(link, (enum sl_link_direction)way, due[way], count[way]);
	}
}

uint64_t sl_link_next_ns(const struct sl_link *link)
{
	return link->heaped ? link->frame[link->heap[0]].due_ns : UINT64_MAX;
}

int sl_link_fd(const struct sl_link *link, enum sl_link_direction direction)
{
	return link->fd[direction];
}

struct sl_model *sl_link_model(struct sl_link *link, enum sl_link_direction direction)
{
	return &link->model[direction];
}

struct sl_link_watch *sl_link_watches(struct sl_link *link)
{
	return link->watch;
}

uint32_t sl_link_under_way(const struct sl_link *link)
{
	return link->heaped;
}

struct sl_link_trouble sl_link_trouble(struct sl_link *link)
{
	for (int way = 0; way < SL_LINK_DIRECTIONS; way++) {
		struct tpacket_stats stats = {0};
		socklen_t size = sizeof(stats);

		/* The kernel forgets its count when it is read: keep the sum. */
		if (!getsockopt(link->fd[way], SOL_PACKET, PACKET_STATISTICS, &stats, &size))
			link->trouble.socket_drops += stats.tp_drops;
	}
	return link->trouble;
}
