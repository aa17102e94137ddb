"""A run leaves nothing behind: ended by SIGTERM, by SIGINT, and, at the next start, by kill -9.
Its page answers until then.

usage: test_leaves.py PROGRAMS [unittest options]
"""

import glob
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import netns

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = None


class Leaves(unittest.TestCase):
    """Each starts a store that stays, and ends it in its own way."""

    page = "http://127.0.0.1:1/"

    def begin(self, *options):
        self.run = subprocess.Popen([sys.executable, os.path.join(HERE, "story.py"), PROGRAMS,
                                     "--stay", *options], stdout=subprocess.PIPE, text=True)
        for line in self.run.stdout:
            page = re.search(r"http://127\.0\.0\.1:\d+/", line)
            self.page = page[0] if page else self.page
            if "Ctrl-C" in line:
                break
        else:
            self.fail("the store was not laid out")
        self.assertTrue(self.left())
        self.assertIn("Storeline", self.shown())

    def shown(self):
        """The page; None when nobody serves it."""
        try:
            with urllib.request.urlopen(self.page, timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            return None

    def tearDown(self):
        if self.run.poll() is None:
            self.run.kill()
        self.run.stdout.close()
        self.run.wait()
        netns.sweep()

    def left(self):
        pid = self.run.pid
        return (glob.glob(f"/run/netns/sl-{pid}-*") + self.processes()
                + glob.glob(f"{netns.BPFFS}/storeline-{pid}")
                + glob.glob(os.path.join(tempfile.gettempdir(), f"storeline-{pid}")))

    def processes(self):
        """Processes that name this run's directory."""
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, encoding="utf-8", errors="replace") as words:
                    if f"storeline-{self.run.pid}/" in words.read():
                        found.append(path)
            except OSError:
                pass
        return found

    def killed_and_swept(self):
        self.run.kill()
        self.run.wait()
        time.sleep(0.5)
        self.assertEqual(self.processes(), [])
        self.assertIsNone(self.shown())
        self.assertTrue(self.left())
        netns.sweep()
        self.assertEqual(self.left(), [])

    def test_terminated(self):
        self.begin()
        self.run.send_signal(signal.SIGTERM)
        self.assertEqual(self.run.wait(30), 130)
        self.assertEqual(self.left(), [])
        self.assertIsNone(self.shown())

    def test_interrupted(self):
        self.begin()
        self.run.send_signal(signal.SIGINT)
        self.assertEqual(self.run.wait(30), 130)
        self.assertEqual(self.left(), [])
        self.assertIsNone(self.shown())

    def test_killed_and_swept(self):
        self.begin()
        self.killed_and_swept()

    def test_killed_and_swept_dpdk(self):
        self.begin("--engine", "dpdk")
        self.killed_and_swept()


if __name__ == "__main__":
    if os.geteuid():
        print("skipped: needs root for network namespaces")
        sys.exit(77)
    PROGRAMS = sys.argv.pop(1)
    unittest.main(verbosity=2)
