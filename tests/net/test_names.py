"""Names live: learnt from the first connection, known with the next one's first packet; discovered.

usage: test_names.py PROGRAMS [unittest options]

In the virtual store a visitor whose address no service claims speaks TLS, HTTP and DNS to servers
of the test.  The policy has one service more, `pay`, that has a name and nothing else.
"""

import json
import os
import sys
import time
import unittest

import store
from netns import sweep
from store import HERE, Store
from storeline import POLICY, Storeline

PROGRAMS = None
VISITOR = os.path.join(HERE, "visitor.py")
store.HOSTS["visitor"] = "10.42.50.1"  # in no service of the policy

# One address, one owner: what shares an address is another test's business (gen_names.py).
TILL, WEB, ASKED, STOCK, WIKI, LATE = (f"198.18.1.{i}" for i in range(1, 7))
NAMES = {"till.payments.example": TILL, "web.payments.example": WEB, "asked.payments.example": ASKED,
         "www.stock.example": STOCK, "api.stock.example": STOCK, "intra.wiki.example": WIKI,
         "late.payments.example": LATE}
NOWHERE = "198.18.99.99"  # the box drops what goes there, once it has seen it

PAY = """
  pay:
    match: [{name: "*.payments.example"}]
    slo: {latency_p95: 80ms, loss: 5%, window: 60s}
    uplinks: [fibre]
"""


class Names(unittest.TestCase):
    """One store, one run; the tills pay meanwhile."""

    def setUp(self):
        self.store = Store(PROGRAMS)
        self.addCleanup(self.store.close)
        self.store.open()
        run = self.store.run
        run.ip("dc", *(f"addr add {a}/32 dev lo" for a in sorted(set(NAMES.values()))))
        run.ip("box", f"route add blackhole {NOWHERE}")
        run.start("dc", "servers", "/usr/bin/python3", VISITOR, "serve", run.file("cert.pem"),
                  run.file("key.pem"), *(f"{n}={a}" for n, a in NAMES.items())).ready()
        self.storeline = Storeline(self.store, self.policy_with(POLICY, PAY))
        self.addCleanup(self.storeline.stop)
        self.storeline.start()
        self.store.trade()

    def policy_with(self, path, stanzas):
        """A file with more services than that at @path."""
        with open(path, encoding="utf-8") as policy:
            head, guardrails, tail = policy.read().partition("guardrails:")
        out = self.store.run.file("policy-with.yaml")
        with open(out, "w", encoding="utf-8") as policy:
            policy.write(head + stanzas.strip("\n") + "\n" + guardrails + tail)
        return out

    def start(self, host, *words):
        return self.store.run.start(host, f"{words[0]}-{time.monotonic_ns()}", "/usr/bin/python3",
                                    VISITOR, *words)

    def visit(self, *words):
        process = self.start("visitor", *words)
        self.assertEqual(process.popen.wait(20), 0, process.said())

    # ---- what Storeline says ----

    def picture(self):
        picture = self.storeline.bus.picture()
        self.assertIsNotNone(picture, self.storeline.said())
        return picture

    def path(self, service, picture=None):
        return next(p for p in (picture or self.picture())["paths"]
                    if p["service"] == service and p["uplink"] == "fibre")

    def counters(self, picture=None):
        return {c["name"]: c["value"] for c in (picture or self.picture())["counters"]}

    def until(self, wanted, what, within=5):
        """The first picture for which wanted(picture)."""
        end = time.monotonic() + within
        while True:
            picture = self.picture()
            if wanted(picture):
                return picture
            if time.monotonic() > end:
                self.fail(f"not in {within} s: {what}\n{json.dumps(picture)}\n"
                          f"{self.storeline.said()}")

    TRIES = 3  # in a moment in which the whole machine is busy, copies are left and counted

    def tries(self, visit, wanted, what):
        """Visit until wanted(picture), a few times; that picture."""
        for _ in range(self.TRIES):
            visit()
            end = time.monotonic() + 3
            while time.monotonic() < end:
                picture = self.picture()
                if wanted(picture):
                    return picture
        return self.until(wanted, what, 0)

    # ---- the phases ----

    def named(self, how, address, name):
        """A new server's first connection is another's until it is read; the picture then."""
        before = self.picture()
        packets, new = (self.path("pay", before)[key] for key in ("packets_from_lan", "flows_new"))
        after = self.tries(lambda: self.visit(how, address, name),
                           lambda p: self.path("pay", p)["packets_from_lan"] > packets,
                           f"{how}: what follows the name is pay's")
        self.assertEqual(self.path("pay", after)["flows_new"], new, "a flow begins as another's")
        source = f"slowpath.names_{how}"
        self.assertGreater(self.counters(after)[source], self.counters(before)[source])

    def known(self, address, why):
        """A connection without a word is pay's: its SYN already was, or it would be another's."""
        new = self.path("pay")["flows_new"]
        self.visit("touch", address)
        self.until(lambda p: self.path("pay", p)["flows_new"] > new, why)

    def asked_for(self):
        """DNS alone: the first connection to the address is right from its SYN on."""
        new = self.path("pay")["flows_new"]

        def ask_and_touch():
            self.visit("dns", ASKED, "asked.payments.example")
            self.visit("touch", ASKED)

        self.tries(ask_and_touch, lambda p: self.path("pay", p)["flows_new"] > new,
                   "by DNS the first connection is pay's")

    def proposed(self):
        """What discover proposes, once both servers are in it: YAML by service."""
        wanted = {"stock": '{name: ["*.stock.example"], port: [tcp/443]}',
                  "wiki": '{name: ["intra.wiki.example"], port: [tcp/80]}'}
        end = time.monotonic() + 15  # told each 10 s
        while True:
            code, said = self.storeline.cli("discover")
            found = {p["service"]: p for p in json.loads(said)["proposals"]} if code == 0 else {}
            if all(name in found and found[name]["match"] == match
                   for name, match in wanted.items()):
                return found
            self.assertLess(time.monotonic(), end, f"not discovered: {code} {said}")
            time.sleep(0.3)

    def discovers(self):
        """What no service claims, busy as it is, becomes YAML that is a policy and claims it."""
        self.visit("tls", STOCK, "www.stock.example", "8")
        self.visit("tls", STOCK, "api.stock.example", "4")
        self.visit("http", WIKI, "intra.wiki.example", "4")
        found = self.proposed()
        policy = self.policy_with(self.storeline.policy, "".join(p["yaml"] for p in found.values()))
        for verb in ("validate", "apply"):
            code, said = self.storeline.cli("policy", verb, policy)
            self.assertEqual(code, 0, said)

        def come_again():
            self.visit("touch", STOCK)  # learnt under the policy before, known under this one
            self.visit("http", WIKI, "intra.wiki.example")

        self.tries(come_again, lambda p: self.path("stock", p)["flows_new"] and
                   self.path("wiki", p)["packets_from_lan"], "what was proposed claims it")

    def flooded(self):
        """A guest's unread hellos are more than there is time for, and are counted; who pays is
        named and measured all the same."""
        before = self.picture()
        flood = self.start("guest", "flood", NOWHERE, "5")
        self.until(lambda p: self.counters(p)["slowpath.over_budget"] >
                   self.counters(before)["slowpath.over_budget"] + 20, "the flood is told of")
        packets = self.path("pay")["packets_from_lan"]
        for _ in range(4):  # one may meet a moment in which the whole machine was busy
            self.visit("tls", LATE, "late.payments.example")
            if self.path("pay")["packets_from_lan"] > packets:
                break
        else:
            self.fail(f"not named in the flood: {self.counters()}")
        self.assertTrue(flood.alive(), "the flood was over too early")
        after = self.until(lambda p: self.path("pos", p)["state"] == "good" and
                           self.path("pos", p)["rtt_wan"]["samples"], "the tills are measured")
        self.assertGreater(self.counters(after)["slowpath.skipped"],
                           self.counters(before)["slowpath.skipped"])
        self.assertEqual(flood.popen.wait(15), 0, flood.said())

    def test_names(self):
        self.named("tls", TILL, "till.payments.example")
        self.known(TILL, "the next connection is pay's from its SYN on")
        self.named("http", WEB, "web.payments.example")
        self.asked_for()
        self.flooded()
        self.discovers()
        tally = self.store.close_shop().tally()
        self.assertGreater(tally.count, 0)
        self.assertEqual(tally.failed, 0, "no till noticed")


if __name__ == "__main__":
    if os.geteuid():
        print("skipped: needs root for network namespaces")
        sys.exit(77)
    PROGRAMS = os.path.abspath(sys.argv.pop(1))
    sweep()
    unittest.main(verbosity=2)
