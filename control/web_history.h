/*
 * web_history.h - the last 15 minutes of each path and uplink, second by second, in memory
 *
 * One sample a second: the newest picture in it.  A second without a picture is a hole and
 * stays one: a line over it would claim what nobody saw.  Fixed size, no allocation after
 * it is made.  Pure; one thread.
 */
#ifndef SL_WEB_HISTORY_H
#define SL_WEB_HISTORY_H

#include "proto/wire.h"

#define SL_WEB_HISTORY_S 900
#define SL_WEB_SPARK_S   120

/* One second of one path.  [0]: LAN leg, [1]: WAN leg. */
struct sl_web_path_sample {
	uint32_t p50_us[2], p95_us[2], samples[2];
	uint32_t loss_ppm[2];
	uint32_t failures_ppm;
	uint8_t state;
	bool seen, has_loss, has_failures;
};

struct sl_web_uplink_sample {
	uint64_t rate_bps[2]; /* by sender, as in sl_uplink_report */
	uint8_t state;
	bool seen;
};

struct sl_web_path_history {
	char service[SL_NAME_MAX], uplink[SL_NAME_MAX];
	uint64_t last_s;
	struct sl_web_path_sample at[SL_WEB_HISTORY_S]; /* second S is at S % SL_WEB_HISTORY_S */
};

struct sl_web_uplink_history {
	char name[SL_NAME_MAX];
	uint64_t last_s;
	struct sl_web_uplink_sample at[SL_WEB_HISTORY_S];
};

struct sl_web_history {
	uint64_t now_s; /* unix time of the newest sample */
	uint32_t paths, uplinks;
	struct sl_web_path_history path[SL_WIRE_PATHS_MAX];
	struct sl_web_uplink_history uplink[SL_WIRE_UPLINKS_MAX];
};

/* Take a picture of second @unix_s.  A clock that steps back begins anew. */
void sl_web_history_add(struct sl_web_history *history, const struct sl_telemetry *picture,
			uint64_t unix_s);

/* NULL = no such path, no such uplink. */
const struct sl_web_path_history *sl_web_history_path(const struct sl_web_history *history,
						      const char *service, const char *uplink);

/* The sample of second @unix_s; NULL = a hole, or out of reach. */
const struct sl_web_path_sample *sl_web_history_at(const struct sl_web_history *history,
						   const struct sl_web_path_history *path,
						   uint64_t unix_s);

/*
 * As JSON, columns of equal length, null in holes; caller frees, NULL = no such path or no
 * memory.  One path over SL_WEB_HISTORY_S; all of them over SL_WEB_SPARK_S.
 */
char *sl_web_history_json(const struct sl_web_history *history, const char *service,
			  const char *uplink);
char *sl_web_history_sparks(const struct sl_web_history *history);

#endif
