/*
 * recorder.c - rings to a sorted list, the list to a file, files to a bounded number
 */
#include "recorder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "pcapng.h"

#define MASK_MAX 1023u
#define SUFFIX   ".pcapng"

/* ---- who is recorded ---- */

static bool wanted(const struct sl_policy *policy, uint32_t service, uint8_t priority)
{
	const struct sl_policy_service *s = &policy->service[service];

	return s->priority == priority &&
	       (policy->recorder.services == SL_RECORD_ALL || priority == SL_PRIORITY_CRITICAL);
}

void sl_recorder_assign(const struct sl_policy *policy, struct sl_record_knob knob[SL_SERVICES_MAX])
{
	uint8_t rings = 0;

	memset(knob, 0, SL_SERVICES_MAX * sizeof(*knob));
	if (policy->recorder.services == SL_RECORD_NONE)
		return;
	for (int priority = SL_PRIORITY_CRITICAL; priority >= 0; priority--)
		for (uint32_t s = 0; s < policy->services && rings < SL_RECORD_RINGS; s++)
			if (wanted(policy, s, (uint8_t)priority))
				knob[s + 1] = (struct sl_record_knob){
					.ring = ++rings,
					.whole = policy->recorder.payload == SL_RECORD_HEAD &&
						 priority != SL_PRIORITY_CRITICAL,
				};
}

uint16_t sl_recorder_mask(uint64_t per_second, uint32_t slots)
{
	uint64_t packets = per_second * (SL_RECORDER_SPAN_NS / UINT64_C(1000000000));
	uint32_t mask = 0;

	while (mask < MASK_MAX && packets / (mask + 1) > slots)
		mask = mask << 1 | 1;
	return (uint16_t)mask;
}

/* ---- collecting ---- */

struct list {
	struct sl_record *record;
	uint32_t count, room;
};

/* @from is copied to @to; false: it is not record @number, or was overwritten meanwhile. */
static bool copy_record(const struct sl_record *from, uint64_t number, struct sl_record *to)
{
	if (__atomic_load_n(&from->number, __ATOMIC_ACQUIRE) != number)
		return false;
	*to = *from;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&from->number, __ATOMIC_ACQUIRE) == number;
}

/* The newest first, until they are too old, or gone. */
static void collect_ring(const struct sl_recorder_job *job, const struct sl_record_view *view,
			 uint32_t ring, struct list *list, struct sl_recorder_done *done)
{
	uint64_t last = __atomic_load_n(&view->head[ring].number, __ATOMIC_ACQUIRE);
	uint64_t least = last > view->slots ? last - view->slots + 1 : 1;

	for (uint64_t n = last; n >= least && list->count < list->room; n--) {
		struct sl_record *to = &list->record[list->count];
		uint64_t slot = (uint64_t)ring * view->slots + (n & (view->slots - 1));

		if (!copy_record(&view->slot[slot], n, to)) {
			done->overwritten++;
			continue;
		}
		if (to->now_ns < job->from_ns)
			return;
		list->count += to->now_ns <= job->to_ns && to->length <= SL_RECORD_BYTES;
	}
	/* All of the ring is of the span, so what was there before was, too: nobody knows how much. */
	done->overwritten += least > 1;
}

static int by_time(const void *left, const void *right)
{
	const struct sl_record *a = left, *b = right;

	return a->now_ns < b->now_ns ? -1 : a->now_ns > b->now_ns;
}

static int collect(const struct sl_recorder_job *job, struct list *list,
		   struct sl_recorder_done *done)
{
	for (uint32_t i = 0; i < job->views; i++)
		list->room += SL_RECORD_RINGS * job->view[i].slots;
	list->record = malloc((size_t)list->room * sizeof(*list->record) + 1);
	if (!list->record)
		return -ENOMEM;
	for (uint32_t i = 0; i < job->views; i++)
		for (uint32_t ring = 0; ring < SL_RECORD_RINGS; ring++)
			if (job->rings & 1u << ring)
				collect_ring(job, &job->view[i], ring, list, done);
	qsort(list->record, list->count, sizeof(*list->record), by_time);
	done->packets = list->count;
	done->first_ns = list->count ? list->record[0].now_ns : 0;
	return 0;
}

/* ---- writing ---- */

/* The interface of each path that is there, in the order of appearance. */
struct interfaces {
	uint32_t count;
	uint8_t number[SL_SERVICES_MAX][SL_UPLINKS_MAX]; /* + 1; 0 = not there */
};

static void name_interfaces(FILE *out, const struct sl_recorder_job *job, const struct list *list,
			    struct interfaces *interfaces)
{
	for (uint32_t i = 0; i < list->count; i++) {
		uint32_t s = list->record[i].service & (SL_SERVICES_MAX - 1);
		uint32_t u = list->record[i].uplink & (SL_UPLINKS_MAX - 1);

		if (interfaces->number[s][u])
			continue;
		interfaces->number[s][u] = (uint8_t)++interfaces->count;
		sl_pcapng_interface(out, job->path[s][u], SL_RECORD_BYTES);
	}
}

static void write_list(FILE *out, const struct sl_recorder_job *job, const struct list *list)
{
	struct interfaces interfaces = {0};

	sl_pcapng_begin(out, job->comment);
	name_interfaces(out, job, list, &interfaces);
	for (uint32_t i = 0; i < list->count; i++) {
		const struct sl_record *r = &list->record[i];
		uint32_t s = r->service & (SL_SERVICES_MAX - 1),
			 u = r->uplink & (SL_UPLINKS_MAX - 1);
		const struct sl_pcapng_packet packet = {
			.interface = interfaces.number[s][u] - 1u,
			.unix_ns = r->now_ns + job->unix_offset_ns,
			.wire_bytes = r->wire_bytes,
			.length = r->length,
			.inbound = !r->from_lan,
			.bytes = r->bytes,
		};

		sl_pcapng_packet(out, &packet);
	}
}

int sl_recorder_write(const struct sl_recorder_job *job, const char *name,
		      struct sl_recorder_done *done)
{
	struct sl_recorder_done d = {0};
	struct list list = {0};
	int err = collect(job, &list, &d);
	FILE *out = err ? NULL : fopen(name, "we");

	if (!err && !out)
		err = -errno;
	if (out) {
		write_list(out, job, &list);
		err = ferror(out) ? -EIO : 0;
		if (fclose(out) && !err)
			err = -errno;
		if (err)
			unlink(name);
	}
	free(list.record);
	if (!err)
		*done = d;
	return err;
}

/* ---- files ---- */

static int is_recording(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name), suffix = strlen(SUFFIX);

	return length > suffix && !strcmp(entry->d_name + length - suffix, SUFFIX);
}

static uint64_t bytes_of(const char *dir, const char *name)
{
	char path[SL_FILES_PATH_MAX];
	struct stat st;

	return sl_files_path(path, dir, name) || stat(path, &st) ? 0 : (uint64_t)st.st_size;
}

/* Names begin with their time, so their order is that of time. */
int sl_recorder_list(const char *dir, void (*each)(void *arg, const char *name, uint64_t bytes),
		     void *arg)
{
	struct dirent **entry;
	int count = scandir(dir, &entry, is_recording, alphasort);

	if (count < 0)
		return errno == ENOENT ? 0 : -errno;
	for (int i = 0; i < count; i++) {
		each(arg, entry[i]->d_name, bytes_of(dir, entry[i]->d_name));
		free(entry[i]);
	}
	free(entry);
	return count;
}

struct pruning {
	const char *dir;
	uint32_t files;
	uint64_t bytes;
	uint32_t files_most;
};

static void add_up(void *arg, const char *name, uint64_t bytes)
{
	struct pruning *p = arg;

	p->files++;
	p->bytes += bytes;
}

static void remove_if_many(void *arg, const char *name, uint64_t bytes)
{
	struct pruning *p = arg;
	char path[SL_FILES_PATH_MAX];

	if ((p->files <= p->files_most && p->bytes <= SL_RECORDER_BYTES_MAX) ||
	    sl_files_path(path, p->dir, name) || unlink(path))
		return;
	p->files--;
	p->bytes -= bytes;
}

void sl_recorder_prune(const char *dir, uint32_t files)
{
	struct pruning p = {.dir = dir, .files_most = files};

	sl_recorder_list(dir, add_up, &p);
	sl_recorder_list(dir, remove_if_many, &p);
}
