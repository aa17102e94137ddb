"""Small servers of the virtual store's datacenter: DNS (UDP 53) and the camera recorder (TCP 9000).

usage: datacenter.py DNS-ADDRESS RECORDER-ADDRESS ANSWER

The DNS server answers every question for an A record with ANSWER, everything else with "none
such".  The recorder swallows what the cameras send.  One event loop.
"""

import asyncio
import socket
import struct
import sys

A_RECORD = 1
TTL_SECONDS = 5


def dns_answer(query, address):
    """The answer to a DNS query as bytes; None when it is none."""
    if len(query) < 17:
        return None
    end = 12
    while end < len(query) and query[end]:
        end += query[end] + 1
    question = query[12:end + 5]
    if len(question) < end - 7:
        return None
    known = struct.unpack("!H", question[-4:-2])[0] == A_RECORD
    header = query[:2] + struct.pack("!HHHHH", 0x8180 if known else 0x8183, 1, known, 0, 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", A_RECORD, 1, TTL_SECONDS, 4)
    return header + question + (record + socket.inet_aton(address) if known else b"")


class Dns(asyncio.DatagramProtocol):
    """Answers with one address."""

    def __init__(self, address):
        self.address = address
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        answer = dns_answer(data, self.address)
        if answer:
            self.transport.sendto(answer, addr)


async def record(reader, writer):
    """Swallow one camera's stream."""
    try:
        while await reader.read(65536):
            pass
    except ConnectionError:
        pass
    writer.close()


async def serve(dns, recorder, answer):
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: Dns(answer), (dns, 53))
    server = await asyncio.start_server(record, recorder, 9000)
    print("ready", file=sys.stderr, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    asyncio.run(serve(*sys.argv[1:]))
