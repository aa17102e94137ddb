/*
 * bus_fake_test.c - addresses that are refused, and servers that are no Redis
 *
 * The fake lab_server answers each command with the bytes of its row.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <sys/un.h>

#include "bus_lab.h"

/* Addresses. */
static const struct address_row {
	const char *name;
	const char *redis, *site;
	const char *why; /* NULL = opens */
} address_rows[] = {
	{"a unix socket", "unix:/nowhere/redis.sock", "s", NULL},
	{"an IPv4 loopback", "tcp:127.0.0.1:1", "s", NULL},
	{"localhost", "tcp:localhost:1", "s", NULL},
	{"an IPv6 loopback", "tcp:[::1]:1", "s", NULL},
	{"no scheme", "/run/redis.sock", "s",
	 "/run/redis.sock: expected unix:PATH or tcp:HOST:PORT"},
	{"no path", "unix:", "s", "unix: needs the path of a socket"},
	{"no port", "tcp:127.0.0.1", "s", "tcp:127.0.0.1: expected tcp:HOST:PORT"},
	{"port 0", "tcp:127.0.0.1:0", "s", "tcp:127.0.0.1:0: expected tcp:HOST:PORT"},
	{"a port with junk", "tcp:127.0.0.1:6379x", "s",
	 "tcp:127.0.0.1:6379x: expected tcp:HOST:PORT"},
	{"port 65536", "tcp:127.0.0.1:65536", "s", "tcp:127.0.0.1:65536: expected tcp:HOST:PORT"},
	{"a distant host", "tcp:192.0.2.1:6379", "s",
	 "tcp:192.0.2.1:6379: only loopback is spoken to, because nothing here is encrypted: end "
	 "TLS in stunnel on this machine and name its socket or port"},
	{"a distant host, IPv6", "tcp:[2001:db8::1]:6379", "s",
	 "tcp:[2001:db8::1]:6379: only loopback is spoken to, because nothing here is encrypted: "
	 "end TLS in stunnel on this machine and name its socket or port"},
	{"a name", "tcp:redis:6379", "s",
	 "tcp:redis:6379: only loopback is spoken to, because nothing here is encrypted: end TLS "
	 "in stunnel on this machine and name its socket or port"},
	{"a site with a brace", "unix:/x", "a}b",
	 "site \"a}b\": letters, digits, - _ and ., at most 31"},
	{"no site", "unix:/x", "", "site \"\": letters, digits, - _ and ., at most 31"},
};

static void opens(void **state)
{
	const struct address_row *row = *state;
	struct sl_bus_config config = listening();
	char why[SL_TEXT_MAX] = "";
	struct sl_bus *bus = NULL;
	int err;

	config.redis = row->redis;
	config.site = row->site;
	memset(&heard, 0, sizeof(heard));
	err = sl_bus_open(&bus, &config, why);
	assert_int_equal(err, row->why ? -EINVAL : 0);
	assert_string_equal(why, row->why ? row->why : "");
	if (row->why) {
		assert_null(bus);
		return;
	}
	assert_true(reaches(&heard.lost, 1, 3)); /* nobody is there: told, not fatal */
	close_bus(bus);
}

/* What is no Redis: how it answers each command, and what is told then. */
#define INFO_OK   "$22\r\nredis_version:7.0.15\r\n\r\n"
#define NEWEST_OK "*0\r\n"
#define SILENT    ""
#define HANG_UP   NULL

static const struct fake_row {
	const char *name;
	const char *info, *newest, *entries, *live;
	const char *why; /* somewhere in what is told as lost */
} fake_rows[] = {
	{"a web lab_server", "HTTP/1.1 400 Bad Request\r\n\r\n", SILENT, SILENT, SILENT,
	 "this is not Redis: Protocol error"},
	{"binary", "\x16\x03\x01\x02\x00\x01", SILENT, SILENT, SILENT, "this is not Redis"},
	{"hangs up", HANG_UP, SILENT, SILENT, SILENT, ""},
	{"says nothing", SILENT, SILENT, SILENT, SILENT, "no answer for 2 s"},
	{"half an answer", "$100\r\nredis_ver", SILENT, SILENT, SILENT, "no answer for 2 s"},
	{"knows no INFO", "-ERR unknown command 'INFO'\r\n", SILENT, SILENT, SILENT,
	 "INFO: ERR unknown command"},
	{"is loading", "-LOADING Redis is loading the dataset in memory\r\n", SILENT, SILENT,
	 SILENT, "INFO: LOADING Redis is loading"},
	{"INFO as a number", ":1\r\n", SILENT, SILENT, SILENT, "INFO: not what Redis answers"},
	{"INFO of something else", "$5\r\nhello\r\n", SILENT, SILENT, SILENT,
	 "says no redis_version"},
	{"Redis 4", "$22\r\nredis_version:4.0.14\r\n\r\n", SILENT, SILENT, SILENT,
	 "Redis 4.0.14   has no streams: 5 or newer is needed"},
	{"an answer to no question", "+OK\r\n+OK\r\n", SILENT, SILENT, SILENT,
	 "INFO: not what Redis answers"},
	{"an answer too many", INFO_OK "+OK\r\n+OK\r\n+OK\r\n", SILENT, SILENT, SILENT,
	 "not what Redis answers"},
	{"a billion elements", "*1073741824\r\n", SILENT, SILENT, SILENT, "this is not Redis"},
	{"a negative length", "$-7\r\n", SILENT, SILENT, SILENT, "this is not Redis"},
	{"nested without end", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
	 SILENT, SILENT, SILENT, "this is not Redis"},
	{"the newest entry is a text", INFO_OK, "$1\r\nx\r\n", SILENT, SILENT,
	 "not what Redis answers"},
	{"the newest entry has no id", INFO_OK, "*1\r\n*0\r\n", SILENT, SILENT,
	 "not what Redis answers"},
	{"the newest id is no id", INFO_OK, "*1\r\n*2\r\n$3\r\nabc\r\n*0\r\n", SILENT, SILENT,
	 "not what Redis answers"},
	{"entries of no stream", INFO_OK, NEWEST_OK, "*1\r\n*2\r\n$1\r\nx\r\n*0\r\n", SILENT,
	 "XREAD: not what Redis answers"},
	{"entries that are a number", INFO_OK, NEWEST_OK, ":5\r\n", SILENT,
	 "XREAD: not what Redis answers"},
	{"entries in an odd shape", INFO_OK, NEWEST_OK, "*1\r\n*1\r\n$1\r\nx\r\n", SILENT,
	 "XREAD: not what Redis answers"},
	{"an entry without id", INFO_OK, NEWEST_OK,
	 "*1\r\n*2\r\n$12\r\nsl:{s}:event\r\n*1\r\n*0\r\n", SILENT,
	 "sl:{s}:event: not what Redis answers"},
	{"a picture that is a status", INFO_OK, NEWEST_OK, SILENT, "+OK\r\n",
	 "SUBSCRIBE: not what Redis answers"},
	{"a picture in an odd shape", INFO_OK, NEWEST_OK, SILENT, "*1\r\n$7\r\nmessage\r\n",
	 "SUBSCRIBE: not what Redis answers"},
};

static void fake_read(struct bufferevent *stream, void *arg)
{
	const struct fake_row *row = arg;
	struct evbuffer *input = bufferevent_get_input(stream);
	size_t size = evbuffer_get_length(input);
	char *command = calloc(1, size + 1);
	const char *answer = SILENT;

	evbuffer_remove(input, command, size);
	if (strstr(command, "INFO"))
		answer = row->info;
	else if (strstr(command, "XREVRANGE"))
		answer = row->newest;
	else if (strstr(command, "XREAD"))
		answer = row->entries;
	else if (strstr(command, "SUBSCRIBE"))
		answer = row->live;
	/* Both streams are asked for at once. */
	for (const char *p = command; answer && (p = strstr(p, "\r\nsl:{")); p += 4) {
		if (strstr(command, "XREVRANGE") && p != strstr(command, "\r\nsl:{"))
			bufferevent_write(stream, answer, strlen(answer));
	}
	free(command);
	if (answer)
		bufferevent_write(stream, answer, strlen(answer));
	else
		bufferevent_free(stream);
}

/* Freed with the connection that goes. */
static void fake_gone(struct bufferevent *stream, short what, void *arg)
{
	bufferevent_free(stream);
}

static void fake_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
			int size, void *arg)
{
	struct bufferevent *stream = bufferevent_socket_new(lab_base, fd, BEV_OPT_CLOSE_ON_FREE);

	bufferevent_setcb(stream, fake_read, NULL, fake_gone, arg);
	bufferevent_enable(stream, EV_READ | EV_WRITE);
}

static void refuses_a_fake(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct sl_bus_config config = listening();
	struct evconnlistener *listener;
	struct sl_bus *bus;

	config.watermark_source = NULL;
	strcpy(at.sun_path, lab_socket);
	listener = evconnlistener_new_bind(lab_base, fake_accept, *state, LEV_OPT_CLOSE_ON_FREE, 4,
					   (struct sockaddr *)&at, sizeof(at));
	assert_non_null(listener);
	bus = open_bus(&config);
	assert_true(reaches(&heard.lost, 1, 6));
	if (!strstr(heard.why, ((const struct fake_row *)*state)->why))
		fail_msg("told: %s", heard.why);
	run_for(0.1);
	close_bus(bus);
	run_for(0.02); /* the fake's ends of the connections go */
	evconnlistener_free(listener);
	unlink(lab_socket);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, address_rows, opens);
	SL_ROWS_ADD(&tests, fake_rows, refuses_a_fake);
	return lab_run("proto bus fake", &tests);
}
