#!/usr/bin/env python3
"""The page in a real browser: test_page.py BUILD [SHOTS]; SHOTS is a folder for screenshots.

page.mjs drives headless Chromium and asks this program for what must happen around it.
"""

import os
import subprocess
import sys

from rig import Failed, expect, run, until

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = os.path.join(HERE, "..", "..", "control", "web", "node_modules")


def obey(rig, what):
    if what == "no-redis":
        rig.stop(rig.redis)
        os.path.exists(rig.redis_path) and os.unlink(rig.redis_path)
    elif what == "redis":
        rig.start_redis()
        expect(rig.shop.stdout.readline() == "ok\n", "the shop finds Redis again")
        # It came back empty: what the page is to read again is said again.
        rig.say("good", "close")
    elif what == "no-control":
        rig.stop(rig.control)
    elif what == "control":
        rig.start_control()
    else:
        rig.say(what)


def browse(rig, shots):
    home = os.path.join(rig.dir, "home")
    os.makedirs(home)
    # All that Chromium and node would leave in a home stays in the rig's folder.
    environment = dict(os.environ, HOME=home, XDG_CONFIG_HOME=home, XDG_CACHE_HOME=home, TMPDIR=home)
    with open(os.path.join(rig.dir, "browser.log"), "w+", encoding="utf-8") as log:
        node = subprocess.Popen(["node", os.path.join(HERE, "page.mjs"), rig.url, MODULES, os.path.join(home, "profile"), *shots],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        for line in node.stdout:
            if line.startswith("do "):
                obey(rig, line[3:].strip())
                node.stdin.write("done\n")
                node.stdin.flush()
            else:
                print(line, end="", flush=True)
        node.stdin.close()
        node.stdout.close()
        if node.wait(20):
            log.seek(0)
            raise Failed("in the browser: " + log.read()[-1500:])


def test(rig):
    expect(os.path.isdir(os.path.join(MODULES, "playwright-core")),
           "playwright-core is installed: cd control/web && npm ci (./scripts/test does)")
    rig.say("good")
    browse(rig, sys.argv[2:])
    until(lambda: rig.control.poll() is None, 1, "control lives")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], test))
