"""The box as STAMP reflector: its XDP program answers on the uplinks, the socket what is left.

usage: test_reflect.py PROGRAMS

The datacenter asks over the fibre: the box's address there, which the program answers, and its
address on the LAN, which is the socket's.  Both medians are printed; what is required is that
answers come, and that the counters tell which way.  Then the dataplane is killed: nobody
answers for it, until it is back.  Exit code: 0 passed, 1 failed, 77 skipped.
"""

import json
import os
import signal
import sys
import time

from program import play, usage
from scenarios import Report
from store import HERE, PAYMENTS, UPLINKS, Store
from storeline import Storeline

REFLECTOR = "reflector: {from: 192.0.2.0/30, rate: 1000}\n"
COUNT = 100
ON_LAN = "10.42.0.1"
BOX, DATACENTER, _ = UPLINKS["fibre"]
GONE_S = 1.5  # the program's trust in a silent agent, and some


class Asked:
    """What the datacenter heard, and how the box's counters changed by it."""

    def __init__(self, store, box, to, source=DATACENTER, count=COUNT):
        before = counters(box)
        self.heard = json.loads(store.run.shell(
            "dc", f"python3 {os.path.join(HERE, 'asks_stamp.py')} {source} {to} {count}"))
        after = counters(box)
        self.counted = {key: after[key] - before.get(key, 0) for key in after}
        self.answered = self.heard["answered"]


def counters(box):
    """Those of the reflector, as of now: a picture is 100 ms old at most."""
    time.sleep(0.3)
    picture = box.bus.picture()
    return {c["name"].partition(".")[2]: c["value"] for c in picture["counters"]
            if c["name"].startswith("stamp.")} if picture else {}


def lay_out(store, programs):
    """A veth sends what XDP turned round only to an end that has XDP: the fibre's gets a program
    that passes everything, the LTE's none."""
    store.open()
    guard = os.path.join(programs, "ebpf", "handover.bpf.o")
    store.run.ip("fibre", f"link set dev store xdpdrv obj {guard} sec xdp")
    store.run.ip("dc", f"route add {ON_LAN}/32 via {BOX} dev fibre0")


def two_ways(report, store, box):
    fast = Asked(store, box, BOX)
    slow = Asked(store, box, ON_LAN)
    foreign = Asked(store, box, BOX, source=PAYMENTS, count=3)
    report.measured(way="program", **fast.heard)
    report.measured(way="socket", **slow.heard)
    report.require(fast.answered >= COUNT * 0.9, "the program's answers come")
    report.require(fast.counted["reflected_fast"] >= fast.answered, "they are counted as its own")
    report.require(slow.answered >= COUNT * 0.9, "the socket's answers come")
    report.require(slow.counted["reflected_fast"] == 0 and
                   slow.counted["reflected"] >= slow.answered, "they are counted as the socket's")
    report.require(foreign.answered == 0 and foreign.counted["foreign"] == 3,
                   "who may not ask is not answered, and counted")
    return (f"STAMP over the fibre: by the program {fast.heard['round_trip_us']} us, of which the "
            f"box {fast.heard['stay_us']}; by the socket {slow.heard['round_trip_us']} us, of "
            f"which the box {slow.heard['stay_us']}")


def killed(report, store, box):
    box.dataplane.kill(signal.SIGKILL)
    box.dataplane.popen.wait()
    time.sleep(GONE_S)
    alone = json.loads(store.run.shell(
        "dc", f"python3 {os.path.join(HERE, 'asks_stamp.py')} {DATACENTER} {BOX} 3"))
    report.require(alone["answered"] == 0, "without an agent nobody answers by an old clock")
    box.start_dataplane()
    again = Asked(store, box, BOX, count=20)
    report.require(again.answered > 0 and again.counted["reflected_fast"] > 0,
                   "it answers again, by the program")


def reflects(programs):
    report = Report()
    with Store(programs) as store:
        lay_out(store, programs)
        box = Storeline(store, more=REFLECTOR)
        try:
            box.start()
            report.require(counters(box).get("fast_devices") == 1,
                           "the program stands on the fibre, and not where it could not send")
            summary = two_ways(report, store, box)
            killed(report, store, box)
        finally:
            box.stop()
        left = store.run.shell("box", "ip -d link show")
        report.require("prog/xdp" not in left, "detach takes it off")
        return report.end(summary, box)


def main(words):
    if len(words) != 1:
        return usage(__doc__)
    return play(lambda: reflects(words[0]), "test_reflect")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
