/*
 * memory.c - what is kept of remedies, and what of it concerns an incident
 */
#include "memory.h"

#include <stdio.h>
#include <string.h>

#define FLEET_WEIGHT 0.5 /* another store's line is not this one's */
#define NEAR_WEIGHT  0.5
#define PROVEN_MEAN  0.6 /* one success and no failure is 0.67 */
#define EVIDENCE_MIN 1.0

static bool is_of(const struct sl_memory_entry *entry, const char *print, const char *remedy,
		  const char *target)
{
	return !strcmp(entry->fingerprint, print) && !strcmp(entry->remedy, remedy) &&
	       !strcmp(entry->target, target);
}

static struct sl_memory_entry *find(struct sl_memory *memory, const char *print, const char *remedy,
				    const char *target)
{
	for (uint32_t i = 0; i < memory->count; i++)
		if (is_of(&memory->entry[i], print, remedy, target))
			return &memory->entry[i];
	return NULL;
}

static bool is_weaker(const struct sl_memory_entry *a, const struct sl_memory_entry *b)
{
	uint64_t x = (uint64_t)a->helped + a->failed, y = (uint64_t)b->helped + b->failed;

	return x < y || (x == y && a->last_unix_ns < b->last_unix_ns);
}

/* A free place, or that of the weakest, then oldest. */
static struct sl_memory_entry *place(struct sl_memory *memory)
{
	struct sl_memory_entry *weakest = &memory->entry[0];

	if (memory->count < SL_WIRE_MEMORIES_MAX)
		return &memory->entry[memory->count++];
	for (uint32_t i = 1; i < memory->count; i++)
		if (is_weaker(&memory->entry[i], weakest))
			weakest = &memory->entry[i];
	return weakest;
}

static struct sl_memory_entry *entry_for(struct sl_memory *memory, const char *print,
					 const char *remedy, const char *target)
{
	struct sl_memory_entry *entry = find(memory, print, remedy, target);

	if (entry)
		return entry;
	entry = place(memory);
	*entry = (struct sl_memory_entry){.helped = 0};
	snprintf(entry->fingerprint, sizeof(entry->fingerprint), "%s", print);
	snprintf(entry->remedy, sizeof(entry->remedy), "%s", remedy);
	snprintf(entry->target, sizeof(entry->target), "%s", target);
	return entry;
}

static void count_repair(struct sl_memory_entry *entry, uint32_t helped, uint32_t repair_ms)
{
	uint64_t sum = (uint64_t)entry->repair_ms * entry->helped + (uint64_t)repair_ms * helped;

	entry->helped += helped;
	entry->repair_ms = entry->helped ? (uint32_t)(sum / entry->helped) : 0;
}

void sl_memory_learn(struct sl_memory *memory, const struct sl_lesson *lesson)
{
	struct sl_memory_entry *entry;

	if (!lesson->print[0])
		return;
	entry = entry_for(memory, lesson->print, lesson->remedy, lesson->target);
	if (lesson->helped)
		count_repair(entry, lesson->times, lesson->repair_ms);
	else
		entry->failed += lesson->times;
	entry->last_unix_ns = lesson->unix_ns;
	memory->version++;
}

void sl_memory_add(struct sl_memory *memory, const struct sl_memory_entry *other)
{
	struct sl_memory_entry *entry =
		entry_for(memory, other->fingerprint, other->remedy, other->target);

	count_repair(entry, other->helped, other->repair_ms);
	entry->failed += other->failed;
	if (other->last_unix_ns > entry->last_unix_ns)
		entry->last_unix_ns = other->last_unix_ns;
	memory->version++;
}

static struct sl_recalled *recalled_for(struct sl_recall *recall,
					const struct sl_memory_entry *entry)
{
	struct sl_recalled *one;

	for (uint32_t i = 0; i < recall->count; i++)
		if (!strcmp(recall->one[i].remedy, entry->remedy) &&
		    !strcmp(recall->one[i].target, entry->target))
			return &recall->one[i];
	if (recall->count == SL_RECALL_MAX)
		return NULL;
	one = &recall->one[recall->count++];
	*one = (struct sl_recalled){.distance = SL_MEMORY_NEAR + 1};
	memcpy(one->remedy, entry->remedy, sizeof(one->remedy));
	memcpy(one->target, entry->target, sizeof(one->target));
	return one;
}

/* Only the nearest count: what was learnt of the same beats what was learnt of the like. */
static void take(struct sl_recall *recall, const struct sl_memory_entry *entry, int distance,
		 double weight)
{
	struct sl_recalled *one;
	int rank = distance <= SL_MEMORY_SAME ? 0 : distance;

	if (distance < 0 || distance > SL_MEMORY_NEAR)
		return;
	one = recalled_for(recall, entry);
	if (!one || rank > one->distance)
		return;
	if (rank < one->distance) {
		one->helped = one->failed = 0;
		one->distance = rank;
	}
	one->helped += weight * entry->helped;
	one->failed += weight * entry->failed;
	if (entry->repair_ms)
		one->repair_ms = entry->repair_ms;
}

static void recall_from(const struct sl_memory *memory, const char *print, double weight,
			struct sl_recall *recall)
{
	for (uint32_t i = 0; i < memory->count; i++) {
		const struct sl_memory_entry *entry = &memory->entry[i];
		int distance = sl_memory_distance(print, entry->fingerprint);

		take(recall, entry, distance,
		     weight * (distance <= SL_MEMORY_SAME ? 1.0 : NEAR_WEIGHT));
	}
}

void sl_memory_recall(const struct sl_memory *own, const struct sl_memory *fleet, const char *print,
		      struct sl_recall *recall)
{
	recall->count = 0;
	recall->refused = 0;
	recall_from(own, print, 1.0, recall);
	if (fleet)
		recall_from(fleet, print, FLEET_WEIGHT, recall);
}

const struct sl_recalled *sl_recall_find(const struct sl_recall *recall, const char *remedy,
					 const char *target)
{
	for (uint32_t i = 0; recall && i < recall->count; i++)
		if (!strcmp(recall->one[i].remedy, remedy) &&
		    !strcmp(recall->one[i].target, target))
			return &recall->one[i];
	return NULL;
}

double sl_recall_mean(const struct sl_recalled *recalled)
{
	if (!recalled)
		return 0.5;
	return (1 + recalled->helped) / (2 + recalled->helped + recalled->failed);
}

bool sl_recall_proven(const struct sl_recalled *recalled)
{
	return recalled && recalled->helped + recalled->failed >= EVIDENCE_MIN &&
	       sl_recall_mean(recalled) >= PROVEN_MEAN;
}

bool sl_recall_never(const struct sl_recalled *recalled)
{
	return recalled && recalled->failed >= SL_MEMORY_NEVER_AT && recalled->helped <= 0;
}

void sl_recall_tell(const struct sl_recall *recall, char *text)
{
	size_t at = 0;

	text[0] = '\0';
	for (uint32_t i = 0; recall && i < recall->count && at < SL_TEXT_MAX; i++) {
		const struct sl_recalled *one = &recall->one[i];

		at += (size_t)snprintf(text + at, SL_TEXT_MAX - at, "%s%s%s%s helped %.3g of %.3g",
				       at ? "; " : "", one->remedy, one->target[0] ? " " : "",
				       one->target, one->helped, one->helped + one->failed);
		if (one->helped > 0 && at < SL_TEXT_MAX)
			at += (size_t)snprintf(text + at, SL_TEXT_MAX - at, " in %.1f s",
					       one->repair_ms / 1e3);
		if (one->distance && at < SL_TEXT_MAX)
			at += (size_t)snprintf(text + at, SL_TEXT_MAX - at, " (alike)");
	}
}

static void refused_print(const char *service, char *print)
{
	snprintf(print, SL_PRINT_MAX, "service/%s/refused", service);
}

void sl_memory_refused(struct sl_memory *memory, const char *service, const char *uplink,
		       uint64_t unix_ns)
{
	char print[SL_PRINT_MAX];
	struct sl_lesson lesson = {.print = print,
				   .remedy = "reroute",
				   .target = uplink,
				   .times = SL_MEMORY_NEVER_AT,
				   .unix_ns = unix_ns};

	refused_print(service, print);
	sl_memory_learn(memory, &lesson);
}

bool sl_memory_is_refused(const struct sl_memory *memory, const char *service, const char *uplink)
{
	char print[SL_PRINT_MAX];

	refused_print(service, print);
	for (uint32_t i = 0; i < memory->count; i++)
		if (is_of(&memory->entry[i], print, "reroute", uplink))
			return true;
	return false;
}

void sl_memory_forgive(struct sl_memory *memory, const char *service)
{
	char print[SL_PRINT_MAX];

	refused_print(service, print);
	for (uint32_t i = memory->count; i-- > 0;)
		if (!strcmp(memory->entry[i].fingerprint, print)) {
			memory->entry[i] = memory->entry[--memory->count];
			memory->version++;
		}
}
