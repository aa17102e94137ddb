"""The DPDK engine beside dpdk-testpmd: same devices, same input, by turns, one core each.

usage: dpdk_runs.py PROGRAMS

JSON lines on standard output: name, value (ns a packet), unit, mpps, baseline (testpmd's
macswap in the same run), ratio, spread.  Inputs:
  null  net_null, 64 B: the driver does nothing, so what is left is the program's own
  pcap  net_pcap with infinite_rx, 4 096 packets of 1 000 flows, 64 B and IMIX: the driver
        copies each; the same packets come again, so all but the first are retransmissions
  ring  net_ring (no testpmd: it cannot be given packets there): 1 k, 100 k and 1 M flows,
        each with an mbuf of its own: what was touched a million packets ago is cold
Huge pages are set for the run and put back.
"""

import json
import os
import re
import signal
import statistics
import struct
import subprocess
import sys
import tempfile

PAGES = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
PAGES_WANTED = 2700  # 1 M mbufs and the table of 1 M flows
ROUNDS = 3
SECONDS = 5
IMIX = [64] * 7 + [594] * 4 + [1518]


def say(**line):
    print(json.dumps(line), flush=True)


class HugePages:
    """As many as the runs need; as many as before afterwards."""

    def __enter__(self):
        with open(PAGES, encoding="ascii") as pages:
            self.before = pages.read().strip()
        self._write(str(max(PAGES_WANTED, int(self.before))))

    def __exit__(self, *_):
        self._write(self.before)

    @staticmethod
    def _write(count):
        with open(PAGES, "w", encoding="ascii") as pages:
            pages.write(count)


def frame(flow, turn, size):
    """A TCP segment of a flow, client and server by turns, without timestamps."""
    reply, step = turn & 1, turn >> 1
    client, server = struct.pack("!I", 0x0a000000 + flow), bytes((203, 0, 113, 9))
    payload = size - 54
    asked, answered = 1000 + (step + reply) * payload, 500000 + step * payload
    ip = (struct.pack("!BBHHHBBH", 0x45, 0, size - 14, 0, 0, 64, 6, 0)
          + (server + client if reply else client + server))
    tcp = struct.pack("!HHIIBBHHH", *((443, 20000) if reply else (20000, 443)),
                      *((answered, asked) if reply else (asked, answered)), 0x50, 0x10, 512, 0, 0)
    return (bytes(12) + b"\x08\x00" + ip + tcp).ljust(size, b"\0")


def write_capture(path, sizes):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i in range(4096):
            data = frame(i * 7919 % 1000, i // 1000, sizes[i % len(sizes)])
            out.write(struct.pack("<IIII", i // 1000, i % 1000, len(data), len(data)) + data)


def testpmd(mode, vdevs):
    """ns per packet of one run: the median of the rates that it shows, both ports together."""
    words = ["dpdk-testpmd", "--lcores", "0@(0-1),1@1", "--no-pci", "--in-memory",
             "--no-telemetry", "--file-prefix", "storeline-bench",
             *(f"--vdev={vdev}" for vdev in vdevs), "--", f"--forward-mode={mode}",
             "--nb-cores=1", "--burst=64", "--total-num-mbufs=16384", "--auto-start",
             "--stats-period=1"]
    run = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, errors="replace")
    try:
        text, _ = run.communicate(timeout=SECONDS + 1.5)
    except subprocess.TimeoutExpired:
        run.terminate()
        text, _ = run.communicate()
    rates = [int(pps) for pps in re.findall(r"Rx-pps:\s+(\d+)", text)]
    sums = [a + b for a, b in zip(rates[::2], rates[1::2]) if a + b > 0]
    if len(sums) < 2:
        raise SystemExit(f"dpdk-testpmd {mode} did not run:\n{text[-2000:]}")
    return 1e9 / statistics.median(sums[1:])


def storeline(programs, given, flows, mbufs, size, seconds=0.4):
    """The lines of one run of bench_dpdk, by their first words."""
    done = subprocess.run([os.path.join(programs, "tests", "bench", "bench_dpdk"), given,
                           str(flows), str(mbufs), str(seconds), str(size)],
                          stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def beside_testpmd(programs, label, given, vdevs, flows, size):
    """Rounds of testpmd's modes and of ours, on the same devices."""
    taken = {"io": [], "macswap": [], "5tswap": [], "Storeline": []}
    lines = []
    for _ in range(ROUNDS):
        for mode in ("io", "macswap", "5tswap"):
            taken[mode].append(testpmd(mode, vdevs))
        lines = storeline(programs, given, flows, 16383, size)
        taken["Storeline"].append(next(l["value"] for l in lines
                                       if l["name"].startswith("dpdk Storeline,")))
    macswap = statistics.median(taken["macswap"])
    for mode, values in taken.items():
        value = statistics.median(values)
        say(name=("" if mode == "Storeline" else "testpmd ") + f"{mode}, {label}",
            value=round(value, 1), unit="ns/packet", mpps=round(1000 / value, 1),
            baseline=round(macswap, 1), ratio=round(value / macswap, 2),
            share_of_macswap_rate=round(macswap / value, 3),
            spread=[round(min(values), 1), round(max(values), 1)])
    say(**{**lines[-1], "name": f"packets measured in a flow, {label}"})


def main():
    programs = sys.argv[1]
    with HugePages(), tempfile.TemporaryDirectory() as folder:
        beside_testpmd(programs, "null, 64 B, 1000 flows", "null",
                       ["net_null0,size=64", "net_null1,size=64"], 1000, 64)
        for name, sizes in (("64 B", [64]), ("IMIX", IMIX)):
            path = os.path.join(folder, name.split()[0] + ".pcap")
            write_capture(path, sizes)
            vdevs = [f"net_pcap{i},rx_pcap={path},infinite_rx=1" for i in (0, 1)]
            beside_testpmd(programs, f"pcap, {name}, 1000 flows", path, vdevs, 1000, sizes[0])
        for flows, mbufs in ((1000, 1087), (100000, 100095), (1000000, 1000063)):
            for line in storeline(programs, "ring", flows, mbufs, 64, 1):
                say(**line)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))  # and put the huge pages back
    main()
