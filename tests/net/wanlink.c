/*
 * wanlink.c - a WAN link between two interfaces, for the virtual store
 *
 *   wanlink --store IFACE --datacenter IFACE --control SOCKET [--seed N] [--trace FILE]
 *
 * Bridges the two with what control.h sets in between: delay, jitter, loss, a
 * bottleneck, a cut.  Prints "ready" when frames pass; ends at SIGTERM or SIGINT
 * with its counts on standard output.  What became of each frame goes to FILE (trace.h).  One thread; it sleeps between frames.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "control.h"
#include "link.h"

#define NS_PER_S UINT64_C(1000000000)
#define IDLE_NS  UINT64_C(500000000) /* how long to sleep when nothing is under way */
#define ROUND_NS \
	UINT64_C(200000) /* at least, from one round to the next: a busy link works in batches */

struct options {
	const char *interface[SL_LINK_DIRECTIONS];
	const char *control;
	const char *trace; /* NULL = none */
	uint64_t seed;
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	stop = number;
}

static bool read_seed(const char *text, uint64_t *seed)
{
	char *end;

	errno = 0;
	*seed = strtoull(text, &end, 10);
	return !errno && end != text && !*end && *text != '-';
}

static bool read_options(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{"store", required_argument, NULL, 's'},
		{"datacenter", required_argument, NULL, 'd'},
		{"control", required_argument, NULL, 'c'},
		{"seed", required_argument, NULL, 'r'},
		{"trace", required_argument, NULL, 't'},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 's')
			options->interface[SL_LINK_UP] = optarg;
		else if (option == 'd')
			options->interface[SL_LINK_DOWN] = optarg;
		else if (option == 'c')
			options->control = optarg;
		else if (option == 't')
			options->trace = optarg;
		else if (option != 'r' || !read_seed(optarg, &options->seed))
			return false;
	}
	return optind == argc && options->interface[SL_LINK_UP] &&
	       options->interface[SL_LINK_DOWN] && options->control;
}

static struct timespec until(uint64_t due_ns)
{
	uint64_t now_ns = sl_link_now_ns(), wait_ns = 0;

	if (due_ns > now_ns)
		wait_ns = due_ns - now_ns < IDLE_NS ? due_ns - now_ns : IDLE_NS;
	return (struct timespec){.tv_nsec = (long)wait_ns};
}

/* Wait for the rest of the round that began at @began_ns. */
static void pace(uint64_t began_ns)
{
	const struct timespec end = {
		.tv_sec = (time_t)((began_ns + ROUND_NS) / NS_PER_S),
		.tv_nsec = (long)((began_ns + ROUND_NS) % NS_PER_S),
	};

	if (sl_link_now_ns() < began_ns + ROUND_NS)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL);
}

static void carry(struct sl_link *link, struct sl_control *control, const sigset_t *waiting)
{
	struct pollfd polls[SL_LINK_DIRECTIONS + SL_CONTROL_POLLS];
	uint64_t began_ns = 0;
	unsigned int count;
	int ready;

	while (!stop) {
		struct timespec wait;

		pace(began_ns);
		for (int way = 0; way < SL_LINK_DIRECTIONS; way++)
			polls[way] =
				(struct pollfd){.fd = sl_link_fd(link, (enum sl_link_direction)way),
						.events = POLLIN};
		count = sl_control_polls(control, polls + SL_LINK_DIRECTIONS);
		wait = until(sl_link_next_ns(link));
		ready = ppoll(polls, SL_LINK_DIRECTIONS + count, &wait, waiting);
		began_ns = sl_link_now_ns();
		if (ready > 0) {
			for (int way = 0; way < SL_LINK_DIRECTIONS; way++) {
				if (polls[way].revents)
					sl_link_receive(link, (enum sl_link_direction)way);
			}
			sl_control_serve(control, polls + SL_LINK_DIRECTIONS, count);
			sl_control_tell(control);
		}
		sl_link_deliver(link, sl_link_now_ns());
	}
}

/* Signals are taken only while waiting, so none slips in between test and wait. */
static void catch_signals(sigset_t *waiting)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, waiting);
	sigdelset(waiting, SIGTERM);
	sigdelset(waiting, SIGINT);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

static void say_counts(struct sl_link *link)
{
	static const char *const name[SL_LINK_DIRECTIONS] = {"up", "down"};

	for (int way = 0; way < SL_LINK_DIRECTIONS; way++) {
		const struct sl_model_counts *c =
			&sl_link_model(link, (enum sl_link_direction)way)->counts;

		printf("{\"direction\":\"%s\",\"in\":%lu,\"out\":%lu,\"lost\":%lu,"
		       "\"queue_drops\":%lu,\"blackholed\":%lu,\"mtu_drops\":%lu}\n",
		       name[way], c->in, c->out, c->lost, c->queue_drops, c->blackholed,
		       c->mtu_drops);
	}
}

static int refuse(const char *what, int err)
{
	fprintf(stderr, "wanlink: %s: %s\n", what, strerror(-err));
	return 1;
}

/* With its trace, when one is asked for.  The caller closes the trace after the link. */
static int open_traced(const struct options *options, struct sl_link **link,
		       struct sl_trace **trace)
{
	int err;

	*trace = NULL;
	if (options->trace && (err = sl_trace_open(trace, options->trace)))
		return refuse(options->trace, err);
	err = sl_link_open(link, options->interface, options->seed);
	if (!err && *trace && (err = sl_link_trace(*link, *trace)))
		sl_link_close(*link);
	if (!err)
		return 0;
	fprintf(stderr, "wanlink: %s, %s: %s\n", options->interface[0], options->interface[1],
		strerror(-err));
	if (*trace)
		sl_trace_close(*trace);
	return 1;
}

int main(int argc, char **argv)
{
	struct options options = {.seed = 1};
	struct sl_control *control;
	struct sl_trace *trace;
	struct sl_link *link;
	sigset_t waiting;
	int err;

	if (!read_options(&options, argc, argv)) {
		fprintf(stderr, "usage: wanlink --store IFACE --datacenter IFACE --control SOCKET"
				" [--seed N] [--trace FILE]\n");
		return 2;
	}
	catch_signals(&waiting);
	prctl(PR_SET_TIMERSLACK, 1);
	if (open_traced(&options, &link, &trace))
		return 1;
	err = sl_control_open(&control, options.control, link);
	if (!err) {
		fprintf(stderr, "ready\n");
		carry(link, control, &waiting);
		say_counts(link);
		sl_control_close(control);
	}
	sl_link_close(link);
	if (err)
		refuse(options.control, err);
	if (trace && (err = sl_trace_close(trace)))
		refuse(options.trace, err);
	return err != 0;
}
