/*
 * scene.h - a store in trouble, as its dataplane and control would tell it
 */
#ifndef SL_TEST_SCENE_H
#define SL_TEST_SCENE_H

#include "proto/wire.h"

#include <stdint.h>

#define SCENE_BOOT  UINT64_C(42)
#define SCENE_SITE  "store-0421"
#define SCENE_PRINT "critical/fibre/uplink/degraded/rtt2/loss3/fail0/dns0/load1/wk-day"

extern const char scene_policy[];

/* The picture of tick @tick; times wobble with it. */
void scene_picture(struct sl_telemetry *picture, uint64_t tick, uint64_t now_unix_ns);

/* Things said and done, oldest first; false when there is no number @index. */
bool scene_event(struct sl_event *event, unsigned int index, uint64_t now_unix_ns);
bool scene_incident(struct sl_incident *incident, unsigned int index, uint64_t now_unix_ns);
void scene_memory(struct sl_memory_report *report);

#endif
