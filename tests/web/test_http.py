#!/usr/bin/env python3
"""The page's server as its visitors meet it: headers, refusals, streams, limits.

    test_http.py BUILD
"""

import http.client
import json
import os
import socket
import stat
import subprocess
import sys
import time

from rig import Failed, expect, run, until

STRICT = {"content-security-policy": "default-src 'self'", "x-content-type-options": "nosniff",
          "referrer-policy": "no-referrer", "x-frame-options": "DENY",
          "cross-origin-resource-policy": "same-origin"}
PAGES = [("/", "text/html; charset=utf-8", "no-cache"), ("/app.js", "text/javascript; charset=utf-8", "no-cache"),
         ("/uplot.js", "text/javascript; charset=utf-8", "no-cache"), ("/style.css", "text/css; charset=utf-8", "no-cache"),
         ("/api/state", "application/json", "no-store"), ("/api/history", "application/json", "no-store"),
         ("/api/history?service=pos&uplink=fibre", "application/json", "no-store"),
         ("/api/incidents", "application/json", "no-store"), ("/api/incident/7", "application/json", "no-store"),
         ("/api/events", "application/json", "no-store"), ("/api/why/pos", "application/json", "no-store"),
         ("/metrics", "text/plain; version=0.0.4; charset=utf-8", "no-store")]
MISSING = ["/nothing", "/../etc/passwd", "/%2e%2e/etc/passwd", "/api/", "/api/incident/8", "/api/incident/7x",
           "/api/incident/-1", "/api/why/nobody", "/api/history?service=pos&uplink=nowhere", "/index.html/"]
HOST = "Host: localhost\r\n"
# What is sent: the status of the answer; 0 = none, the connection is closed.
BAD = [("POST / HTTP/1.1\r\n" + HOST + "Content-Length: 5\r\n\r\nhello", 405),
       ("POST / HTTP/1.1\r\n" + HOST + "Content-Length: 99999999\r\n\r\n" + "x" * 100000, 405),
       ("PUT /api/state HTTP/1.1\r\n" + HOST + "\r\n", 405), ("DELETE / HTTP/1.1\r\n" + HOST + "\r\n", 405),
       ("OPTIONS * HTTP/1.1\r\n" + HOST + "\r\n", 400), ("BREW / HTTP/1.1\r\n" + HOST + "\r\n", 405),
       ("GET / HTTP/1.1\r\nHost: store.example\r\n\r\n", 421), ("GET / HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n", 421),
       ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/3\r\n" + HOST + "\r\n", 400), ("GET / HTTP/2.0\r\n" + HOST + "\r\n", 505),
       ("GET /" + "a" * 300 + " HTTP/1.1\r\n" + HOST + "\r\n", 414), ("GET / HTTP/1.1\r\n" + HOST + "A: " + "b" * 9000 + "\r\n\r\n", 431),
       ("GET / HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
       ("GET /api/history?service=pos HTTP/1.1\r\n" + HOST + "\r\n", 400),
       ("\x16\x03\x01\x00\xa5\x01\r\n\r\n", 400), ("\r\n\r\n", 400), ("\0" * 9000, 431)]


def get(rig, path, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", rig.port, timeout=10)
    connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, body


def dial(rig):
    return socket.create_connection(("127.0.0.1", rig.port), timeout=10)


def raw(rig, text):
    """The status of what is answered to these very bytes; 0 = nothing."""
    with dial(rig) as peer:
        try:
            peer.sendall(text.encode("latin-1"))
            line = peer.makefile("rb").readline().split()
        except ConnectionError:
            return 0
        return int(line[1]) if len(line) > 1 else 0


def check_pages(rig):
    for path, kind, cache in PAGES:
        status, headers, body = get(rig, path)
        expect(status == 200, f"{path}: 200, not {status}")
        expect(headers["content-type"] == kind, f"{path} is {kind}, not {headers['content-type']}")
        expect(headers["cache-control"] == cache, f"{path}: Cache-Control {cache}")
        for name, value in STRICT.items():
            expect(value in headers.get(name, ""), f"{path}: {name}: {value}")
        expect("unsafe" not in headers["content-security-policy"], "nothing unsafe in the policy")
        expect(kind != "application/json" or json.loads(body) is not None, f"{path} is JSON")
        status, only_head, none = get(rig, path, "HEAD")
        expect((status, none) == (200, b""), f"{path}: HEAD has no body")
        expect(only_head.get("content-type") == kind, f"{path}: HEAD says the type")
    for path in MISSING:
        expect(get(rig, path)[0] == 404, f"{path}: 404")


def check_etag(rig):
    _, headers, body = get(rig, "/app.js")
    tag = headers["etag"]
    expect(get(rig, "/app.js", If_None_Match=tag)[::2] == (304, b""), "the same file: 304")
    expect(get(rig, "/app.js", If_None_Match='"other"')[::2] == (200, body), "another: 200")


def check_bad(rig):
    for text, status in BAD:
        got = raw(rig, text)
        expect(got == status, f"{text[:60]!r}: {status}, not {got}")
    expect(get(rig, "/", "POST")[1].get("allow") == "GET, HEAD", "405 says what is allowed")
    expect(get(rig, "/api/state")[0] == 200, "it still answers")


class Stream:
    """Server-sent events, as a browser reads them."""

    def __init__(self, rig, last_id=None):
        self.peer = dial(rig)
        again = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
        self.peer.sendall(f"GET /events HTTP/1.1\r\n{HOST}{again}\r\n".encode())
        self.lines = self.peer.makefile("rb")
        expect(b" 200 " in self.lines.readline(), "a stream")
        while self.lines.readline() != b"\r\n":
            pass

    def next(self):
        """(id, kind, data) of the next message."""
        message = {}
        while True:
            line = self.lines.readline()
            if not line:
                raise Failed("the stream ended")
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if line == b"\n" and "data" in message:
                return message["id"], message["event"], json.loads(message["data"])
            if line != b"\n":
                message[name] = value

    def until(self, kind, most=40):
        for _ in range(most):
            message = self.next()
            if message[1] == kind:
                return message
        raise Failed(f"no message of kind {kind}")

    def close(self):
        self.lines.close()
        self.peer.close()


def check_stream(rig):
    stream = Stream(rig)
    _, kind, state = stream.next()
    expect(kind == "state" and state["picture"]["site"] == "store-0421", "first the present")
    seen = stream.until("state")[2]["picture"]["version"]
    expect(stream.until("state")[2]["picture"]["version"] > seen, "then newer ones")
    rig.say("change")
    last, _, event = stream.until("event")
    expect(event["kind"] == "state-change", "an event as it happens")
    stream.close()
    rig.say("change", "change")
    until(lambda: len([e for e in json.loads(get(rig, "/api/events")[2]) if e["kind"] == "state-change"]) >= 3,
          5, "both are heard")
    stream = Stream(rig, last)
    kinds = [stream.next()[1] for _ in range(3)]
    expect(kinds[:2] == ["event", "event"] and "reset" not in kinds, f"what was missed comes again: {kinds}")
    stream.close()
    stream = Stream(rig, "0123456789abcdef-4")
    expect(stream.next()[1] == "reset", "of another life: read all anew")
    stream.close()


def metric(rig, name):
    return next(float(line.split()[1]) for line in get(rig, "/metrics")[2].decode().split("\n")
                if line.startswith(name + " "))


def check_limits(rig):
    streams = [Stream(rig) for _ in range(64)]
    expect(get(rig, "/events")[0] == 503, "one stream too many")
    expect(get(rig, "/api/state")[0] == 200, "others are answered")
    for stream in streams:
        stream.close()
    until(lambda: metric(rig, "storeline_web_streams") == 0, 5, "streams that hung up are gone")
    idle = [dial(rig) for _ in range(96)]
    late = dial(rig)
    late.sendall(f"GET /api/state HTTP/1.1\r\n{HOST}\r\n".encode())
    expect(b"200" in late.makefile("rb").readline(), "who says nothing is cut, and the next gets in")
    for peer in idle + [late]:
        peer.close()


def check_slow(rig):
    """A stream that reads nothing skips, and is cut; control goes on deciding meanwhile."""
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect(("127.0.0.1", rig.port))
    slow.sendall(f"GET /events HTTP/1.1\r\n{HOST}\r\n".encode())
    until(lambda: metric(rig, "storeline_web_streams") == 1, 5, "a stream")
    cut = metric(rig, "storeline_web_cut_total")
    # A loopback socket holds megabytes of what is unread; changes of incidents fill it sooner.
    end = time.monotonic() + 20
    while metric(rig, "storeline_web_skipped_total") == 0 and time.monotonic() < end:
        rig.say(*["decide"] * 40)
    expect(metric(rig, "storeline_web_skipped_total") > 0, "it skips")
    before = metric(rig, "storeline_pictures_total")
    until(lambda: metric(rig, "storeline_web_cut_total") > cut, 40, "it is cut")
    expect(metric(rig, "storeline_pictures_total") > before, "control hears on")
    slow.close()


def check_unix(rig):
    path = os.path.join(rig.dir, "web.sock")
    for how in ("SIGTERM", "SIGKILL"):
        rig.stop(rig.control)
        expect(rig.start_control("unix:" + path) == "unix:" + path, "it says where it is")
        mode = stat.S_IMODE(os.stat(path).st_mode)
        expect(mode & 0o007 == 0, f"others may not connect: {mode:o}")
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(path)
        peer.sendall(f"GET /api/state HTTP/1.1\r\n{HOST}\r\n".encode())
        expect(b"200" in peer.makefile("rb").readline(), f"it answers on a unix socket ({how})")
        peer.close()
        if how == "SIGTERM":
            rig.control.kill()  # the name stays behind, and is taken over
            rig.control.wait()
            expect(os.path.exists(path), "a name without a server")
    rig.stop(rig.control)
    expect(not os.path.exists(path), "the name is gone")


def check_refused(rig):
    program = os.path.join(rig.build, "control/storeline-control")
    for address, word in [("0.0.0.0:80", "loopback"), ("store.example:80", "address"), ("unix:web.sock", "path"), ("8421", "needs")]:
        done = subprocess.run([program, "--redis", "unix:" + rig.redis_path, "--state", rig.dir + "/other", "--site", "s",
                               "--web", address], capture_output=True, text=True, check=False, timeout=20)
        expect(done.returncode == 2 and word in done.stderr, f"{address} is refused with the reason: {done.stderr}")


def test(rig):
    rig.say("good", "decide", "open")
    until(lambda: get(rig, "/api/incident/7")[0] == 200, 20, "the incident is read back")
    for check in (check_pages, check_etag, check_bad, check_stream, check_limits, check_slow, check_refused, check_unix):
        since = time.monotonic()
        check(rig)
        print(f"ok {check.__name__} ({time.monotonic() - since:.1f} s)", flush=True)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], test))
