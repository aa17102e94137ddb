"""A resolver that leaves half of the questions alone: told as DNS, and nobody is moved for it.

usage: test_dns.py PROGRAMS [unittest options]

In the virtual store the handheld's host asks 20 questions a second over the fibre, of a
resolver of its own in dc; tills pay beside it.  For 10 s half of the questions go unanswered.
"""

import os
import signal
import sys
import time
import unittest

from netns import sweep
from store import BULK, HERE, Store
from storeline import Storeline, describe

PROGRAMS = None
PER_SECOND = 20
HALF_SECONDS = 10.0
ASKER = os.path.join(HERE, "asker.py")
SERVICE = "click-and-collect"


class Dns(unittest.TestCase):
    """One store, one run: well, half dumb, well again."""

    def setUp(self):
        self.store = Store(PROGRAMS)
        self.addCleanup(self.store.close)
        self.store.open()
        self.resolver = self.store.run.start("dc", "resolver", "/usr/bin/python3", ASKER,
                                             "answer", BULK).ready()
        self.storeline = Storeline(self.store)
        self.addCleanup(self.storeline.stop)
        self.storeline.start()
        self.store.trade()
        self.store.run.start("handheld", "asker", "/usr/bin/python3", ASKER, "ask", BULK,
                             str(PER_SECOND))

    def path(self, service=SERVICE):
        picture = self.storeline.bus.picture()
        self.assertIsNotNone(picture, self.storeline.said())
        return next(p for p in picture["paths"]
                    if p["service"] == service and p["uplink"] == "fibre")

    def until(self, wanted, within, service=SERVICE):
        """The first path report for which wanted(report)."""
        end = time.monotonic() + within
        while True:
            path = self.path(service)
            if wanted(path):
                return path
            if time.monotonic() > end:
                self.fail(f"not in {within} s: {path}\n{self.storeline.said()}")

    def well(self):
        path = self.until(lambda p: p["state"] == "good" and p["dns"]["samples"] >= PER_SECOND, 10)
        self.assertEqual(path["dns"]["method"], "dns")
        self.assertGreaterEqual(path["dns"]["p50_us"], 19000)  # the fibre's 10 ms each way
        self.assertEqual((path["queries_unanswered"], path["queries_failed"]), (0, 0))
        self.assertNotEqual(path["rtt_wan"]["method"], "dns")  # its HTTPS tells the round trip
        pos = self.until(lambda p: p["think"]["samples"] and p["transaction"]["samples"], 5, "pos")
        self.assertEqual(pos["think"]["method"], "think")
        self.assertGreaterEqual(pos["transaction"]["p50_us"], pos["think"]["p50_us"])
        self.assertEqual((pos["queries"], pos["dns"]["samples"]), (0, 0))

    def half(self, since_ns):
        path = self.until(lambda p: p["state"] == "degraded", HALF_SECONDS)
        self.assertIn("queries unanswered", path["reason"])
        self.assertGreaterEqual(path["queries_unanswered"], 3)
        self.assertLessEqual(path["queries_unanswered"], path["queries"])
        self.assertGreater(path["dns"]["samples"], 0)  # the other half
        self.assertEqual(self.path("pos")["queries_unanswered"], 0)
        said = self.storeline.bus.wait(
            lambda e: e["kind"] == "decision" and e["service"] == SERVICE and
            e["verdict"] == "dns", since_ns, 6)
        self.assertIsNotNone(said, "\n".join(map(describe, self.storeline.bus.order)))
        self.assertEqual(said["remedy"], "notify")

    def test_half_unanswered(self):
        self.well()
        since = time.monotonic()
        self.resolver.kill(signal.SIGUSR1)
        self.half(time.monotonic_ns())
        time.sleep(max(0, since + HALF_SECONDS - time.monotonic()))
        self.resolver.kill(signal.SIGUSR2)
        # A query is given up after 5 s and counted when the sweep comes by, within 5 s more.
        self.until(lambda p: p["state"] == "good" and not p["queries_unanswered"], 18)
        self.assertEqual([e["text"] for e in self.storeline.actions()], [])


if __name__ == "__main__":
    if os.geteuid():
        print("skipped: needs root for network namespaces")
        sys.exit(77)
    PROGRAMS = os.path.abspath(sys.argv.pop(1))
    sweep()
    unittest.main(verbosity=2)
