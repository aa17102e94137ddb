"""Network namespaces, and the processes in them, that never outlive a run.

Everything of a run carries the process id of the Python program that made it: namespaces
sl-PID-NAME, a directory storeline-PID in the temporary directory, a directory storeline-PID of
BPF pins.  close() takes it all away; sweep(), at the next start, what a run left behind that
was killed outright.  Processes are killed by the kernel when the program that started them
dies.  `ip netns exec` would hide bpffs: nsenter enters a namespace and nothing else.
"""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

BPFFS = "/sys/fs/bpf"
RUN_NETNS = "/run/netns"
MOUNTED = "bpffs-mounted"  # in a run's directory: this run mounted bpffs
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Broken(Exception):
    """The virtual store could not be laid out or used; says what failed."""


def command(*words):
    """Run a command to its end; its output, or Broken with what it said."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Broken(f"{' '.join(words)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


class Process:
    """A program in a namespace (None: the machine's own), with its output in files of the run's
    directory."""

    def __init__(self, run, namespace, name, words, env=None):
        self.name = name
        self.out = os.path.join(run.directory, name + ".out")
        self.log = os.path.join(run.directory, name + ".log")
        prefix = ["nsenter", "--net=" + run.path(namespace), "--"] if namespace else []
        with open(self.out, "ab") as out, open(self.log, "ab") as log:
            # A session of its own: Ctrl-C is for us, who then ends it in good order.
            self.popen = subprocess.Popen(prefix + list(words), stdin=subprocess.DEVNULL,
                                          stdout=out, stderr=log, start_new_session=True,
                                          preexec_fn=_die_with_parent, env=env)

    def alive(self):
        return self.popen.poll() is None

    def ready(self, word="ready", within=10.0):
        """Wait for a word in its log."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            if word in self.said():
                return self
            if not self.alive():
                break
            time.sleep(0.02)
        raise Broken(f"{self.name} did not start: {self.said().strip()[-2000:] or 'no word'}")

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def kill(self, number=signal.SIGTERM):
        if self.alive():
            self.popen.send_signal(number)

    def end(self, within=3.0):
        """SIGTERM, and SIGKILL when it has not ended in time; its exit code."""
        self.kill()
        try:
            return self.popen.wait(within)
        except subprocess.TimeoutExpired:
            self.kill(signal.SIGKILL)
            return self.popen.wait()


class Run:
    """All that one run of the virtual store owns."""

    def __init__(self):
        self.pid = os.getpid()
        self.directory = os.path.join(tempfile.gettempdir(), f"storeline-{self.pid}")
        self.pins = os.path.join(BPFFS, f"storeline-{self.pid}")
        self.namespaces = []
        self.processes = []
        self.mounted = False
        os.mkdir(self.directory, 0o700)

    def name(self, namespace):
        return f"sl-{self.pid}-{namespace}"

    def path(self, namespace):
        return os.path.join(RUN_NETNS, self.name(namespace))

    def file(self, name):
        return os.path.join(self.directory, name)

    def add(self, *namespaces):
        for namespace in namespaces:
            self.namespaces.append(namespace)
            command("ip", "netns", "add", self.name(namespace))

    def ip(self, namespace, *lines):
        """Lines of `ip` in a namespace; {NAME} is the full name of namespace NAME."""
        names = {short: self.name(short) for short in self.namespaces}
        text = "\n".join(line.format(**names) for line in lines)
        done = subprocess.run(["ip", "-n", self.name(namespace), "-batch", "-"], input=text,
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise Broken(f"ip in {namespace}: {done.stderr.strip()}\n{text}")

    def shell(self, namespace, script):
        """A shell script in a namespace; its output."""
        return command("nsenter", "--net=" + self.path(namespace), "--", "sh", "-ec", script)

    def start(self, namespace, name, *words, env=None):
        process = Process(self, namespace, name, words, env)
        self.processes.append(process)
        return process

    def mount_bpffs(self):
        """Mount bpffs where it belongs, if nobody has."""
        if not os.path.ismount(BPFFS):
            command("mount", "-t", "bpf", "bpf", BPFFS)
            self.mounted = True
            with open(self.file(MOUNTED), "w", encoding="ascii"):
                pass

    def close(self):
        """Take everything away; never stops half way."""
        # Last started, first ended: clients before servers, all before their network.
        for process in reversed(self.processes):
            process.kill()
        for process in reversed(self.processes):
            process.end()
        self.processes = []
        shutil.rmtree(self.pins, ignore_errors=True)
        for namespace in self.namespaces:
            _remove_namespace(self.name(namespace))
        self.namespaces = []
        shutil.rmtree(self.directory, ignore_errors=True)
        if self.mounted:
            _unmount_bpffs()


def _unmount_bpffs():
    """Unless somebody uses it by now.  maps.debug and progs.debug are the kernel's own."""
    if os.path.ismount(BPFFS) and all(name.endswith(".debug") for name in os.listdir(BPFFS)):
        subprocess.run(["umount", BPFFS], check=False, stderr=subprocess.DEVNULL)


def _remove_namespace(name):
    pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True,
                          check=False).stdout.split()
    for pid in pids:
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            pass
    subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)


def _dead(pid):
    return not os.path.exists(f"/proc/{pid}")


def _left(directory, pattern):
    """(name, path) of what a dead run left in a directory."""
    if os.path.isdir(directory):
        for name in os.listdir(directory):
            match = re.fullmatch(pattern, name)
            if match and _dead(match.group(1)):
                yield name, os.path.join(directory, name)


def sweep():
    """Take away what runs left behind that are no longer alive; the names of it."""
    swept = []
    for _, path in _left(BPFFS, r"storeline-(\d+)"):
        shutil.rmtree(path, ignore_errors=True)
        swept.append(path)
    for name, _ in _left(RUN_NETNS, r"sl-(\d+)-\w+"):
        _remove_namespace(name)
        swept.append(name)
    for _, path in _left(tempfile.gettempdir(), r"storeline-(\d+)"):
        if os.path.exists(os.path.join(path, MOUNTED)):
            _unmount_bpffs()
        shutil.rmtree(path, ignore_errors=True)
        swept.append(path)
    return swept
