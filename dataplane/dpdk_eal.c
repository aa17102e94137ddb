/*
 * dpdk_eal.c - EAL: its arguments from the policy, its words when it refuses
 *
 * EAL starts once a process and speaks to stdout and stderr; what it says goes to a
 * file in memory, and the line that names the fault into @why.  It runs in memory only:
 * nothing of it outlives the process, however that ends.
 */
#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_malloc.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dpdk_private.h"

#define WORDS_MAX   (SL_ENGINE_EAL_MAX + 16)
#define FILE_PREFIX "storeline"
#define HUGE_2MB    (2u << 20)

struct arguments {
	int count;
	char *word[WORDS_MAX];
	char text[16][512]; /* of the words that are ours */
	int texts;
};

int sl_dpdk_fail(struct sl_dpdk_why why, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why.text, why.size, format, args);
	va_end(args);
	return err;
}

void sl_dpdk_say(const struct sl_dpdk *dpdk, const char *format, ...)
{
	char line[512];
	va_list args;

	if (!dpdk->say)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	dpdk->say(dpdk->say_arg, line);
}

/* ---- arguments ---- */

__attribute__((format(printf, 2, 3))) static void add(struct arguments *a, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(a->text[a->texts], sizeof(a->text[0]), format, args);
	va_end(args);
	a->word[a->count++] = a->text[a->texts++];
}

/* The CPUs that this process may use, "0,1,5". */
static void allowed_cpus(char *text, size_t size)
{
	cpu_set_t set;
	size_t used = 0;

	text[0] = 0;
	if (sched_getaffinity(0, sizeof(set), &set))
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE && used + 8 < size; cpu++)
		if (CPU_ISSET(cpu, &set))
			used += (size_t)snprintf(text + used, size - used, "%s%d", used ? "," : "",
						 cpu);
}

/* CPU of worker @i when the policy does not say: the last ones, so that CPU 0 is left to others. */
static int chosen_cpu(uint32_t i)
{
	cpu_set_t set;
	int found = -1;

	if (sched_getaffinity(0, sizeof(set), &set))
		return (int)i;
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--)
		if (CPU_ISSET(cpu, &set)) {
			found = cpu;
			if (i-- == 0)
				return cpu;
		}
	return found;
}

/* lcore 0 is the agent's thread and floats; lcore i + 1 is worker i on its CPU. */
static void add_lcores(struct arguments *a, const struct sl_policy_engine *engine)
{
	char cpus[256], text[512];
	int used;

	allowed_cpus(cpus, sizeof(cpus));
	used = snprintf(text, sizeof(text), "--lcores=0@(%s)", cpus);
	for (uint32_t i = 0; i < engine->queues; i++) {
		int cpu = engine->lcores ? engine->lcore[i] : chosen_cpu(i);

		if ((size_t)used < sizeof(text))
			used += snprintf(text + used, sizeof(text) - (size_t)used, ",%u@%d", i + 1,
					 cpu);
	}
	add(a, "%s", text);
}

static void make_arguments(struct arguments *a, const struct sl_policy_engine *engine,
			   uint64_t memory_bytes)
{
	add(a, "storeline-dataplane");
	add_lcores(a, engine);
	add(a, "--no-telemetry");
	add(a, "--file-prefix=%s", FILE_PREFIX);
	if (engine->driver != SL_DRIVER_EAL)
		add(a, "--no-pci");
	if (engine->no_huge_pages) {
		add(a, "--no-huge");
		add(a, "--no-shconf"); /* what --in-memory says, which needs huge pages */
		add(a, "-m%llu", (unsigned long long)(memory_bytes >> 20) + 1);
	} else {
		add(a, "--in-memory");
	}
	for (uint32_t i = 0; i < engine->eal_words; i++)
		a->word[a->count++] = (char *)(uintptr_t)engine->eal[i];
	a->word[a->count] = NULL;
}

/* ---- its words ---- */

struct hearing {
	int file, out, err;
};

static void hear_begin(struct hearing *h)
{
	fflush(NULL);
	h->file = memfd_create("eal", MFD_CLOEXEC);
	h->out = dup(STDOUT_FILENO);
	h->err = dup(STDERR_FILENO);
	if (h->file < 0)
		return;
	dup2(h->file, STDOUT_FILENO);
	dup2(h->file, STDERR_FILENO);
}

static void hear_end(struct hearing *h, char *words, size_t size)
{
	ssize_t got = 0;

	fflush(NULL);
	dup2(h->out, STDOUT_FILENO);
	dup2(h->err, STDERR_FILENO);
	if (h->file >= 0)
		got = pread(h->file, words, size - 1, 0);
	words[got > 0 ? got : 0] = 0;
	close(h->out);
	close(h->err);
	if (h->file >= 0)
		close(h->file);
}

/* Lines that say no more than that things go their way. */
static bool is_chatter(const char *line)
{
	static const char *const begins[] = {
		"EAL: Detected", "EAL: Selected", "EAL: VFIO", "EAL: No available",
		"EAL: Probe",    "TELEMETRY",     "\n"};

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		if (!strncmp(line, begins[i], strlen(begins[i])))
			return true;
	return !*line;
}

/* The first line of @words that names a fault. */
static void fault_line(const char *words, char *line, size_t size)
{
	snprintf(line, size, "it does not say why");
	while (*words) {
		size_t length = strcspn(words, "\n");

		if (!is_chatter(words)) {
			const char *colon = strstr(words, ": ");
			size_t skip =
				colon && colon < words + length ? (size_t)(colon + 2 - words) : 0;

			snprintf(line, size, "%.*s", (int)(length - skip), words + skip);
			return;
		}
		words += length + (words[length] == '\n');
	}
}

/* ---- memory ---- */

/* Bytes of huge pages that are free, of any size. */
static uint64_t free_huge_bytes(void)
{
	static const struct {
		const char *file;
		uint64_t bytes;
	} sizes[] = {
		{"/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", HUGE_2MB},
		{"/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", 1u << 30},
	};
	uint64_t bytes = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		FILE *file = fopen(sizes[i].file, "re");
		unsigned long long pages = 0;

		if (!file)
			continue;
		if (fscanf(file, "%llu", &pages) == 1)
			bytes += pages * sizes[i].bytes;
		fclose(file);
	}
	return bytes;
}

static int check_memory(const struct sl_policy_engine *engine, uint64_t bytes,
			struct sl_dpdk_why why)
{
	uint64_t have = free_huge_bytes();

	if (engine->no_huge_pages || have >= bytes)
		return 0;
	return sl_dpdk_fail(
		why, -ENOMEM,
		"engine: about %llu MB of huge pages are needed, %llu MB are free: "
		"write %llu to /proc/sys/vm/nr_hugepages, ask for fewer flows or mbufs, "
		"or say huge_pages: false",
		(unsigned long long)(bytes >> 20), (unsigned long long)(have >> 20),
		(unsigned long long)((bytes - have) / HUGE_2MB) + 1);
}

void *sl_dpdk_memory(size_t bytes)
{
	void *memory;

	if (rte_eal_has_hugepages())
		return rte_zmalloc("storeline", bytes, RTE_CACHE_LINE_SIZE);
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return NULL;
	madvise(memory, bytes, MADV_HUGEPAGE); /* transparent ones, where the kernel has them */
	return memory;
}

void sl_dpdk_memory_free(void *memory, size_t bytes)
{
	if (!memory)
		return;
	if (rte_eal_has_hugepages())
		rte_free(memory);
	else
		munmap(memory, bytes);
}

/* ---- the start ---- */

/* EAL makes an empty folder even when it keeps all in memory. */
static void drop_folders(void)
{
	rmdir("/var/run/dpdk/" FILE_PREFIX);
	rmdir("/var/run/dpdk");
}

int sl_dpdk_eal_start(const struct sl_policy_engine *engine, uint64_t memory_bytes, bool verbose,
		      struct sl_dpdk_why why)
{
	static struct arguments arguments; /* EAL keeps pointers to them */
	static bool started;
	static char words[16384];
	struct hearing hearing;
	char line[256];
	int got, err;

	if (started)
		return 0;
	err = check_memory(engine, memory_bytes, why);
	if (err)
		return err;
	make_arguments(&arguments, engine, memory_bytes);
	hear_begin(&hearing);
	got = rte_eal_init(arguments.count, arguments.word);
	err = rte_errno;
	hear_end(&hearing, words, sizeof(words));
	if (verbose)
		fputs(words, stderr);
	drop_folders();
	if (got >= 0) {
		started = true;
		if (!verbose)
			rte_log_set_global_level(RTE_LOG_WARNING);
		return 0;
	}
	fault_line(words, line, sizeof(line));
	return sl_dpdk_fail(why,
			    err == ENOMEM   ? -ENOMEM
			    : err == EACCES ? -EPERM
					    : -EINVAL,
			    "engine: EAL does not start: %s", line);
}
