/*
 * control.h - a WAN link's unix socket: one JSON object a line, one answer a line
 *
 *   {"set": {"up": {"loss": 0.03}, "down": {"delay_ms": 150}}}
 *       -> {"ok": true, "at_ns": N}          all of it or nothing; the rest stays
 *   {"stats": true}
 *       -> {"up": {...}, "down": {...}, "link": {...}, "at_ns": N}
 *   {"watch": {"dst": "198.18.0.10", "port": 7003}}
 *       -> {"ok": true, "at_ns": N}, and when the first such frame comes up from the
 *          store: {"seen_ns": N, "dst": ..., "port": ...}    one watch a connection
 *   anything else -> {"error": "what is wrong"}, and nothing changes
 *
 * Times are CLOCK_MONOTONIC.  The keys of a direction are the fields of struct
 * sl_model_settings.  Called from the link's one thread.
 */
#ifndef SL_CONTROL_H
#define SL_CONTROL_H

#include <poll.h>

#include "link.h"

#define SL_CONTROL_CLIENTS SL_LINK_WATCHES
#define SL_CONTROL_POLLS   (SL_CONTROL_CLIENTS + 1)

struct sl_control;

/* Listen on @path (made anew) for commands to @link.  0 and *@control, or -errno. */
int sl_control_open(struct sl_control **control, const char *path, struct sl_link *link);
/* Also removes the socket's file. */
void sl_control_close(struct sl_control *control);

/* Fill in what to poll for; returns how many of @polls[SL_CONTROL_POLLS] are used. */
unsigned int sl_control_polls(const struct sl_control *control, struct pollfd *polls);
/* Answer what poll() found in the @count @polls of sl_control_polls(). */
void sl_control_serve(struct sl_control *control, const struct pollfd *polls, unsigned int count);
/* Tell clients whose watched frame has come. */
void sl_control_tell(struct sl_control *control);

#endif
