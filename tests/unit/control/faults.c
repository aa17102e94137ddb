/*
 * faults.c - what befalls the store, tick by tick, and the days that it is played through
 */
#include "faults.h"

#include <stdio.h>
#include <string.h>

void fault_peace(struct world *world, uint64_t ms)
{
}

/* A spike each 15 s as of a satellite that hands over, and an LTE's jitter; all within the SLO. */
void fault_satellite(struct world *world, uint64_t ms)
{
	world->jitter_ms = 20;
	world->delay_ms[FIBRE] = ms % 15000 < 200 ? 55 : 0;
}

void fault_guest_comes_and_goes(struct world *world, uint64_t ms)
{
	world->jitter_ms = 25;
	world->guest_bps = ms / 10000 % 2 ? 12000000 : 500000;
}

void fault_single_losses(struct world *world, uint64_t ms)
{
	world->loss_ppm[FIBRE] = 300; /* within the SLO over minutes, not over each second */
}

/* They lose and wait as much as they like, by servers of their own; pos has single losses. */
void fault_guests_lie(struct world *world, uint64_t ms)
{
	fault_single_losses(world, ms);
	world->path_loss_ppm[GUEST][FIBRE] = ms ? 300000 : 0;
	world->far_ms[GUEST] = ms ? 400 : 0;
}

void fault_guests_lie_far_end(struct world *world, uint64_t ms)
{
	fault_guests_lie(world, ms);
	fault_far_end(world, ms);
}

void fault_brownout_loss(struct world *world, uint64_t ms)
{
	world->loss_ppm[FIBRE] = ms ? 30000 : 0;
}

void fault_brownout_delay(struct world *world, uint64_t ms)
{
	world->delay_ms[FIBRE] = ms ? 150 : 0;
}

void fault_brownout_delay_passes(struct world *world, uint64_t ms)
{
	world->delay_ms[FIBRE] = ms && ms < 15000 ? 150 : 0;
}

void fault_brownout_loss_passes(struct world *world, uint64_t ms)
{
	world->loss_ppm[FIBRE] = ms && ms < 15000 ? 30000 : 0;
}

void fault_brownout_busy_guest(struct world *world, uint64_t ms)
{
	world->guest_bps = 8000000; /* as busy before the fault as after it */
	fault_brownout_delay(world, ms);
}

void fault_short_spike(struct world *world, uint64_t ms)
{
	world->delay_ms[FIBRE] = ms == 100 ? 300 : 0;
}

void fault_blackout(struct world *world, uint64_t ms)
{
	world->black[FIBRE] = ms != 0;
}

void fault_blackout_passes(struct world *world, uint64_t ms)
{
	world->black[FIBRE] = ms && ms < 10000;
}

void fault_blackout_fast(struct world *world, uint64_t ms)
{
	world->fast_reroute = true;
	world->black[FIBRE] = ms && ms < 10000;
}

/* Soon after another fault, of which lte's requests are told of still when it gets there. */
void fault_brownout_delay_again(struct world *world, uint64_t ms)
{
	fault_brownout_delay(world, ms);
	world->unanswered[POS][LTE] = ms > 600 && ms < 15000 ? 5 : 0;
}

void fault_brownout_delay_again_and_more(struct world *world, uint64_t ms)
{
	fault_brownout_delay_again(world, ms);
	world->unanswered[POS][LTE] += ms > 2000 ? 7 : 0;
}

void fault_blackout_quiet(struct world *world, uint64_t ms)
{
	fault_blackout_fast(world, ms);
	world->quiet[GUEST] = world->quiet[CCTV] = true;
}

void fault_blackout_both(struct world *world, uint64_t ms)
{
	world->black[FIBRE] = world->black[LTE] = ms != 0;
}

void fault_bloat(struct world *world, uint64_t ms)
{
	world->guest_bps = ms ? 25000000 : 1000000;
}

void fault_bloat_passes(struct world *world, uint64_t ms)
{
	world->guest_bps = ms && ms < 20000 ? 25000000 : 1000000;
}

void fault_bloat_by_other(struct world *world, uint64_t ms)
{
	/* The queue is not ours: throttling the busiest does not help. */
	world->guest_bps = ms ? 15000000 : 1000000;
	world->delay_ms[FIBRE] = ms ? 150 : 0;
}

void fault_far_end(struct world *world, uint64_t ms)
{
	world->far_ms[POS] = ms ? 200 : 0;
}

void fault_far_end_alone(struct world *world, uint64_t ms)
{
	world->quiet[COLLECT] = world->quiet[GUEST] = world->quiet[CCTV] = true;
	fault_far_end(world, ms);
}

/* A guest who downloads as ever, and far less passes than the policy says: a tariff's cap. */
void fault_cap(struct world *world, uint64_t ms)
{
	world->guest_bps = 8000000;
	world->capacity_bps = ms ? 5500000 : 20000000;
}

void fault_cap_alone(struct world *world, uint64_t ms)
{
	world->black[LTE] = true;
	fault_cap(world, ms);
}

/* The fibre is dark, all is on LTE, and after 15 s of that its tariff's volume is used up. */
void fault_cap_away(struct world *world, uint64_t ms)
{
	world->fast_reroute = world->everywhere = true;
	world->site.policy.service[GUEST].uplinks = world->site.policy.service[CCTV].uplinks = 2;
	world->black[FIBRE] = ms != 0;
	world->bottleneck = LTE;
	world->guest_bps = 8000000;
	world->capacity_bps = ms > 15000 ? 5500000 : 20000000;
}

void fault_brownout_alone(struct world *world, uint64_t ms)
{
	world->black[LTE] = true;
	fault_brownout_busy_guest(world, ms);
}

/* Two at once, each of its own. */
void fault_lan_and_other_way(struct world *world, uint64_t ms)
{
	world->path_loss_ppm[COLLECT][FIBRE] = ms ? 40000 : 0;
	fault_lan(world, ms);
}

void fault_far_end_and_bloat(struct world *world, uint64_t ms)
{
	fault_bloat(world, ms);
	fault_far_end(world, ms);
}

/* The far end; for eight seconds nobody else has traffic to compare with. */
void fault_far_end_thin(struct world *world, uint64_t ms)
{
	world->quiet[COLLECT] = world->quiet[GUEST] = world->quiet[CCTV] = ms > 4000 && ms < 12000;
	fault_far_end(world, ms);
}

void fault_far_end_passes(struct world *world, uint64_t ms)
{
	fault_far_end(world, ms < 15000 ? ms : 0);
}

void fault_frozen_passes(struct world *world, uint64_t ms)
{
	world->picture.frozen = true;
	fault_brownout_delay_passes(world, ms);
}

void fault_lan(struct world *world, uint64_t ms)
{
	world->lan_loss_ppm[POS] = ms ? 60000 : 0;
}

void fault_own_blindness(struct world *world, uint64_t ms)
{
	world->blind[POS] = ms != 0;
	fault_brownout_delay(world, ms);
}

void fault_flapping(struct world *world, uint64_t ms)
{
	world->delay_ms[FIBRE] = ms && ms / 20000 % 2 ? 150 : 0;
}

void fault_lte_bad_too(struct world *world, uint64_t ms)
{
	world->delay_ms[FIBRE] = world->delay_ms[LTE] = ms ? 150 : 0;
}

void fault_frozen(struct world *world, uint64_t ms)
{
	world->picture.frozen = true;
	fault_brownout_delay(world, ms);
}

void fault_bypassed(struct world *world, uint64_t ms)
{
	world->picture.bypassed = true;
	fault_brownout_delay(world, ms);
}

void fault_few_actions(struct world *world, uint64_t ms)
{
	world->site.policy.guardrails.actions_per_minute = 1;
	fault_brownout_delay(world, ms);
}

void fault_deaf(struct world *world, uint64_t ms)
{
	world->deaf = true;
	fault_brownout_delay(world, ms);
}

void fault_silent(struct world *world, uint64_t ms)
{
	world->mute = ms != 0;
	fault_brownout_delay(world, ms);
}

void fault_restarts(struct world *world, uint64_t ms)
{
	if (ms && ms % 3000 == 0)
		world_restart_control(world);
	fault_brownout_delay_passes(world, ms);
}

void fault_person_moves(struct world *world, uint64_t ms)
{
	if (ms == 100) {
		world->where[POS] = LTE;
		snprintf(world->cause[POS], SL_ID_MAX, "cli-0123456789abcdef");
	}
}

/* The dataplane says no cause after a restore, only who did it. */
void fault_person_restores(struct world *world, uint64_t ms)
{
	struct sl_event action = {.kind = SL_EVENT_ACTION,
				  .service = "pos",
				  .remedy = "restore",
				  .command_id = "cli-0123456789abcdef"};

	world->delay_ms[FIBRE] = (ms && ms < 5000) || ms > 8000 ? 150 : 0;
	if (ms != 6000)
		return;
	world->where[POS] = FIBRE;
	world->stays[POS] = false;
	world->cause[POS][0] = '\0';
	sl_site_event(&world->site, &action, world->now_ms, &world->out);
}

void fault_after_policy(struct world *world, uint64_t ms)
{
	world->picture.policy_version = ms ? 41 : 1;
	if (ms == 100)
		sl_site_set_policy(&world->site, &world->policy, 41);
	fault_brownout_delay(world, ms >= 5000 ? ms : 0);
}

void fault_lte_full(struct world *world, uint64_t ms)
{
	world->site.policy.uplink[LTE].capacity_bps = 200000;
	fault_brownout_delay(world, ms);
}

void fault_lte_spent(struct world *world, uint64_t ms)
{
	world->site.policy.uplink[LTE].monthly_bytes = 5000000000;
	if (!ms)
		world->site.usage =
			(struct sl_usage){WORLD_MONTH, 1, {{"lte", 4900000000}}}; /* of the month */
	fault_brownout_delay(world, ms);
}

void fault_lte_narrow(struct world *world, uint64_t ms)
{
	world->site.policy.uplink[LTE].mtu = 1420;
	world->site.policy.uplink[FIBRE].mtu = 1500;
	fault_brownout_delay(world, ms);
}

void fault_lte_narrow_blackout(struct world *world, uint64_t ms)
{
	fault_lte_narrow(world, 0);
	fault_blackout(world, ms);
}

void fault_pos_pinned(struct world *world, uint64_t ms)
{
	world->site.policy.service[POS].pinned = 1 << FIBRE;
	fault_blackout(world, ms);
}

void fault_play(struct world *world, fault play, enum sl_mode mode, uint32_t for_ms)
{
	world_start(world, mode, 10000);
	for (uint64_t ms = 0; ms < FAULT_MS; ms += WORLD_TICK_MS) {
		play(world, 0);
		world_step(world);
	}
	fault_go_on(world, play, for_ms);
}

void fault_go_on(struct world *world, fault play, uint32_t for_ms)
{
	for (uint64_t ms = WORLD_TICK_MS; ms <= for_ms; ms += WORLD_TICK_MS) {
		play(world, ms);
		world_step(world);
	}
}
