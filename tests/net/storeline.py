"""Storeline on the virtual store's box: Redis, dataplane and control, as on a real one."""

import glob
import os
import re
import subprocess

from bus import Bus
from netns import Broken
from store import HERE

SITE = "store-0421"
POLICY = os.path.join(HERE, "policy.yaml")

# What the policy says of each engine.  DPDK here: one worker, on ordinary pages, that sleeps
# when nothing comes, because it shares two cores with the whole store.
ENGINES = {"xdp": "",
           "dpdk": "engine: {kind: dpdk, driver: af_xdp, lcores: [1], mbufs: 32768, "
                   "flows: 65536, huge_pages: false, idle_sleep: 50us}\n"}


class Storeline:
    """The three processes and what they say.  The store's Run ends them."""

    def __init__(self, store, policy=POLICY, engine="xdp", more="", page=False, **changes):
        self.run = store.run
        self.programs = store.programs
        self.engine = engine
        self.page, self.url = page, None
        self.pages = huge_pages()
        self.redis_socket = self.run.file("redis.sock")
        self.policy = self._write_policy(policy, changes, more)
        self.redis = self.dataplane = self.control = None
        self.bus = Bus(self.redis_socket, SITE)
        self.lives = 0

    def _write_policy(self, source, changes, more):
        """The policy, with changes such as hold_down="8s" or mode="observe", and more sections."""
        with open(source, encoding="utf-8") as policy:
            text = policy.read()
        for key, value in changes.items():
            text, before = replace_value(text, key, value)
            if before is None:
                raise Broken(f"{source} has no {key}")
        text = with_engine(text, self.engine) + more
        path = self.run.file("policy.yaml")
        with open(path, "w", encoding="utf-8") as policy:
            policy.write(text)
        return path

    def _start(self, name, *words, env=None, namespace="box"):
        self.lives += 1
        return self.run.start(namespace, f"{name}-{self.lives}", *words, env=env)

    def start_redis(self):
        self.redis = self._start("redis", "redis-server", "--port", "0", "--unixsocket",
                                 self.redis_socket, "--unixsocketperm", "700", "--save", "",
                                 "--appendonly", "no", "--dir", self.run.directory,
                                 "--logfile", "/dev/stderr")
        self.redis.ready("eady to accept connections")

    def start_dataplane(self):
        """DPDK makes a folder at each start, in memory or not: within the run's, to go with it.

        Its words may have a "ready" of their own: ours is waited for, and longer, because it
        has memory to lay out.
        """
        self.dataplane = self._start(
            "dataplane", os.path.join(self.programs, "dataplane", "storeline-dataplane"), "run",
            "--policy", self.policy, "--redis", "unix:" + self.redis_socket, "--state",
            self.run.file("dataplane-state"), "--pin", self.run.pins, "-v",
            env=dict(os.environ, RUNTIME_DIRECTORY=self.run.directory))
        self.dataplane.ready("event=ready", 20)

    def start_control(self):
        """With a page it runs beside the box, not on it, so that this machine's browsers reach its
        loopback: control speaks with Redis' socket and nobody else."""
        self.control = self._start(
            "control", os.path.join(self.programs, "control", "storeline-control"), "--redis",
            "unix:" + self.redis_socket, "--state", self.run.file("control-state"), "--site",
            SITE, "-v", *(["--web", "127.0.0.1:0"] if self.page else []),
            namespace=None if self.page else "box")
        if self.page:
            said = self.control.ready("event=web address=").said()
            self.url = f"http://{re.search(r'event=web address=(127[0-9.:]+)', said)[1]}/"

    def start(self):
        self.run.mount_bpffs()
        for state in ("dataplane-state", "control-state"):
            os.makedirs(self.run.file(state), exist_ok=True)
        self.start_redis()
        self.bus.open()
        self.start_dataplane()
        self.start_control()
        return self

    def stop(self):
        """Off the box, and everything off the interfaces; what it left all the same, in words.

        Processes are no part of that: the run's end kills whatever is still in the namespaces.
        """
        self.bus.close()
        for process in (self.control, self.dataplane, self.redis):
            if process:
                process.end()
        if self.dataplane:
            detach = os.path.join(self.programs, "dataplane", "storeline-dataplane")
            subprocess.run(["nsenter", "--net=" + self.run.path("box"), "--", detach, "detach",
                            "--policy", self.policy, "--pin", self.run.pins],
                           capture_output=True, check=False)
        return self._left()

    def _left(self):
        """Huge pages belong to the machine, so no run's end would give them back."""
        pages = huge_pages()
        return [f"{path}: {pages.get(path)}, was {self.pages.get(path)}"
                for path in sorted({*pages, *self.pages})
                if pages.get(path) != self.pages.get(path)]

    # ---- what it says ----

    def cli(self, *words):
        """`storeline --json WORDS`: exit code and what it printed."""
        done = subprocess.run([os.path.join(self.programs, "control", "storeline"), "--redis",
                               "unix:" + self.redis_socket, "--site", SITE, "--json", *words],
                              capture_output=True, text=True, check=False, timeout=30)
        return done.returncode, done.stdout or done.stderr

    def why(self, service):
        """What `storeline why SERVICE` tells a person, line by line."""
        done = subprocess.run([os.path.join(self.programs, "control", "storeline"), "--redis",
                               "unix:" + self.redis_socket, "--site", SITE, "why", service],
                              capture_output=True, text=True, check=False, timeout=30)
        return (done.stdout or done.stderr).splitlines()

    def service(self, name):
        """The service as the live picture shows it; None when there is no picture."""
        picture = self.bus.picture()
        services = picture["services"] if picture else []
        return next((s for s in services if s["name"] == name), None)

    def actions(self):
        """Events that changed something in the traffic."""
        return [e for e in list(self.bus.order) if e["kind"] == "action"]

    def said(self, last=15):
        """The last lines of its logs, for a failure's report."""
        lines = []
        for process in (self.dataplane, self.control):
            if process:
                lines += [f"{process.name}: {line}" for line in
                          process.said().splitlines()[-last:]]
        return "\n".join(lines)


def huge_pages(root="/sys/kernel/mm/hugepages"):
    """Pages that are set aside, by the file that says so."""
    pages = {}
    for path in sorted(glob.glob(os.path.join(root, "*", "nr_hugepages"))):
        with open(path, encoding="ascii") as file:
            pages[path] = int(file.read())
    return pages


def with_engine(text, engine):
    """A policy's text, with the section of an engine before its ports."""
    head, ports, tail = text.partition("\nports:")
    if not ports:
        raise Broken("the policy has no ports")
    return head + "\n" + ENGINES[engine] + ports[1:] + tail


def replace_value(text, key, value):
    """Put a value in place of that of the first `key:` in YAML; (text, the one before)."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if line.lstrip().startswith("#") or key + ":" not in line:
            continue
        start = line.index(key + ":") + len(key) + 1
        rest = line[start:]
        end = min((rest.index(c) for c in ",}" if c in rest), default=len(rest))
        lines[at] = f"{line[:start]} {value}{rest[end:]}"
        return "\n".join(lines), rest[:end].strip()
    return text, None


def describe(event):
    """One event in one line, for people."""
    words = [event["source"], event["kind"]]
    words += [event[key] for key in ("remedy", "service", "uplink") if event.get(key)]
    if event.get("to_uplink"):
        words.append("-> " + event["to_uplink"])
    if event["kind"] == "state-change":
        words.append(f"{event['before']} -> {event['after']}")
    return " ".join(words) + (": " + event["text"] if event.get("text") else "")
