"""The DPDK engine on real packets: wire and gateway between hosts in network namespaces.

usage: test_dpdk.py PROGRAMS [unittest options]

    left ── l0 [box] r0 ── right        DPDK by AF_PACKET on l0 and r0

The box's interfaces have no address: what passes, passes through DPDK.  In the gateway the
kernel is reached by the exception ports (TAP), which have the addresses.  Traffic is real:
ping, TCP and UDP over IPv4 and IPv6, tagged frames.
"""

import json
import os
import re
import subprocess
import sys
import time
import unittest

from netns import Run, sweep
from store import HERE, QUIET_CABLE

PROGRAMS = None
SITE = "dc-1"
BYTES = 2_000_000
STREAM = os.path.join(HERE, "stream.py")

WIRE = """
site: dc-1
engine: {{kind: dpdk, driver: af_packet, lcores: [{lcores}], flows: 4096, mbufs: {mbufs},
         huge_pages: false, idle_sleep: 20us}}
ports:
  left:  {{device: l0, role: lan, pair: right}}
  right: {{device: r0, role: uplink}}
uplinks:
  fibre: {{device: r0}}
services:
  pos: {{match: [{{port: tcp/7003}}], slo: {{loss: 1%}}}}
  bulk: {{match: [{{port: udp/5000}}], throttle: {{floor: 1mbit}}}}
"""

GATEWAY = """
site: dc-1
engine: {kind: dpdk, driver: af_packet, flows: 4096, mbufs: 32768, huge_pages: false,
         idle_sleep: 20us}
probes: {when: never}   # their answers would go to the kernel, which the test counts
ports:
  left: {device: l0, role: lan}
uplinks:
  fibre: {device: r0, gateway: 198.51.100.1, gateway6: "fd00:2::1"}
services:
  pos: {match: [{port: tcp/7003}], slo: {loss: 1%}, uplinks: [fibre]}
  bulk: {match: [{port: udp/6000}], uplinks: [fibre], remark: {dscp: AF11}}
"""

# The TOS byte or traffic class of the last of three datagrams, as the receiver's kernel has it; they
# are sent ECN-capable.
TOS = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET
level, ask, set_ = ((socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, socket.IPV6_TCLASS)
                    if family == socket.AF_INET6 else (socket.IPPROTO_IP, 13, socket.IP_TOS))
s = socket.socket(family, socket.SOCK_DGRAM)
if sys.argv[1] == "take":
    s.setsockopt(level, ask, 1)
    s.bind((sys.argv[2], 6000))
    print("ready", flush=True)
    for _ in range(3):
        cmsg = s.recvmsg(100, 100)[1]
    print(cmsg[0][2][0])
else:
    s.setsockopt(level, set_, 2)
    for _ in range(3):
        s.sendto(b"x" * 50, (sys.argv[2], 6000))
"""


class Engine(unittest.TestCase):
    """Two hosts and a box; each test starts the dataplane with its own policy."""

    def setUp(self):
        self.run = Run()
        self.addCleanup(self.run.close)
        self.run.add("left", "box", "right")
        self.run.ip("box", "link set lo up",
                    "link add l0 numtxqueues 2 numrxqueues 2 type veth peer name eth0 netns {left}",
                    "link add r0 numtxqueues 2 numrxqueues 2 type veth peer name eth0 netns {right}")
        self.run.shell("box", "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 "
                              "net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 "
                              "net.ipv6.conf.l0.disable_ipv6=1 net.ipv6.conf.r0.disable_ipv6=1")
        for namespace in ("left", "right"):
            self.run.ip(namespace, "link set lo up", "link set eth0 up")
        self.run.ip("box", "link set l0 up", "link set r0 up")
        for namespace in ("left", "box", "right"):
            self.run.shell(namespace, QUIET_CABLE)

    def start(self, policy):
        path = self.run.file("policy.yaml")
        with open(path, "w", encoding="ascii") as out:
            out.write(policy)
        redis = self.run.file("redis.sock")
        self.run.start("box", "redis", "redis-server", "--port", "0", "--unixsocket", redis,
                       "--save", "", "--dir", self.run.directory, "--logfile",
                       "/dev/stderr").ready("eady to accept connections")
        os.makedirs(self.run.file("state"), exist_ok=True)
        self.dataplane = self.run.start(
            "box", "dataplane", os.path.join(PROGRAMS, "dataplane", "storeline-dataplane"), "run",
            "--policy", path, "--redis", "unix:" + redis, "--state", self.run.file("state"))
        self.dataplane.ready()

    def storeline(self, *words):
        return subprocess.run(
            [os.path.join(PROGRAMS, "control", "storeline"), "--redis",
             "unix:" + self.run.file("redis.sock"), "--site", SITE, *words],
            capture_output=True, text=True, check=False, timeout=10)

    def picture(self):
        """The picture of a second from now: what was sent before is in it."""
        time.sleep(1.3)
        return json.loads(self.storeline("--json", "status").stdout)

    def counters(self):
        return {c["name"]: c["value"] for c in self.picture()["counters"]}

    def ping(self, namespace, address, *options):
        done = subprocess.run(["nsenter", "--net=" + self.run.path(namespace), "--", "ping", "-c",
                               "3", "-i", "0.2", "-W", "2", *options, address],
                              capture_output=True, text=True, check=False)
        return done.stdout

    def serve(self, *ports):
        for port in ports:
            self.run.start("right", f"serve{port}", sys.executable, STREAM, "serve",
                           str(port)).ready()

    def transfer(self, address, port=7003):
        done = subprocess.run(["nsenter", "--net=" + self.run.path("left"), "--", sys.executable,
                               STREAM, "send", address, str(port), str(BYTES)],
                              capture_output=True, text=True, check=False, timeout=30)
        self.assertEqual(done.stdout.strip(), str(BYTES), done.stderr)


class Wire(Engine):
    """What comes in at one end leaves at the other."""

    def addresses(self):
        for namespace, number in (("left", 1), ("right", 2)):
            self.run.ip(namespace, f"addr add 10.9.0.{number}/24 dev eth0",
                        f"addr add fd09::{number}/64 dev eth0 nodad")

    def test_everything_passes(self):
        self.addresses()
        self.start(WIRE.format(lcores="1", mbufs=16384))
        self.assertIn("3 received", self.ping("left", "10.9.0.2"))
        self.assertIn("3 received", self.ping("right", "fd09::1"))
        self.serve(7003)
        self.transfer("10.9.0.2")
        self.transfer("fd09::2")
        counters = self.counters()
        self.assertGreater(counters["packets.measured"], 500)
        self.assertGreater(counters["packets.not_ip"], 1)  # ARP passes, too
        self.assertEqual(counters["engine.unsent"], 0)

    def test_two_workers_share_the_load(self):
        self.addresses()
        self.start(WIRE.format(lcores="0, 1", mbufs=16384))
        self.serve(*range(7003, 7011))
        for port in range(7003, 7011):
            self.transfer("10.9.0.2", port)
        self.transfer("fd09::2")
        counters = self.counters()
        self.assertEqual(counters["engine.unsent"], 0)
        self.assertGreater(counters["packets.measured"], 2000)
        self.dataplane.end()
        shares = [int(n) for n in re.findall(r"worker \d saw (\d+) packets",
                                             self.dataplane.said())]
        self.assertEqual(len(shares), 2)
        self.assertGreater(min(shares), 100)


class Refusals(Engine):
    """What cannot run is refused with the place and the reason, and leaves nothing."""

    NULL = """
site: dc-1
engine: {{kind: dpdk, driver: {driver}, eal: [{eal}], flows: {flows}, mbufs: 4096,
         huge_pages: {huge}{more}}}
ports:
  a: {{device: {a}, role: lan, pair: b}}
  b: {{device: {b}, role: uplink}}
"""
    GOOD = {"driver": "eal", "eal": '"--no-pci", "--vdev=net_null0", "--vdev=net_null1"',
            "flows": 1024, "huge": "false", "more": "", "a": "net_null0", "b": "net_null1"}

    # What differs from a policy that runs: exit code, and words of the message.
    ROWS = [
        ({"eal": '"--bogus"'}, 2, "EAL does not start: unrecognized option '--bogus'"),
        ({"eal": '"--vdev=net_foo0"'}, 2, 'failed to parse device "net_foo0"'),
        ({"eal": '"--lcores=3"'}, 2, "policy.yaml:3:"),
        ({"more": ", lcores: [900]"}, 2, "core 900 unavailable"),
        ({"a": "net_null7"}, 3, "a: EAL has no device net_null7"),
        ({"driver": "af_packet", "eal": '"--no-pci"', "a": "l0", "b": "nowhere0"}, 3,
         "b: no device nowhere0"),
        ({"eal": '"--no-pci", "--vdev=net_tap0,iface=sl-t", "--vdev=net_null1"', "a": "net_tap0",
          "more": ", queues: 32"}, 2, "net_tap0 has 16 queues at most, the policy wants 32"),
        ({"huge": "true", "flows": 60_000_000}, 1, "of huge pages are needed"),
    ]

    def launch(self, changes):
        path = self.run.file("policy.yaml")
        with open(path, "w", encoding="ascii") as out:
            out.write(self.NULL.format(**{**self.GOOD, **changes}))
        return subprocess.run(
            ["timeout", "-s", "TERM", "3", "nsenter", "--net=" + self.run.path("box"), "--",
             os.path.join(PROGRAMS, "dataplane", "storeline-dataplane"), "run", "--policy", path,
             "--redis", "unix:" + self.run.file("none.sock"), "--state", self.run.file("state")],
            capture_output=True, text=True, check=False)

    def test_refused(self):
        for changes, code, words in self.ROWS:
            with self.subTest(words):
                done = self.launch(changes)
                self.assertIn(words, done.stderr)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertEqual(done.stdout, "")
                self.assertFalse(os.path.exists("/run/dpdk/storeline"))

    def test_runs_without_huge_pages_when_told(self):
        done = self.launch({})
        self.assertEqual(done.returncode, 124)  # until timeout ended it
        self.assertIn("ready site=dc-1 engine=dpdk", done.stderr)
        self.assertFalse(os.path.exists("/run/dpdk/storeline"))


class Gateway(Engine):
    """Forwarded by next hop; what is not ours goes to the kernel and comes back."""

    def setUp(self):
        super().setUp()
        self.run.ip("left", "addr add 10.1.0.2/24 dev eth0", "addr add fd00:1::2/64 dev eth0 nodad",
                    "route add default via 10.1.0.1", "route add ::/0 via fd00:1::1")
        self.run.ip("right", "addr add 198.51.100.1/24 dev eth0",
                    "addr add fd00:2::1/64 dev eth0 nodad",
                    "route add 10.1.0.0/24 via 198.51.100.2", "route add fd00:1::/64 via fd00:2::2")
        self.start(GATEWAY)
        self.run.ip("box", "link set sl-left up", "link set sl-fibre up",
                    "addr add 10.1.0.1/24 dev sl-left", "addr add fd00:1::1/64 dev sl-left nodad",
                    "addr add 198.51.100.2/24 dev sl-fibre",
                    "addr add fd00:2::2/64 dev sl-fibre nodad")

    def test_own_addresses_answer(self):
        self.assertIn("3 received", self.ping("left", "10.1.0.1"))
        self.assertIn("3 received", self.ping("left", "fd00:1::1"))
        self.assertIn("3 received", self.ping("right", "198.51.100.2"))

    def test_forwards(self):
        self.assertIn("3 received", self.ping("left", "198.51.100.1"))
        self.assertIn("3 received", self.ping("left", "fd00:2::1"))
        time.sleep(2)  # the neighbours are known by now
        self.serve(7003)
        before = self.counters()["engine.to_kernel"]
        self.transfer("198.51.100.1")
        self.transfer("fd00:2::1")
        after = self.counters()
        self.assertLess(after["engine.to_kernel"] - before, 60)
        self.assertEqual(after["engine.to_kernel_failed"], 0)
        self.assertGreater(after["packets.measured"], 500)
        self.assertIn("ttl=63", self.ping("left", "198.51.100.1"))

    def tos(self, address):
        """What three datagrams of the left have at the right."""
        inside = {name: ["nsenter", "--net=" + self.run.path(name), "--", sys.executable, "-c", TOS]
                  for name in ("left", "right")}
        with subprocess.Popen([*inside["right"], "take", address], stdout=subprocess.PIPE,
                              text=True) as taker:
            self.addCleanup(taker.kill)
            self.assertEqual(taker.stdout.readline(), "ready\n")
            subprocess.run([*inside["left"], "send", address], check=True, timeout=10)
            return int(taker.communicate(timeout=10)[0])

    def test_remarks(self):
        """The DSCP of the policy, of a person, and the policy's again; the ECN bits stay."""
        addresses = ("198.51.100.1", "fd00:2::1")
        # AF_PACKET takes copies: the kernel would forward what it has itself, as it came.
        self.run.shell("box", "sysctl -qw net.ipv4.conf.l0.forwarding=0 "
                              "net.ipv4.conf.r0.forwarding=0")
        for address in addresses:
            self.assertIn("3 received", self.ping("left", address))
        for words, wanted in (("", 10), ("le", 1), ("off", 10)):
            if words:
                self.assertIn("applied", self.storeline("remark", "bulk", words).stdout)
            for address in addresses:
                self.assertEqual(self.tos(address), wanted << 2 | 2, (words, address))
        self.assertEqual(self.counters()["remarked"], 18)

    def test_ttl_that_ends_is_told_by_the_kernel(self):
        self.assertIn("3 received", self.ping("left", "198.51.100.1"))
        self.assertIn("ime to live exceeded", self.ping("left", "198.51.100.1", "-t", "1"))


if __name__ == "__main__":
    if os.geteuid():
        print("skipped: needs root for network namespaces")
        sys.exit(77)
    PROGRAMS = sys.argv.pop(1)
    sweep()
    unittest.main(verbosity=2)
