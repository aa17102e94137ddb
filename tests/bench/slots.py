"""What each count of slots a flow buys in accuracy, by the reference method over real captures.

usage: slots.py CAPTURES TOOLS

Runs TOOLS/reference.py (the method of MEASUREMENT.md with any number of slots; the fast
path has the same figures at its own counts) over CAPTURES for each row of COUNTS, scores it
with TOOLS/compare.py against CAPTURES/truth, and prints a JSON line each: the counts, the
bytes that one direction takes (in whole cache lines, as ours does), and what the bars of issue 4 ask for.
"""

import glob
import json
import os
import subprocess
import sys
import tempfile

COUNTS = [(2, 2, 2), (4, 4, 2), (4, 4, 4), (5, 5, 3), (6, 6, 4), (8, 4, 4), (8, 6, 4), (8, 8, 8)]
OURS = (8, 6, 4)  # SL_SEQ_SLOTS, SL_TS_SLOTS, SL_HOLES of flow.h
SCORES = ["rtt_p50", "rtt_p95", "ts_p50", "retrans_exact", "lab_down", "lab_up", "lab_kernel"]
SLOT_BYTES, HOLE_BYTES = 8 + 2, 16  # struct sl_slot and its weight; struct sl_hole
FIXED_BYTES, LINE_BYTES = 42, 64    # the rest of struct sl_direction, without padding; a cache line


def score(captures, tools, counts):
    """What compare.py says of reference.py with @counts slots."""
    with tempfile.TemporaryDirectory() as folder:
        names = ("NSEQ", "NTS", "NH")
        env = dict(os.environ, **{n: str(c) for n, c in zip(names, counts)})
        inputs = sorted(glob.glob(os.path.join(captures, "*.pcap*")))
        subprocess.run([sys.executable, os.path.join(tools, "reference.py"), folder, *inputs],
                       env=env, check=True, stdout=subprocess.DEVNULL)
        report = os.path.join(folder, "score.json")
        subprocess.run([sys.executable, os.path.join(tools, "compare.py"),
                        os.path.join(captures, "truth"), folder, "--json", report],
                       stdout=subprocess.DEVNULL, check=False)
        with open(report, encoding="utf-8") as file:
            return json.load(file)


def line(captures, tools, counts):
    """One row of the answer."""
    held = (counts[0] + counts[1]) * SLOT_BYTES + counts[2] * HOLE_BYTES
    scores = score(captures, tools, counts)
    return {"name": "slots %d/%d/%d" % counts, "sequence": counts[0], "timestamp": counts[1],
            "holes": counts[2], "slot_bytes": held,
            "direction_bytes": (FIXED_BYTES + held + LINE_BYTES - 1) // LINE_BYTES * LINE_BYTES,
            **{name: round(scores[name]["pct"], 2) for name in SCORES}, "ours": counts == OURS}


def main(captures, tools):
    for counts in COUNTS:
        print(json.dumps(line(captures, tools, counts)), flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
