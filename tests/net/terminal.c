/*
 * terminal.c - see terminal.h
 */
#include "terminal.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/queue.h>
#include <time.h>

#define TIMEOUT_S    30
#define RETRY_GAP_NS UINT64_C(100000000) /* between two connects: no storm on a closed port */
#define NS_PER_S     UINT64_C(1000000000)

struct transaction {
	TAILQ_ENTRY(transaction) next;
	struct connection *connection;
	struct event *timeout;
	uint32_t stan;
	uint64_t amount_cents, begun_ns;
	unsigned int attempts;
};

struct connection {
	TAILQ_ENTRY(connection) next;
	struct sl_terminal *terminal;
	struct bufferevent *stream; /* NULL between two tries */
	struct event *retry;
	bool up; /* TLS is through */
	bool retired;
	unsigned int assigned;
	uint64_t tried_ns;
	TAILQ_HEAD(, transaction) open;
};

TAILQ_HEAD(connection_head, connection);

struct sl_terminal {
	struct sl_terminal_config config;
	struct connection_head connections;
	unsigned int unfinished;
	uint32_t stan;
	uint64_t tries;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void ask(struct transaction *transaction)
{
	struct connection *connection = transaction->connection;
	struct sl_message message = {.mti = "0200", .stan = transaction->stan, .code = "  "};
	uint8_t bytes[SL_MESSAGE_HEADER + SL_MESSAGE_MAX];

	message.amount_cents = transaction->amount_cents;
	strcpy(message.terminal, connection->terminal->config.name);
	transaction->attempts++;
	bufferevent_write(connection->stream, bytes,
			  sl_message_write(&message, SL_MESSAGE_REQUEST, bytes));
}

static void drop_stream(struct connection *connection)
{
	if (connection->stream)
		bufferevent_free(connection->stream);
	connection->stream = NULL;
	connection->up = false;
}

static void connection_close(struct connection *connection)
{
	drop_stream(connection);
	event_free(connection->retry);
	TAILQ_REMOVE(&connection->terminal->connections, connection, next);
	free(connection);
}

static bool used_up(const struct connection *connection)
{
	unsigned int limit = connection->terminal->config.per_connection;

	return connection->retired || (limit && connection->assigned >= limit);
}

static void transaction_free(struct transaction *transaction)
{
	transaction->connection->terminal->unfinished--;
	TAILQ_REMOVE(&transaction->connection->open, transaction, next);
	event_free(transaction->timeout);
	free(transaction);
}

static void end(struct transaction *transaction, const char *error)
{
	struct sl_terminal *terminal = transaction->connection->terminal;
	struct sl_terminal_result result = {
		.stan = transaction->stan,
		.begun_ns = transaction->begun_ns,
		.took_ns = now_ns() - transaction->begun_ns,
		.attempts = transaction->attempts,
		.ok = !*error,
		.error = error,
	};

	transaction_free(transaction);
	terminal->config.ended(terminal->config.arg, &result);
}

/* The answer to @message has come.  An answer to what has timed out is passed over. */
static void answered(struct connection *connection, const struct sl_message *message)
{
	struct transaction *transaction;

	TAILQ_FOREACH(transaction, &connection->open, next)
	{
		if (transaction->stan == message->stan) {
			end(transaction, strcmp(message->code, "00") ? "declined" : "");
			return;
		}
	}
}

/* Try again: at once, unless the last try was only just now. */
static void again(struct connection *connection)
{
	uint64_t since_ns = now_ns() - connection->tried_ns;
	struct timeval wait = {0};

	drop_stream(connection);
	if (since_ns < RETRY_GAP_NS)
		wait.tv_usec = (suseconds_t)((RETRY_GAP_NS - since_ns) / 1000);
	evtimer_add(connection->retry, &wait);
}

static void on_read(struct bufferevent *stream, void *arg)
{
	struct connection *connection = arg;
	struct evbuffer *input = bufferevent_get_input(stream);
	uint8_t length[SL_MESSAGE_HEADER], body[SL_MESSAGE_MAX];
	struct sl_message message;
	size_t size;

	while (evbuffer_copyout(input, length, sizeof(length)) == sizeof(length)) {
		size = (size_t)(length[0] << 8 | length[1]);
		if (size > sizeof(body)) {
			again(connection);
			return;
		}
		if (evbuffer_get_length(input) < sizeof(length) + size)
			break;
		evbuffer_drain(input, sizeof(length));
		evbuffer_remove(input, body, size);
		if (sl_message_read(&message, body, size))
			answered(connection, &message);
	}
	if (used_up(connection) && TAILQ_EMPTY(&connection->open))
		connection_close(connection);
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	struct connection *connection = arg;
	struct transaction *transaction;

	if (what & BEV_EVENT_CONNECTED) {
		connection->up = true;
		TAILQ_FOREACH(transaction, &connection->open, next)
		ask(transaction);
	} else if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) {
		again(connection);
	}
}

/*
 * Keepalives, as terminals have them: who waits for an answer that was lost has nothing
 * else to send, so nobody would learn that the way has changed.
 */
static void set_up_socket(int fd)
{
	const int on = 1, idle_s = 1, every_s = 1, times = 4;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof(every_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof(times));
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct connection *connection = arg;
	struct sl_terminal *terminal = connection->terminal;
	const struct sl_terminal_config *config = &terminal->config;
	SSL *tls = SSL_new(config->tls);

	terminal->tries++;
	connection->tried_ns = now_ns();
	if (tls && (SSL_set1_host(tls, config->server_name) != 1 ||
		    SSL_set_tlsext_host_name(tls, config->server_name) != 1)) {
		SSL_free(tls);
		tls = NULL;
	}
	if (tls)
		connection->stream = bufferevent_openssl_socket_new(config->base, -1, tls,
								    BUFFEREVENT_SSL_CONNECTING,
								    BEV_OPT_CLOSE_ON_FREE);
	if (!connection->stream) {
		SSL_free(tls);
		again(connection);
		return;
	}
	bufferevent_openssl_set_allow_dirty_shutdown(connection->stream, 1);
	bufferevent_setcb(connection->stream, on_read, NULL, on_event, connection);
	bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
	/* On failure on_event is called, or will be. */
	if (bufferevent_socket_connect(connection->stream,
				       (const struct sockaddr *)&config->address,
				       (int)config->address_size) == 0)
		set_up_socket(bufferevent_getfd(connection->stream));
}

static struct connection *connection_open(struct sl_terminal *terminal)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	struct timeval now = {0};

	if (!connection)
		return NULL;
	connection->retry = evtimer_new(terminal->config.base, on_retry, connection);
	if (!connection->retry) {
		free(connection);
		return NULL;
	}
	connection->terminal = terminal;
	TAILQ_INIT(&connection->open);
	TAILQ_INSERT_TAIL(&terminal->connections, connection, next);
	evtimer_add(connection->retry, &now);
	return connection;
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct transaction *transaction = arg;
	struct connection *connection = transaction->connection;

	end(transaction, connection->up ? "no answer" : "no connection");
	if (used_up(connection) && TAILQ_EMPTY(&connection->open))
		connection_close(connection);
	else
		again(connection);
}

static struct connection *connection_for_next(struct sl_terminal *terminal)
{
	struct connection *last = TAILQ_LAST(&terminal->connections, connection_head);

	return last && !used_up(last) ? last : connection_open(terminal);
}

int sl_terminal_begin(struct sl_terminal *terminal, uint64_t amount_cents)
{
	const struct timeval timeout = {.tv_sec = TIMEOUT_S};
	struct connection *connection = connection_for_next(terminal);
	struct transaction *transaction = calloc(1, sizeof(*transaction));

	if (!connection || !transaction)
		goto err_transaction;
	transaction->timeout = evtimer_new(terminal->config.base, on_timeout, transaction);
	if (!transaction->timeout)
		goto err_transaction;
	transaction->connection = connection;
	terminal->stan = terminal->stan % SL_STAN_MAX + 1;
	transaction->stan = terminal->stan;
	transaction->amount_cents = amount_cents;
	transaction->begun_ns = now_ns();
	connection->assigned++;
	terminal->unfinished++;
	TAILQ_INSERT_TAIL(&connection->open, transaction, next);
	evtimer_add(transaction->timeout, &timeout);
	if (connection->up)
		ask(transaction);
	return 0;

err_transaction:
	free(transaction);
	return -ENOMEM;
}

int sl_terminal_open(struct sl_terminal **terminal, const struct sl_terminal_config *config)
{
	struct sl_terminal *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	new->config = *config;
	TAILQ_INIT(&new->connections);
	if (!config->per_connection && !connection_open(new)) {
		free(new);
		return -ENOMEM;
	}
	*terminal = new;
	return 0;
}

void sl_terminal_close(struct sl_terminal *terminal)
{
	struct transaction *transaction;
	struct connection *connection;

	while ((connection = TAILQ_FIRST(&terminal->connections))) {
		/* It takes itself off the list, which the analyzer does not see. */
		while ((transaction = TAILQ_FIRST(&connection->open)))
			transaction_free(transaction); /* NOLINT(clang-analyzer-unix.Malloc) */
		connection_close(connection);
	}
	free(terminal);
}

void sl_terminal_renew(struct sl_terminal *terminal)
{
	struct connection *last = TAILQ_LAST(&terminal->connections, connection_head);

	if (!last)
		return;
	last->retired = true;
	if (TAILQ_EMPTY(&last->open))
		connection_close(last);
}

unsigned int sl_terminal_unfinished(const struct sl_terminal *terminal)
{
	return terminal->unfinished;
}

uint64_t sl_terminal_connections(const struct sl_terminal *terminal)
{
	return terminal->tries;
}
