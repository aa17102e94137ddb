/*
 * ground.c - unshare, mount, system, popen
 */
#include "ground.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "tests/unit/row.h"

int ground_enter(void)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	return mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL);
}

void sh(const char *command)
{
	if (system(command))
		fail_msg("failed: %s", command);
}

const char *output(const char *command)
{
	static char text[8192];
	FILE *pipe = popen(command, "re");
	size_t got;

	assert_non_null(pipe);
	got = fread(text, 1, sizeof(text) - 1, pipe);
	text[got] = 0;
	pclose(pipe);
	return text;
}
