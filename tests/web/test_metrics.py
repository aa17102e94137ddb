#!/usr/bin/env python3
"""/metrics as promtool judges it, and as a real Prometheus reads it: test_metrics.py BUILD"""

import json
import os
import re
import socket
import subprocess
import sys
import urllib.parse
import urllib.request

from rig import expect, run, until

# The shop's tills send 0.8 Mbit/s, ten pictures a second of windows of one second: a sum that
# counted each window whole would be ten times that.
SENT_BPS = 0.8e6
BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 1, 3, 10)
CONFIG = """global: {scrape_interval: 1s, evaluation_interval: 1s}
scrape_configs:
  - job_name: storeline
    static_configs: [{targets: ["%s"]}]
"""


def fetch(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def check_promtool(text):
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    expect(done.returncode == 0 and not done.stdout + done.stderr, "promtool is content: " + done.stdout + done.stderr)


def check_labels(text):
    samples = [line for line in text.split("\n") if line and line[0] != "#"]
    names = {pair.split("=")[0] for line in samples if "{" in line for pair in line[line.index("{") + 1:line.index("}")].split(",")}
    expect(names == {"service", "uplink", "leg", "le"}, f"labels are service, uplink, leg and a bucket's le: {names}")
    expect(len(samples) <= 300, f"a store has at most 300 series here: {len(samples)}")
    expect(all(line.startswith("storeline_") for line in samples), "each begins with storeline_")


def check_histograms(text):
    """Of critical services' WAN leg alone: pos on two uplinks, 12 buckets, +Inf, sum and count each."""
    samples = [line for line in text.split("\n") if line.startswith("storeline_path_rtt_seconds_")]
    expect(len(samples) == 2 * 15, f"30 series of histograms, not {len(samples)}")
    expect(all('service="pos"' in line and 'leg="wan"' in line for line in samples), "of pos, on the WAN leg")
    for uplink in ("fibre", "lte"):
        counts = [int(line.rsplit(" ", 1)[1]) for line in samples if "_bucket{" in line and f'uplink="{uplink}"' in line]
        count = [int(line.rsplit(" ", 1)[1]) for line in samples if "_count{" in line and f'uplink="{uplink}"' in line]
        expect(counts == sorted(counts) and counts[-1:] == count, f"buckets of {uplink} hold those before them: {counts}, {count}")


def counters(text):
    """What may only grow: counters, and all of a histogram."""
    kinds = dict(line.split()[2:4] for line in text.split("\n") if line.startswith("# TYPE"))

    def grows(name):
        return kinds.get(name) == "counter" or kinds.get(re.sub("_(bucket|sum|count)$", "", name)) == "histogram"

    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.split("\n")
            if line and line[0] != "#" and grows(line.split("{")[0].split(" ")[0])}


def check_growing(before, after):
    for name, value in counters(before).items():
        expect(counters(after).get(name, -1) >= value, f"{name} never goes back")


class Prometheus:
    """One that scrapes the rig each second, on a port of its own."""

    def __init__(self, rig):
        self.port = free_port()
        path = os.path.join(rig.dir, "prometheus.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(CONFIG % f"127.0.0.1:{rig.port}")
        with open(os.path.join(rig.dir, "prometheus.log"), "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["prometheus", "--config.file", path, "--storage.tsdb.path", os.path.join(rig.dir, "tsdb"),
                 "--web.listen-address", f"127.0.0.1:{self.port}", "--log.level", "error"], stderr=log, cwd=rig.dir)

    def value(self, query):
        """The one value of a query; None when there is none (yet)."""
        try:
            answer = json.loads(fetch(f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": query})))
        except OSError:
            return None
        result = answer["data"]["result"]
        return float(result[0]["value"][1]) if result else None


def check_quantile(rig, prometheus):
    """Prometheus's p95 of the buckets lies in the bucket of the p95 that the page shows."""
    paths = json.loads(fetch(rig.url + "/api/state"))["picture"]["paths"]
    shown = next(path for path in paths if (path["service"], path["uplink"]) == ("pos", "fibre"))["rtt_wan"]["p95_us"] / 1e6
    told = prometheus.value('histogram_quantile(0.95, rate(storeline_path_rtt_seconds_bucket{service="pos",uplink="fibre",leg="wan"}[10s]))')
    bounds = [0, *BOUNDS]
    at = next(i for i, bound in enumerate(bounds) if shown <= bound)
    expect(bounds[at - 1] <= told <= bounds[at], f"p95 by buckets {told} s, on the page {shown} s")


def check_scrape(rig, prometheus):
    until(lambda: prometheus.value('up{job="storeline"}') == 1, 20, "Prometheus scrapes it")
    # rate() is of its whole range: it must lie behind the first scrape.
    until(lambda: (prometheus.value("count_over_time(storeline_path_health[1m])") or 0) >= 13, 30, "scrapes of 12 s")
    sent = prometheus.value('rate(storeline_path_sent_bytes_total{service="pos",uplink="fibre"}[10s]) * 8')
    expect(abs(sent / SENT_BPS - 1) < 0.3, f"the tills send {SENT_BPS} bit/s, not {sent}")
    p95 = prometheus.value('storeline_path_rtt_p95_seconds{service="pos",uplink="fibre",leg="wan"}')
    expect(0.02 < p95 < 0.05, f"p95 in seconds: {p95}")
    check_quantile(rig, prometheus)
    expect(prometheus.value('storeline_slo_latency_seconds{service="pos"}') == 0.08, "the SLO beside it")


def test(rig):
    rig.say("good", "change", "decide")
    before = until(lambda: (lambda t: "storeline_path_rtt_p95_seconds{" in t and "storeline_slo_latency" in t and t)(fetch(rig.url + "/metrics")), 10, "a picture")
    check_promtool(before)
    check_labels(before)
    check_histograms(before)
    prometheus = Prometheus(rig)
    try:
        check_scrape(rig, prometheus)
    finally:
        rig.stop(prometheus.process)
    check_growing(before, fetch(rig.url + "/metrics"))


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], test))
