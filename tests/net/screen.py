"""What people see of a run: lines; in a terminal also a status line that is redrawn."""

import sys
import time

from storeline import describe
from tills import ms


def telling(event):
    """Is this event worth a line in the story?"""
    if event["kind"] == "decision":
        return event.get("remedy") not in ("", "hold")
    return event["kind"] in ("action", "started") or (
        event["kind"] == "state-change" and not event.get("service"))


class Screen:
    """Prints the story and, between its lines, what Storeline says it does."""

    def __init__(self):
        self.terminal = sys.stdout.isatty()
        self.began = time.monotonic()
        self.storeline = None
        self.told = 0

    def follow(self, storeline):
        """Tell this Storeline's events too."""
        self.storeline = storeline

    def _line(self, text):
        clear = "\r\033[K" if self.terminal else ""
        print(clear + text, flush=True)

    def _tell_events(self):
        order = self.storeline.bus.order if self.storeline else []
        while self.told < len(order):
            event = order[self.told]
            self.told += 1
            if telling(event):
                self._line(f"        {self._clock()}  {describe(event)}")

    def _clock(self):
        return f"{time.monotonic() - self.began:5.1f} s"

    def say(self, text):
        self._tell_events()
        self._line(f"{self._clock()}  {text}" if text else "")

    def watch(self, seconds, store, storeline):
        """Let time pass, and show what happens in it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._tell_events()
            if self.terminal:
                status = self._status(store, storeline)
                print("\r\033[K" + status, end="", flush=True)
            time.sleep(min(0.25, max(0, end - time.monotonic())))
        self._tell_events()

    def _status(self, store, storeline):
        tally = store.book.recent(time.monotonic_ns(), 3)
        words = [self._clock(), f"tills: {tally.count / 3:.0f}/s, p95 {ms(tally.p95_us)}"]
        picture = storeline.bus.picture(0.5) if storeline else None
        if picture:
            words += [f"{u['name']} {u['state']}" for u in picture["uplinks"]]
            words += [f"{s['name']}: {s['uplink']}"
                      + (f" <= {s['limit_down_bps'] / 1e6:.0f} Mbit/s"
                         if s["limit_down_bps"] else "")
                      for s in picture["services"] if s["name"] != "other"]
        return " | ".join(words)[:160]
