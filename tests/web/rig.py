"""The page's test rig: a private Redis, the shop on its bus, and a real storeline-control.

Everything lives in one temporary folder and dies with close().  Redis is on a unix socket;
the page on a free port of loopback, or on a unix socket.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SITE = "store-0421"


class Failed(Exception):
    """What a test expected and did not see."""


def expect(true, what):
    if not true:
        raise Failed(what)


def until(holds, within, what):
    """Wait for holds() up to so many seconds; what it gave, else Failed."""
    end = time.monotonic() + within
    while True:
        got = holds()
        if got:
            return got
        if time.monotonic() > end:
            raise Failed(f"not within {within} s: {what}")
        time.sleep(0.05)


class Rig:
    """open() starts all of it; say() tells the shop what happens."""

    def __init__(self, build):
        self.build = build
        self.dir = tempfile.mkdtemp(prefix="sl-web.")
        self.redis_path = os.path.join(self.dir, "redis.sock")
        self.log = os.path.join(self.dir, "control.log")
        self.port = 0
        self.redis = self.shop = self.control = None

    def open(self):
        # meson ends a test that takes too long so: close() must still be come by.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        self.start_redis()
        self.shop = subprocess.Popen([os.path.join(self.build, "tests/web/shopd"), "unix:" + self.redis_path],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        expect(self.shop.stdout.readline() == "ok\n", "the shop reaches Redis")
        self.start_control()
        return self

    def start_redis(self):
        self.redis = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.redis_path, "--save", "",
             "--dir", self.dir, "--logfile", os.path.join(self.dir, "redis.log")])
        until(lambda: os.path.exists(self.redis_path), 5, "redis-server's socket")

    def start_control(self, web=None):
        """On the port that it had before, so that a page finds it again."""
        begin = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        with open(self.log, "a", encoding="utf-8") as log:
            self.control = subprocess.Popen(
                [os.path.join(self.build, "control/storeline-control"), "--redis", "unix:" + self.redis_path,
                 "--state", os.path.join(self.dir, "control"), "--site", SITE,
                 "--web", web or f"127.0.0.1:{self.port}"], stderr=log)

        def address():
            expect(self.control.poll() is None, "storeline-control runs: " + self.control_log()[-500:])
            return re.search(r"event=web address=(\S+)", self.control_log()[begin:])

        where = until(address, 10, "the page's address in the log")[1]
        if where.startswith("127."):
            self.port = int(where.rsplit(":", 1)[1])
        return where

    def control_log(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def say(self, *words):
        for word in words:
            self.shop.stdin.write(word + "\n")
            self.shop.stdin.flush()
            expect(self.shop.stdout.readline() == "ok\n", "the shop obeys: " + word)

    @staticmethod
    def stop(process, how=signal.SIGTERM):
        if process and process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def close(self):
        if self.shop:
            self.shop.stdin.close()
            self.stop(self.shop)
            self.shop.stdout.close()
        self.stop(self.control)
        self.stop(self.redis)
        self.keep_log()
        shutil.rmtree(self.dir, ignore_errors=True)

    def keep_log(self):
        """A sanitizer's words are at the end of control's log."""
        if self.control and self.control.returncode not in (0, None, -signal.SIGKILL):
            print(self.control_log()[-3000:])

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"


def run(build, test):
    """Run test(rig); the exit code of a test program."""
    rig = Rig(build)
    try:
        test(rig.open())
    except Failed as failed:
        print(f"FAILED: {failed}\n--- control's log\n{rig.control_log()[-1500:]}")
        return 1
    finally:
        rig.close()
    # Killed by a test is well; a sanitizer's or an error's end is not.
    if rig.control.returncode not in (0, -signal.SIGKILL):
        print(f"FAILED: storeline-control ended with {rig.control.returncode}")
        return 1
    print("ok: all of it holds", flush=True)
    return 0
