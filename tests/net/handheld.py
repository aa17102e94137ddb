"""A handheld of click-and-collect: asks DNS for the server, then fetches orders over HTTPS.

usage: handheld.py DNS-ADDRESS SERVER-NAME CA-FILE PER-SECOND

A connection serves 20 requests and is closed.  One JSON line a request, as the tills write:
an order that cannot be fetched in 10 s has failed.
"""

import http.client
import json
import socket
import ssl
import struct
import sys
import time

TIMEOUT = 10.0
REQUESTS_PER_CONNECTION = 20


def resolve(server, name):
    """The address of a name, by one question to a DNS server and two repeats."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = struct.pack("!HHHHHH", int(time.monotonic_ns()) & 0xffff, 0x0100, 1, 0, 0, 0)
    query += labels + b"\0" + struct.pack("!HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(1.0)
        for _ in range(3):
            sock.sendto(query, (server, 53))
            try:
                answer = sock.recv(512)
            except socket.timeout:
                continue
            if answer[:2] == query[:2]:
                return socket.inet_ntoa(answer[-4:])
    raise OSError("no answer from DNS")


class Handheld:
    """Fetches one order after another."""

    def __init__(self, dns, name, ca):
        self.dns, self.name = dns, name
        self.tls = ssl.create_default_context(cafile=ca)
        self.connection, self.left = None, 0

    def connect(self):
        raw = socket.create_connection((resolve(self.dns, self.name), 443), timeout=TIMEOUT)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = http.client.HTTPSConnection(self.name, context=self.tls)
        self.connection.sock = self.tls.wrap_socket(raw, server_hostname=self.name)
        self.left = REQUESTS_PER_CONNECTION

    def fetch(self):
        if not self.connection:
            self.connect()
        self.connection.request("GET", "/orders")
        self.connection.getresponse().read()
        self.left -= 1
        if not self.left:
            self.hang_up()

    def hang_up(self):
        if self.connection:
            self.connection.close()
        self.connection = None


def main(dns, name, ca, rate):
    handheld = Handheld(dns, name, ca)
    due = time.monotonic()
    while True:
        begun, error = time.monotonic_ns(), ""
        try:
            handheld.fetch()
        except (OSError, http.client.HTTPException) as failure:
            handheld.hang_up()
            error = str(failure) or type(failure).__name__
        took = (time.monotonic_ns() - begun) // 1000
        print(json.dumps({"begun_mono_ns": begun, "latency_us": took, "attempts": 1,
                          "ok": not error, "error": error}), flush=True)
        due = max(due + 1 / rate, time.monotonic())
        time.sleep(due - time.monotonic() if due > time.monotonic() else 0)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
