"""Acceptance scenarios in the virtual store: each says what it measured, and passes or fails.

usage: scenarios.py PROGRAMS blackouts [N] | brownouts [N] | bloat [SECONDS] | healthy [SECONDS]
                             | kills [ROUNDS] | without | whatif     [--engine xdp|dpdk]

PROGRAMS is the build directory.  JSON lines on standard output, one a measurement; the last
lines are a summary in plain words.  Exit code 0 = passed, 1 = failed or could not run.
  blackouts   fibre is cut N times, enforce mode, no probes: p95 to the first till packet <= 1 s
  brownouts   alternately 3 % loss and +150 ms: p95 <= 3 s, and no payment fails
              (fewer than 20 times have no p95: there none may take twice as long)
  bloat       a guest's download: it is throttled, the tills stay and keep their SLO
  healthy     nothing is wrong for so long: no action at all
  kills       kill -9 of dataplane, control and Redis in turn, in faults: see kills.py
  without     one blackout with Storeline off: the tills must fail, or the test proves nothing
  whatif      three faults, then `storeline whatif` with the policy in force over what was recorded
              of them: the replay moves the tills as they were moved
With --engine dpdk the box forwards by DPDK, without NAT.
"""

import contextlib
import json
import sys
import time

import kills
from faults import AT_THE_TILL_MS, Faults
from netns import Broken
from program import play, take_engine, usage
from store import Store
from storeline import Storeline
from tills import ms, quantile

WARM_UP = 4.0
ENGINE = "xdp"
WITHOUT_PROBES = "probes: {when: never}\n"  # test_probes.py has them
BLACKOUT_LIMIT_MS, BROWNOUT_LIMIT_MS = 1000, 3000
P95_OF = 20  # of fewer the p95 is their longest, which is beyond its limit in one run of a few


class Report:
    """Measurements as JSON lines, and what did not hold."""

    def __init__(self):
        self.failures = []

    @staticmethod
    def measured(**values):
        print(json.dumps(values), flush=True)

    def require(self, holds, what):
        if not holds:
            self.failures.append(what)

    def end(self, summary, storeline=None):
        print(summary)
        for what in self.failures:
            print("FAILED: " + what)
        if self.failures and storeline:
            print(storeline.said(30), file=sys.stderr)
        return not self.failures


@contextlib.contextmanager
def trading(programs, storeline=True, **policy):
    """A store that trades, warmed up: (store, storeline, faults)."""
    with Store(programs, nat=ENGINE != "dpdk") as store:
        store.open()
        box = Storeline(store, engine=ENGINE, **policy) if storeline else None
        try:
            if box:
                box.start()
            store.trade()
            time.sleep(WARM_UP)
            yield store, box, Faults(store, box)
        finally:
            if box:
                box.stop()


def summary(took, limit):
    values = [t for t in took if t is not None]
    if not values:
        return "the tills never moved"
    return (f"{len(values)} of {len(took)} moved; p50 {quantile(values, 0.5):.0f} ms, "
            f"p95 {quantile(values, 0.95):.0f} ms, longest {max(values):.0f} ms "
            f"(limit of the p95: {limit} ms)")


def judge_moves(report, took, limit):
    """Requires the p95 of the moves; a move that never came counts as endless."""
    endless = [t if t is not None else float("inf") for t in took]
    if len(endless) < P95_OF:
        report.require(max(endless, default=float("inf")) <= 2 * limit,
                       f"no move takes more than {2 * limit} ms")
    else:
        report.require(quantile(endless, 0.95) <= limit, f"p95 of the moves <= {limit} ms")


def moves(report, faults, inject, name, hold):
    """One fault: measures the move, keeps the fault on for a while, heals, settles."""
    with inject() as fault:
        took = fault.moved_ms(12)
        moved_ns = None if took is None else fault.at_ns + took * 1e6
        time.sleep(hold)
    settled = faults.settle(30, by_hand=True)
    report.require(settled, f"after a {name} all is as before within 30 s")
    report.measured(scenario=name, moved_ms=took and round(took, 1), settled=settled)
    return took, moved_ns


def blackouts(programs, count=20):
    report, took, lost = Report(), [], 0
    with trading(programs, hold_down="8s", actions_per_minute="600",
                 more=WITHOUT_PROBES) as (store, box, faults):
        windows = []
        for _ in range(count):
            move, moved_ns = moves(report, faults, faults.blackout, "blackout", 3)
            took.append(move)
            windows.append((moved_ns, faults.healed_ns))
        store.close_shop()
        for moved_ns, healed_ns in windows:
            lost += store.book.tally(moved_ns or 0, healed_ns).failed if moved_ns else 0
        tally = store.book.tally()
        report.measured(scenario="blackouts", **tally.as_json())
        judge_moves(report, took, BLACKOUT_LIMIT_MS)
        report.require(lost == 0, "no payment begun after the move is lost")
        report.require(tally.count > 0, "there were payments")
        return report.end(f"blackouts: {summary(took, BLACKOUT_LIMIT_MS)}; payments "
                          f"{tally.count}, failed {tally.failed}", box)


def brownouts(programs, count=20):
    report, took = Report(), {"loss": [], "delay": []}
    with trading(programs, hold_down="1s", actions_per_minute="600") as (store, box, faults):
        for turn in range(count):
            if turn % 2 == 0:
                move, _ = moves(report, faults, lambda: faults.loss(0.03), "3 % loss", 2)
                took["loss"].append(move)
            else:
                move, _ = moves(report, faults, lambda: faults.slow(150), "+150 ms", 2)
                took["delay"].append(move)
        store.close_shop()
        tally = store.book.tally()
        report.measured(scenario="brownouts", **tally.as_json())
        judge_moves(report, took["loss"] + took["delay"], BROWNOUT_LIMIT_MS)
        report.require(tally.failed == 0, "no payment fails in a brownout")
        report.require(tally.count > 0, "there were payments")
        for kind, times in took.items():
            print(f"brownouts, {kind}: {summary(times, BROWNOUT_LIMIT_MS)}")
        return report.end(f"brownouts: payments {tally.count}, failed {tally.failed}", box)


def bloat(programs, seconds=30):
    report = Report()
    with trading(programs) as (store, box, faults):
        with faults.bloat() as fault:
            throttled = fault.throttled_ms(12)
            settle_ns = time.monotonic_ns() + int(5e9)
            time.sleep(seconds)
            moved = fault.tills_moved()
        store.close_shop()
        during = store.book.tally(settle_ns, till="till1")
        report.measured(scenario="bloat", throttled_ms=throttled, moved=moved,
                        till1=during.as_json(), all=store.book.tally().as_json())
        report.require(throttled is not None, "the guest is throttled")
        report.require(not moved, "the tills are not moved")
        report.require(during.count > 0 and during.p95_us <= AT_THE_TILL_MS * 1000,
                       f"till1's p95 from 5 s after the throttling <= {AT_THE_TILL_MS} ms")
        return report.end(f"bloat: throttled after {throttled or -1:.0f} ms; till1 then p95 "
                          f"{ms(during.p95_us)}", box)


def healthy(programs, seconds=300):
    report = Report()
    with trading(programs) as (store, box, _):
        time.sleep(seconds)
        actions = box.actions()
        store.close_shop()
        tally = store.book.tally()
        for action in actions:
            report.measured(action=action)
        report.measured(scenario="healthy", seconds=seconds, actions=len(actions),
                        **tally.as_json())
        report.require(not actions, "no action at all")
        report.require(tally.failed == 0 and tally.count > 0, "every payment is paid")
        return report.end(f"healthy: {seconds} s, {len(actions)} actions, {tally.count} "
                          f"payments, p95 {ms(tally.p95_us)}", box)


def killed(programs, rounds=3):
    report = Report()
    with trading(programs, hold_down="8s", actions_per_minute="600") as (store, box, faults):
        text = kills.run(report, kills.Scene(store, box, faults), rounds)
        return report.end(text, box)


def without(programs, seconds=14):
    report = Report()
    with trading(programs, storeline=False) as (store, _, faults):
        with faults.blackout() as fault:
            moved = fault.moved_ms(seconds)
        store.close_shop(40)
        tally = store.book.tally()
        report.measured(scenario="without", moved_ms=moved, **tally.as_json())
        report.require(moved is None, "without Storeline nothing moves")
        report.require(tally.failed + tally.slow > 0, "without Storeline the tills fail")
        return report.end(f"without: {tally.count} payments, failed {tally.failed}, "
                          f"longer than 10 s {tally.slow}")


def whatif(programs, hold=8):
    report = Report()
    with trading(programs, hold_down="5s", actions_per_minute="30",
                 moves_per_hour="16") as (_, box, faults):
        for inject in (faults.blackout, lambda: faults.slow(150), lambda: faults.loss(0.03)):
            with inject() as fault:
                report.require(fault.moved_ms(12) is not None, "the tills move")
                time.sleep(hold)
            faults.returned_ms(40)
            report.require(faults.settle(20), "the tills return by themselves")
        code, said = box.cli("whatif", "--policy", box.policy, "--last", "1h")
        report.require(code == 0, f"whatif works: {said}")
        played = json.loads(said) if code == 0 else {}
        moves = {run: next(s["moves"] for s in played[run]["services"] if s["service"] == "pos")
                 for run in ("happened", "in_force") if run in played}
        report.measured(scenario="whatif", recorded_s=played.get("recorded_s"), moves=moves)
        report.require(moves and abs(moves["happened"] - moves["in_force"]) <= 1,
                       "the replay moves the tills as often as they were, or once more or less")
        return report.end(f"whatif: moves of pos {moves}", box)


SCENARIOS = {"blackouts": blackouts, "brownouts": brownouts, "bloat": bloat,
             "healthy": healthy, "kills": killed, "without": without,
             "whatif": whatif}


def main(words):
    global ENGINE  # pylint: disable=global-statement
    try:
        ENGINE, words = take_engine(words)
    except Broken as broken:
        return usage(broken)
    if not 2 <= len(words) <= 3 or words[1] not in SCENARIOS or \
            not all(word.isdigit() for word in words[2:]):
        return usage(__doc__)
    return play(lambda: SCENARIOS[words[1]](words[0], *map(int, words[2:])), "scenarios")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
