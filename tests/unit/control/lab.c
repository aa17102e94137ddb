/*
 * lab.c - processes and a directory, cleaned up
 */
#include "lab.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/row.h"

#define WORDS_MAX 24

void lab_sleep(unsigned int ms)
{
	struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};

	nanosleep(&time, NULL);
}

static void split(char *text, char **word, unsigned int most)
{
	unsigned int n = 0;

	for (char *at = strtok(text, " "); at && n + 1 < most; at = strtok(NULL, " "))
		word[n++] = at;
	word[n] = NULL;
}

static pid_t start(const char *program, const char *words, int output)
{
	char text[1024], *word[WORDS_MAX];
	pid_t pid;

	snprintf(text, sizeof(text), "%s %s", program, words);
	split(text, word, WORDS_MAX);
	fflush(NULL);
	pid = fork();
	if (pid)
		return pid;
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	if (word[0])
		execvp(word[0], word);
	_exit(127);
}

static pid_t start_redis(struct lab *lab)
{
	char words[256];
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	pid_t pid;

	snprintf(words, sizeof(words),
		 "--port 0 --unixsocket %s/redis.sock --dir %s --save --appendonly no", lab->dir,
		 lab->dir);
	pid = start("redis-server", words, null);
	close(null);
	return pid;
}

static bool wait_redis(struct lab *lab)
{
	return lab_redis_until(lab, "PING", "PONG", 5000);
}

int lab_open(struct lab *lab)
{
	memset(lab, 0, sizeof(*lab));
	snprintf(lab->dir, sizeof(lab->dir), "/tmp/sl-lab-XXXXXX");
	if (!mkdtemp(lab->dir))
		return -1;
	snprintf(lab->redis, sizeof(lab->redis), "unix:%s/redis.sock", lab->dir);
	setenv("STORELINE_REDIS", lab->redis, 1);
	setenv("STORELINE_SITE", "store-0421", 1);
	lab->server = start_redis(lab);
	return wait_redis(lab) ? 0 : -1;
}

void lab_kill(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void lab_restart_redis(struct lab *lab)
{
	lab_kill(lab->server);
	lab_sleep(300);
	lab->server = start_redis(lab);
	wait_redis(lab);
}

void lab_close(struct lab *lab)
{
	char words[128];

	lab_stop_dataplane(lab);
	lab_kill(lab->server);
	snprintf(words, sizeof(words), "-rf %s", lab->dir);
	if (!strncmp(lab->dir, "/tmp/sl-lab-", 12))
		waitpid(start("rm", words, STDERR_FILENO), NULL, 0);
}

static int capture(struct lab *lab, const char *program, const char *words)
{
	int pipe_fd[2], status;
	size_t at = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC))
		return -1;
	pid = start(program, words, pipe_fd[1]);
	close(pipe_fd[1]);
	while ((n = read(pipe_fd[0], lab->output + at, LAB_OUTPUT_MAX - 1 - at)) > 0)
		at += (size_t)n;
	lab->output[at] = '\0';
	close(pipe_fd[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *path_of(const char *program)
{
	const char *path = getenv(program);

	if (path)
		return path;
	fprintf(stderr, "%s must name the program\n", program);
	exit(1);
}

int lab_run(struct lab *lab, const char *program, const char *words)
{
	return capture(lab, path_of(program), words);
}

void lab_says(struct lab *lab, const char *words, int code, const char *said)
{
	int ended = lab_run(lab, "STORELINE", words);

	if (ended != code || !strstr(lab->output, said))
		print_message("%s: exit %d: %s\n", words, ended, lab->output);
	assert_int_equal(ended, code);
	assert_non_null(strstr(lab->output, said));
}

pid_t lab_spawn(struct lab *lab, const char *program, const char *words)
{
	char log[128];
	int fd;
	pid_t pid;

	snprintf(log, sizeof(log), "%s/%s.log", lab->dir, program);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	pid = start(path_of(program), words, fd);
	close(fd);
	return pid;
}

bool lab_redis_says(struct lab *lab, const char *words, const char *want)
{
	char all[512];

	snprintf(all, sizeof(all), "-s %s %s", lab->redis + strlen("unix:"), words);
	return !capture(lab, "redis-cli", all) && strstr(lab->output, want);
}

bool lab_redis_until(struct lab *lab, const char *words, const char *want, unsigned int ms)
{
	for (unsigned int waited = 0; waited <= ms; waited += 50) {
		if (lab_redis_says(lab, words, want))
			return true;
		lab_sleep(50);
	}
	return false;
}

void lab_write(struct lab *lab, const char *name, const char *text)
{
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", lab->dir, name);
	file = fopen(path, "w");
	if (!file)
		return;
	fputs(text, file);
	fclose(file);
}

unsigned long lab_number(struct lab *lab, const char *name, const char *key)
{
	char path[160], line[256], want[64];
	unsigned long number = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", lab->dir, name);
	snprintf(want, sizeof(want), "\"%s\": \"", key);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file)) {
		const char *at = strstr(line, want);

		if (at) {
			number = strtoul(at + strlen(want), NULL, 10);
			break;
		}
	}
	if (file)
		fclose(file);
	return number;
}

void lab_stop_dataplane(struct lab *lab)
{
	lab_kill(lab->dataplane);
	lab->dataplane = 0;
}
