/*
 * till.c - a till of the virtual store: pays by card, again and again
 *
 *   till --host ADDRESS --ca FILE --name NAME [--port N] [--server-name NAME]
 *        [--rate PER_SECOND] [--per-connection N] [--seconds N]
 *
 * SIGUSR1 makes it take a new connection, as terminals do from time to time.
 *
 * One JSON line a transaction: what the customer met is the truth that the story
 * and the acceptance scenarios report.  At SIGTERM, or after --seconds, it begins
 * no more, waits for what is unfinished (a second SIGTERM: does not), says a
 * summary line, and ends with 0 when every transaction was paid, else 1.
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <getopt.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdlib.h>

#include "terminal.h"

struct till {
	struct event_base *base;
	struct sl_terminal *terminal;
	struct event *tick;
	struct sl_terminal_config config;
	const char *ca;
	double rate;
	unsigned int seconds;
	bool closing;
	uint64_t *took_us; /* of those paid, for the summary */
	size_t paid, room, failed, repeated;
};

static void end_when_done(struct till *till)
{
	if (till->closing && !sl_terminal_unfinished(till->terminal))
		event_base_loopbreak(till->base);
}

static void remember(struct till *till, uint64_t took_us)
{
	if (till->paid == till->room) {
		size_t room = till->room ? 2 * till->room : 1024;
		uint64_t *more = realloc(till->took_us, room * sizeof(*more));

		if (!more)
			abort();
		till->took_us = more;
		till->room = room;
	}
	till->took_us[till->paid++] = took_us;
}

static void on_ended(void *arg, const struct sl_terminal_result *result)
{
	struct till *till = arg;

	printf("{\"till\":\"%s\",\"stan\":%u,\"begun_mono_ns\":%lu,\"latency_us\":%lu,"
	       "\"attempts\":%u,\"ok\":%s,\"error\":\"%s\"}\n",
	       till->config.name, result->stan, result->begun_ns, result->took_ns / 1000,
	       result->attempts, result->ok ? "true" : "false", result->error);
	fflush(stdout);
	till->repeated += result->attempts > 1;
	if (result->ok)
		remember(till, result->took_ns / 1000);
	else
		till->failed++;
	end_when_done(till);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct till *till = arg;

	sl_terminal_begin(till->terminal, 1299 + till->paid % 5000);
}

static void stop_beginning(struct till *till)
{
	till->closing = true;
	event_del(till->tick);
	end_when_done(till);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct till *till = arg;

	if (till->closing)
		event_base_loopbreak(till->base);
	else
		stop_beginning(till);
}

static void on_renew(evutil_socket_t number, short what, void *arg)
{
	struct till *till = arg;

	sl_terminal_renew(till->terminal);
}

static void on_closing_time(evutil_socket_t fd, short what, void *arg)
{
	stop_beginning(arg);
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Nearest rank (MEASUREMENT.md 1). */
static uint64_t quantile(const struct till *till, size_t percent)
{
	return till->paid ? till->took_us[(till->paid * percent + 99) / 100 - 1] : 0;
}

static void say_summary(struct till *till)
{
	qsort(till->took_us, till->paid, sizeof(*till->took_us), by_size);
	printf("{\"summary\":true,\"till\":\"%s\",\"paid\":%zu,\"failed\":%zu,\"unfinished\":%u,"
	       "\"repeated\":%zu,\"connections\":%lu,\"p50_us\":%lu,\"p95_us\":%lu,"
	       "\"max_us\":%lu}\n",
	       till->config.name, till->paid, till->failed, sl_terminal_unfinished(till->terminal),
	       till->repeated, sl_terminal_connections(till->terminal), quantile(till, 50),
	       quantile(till, 95), quantile(till, 100));
	fflush(stdout);
}

static bool read_address(struct sl_terminal_config *config, const char *host, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&config->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&config->address;

	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		config->address_size = sizeof(*v4);
		return true;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	config->address_size = sizeof(*v6);
	return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
}

static bool read_options(struct till *till, int argc, char **argv)
{
	static const struct option known[] = {
		{"host", required_argument, NULL, 'h'},
		{"port", required_argument, NULL, 'p'},
		{"ca", required_argument, NULL, 'c'},
		{"name", required_argument, NULL, 'n'},
		{"server-name", required_argument, NULL, 'd'},
		{"rate", required_argument, NULL, 'r'},
		{"per-connection", required_argument, NULL, 'k'},
		{"seconds", required_argument, NULL, 's'},
		{0},
	};
	const char *host = NULL;
	uint16_t port = 7003;
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'h':
			host = optarg;
			break;
		case 'p':
			port = (uint16_t)atoi(optarg);
			break;
		case 'c':
			till->ca = optarg;
			break;
		case 'n':
			snprintf(till->config.name, sizeof(till->config.name), "%s", optarg);
			break;
		case 'd':
			till->config.server_name = optarg;
			break;
		case 'r':
			till->rate = atof(optarg);
			break;
		case 'k':
			till->config.per_connection = (unsigned int)atoi(optarg);
			break;
		case 's':
			till->seconds = (unsigned int)atoi(optarg);
			break;
		default:
			return false;
		}
	}
	return optind == argc && host && till->ca && *till->config.name && till->rate > 0 &&
	       read_address(&till->config, host, port);
}

static SSL_CTX *tls_client(const char *ca)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (tls && SSL_CTX_load_verify_locations(tls, ca, NULL) == 1) {
		SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
		return tls;
	}
	SSL_CTX_free(tls);
	return NULL;
}

/* Pay until told to stop.  0, or 1 when it could not start. */
static int pay(struct till *till)
{
	struct timeval every = {.tv_sec = (time_t)(1 / till->rate)};
	const struct timeval close_after = {.tv_sec = till->seconds};
	struct event *term, *interrupt, *renew;

	every.tv_usec = (suseconds_t)((1 / till->rate - (double)every.tv_sec) * 1e6);
	if (sl_terminal_open(&till->terminal, &till->config))
		return 1;
	till->tick = event_new(till->base, -1, EV_PERSIST, on_tick, till);
	term = evsignal_new(till->base, SIGTERM, on_signal, till);
	interrupt = evsignal_new(till->base, SIGINT, on_signal, till);
	renew = evsignal_new(till->base, SIGUSR1, on_renew, till);
	if (!till->tick || !term || !interrupt || !renew)
		abort();
	event_add(till->tick, &every);
	event_add(term, NULL);
	event_add(interrupt, NULL);
	event_add(renew, NULL);
	if (till->seconds)
		event_base_once(till->base, -1, EV_TIMEOUT, on_closing_time, till, &close_after);
	event_base_dispatch(till->base);
	say_summary(till);
	event_free(term);
	event_free(interrupt);
	event_free(renew);
	event_free(till->tick);
	sl_terminal_close(till->terminal);
	return 0;
}

int main(int argc, char **argv)
{
	struct till till = {.rate = 1, .config.server_name = "payments.example"};
	int err;

	if (!read_options(&till, argc, argv)) {
		fprintf(stderr, "usage: till --host ADDRESS --ca FILE --name NAME [--port N]\n"
				"            [--server-name NAME] [--rate PER_SECOND]\n"
				"            [--per-connection N] [--seconds N]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	till.base = event_base_new();
	till.config.tls = tls_client(till.ca);
	if (!till.base || !till.config.tls) {
		ERR_print_errors_fp(stderr);
		return 1;
	}
	till.config.base = till.base;
	till.config.ended = on_ended;
	till.config.arg = &till;
	err = pay(&till);
	SSL_CTX_free(till.config.tls);
	event_base_free(till.base);
	free(till.took_us);
	return err || till.failed;
}
