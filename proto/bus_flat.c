/*
 * bus_flat.c - each path as flat text and numbers, for tools that read Redis and not protobuf
 *
 * A hash for the present, which is gone some seconds after its writer; a stream of numbers
 * for the last ten minutes.  Grafana's Redis data source draws both without code.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bus_inner.h"

#define PRESENT_TTL_S "10"
#define SERIES_CAP    "600"
#define SERIES_TTL_S  "900"
#define FLAT_UNSENT   (256 * 1024) /* skipped while this much waits: it is for looking only */
#define FIELDS        9
#define KEY_MAX       (3 * SL_NAME_MAX + 16)

/* "sl:{SITE}:KIND:SERVICE:UPLINK" into @key of KEY_MAX bytes; returns it. */
static const char *flat_key(const struct sl_bus *bus, const char *kind,
			    const struct sl_bus_flat *path, char *key)
{
	snprintf(key, KEY_MAX, "sl:{%s}:%s:%s:%s", bus->site, kind, path->service, path->uplink);
	return key;
}

struct field {
	const char *name;
	char value[24];
};

static void add(struct field *field, const char *name, bool there, uint64_t number)
{
	field->name = name;
	field->value[0] = '\0';
	if (there)
		snprintf(field->value, sizeof(field->value), "%" PRIu64, number);
}

/* A leg without samples has no quantiles: its fields are empty. */
static void fill(struct field *field, const struct sl_bus_flat *path)
{
	add(field++, "p50_us", path->samples[1] > 0, path->p50_us[1]);
	add(field++, "p95_us", path->samples[1] > 0, path->p95_us[1]);
	add(field++, "loss_ppm", true, path->loss_ppm[1]);
	add(field++, "lan_p50_us", path->samples[0] > 0, path->p50_us[0]);
	add(field++, "lan_p95_us", path->samples[0] > 0, path->p95_us[0]);
	add(field++, "lan_loss_ppm", true, path->loss_ppm[0]);
	add(field++, "up_bps", true, path->rate_bps[0]);
	add(field++, "down_bps", true, path->rate_bps[1]);
	add(field, "health", true, path->state);
}

/* @empty: also those that are, so that a hash does not keep what stood there before. */
static void add_fields(struct sl_link_command *command, const struct field *field, bool empty)
{
	for (int i = 0; i < FIELDS; i++) {
		if (!field[i].value[0] && !empty)
			continue;
		sl_link_text(command, field[i].name);
		sl_link_text(command, field[i].value);
	}
}

static int expire(struct sl_bus *bus, const char *key, const char *seconds)
{
	struct sl_link_command command = {.words = 0};

	sl_link_text(&command, "EXPIRE");
	sl_link_text(&command, key);
	sl_link_text(&command, seconds);
	return sl_bus_tell(bus, &command);
}

static int say_present(struct sl_bus *bus, const struct sl_bus_flat *path,
		       const struct field *field)
{
	struct sl_link_command command = {.words = 0};
	char key[KEY_MAX];
	int err;

	flat_key(bus, "path", path, key);
	sl_link_text(&command, "HSET");
	sl_link_text(&command, key);
	sl_link_text(&command, "state");
	sl_link_text(&command, sl_health_word(path->state));
	add_fields(&command, field, true);
	err = sl_bus_tell(bus, &command);
	return err ? err : expire(bus, key, PRESENT_TTL_S);
}

static int say_series(struct sl_bus *bus, const struct sl_bus_flat *path, const struct field *field)
{
	struct sl_link_command command = {.words = 0};
	char key[KEY_MAX];
	int err;

	flat_key(bus, "ts", path, key);
	sl_link_text(&command, "XADD");
	sl_link_text(&command, key);
	sl_link_text(&command, "MAXLEN");
	sl_link_text(&command, "~");
	sl_link_text(&command, SERIES_CAP);
	sl_link_text(&command, "*");
	add_fields(&command, field, false);
	err = sl_bus_tell(bus, &command);
	return err ? err : expire(bus, key, SERIES_TTL_S);
}

int sl_bus_send_flat(struct sl_bus *bus, const struct sl_bus_flat *path)
{
	struct field field[FIELDS];
	int err;

	if (bus->state != SL_BUS_UP || sl_link_unsent(&bus->say) > FLAT_UNSENT) {
		bus->stats.failed++;
		return bus->state == SL_BUS_UP ? -EAGAIN : -ENOTCONN;
	}
	fill(field, path);
	err = say_present(bus, path, field);
	return err ? err : say_series(bus, path, field);
}
