/*
 * web_request_test.c - what is a request, what is refused, and where a path leads
 */
#include "tests/unit/row.h"

#include "control/web_listen.h"
#include "control/web_request.h"
#include "proto/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOCAL "Host: localhost\r\n"

static const struct parse_row {
	const char *name, *bytes;
	int status;
	const char *path, *query;
} parse_rows[] = {
	{"a plain request", "GET / HTTP/1.1\r\n" LOCAL "\r\n", 200, "/", ""},
	{"with a query", "GET /api/history?a=b HTTP/1.1\r\n" LOCAL "\r\n", 200, "/api/history",
	 "a=b"},
	{"HTTP/1.0", "GET / HTTP/1.0\r\n" LOCAL "\r\n", 200, "/", ""},
	{"escapes are decoded", "GET /api/why/a%2Db%20c HTTP/1.1\r\n" LOCAL "\r\n", 200,
	 "/api/why/a-b c", ""},
	{"not whole yet", "GET / HTTP/1.1\r\n" LOCAL, 0, NULL, NULL},
	{"nothing yet", "", 0, NULL, NULL},
	{"a port is of no matter", "GET / HTTP/1.1\r\nHost: 127.0.0.1:9\r\n\r\n", 200, "/", ""},
	{"IPv6 loopback", "GET / HTTP/1.1\r\nhost:[::1]:8421\r\n\r\n", 200, "/", ""},
	{"LOCALHOST", "GET / HTTP/1.1\r\nHOST: LOCALHOST:1\r\n\r\n", 200, "/", ""},
	{"a foreign host", "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, NULL, NULL},
	{"a name that begins like ours", "GET / HTTP/1.1\r\nHost: localhost.evil\r\n\r\n", 421,
	 NULL, NULL},
	{"a name that begins with 127", "GET / HTTP/1.1\r\nHost: 127.0.0.1.nip.io\r\n\r\n", 421,
	 NULL, NULL},
	{"the box's own address", "GET / HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", 421, NULL, NULL},
	{"no host", "GET / HTTP/1.1\r\n\r\n", 400, NULL, NULL},
	{"two hosts", "GET / HTTP/1.1\r\n" LOCAL LOCAL "\r\n", 400, NULL, NULL},
	{"an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 421, NULL, NULL},
	{"POST", "POST / HTTP/1.1\r\n" LOCAL "Content-Length: 3\r\n\r\nabc", 405, NULL, NULL},
	{"OPTIONS", "OPTIONS / HTTP/1.1\r\n" LOCAL "\r\n", 405, NULL, NULL},
	{"a method nobody knows", "BREW / HTTP/1.1\r\n" LOCAL "\r\n", 405, NULL, NULL},
	{"get in lower case", "get / HTTP/1.1\r\n" LOCAL "\r\n", 405, NULL, NULL},
	{"POST of a foreign host", "POST / HTTP/1.1\r\nHost: evil\r\n\r\n", 421, NULL, NULL},
	{"a body", "GET / HTTP/1.1\r\n" LOCAL "Content-Length: 3\r\n\r\nabc", 400, NULL, NULL},
	{"an empty body", "GET / HTTP/1.1\r\n" LOCAL "Content-Length: 0\r\n\r\n", 200, "/", ""},
	{"chunks", "GET / HTTP/1.1\r\n" LOCAL "Transfer-Encoding: chunked\r\n\r\n", 400, NULL,
	 NULL},
	{"another version", "GET / HTTP/2.0\r\n" LOCAL "\r\n", 505, NULL, NULL},
	{"no version", "GET /\r\n" LOCAL "\r\n", 400, NULL, NULL},
	{"no HTTP", "\x16\x03\x01\x02\r\n\r\n", 400, NULL, NULL},
	{"a proxy's form", "GET http://localhost/ HTTP/1.1\r\n" LOCAL "\r\n", 400, NULL, NULL},
	{"two blanks", "GET  / HTTP/1.1\r\n" LOCAL "\r\n", 400, NULL, NULL},
	{"a tab in the target", "GET /a\tb HTTP/1.1\r\n" LOCAL "\r\n", 400, NULL, NULL},
	{"a byte over 126", "GET /\xc3\xa9 HTTP/1.1\r\n" LOCAL "\r\n", 400, NULL, NULL},
	{"an escape cut off", "GET /a%2 HTTP/1.1\r\n" LOCAL "\r\n", 400, NULL, NULL},
	{"an escape that is none", "GET /a%zz HTTP/1.1\r\n" LOCAL "\r\n", 400, NULL, NULL},
	{"an escaped NUL", "GET /a%00b HTTP/1.1\r\n" LOCAL "\r\n", 400, NULL, NULL},
	{"an escaped line end", "GET /a%0d%0ab HTTP/1.1\r\n" LOCAL "\r\n", 400, NULL, NULL},
	{"a folded header", "GET / HTTP/1.1\r\n" LOCAL "A: b\r\n c\r\n\r\n", 400, NULL, NULL},
	{"a blank before the colon", "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", 400, NULL, NULL},
	{"a header without a name", "GET / HTTP/1.1\r\n" LOCAL ": x\r\n\r\n", 400, NULL, NULL},
	{"a bare line feed", "GET / HTTP/1.1\nHost: localhost\r\n\r\n", 400, NULL, NULL},
	{"a bare line feed in a header", "GET / HTTP/1.1\r\n" LOCAL "A: b\nHost: x\r\n\r\n", 400,
	 NULL, NULL},
};

static void parse(void **state)
{
	const struct parse_row *row = *state;
	size_t size = strlen(row->bytes);
	char *exact = malloc(size ? size : 1); /* so that ASan sees a read past it */
	struct sl_web_request request = {.path = "untouched"};

	assert_non_null(exact);
	memcpy(exact, row->bytes, size);
	assert_int_equal(sl_web_request_parse(&request, exact, size), row->status);
	free(exact);
	assert_string_equal(request.path, row->path ? row->path : "untouched");
	if (row->query)
		assert_string_equal(request.query, row->query);
}

/* Every cut of a good request is either not whole or good; every bent byte is survived. */
static void bent(void **state)
{
	static const char good[] = "GET /api/history?service=pos&uplink=fibre HTTP/1.1\r\n" LOCAL
				   "If-None-Match: \"a\"\r\nLast-Event-ID: x-1\r\n\r\n";
	struct sl_web_request request;
	char bytes[sizeof(good)];

	for (size_t size = 0; size < sizeof(good); size++) {
		int status = sl_web_request_parse(&request, good, size);

		assert_int_equal(status, size < sizeof(good) - 1 ? 0 : 200);
	}
	for (size_t i = 0; i < sizeof(good) - 1; i++)
		for (int value = 0; value < 256; value++) {
			memcpy(bytes, good, sizeof(good));
			bytes[i] = (char)value;
			if (sl_web_request_parse(&request, bytes, sizeof(good) - 1) == 200)
				assert_int_equal(request.path[0], '/');
		}
}

static void long_ones(void **state)
{
	char bytes[SL_WEB_HEAD_MAX + 64];
	struct sl_web_request request;
	int length;

	memset(bytes, 'a', sizeof(bytes));
	assert_int_equal(sl_web_request_parse(&request, bytes, SL_WEB_HEAD_MAX - 1), 0);
	assert_int_equal(sl_web_request_parse(&request, bytes, SL_WEB_HEAD_MAX), 431);
	length = snprintf(bytes, sizeof(bytes), "GET /%0*d HTTP/1.1\r\n" LOCAL "\r\n",
			  SL_WEB_PATH_MAX, 0);
	assert_int_equal(sl_web_request_parse(&request, bytes, (size_t)length), 414);
	length = snprintf(bytes, sizeof(bytes), "GET / HTTP/1.1\r\n" LOCAL);
	for (int i = 0; i < 64; i++)
		length += snprintf(bytes + length, sizeof(bytes) - (size_t)length, "A: b\r\n");
	length += snprintf(bytes + length, sizeof(bytes) - (size_t)length, "\r\n");
	assert_int_equal(sl_web_request_parse(&request, bytes, (size_t)length), 431);
}

static const struct value_row {
	const char *name, *query, *key, *value;
} value_rows[] = {
	{"first of two", "service=pos&uplink=fibre", "service", "pos"},
	{"second of two", "service=pos&uplink=fibre", "uplink", "fibre"},
	{"decoded", "service=a%20b", "service", "a b"},
	{"empty", "service=", "service", ""},
	{"another that ends so", "xservice=pos", "service", NULL},
	{"without a value", "service", "service", NULL},
	{"not decodable", "service=%0", "service", NULL},
	{"too long",
	 "service=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	 "service", NULL},
};

static void value(void **state)
{
	const struct value_row *row = *state;
	struct sl_web_request request = {0};
	char value[SL_WEB_WORD_MAX];

	strcpy(request.query, row->query);
	assert_int_equal(sl_web_request_value(&request, row->key, value), row->value != NULL);
	if (row->value)
		assert_string_equal(value, row->value);
}

static const struct match_row {
	const char *name, *match;
	bool has;
} match_rows[] = {
	{"the same", "\"abc\"", true},
	{"any", "*", true},
	{"one of a list", "\"x\", \"abc\"", true},
	{"weak", "W/\"abc\"", true},
	{"another", "\"abd\"", false},
	{"none", "", false},
	{"without quotes", "abc", false},
	{"its end", "\"x\"abc\"", false},
};

static void match(void **state)
{
	const struct match_row *row = *state;
	struct sl_web_request request = {0};

	strcpy(request.match, row->match);
	assert_int_equal(sl_web_request_has(&request, "\"abc\""), row->has);
}

static const struct route_row {
	const char *name, *path;
	enum sl_web_route route;
	const char *argument;
} route_rows[] = {
	{"the page", "/", SL_WEB_ASSET, "/"},
	{"a file", "/app.js", SL_WEB_ASSET, "/app.js"},
	{"state", "/api/state", SL_WEB_STATE, ""},
	{"history", "/api/history", SL_WEB_HISTORY, ""},
	{"incidents", "/api/incidents", SL_WEB_INCIDENTS, ""},
	{"one incident", "/api/incident/7", SL_WEB_INCIDENT, "7"},
	{"events, the list", "/api/events", SL_WEB_EVENTS, ""},
	{"events, the stream", "/events", SL_WEB_STREAM, ""},
	{"why", "/api/why/pos", SL_WEB_WHY, "pos"},
	{"metrics", "/metrics", SL_WEB_METRICS, ""},
	{"why of nobody", "/api/why/", SL_WEB_NOTHING, NULL},
	{"why of two", "/api/why/pos/x", SL_WEB_NOTHING, NULL},
	{"another api", "/api/reroute", SL_WEB_NOTHING, NULL},
	{"state and more", "/api/state2", SL_WEB_NOTHING, NULL},
};

static void route(void **state)
{
	const struct route_row *row = *state;
	const char *argument;

	assert_int_equal(sl_web_request_route(row->path, &argument), row->route);
	if (row->argument)
		assert_string_equal(argument, row->argument);
}

static const struct listen_row {
	const char *name, *text;
	bool good;
} listen_rows[] = {
	{"loopback", "127.0.0.1:8421", true},
	{"another loopback", "127.8.0.1:8421", true},
	{"localhost", "localhost:0", true},
	{"IPv6 loopback", "[::1]:8421", true},
	{"a unix socket", "unix:/run/storeline/web.sock", true},
	{"all addresses", "0.0.0.0:8421", false},
	{"all of IPv6", "[::]:8421", false},
	{"the store's address", "10.42.0.1:8421", false},
	{"IPv4 in IPv6", "[::ffff:127.0.0.1]:1", false},
	{"a name", "store.example:8421", false},
	{"no port", "127.0.0.1", false},
	{"an empty port", "127.0.0.1:", false},
	{"a port over 65535", "127.0.0.1:65536", false},
	{"a port with a sign", "127.0.0.1:+1", false},
	{"a port and more", "127.0.0.1:80x", false},
	{"no host", ":8421", false},
	{"a unix socket without a root", "unix:web.sock", false},
	{"nothing", "", false},
};

static void listens(void **state)
{
	const struct listen_row *row = *state;
	struct sl_web_address address = {.length = 9999};
	char why[SL_TEXT_MAX] = "";
	int err = sl_web_listen_parse(&address, row->text, why);

	assert_int_equal(err == 0, row->good);
	assert_int_equal(why[0] != '\0', !row->good);
	assert_int_equal(address.length == 9999, !row->good);
}

int main(void)
{
	static const struct row {
		const char *name;
	} alone[] = {{"cut anywhere, bent anywhere"}, {"too long"}};
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, parse_rows, parse);
	sl_row_add(&tests, alone[0].name, bent, NULL);
	sl_row_add(&tests, alone[1].name, long_ones, NULL);
	SL_ROWS_ADD(&tests, value_rows, value);
	SL_ROWS_ADD(&tests, match_rows, match);
	SL_ROWS_ADD(&tests, route_rows, route);
	SL_ROWS_ADD(&tests, listen_rows, listens);
	return sl_row_run("web request", &tests);
}
