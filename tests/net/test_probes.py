"""Probes in the virtual store: a dead fibre is left within a row of them, and is recorded.

usage: test_probes.py PROGRAMS [ROUNDS] [--engine xdp|dpdk]

Fibre is cut ROUNDS times with probes as they are by default (when suspected), then as often with
probes each 10 ms at all times.  JSON lines, then a summary: from the cut to the decision, and to
the first till packet on lte.  What is required is the outcome, and a loose bound: the machine that
tests is a busy one.  Exit code: 0 passed, 1 failed, 77 skipped.
"""

import os
import re
import struct
import subprocess
import sys
import time

import scenarios
from program import play, take_engine
from scenarios import Report, trading
from tills import quantile

LIMIT_MS = 500  # 100 are promised where probes run, on a machine that has nothing else to do
ALWAYS = "probes: {when: always, interval: 10ms, budget: 200kbit}\n"
SAYS_PROBES = re.compile(r"\d+ probes of \d+ servers unanswered")


def counters(box):
    picture = box.bus.picture()
    return {c["name"]: c["value"] for c in picture["counters"]} if picture else {}


class Cuts:
    """Blackouts one after the other under one policy."""

    def __init__(self, report, name):
        self.report, self.name = report, name
        self.moved, self.decided, self.by_probes = [], [], 0

    def one(self, box, faults):
        with faults.blackout() as fault:
            moved = fault.moved_ms(12)
            event = box.bus.wait(lambda e: e["kind"] == "action" and e["service"] == "pos"
                                 and e["remedy"] == "fast-reroute", fault.at_ns, 2)
            time.sleep(1)
        said = box.bus.find(lambda e: e["kind"] == "state-change" and e["uplink"] == "fibre"
                            and not e["service"] and e["after"] == "down", fault.at_ns)
        decided = event and (event["at_mono_ns"] - fault.at_ns) / 1e6
        self.moved.append(float("inf") if moved is None else moved)
        self.decided.append(float("inf") if decided is None else decided)
        self.by_probes += bool(said and SAYS_PROBES.search(said["text"]))
        self.report.measured(scenario=self.name, moved_ms=moved, decided_ms=decided,
                             why=said and said["text"])

    def summary(self):
        self.report.require(self.by_probes > 0, f"{self.name}: probes found it")
        self.report.require(quantile(self.moved, 0.5) <= LIMIT_MS,
                            f"{self.name}: the median move within {LIMIT_MS} ms")
        return (f"{self.name}: moved p50 {quantile(self.moved, 0.5):.0f}, "
                f"p95 {quantile(self.moved, 0.95):.0f} ms; "
                f"decided p50 {quantile(self.decided, 0.5):.0f}, "
                f"p95 {quantile(self.decided, 0.95):.0f} ms; "
                f"{self.by_probes} of {len(self.moved)} by probes")


def recorded(report, box):
    """The first blackout froze the recorder: the tills' headers are in a file, both ways."""
    event = box.bus.wait(lambda e: e["kind"] == "decision" and e["remedy"] == "record", 0, 8)
    report.require(event is not None, "the flow recorder wrote a file")
    if not event:
        return
    report.measured(recording=event["text"])
    done = subprocess.run([os.path.join(box.programs, "dataplane", "storeline-dataplane"),
                           "recordings", "--state", box.run.file("dataplane-state")],
                          capture_output=True, text=True, check=False)
    path = done.stdout.split(" ")[0]
    report.require(path.endswith(".pcapng"), "the file is listed")
    ways = directions(path) if path else {}
    report.require(min(ways.get(1, 0), ways.get(2, 0)) > 20, f"packets of both directions: {ways}")


def directions(path):
    """How many packets of a pcapng file came in (1) and went out (2), by their flags."""
    with open(path, "rb") as file:
        data = file.read()
    at, ways = 0, {}
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind == 6:
            kept = struct.unpack_from("<I", data, at + 20)[0]
            flags = struct.unpack_from("<I", data, at + 28 + (kept + 3) // 4 * 4 + 4)[0]
            ways[flags] = ways.get(flags, 0) + 1
        at += length
    return ways


def rounds(programs, name, count, more):
    report = Report()
    with trading(programs, hold_down="1s", actions_per_minute="600", more=more) as (_, box, faults):
        cuts, before = Cuts(report, name), counters(box)
        report.require(before.get("probes.answered", 0) > 0, "servers are learnt, and answer")
        downs = [e for e in box.bus.order if e["kind"] == "state-change" and e["after"] == "down"]
        report.require(not downs, f"nothing is down in calm: {downs}")
        for turn in range(count):
            # A busy machine may have made control move the tills before the first cut.
            if turn or (box.service("pos") or {}).get("rerouted"):
                report.require(faults.settle(30, by_hand=True), "all is as before within 30 s")
            cuts.one(box, faults)
        recorded(report, box)
        after = counters(box)
        report.measured(scenario=name, **{key: after[key] - before[key] for key in before
                                          if key.startswith("probes.")})
        return report.end(cuts.summary(), box)


def main(words):
    scenarios.ENGINE, words = take_engine(words)
    count = int(words[1]) if len(words) > 1 else 2
    return play(lambda: all([rounds(words[0], "suspected", count, ""),
                             rounds(words[0], "always", count, ALWAYS)]), "test_probes")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
