/*
 * why.h - how one service stands, and why
 */
#ifndef SL_WHY_H
#define SL_WHY_H

#include "past.h"
#include "tell.h"

#define SL_WHY_DECISIONS 5

struct sl_why {
	const struct sl_telemetry *picture;
	const struct sl_policy *policy; /* NULL = not known */
	const struct sl_past *past;     /* events of the service, newest first; its incidents */
	const char *service;
	uint64_t now_unix_ns, age_ms; /* age: of the picture */
};

/* Does the picture or the policy know it? */
bool sl_why_knows(const struct sl_why *why);

/* For people; and as one line of JSON, the caller's to free(), NULL when out of memory. */
void sl_why_write(const struct sl_paper *paper, const struct sl_why *why);
char *sl_why_json(const struct sl_why *why);

/* What sl_past must hold for it. */
void sl_why_wants(struct sl_past *past, const char *service);

#endif
