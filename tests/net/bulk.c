/*
 * bulk.c - TCP for the lab: a bounded stream, or requests and answers, by a given congestion control
 *
 *   bulk serve PORT
 *   bulk run ADDRESS PORT up|down|ask CONGESTION_CONTROL MS MBIT
 *
 * up sends, down lets the server send, for MS at MBIT (the kernel paces); ask exchanges requests
 * and answers.  Who sent ends only when all of it was acknowledged, so that nothing that was
 * lost stays unsent, and says one JSON line: what the sender's own kernel counted (TCP_INFO).
 * A process a connection; each ends itself when its time is long over.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ORDER_BYTES   64 /* what the client wants, as text, first thing on a connection */
#define BLOCK_BYTES   16384
#define REQUEST_BYTES 3000 /* as a till's: three segments */
#define ANSWER_BYTES  20000
#define PAUSE_NS      10000000
#define PATIENCE_S    25 /* beyond its time: a deep queue, retransmission timeouts */

struct order {
	char kind[8], congestion[16];
	unsigned int ms, mbit;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool is(const struct order *order, const char *kind)
{
	return !strcmp(order->kind, kind);
}

static bool read_order(struct order *order, const char *text)
{
	return sscanf(text, "%7s %15s %u %u", order->kind, order->congestion, &order->ms,
		      &order->mbit) == 4 &&
	       (is(order, "up") || is(order, "down") || is(order, "ask"));
}

/* True when all @bytes went out or came in. */
static bool move_all(int fd, char *bytes, size_t count, bool out)
{
	while (count) {
		ssize_t done =
			out ? send(fd, bytes, count, MSG_NOSIGNAL) : recv(fd, bytes, count, 0);

		if (done <= 0)
			return false;
		bytes += done;
		count -= (size_t)done;
	}
	return true;
}

static uint64_t drain(int fd)
{
	static char block[BLOCK_BYTES];
	uint64_t bytes = 0;
	ssize_t got;

	while ((got = recv(fd, block, sizeof(block), 0)) > 0)
		bytes += (uint64_t)got;
	return bytes;
}

static uint64_t stream(int fd, const struct order *order)
{
	static char block[BLOCK_BYTES];
	uint64_t end = now_ms() + order->ms, bytes = 0;

	memset(block, '.', sizeof(block));
	while (now_ms() < end && move_all(fd, block, sizeof(block), true))
		bytes += sizeof(block);
	return bytes;
}

static uint64_t ask(int fd, const struct order *order)
{
	static char block[ANSWER_BYTES];
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	uint64_t end = now_ms() + order->ms, bytes = 0;

	while (now_ms() < end && move_all(fd, block, REQUEST_BYTES, true) &&
	       move_all(fd, block, ANSWER_BYTES, false)) {
		bytes += REQUEST_BYTES;
		nanosleep(&pause, NULL);
	}
	return bytes;
}

static uint64_t answer(int fd)
{
	static char block[ANSWER_BYTES];
	uint64_t bytes = 0;

	while (move_all(fd, block, REQUEST_BYTES, false) && move_all(fd, block, ANSWER_BYTES, true))
		bytes += ANSWER_BYTES;
	return bytes;
}

static bool set_up(int fd, const struct order *order)
{
	uint32_t bytes_per_s = order->mbit * 125000u;
	int on = 1;

	return !setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, order->congestion,
			   (socklen_t)strlen(order->congestion)) &&
	       !setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) &&
	       !setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &bytes_per_s, sizeof(bytes_per_s));
}

/* No more from us; wait until the other side has it all and says so by its own end. */
static void finish(int fd)
{
	shutdown(fd, SHUT_WR);
	drain(fd);
}

static void say(int fd, const struct order *order, const char *who, uint64_t bytes)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
	printf("{\"who\":\"%s\",\"kind\":\"%s\",\"congestion\":\"%s\",\"bytes\":%lu,"
	       "\"retransmitted\":%u}\n",
	       who, order->kind, order->congestion, bytes, info.tcpi_total_retrans);
	fflush(stdout);
}

static void serve_one(int fd)
{
	struct order order;
	char text[ORDER_BYTES + 1] = "";
	uint64_t bytes = 0;

	alarm(PATIENCE_S);
	if (!move_all(fd, text, ORDER_BYTES, false) || !read_order(&order, text) ||
	    !set_up(fd, &order))
		exit(1);
	alarm(PATIENCE_S + order.ms / 1000);
	if (is(&order, "up")) {
		drain(fd);
		exit(0);
	}
	bytes = is(&order, "down") ? stream(fd, &order) : answer(fd);
	finish(fd);
	say(fd, &order, "server", bytes);
	exit(0);
}

static int serve(uint16_t port)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), off = 0, on = 1, fd;

	if (listener < 0 || setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) ||
	    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 16)) {
		perror("bulk: serve");
		return 1;
	}
	signal(SIGCHLD, SIG_IGN);
	fprintf(stderr, "ready\n");
	while ((fd = accept(listener, NULL, NULL)) >= 0 || errno == EINTR) {
		if (fd < 0)
			continue;
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(listener);
			serve_one(fd);
		}
		close(fd);
	}
	perror("bulk: accept");
	return 1;
}

static int connect_to(const char *host, uint16_t port, const struct order *order)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in address4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	bool is4 = inet_pton(AF_INET, host, &address4.sin_addr) == 1;
	int fd, err;

	if (!is4 && inet_pton(AF_INET6, host, &address.sin6_addr) != 1)
		return -1;
	fd = socket(is4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || !set_up(fd, order))
		return -1;
	err = is4 ? connect(fd, (struct sockaddr *)&address4, sizeof(address4))
		  : connect(fd, (struct sockaddr *)&address, sizeof(address));
	return err ? -1 : fd;
}

static int run(const char *host, uint16_t port, const struct order *order)
{
	char text[ORDER_BYTES] = "";
	uint64_t bytes = 0;
	int fd;

	alarm(PATIENCE_S + order->ms / 1000);
	fd = connect_to(host, port, order);
	snprintf(text, sizeof(text), "%s %s %u %u", order->kind, order->congestion, order->ms,
		 order->mbit);
	if (fd < 0 || !move_all(fd, text, sizeof(text), true)) {
		perror("bulk: run");
		return 1;
	}
	if (is(order, "up"))
		bytes = stream(fd, order);
	else if (is(order, "ask"))
		bytes = ask(fd, order);
	else
		drain(fd);
	finish(fd);
	say(fd, order, "client", bytes);
	return 0;
}

int main(int argc, char **argv)
{
	struct order order;
	char text[ORDER_BYTES];

	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve((uint16_t)atoi(argv[2]));
	if (argc == 8 && !strcmp(argv[1], "run")) {
		snprintf(text, sizeof(text), "%s %s %s %s", argv[4], argv[5], argv[6], argv[7]);
		if (read_order(&order, text))
			return run(argv[2], (uint16_t)atoi(argv[3]), &order);
	}
	fprintf(stderr, "usage: bulk serve PORT\n"
			"       bulk run ADDRESS PORT up|down|ask CONGESTION_CONTROL MS MBIT\n");
	return 2;
}
