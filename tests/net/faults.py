"""Faults on the virtual store's fibre, and when they were answered.

A fault is a context: it is injected on entering and taken away on leaving.  Times count from
the moment that the WAN link says it holds from, on one clock (CLOCK_MONOTONIC), to the first
frame towards the payment host that comes out of the box on the other uplink.
"""

import contextlib
import time

from store import PAYMENTS, PAYMENTS_PORT

# The policy's SLO for a till's round trip, and what else a payment takes: the host's think time
# and our own two cores.
SLO_MS, HOST_MS = 80, 35
AT_THE_TILL_MS = SLO_MS + HOST_MS
GOOD = ("pos", "cctv", "click-and-collect")
FORGOTTEN_S = 2.5  # the longest window of the policy, and a little
CLOSED_S = 15      # an incident is over when its path was good for a while


class Fault:
    """One fault, from when it holds."""

    def __init__(self, faults, watch):
        self.faults, self.watch = faults, watch
        self.at_ns = None

    def moved_ms(self, within):
        """Fault to first till packet on the other uplink; None when none came in time."""
        seen = self.watch.seen_ns(within)
        return None if seen is None else (seen - self.at_ns) / 1e6

    def tills_moved(self):
        """Were payments taken off their uplink since the fault?"""
        if not self.faults.storeline:
            return False
        return self.faults.storeline.bus.find(
            lambda e: e["kind"] == "action" and e["service"] == "pos"
            and "reroute" in e["remedy"], self.at_ns) is not None

    def throttled_ms(self, within):
        """Fault to the throttling of the guest, as the dataplane reports it."""
        if not self.faults.storeline:
            return None
        event = self.faults.storeline.bus.wait(
            lambda e: e["kind"] == "action" and e["remedy"] == "throttle"
            and e["service"] == "wifi-guest", self.at_ns, within)
        return event and (event["at_mono_ns"] - self.at_ns) / 1e6


class Faults:
    """Injects faults on fibre."""

    def __init__(self, store, storeline):
        self.store, self.storeline = store, storeline
        self.healed_ns = None

    @contextlib.contextmanager
    def _on_fibre(self, inject):
        fibre, lte = self.store.wan["fibre"], self.store.wan["lte"]
        fault = Fault(self, lte.watch(PAYMENTS, PAYMENTS_PORT))
        try:
            fault.at_ns = inject(fibre)
            yield fault
        finally:
            self.healed_ns = fibre.restore()
            fault.watch.close()

    def blackout(self):
        return self._on_fibre(lambda fibre: fibre.cut())

    def loss(self, share):
        return self._on_fibre(lambda fibre: fibre.worsen(loss=share))

    def slow(self, more_ms):
        return self._on_fibre(lambda fibre: fibre.delay_more(more_ms))

    @contextlib.contextmanager
    def bloat(self):
        """Nothing is wrong with fibre but a guest's download."""
        fault = Fault(self, self.store.wan["lte"].watch(PAYMENTS, PAYMENTS_PORT))
        fault.at_ns = time.monotonic_ns()
        downloads = self.store.download()
        try:
            yield fault
        finally:
            for download in downloads:
                download.end()
            fault.watch.close()

    def returned_ms(self, within):
        """Healing of the last fault to payments being sent back to fibre; None in time.

        Frames do not tell: old connections stay where they are, on either uplink.
        """
        if not self.storeline:
            return None
        event = self.storeline.bus.wait(
            lambda e: e["kind"] == "action" and e["service"] == "pos"
            and e["remedy"] == "restore", self.healed_ns, within)
        return event and (event["at_mono_ns"] - self.healed_ns) / 1e6

    def settle(self, within, by_hand=False):
        """Wait until all is as if nothing had been; False when that is not reached in time.

        By hand: a person restores, so that hold-down need not be waited for; but not before the
        windows have forgotten the fault, or it would be answered again.

        New connections return by themselves; those that live long are renewed here, as
        terminals do at night, or they would stay where they are and blur the next fault.
        """
        end = time.monotonic() + within
        if by_hand:
            time.sleep(FORGOTTEN_S)
            self.storeline.cli("clamp", "fibre", "off")
        while time.monotonic() < end:
            pos = self.storeline.service("pos")
            if by_hand and self._restore():
                continue
            if pos and not pos["rerouted"]:
                self.store.renew()
                if self._quiet(1.5) and self._good(GOOD if by_hand else GOOD[:2]):
                    self._close(CLOSED_S if by_hand else 0)
                    return True
            time.sleep(0.2)
        return False

    def _restore(self):
        """Put back what is not as the policy says, where that is well by now; false when nothing was.

        What a fault has left (old connections that still repeat) would be answered once more.
        """
        picture = self.storeline.bus.picture()
        changed = [s["name"] for s in picture["services"]
                   if (s["rerouted"] or s["limit_up_bps"] or s["limit_down_bps"])
                   and self._good([s["name"]])] if picture else []
        for name in changed:
            self.storeline.cli("restore", name)
        return bool(changed)

    def _good(self, services):
        """Do the services see fibre as good?"""
        picture = self.storeline.bus.picture()
        return bool(picture) and all(
            path["state"] not in ("degraded", "down") for path in picture["paths"]
            if path["uplink"] == "fibre" and path["service"] in services)

    def _close(self, within):
        """Wait for the open incidents' end: what was said in one is not said again of the next fault."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            open_now = set()
            for event in list(self.storeline.bus.order):
                if event["kind"] == "decision" and event["remedy"] != "record":
                    is_over = event["remedy"] == "resolved"
                    (open_now.discard if is_over else open_now.add)(int(event.get("incident", 0)))
            if not open_now - {0}:
                return
            time.sleep(0.2)

    def _quiet(self, seconds):
        """No till on the other uplink for so long?  Old connections have a moment to close."""
        time.sleep(0.5)
        watch = self.store.wan["lte"].watch(PAYMENTS, PAYMENTS_PORT)
        quiet = watch.seen_ns(seconds) is None
        watch.close()
        return quiet
