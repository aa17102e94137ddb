"""The bus as a dashboard sees it: events and the live picture, as JSON, over Redis."""

import json
import socket
import threading
import time


class Redis:
    """Just enough of the Redis protocol, over a unix socket."""

    def __init__(self, path, timeout=2.0):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rb")

    def call(self, *words):
        self.send(*words)
        return self.reply()

    def send(self, *words):
        parts = [str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(parts) +
                            b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))

    def reply(self):
        line = self.stream.readline()
        if not line:
            raise ConnectionError("Redis hung up")
        kind, rest = line[:1], line[1:-2]
        if kind in b"+":
            return rest.decode()
        if kind == b"-":
            raise ConnectionError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if int(rest) < 0:
                return None
            return self.stream.read(int(rest) + 2)[:-2]
        return None if int(rest) < 0 else [self.reply() for _ in range(int(rest))]

    def close(self):
        self.stream.close()
        self.socket.close()


class Bus:
    """Follows one site's events in a thread of its own, over any number of Redis restarts.

    Events are kept by (source, boot, seq): delivered twice, counted once.  `again` counts the
    repeats: at-least-once is the contract, not a fault.  Followed without a pause, because what
    control has taken in is trimmed.
    """

    def __init__(self, path, site):
        self.path = path
        self.prefix = "sl:{%s}:" % site
        self.events = {}
        self.order = []
        self.again = 0
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self._follow, daemon=True)

    def open(self):
        self.thread.start()
        return self

    def close(self):
        self.closing.set()
        if self.thread.is_alive():
            self.thread.join(2)

    def _follow(self):
        while not self.closing.is_set():
            try:
                self._follow_life()
            except OSError:
                time.sleep(0.05)

    def _follow_life(self):
        """One life of Redis: its stream ids say nothing in the next."""
        redis, last = Redis(self.path), "0"
        while not self.closing.is_set():
            streams = redis.call("XREAD", "BLOCK", 200, "STREAMS", self.prefix + "event", last)
            for entry in streams[0][1] if streams else []:
                last = entry[0].decode()
                self._take(dict(zip(entry[1][::2], entry[1][1::2])))
        redis.close()

    def _take(self, fields):
        event = json.loads(fields[b"json"])
        key = (event["source"], event["boot"], event["seq"])
        if key in self.events:
            self.again += 1
        else:
            self.events[key] = event
            self.order.append(event)

    def find(self, wanted, since_ns=0):
        """The first event of CLOCK_MONOTONIC @since_ns or later for which wanted(event)."""
        return next((e for e in list(self.order)
                     if e.get("at_mono_ns", 0) >= since_ns and wanted(e)), None)

    def wait(self, wanted, since_ns, within):
        """The same, waiting up to so many seconds for it; None when it does not come."""
        end = time.monotonic() + within
        while True:
            event = self.find(wanted, since_ns)
            if event or time.monotonic() > end:
                return event
            time.sleep(0.02)

    def picture(self, within=2.0):
        """The next live picture; None when none comes in time."""
        try:
            listener = Redis(self.path, within)
            listener.call("SUBSCRIBE", self.prefix + "live.json")
            said = listener.reply()
            listener.close()
            return json.loads(said[2])
        except OSError:
            return None

    def watermarks(self):
        """Control's acknowledged (boot, seq) by source, as text."""
        redis = Redis(self.path)
        keys = [key.decode() for key in redis.call("KEYS", self.prefix.replace("{", "[{]")
                                                   .replace("}", "[}]") + "ack:*")]
        marks = {key.rsplit(":", 1)[1]: redis.call("GET", key).decode() for key in keys}
        redis.close()
        return marks
