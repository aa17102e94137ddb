/*
 * state.h - what control must not forget: one JSON file, replaced as a whole
 *
 * Term and command counter, the watermark of the dataplane's events, control's own events
 * that Redis has not, and what is kept of each service.  Written to a temporary file,
 * fsynced, renamed: a kill at any moment leaves the old or the new one.
 */
#ifndef SL_STATE_H
#define SL_STATE_H

#include "inbox.h"
#include "outbox.h"
#include "site.h"

struct sl_state {
	struct sl_site *site;
	struct sl_inbox inbox;
	struct sl_outbox outbox;
};

/*
 * Read DIR/control.json into @state.  0; -ENOENT when there is none (nothing is
 * touched); -EINVAL when it cannot be understood, with the reason in @why
 * (SL_TEXT_MAX); other -errno.
 */
int sl_state_load(struct sl_state *state, const char *dir, char *why);

/* Write it.  0 or -errno; the old one stands then. */
int sl_state_save(const struct sl_state *state, const char *dir);

/* The machine's boot, so that a clock of another one is not believed; "" unknown. */
void sl_state_machine_boot(char *text, size_t size);

#endif
