"""kill -9 of dataplane, control and Redis, each at a random moment of a fault.

After each kill the process stays away for a while, as if a supervisor had to notice, and is
started again.  What must hold:
  - traffic goes on: payments are made all along, and none is lost but what a blackout takes;
  - events: per (source, boot) the sequence numbers are contiguous from 1, and control's
    watermark reaches the last one;
  - no command is applied twice: one ack `applied` a command id;
  - it converges: in the end the tills are back on fibre and every process is alive.
"""

import collections
import contextlib
import random
import signal
import time

AWAY_SECONDS = 1.5


class Scene:
    """Ends Storeline's processes and starts them again, in faults or without."""

    def __init__(self, store, box, faults):
        self.store, self.box, self.faults = store, box, faults
        self.random = random.Random(20)

    def kill(self, name):
        victim = getattr(self.box, name)
        victim.kill(signal.SIGKILL)
        victim.popen.wait()

    def start(self, name):
        getattr(self.box, "start_" + name)()

    @contextlib.contextmanager
    def hung(self, name):
        """The whole process stands still, alive, until the context is left."""
        victim = getattr(self.box, name)
        victim.kill(signal.SIGSTOP)
        try:
            yield
        finally:
            victim.kill(signal.SIGCONT)


def _inject(scene, turn):
    return scene.faults.blackout() if turn % 2 == 0 else scene.faults.loss(0.03)


def _round(report, scene, turn, victim):
    """A fault, and in it a kill; True when the tills kept paying."""
    with _inject(scene, turn):
        time.sleep(scene.random.uniform(0, 1.5))
        scene.kill(victim)
        killed_ns = time.monotonic_ns()
        time.sleep(AWAY_SECONDS)
        scene.start(victim)
        time.sleep(4)
    settled = scene.faults.settle(40, by_hand=True)
    tally = scene.store.book.tally(killed_ns)
    report.measured(scenario="kill", victim=victim, fault="loss" if turn % 2 else "blackout",
                    settled=settled, **tally.as_json())
    report.require(settled, f"after kill -9 of {victim} the tills are back on fibre in 40 s")
    report.require(tally.count - tally.failed > 0, f"payments go on after kill -9 of {victim}")


def contiguous(events):
    """Holes in the events' numbers: [((source, boot), missing)]."""
    numbers = collections.defaultdict(set)
    for source, boot, seq in events:
        numbers[source, boot].add(seq)
    return [(key, sorted(set(range(1, max(seqs) + 1)) - seqs))
            for key, seqs in numbers.items() if seqs != set(range(1, max(seqs) + 1))]


def applied_twice(events):
    """Command ids with more than one ack `applied`."""
    acks = collections.Counter(event["command_id"] for event in events
                               if event["kind"] == "ack" and event["ack"] == "applied")
    return [command for command, count in acks.items() if count > 1]


def acknowledged(bus, within):
    """Does control's watermark reach the dataplane's last event in time?"""
    end = time.monotonic() + within
    while time.monotonic() < end:
        boot, last = max(((e["boot"], e["seq"]) for e in list(bus.order)
                          if e["source"] == "dataplane"), key=lambda key: key[1])
        mark = bus.watermarks().get("dataplane", "0:0").split(":")
        if mark[0] == boot and int(mark[1]) >= last:
            return True
        time.sleep(0.1)
    return False


def run(report, scene, rounds):
    """All victims in turn, so many rounds; a line in plain words."""
    turn = 0
    for _ in range(rounds):
        for victim in ("dataplane", "control", "redis"):
            _round(report, scene, turn, victim)
            turn += 1
    time.sleep(1)
    bus, box = scene.box.bus, scene.box
    holes, twice = contiguous(bus.events), applied_twice(bus.order)
    boots = {key[:2] for key in bus.events if key[0] == "dataplane"}
    report.measured(scenario="kills", events=len(bus.events), delivered_again=bus.again,
                    holes=[[*key, missing] for key, missing in holes], applied_twice=twice,
                    dataplane_boots=len(boots))
    report.require(not holes, "no event is lost")
    report.require(not twice, "no command is applied twice")
    report.require(len(boots) == 1, "the dataplane keeps its identity over kills")
    report.require(acknowledged(bus, 5), "control's watermark covers the last event")
    report.require(all(p.alive() for p in (box.dataplane, box.control, box.redis)),
                   "all processes are alive")
    scene.store.close_shop()
    tally = scene.store.book.tally()
    return (f"kills: {turn} kills, {len(bus.events)} events, {bus.again} delivered again, "
            f"{len(holes)} holes, {len(twice)} commands applied twice; payments {tally.count}, "
            f"failed {tally.failed}")
