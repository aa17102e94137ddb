/*
 * clauses_test.c - which patterns hold for which names
 */
#include <stdio.h>

#include "dataplane/clauses.h"
#include "tests/unit/row.h"

static const struct row {
	const char *name;
	bool is_app;
	const char *pattern, *server, *app;
	bool holds;
} rows[] = {
	{"the name itself", false, "payments.example", "payments.example", "", true},
	{"the name in another case", false, "Payments.Example", "payments.EXAMPLE", "", true},
	{"a name below a plain one", false, "payments.example", "a.payments.example", "", false},
	{"a name above", false, "payments.example", "example", "", false},
	{"below a star", false, "*.payments.example", "a.payments.example", "", true},
	{"far below a star", false, "*.payments.example", "a.b.c.payments.example", "", true},
	{"in another case below a star", false, "*.PAYMENTS.example", "a.payments.Example", "",
	 true},
	{"a star is not the bare name", false, "*.payments.example", "payments.example", "", false},
	{"a label that only ends alike", false, "*.payments.example", "xpayments.example", "",
	 false},
	{"an empty label is no label", false, "*.payments.example", ".payments.example", "", false},
	{"another name", false, "*.payments.example", "payments.example.evil.test", "", false},
	{"a top level", false, "*.example", "payments.example", "", true},
	{"a star alone holds for nothing", false, "*.", "payments.example", "", false},
	{"no name is known", false, "*.payments.example", "", "TLS", false},
	{"an empty pattern and no name", false, "", "", "", false},
	{"a name pattern is no application", false, "TLS", "", "TLS", false},
	{"an application", true, "SSH", "", "SSH", true},
	{"in another case", true, "netflix", "", "NetFlix", true},
	{"its protocol", true, "TLS", "", "TLS.NetFlix", true},
	{"what is in the protocol", true, "netflix", "", "TLS.NetFlix", true},
	{"both", true, "tls.netflix", "", "TLS.NetFlix", true},
	{"a part of a word", true, "Net", "", "TLS.NetFlix", false},
	{"more than it is", true, "TLS.NetFlix.x", "", "TLS.NetFlix", false},
	{"no application is known", true, "TLS", "payments.example", "", false},
	{"an empty pattern and no application", true, "", "", "", false},
	{"an empty pattern and an application", true, "", "", "TLS", false},
};

static void match(void **state)
{
	const struct row *row = *state;
	struct sl_clauses clauses = {.count = SL_NAMES_MAX};

	for (uint32_t i = 1; i < SL_NAMES_MAX; i++)
		snprintf(clauses.clause[i].pattern, SL_CLAUSE_MAX, "nobody.test");
	clauses.clause[SL_NAMES_MAX].is_app = row->is_app;
	snprintf(clauses.clause[SL_NAMES_MAX].pattern, SL_CLAUSE_MAX, "%s", row->pattern);
	assert_int_equal(sl_clauses_match(&clauses, row->server, row->app),
			 row->holds ? UINT64_C(1) << SL_NAMES_MAX : 0);
}

static void each_has_its_bit(void **state)
{
	struct sl_clauses clauses = {.count = 3};

	snprintf(clauses.clause[1].pattern, SL_CLAUSE_MAX, "*.example");
	snprintf(clauses.clause[2].pattern, SL_CLAUSE_MAX, "other.test");
	clauses.clause[3].is_app = true;
	snprintf(clauses.clause[3].pattern, SL_CLAUSE_MAX, "TLS");
	assert_int_equal(sl_clauses_match(&clauses, "a.example", "TLS"), 1 << 1 | 1 << 3);
	clauses.count = 2;
	assert_int_equal(sl_clauses_match(&clauses, "a.example", "TLS"), 1 << 1);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, rows, match);
	sl_row_add(&tests, "each clause has its bit, none behind the count", each_has_its_bit,
		   NULL);
	return sl_row_run("clauses", &tests);
}
