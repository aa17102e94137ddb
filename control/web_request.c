/*
 * web_request.c - a strict reading of a request's head
 */
#include "web_request.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#define HEADERS_MAX 64

/* A line of the head, without its end. */
struct line {
	const char *at;
	size_t length;
};

/* What the headers have said so far. */
struct heads {
	unsigned int count, hosts;
	bool local, body;
};

static bool is_token(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* Length of the head with its empty line; 0 = it is not whole yet. */
static size_t head_length(const char *bytes, size_t size)
{
	const char *end = memmem(bytes, size, "\r\n\r\n", 4);

	return end ? (size_t)(end - bytes) + 4 : 0;
}

/* The next line of [*at, end); a bare CR or LF is in no line. */
static bool next_line(const char **at, const char *end, struct line *line)
{
	const char *stop = memmem(*at, (size_t)(end - *at), "\r\n", 2);

	if (!stop)
		return false;
	*line = (struct line){*at, (size_t)(stop - *at)};
	*at = stop + 2;
	return !memchr(line->at, '\r', line->length) && !memchr(line->at, '\n', line->length) &&
	       !memchr(line->at, '\0', line->length);
}

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* Decode @length bytes of % escapes into @to of @size; false = not decodable, or too long. */
static bool decode(char *to, size_t size, const char *from, size_t length)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)from[i];

		if (c == '%') {
			int high = i + 2 < length ? hex(from[i + 1]) : -1;
			int low = high >= 0 ? hex(from[i + 2]) : -1;

			if (low < 0)
				return false;
			c = (unsigned char)(high * 16 + low);
			i += 2;
		}
		if (c < 0x20 || c == 0x7f || used + 1 >= size)
			return false;
		to[used++] = (char)c;
	}
	to[used] = '\0';
	return true;
}

static int read_target(struct sl_web_request *to, const char *target, size_t length)
{
	const char *mark = memchr(target, '?', length);
	size_t path = mark ? (size_t)(mark - target) : length;
	size_t query = mark ? length - path - 1 : 0;

	for (size_t i = 0; i < length; i++)
		if ((unsigned char)target[i] <= 0x20 || (unsigned char)target[i] >= 0x7f)
			return 400;
	if (path >= sizeof(to->path) || query >= sizeof(to->query))
		return 414;
	if (target[0] != '/' || !decode(to->path, sizeof(to->path), target, path))
		return 400;
	if (query)
		memcpy(to->query, mark + 1, query);
	to->query[query] = '\0';
	return 200;
}

/* METHOD SP TARGET SP HTTP/1.x (RFC 9112 3) */
static int read_request_line(struct sl_web_request *to, const struct line *line, bool *other)
{
	const char *space = memchr(line->at, ' ', line->length);
	const char *last = memrchr(line->at, ' ', line->length);
	size_t method = space ? (size_t)(space - line->at) : 0;
	const char *version = last ? last + 1 : NULL;

	if (!method || !version || space == last)
		return 400;
	for (size_t i = 0; i < method; i++)
		if (!is_token(line->at[i]))
			return 400;
	if (line->at + line->length - version != 8 || memcmp(version, "HTTP/", 5))
		return 400;
	if (memcmp(version, "HTTP/1.", 7) || version[7] < '0' || version[7] > '1')
		return 505;
	to->head = method == 4 && !memcmp(line->at, "HEAD", 4);
	*other = !to->head && !(method == 3 && !memcmp(line->at, "GET", 3));
	return read_target(to, space + 1, (size_t)(last - space - 1));
}

/* "localhost", "127.x.y.z", "[::1]", with any port or none: a tunnel has a port of its own. */
static bool is_local(const char *host, size_t length)
{
	size_t name = length;

	while (name && host[name - 1] >= '0' && host[name - 1] <= '9')
		name--;
	name = name && host[name - 1] == ':' ? name - 1 : length;
	if (name == 5 && !memcmp(host, "[::1]", 5))
		return true;
	if (name == 9 && !strncasecmp(host, "localhost", 9))
		return true;
	if (name < 9 || name > 15 || memcmp(host, "127.", 4))
		return false;
	for (size_t i = 0; i < name; i++)
		if (host[i] != '.' && (host[i] < '0' || host[i] > '9'))
			return false;
	return true;
}

static bool is_named(const struct line *line, size_t name, const char *wanted)
{
	return strlen(wanted) == name && !strncasecmp(line->at, wanted, name);
}

static void keep(char *to, size_t size, const char *value, size_t length)
{
	if (length < size) {
		memcpy(to, value, length);
		to[length] = '\0';
	}
}

static int read_header(struct sl_web_request *to, const struct line *line, struct heads *heads)
{
	const char *colon = memchr(line->at, ':', line->length);
	size_t name = colon ? (size_t)(colon - line->at) : 0, length;
	const char *value;

	if (!name)
		return 400;
	for (size_t i = 0; i < name; i++)
		if (!is_token(line->at[i]))
			return 400;
	if (++heads->count > HEADERS_MAX)
		return 431;
	value = colon + 1;
	length = line->length - name - 1;
	for (; length && (*value == ' ' || *value == '\t'); value++)
		length--;
	while (length && (value[length - 1] == ' ' || value[length - 1] == '\t'))
		length--;
	if (is_named(line, name, "host")) {
		heads->hosts++;
		heads->local = is_local(value, length);
	} else if (is_named(line, name, "transfer-encoding") ||
		   (is_named(line, name, "content-length") && !(length == 1 && *value == '0'))) {
		heads->body = true;
	} else if (is_named(line, name, "if-none-match")) {
		keep(to->match, sizeof(to->match), value, length);
	} else if (is_named(line, name, "last-event-id")) {
		keep(to->last_id, sizeof(to->last_id), value, length);
	}
	return 200;
}

int sl_web_request_parse(struct sl_web_request *to, const char *bytes, size_t size)
{
	struct sl_web_request request = {0};
	struct heads heads = {0};
	size_t length = head_length(bytes, size);
	const char *at = bytes, *end = bytes + length;
	struct line line;
	bool other = false;
	int status;

	if (!length)
		return size >= SL_WEB_HEAD_MAX ? 431 : 0;
	if (length > SL_WEB_HEAD_MAX)
		return 431;
	status = next_line(&at, end, &line) ? read_request_line(&request, &line, &other) : 400;
	while (status == 200) {
		if (!next_line(&at, end, &line))
			return 400;
		if (!line.length)
			break;
		status = read_header(&request, &line, &heads);
	}
	if (status != 200)
		return status;
	if (heads.hosts != 1)
		return 400;
	if (!heads.local)
		return 421;
	if (other)
		return 405;
	if (heads.body)
		return 400;
	*to = request;
	return 200;
}

bool sl_web_request_value(const struct sl_web_request *request, const char *key, char *value)
{
	const char *at = request->query;
	size_t length = strlen(key);

	while (*at) {
		size_t pair = strcspn(at, "&");

		if (pair > length && !strncmp(at, key, length) && at[length] == '=')
			return decode(value, SL_WEB_WORD_MAX, at + length + 1, pair - length - 1);
		at += pair + (at[pair] == '&');
	}
	return false;
}

bool sl_web_request_has(const struct sl_web_request *request, const char *etag)
{
	const char *at = request->match;
	size_t length = strlen(etag);

	if (!strcmp(at, "*"))
		return true;
	/* Weak comparison: W/"x" stands for "x". */
	while ((at = strstr(at, etag)) != NULL) {
		if (at == request->match || strchr(" ,\t/", at[-1]))
			return true;
		at += length;
	}
	return false;
}

enum sl_web_route sl_web_request_route(const char *path, const char **argument)
{
	static const struct {
		const char *path;
		bool open; /* the rest is the argument */
		enum sl_web_route route;
	} rows[] = {
		{"/api/state", false, SL_WEB_STATE},
		{"/api/history", false, SL_WEB_HISTORY},
		{"/api/incidents", false, SL_WEB_INCIDENTS},
		{"/api/incident/", true, SL_WEB_INCIDENT},
		{"/api/events", false, SL_WEB_EVENTS},
		{"/api/why/", true, SL_WEB_WHY},
		{"/events", false, SL_WEB_STREAM},
		{"/metrics", false, SL_WEB_METRICS},
		{"/api/", true, SL_WEB_NOTHING},
	};

	*argument = path;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t length = strlen(rows[i].path);

		if (strncmp(path, rows[i].path, length) || (!rows[i].open && path[length]))
			continue;
		if (rows[i].open && (!path[length] || strchr(path + length, '/')))
			return SL_WEB_NOTHING;
		*argument = path + length;
		return rows[i].route;
	}
	return SL_WEB_ASSET;
}
