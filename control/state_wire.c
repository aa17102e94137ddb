/*
 * state_wire.c - events and incidents to hexadecimal text and back
 */
#include "state_wire.h"
#include "learn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX  16384 /* of one event or incident */
#define MEMORY_MAX SL_WIRE_BYTES_MAX

static json_t *hex(const uint8_t *bytes, long size)
{
	char *text = size < 0 ? NULL : malloc(2 * (size_t)size + 1);
	json_t *json;

	if (!text)
		return json_null();
	for (long i = 0; i < size; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	text[2 * size] = '\0';
	json = json_string(text);
	free(text);
	return json;
}

/* The number of bytes; 0 when it is no such text. */
static size_t unhex(const char *text, uint8_t *bytes, size_t most)
{
	size_t size = text ? strlen(text) / 2 : 0;
	unsigned int byte;

	if (size > most)
		return 0;
	for (size_t i = 0; i < size; i++) {
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return 0;
		bytes[i] = (uint8_t)byte;
	}
	return size;
}

json_t *sl_state_event_write(const struct sl_event *event)
{
	uint8_t bytes[BYTES_MAX];

	return hex(bytes, sl_wire_pack_event(event, bytes, sizeof(bytes)));
}

bool sl_state_event_read(struct sl_event *event, const char *text)
{
	uint8_t bytes[BYTES_MAX];
	size_t size = unhex(text, bytes, sizeof(bytes));

	return size && !sl_wire_unpack_event(event, bytes, size, NULL);
}

json_t *sl_state_cases_write(const struct sl_cases *cases)
{
	uint8_t bytes[BYTES_MAX];
	json_t *array = json_array();

	for (uint32_t i = 0; i < cases->count; i++) {
		const struct sl_incident *incident = &cases->one[i].incident;

		json_array_append_new(array, hex(bytes, sl_wire_pack_incident(incident, bytes,
									      sizeof(bytes))));
	}
	return array;
}

/* Which version Redis has is not kept: each is sent again, and what it has it has twice. */
void sl_state_cases_read(struct sl_cases *cases, const json_t *array)
{
	uint8_t bytes[BYTES_MAX];
	json_t *item;
	size_t i;

	cases->count = 0;
	json_array_foreach(array, i, item)
	{
		struct sl_case *one = &cases->one[cases->count];
		size_t size = unhex(json_string_value(item), bytes, sizeof(bytes));

		if (cases->count == SL_CASES_MAX)
			return;
		*one = (struct sl_case){.version = 1};
		if (size && !sl_wire_unpack_incident(&one->incident, bytes, size, NULL))
			cases->count++;
	}
}

json_t *sl_state_memory_write(const struct sl_site *site)
{
	struct sl_memory_report *report = calloc(1, sizeof(*report));
	uint8_t *bytes = malloc(MEMORY_MAX);
	json_t *json = json_null();

	if (report && bytes) {
		sl_learn_report(site, report);
		json = hex(bytes, sl_wire_pack_memory(report, bytes, MEMORY_MAX));
	}
	free(bytes);
	free(report);
	return json;
}

void sl_state_memory_read(struct sl_site *site, const char *text)
{
	struct sl_memory_report *report = calloc(1, sizeof(*report));
	uint8_t *bytes = malloc(MEMORY_MAX);
	size_t size = bytes ? unhex(text, bytes, MEMORY_MAX) : 0;

	if (report && size && !sl_wire_unpack_memory(report, bytes, size, NULL))
		for (uint32_t i = 0; i < report->entries; i++)
			sl_memory_add(&site->memory, &report->entry[i]);
	free(bytes);
	free(report);
}

#define CLAMP_NUMBERS 8

/* Its numbers, in the order that they are kept in. */
static void clamp_numbers(const struct sl_clamp *clamp, uint64_t number[CLAMP_NUMBERS])
{
	const uint64_t all[CLAMP_NUMBERS] = {clamp->on,     clamp->proved,   clamp->known,
					     clamp->bytes,  clamp->incident, clamp->since_ms,
					     clamp->bad_ms, clamp->failed_ms};

	memcpy(number, all, sizeof(all));
}

json_t *sl_state_clamps_write(const struct sl_site *site)
{
	json_t *array = json_array();

	for (unsigned int u = 0; u < SL_SITE_UPLINKS; u++) {
		const struct sl_clamp *clamp = &site->clamp[u];
		uint64_t number[CLAMP_NUMBERS];
		json_t *numbers = json_array(), *one;

		clamp_numbers(clamp, number);
		for (int i = 0; i < CLAMP_NUMBERS; i++)
			json_array_append_new(numbers, json_integer((json_int_t)number[i]));
		one = json_pack("{s:s, s:s, s:s, s:o}", "uplink", site->clamped[u], "service",
				clamp->service, "print", clamp->print, "numbers", numbers);
		if (clamp->on || clamp->failed_ms)
			json_array_append_new(array, one);
		else
			json_decref(one);
	}
	return array;
}

void sl_state_clamps_read(struct sl_site *site, const json_t *array)
{
	json_t *item;
	size_t i;

	json_array_foreach(array, i, item)
	{
		const char *uplink = "", *service = "", *print = "";
		json_int_t n[CLAMP_NUMBERS] = {0};

		if (i == SL_SITE_UPLINKS ||
		    json_unpack(item, "{s:s, s:s, s:s, s:[I, I, I, I, I, I, I, I]}", "uplink",
				&uplink, "service", &service, "print", &print, "numbers", &n[0],
				&n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &n[7]))
			return;
		site->clamp[i] = (struct sl_clamp){.on = n[0] != 0,
						   .proved = n[1] != 0,
						   .known = n[2] != 0,
						   .bytes = (uint32_t)n[3],
						   .incident = (uint64_t)n[4],
						   .since_ms = (uint64_t)n[5],
						   .bad_ms = (uint64_t)n[6],
						   .failed_ms = (uint64_t)n[7]};
		snprintf(site->clamped[i], SL_NAME_MAX, "%s", uplink);
		snprintf(site->clamp[i].service, SL_NAME_MAX, "%s", service);
		snprintf(site->clamp[i].print, SL_PRINT_MAX, "%s", print);
	}
}
