/*
 * faults.h - stories for the world: each is called each tick with ms since the fault
 *
 * 0 is before the fault and at it.  Faults begin FAULT_MS into a story, so that what is
 * normal has been seen.
 */
#ifndef SL_TEST_FAULTS_H
#define SL_TEST_FAULTS_H

#include "world.h"

#define FAULT_MS 20000

typedef void (*fault)(struct world *world, uint64_t ms);

void fault_peace(struct world *world, uint64_t ms);
void fault_satellite(struct world *world, uint64_t ms);
void fault_guest_comes_and_goes(struct world *world, uint64_t ms);
void fault_single_losses(struct world *world, uint64_t ms);
void fault_guests_lie(struct world *world, uint64_t ms);
void fault_guests_lie_far_end(struct world *world, uint64_t ms);
void fault_brownout_loss(struct world *world, uint64_t ms);
void fault_brownout_delay(struct world *world, uint64_t ms);
void fault_brownout_delay_passes(struct world *world, uint64_t ms);
void fault_brownout_loss_passes(struct world *world, uint64_t ms);
void fault_brownout_busy_guest(struct world *world, uint64_t ms);
void fault_short_spike(struct world *world, uint64_t ms);
void fault_blackout(struct world *world, uint64_t ms);
void fault_blackout_passes(struct world *world, uint64_t ms);
void fault_blackout_fast(struct world *world, uint64_t ms);
void fault_brownout_delay_again(struct world *world, uint64_t ms);
void fault_brownout_delay_again_and_more(struct world *world, uint64_t ms);
void fault_blackout_quiet(struct world *world, uint64_t ms);
void fault_blackout_both(struct world *world, uint64_t ms);
void fault_bloat(struct world *world, uint64_t ms);
void fault_bloat_passes(struct world *world, uint64_t ms);
void fault_bloat_by_other(struct world *world, uint64_t ms);
void fault_cap(struct world *world, uint64_t ms);
void fault_cap_alone(struct world *world, uint64_t ms);
void fault_cap_away(struct world *world, uint64_t ms);
void fault_brownout_alone(struct world *world, uint64_t ms);
void fault_lan_and_other_way(struct world *world, uint64_t ms);
void fault_far_end_and_bloat(struct world *world, uint64_t ms);
void fault_far_end(struct world *world, uint64_t ms);
void fault_far_end_alone(struct world *world, uint64_t ms);
void fault_far_end_thin(struct world *world, uint64_t ms);
void fault_far_end_passes(struct world *world, uint64_t ms);
void fault_frozen_passes(struct world *world, uint64_t ms);
void fault_lan(struct world *world, uint64_t ms);
void fault_own_blindness(struct world *world, uint64_t ms);
void fault_flapping(struct world *world, uint64_t ms);
void fault_lte_bad_too(struct world *world, uint64_t ms);
void fault_frozen(struct world *world, uint64_t ms);
void fault_bypassed(struct world *world, uint64_t ms);
void fault_few_actions(struct world *world, uint64_t ms);
void fault_deaf(struct world *world, uint64_t ms);
void fault_silent(struct world *world, uint64_t ms);
void fault_restarts(struct world *world, uint64_t ms);
void fault_person_moves(struct world *world, uint64_t ms);
void fault_person_restores(struct world *world, uint64_t ms);
void fault_after_policy(struct world *world, uint64_t ms);
void fault_lte_full(struct world *world, uint64_t ms);
void fault_lte_spent(struct world *world, uint64_t ms);
void fault_lte_narrow(struct world *world, uint64_t ms);
void fault_lte_narrow_blackout(struct world *world, uint64_t ms);
void fault_pos_pinned(struct world *world, uint64_t ms);

/* A new world, at peace for FAULT_MS, then the fault for so long. */
void fault_play(struct world *world, fault play, enum sl_mode mode, uint32_t for_ms);

/* The same world, from the fault's beginning (again). */
void fault_go_on(struct world *world, fault play, uint32_t for_ms);

#endif
