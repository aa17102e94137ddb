/*
 * clauses.h - which name clauses of a policy a server name and an application satisfy
 *
 * A clause is a pattern of host names or the name of an application; the policy's compiler
 * numbers them (compile.h).  The answer is bits of a word of names.h.  Pure.
 */
#ifndef SL_CLAUSES_H
#define SL_CLAUSES_H

#include "fastpath/names.h"

#define SL_CLAUSE_MAX 128 /* bytes of a pattern, with its 0 */

struct sl_clause {
	bool is_app;
	char pattern[SL_CLAUSE_MAX];
};

struct sl_clauses {
	uint32_t count;                            /* clauses 1..count stand */
	struct sl_clause clause[SL_NAMES_MAX + 1]; /* by number; [0] is unused */
};

/*
 * Bits of the clauses that hold for the server name @name and the application @app; either
 * may be "".  "payments.example" is that name; "*.payments.example" any name below it, at any
 * depth, not itself.  An application is its whole name or a part of it between dots: both
 * TLS and Netflix hold for "TLS.Netflix".  Case does not count.  Bit 0 is not set.
 */
uint64_t sl_clauses_match(const struct sl_clauses *clauses, const char *name, const char *app);

#endif
