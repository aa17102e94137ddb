"""One run of the lab: lay out, start the engines, let TCP run, collect what all of them say.

    client ── link A ── lan0 [box] wan0 ── link B ── server

The box routes in the kernel.  The XDP engine stands in it as a gateway, on lan0; the DPDK engine
beside it as a tap on lan0 (driver af_packet): both see the same packets, so one run judges both.
In a one-way view both are taps on lan0, and what the server sends goes around it, by back0 and a
switch: routes that are not symmetric.
"""

import glob
import json
import os
import shutil
import subprocess
import time

import lab_oracle
from netns import Broken, Run, command
from store import QUIET_CABLE
from wan import CLEAR, WanLink

PORT = 7001
CLIENT, SERVER = ("10.1.0.2", "fd00:1::2"), ("10.2.0.2", "fd00:2::2")

# What the kernel of a host does not forget would join a run to the one before.
HOST_SYSCTL = "sysctl -qw net.ipv4.tcp_no_metrics_save=1 net.ipv6.conf.all.accept_ra=0"
BOX_SYSCTL = "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"

# The links and the DPDK worker go before what else the machine does: their clocks are the measure.
# The worker only from when it runs: EAL's threads wait for each other as they start, and would
# starve at a real-time priority.
FIRST = ("chrt", "-f", "60")
# Of a run's time, waiting for a CPU all the same: more, and its times are the machine's.
WAITED_SHARE = 0.02

SERVICES = """
names: false
services:
  lab: {{match: [{{port: tcp/{port}}}]{more}}}
"""
GATEWAY = """
site: lab
mode: observe
ports: {lan: {device: lan0, role: lan}}
uplinks: {wan: {device: wan0, gateway: 10.2.0.2, gateway6: "fd00:2::2"}}
"""
TAP = """
site: lab
mode: observe
placement: tap
ports: {mirror: {device: lan0, role: mirror}}
"""
DPDK = """
engine: {kind: dpdk, driver: af_packet, lcores: [1], flows: 4096, mbufs: 16384,
         huge_pages: false, idle_sleep: 50us}
"""


def policy(engine, one_way):
    gateway = engine == "xdp" and not one_way
    text = GATEWAY if gateway else TAP
    text += SERVICES.format(port=PORT, more=", uplinks: [wan]" if gateway else "")
    return text + DPDK if engine == "dpdk" else text


class Lab:
    """Laid out for one scenario.  Use as a context: leaving it takes everything away."""

    def __init__(self, programs, scenario, engines, seed):
        self.programs = os.path.join(programs, "tests", "net")
        self.scenario = scenario
        self.engines = engines
        self.seed = seed
        self.run = Run()
        self.links = {}
        self.taps = {}

    def __enter__(self):
        try:
            self._lay_out()
            self._start_links()
            self._start_taps()
            self._know_each_other()
        except BaseException:
            self.run.close()
            raise
        return self

    def __exit__(self, *_):
        self.run.close()

    def program(self, name):
        return os.path.join(self.programs, name)

    # ---- the network ----

    def _lay_out(self):
        run = self.run
        run.mount_bpffs()
        run.add("client", "box", "server", "cable")
        near = "toward" if self.scenario.one_way else "cb"
        run.shell("cable", "sysctl -qw net.ipv6.conf.default.disable_ipv6=1")
        run.ip("cable", "link add ca type veth peer name eth0 netns {client}",
               f"link add {near} type veth peer name lan0 netns {{box}}",
               "link add cc type veth peer name wan0 netns {box}",
               "link add cd type veth peer name eth0 netns {server}",
               *(f"link set {end} up" for end in ("ca", near, "cc", "cd")))
        run.shell("box", BOX_SYSCTL)
        self._addresses("client", "eth0", 1, 2)
        self._addresses("box", "lan0", 1, 1)
        self._addresses("box", "wan0", 2, 1)
        self._addresses("server", "eth0", 2, 2)
        for host, net in (("client", 1), ("server", 2)):
            run.shell(host, HOST_SYSCTL)
            run.ip(host, f"route add default via 10.{net}.0.1",
                   f"route add ::/0 via fd00:{net}::1")
        if self.scenario.one_way:
            self._go_around()
        for namespace in ("client", "box", "server", "cable"):
            run.shell(namespace, QUIET_CABLE)

    def _go_around(self):
        """A switch between link A and the box; what goes to the client takes the other port."""
        self.run.ip("cable", "link add switch type bridge",
                    "link add cb type veth peer name uplink",
                    "link add back type veth peer name back0 netns {box}",
                    *(f"link set {port} master switch" for port in ("uplink", "toward", "back")),
                    *(f"link set {port} up" for port in ("switch", "cb", "uplink", "back")))
        self.run.shell("cable", f"bridge fdb replace {self.MAC['lan0']} dev toward master static")
        self.run.shell("box", "sysctl -qw net.ipv4.conf.all.rp_filter=0 "
                              "net.ipv4.conf.lan0.rp_filter=0")
        self.run.ip("box", "link set back0 up", *(f"route replace {address} dev back0"
                                                  for address in CLIENT))

    MAC = {"client": "02:00:00:00:00:12", "lan0": "02:00:00:00:00:11",
           "wan0": "02:00:00:00:00:21", "server": "02:00:00:00:00:22"}

    def _addresses(self, namespace, device, net, host):
        mac = self.MAC[device if namespace == "box" else namespace]
        self.run.ip(namespace, "link set lo up", f"link set {device} address {mac}",
                    f"link set {device} up", f"addr add 10.{net}.0.{host}/24 dev {device}",
                    f"addr add fd00:{net}::{host}/64 dev {device} nodad")

    def _know_each_other(self):
        """Behind the taps' start: DPDK's sets lan0's MAC anew, and the kernel forgets who is there."""
        self._neighbours("client", "eth0", 1, 1, "lan0")
        self._neighbours("box", "back0" if self.scenario.one_way else "lan0", 1, 2, "client")
        self._neighbours("box", "wan0", 2, 2, "server")
        self._neighbours("server", "eth0", 2, 1, "wan0")

    def _neighbours(self, namespace, device, net, host, of):
        """Fixed: neither ARP nor ND may be lost on the links and stop a run."""
        for address in (f"10.{net}.0.{host}", f"fd00:{net}::{host}"):
            self.run.ip(namespace, f"neigh replace {address} lladdr {self.MAC[of]} dev {device} "
                                   "nud permanent")

    # ---- its programs ----

    def _start_links(self):
        settings = dict(zip("ab", self.scenario.links()))
        for name, ends, seed in (("a", ("ca", "cb"), 2 * self.seed),
                                 ("b", ("cc", "cd"), 2 * self.seed + 1)):
            path = self.run.file(name + ".sock")
            self.run.start("cable", "link-" + name, *FIRST, self.program("wanlink"),
                           "--store", ends[0], "--datacenter", ends[1], "--control", path,
                           "--seed", str(seed), "--trace", self.run.file(name + ".trace")).ready()
            self.links[name] = WanLink(path, {}, {})
            self.links[name].set(**{way: dict(CLEAR, **of)
                                    for way, of in settings[name].items()})

    def _start_taps(self):
        for engine in self.engines:
            path = self.run.file(engine + ".yaml")
            with open(path, "w", encoding="ascii") as out:
                out.write(policy(engine, self.scenario.one_way))
            self.taps[engine] = self.run.start(
                "box", "tap-" + engine, self.program("lab_tap"), "--policy", path,
                "--pin", os.path.join(self.run.pins, engine),
                env=dict(os.environ, RUNTIME_DIRECTORY=self.run.directory)
            ).ready("event=ready", 20)
            command(*FIRST[:2], "-a", "-p", FIRST[2], str(self.taps[engine].popen.pid))

    def _traffic(self):
        """Both ends' own counts, when all is sent and acknowledged."""
        server = self.run.start("server", "serve", self.program("bulk"), "serve",
                                str(PORT)).ready()
        address = SERVER[1 if self.scenario.v6 else 0]
        clients = [self.run.start("client", f"run-{kind}", self.program("bulk"), "run", address,
                                  str(PORT), kind, self.scenario.congestion,
                                  str(self.scenario.ms), str(self.scenario.mbit))
                   for kind in self.scenario.flows]
        for client in clients:
            if client.popen.wait(self.scenario.ms / 1000 + 30):
                raise Broken(f"{client.name}: {client.said()}")
        time.sleep(0.4)  # the last acknowledgement is under way
        said = []
        for process in (server, *clients):
            with open(process.out, encoding="ascii") as out:
                said += [json.loads(line) for line in out]
        return said

    def measure(self):
        """What the senders, the links (truth) and the engines say of one run."""
        before = {engine: waited_ns(tap) for engine, tap in self.taps.items()}
        senders = self._traffic()
        waits = {engine: waited_ns(tap) - before[engine] for engine, tap in self.taps.items()}
        stopped_ns, said = time.time_ns(), {}
        for engine, tap in self.taps.items():
            if tap.end(10):
                raise Broken(f"{tap.name}: {tap.said()}")
            with open(tap.out, encoding="ascii") as out:
                said[engine] = json.loads(out.read())
        trouble = {f"{name}.{key}": count for name, link in self.links.items()
                   for key, count in link.stats()["link"].items()
                   if count and key not in ("under_way", "at_ns")}
        for link in self.links.values():
            link.close()
        for process in self.run.processes:
            if process.name.startswith("link-") and process.end(5):
                raise Broken(f"{process.name}: {process.said()}")
        # What is sent again later (an end of a connection) the taps see no more.
        a, b = ([record for record in lab_oracle.read(self.run.file(name + ".trace"))
                 if record.entered < stopped_ns] for name in "ab")
        if lab_oracle.lost_in_box(a, b):
            trouble["lost in the box"] = lab_oracle.lost_in_box(a, b)
        return Measured(self.scenario, self.seed, senders, lab_oracle.truth(a, b), said, trouble,
                        waits, a)


def waited_ns(process):
    """How long its threads were ready and had no CPU: the longest of them."""
    waits = [0]
    for path in glob.glob(f"/proc/{process.popen.pid}/task/*/schedstat"):
        with open(path, encoding="ascii") as file:
            waits.append(int(file.read().split()[1]))
    return max(waits)


class Measured:
    """One run: truth and what was measured, by engine."""

    def __init__(self, scenario, seed, senders, truth, said, trouble, waits, trace):
        self.scenario = scenario
        self.seed = seed
        self.truth = truth
        self.said = said
        self.trouble = trouble
        self.waits = waits
        self.trace = trace
        self.kernel = {side: sum(s["retransmitted"] for s in senders if s["who"] == who)
                       for side, who in (("lan", "client"), ("wan", "server"))}

    def late(self, engine):
        """Did its worker wait so long for a CPU that its times say nothing?  Its counts still do.

        A worker's times are those of its turns; XDP's are the kernel's, the links' are in truth.
        """
        return engine == "dpdk" and self.waits[engine] > WAITED_SHARE * self.scenario.ms * 1e6

    def spoilt(self, engine):
        """Why this run says nothing of that engine; empty when it does."""
        said = self.said[engine]
        why = dict(self.trouble)
        why.update({key: said[key] for key in ("missed", "unsent") if said[key]})
        for side in ("lan", "wan"):
            passed = self.truth[side]["packets"]
            if self.scenario.one_way and side == "wan":
                passed = 0
            if not said[side]["packets"] <= passed <= said[side]["packets"] + said["busy"]:
                why[f"{side}: packets passed, seen"] = (passed, said[side]["packets"])
        return why


def available():
    """Congestion controls of this kernel, loaded if need be."""
    if shutil.which("modprobe"):
        subprocess.run(["modprobe", "tcp_bbr"], check=False, capture_output=True)
    with open("/proc/sys/net/ipv4/tcp_available_congestion_control", encoding="ascii") as file:
        return file.read().split()
