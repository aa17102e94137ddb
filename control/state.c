/*
 * state.c - the state file: structs to JSON and back, atomically on disk
 */
#include "state.h"
#include "state_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FORMAT 1

/* The numbers kept of a service, one row each: both directions read this table. */
#define CARE_U64(name)                                                                     \
	{                                                                                  \
#name, offsetof(struct sl_care, name), sizeof(((struct sl_care *)0)->name) \
	}
static const struct field {
	const char *name;
	size_t offset, size;
} care_numbers[] = {
	CARE_U64(phase),
	CARE_U64(incident),
	CARE_U64(verdict),
	CARE_U64(person),
	CARE_U64(left.down),
	CARE_U64(left.rise_us),
	CARE_U64(left.loss_ppm),
	CARE_U64(known),
	CARE_U64(trial_ms),
	CARE_U64(share_ppm),
	CARE_U64(first_bad_ms),
	CARE_U64(moved_ms),
	CARE_U64(moved_unanswered),
	CARE_U64(moves),
	CARE_U64(move_at_ms[0]),
	CARE_U64(move_at_ms[1]),
	CARE_U64(move_at_ms[2]),
	CARE_U64(move_at_ms[3]),
	CARE_U64(move_at_ms[4]),
	CARE_U64(move_at_ms[5]),
	CARE_U64(move_at_ms[6]),
	CARE_U64(move_at_ms[7]),
	CARE_U64(move_at_ms[8]),
	CARE_U64(move_at_ms[9]),
	CARE_U64(move_at_ms[10]),
	CARE_U64(move_at_ms[11]),
	CARE_U64(move_at_ms[12]),
	CARE_U64(move_at_ms[13]),
	CARE_U64(move_at_ms[14]),
	CARE_U64(move_at_ms[15]),
	CARE_U64(changed_ms),
	CARE_U64(returned_ms),
	CARE_U64(barred_ms),
	CARE_U64(returns),
	CARE_U64(failures),
	CARE_U64(said_ms),
	CARE_U64(ladder.on),
	CARE_U64(ladder.proved),
	CARE_U64(ladder.marks),
	CARE_U64(ladder.limit_bps),
	CARE_U64(ladder.floor_bps),
	CARE_U64(ladder.first_bps),
	CARE_U64(ladder.good_bps),
	CARE_U64(ladder.bad_bps),
	CARE_U64(ladder.steps),
	CARE_U64(ladder.tries),
	CARE_U64(ladder.step_ms),
	CARE_U64(ladder.ended_ms),
	CARE_U64(ladder_incident),
	CARE_U64(ladder_bad_ms),
	CARE_U64(ladder_failed_ms),
	CARE_U64(mark_failed_ms),
};
_Static_assert(SL_POLICY_MOVES_MAX == 16, "each of move_at_ms[] has a row");
#define CARE_NUMBERS (sizeof(care_numbers) / sizeof(care_numbers[0]))

static const struct field care_texts[] = {
	CARE_U64(name),  CARE_U64(from),          CARE_U64(to),           CARE_U64(said),
	CARE_U64(print), CARE_U64(ladder_uplink), CARE_U64(ladder_print),
};
#define CARE_TEXTS (sizeof(care_texts) / sizeof(care_texts[0]))

/* JSON integers are signed: a random boot id needs all 64 bits, so numbers are text. */
static json_t *number(uint64_t value)
{
	return json_sprintf("%llu", (unsigned long long)value);
}

static uint64_t number_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? strtoull(text, NULL, 10) : 0;
}

static uint64_t field_get(const struct sl_care *care, const struct field *field)
{
	const uint8_t *at = (const uint8_t *)care + field->offset;
	uint64_t value = 0;

	memcpy(&value, at, field->size); /* little endian, as every machine that runs XDP here */
	return value;
}

static void field_set(struct sl_care *care, const struct field *field, uint64_t value)
{
	memcpy((uint8_t *)care + field->offset, &value, field->size);
}

static json_t *care_write(const struct sl_care *care)
{
	json_t *object = json_object();

	for (size_t i = 0; i < CARE_TEXTS; i++)
		json_object_set_new(object, care_texts[i].name,
				    json_string((const char *)care + care_texts[i].offset));
	for (size_t i = 0; i < CARE_NUMBERS; i++)
		json_object_set_new(object, care_numbers[i].name,
				    number(field_get(care, &care_numbers[i])));
	return object;
}

static void care_read(struct sl_care *care, const json_t *object)
{
	for (size_t i = 0; i < CARE_TEXTS; i++) {
		const char *text = json_string_value(json_object_get(object, care_texts[i].name));

		snprintf((char *)care + care_texts[i].offset, care_texts[i].size, "%s",
			 text ? text : "");
	}
	for (size_t i = 0; i < CARE_NUMBERS; i++)
		field_set(care, &care_numbers[i], number_of(object, care_numbers[i].name));
	if (care->phase > SL_PHASE_TRYING)
		care->phase = SL_PHASE_HOME;
	if (care->verdict >= SL_VERDICT_COUNT)
		care->verdict = SL_VERDICT_UNKNOWN;
}

static json_t *mark_write(const struct sl_inbox_mark *mark)
{
	json_t *object = json_object();

	json_object_set_new(object, "boot", number(mark->boot));
	json_object_set_new(object, "seq", number(mark->seq));
	return object;
}

static struct sl_inbox_mark mark_read(const json_t *object)
{
	return (struct sl_inbox_mark){number_of(object, "boot"), number_of(object, "seq")};
}

void sl_state_machine_boot(char *text, size_t size)
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	text[0] = '\0';
	if (!file)
		return;
	if (fgets(text, (int)size, file))
		text[strcspn(text, "\n")] = '\0';
	fclose(file);
}

static json_t *usage_write(const struct sl_usage *usage)
{
	json_t *object = json_object(), *uplinks = json_object();

	json_object_set_new(object, "month", number(usage->month));
	for (uint32_t i = 0; i < usage->count; i++)
		json_object_set_new(uplinks, usage->uplink[i].name, number(usage->uplink[i].bytes));
	json_object_set_new(object, "bytes", uplinks);
	return object;
}

static void usage_read(struct sl_usage *usage, json_t *object)
{
	json_t *uplinks = json_object_get(object, "bytes"), *value;
	const char *name;

	*usage = (struct sl_usage){.month = (uint32_t)number_of(object, "month")};
	json_object_foreach(uplinks, name, value)
	{
		if (usage->count == SL_SITE_UPLINKS)
			return;
		snprintf(usage->uplink[usage->count].name, SL_NAME_MAX, "%s", name);
		usage->uplink[usage->count++].bytes = number_of(uplinks, name);
	}
}

static json_t *state_write(const struct sl_state *state)
{
	const struct sl_site *site = state->site;
	json_t *root = json_object(), *cares = json_array(), *events = json_array();
	json_t *past = json_array();
	char machine[64];

	sl_state_machine_boot(machine, sizeof(machine));
	json_object_set_new(root, "format", json_integer(FORMAT));
	json_object_set_new(root, "site", json_string(site->name));
	json_object_set_new(root, "machine", json_string(machine));
	json_object_set_new(root, "term", number(site->term));
	json_object_set_new(root, "orders", number(site->orders));
	json_object_set_new(root, "incidents", number(site->incidents));
	json_object_set_new(root, "state_changes", number(site->state_changes));
	json_object_set_new(root, "boot", number(state->outbox.boot));
	json_object_set_new(root, "seq", number(state->outbox.seq));
	json_object_set_new(root, "watermark", mark_write(&state->inbox.now));
	for (unsigned int i = 0; i < SL_INBOX_PAST && state->inbox.past[i].boot; i++)
		json_array_append_new(past, mark_write(&state->inbox.past[i]));
	json_object_set_new(root, "past", past);
	for (unsigned int i = 0; i < SL_SITE_SERVICES; i++)
		if (site->care[i].name[0])
			json_array_append_new(cares, care_write(&site->care[i]));
	json_object_set_new(root, "services", cares);
	for (uint32_t i = 0; i < state->outbox.count; i++)
		json_array_append_new(events, sl_state_event_write(&state->outbox.event[i]));
	json_object_set_new(root, "events", events);
	json_object_set_new(root, "cases", sl_state_cases_write(&site->cases));
	json_object_set_new(root, "memory", sl_state_memory_write(site));
	json_object_set_new(root, "usage", usage_write(&site->usage));
	json_object_set_new(root, "clamps", sl_state_clamps_write(site));
	return root;
}

static uint64_t mono_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void state_read(struct sl_state *state, const json_t *root)
{
	struct sl_site *site = state->site;
	const char *then = json_string_value(json_object_get(root, "machine"));
	char machine[64];
	json_t *item;
	size_t i;

	site->term = number_of(root, "term");
	site->orders = number_of(root, "orders");
	site->incidents = number_of(root, "incidents");
	site->state_changes = number_of(root, "state_changes");
	state->outbox.boot = number_of(root, "boot");
	state->outbox.seq = number_of(root, "seq");
	state->inbox.now = mark_read(json_object_get(root, "watermark"));
	json_array_foreach(json_object_get(root, "past"), i, item) if (i < SL_INBOX_PAST)
		state->inbox.past[i] = mark_read(item);
	json_array_foreach(json_object_get(root, "services"), i, item) if (i < SL_SITE_SERVICES)
		care_read(&site->care[i], item);
	json_array_foreach(json_object_get(root, "events"), i,
			   item) if (state->outbox.count < SL_OUTBOX_MAX &&
				     sl_state_event_read(&state->outbox.event[state->outbox.count],
							 json_string_value(item)))
		state->outbox.count++;
	sl_state_cases_read(&site->cases, json_object_get(root, "cases"));
	usage_read(&site->usage, json_object_get(root, "usage"));
	sl_state_clamps_read(site, json_object_get(root, "clamps"));
	sl_state_memory_read(site, json_string_value(json_object_get(root, "memory")));
	sl_state_machine_boot(machine, sizeof(machine));
	if (!then || strcmp(then, machine))
		sl_site_rebase(site, mono_ms());
}

int sl_state_load(struct sl_state *state, const char *dir, char *why)
{
	char path[512];
	json_error_t error;
	json_t *root;
	int format;

	snprintf(path, sizeof(path), "%s/control.json", dir);
	if (access(path, R_OK))
		return -errno;
	root = json_load_file(path, 0, &error);
	if (!root) {
		snprintf(why, SL_TEXT_MAX, "%.100s:%d:%d: %.100s", path, error.line, error.column,
			 error.text);
		return -EINVAL;
	}
	format = (int)json_integer_value(json_object_get(root, "format"));
	if (format == FORMAT)
		state_read(state, root);
	else
		snprintf(why, SL_TEXT_MAX, "%.100s: format %d is not known", path, format);
	json_decref(root);
	return format == FORMAT ? 0 : -EINVAL;
}

static int put(int fd, const char *text)
{
	size_t size = strlen(text);

	while (size) {
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			size -= (size_t)n;
		}
	}
	return fsync(fd) ? -errno : 0;
}

static int replace(const char *dir, const char *text)
{
	int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd, err;

	if (at < 0)
		return -errno;
	fd = openat(at, "control.json.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	err = fd < 0 ? -errno : put(fd, text);
	if (fd >= 0)
		close(fd);
	if (!err && renameat(at, "control.json.new", at, "control.json"))
		err = -errno;
	if (!err && fsync(at))
		err = -errno;
	close(at);
	return err;
}

int sl_state_save(const struct sl_state *state, const char *dir)
{
	json_t *root = state_write(state);
	char *text = json_dumps(root, JSON_INDENT(1));
	int err = text ? replace(dir, text) : -ENOMEM;

	free(text);
	json_decref(root);
	return err;
}
