/*
 * web_request.h - the head of an HTTP request, read strictly, and what it asks for
 *
 * RFC 9112.  What may be asked is little: GET and HEAD, origin-form, no body, a Host that
 * means this machine (a foreign one is a page elsewhere whose name was bent to us: DNS
 * rebinding).  What is not exactly that gets an error status.  Pure.
 */
#ifndef SL_WEB_REQUEST_H
#define SL_WEB_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#define SL_WEB_HEAD_MAX 8192 /* bytes of a head */
#define SL_WEB_PATH_MAX 256
#define SL_WEB_WORD_MAX 64

struct sl_web_request {
	bool head;                     /* HEAD: all but the body */
	char path[SL_WEB_PATH_MAX];    /* decoded */
	char query[SL_WEB_PATH_MAX];   /* as it came, without the ? */
	char match[SL_WEB_PATH_MAX];   /* If-None-Match */
	char last_id[SL_WEB_WORD_MAX]; /* Last-Event-ID */
};

/*
 * Read the head in @size @bytes.  0 = it is not whole yet; 200 and *@to; or the error
 * status to answer with: 400 not HTTP/1.1 as it should be, 405 a method that changes things,
 * 414 and 431 too long, 421 a foreign host, 505 another version.
 */
int sl_web_request_parse(struct sl_web_request *to, const char *bytes, size_t size);

/* The value of @key in the query, decoded, into @value of SL_WEB_WORD_MAX bytes; false = none. */
bool sl_web_request_value(const struct sl_web_request *request, const char *key, char *value);

/* If-None-Match names @etag (with its quotes), or is "*" (RFC 9110 13.1.2). */
bool sl_web_request_has(const struct sl_web_request *request, const char *etag);

enum sl_web_route {
	SL_WEB_NOTHING, /* 404 */
	SL_WEB_ASSET,   /* argument: its path */
	SL_WEB_STATE,
	SL_WEB_HISTORY,
	SL_WEB_INCIDENTS,
	SL_WEB_INCIDENT, /* argument: its number */
	SL_WEB_EVENTS,
	SL_WEB_WHY, /* argument: the service */
	SL_WEB_STREAM,
	SL_WEB_METRICS,
};

/* What @path asks for; *@argument points into it. */
enum sl_web_route sl_web_request_route(const char *path, const char **argument);

#endif
