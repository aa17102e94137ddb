"""The lab: real TCP through impaired links on both sides of the real engines, and how right they are.

usage: lab.py PROGRAMS [--engine xdp|dpdk|both] [--seeds N] [--only WORD]... [--short]
              [--keep DIR]

A line a run and engine: truth / measured.  Losses are segments by the sender's side (client,
server) and the position of the box; round trips are p50 and p95 of a leg in ms, by
segments (seq) and by timestamps (ts).  After them the method that status
tells by.  Bounds: loss within max(1, 5 %), nothing invented; percentiles that are told within 5 %
or 200 us of the links' delay and queue and the far host's turnaround.  A run in which the links or the tap
themselves lost packets says nothing: it is repeated once, marked "again".  Then the table
of errors, with their spread over the seeds.  Exit: 0, or 1 when a row is out of bounds.
--keep writes a capture of each run, as the box saw it, for other judges.
"""

import argparse
import collections
import os
import signal
import sys

import lab_oracle
from lab_run import Lab, available
from lab_scenarios import SCENARIOS, SHORT
from netns import Broken, sweep

LOSS_SHARE, LOSS_LEAST = 0.05, 1
# Share of truth, or ns: what is told of a leg, and any p50; p95 of seq when it is not what is told.
NEAR, RELEASE = (0.05, 200_000), (0.10, 1_000_000)
RTT_SAMPLES = 20  # fewer in truth: a percentile of them is one packet's luck
SIDES = {"lan": "client", "wan": "server"}
COUNTS = ("lost_before", "lost_after", "duplicates")
METHODS = ("seq", "ts")

Check = collections.namedtuple("Check", "what truth said bound unseeable", defaults=(0,))


def loss_checks(truth, said):
    """The box lost nothing of its own: what it calls so is what it met while a flow was busy."""
    for side, who in SIDES.items():
        yield Check(f"{who} capture_miss", 0, said[side]["capture_miss"],
                    LOSS_LEAST + said["busy"])
        for count in COUNTS:
            true = truth[side][count]
            yield Check(f"{who} {count}", true, said[side][count],
                        max(LOSS_LEAST, LOSS_SHARE * true),
                        truth[side]["unseeable"] if count == "lost_before" else 0)


def rtt_checks(truth, said):
    """What status tells of a leg against the way itself; and each method against its own truth."""
    for leg in SIDES:
        told = said[leg]["rtt"]["told"]
        pairs = [("told", truth[leg]["rtt"]["seq"], said[leg]["rtt"].get(told))]
        pairs += [(m, truth[leg]["rtt"][m], said[leg]["rtt"][m]) for m in METHODS if m != told]
        for name, true, got in pairs:
            if true["samples"] < RTT_SAMPLES:
                continue
            for rank in ("p50_ns",) if name == "ts" else ("p50_ns", "p95_ns"):
                share, least = NEAR if name == "told" or rank == "p50_ns" else RELEASE
                yield Check(f"{leg} {name} {rank[:3]}", true[rank], got[rank] if got else 0,
                            max(least, share * true[rank]))


def one_way_checks(truth, said):
    """Only the client's data are seen, so only their loss; nothing may be made up of the rest."""
    for check in loss_checks(truth, said):
        if check.what.startswith("client"):
            yield check
        else:
            yield Check(check.what, 0, check.said, 0)
    for leg in SIDES:
        for method in METHODS:
            yield Check(f"{leg} {method} samples", 0, said[leg]["rtt"][method]["samples"], 0)


def checks(measured, engine):
    truth, said = measured.truth, measured.said[engine]
    if measured.scenario.one_way:
        return list(one_way_checks(truth, said))
    return [*loss_checks(truth, said), *rtt_checks(truth, said)]


def wrong(check):
    return abs(check.said - check.truth) > check.bound


def is_limit(check):
    """Out of bounds for what no method in the box can see."""
    return wrong(check) and abs(check.said - check.truth + check.unseeable) <= check.bound


def loss_cell(measured, engine, side):
    truth, said = measured.truth[side], measured.said[engine][side]
    blind = f"-{truth['unseeable']}" if truth["unseeable"] else ""
    cells = [f"{truth[count]}{blind if count == 'lost_before' else ''}/{said[count]}"
             for count in COUNTS]
    passive = said["lost_before"] + said["lost_after"] + said["spurious"]
    return f"{' '.join(cells)} k{measured.kernel[side]}/{passive}"


def rtt_cell(measured, engine, leg):
    cells, said = [], measured.said[engine][leg]["rtt"]
    for method in METHODS:
        truth = measured.truth[leg]["rtt"][method]
        cells += [f"{truth[rank] / 1e6:.1f}/{said[method][rank] / 1e6:.1f}"
                  if truth["samples"] >= RTT_SAMPLES else "-" for rank in ("p50_ns", "p95_ns")]
    return " ".join(cells) + f" {said['told']}"


HEAD = ("scenario", "seed", "engine", "client: before after twice k", "server: before after twice k",
        "lan: seq p50 p95, ts p50 p95", "wan: seq p50 p95, ts p50 p95", "verdict")
WIDTHS = (31, 4, 6, 29, 29, 39, 39, 0)


def show(*cells):
    print("  ".join(str(cell).ljust(width) for cell, width in zip(cells, WIDTHS)).rstrip(),
          flush=True)


def sorted_out(measured, engine):
    """Names of what is out of bounds: for a known reason that no code here can help, or not."""
    wrongs = [check for check in checks(measured, engine) if wrong(check)]
    times = measured.scenario.times_limit or measured.late(engine)

    def excused(check):
        return is_limit(check) or (times and check.what.split()[0] in SIDES)
    return ([check.what for check in wrongs if not excused(check)],
            [check.what for check in wrongs if excused(check)])


def verdict(measured, engine, again):
    spoilt = measured.spoilt(engine)
    bad, limits = sorted_out(measured, engine)
    words = "no word: " + str(spoilt) if spoilt else "OUT: " + ", ".join(bad) if bad else "ok"
    words += ", limit: " + ", ".join(limits) if limits and not spoilt else ""
    words += ", times say nothing: it waited for a CPU" if measured.late(engine) else ""
    words += f" ({measured.said[engine]['busy']} busy)" if measured.said[engine]["busy"] else ""
    return words + (" (again)" if again else "")


def run_once(options, scenario, engines, seed):
    with Lab(options.programs, scenario, engines, seed) as lab:
        return lab.measure()


def run(options, scenario, seed):
    """A run, and another one when the first says nothing of an engine; (measured, again?)."""
    try:
        measured = run_once(options, scenario, options.engines, seed)
        if not any(measured.spoilt(engine) or measured.late(engine)
                   for engine in options.engines):
            return measured, False
    except Broken as broken:
        print(f"{scenario.name}, seed {seed}: {broken}", file=sys.stderr)
    return run_once(options, scenario, options.engines, seed), True


def keep(options, measured):
    name = f"{measured.scenario.name.replace(' ', '-').replace(',', '')}.{measured.seed}.pcap"
    lab_oracle.write_capture(os.path.join(options.keep, name), measured.trace,
                             measured.scenario.v6, measured.scenario.one_way)


def summary(runs, engine):
    """Of one scenario: every check's error over the seeds that say something; out of bounds?"""
    errors = collections.defaultdict(list)
    bad = 0
    for measured in runs:
        if measured.spoilt(engine):
            continue
        for check in checks(measured, engine):
            errors[check.what].append(check.said - check.truth)
        bad += len(sorted_out(measured, engine)[0])
    return errors, bad


def spread(errors, words, scale, form):
    """min..max of the errors of those checks that have one of these words."""
    values = [e / scale for what, list_ in errors.items() for e in list_
              if any(word in what for word in words)]
    return f"{min(values):{form}}..{max(values):{form}}" if values else "-"


def print_summary(table, engines):
    print(f"\nerrors over all seeds, min..max: segments; ms of p50 and p95"
          f"\n{'scenario':31}  engine  {'runs':4}  {'before':9}  {'after':9}  {'twice':9}  "
          f"{'told p50':13}  {'told p95':13}  out of bounds")
    for name, runs in table.items():
        for engine in engines:
            errors, bad = summary(runs, engine)
            said = sum(not measured.spoilt(engine) for measured in runs)
            cells = [spread(errors, [count], 1, "+.0f") for count in COUNTS]
            cells += [spread(errors, [words], 1e6, "+.2f")
                      for words in ("told p50", "told p95")]
            widths = (9, 9, 9, 13, 13)
            print(f"{name:31}  {engine:6}  {said:4}  "
                  + "  ".join(c.ljust(w) for c, w in zip(cells, widths)) + f"  {bad or 'none'}")


def chosen(options):
    for scenario in SCENARIOS:
        if options.short and scenario.name not in SHORT:
            continue
        if options.only and not any(word in scenario.name for word in options.only):
            continue
        if scenario.congestion not in options.available:
            print(f"skipped: {scenario.name}: this kernel has no {scenario.congestion}")
            continue
        yield scenario


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1])
    parser.add_argument("programs")
    parser.add_argument("--engine", choices=("xdp", "dpdk", "both"), default="both")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", action="append")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--keep")
    options = parser.parse_args()
    options.engines = ["xdp", "dpdk"] if options.engine == "both" else [options.engine]
    options.available = available()
    table, failed, told = collections.defaultdict(list), 0, set()
    show(*HEAD)
    for scenario in chosen(options):
        for seed in range(1, options.seeds + 1):
            measured, again = run(options, scenario, seed)
            table[scenario.name].append(measured)
            if options.keep:
                keep(options, measured)
            for engine in options.engines:
                words = verdict(measured, engine, again)
                told |= {engine} if words.startswith("ok") else set()
                # On a busy machine a run can say nothing; the suite bears that, but not of all
                # the runs of an engine.
                failed += not words.startswith(("ok", "no word") if options.short else "ok")
                show(scenario.name, seed, engine, loss_cell(measured, engine, "lan"),
                     loss_cell(measured, engine, "wan"), rtt_cell(measured, engine, "lan"),
                     rtt_cell(measured, engine, "wan"), words)
    print_summary(table, options.engines)
    return 1 if failed or told != set(options.engines) else 0


if __name__ == "__main__":
    if os.geteuid():
        print("skipped: needs root for network namespaces")
        sys.exit(77)
    sweep()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))  # and take all away on the way out
    try:
        sys.exit(main())
    except Broken as broken:
        sys.exit(str(broken))
