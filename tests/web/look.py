#!/usr/bin/env python3
"""The page to look at: look.py BUILD [MOOD…]; prints its address, ends with Enter or Ctrl-C."""

import sys

from rig import Rig


def main(build, *moods):
    rig = Rig(build)
    try:
        rig.open().say(*moods)
        print(rig.url, flush=True)
        for line in sys.stdin:
            rig.say(*line.split())
    except KeyboardInterrupt:
        pass
    finally:
        rig.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
