"""Terminals that rest: each keeps a connection, asks, is silent for some seconds, asks again.

usage: idler.py ADDRESS SERVER-NAME CA-FILE CONNECTIONS REST-SECONDS

HTTPS, without keep-alive packets, as many a terminal's firmware does.  What is reset, or not
answered for 3 s, is asked again at once by a new connection.  Ends with SIGTERM.
"""

import http.client
import random
import socket
import ssl
import struct
import sys
import threading
import time

TIMEOUT = 3.0
HANG_UP = struct.pack("ii", 1, 0)  # SO_LINGER: nothing of it is left to be repeated


class Terminal(threading.Thread):
    """One connection and its owner."""

    def __init__(self, address, name, tls, rest):
        super().__init__(daemon=True)
        self.address, self.name_, self.tls, self.rest = address, name, tls, rest
        self.connection = None

    def connect(self):
        raw = socket.create_connection((self.address, 443), timeout=TIMEOUT)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, HANG_UP)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = http.client.HTTPSConnection(self.name_, context=self.tls)
        self.connection.sock = self.tls.wrap_socket(raw, server_hostname=self.name_)

    def ask(self):
        if not self.connection:
            self.connect()
        self.connection.request("GET", "/orders")
        self.connection.getresponse().read()

    def run(self):
        time.sleep(self.rest * random.random())
        while True:
            for _ in range(2):
                try:
                    self.ask()
                    break
                except (OSError, http.client.HTTPException):
                    if self.connection:
                        self.connection.close()
                    self.connection = None
            time.sleep(self.rest)


def main(address, name, ca, connections, rest):
    tls = ssl.create_default_context(cafile=ca)
    for _ in range(connections):
        Terminal(address, name, tls, rest).start()
    threading.Event().wait()


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
