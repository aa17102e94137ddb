/*
 * names_check.h - what holds of every name that a reader gives out
 */
#ifndef SL_FUZZ_NAMES_CHECK_H
#define SL_FUZZ_NAMES_CHECK_H

#include <string.h>

#include "dataplane/hello.h"
#include "holds.h"

/* A host name in the form that hello.h promises, with its 0 inside of @name. */
static inline void fuzz_check_name(const char name[SL_SERVER_NAME_MAX])
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
	size_t length = strnlen(name, SL_SERVER_NAME_MAX);

	FUZZ_HOLDS(length && length < SL_SERVER_NAME_MAX);
	FUZZ_HOLDS(strspn(name, alphabet) == length);
	FUZZ_HOLDS(name[0] != '.' && name[length - 1] != '.' && !strstr(name, ".."));
}

/* *@info after @verdict, when it was all 0xee before. */
static inline void fuzz_check_hello(enum sl_hello verdict, const struct sl_hello_info *info)
{
	FUZZ_HOLDS(verdict <= SL_HELLO_BAD);
	if (verdict == SL_HELLO_NAMED)
		fuzz_check_name(info->name);
	else if (verdict == SL_HELLO_NAMELESS)
		FUZZ_HOLDS(!info->name[0] && info->whole);
	else
		for (size_t i = 0; i < sizeof(*info); i++)
			FUZZ_HOLDS(((const uint8_t *)info)[i] == 0xee);
	if (verdict == SL_HELLO_NAMED || verdict == SL_HELLO_NAMELESS)
		FUZZ_HOLDS(strnlen(info->alpn, sizeof(info->alpn)) < sizeof(info->alpn));
}

#endif
