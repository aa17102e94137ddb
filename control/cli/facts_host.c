/*
 * facts_host.c - the machine: rights, kernel, file systems, clock, forwarding
 */
#include "facts.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#define STATE_DIR   "/var/lib/storeline"
#define BPFFS       "/sys/fs/bpf"
#define BPFFS_MAGIC 0xcafe4a11 /* linux/magic.h */

/* The first line of a file; false when it cannot be read. */
static bool first_line(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	bool got;

	if (!file)
		return false;
	got = fgets(text, (int)size, file) != NULL;
	fclose(file);
	if (got)
		text[strcspn(text, "\n")] = '\0';
	return got;
}

static int number_in(const char *path)
{
	char text[32], *end;
	long value;

	if (!first_line(path, text, sizeof(text)))
		return SL_FACTS_UNKNOWN;
	value = strtol(text, &end, 10);
	return end != text && value >= 0 && value <= INT_MAX ? (int)value : SL_FACTS_UNKNOWN;
}

/* "Name:  value unit" in a file of such lines; 0 when there is none. */
static uint64_t named(const char *path, const char *name, int base)
{
	FILE *file = fopen(path, "re");
	uint64_t value = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			value = strtoull(line + strlen(name) + 1, NULL, base);
	if (file)
		fclose(file);
	return value;
}

static void kernel(struct sl_facts_host *host)
{
	struct utsname name;
	char *end;

	if (uname(&name))
		return;
	snprintf(host->kernel, sizeof(host->kernel), "%.63s", name.release);
	host->kernel_major = (unsigned int)strtoul(host->kernel, &end, 10);
	host->kernel_minor = *end == '.' ? (unsigned int)strtoul(end + 1, NULL, 10) : 0;
}

/* "none [integrity] confidentiality": the one in brackets. */
static void lockdown(struct sl_facts_host *host)
{
	char line[64], *at, *end;

	if (!first_line("/sys/kernel/security/lockdown", line, sizeof(line)))
		return;
	at = strchr(line, '[');
	end = at ? strchr(at, ']') : NULL;
	if (end)
		snprintf(host->lockdown, sizeof(host->lockdown), "%.*s", (int)(end - at - 1),
			 at + 1);
}

static int clock_state(void)
{
	struct timex timex = {.modes = 0};

	if (adjtimex(&timex) < 0)
		return SL_FACTS_UNKNOWN;
	return !(timex.status & STA_UNSYNC);
}

/*
 * nft shows the rules of iptables-nft too.  Best effort: one who may not list them, or
 * who translates elsewhere, is not known.
 */
static int nat_rule(void)
{
	static const char *const words[] = {"\"masquerade\"", "\"snat\"", "MASQUERADE", "SNAT"};
	FILE *rules = popen("nft -j list ruleset 2>/dev/null", "re");
	char *text = NULL;
	size_t size = 0;
	int found = SL_FACTS_UNKNOWN;

	if (!rules)
		return found;
	if (getdelim(&text, &size, '\0', rules) > 0) {
		found = 0;
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (strstr(text, words[i]))
				found = 1;
	}
	free(text);
	return pclose(rules) == 0 ? found : SL_FACTS_UNKNOWN;
}

/* The folder is made by the dataplane: until then its file system is that of a folder above. */
static void state_dir(struct sl_facts_host *host, const char *state)
{
	struct statvfs found;
	char path[sizeof(host->state_dir)];

	snprintf(host->state_dir, sizeof(host->state_dir), "%s", state ? state : STATE_DIR);
	while (statvfs(host->state_dir, &found)) {
		host->state_error = errno;
		if (errno != ENOENT || !strcmp(host->state_dir, "/") ||
		    !strcmp(host->state_dir, "."))
			return;
		snprintf(path, sizeof(path), "%s", host->state_dir);
		snprintf(host->state_dir, sizeof(host->state_dir), "%s", dirname(path));
	}
	host->state_error = found.f_flag & ST_RDONLY ? EROFS : 0;
	host->state_free_bytes = (uint64_t)found.f_bavail * found.f_frsize;
}

void sl_facts_host(struct sl_facts *facts, const char *state)
{
	struct sl_facts_host *host = &facts->host;
	struct statfs mounted;

	host->capabilities = named("/proc/self/status", "CapEff", 16);
	kernel(host);
	host->btf = !access("/sys/kernel/btf/vmlinux", R_OK);
	host->bpffs = !statfs(BPFFS, &mounted) && (uint64_t)mounted.f_type == BPFFS_MAGIC;
	host->jit = number_in("/proc/sys/net/core/bpf_jit_enable");
	lockdown(host);
	host->clock = clock_state();
	host->ip_forward = number_in("/proc/sys/net/ipv4/ip_forward");
	host->rp_filter_all = number_in("/proc/sys/net/ipv4/conf/all/rp_filter");
	host->nat = nat_rule();
	host->huge_pages_free = named("/proc/meminfo", "HugePages_Free", 10);
	host->huge_page_bytes = named("/proc/meminfo", "Hugepagesize", 10) * 1024;
	state_dir(host, state);
	host->cpus = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
}
