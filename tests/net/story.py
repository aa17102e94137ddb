"""The story: a day in the virtual store in a minute and a half, with faults, and its numbers.

usage: story.py PROGRAMS [--engine xdp|dpdk] [--without] [--stay] [--short]

PROGRAMS is the build directory.  --engine dpdk: the box forwards by DPDK, without NAT, and its
dataplane is killed and hangs as well.  --without: the same day with Storeline off, for
comparison.  --stay: lay the store out, let it trade, and wait for Ctrl-C.  --short: no fault is
watched for longer than it takes to judge it.  Exit code 0 only if the tills kept working and
everything that should happen was seen.
"""

import argparse
import os
import signal
import sys
import time

from faults import AT_THE_TILL_MS, Faults
from kills import Scene
from netns import Broken, sweep
from screen import Screen
from store import Store
from storeline import ENGINES, Storeline
from tills import SLOW_US, ms

# To the first till packet.  Which of 200 segments a second are lost is chance: of 20 such
# brownouts one takes 3 s to be sure of (scenarios.py has their p95), and this is a single one.
BLACKOUT_LIMIT_MS, BROWNOUT_LIMIT_MS = 1000, 6000

# In the story things may change again after 3 s, not 30: nobody wants to watch for longer.
HOLD_DOWN_SECONDS = 3
STORY_POLICY = {"hold_down": f"{HOLD_DOWN_SECONDS}s", "actions_per_minute": "30",
                "moves_per_hour": "16"}

# A payment begun this shortly before a fault is under way in it: it is the fault's.
UNDER_WAY_NS = 500_000_000

# How long the dataplane is away, and hangs; what share of its usual payments a till must make
# meanwhile to be going on: less would be a second or two of standing still.
AWAY_SECONDS, HUNG_SECONDS, GOING_ON = 4, 3, 0.6

# How long a fault goes on once Storeline has answered it, for people who watch; and at least, so
# that payments are made in it.  A throttled guest's queue takes its time to settle: always the former.
WATCHED_SECONDS, JUDGED_SECONDS = 12, 6


class Story:
    """The phases, one method each, and what came of them."""

    def __init__(self, store, storeline, screen, short=False):
        self.store, self.storeline, self.screen = store, storeline, screen
        self.fault_seconds = JUDGED_SECONDS if short else WATCHED_SECONDS
        self.faults = Faults(store, storeline)
        self.scene = Scene(store, storeline, self.faults)
        self.phases = []
        self.missed = []

    def say(self, text):
        self.screen.say(text)

    def expect(self, seen, what):
        """Something that Storeline should do; without it nobody expects it."""
        if self.storeline and not seen:
            self.missed.append(what)
            self.say(f"  NOT SEEN: {what}")

    def phase(self, name, tell):
        """Run one phase and remember when it was."""
        begun = time.monotonic_ns() - UNDER_WAY_NS
        self.say("")
        self.say(name.upper())
        tell()
        self.phases.append((name, begun, time.monotonic_ns() - UNDER_WAY_NS))

    def rest(self, seconds):
        self.screen.watch(seconds, self.store, self.storeline)

    # ---- the phases ----

    def all_well(self):
        self.say("  three tills pay by card, a handheld fetches orders, a camera uploads, "
                 "a guest reads")
        self.rest(8)
        tally = self.store.book.tally(time.monotonic_ns() - int(6e9))
        self.say(f"  the tills: {tally.count} payments in 6 s, p95 {ms(tally.p95_us)}")

    def going_on(self, since_ns, when):
        """Tell what was paid since then; no till may have stood still."""
        now_ns = time.monotonic_ns()
        seconds = (now_ns - since_ns) / 1e9
        paid = {till: self.store.book.paid(since_ns, now_ns, till) for till in self.store.rates}
        self.say(f"  {sum(paid.values())} payments in {seconds:.1f} s {when}")
        self.expect(all(paid[till] >= GOING_ON * rate * seconds
                        for till, rate in self.store.rates.items()),
                    f"every till goes on paying {when}")

    def away(self):
        self.say("  kill -9 of the dataplane: packets go on by XDP and the kernel")
        begun_ns = time.monotonic_ns()
        self.scene.kill("dataplane")
        self.rest(AWAY_SECONDS)
        self.going_on(begun_ns, "without the dataplane")
        self.scene.start("dataplane")
        self.say("  the dataplane is started again")
        self.rest(3)

    def hung(self):
        self.say("  the dataplane hangs (SIGSTOP): its heartbeat stops, packets go on as before")
        begun_ns = time.monotonic_ns()
        with self.scene.hung("dataplane"):
            self.rest(HUNG_SECONDS)
            self.going_on(begun_ns, "while it hangs")
        self.say("  it goes on (SIGCONT)")
        self.rest(3)

    def engine_is_back(self):
        """The engine that the policy says, on each of the three ports, by the dataplane's log."""
        engine, said = self.storeline.engine, self.storeline.dataplane.said()
        ports = [line for line in said.splitlines() if "event=port line=" in line]
        self.expect(f"engine={engine}" in said, f"the dataplane is back with engine {engine}")
        self.expect(len(ports) == 3 and all(engine in port for port in ports),
                    f"the log shows three ports of {engine}")

    def killed(self):
        begun_ns = time.monotonic_ns()
        self.away()
        self.hung()
        ended_ns = time.monotonic_ns() - UNDER_WAY_NS
        self.engine_is_back()
        self.rest(2)
        tally = self.store.book.tally(begun_ns, ended_ns)
        unfinished = self.store.book.unfinished(begun_ns, ended_ns)
        self.say(f"  {tally.count} payments were made, {tally.failed} failed, {unfinished} are "
                 f"not finished; the longest took {ms(tally.max_us)}")
        self.expect(not tally.failed and not unfinished,
                    "no payment fails for a dataplane that is killed or hangs")

    def moved(self, fault, limit_ms, what):
        """Tell when the tills came out of the other uplink after a fault."""
        took = fault.moved_ms(8 if self.storeline else 0.5)
        if took is None:
            self.say("  no till has moved to lte")
        else:
            self.say(f"  first till packet on lte {took:.0f} ms after the fault "
                     f"(limit {limit_ms} ms)")
        self.expect(took is not None and took <= limit_ms, what)

    def returned(self):
        took = self.faults.returned_ms(30)
        if took is not None:
            self.say(f"  payments go by fibre again {took / 1000:.1f} s after it healed")
        self.expect(took is not None, "the tills return to fibre when it is good again")
        if self.storeline and not self.faults.settle(10):
            self.say("  (some till is still on lte)")
        self.rest(HOLD_DOWN_SECONDS)

    def blackout(self):
        with self.faults.blackout() as fault:
            self.say("  fibre is cut")
            self.moved(fault, BLACKOUT_LIMIT_MS, "tills on lte within 1 s of a blackout")
            self.rest(self.fault_seconds)
        self.say("  fibre is mended")
        self.returned()

    def brownout(self):
        with self.faults.loss(0.03) as fault:
            self.say("  fibre loses 3 % of all packets, both ways")
            self.moved(fault, BROWNOUT_LIMIT_MS, "tills on lte within 6 s of a brownout")
            self.rest(min(8, self.fault_seconds))
        self.say("  fibre is clean again")
        self.returned()

    def bloat(self):
        with self.faults.bloat() as fault:
            self.say("  a guest downloads; fibre's queue fills")
            throttled = fault.throttled_ms(12 if self.storeline else 1)
            if throttled is not None:
                self.say(f"  the guest is throttled {throttled / 1000:.1f} s after it began")
            self.rest(WATCHED_SECONDS)
            tally = self.store.book.tally(time.monotonic_ns() - int(5e9), till="till1")
            self.say(f"  till1 in the last 5 s: p95 {ms(tally.p95_us)} "
                     f"(limit {AT_THE_TILL_MS} ms: the SLO and the host's think time)")
            self.expect(throttled is not None, "the guest is throttled")
            self.expect((tally.p95_us or 1e9) <= AT_THE_TILL_MS * 1000,
                        "the tills' p95 under their SLO while the guest downloads")
            self.expect(not fault.tills_moved(), "the tills stay on fibre")

    def tell(self):
        self.phase("all is well", self.all_well)
        if self.storeline and self.storeline.engine == "dpdk":
            self.phase("the dataplane is killed", self.killed)
        self.phase("blackout", self.blackout)
        self.phase("brownout", self.brownout)
        self.phase("bufferbloat", self.bloat)

    # ---- the end ----

    def table(self):
        """What the tills wrote down, by phase; whether they kept working."""
        book = self.store.close_shop(35 if not self.storeline else 5)
        self.say("")
        self.say(f"{'at the tills':<24}{'payments':>9}{'failed':>8}{'> 10 s':>8}"
                 f"{'p50':>9}{'p95':>9}{'longest':>10}")
        rows = [(name, book.tally(begun, ended)) for name, begun, ended in self.phases]
        rows.append(("whole story", book.tally()))
        for name, tally in rows:
            self.say(f"{name:<24}{tally.count:>9}{tally.failed:>8}{tally.slow:>8}"
                     f"{ms(tally.p50_us):>9}{ms(tally.p95_us):>9}{ms(tally.max_us):>10}")
        unfinished = sum(s["unfinished"] for s in book.summaries)
        return rows[-1][1].failed + rows[-1][1].slow + unfinished == 0 and rows[-1][1].count > 0

    def verdict(self, working):
        self.say("")
        self.say("The tills kept working." if working else
                 f"The tills did not keep working: payments failed or took longer than "
                 f"{SLOW_US // 1_000_000} s.")
        for what in self.missed:
            self.say(f"Expected and not seen: {what}")
        return working and not self.missed


def stay(store, storeline, screen):
    """Until Ctrl-C."""
    screen.say("The store stands and trades.  Ctrl-C takes it down.")
    if storeline:
        screen.say(f"  export STORELINE_REDIS=unix:{storeline.redis_socket} "
                   "STORELINE_SITE=store-0421")
        screen.say(f"  {store.programs}/control/storeline status    (or: top, watch)")
    screen.say(f"  cut fibre:  echo '{{\"set\":{{\"up\":{{\"blackhole\":true}},\"down\":"
               f"{{\"blackhole\":true}}}}}}' | nc -U {store.wan['fibre'].path}")
    screen.say(f"  enter a host:  nsenter --net={store.run.path('till1')}    "
               f"(also box, guest, dc ...)")
    while True:
        screen.watch(5, store, storeline)


def play(store, storeline, screen, options):
    """The day in a store that stands; the exit code."""
    if storeline:
        screen.follow(storeline)
        storeline.start()
    store.trade()
    screen.say("The virtual store is open, "
               + ("without Storeline." if options.without else "with Storeline."))
    if storeline:
        screen.say(f"  its page, until this ends: {storeline.url}")
    if options.stay:
        stay(store, storeline, screen)
    story = Story(store, storeline, screen, options.short)
    story.tell()
    working = story.table()
    if storeline and (story.missed or not working):
        screen.say(storeline.said())
    # Last: of a test that failed, its end is what is shown.
    return 0 if story.verdict(working) else 1


def run(options):
    screen = Screen()
    for left in sweep():
        screen.say(f"swept away: {left}")
    with Store(options.programs, nat=options.engine == "xdp") as store:
        store.open()
        storeline = None if options.without else Storeline(store, engine=options.engine, page=True,
                                                           **STORY_POLICY)
        code = 1
        try:
            code = play(store, storeline, screen, options)
        finally:
            for left in storeline.stop() if storeline else []:
                screen.say(f"left behind: {left}")
                code = 1
        return code


def _stop(number, _):
    raise KeyboardInterrupt(number)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("programs")
    parser.add_argument("--engine", choices=ENGINES, default="xdp")
    parser.add_argument("--without", action="store_true")
    parser.add_argument("--stay", action="store_true")
    parser.add_argument("--short", action="store_true")
    if os.geteuid():
        print("skipped: needs root for network namespaces")
        return 77
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, _stop)
    try:
        return run(parser.parse_args())
    except KeyboardInterrupt:
        return 130
    except Broken as broken:
        print(f"run: {broken}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
