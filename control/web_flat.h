/*
 * web_flat.h - each path as flat numbers in Redis, once a second, for Grafana without code
 */
#ifndef SL_WEB_FLAT_H
#define SL_WEB_FLAT_H

#include "proto/bus.h"

struct sl_web_flat {
	uint64_t said_ms; /* monotonic; 0 = never */
};

/* Write the paths of @picture that came at @now_ms, if a second has passed since the last. */
void sl_web_flat_picture(struct sl_web_flat *flat, struct sl_bus *bus,
			 const struct sl_telemetry *picture, uint64_t now_ms);

/* What is written of @path; pure. */
void sl_web_flat_of(struct sl_bus_flat *to, const struct sl_path_report *path);

#endif
