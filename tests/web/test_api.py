#!/usr/bin/env python3
"""The open API as proto/README.md tells it: its subscribers run, its keys are there.

    test_api.py BUILD
"""

import os
import re
import subprocess
import sys

from rig import SITE, expect, run, until

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def check_included():
    """The README shows the very files that are run here."""
    readme = read("proto", "README.md")
    for name, language in (("subscriber.c", "c"), ("subscriber.py", "python")):
        block = f"```{language}\n{read('tests', 'web', name)}```\n"
        expect(block in readme, f"proto/README.md has tests/web/{name} as it is")


def check_complete():
    """Every key and message of storeline.proto has its place in the README."""
    readme, proto = read("proto", "README.md"), read("proto", "storeline.proto")
    for key in re.findall(r"^//   (sl:\S+)", proto, re.M):
        expect(f"`{key}`" in readme, f"{key} is in proto/README.md")
    for message in re.findall(r"^message (\w+)", proto, re.M):
        expect(re.search(rf"\b{message}\b", readme), f"message {message} is in proto/README.md")


def check_subscriber(rig, command, wanted):
    process = subprocess.Popen([*command, rig.redis_path, SITE], stdout=subprocess.PIPE, text=True)
    try:
        lines = [process.stdout.readline() for _ in range(16)]  # two pictures
        expect(any(re.fullmatch(wanted, line) for line in lines), f"{command[-1]}: {lines}")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def redis(rig, *words):
    return subprocess.run(["redis-cli", "-s", rig.redis_path, *words], capture_output=True, text=True, check=True,
                          timeout=10).stdout.split("\n")


def check_flat(rig):
    """What Grafana's Redis data source reads: a hash of text, a stream of numbers."""
    key = f"sl:{{{SITE}}}:path:pos:fibre"
    until(lambda: redis(rig, "EXISTS", key)[0] == "1", 10, key)
    words = redis(rig, "HGETALL", key)
    flat = dict(zip(words[::2], words[1::2]))
    expect(flat["state"] == "good" and 10000 < int(flat["p95_us"]) < 60000, f"{key}: {flat}")
    expect(0 < int(redis(rig, "TTL", key)[0]) <= 10, "it goes with its writer")
    idle = dict(zip(*[iter(redis(rig, "HGETALL", f"sl:{{{SITE}}}:path:pos:lte"))] * 2))
    expect((idle["state"], idle["p95_us"]) == ("idle", ""), f"no sample, no number: {idle}")
    series = f"sl:{{{SITE}}}:ts:pos:fibre"
    until(lambda: int(redis(rig, "XLEN", series)[0]) >= 3, 10, "a point a second")
    point = redis(rig, "XREVRANGE", series, "+", "-", "COUNT", "1")[1:-1]
    expect(all(re.fullmatch(r"\d+", value) for value in point[1::2]), f"numbers only: {point}")
    expect(0 < int(redis(rig, "TTL", series)[0]) <= 900, "the series goes too")


def test(rig):
    check_included()
    check_complete()
    rig.say("good")
    check_subscriber(rig, [os.path.join(rig.build, "tests/web/subscriber")], r"pos on fibre: state 1, p95 \d{5} us\n")
    check_subscriber(rig, [sys.executable, os.path.join(HERE, "subscriber.py")], r"pos on fibre good \d{5} us\n")
    check_flat(rig)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], test))
