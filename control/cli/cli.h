/*
 * cli.h - what the verbs of the command line share: the words, the exit codes
 *
 * A verb is a row of the table in verbs.c and a function of (cli).  Data goes to
 * stdout, talk to stderr.  One thread.
 */
#ifndef SL_CLI_H
#define SL_CLI_H

#include "proto/wire.h"

enum sl_cli_exit {
	SL_CLI_OK = 0,
	SL_CLI_ERROR = 1,
	SL_CLI_USAGE = 2,     /* also: a bad policy */
	SL_CLI_NOT_FOUND = 3, /* unknown service or uplink */
	SL_CLI_NO_RIGHTS = 4,
	SL_CLI_REFUSED = 5, /* held or refused by a safety limit */
	SL_CLI_TIMEOUT = 6, /* also: no Redis, no dataplane */
	SL_CLI_UNHEALTHY = 7
};

#define SL_CLI_WORDS_MAX 4

enum sl_cli_option {
	SL_CLI_SHARE = 1,
	SL_CLI_LIVE = 2,
	SL_CLI_HOLD = 4,
	SL_CLI_LAST = 8,
	SL_CLI_POLICY = 16,
	SL_CLI_CONFIRM = 32,
	SL_CLI_STATE = 64,
	SL_CLI_SPAN = 128, /* --last, as a time */
	SL_CLI_RANGE = 256,
	SL_CLI_SERVICE = 512,
};

/* An option of the command line. */
struct sl_option {
	const char *name, *value; /* value: what stands for it in the help; "" = it takes none */
	const char *help;
	unsigned int bit; /* enum sl_cli_option; 0 = every verb has it */
};

extern const struct sl_option sl_options[];
extern const size_t sl_options_count;

struct sl_policy;

struct sl_cli {
	const struct sl_cli_verb *verb;
	const char *redis, *site;   /* NULL = not said */
	const char *policy, *state; /* NULL = not said */
	const char *last_text, *from, *to, *service;
	bool json, help, live;
	uint32_t timeout_ms, hold_ms, share_ppm, last, last_s, confirm_s;
	unsigned int options; /* enum sl_cli_option, those given */
	unsigned int words;
	const char *word[SL_CLI_WORDS_MAX]; /* after the verb */
};

struct sl_cli_verb {
	const char *name, *synopsis, *help, *more;
	const char *first; /* what its first word may be, for completion; "" = anything */
	unsigned int words_min, words_max;
	unsigned int options; /* those it takes */
	int (*run)(struct sl_cli *cli);
};

/* Complain on stderr, "storeline: ...", and give back @code. */
int sl_cli_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Split the command line.  Options stand anywhere.  0 and @cli, with the verb's name in
 * *@verb (NULL = none); or SL_CLI_USAGE, and the mistake was told.
 */
int sl_words_split(struct sl_cli *cli, const char **verb, int argc, char **argv);

/* "2mbit", "500kbit", "64000"; "off" is 0.  False when it is none of these. */
bool sl_words_rate(const char *text, uint64_t *bps);

/* --last as a number, or as a time in seconds (0 = not said); 0, or SL_CLI_USAGE and told. */
int sl_words_last(struct sl_cli *cli, bool is_time);

/* "7d", "90m", "30s" to seconds, at most 31 days; RFC 3339 to ns since 1970.  False when it is not. */
bool sl_words_span(const char *text, uint32_t *seconds);
bool sl_words_when(const char *text, uint64_t *unix_ns);

/* Is this site's and Redis's address known?  0, or SL_CLI_USAGE and told. */
int sl_words_need_bus(const struct sl_cli *cli);

int sl_cli_status(struct sl_cli *cli);
int sl_cli_top(struct sl_cli *cli);
int sl_cli_watch(struct sl_cli *cli);
int sl_cli_why(struct sl_cli *cli);
int sl_cli_incidents(struct sl_cli *cli);
int sl_cli_memory(struct sl_cli *cli);
int sl_cli_fleet(struct sl_cli *cli);
int sl_cli_policy(struct sl_cli *cli);
int sl_cli_whatif(struct sl_cli *cli);
int sl_cli_doctor(struct sl_cli *cli);
int sl_cli_discover(struct sl_cli *cli);
int sl_cli_reroute(struct sl_cli *cli);
int sl_cli_throttle(struct sl_cli *cli);
int sl_cli_clamp(struct sl_cli *cli);
int sl_cli_remark(struct sl_cli *cli);
int sl_cli_restore(struct sl_cli *cli);
int sl_cli_freeze(struct sl_cli *cli);
int sl_cli_bypass(struct sl_cli *cli);
int sl_cli_resume(struct sl_cli *cli);
int sl_cli_completion(struct sl_cli *cli);

/* The policy in @file; NULL and *@code, told (also as JSON), when it is none.  Caller frees. */
struct sl_policy *sl_cli_load_policy(const struct sl_cli *cli, const char *file, int *code);

/* Send @command (kind and what belongs to it) and wait for its ack; the exit code. */
int sl_act(struct sl_cli *cli, struct sl_command *command);

#endif
