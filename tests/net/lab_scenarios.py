"""The lab's scenarios: what runs over which impairments.  A row is a specification.

Links have two ways; a way's settings are those of struct sl_model_settings (model.h).  "Before"
and "after" are of the box, as the sender sees it: before is link A for the client's data and
link B for the server's.
"""

import dataclasses

CUBIC, BBR, RENO = "cubic", "bbr", "reno"
UPLOAD, DOWNLOAD, BOTH, ASK = ("up",), ("down",), ("up", "down"), ("ask",)

LAN_MS, WAN_MS = 5, 10  # each way, of link A and link B


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    congestion: str = CUBIC
    flows: tuple = BOTH
    v6: bool = False
    before: dict = dataclasses.field(default_factory=dict)  # in both directions of data
    after: dict = dataclasses.field(default_factory=dict)
    ms: int = 4000
    mbit: int = 10      # of each sender
    one_way: bool = False  # the tap sees only what the client sends
    # Why times here are beyond a method that keeps a few slots; they are shown, not judged.
    times_limit: str = ""

    def links(self):
        """Settings of links A and B: {"up": ..., "down": ...} each."""
        a = {"up": dict({"delay_ms": LAN_MS}, **self.before),
             "down": dict({"delay_ms": LAN_MS}, **self.after)}
        b = {"up": dict({"delay_ms": WAN_MS}, **self.after),
             "down": dict({"delay_ms": WAN_MS}, **self.before)}
        return a, b


# A queue of 250 kB before 5 Mbit/s delays by 400 ms.
BLOATED = {"rate_mbit": 5, "queue_bytes": 250_000}
SHALLOW = {"rate_mbit": 8, "queue_bytes": 30_000}
BURSTS = {"burst_enter": 0.004, "burst_leave": 0.3}
LATE = {"reorder": 0.02, "reorder_ms": 3}
TWICE = {"duplicate": 0.02}

SCENARIOS = [
    Scenario("nothing lost, cubic"),
    Scenario("nothing lost, bbr", BBR),
    Scenario("nothing lost, reno", RENO),
    Scenario("nothing lost, cubic, IPv6", v6=True),
    Scenario("nothing lost, requests", flows=ASK),
    Scenario("loss 1 % before, cubic", before={"loss": 0.01}),
    Scenario("loss 1 % after, cubic", after={"loss": 0.01}),
    Scenario("loss 1 % both, cubic", before={"loss": 0.01}, after={"loss": 0.01}),
    Scenario("loss 2 % before, bbr", BBR, before={"loss": 0.02}),
    Scenario("loss 2 % after, bbr", BBR, after={"loss": 0.02}),
    Scenario("loss 5 % after, bbr", BBR, after={"loss": 0.05}),
    Scenario("loss 1 % both, bbr, IPv6", BBR, v6=True, before={"loss": 0.01},
             after={"loss": 0.01}),
    Scenario("loss 0.5 % before, reno", RENO, before={"loss": 0.005}),
    Scenario("loss 1 % after, reno, IPv6", RENO, v6=True, after={"loss": 0.01}),
    Scenario("bursts before, bbr", BBR, before=BURSTS),
    Scenario("bursts after, cubic", after=BURSTS),
    Scenario("bursts after, bbr, IPv6", BBR, v6=True, after=BURSTS),
    Scenario("reordering before, cubic", before=LATE),
    Scenario("reordering after, bbr", BBR, after=LATE),
    Scenario("duplicates before, cubic", before=TWICE),
    Scenario("duplicates both, bbr, IPv6", BBR, v6=True, before=TWICE, after=TWICE),
    Scenario("bufferbloat 400 ms, cubic", after=BLOATED, ms=6000, mbit=6),
    Scenario("bufferbloat 400 ms, reno, IPv6", RENO, v6=True, after=BLOATED, ms=6000, mbit=6),
    Scenario("bufferbloat 400 ms, overshoot", RENO, after=BLOATED, ms=5000,
             times_limit="slow start ends in hundreds of losses at once: for seconds of a deep "
                         "queue nothing may be sampled (Karn), and the reference method, too, "
                         "misses the same part of it"),
    Scenario("full shallow queue after, cubic", after=SHALLOW),
    Scenario("jitter 4 ms after, bbr", BBR, after={"delay_ms": 10, "jitter_ms": 4}),
    Scenario("requests, loss 1 % both", flows=ASK, before={"loss": 0.01}, after={"loss": 0.01}),
    Scenario("one way, nothing lost, cubic", one_way=True),
    Scenario("one way, loss 1 % both, bbr", BBR, one_way=True, before={"loss": 0.01},
             after={"loss": 0.01}),
]

# A taste of each kind, for the test suite.  Not those whose p95 is at the edge of its bound:
# requests with loss (few samples), reordering before (the method samples on through it, the oracle
# does not).
SHORT = ["nothing lost, cubic", "loss 1 % both, bbr, IPv6", "reordering after, bbr",
         "duplicates before, cubic", "nothing lost, requests"]
