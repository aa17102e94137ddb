/*
 * clauses.c - one pattern after the other: there are 45 at most
 */
#include "clauses.h"

#include <string.h>
#include <strings.h>

static bool name_holds(const char *pattern, const char *name)
{
	size_t tail, length = strlen(name);

	if (!length || strncmp(pattern, "*.", 2) != 0)
		return length && strcasecmp(pattern, name) == 0;
	pattern++; /* from its dot on */
	tail = strlen(pattern);
	return tail > 1 && length > tail && strcasecmp(name + length - tail, pattern) == 0;
}

static bool app_holds(const char *pattern, const char *app)
{
	size_t wanted = strlen(pattern);

	if (!wanted)
		return false;
	if (strcasecmp(pattern, app) == 0)
		return true;
	for (const char *part = app; *part;) {
		size_t length = strcspn(part, ".");

		if (length == wanted && strncasecmp(part, pattern, length) == 0)
			return true;
		part += length + (part[length] == '.');
	}
	return false;
}

uint64_t sl_clauses_match(const struct sl_clauses *clauses, const char *name, const char *app)
{
	uint64_t bits = 0;

	for (uint32_t i = 1; i <= clauses->count && i <= SL_NAMES_MAX; i++) {
		const struct sl_clause *clause = &clauses->clause[i];

		if (clause->is_app ? app_holds(clause->pattern, app)
				   : name_holds(clause->pattern, name))
			bits |= UINT64_C(1) << i;
	}
	return bits;
}
