/*
 * lab.h - a private Redis, a dataplane that is not one, and programs to run
 *
 * The dataplane is a child process on the real bus: it publishes a policy and ten
 * pictures a second, obeys and acknowledges commands, and keeps its events until
 * the watermark covers them, as the real one does.
 */
#ifndef SL_TEST_LAB_H
#define SL_TEST_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define LAB_OUTPUT_MAX 65536

struct lab {
	char dir[64], redis[128]; /* redis: unix:... */
	pid_t server, dataplane;
	char output[LAB_OUTPUT_MAX]; /* stdout and stderr of the last program */
};

struct lab_dataplane {
	bool brownout; /* pos is degraded on fibre until it is moved */
	bool frozen;
	bool lossy;          /* every third event is sent only when it is resent */
	unsigned int events; /* state changes to report, one each 50 ms */
};

/* 0, or -1 when there is no redis-server. */
int lab_open(struct lab *lab);
void lab_close(struct lab *lab);
/* Redis dies by -9 and comes back empty. */
void lab_restart_redis(struct lab *lab);

void lab_start_dataplane(struct lab *lab, const struct lab_dataplane *how);
void lab_stop_dataplane(struct lab *lab);

/* Run @program (an environment variable's name) with "a b c"; its exit code, -1 on signal. */
int lab_run(struct lab *lab, const char *program, const char *words);
/* `storeline @words` ends with @code and says @said; else the test fails. */
void lab_says(struct lab *lab, const char *words, int code, const char *said);
/* As lab_run(), not waited for; its output is thrown away. */
pid_t lab_spawn(struct lab *lab, const char *program, const char *words);
/* Kill by -9 and wait. */
void lab_kill(pid_t pid);

/* A line "key value" of redis-cli; true when the answer contains @want. */
bool lab_redis_says(struct lab *lab, const char *words, const char *want);
/* Wait until it says so. */
bool lab_redis_until(struct lab *lab, const char *words, const char *want, unsigned int ms);
void lab_write(struct lab *lab, const char *name, const char *text);
/* The number that @key has in the file @name ("key": "123"); 0 when there is none. */
unsigned long lab_number(struct lab *lab, const char *name, const char *key);
void lab_sleep(unsigned int ms);

extern const char lab_policy[];

#endif
