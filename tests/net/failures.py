"""The failure modes of a store's network, one scenario each: is it seen, understood, answered right?

usage: failures.py PROGRAMS [NAME ...] [--engine xdp|dpdk] [--short] [--list]

PROGRAMS is the build directory.  In the virtual store each fault is injected while tills pay.
--short: the long ones (healthy) for 30 s only.  A JSON line each on standard output:
  scenario, fault           what was done
  verdict, expected         where the decisions said that the fault is
  actions, false_actions    what was changed in the traffic; what of it nobody should have done
  detect_ms, act_ms         fault to the first bad state of the service; to the first action
  payments, lost            begun during the fault; of them failed
  decision, decisions       the first right one in its own words; all, of every service
  why                       what `storeline why SERVICE` says while the fault is there
Those of memory (stories.py) have more of their own.  Exit code 0 when every verdict is right and
nothing wrong was done, else 1.
"""

import contextlib
import json
import sys
import time

import stories
from catalogue import CATALOGUE
from faults import Faults
from netns import Broken
from program import play, take_engine, usage
from store import Store
from storeline import Storeline

WARM_UP = 5.0
PICTURES = 30  # of a tenth of a second


class Seen:
    """What Storeline said and did since a fault."""

    def __init__(self, failure, bus, at_ns):
        self.failure, self.bus, self.at_ns = failure, bus, at_ns

    def events(self, kind, **fields):
        return [e for e in list(self.bus.order)
                if e["kind"] == kind and e.get("at_mono_ns", 0) >= self.at_ns and
                all(e.get(key) == value for key, value in fields.items())]

    def after_ms(self, events):
        return round((events[0]["at_mono_ns"] - self.at_ns) / 1e6, 1) if events else None

    def decisions(self):
        """Of the service, of its culprit's limit, and of nobody in particular (the site).

        And a clamp is the uplink's, whoever found the hole first.
        """
        return [e for e in self.events("decision", source="control")
                if e["service"] in (self.failure.service, "") or e["remedy"] == "clamp-mss" or
                (e["service"] == self.failure.culprit and e["remedy"] == "throttle")]

    def verdicts(self):
        return {e["verdict"] for e in self.decisions() if e["remedy"] != "resolved"}

    def done(self):
        """Not by a person: after the fault the test itself puts all back."""
        return [e for e in self.events("action") if not e["command_id"].startswith("cli-")]

    def actions(self):
        """The dataplane calls a trial a reroute; the decision behind it knows better."""
        trials = {e["command_id"] for e in self.events("decision", remedy="trial")}
        return [("trial" if e["command_id"] in trials else e["remedy"]) + f" {e['service']}" +
                (f" to {e['to_uplink']}" if e["to_uplink"] else "") for e in self.done()]

    def false_actions(self):
        return [a for a in self.actions()
                if not any(a.startswith(right) for right in self.failure.may)]

    def right(self):
        """Every verdict is one of the expected (or not known yet), and what must be done was."""
        verdicts, wanted = self.verdicts(), set(self.failure.verdicts)
        known = not wanted or (verdicts & wanted and not verdicts - wanted - {"unknown"})
        done = all(any(a.startswith(must) for a in self.actions()) for must in self.failure.must)
        texts = [e["text"] for e in self.decisions()]
        said = all(any(words in text for text in texts) for words in self.failure.says) and \
            not any(words in text for text in texts for words in self.failure.never)
        return bool(known) and done and said and not self.false_actions()

    def decision(self):
        told = [e for e in self.decisions() if e["remedy"] != "resolved"]
        best = [e for e in told if e["verdict"] in self.failure.verdicts]
        return (best or told or [{"text": ""}])[0]["text"]


class Suite:
    """One store, fault after fault."""

    def __init__(self, store, box, short):
        self.store, self.box, self.short = store, box, short
        self.faults = Faults(store, box)

    def play(self, failure):
        with contextlib.ExitStack() as stack:
            at_ns = failure.inject(stack, self.store, self.faults) or time.monotonic_ns()
            time.sleep(failure.seconds)
            end_ns = time.monotonic_ns()
            shows = self.shows(failure)
            why = self.box.why(failure.service)
        self.faults.healed_ns = end_ns
        settled = self.faults.settle(40, by_hand=True)
        seen = Seen(failure, self.box.bus, at_ns)
        spared = not failure.spares or not self.store.book.tally(seen.at_ns, end_ns).failed
        right = seen.right() and settled and shows and spared
        print(json.dumps({**self.line(seen, end_ns), "why": why, "shows": shows,
                          "settled": settled, "right": right}), flush=True)
        return right

    def tell(self, story):
        fields = story.play(self)
        print(json.dumps({"scenario": story.name, "fault": story.fault, **fields}), flush=True)
        return fields["right"]

    def shows(self, failure):
        """Was the fault really there, as the dataplane measured it?  In one of some windows."""
        if not failure.shows:
            return True
        paths = {}
        for _ in range(PICTURES):
            picture = self.box.bus.picture()
            paths = {p["service"]: p for p in picture["paths"] if p["uplink"] == "fibre"} \
                if picture else {}
            if paths and failure.shows(paths):
                return True
        print(json.dumps(paths), file=sys.stderr)
        return False

    def line(self, seen, end_ns):
        failure, tally = seen.failure, self.store.book.tally(seen.at_ns, end_ns)
        bad = [e for e in seen.events("state-change", service=failure.service)
               if e["after"] in ("degraded", "down")]
        return {"scenario": failure.name, "fault": failure.fault,
                "verdict": sorted(seen.verdicts()), "expected": list(failure.verdicts),
                "actions": seen.actions(), "false_actions": seen.false_actions(),
                "detect_ms": seen.after_ms(bad), "act_ms": seen.after_ms(seen.done()),
                "seconds": round((end_ns - seen.at_ns) / 1e9, 1), "payments": tally.count,
                "lost": tally.failed, "decision": seen.decision(),
                "decisions": [f"{e['service']} {e['remedy']} ({e['verdict']}): {e['text']}"
                              for e in seen.events("decision")]}


def in_a_store(programs, engine, short, plays):
    """Play them one after the other in a new store; how many went wrong."""
    wrong = 0
    with Store(programs, nat=engine != "dpdk") as store:
        store.open()
        box = Storeline(store, engine=engine, hold_down="2s", actions_per_minute="600")
        try:
            box.start()
            store.trade()
            time.sleep(WARM_UP)
            suite = Suite(store, box, short)
            for one in plays:
                wrong += not one(suite)
        finally:
            if wrong:
                print(box.said(40), file=sys.stderr)
            box.stop()
    return wrong


def run(programs, names, engine, short):
    """True when all went right.  Each story begins with an empty memory: in a store of its own."""
    faults = [failure for failure in CATALOGUE if not names or failure.name in names]
    told = [story for story in stories.STORIES if not names or story.name in names]
    wrong = 0
    if faults:
        wrong += in_a_store(programs, engine, short,
                            [lambda suite, f=failure: suite.play(f) for failure in faults])
    for story in told:
        wrong += in_a_store(programs, engine, short, [lambda suite, s=story: suite.tell(s)])
    return not wrong


def main(words):
    every = [*CATALOGUE, *stories.STORIES]
    if "--list" in words:
        for one in every:
            print(f"{one.name:18} {one.fault}")
        return 0
    try:
        engine, words = take_engine(words)
    except Broken as broken:
        return usage(broken)
    short = "--short" in words
    words = [word for word in words if word != "--short"]
    if not words or set(words[1:]) - {one.name for one in every}:
        return usage(__doc__)
    return play(lambda: run(words[0], set(words[1:]), engine, short), "scenarios")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
