"""The control socket of a WAN link (control.h says its language)."""

import json
import socket
import time

from netns import Broken

CLEAR = {"delay_ms": 0, "jitter_ms": 0, "loss": 0, "burst_enter": 0, "burst_leave": 0,
         "reorder": 0, "reorder_ms": 0, "duplicate": 0, "rate_mbit": 0, "queue_bytes": 0,
         "mtu": 0, "blackhole": False}


class Channel:
    """One connection to a link's control socket."""

    def __init__(self, path, timeout=5.0):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.buffer = b""

    def line(self, within):
        """The next answer, or None when it does not come in time."""
        end = time.monotonic() + within
        while b"\n" not in self.buffer:
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.socket.settimeout(left)
            try:
                more = self.socket.recv(4096)
            except socket.timeout:
                return None
            if not more:
                raise Broken("the WAN link hung up")
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def say(self, what, within=5.0):
        self.socket.settimeout(within)
        self.socket.sendall(json.dumps(what).encode() + b"\n")
        answer = self.line(within)
        if answer is None:
            raise Broken("the WAN link does not answer")
        return answer

    def close(self):
        self.socket.close()


class Watch:
    """Waits for the first frame from the store towards an address and port."""

    def __init__(self, path, dst, port):
        self.channel = Channel(path)
        self.seen = None
        self.armed_ns = _accepted(self.channel.say({"watch": {"dst": dst, "port": port}}))

    def seen_ns(self, within):
        """CLOCK_MONOTONIC when it passed; None when it did not in time."""
        if self.seen is None:
            answer = self.channel.line(within)
            self.seen = answer and answer["seen_ns"]
        return self.seen

    def close(self):
        self.channel.close()


def _accepted(answer):
    if "error" in answer:
        raise Broken("the WAN link refused: " + answer["error"])
    return answer["at_ns"]


class WanLink:
    """A running wanlink.  `usual` is how it is when nothing is wrong with it."""

    def __init__(self, path, usual_up, usual_down):
        self.path = path
        self.usual = {"up": dict(CLEAR, **usual_up), "down": dict(CLEAR, **usual_down)}
        self.channel = Channel(path)
        self.restore()

    def set(self, **directions):
        """set(up={...}, down={...}); CLOCK_MONOTONIC ns from when on it holds."""
        return _accepted(self.channel.say({"set": directions}))

    def worsen(self, **settings):
        """The usual link, with these settings in both directions."""
        return self.set(up=dict(self.usual["up"], **settings),
                        down=dict(self.usual["down"], **settings))

    def delay_more(self, ms):
        """Half of it each way: what a round trip takes longer."""
        return self.set(up=dict(self.usual["up"], delay_ms=self.usual["up"]["delay_ms"] + ms / 2),
                        down=dict(self.usual["down"],
                                  delay_ms=self.usual["down"]["delay_ms"] + ms / 2))

    def cut(self):
        return self.worsen(blackhole=True)

    def restore(self):
        return self.set(**self.usual)

    def stats(self):
        return self.channel.say({"stats": True})

    def watch(self, dst, port):
        return Watch(self.path, dst, port)

    def close(self):
        self.channel.close()
