/*
 * web.h - the page, the JSON API, /metrics and flat numbers of one site: it never acts
 *
 * control/web/ is the page, web_request.h the paths, proto/README.md the API.  Fed by the
 * daemon with what it hears anyway; reads incidents back from the bus, so it shows what is
 * kept there, whoever wrote it.  All is bounded (web_http.h), nothing blocks: the worst that
 * a visitor can do to control is to be cut.
 */
#ifndef SL_WEB_H
#define SL_WEB_H

#include "proto/bus.h"
#include "proto/policy.h"

struct event_base;
struct sl_web;

struct sl_web_config {
	struct event_base *base;
	struct sl_bus *bus; /* what is kept is read from it, what is flat is written to it */
	const char *site;
	const char *address; /* where to serve (web_listen.h); NULL = nowhere: then only flat */
};

/*
 * Begin.  0 and *@web; -EINVAL: not an address where it may be served; else -errno of bind.
 * What is wrong is logged, as is where it is served.
 */
int sl_web_open(struct sl_web **web, const struct sl_web_config *config);
/* NULL is allowed, here and below. */
void sl_web_close(struct sl_web *web);

void sl_web_picture(struct sl_web *web, const struct sl_telemetry *picture);
void sl_web_event(struct sl_web *web, const struct sl_event *event);
void sl_web_policy(struct sl_web *web, const struct sl_policy *policy);
/* Redis is there, or lost. */
void sl_web_redis(struct sl_web *web, bool there);

#endif
