"""Servers with names, and customers who ask for them: TLS, HTTP, DNS; and one who floods.

usage: visitor.py serve CERT KEY NAME=ADDRESS...    TLS on 443, HTTP on 80 and DNS on 53 of
                                                    each address; DNS knows the names
       visitor.py tls ADDRESS NAME [TIMES]      connections, one after the other
       visitor.py http ADDRESS NAME [TIMES]
       visitor.py touch ADDRESS [TIMES]         a connection to 443, no word in it
       visitor.py dns ADDRESS NAME
       visitor.py flood ADDRESS SECONDS         beginnings of ClientHellos, each from a new port

Customers end when they are done; those of tls, http and touch stay on the line a moment, so that
what is read of them can be heard.  Certificates are not looked at: names are what this is about.
"""

import asyncio
import itertools
import socket
import ssl
import struct
import sys
import time

from datacenter import dns_answer
from handheld import resolve

A_MOMENT = 0.15
HELLO = b"\x16\x03\x01\x07\xd0\x01\x00\x07\xcc\x03\x03"  # of 2 000 bytes, which never come
FLOOD_PORTS = range(1024, 9216)
SYN, DATA = 0x02, 0x18  # a SYN begins a connection anew: what follows is copied again


class Names(asyncio.DatagramProtocol):
    """DNS: answers with the address of a name."""

    def __init__(self, names):
        self.names = names
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        labels, at = [], 12
        while at < len(data) and data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode("ascii", "replace"))
            at += data[at] + 1
        answer = dns_answer(data, self.names.get(".".join(labels), "0.0.0.0"))
        if answer:
            self.transport.sendto(answer, addr)


async def answer_one(reader, writer):
    """A request up to its empty line, or nothing."""
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
        await writer.drain()
        await reader.read()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


async def serve(cert, key, *names):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    book = dict(pair.split("=") for pair in names)
    loop = asyncio.get_running_loop()
    for address in sorted(set(book.values())):
        await asyncio.start_server(answer_one, address, 443, ssl=tls, backlog=512)
        await asyncio.start_server(answer_one, address, 80)
        await loop.create_datagram_endpoint(lambda: Names(book), (address, 53))
    print("ready", file=sys.stderr, flush=True)
    await asyncio.Event().wait()


def request(line, name):
    line.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
    if not line.recv(4096).startswith(b"HTTP/1.1 200"):
        raise OSError("not the answer that was expected")
    time.sleep(A_MOMENT)


def over_tls(address, name):
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    with tls.wrap_socket(socket.create_connection((address, 443), 5), server_hostname=name) as line:
        request(line, name)


def over_http(address, name):
    with socket.create_connection((address, 80), 5) as line:
        request(line, name)


def touch(address):
    with socket.create_connection((address, 443), 5):
        time.sleep(A_MOMENT)


def flood(address, seconds):
    """Connections that nobody answers, as fast as this goes."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    end, sent = time.monotonic() + float(seconds), 0
    for port in itertools.cycle(FLOOD_PORTS):
        sent += 1
        for flags, seq, payload in ((SYN, sent, b""), (DATA, sent + 1, HELLO)):
            head = struct.pack("!HHIIBBHHH", port, 443, seq << 8, 0, 0x50, flags, 512, 0, 0)
            raw.sendto(head + payload, (address, 0))
        if not sent % 64 and time.monotonic() > end:
            break
    print(sent, flush=True)


CUSTOMERS = {"tls": over_tls, "http": over_http, "touch": touch}


def main(what, *words):
    if what == "serve":
        asyncio.run(serve(*words))
    elif what == "flood":
        flood(*words)
    elif what == "dns":
        print(resolve(*words))
    else:
        usual = 1 if what == "touch" else 2
        for _ in range(int(words[usual]) if len(words) > usual else 1):
            CUSTOMERS[what](*words[:usual])


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
