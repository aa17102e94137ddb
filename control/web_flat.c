/*
 * web_flat.c - a path report as flat numbers
 */
#include "web_flat.h"

#include "view.h"

#include <string.h>

#define EACH_MS 1000
#define EARLY   50 /* pictures come each 100 ms, not on the millisecond */

void sl_web_flat_of(struct sl_bus_flat *to, const struct sl_path_report *path)
{
	*to = (struct sl_bus_flat){.state = path->state};
	memcpy(to->service, path->service, sizeof(to->service));
	memcpy(to->uplink, path->uplink, sizeof(to->uplink));
	for (unsigned int leg = 0; leg < 2; leg++) {
		to->samples[leg] = path->rtt[leg].samples;
		to->p50_us[leg] = path->rtt[leg].p50_us;
		to->p95_us[leg] = path->rtt[leg].p95_us;
		to->loss_ppm[leg] = sl_view_loss_ppm(path, leg);
		to->rate_bps[leg] = sl_view_rate(path, leg);
	}
}

void sl_web_flat_picture(struct sl_web_flat *flat, struct sl_bus *bus,
			 const struct sl_telemetry *picture, uint64_t now_ms)
{
	if (flat->said_ms && now_ms - flat->said_ms < EACH_MS - EARLY)
		return;
	flat->said_ms = now_ms;
	for (uint32_t i = 0; i < picture->paths; i++) {
		struct sl_bus_flat path;

		sl_web_flat_of(&path, &picture->path[i]);
		sl_bus_send_flat(bus, &path);
	}
}
