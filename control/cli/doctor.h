/*
 * doctor.h - is this machine fit for Storeline?  From facts to findings
 *
 * Pure: the checks look at facts.h alone.  A finding that is not ok says its cause and a
 * cure that can be typed.
 */
#ifndef SL_DOCTOR_H
#define SL_DOCTOR_H

#include "facts.h"

#define SL_FINDINGS_MAX 160

enum sl_doctor_grade {
	SL_DOCTOR_OK,
	SL_DOCTOR_SKIP,   /* not looked at, and why */
	SL_DOCTOR_WARN,   /* it works, less well */
	SL_DOCTOR_FAIL,   /* it does not work */
	SL_DOCTOR_REFUSE, /* it would lock you out */
	SL_DOCTOR_COUNT
};

struct sl_finding {
	enum sl_doctor_grade grade;
	char check[64]; /* "kernel", "fibre (eth0) XDP" */
	char found[SL_TEXT_MAX], cause[SL_TEXT_MAX], cure[SL_TEXT_MAX * 2];
};

struct sl_findings {
	uint32_t count;
	struct sl_finding finding[SL_FINDINGS_MAX];
};

const char *sl_doctor_word(enum sl_doctor_grade grade);

/*
 * Add a finding.  @cause and @cure may be NULL for what is ok or was not looked at;
 * @format says what was found.
 */
void sl_doctor_add(struct sl_findings *findings, enum sl_doctor_grade grade, const char *check,
		   const char *cause, const char *cure, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

/* All checks. */
void sl_doctor_check(struct sl_findings *findings, const struct sl_facts *facts);
/* Their parts. */
void sl_doctor_host(struct sl_findings *findings, const struct sl_facts *facts);
void sl_doctor_site(struct sl_findings *findings, const struct sl_facts *facts);
void sl_doctor_port(struct sl_findings *findings, const struct sl_facts *facts,
		    const struct sl_facts_port *port);
void sl_doctor_redis(struct sl_findings *findings, const struct sl_facts *facts);

/* The exit code: 0, 7 when something fails, 5 when it would lock you out. */
int sl_doctor_code(const struct sl_findings *findings);

#endif
