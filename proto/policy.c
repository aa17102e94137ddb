/*
 * policy.c - YAML text or file to struct sl_policy
 *
 * A policy is filled aside and copied out only when nothing is wrong with it.
 * The walk is policy_yaml.c (and says why not libcyaml), the keys are
 * policy_sections.c, policy_engine.c, policy_match.c and policy_names.c, what spans sections is
 * policy_check.c.
 * Pure but for sl_policy_load: any thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy_yaml.h"

static void read_document(struct sl_reader *reader, const char *yaml, size_t size)
{
	if (sl_reader_open(reader, yaml, size))
		return;
	sl_reader_map(reader, reader->root, sl_policy_keys, reader->policy);
	if (!reader->mistakes)
		sl_policy_check(reader);
	sl_reader_close(reader);
}

int sl_policy_read(struct sl_policy *policy, const char *yaml, size_t size, const char *file,
		   char *why, size_t why_size)
{
	struct sl_reader reader = {.file = file, .why = why, .why_size = why_size};

	if (why_size)
		why[0] = 0;
	reader.policy = calloc(1, sizeof(*policy));
	if (!reader.policy) {
		sl_reader_wrong(&reader, NULL, "out of memory");
		return -EINVAL;
	}
	reader.policy->guardrails = (struct sl_policy_guardrails){6, 4, 30000, SL_REVERT_ADVISE};
	sl_policy_probes_defaults(reader.policy);
	for (int i = 0; i < SL_POLICY_PORTS_MAX; i++)
		reader.policy->port[i].pair = SL_PORT_NONE;
	/* One byte less: as the text of a command it ends with a NUL. */
	if (size >= SL_POLICY_BYTES_MAX)
		sl_reader_wrong(&reader, NULL, "is longer than %d bytes", SL_POLICY_BYTES_MAX - 1);
	else
		read_document(&reader, yaml, size);
	if (!reader.mistakes)
		memcpy(policy, reader.policy, sizeof(*policy));
	free(reader.policy);
	return reader.mistakes ? -EINVAL : 0;
}

/* All of @fd, up to one byte more than a policy may have.  Length or -errno. */
static long read_all(int fd, char *text)
{
	size_t size = 0;
	ssize_t got;

	while (size < SL_POLICY_BYTES_MAX) {
		got = read(fd, text + size, SL_POLICY_BYTES_MAX - size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		size += (size_t)got;
	}
	return (long)size;
}

static long read_file(const char *file, char *text)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	long size;

	if (fd < 0)
		return -errno;
	size = read_all(fd, text);
	close(fd);
	return size;
}

int sl_policy_load(struct sl_policy *policy, const char *file, char *why, size_t why_size)
{
	char *text = malloc(SL_POLICY_BYTES_MAX);
	long size = text ? read_file(file, text) : -ENOMEM;
	int err;

	if (size < 0) {
		snprintf(why, why_size, "%s: %s", file, strerror((int)-size));
		err = (int)size;
	} else {
		err = sl_policy_read(policy, text, (size_t)size, file, why, why_size);
	}
	free(text);
	return err;
}

int sl_policy_service_index(const struct sl_policy *policy, const char *name)
{
	for (uint32_t i = 0; i < policy->services; i++) {
		if (!strcmp(policy->service[i].name, name))
			return (int)i;
	}
	return strcmp(name, "other") ? -1 : SL_POLICY_OTHER;
}

int sl_policy_uplink_index(const struct sl_policy *policy, const char *name)
{
	for (uint32_t i = 0; i < policy->uplinks; i++) {
		if (!strcmp(policy->uplink[i].name, name))
			return (int)i;
	}
	return -1;
}
