"""Longer scenarios, of what Storeline has learnt: each begins in a new store, with nothing known.

second-occurrence   the same fault twice: the second is repaired by the remembered remedy, in less
                    than half the time
worse               the other uplink is worse: the trial is taken back in its proof window, and when
                    the fault comes again, it is not tried again
allow-list          the payment host lets in fibre's address alone, and fibre gets slow, twice: the
                    tills are back in seconds, and are not moved a second time
bad-change          a policy takes the tills from fibre, and lte is slow: that policy is taken back
lte-cap             fibre is dark, all is on lte, and lte is clamped: the guest is throttled
healthy             nothing is wrong but a satellite's spikes and an LTE's jitter, and the memory is
                    full of faults that look like them: no action
"""

import contextlib
import dataclasses
import json
import time
import typing

from netns import Broken
from store import BULK, PAYMENTS_PORT

SPIKE_MS, JITTER_MS, LTE_JITTER_MS = 40, 12, 15
SPIKE_EVERY = 3.0     # seconds; a satellite's come each 15
HOUR_OF_SPIKES = 240  # one each 15 s
TRIAL_WINDOW_MS = 2000 + 1000  # the trial's time, and what a busy machine takes to say and do it


@dataclasses.dataclass
class Story:
    """One scenario of more than one act."""
    name: str
    fault: str
    play: typing.Callable  # (suite): the fields of its JSON line, "right" among them


class Said:
    """What was decided of pos since a moment."""

    def __init__(self, suite, at_ns):
        self.bus, self.at_ns = suite.box.bus, at_ns

    def wait(self, remedy, within):
        return self.bus.wait(lambda e: e["kind"] == "decision" and e["service"] == "pos" and
                             e["remedy"] == remedy, self.at_ns, within)

    def ms(self, event):
        return None if event is None else round((event["at_mono_ns"] - self.at_ns) / 1e6, 1)

    def all(self, remedy=None):
        return [e for e in list(self.bus.order)
                if e["kind"] == "decision" and e["service"] == "pos" and
                e.get("at_mono_ns", 0) >= self.at_ns and remedy in (None, e["remedy"])]

    def actions(self):
        return [f"{e['remedy']} {e['service']}" for e in list(self.bus.order)
                if e["kind"] == "action" and e.get("at_mono_ns", 0) >= self.at_ns and
                not e["command_id"].startswith("cli-")]


def _repaired(suite, worsen):
    """One occurrence, until the remedy is proven: how long it took, and how it was chosen."""
    said = Said(suite, worsen())
    moved, proved = said.wait("reroute", 15), said.wait("proved", 20)
    trials = len(said.all("trial"))
    why = suite.box.why("pos")
    suite.store.wan["fibre"].restore()
    return {"moved_ms": said.ms(moved), "proved_ms": said.ms(proved), "trials": trials,
            "settled": suite.faults.settle(40, by_hand=True),
            "decision": moved and moved["text"], "why": why}


def _half(second, first):
    return bool(first and second and second * 2 < first)


def second_occurrence(suite):
    fibre = suite.store.wan["fibre"]
    first, second = (_repaired(suite, lambda: fibre.delay_more(150)) for _ in range(2))
    lost = suite.store.book.tally().failed
    half = _half(second["moved_ms"], first["moved_ms"])
    # The suite's machine may be a busy one: there it is enough that memory was heeded.
    right = (half or suite.short) and first["trials"] > 0 and second["trials"] == 0 and \
        second["proved_ms"] is not None and first["settled"] and second["settled"] and lost == 0
    return {"first": first, "second": second, "half": half, "lost": lost, "right": bool(right)}


def _undone(said):
    """Of each trial: how long until it was taken back."""
    took = []
    for trial in said.all("trial"):
        back = [e for e in said.all("restore") if e["at_mono_ns"] > trial["at_mono_ns"]]
        took.append(round((back[0]["at_mono_ns"] - trial["at_mono_ns"]) / 1e6, 1) if back else None)
    return took


def worse(suite):
    fibre, lte = suite.store.wan["fibre"], suite.store.wan["lte"]

    def act(seconds):
        at_ns = fibre.delay_more(100)
        lte.delay_more(300)
        time.sleep(seconds)
        said, why = Said(suite, at_ns), suite.box.why("pos")
        fibre.restore()
        lte.restore()
        return said, why

    said, _ = act(16)  # 2 s of hold-down: tried again after 4 s, and might be after 8 more
    undone, moved = _undone(said), said.all("reroute")
    settled = suite.faults.settle(60, by_hand=True)
    again, why = act(10)
    tried = again.all("trial") + again.all("reroute")
    rejected = [option["why"] for e in again.all()
                for option in e.get("decision", {}).get("options", [])
                if option["remedy"] == "reroute" and not option["chosen"]]
    known = json.loads(suite.box.cli("memory")[1])
    settled = suite.faults.settle(60, by_hand=True) and settled
    right = undone and not moved and not tried and rejected and settled and \
        any(entry["remedy"] == "reroute" and entry["failed"] for entry in known) and \
        all(took is not None and took <= TRIAL_WINDOW_MS for took in undone)
    return {"undone_ms": undone, "moved": len(moved), "tried_again": len(tried),
            "rejected": rejected[:1], "settled": settled, "why": why, "right": bool(right)}


# ---- a far end that knows who calls ----

LETS_IN_FIBRE = f"""table inet fault {{
  chain came {{
    type filter hook input priority 0
    iifname "lte0" tcp dport {PAYMENTS_PORT} reject with tcp reset
  }}
}}"""


def _refused(suite, seconds):
    """150 ms more on fibre for so long."""
    said = Said(suite, suite.store.wan["fibre"].delay_more(150))
    time.sleep(seconds)
    why = suite.box.why("pos")
    suite.store.wan["fibre"].restore()
    return said, why, suite.faults.settle(60, by_hand=True)


def allow_list(suite):
    run = suite.store.run
    run.shell("dc", f"nft -f - <<'EOF'\n{LETS_IN_FIBRE}\nEOF")
    first, _, settled = _refused(suite, 10)
    undone, verdicts = _undone(first), {e["verdict"] for e in first.all("restore")}
    again, why, settled_again = _refused(suite, 8)
    tried = again.all("trial") + again.all("reroute")
    rejected = [option["why"] for e in again.all()
                for option in e.get("decision", {}).get("options", [])
                if option["remedy"] == "reroute" and not option["chosen"]]
    run.shell("dc", "nft delete table inet fault")
    tally = suite.store.book.tally(first.at_ns)
    right = undone and all(took is not None and took <= TRIAL_WINDOW_MS for took in undone) and \
        "destination" in verdicts and not tried and settled and settled_again and \
        any(text.startswith("never for this service") for text in rejected)
    return {"verdict": sorted(verdicts), "undone_ms": undone, "moved": len(first.all("reroute")),
            "actions": first.actions(), "tried_again": len(tried), "rejected": rejected[:1],
            "payments": tally.count, "lost": tally.failed,
            "decision": next((e["text"] for e in first.all("restore")), None), "why": why,
            "right": bool(right)}


# ---- the cap of a tariff ----

CAPPED_MBIT, CAPPED_QUEUE = 4, 200_000  # 400 ms of a queue


def _apply(suite, *changes):
    """The store's policy with (text, instead of it) at first sight, in force."""
    with open(suite.box.policy, encoding="utf-8") as policy:
        text = policy.read()
    for before, after, count in changes:
        if before not in text:
            raise Broken(f"the policy has no {before}")
        text = text.replace(before, after, count)
    path = suite.store.run.file("changed.yaml")
    with open(path, "w", encoding="utf-8") as policy:
        policy.write(text)
    code, said = suite.box.cli("policy", "apply", path)
    if code:
        raise Broken(f"the policy is not applied: {said}")


def _everywhere(suite):
    """A policy by which all services may use both uplinks, and pos has what lte can give."""
    _apply(suite, ("uplinks: [fibre]", "uplinks: [fibre, lte]", -1),
           ("latency_p95: 80ms", "latency_p95: 120ms", -1))


def _all_on_lte(suite, within=10):
    end = time.monotonic() + within
    while time.monotonic() < end:
        picture = suite.box.bus.picture()
        if picture and all(s["uplink"] == "lte" or s["name"] == "other"
                           for s in picture["services"]):
            return
        time.sleep(0.2)
    raise Broken("not all services have fled to lte")


def lte_cap(suite):
    store, box = suite.store, suite.box
    _everywhere(suite)
    time.sleep(3)
    with contextlib.ExitStack() as stack:
        stack.callback(store.wan["fibre"].restore)
        stack.callback(store.wan["lte"].restore)
        store.wan["fibre"].cut()
        _all_on_lte(suite)
        download = store.run.start("guest", "bulk-lte", "curl", "-s", "-o", "/dev/null",
                                   "--limit-rate", "750k", f"http://{BULK}/file")
        stack.callback(download.end)
        time.sleep(14)  # so that this is usual
        lte = store.wan["lte"]
        at_ns = lte.set(down=dict(lte.usual["down"], rate_mbit=CAPPED_MBIT,
                                  queue_bytes=CAPPED_QUEUE))
        limited = box.bus.wait(lambda e: e["kind"] == "decision" and e["remedy"] == "throttle" and
                               e["service"] == "wifi-guest" and e["limit_bps"], at_ns, 15)
        proved = box.bus.wait(lambda e: e["kind"] == "decision" and e["remedy"] == "proved" and
                              e["service"] == "wifi-guest", at_ns, 15)
        time.sleep(3)
        end_ns, why, said = time.monotonic_ns(), box.why("pos"), Said(suite, at_ns)
        actions = said.actions()
    verdicts = {e["verdict"] for e in said.all() if e["remedy"] != "resolved"}
    # In its first second old samples may still tell that another is well; what is done counts.
    false_actions = [a for a in actions if not a.startswith("throttle wifi-guest")]
    late = store.book.tally(end_ns - 3_000_000_000, end_ns)
    tally = store.book.tally(at_ns, end_ns)
    right = limited and "capped?" in limited["text"] and limited["verdict"] == "uplink" and \
        proved and not false_actions and tally.failed == 0
    return {"verdict": sorted(verdicts | ({limited["verdict"]} if limited else set())),
            "actions": actions, "false_actions": false_actions, "act_ms": said.ms(limited),
            "proved_ms": said.ms(proved), "payments": tally.count, "lost": tally.failed,
            "p95_ms": late.p95_us and round(late.p95_us / 1000, 1),
            "decision": limited and limited["text"], "why": why,
            "settled": suite.faults.settle(60, by_hand=True), "right": bool(right)}


# ---- a bad change ----

AUTO = ("hold_down: 2s", "hold_down: 2s, revert: auto", 1)


def bad_change(suite):
    store, box = suite.store, suite.box
    with contextlib.ExitStack() as stack:
        stack.callback(store.wan["lte"].restore)
        store.wan["lte"].delay_more(150)
        _apply(suite, AUTO)
        time.sleep(5)
        at_ns = time.monotonic_ns()
        _apply(suite, AUTO, ("uplinks: [fibre, lte]", "uplinks: [lte]", 1))
        said = Said(suite, at_ns)
        back, proved = said.wait("revert", 20), said.wait("proved", 25)
        time.sleep(3)
        end_ns, why = time.monotonic_ns(), box.why("pos")
        home, actions = box.service("pos")["uplink"] == "fibre", said.actions()
        past = json.loads(box.cli("policy", "history")[1])
        by_hand = box.cli("policy", "revert", "1")[0]
    verdicts = {e["verdict"] for e in said.all() if e["remedy"] != "resolved"}
    false_actions = [a for a in actions if not a.startswith("rollback")]
    tally = store.book.tally(at_ns, end_ns)
    late = store.book.tally(end_ns - 2_000_000_000, end_ns)
    right = verdicts == {"self"} and back and proved and len(actions) == 1 and \
        not false_actions and home and late.failed == 0 and by_hand == 0 and \
        [one["version"] for one in past] == [4, 3, 2, 1]
    return {"verdict": sorted(verdicts), "actions": actions, "false_actions": false_actions,
            "act_ms": said.ms(back), "proved_ms": said.ms(proved), "payments": tally.count,
            "lost": tally.failed, "p95_ms": late.p95_us and round(late.p95_us / 1000, 1),
            "decision": back and back["text"], "why": why, "home": home,
            "settled": suite.faults.settle(60, by_hand=True), "right": bool(right)}


def _spikes(suite, seconds):
    """How many there were."""
    fibre, lte, end, count = *suite.store.wan.values(), time.monotonic() + seconds, 0
    lte.worsen(jitter_ms=LTE_JITTER_MS)
    while time.monotonic() < end:
        fibre.delay_more(SPIKE_MS)
        time.sleep(0.2)
        fibre.worsen(jitter_ms=JITTER_MS)
        time.sleep(SPIKE_EVERY - 0.2)
        count += 1
    return count


def healthy(suite):
    """As many spikes as a satellite has in an hour, in a fifth of the time."""
    fibre = suite.store.wan["fibre"]
    learnt = [_repaired(suite, lambda: fibre.delay_more(150)),
              _repaired(suite, lambda: fibre.worsen(loss=0.03))]
    with contextlib.ExitStack() as stack:
        stack.callback(fibre.restore)
        stack.callback(suite.store.wan["lte"].restore)
        at_ns = time.monotonic_ns()
        spikes = _spikes(suite, 30 if suite.short else HOUR_OF_SPIKES * SPIKE_EVERY)
        said, tally = Said(suite, at_ns), suite.store.book.tally(at_ns)
        actions, told = said.actions(), [e["text"] for e in said.all()]
    right = not actions and tally.count > 0 and tally.failed == 0 and \
        all(one["proved_ms"] is not None and one["settled"] for one in learnt)
    return {"learnt": [one["decision"] for one in learnt], "spikes": spikes, "actions": actions,
            "false_actions": actions, "payments": tally.count, "lost": tally.failed,
            "decisions": told, "right": bool(right)}


STORIES = (
    Story("second-occurrence", "150 ms more on fibre, twice", second_occurrence),
    Story("worse", "100 ms more on fibre, 300 ms on lte, twice", worse),
    Story("allow-list", "150 ms more on fibre, twice; the payment host refuses what comes by lte",
          allow_list),
    Story("bad-change", "a policy takes pos from fibre, and lte has 150 ms more", bad_change),
    Story("lte-cap", "fibre is dark, and lte is clamped to 4 of 40 Mbit/s", lte_cap),
    Story("healthy", "an hour's spikes of a satellite, jitter, and a full memory", healthy),
)

__all__ = ["STORIES", "Story"]
