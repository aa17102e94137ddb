"""The WAN link against what two hosts on its ends count themselves.

usage: test_wanlink.py WANLINK [unittest options]
"""

import ctypes
import os
import select
import socket
import statistics
import struct
import sys
import tempfile
import time
import unittest

import lab_oracle
from netns import Broken, Run
from wan import CLEAR, Channel, WanLink

WANLINK = None
CLONE_NEWNET = 0x40000000
HEADERS = 14 + 20 + 8  # Ethernet, IPv4, UDP: what a frame has over its payload
_libc = ctypes.CDLL(None, use_errno=True)


HOME = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _set_namespace(fd):
    if _libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def socket_in(run, namespace, address):
    """A UDP socket of that namespace: a socket stays where it was made."""
    with open(run.path(namespace), "rb") as there:
        _set_namespace(there.fileno())
    try:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        made.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        made.bind((address, 7003))
        made.setblocking(False)
        return made
    finally:
        _set_namespace(HOME)


class Link:
    """Two hosts and a WAN link between them, with nothing else on the wire."""

    def __init__(self, seed=1, *more):
        self.run = Run()
        try:
            self._lay_out()
            path = self.run.file("link.sock")
            self.process = self.run.start("wan", "wanlink", WANLINK, "--store", "store",
                                          "--datacenter", "datacenter", "--control", path,
                                          "--seed", str(seed), *more).ready()
            self.wan = WanLink(path, {}, {})
            self.a = socket_in(self.run, "a", "10.9.0.1")
            self.b = socket_in(self.run, "b", "10.9.0.2")
        except BaseException:
            self.run.close()
            raise

    def _lay_out(self):
        run = self.run
        run.add("a", "b", "wan")
        for namespace in ("a", "b", "wan"):
            run.shell(namespace, "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 "
                                 "net.ipv6.conf.default.disable_ipv6=1")
        for here, there, mine, number in (("a", "b", "store", 1), ("b", "a", "datacenter", 2)):
            run.ip("wan", f"link add {mine} type veth peer name eth0 netns {{{here}}}",
                   f"link set {mine} up")
            run.ip(here, f"link set eth0 address 02:00:00:00:00:0{number}", "link set eth0 up",
                   f"addr add 10.9.0.{number}/24 dev eth0",
                   f"neigh add 10.9.0.{3 - number} lladdr 02:00:00:00:00:0{3 - number} dev eth0")
            run.shell(here, "ethtool -K eth0 tso off gso off gro off tx off rx off >/dev/null")

    def close(self):
        self.a.close()
        self.b.close()
        self.wan.close()
        self.run.close()

    def up(self):
        return self.wan.stats()["up"]

    def send(self, count, size=200, mbit=20.0):
        """Numbered datagrams from a to b at a pace; (number, latency in s) as they came."""
        gap, began, got = size * 8 / mbit / 1e6, time.monotonic(), []
        for number in range(count):
            while time.monotonic() < began + number * gap:
                self._receive(got)
            body = struct.pack("!Id", number, time.monotonic())
            self.a.sendto(body.ljust(size - HEADERS, b"."), ("10.9.0.2", 7003))
        quiet = time.monotonic() + 0.5
        while time.monotonic() < quiet:
            if select.select([self.b], [], [], 0.05)[0]:
                self._receive(got)
                quiet = time.monotonic() + 0.5
        return got

    def _receive(self, got):
        try:
            while True:
                number, sent = struct.unpack("!Id", self.b.recv(2048)[:12])
                got.append((number, time.monotonic() - sent))
        except BlockingIOError:
            pass


class WanLinkTest(unittest.TestCase):
    """Each on a fresh link, so that counts start at 0."""

    def setUp(self):
        self.link = Link()

    def tearDown(self):
        trouble = self.link.wan.stats()["link"]
        self.link.close()
        self.assertEqual([trouble[key] for key in ("socket_drops", "no_frame", "oversize",
                                                   "send_errors", "under_way")], [0] * 5)

    def counted(self, sent, got):
        """The link's books are even, and agree with the hosts'."""
        up = self.link.up()
        self.assertEqual(up["in"], sent)
        self.assertEqual(up["out"], len(got))
        self.assertEqual(up["in"] + up["duplicated"] - up["lost"] - up["queue_drops"]
                         - up["blackholed"] - up["mtu_drops"], up["out"])
        return up

    def test_nothing_set_passes_all_in_order(self):
        got = self.link.send(2000)
        self.assertEqual([number for number, _ in got], list(range(2000)))
        self.assertLess(statistics.median(t for _, t in got), 0.002)
        self.assertEqual(self.counted(2000, got)["bytes_out"], 2000 * 200)

    def test_delay_is_exact(self):
        self.link.wan.worsen(delay_ms=30)
        got = self.link.send(300, mbit=1)
        self.counted(300, got)
        self.assertGreaterEqual(min(t for _, t in got), 0.030)
        self.assertLess(statistics.median(t for _, t in got), 0.0315)

    def test_jitter_spreads_and_keeps_order(self):
        self.link.wan.worsen(delay_ms=10, jitter_ms=10)
        got = self.link.send(1000, mbit=0.5)
        self.assertEqual([number for number, _ in got], list(range(1000)))
        took = [t for _, t in got]
        self.assertGreater(statistics.stdev(took), 0.001)
        # Not the longest: that is when this test itself had to wait for a CPU.
        self.assertLess(statistics.quantiles(took, n=50)[-1], 0.025)

    def test_loss_is_counted_to_the_frame(self):
        self.link.wan.worsen(loss=0.1)
        got = self.link.send(8000)
        up = self.counted(8000, got)
        self.assertEqual(up["lost"], 8000 - len(got))
        self.assertAlmostEqual(up["lost"] / 8000, 0.1, delta=0.015)

    def test_bursts_are_as_long_as_set(self):
        self.link.wan.worsen(burst_enter=0.01, burst_leave=0.25)
        came = {number for number, _ in self.link.send(12000)}
        lost = [number for number in range(12000) if number not in came]
        bursts = sum(number - 1 in came or number == 0 for number in lost)
        self.assertAlmostEqual(len(lost) / bursts, 4, delta=1.2)
        self.assertAlmostEqual(bursts / 12000, 0.01, delta=0.004)

    def test_reordering_holds_frames_back(self):
        self.link.wan.worsen(reorder=0.05, reorder_ms=5)
        got = [number for number, _ in self.link.send(4000)]
        self.assertEqual(sorted(got), list(range(4000)))
        late = sum(number < max(got[:at], default=-1) for at, number in enumerate(got))
        reordered = self.counted(4000, got)["reordered"]
        self.assertAlmostEqual(reordered / 4000, 0.05, delta=0.015)
        # One held back at the very end has nothing behind it to be overtaken by.
        self.assertAlmostEqual(late, reordered, delta=2)

    def test_duplicates_come_twice(self):
        self.link.wan.worsen(duplicate=0.1)
        got = self.link.send(3000)
        up = self.counted(3000, got)
        self.assertEqual(len(got) - 3000, up["duplicated"])
        self.assertAlmostEqual(up["duplicated"] / 3000, 0.1, delta=0.02)

    def test_rate_with_a_finite_queue(self):
        self.link.wan.worsen(rate_mbit=20, queue_bytes=100_000)
        began = time.monotonic()
        got = self.link.send(3000, size=1200, mbit=40)
        took = 3000 * 1200 * 8 / 40e6 + 100_000 * 8 / 20e6
        up = self.counted(3000, got)
        self.assertGreater(time.monotonic() - began, took)
        self.assertGreater(up["queue_drops"], 1000)
        self.assertTrue(98_000 < up["max_queue_bytes"] <= 100_000, up["max_queue_bytes"])
        self.assertAlmostEqual(up["bytes_out"] * 8 / took / 20e6, 1, delta=0.05)
        # Twice too much is sent, so the queue stays full: 100 000 bytes at 20 Mbit/s.
        self.assertAlmostEqual(statistics.median(t for _, t in got), 0.040, delta=0.003)

    def test_mtu_drops_what_is_larger(self):
        self.link.wan.worsen(mtu=1000)
        fits = self.link.send(50, size=1000 + 14)
        self.assertEqual(len(fits), 50)
        self.assertEqual(self.link.send(50, size=1000 + 15), [])
        self.assertEqual(self.link.up()["mtu_drops"], 50)

    def test_a_cut_takes_what_is_on_the_way_too(self):
        self.link.wan.worsen(delay_ms=300)
        self.link.a.sendto(b"." * 40, ("10.9.0.2", 7003))
        time.sleep(0.05)
        self.link.wan.cut()
        self.assertEqual(self.link.send(100), [])
        self.assertEqual(self.link.up()["blackholed"], 101)
        self.link.wan.restore()
        self.assertEqual(len(self.link.send(100)), 100)

    def test_directions_are_apart(self):
        self.link.wan.set(up=dict(CLEAR, blackhole=True))
        self.link.b.sendto(b"." * 40, ("10.9.0.1", 7003))
        self.assertTrue(select.select([self.link.a], [], [], 1)[0])
        self.assertEqual(self.link.send(10), [])

    def test_watch_tells_when(self):
        other = self.link.wan.watch("10.9.0.2", 7004)
        watch = self.link.wan.watch("10.9.0.2", 7003)
        self.assertIsNone(watch.seen_ns(0.2))
        before = time.monotonic_ns()
        self.link.send(3)
        self.assertTrue(before <= watch.seen_ns(1) <= before + 20_000_000)
        self.assertIsNone(other.seen_ns(0.1))
        watch.close()
        other.close()

    def test_carries_200_mbit(self):
        got = self.link.send(40_000, size=1400, mbit=220)
        self.counted(40_000, got)
        self.assertGreaterEqual(len(got), 39_990)

    def test_refuses_what_it_does_not_know(self):
        refused = ({"set": {"up": {"los": 0.1}}}, {"set": {"up": {"loss": 1.5}}},
                   {"set": {"up": {"loss": "0.1"}}}, {"set": {"left": {}}}, {"set": 1},
                   {"set": {"up": {"loss": 0.2, "blackhole": 1}}}, {"halt": True}, {}, [],
                   {"watch": {"dst": "10.9.0", "port": 1}}, {"watch": {"dst": "10.9.0.2"}},
                   {"watch": {"dst": "10.9.0.2", "port": 70000}})
        channel = Channel(self.link.wan.path)
        for command in refused:
            with self.subTest(command=command):
                self.assertIn("error", channel.say(command))
        self.assertEqual(self.link.up()["settings"]["loss"], 0)
        channel.close()

    def test_trace_tells_of_each_frame(self):
        with tempfile.NamedTemporaryFile() as file:
            self.link.close()
            self.link = Link(3, "--trace", file.name)
            self.link.wan.worsen(delay_ms=10, loss=0.05, duplicate=0.05)
            got = self.link.send(2000, size=300)
            up = self.counted(2000, got)
            self.assertEqual(self.link.process.end(), 0)
            self.link.close()
            self.link = Link()  # for tearDown, which asks it
            trace = [r for r in lab_oracle.read(file.name) if r.way == lab_oracle.UP]
        passed = [r for r in trace if r.end == lab_oracle.PASSED]
        self.assertEqual(len(passed), len(got))
        self.assertEqual(sum(r.copy for r in passed), up["duplicated"])
        self.assertEqual(sum(r.end == lab_oracle.LOST for r in trace), up["lost"])
        self.assertEqual({(r.dport, r.payload, r.bytes) for r in trace},
                         {(7003, 300 - HEADERS, 300)})
        took = sorted((r.left - r.entered) / 1e6 for r in passed)
        self.assertGreaterEqual(took[0], 10)
        # Both ends on the clock of the host that sent and received.
        self.assertLess(took[0], 1e3 * min(t for _, t in got))

    def test_same_seed_same_losses(self):
        lost = []
        for _ in range(2):
            self.link.close()
            self.link = Link(seed=7)
            self.link.wan.worsen(loss=0.2)
            came = {number for number, _ in self.link.send(500)}
            lost.append([number for number in range(500) if number not in came])
        self.assertEqual(*lost)


if __name__ == "__main__":
    if os.geteuid():
        print("skipped: needs root for network namespaces")
        sys.exit(77)
    WANLINK = sys.argv.pop(1)
    try:
        unittest.main(verbosity=2)
    except Broken as broken:
        sys.exit(str(broken))
