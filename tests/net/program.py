"""How a program of the virtual store begins and ends: as root, swept, with one exit code.

Exit codes: 0 passed, 1 failed or could not run, 2 usage, 77 skipped, 130 stopped.
"""

import os
import signal
import sys

from netns import Broken, sweep


def take_engine(words):
    """(the engine that the words ask for, the words without it); Broken for none that we have."""
    if "--engine" not in words[:-1]:
        return "xdp", words
    at = words.index("--engine")
    if words[at + 1] not in ("xdp", "dpdk"):
        raise Broken(f"no engine {words[at + 1]}: xdp or dpdk")
    return words[at + 1], words[:at] + words[at + 2:]


def usage(text):
    print(text, file=sys.stderr)
    return 2


def _stop(number, _):
    raise KeyboardInterrupt(number)


def play(what, name):
    """Call `what` on a machine without remains of earlier runs; true = passed.  The exit code."""
    if os.geteuid():
        print("skipped: needs root for network namespaces")
        return 77
    signal.signal(signal.SIGTERM, _stop)
    sweep()
    try:
        return 0 if what() else 1
    except KeyboardInterrupt:
        return 130
    except Broken as broken:
        print(f"{name}: {broken}", file=sys.stderr)
        return 1
