"""Frames by their fields, and a TCP connection as a tap sees it: what gen_captures.py is made of."""
import random
import struct

MS = 1_000_000
SYN, FIN, RST, PSH, ACK = 2, 1, 4, 8, 16
V4 = (bytes([10, 0, 0, 2]), bytes([203, 0, 113, 9]))
V6 = (bytes.fromhex("20010db8000000000000000000000002"), bytes.fromhex("20010db80001000000000000000000c9"))


def checksum_free(flags, seq, ack, options, payload, ports, window=512):
    offset = 5 + len(options) // 4
    return struct.pack(">HHIIBBHHH", *ports, seq % 2**32, ack % 2**32, offset << 4, flags, window, 0, 0) + options + payload


def udp(ports, payload):
    return struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload


def ip4(src, dst, proto, body, ident=1, fragment=0, options=b""):
    head = struct.pack(">BBHHHBBH", 0x45 + len(options) // 4, 0x48, 20 + len(options) + len(body), ident, fragment, 64, proto, 0)
    return head + src + dst + options + body


def ip6(src, dst, proto, body, chain=()):
    """chain: (extension header number, bytes behind its next-header byte), outermost first."""
    follow = proto
    for number, rest in reversed(chain):
        body = bytes([follow]) + rest + body
        follow = number
    return struct.pack(">IHBB", 6 << 28 | 0x12 << 20, len(body), follow, 64) + src + dst + body


def ether(packet, tags=()):
    kind = {4: 0x0800, 6: 0x86DD}[packet[0] >> 4]
    for i, tag in reversed(list(enumerate(tags))):
        packet = struct.pack(">HH", tag, kind) + packet
        kind = 0x88A8 if i == 0 and len(tags) > 1 else 0x8100
    return bytes(range(12)) + struct.pack(">H", kind) + packet


class Connection:
    """One TCP connection, seen at the tap; wrap() turns (from client?, segment) into a packet."""

    def __init__(self, frames, wrap, seed, stamps=True, isn=(1000, 5000), tsval=(70, 90000), ports=(40000, 443)):
        self.frames, self.wrap, self.stamps, self.ports = frames, wrap, stamps, ports
        self.random = random.Random(seed)
        self.seq, self.tsval, self.echo = list(isn), list(tsval), [0, 0]
        self.now, self.lan, self.wan = 10**18 + seed * 997, 1 * MS, 20 * MS

    def options(self, side):
        if not self.stamps:
            return b""
        return struct.pack(">BBBBII", 1, 1, 8, 10, self.tsval[side] % 2**32, self.echo[side] % 2**32)

    def packet(self, side, flags, payload=b"", seq=None):
        ports = self.ports if side == 0 else self.ports[::-1]
        seq = self.seq[side] if seq is None else seq
        ack = self.seq[1 - side] if flags & ACK else 0
        return self.wrap(side == 0, checksum_free(flags, seq, ack, self.options(side), payload, ports))

    def show(self, frame, delay=0):
        self.frames.append((self.now + delay, frame))

    def send(self, side, flags, payload=b""):
        frame = self.packet(side, flags, payload)
        self.seq[side] += len(payload) + bool(flags & SYN) + bool(flags & FIN)
        self.echo[1 - side] = self.tsval[side]
        return frame

    def open(self, repeat_syn=0, answered=True):
        for _ in range(repeat_syn):
            self.show(self.packet(0, SYN))
            self.step(1000 * MS)
        self.show(self.send(0, SYN))
        if not answered:
            return
        self.step(self.wan)
        self.show(self.send(1, SYN | ACK))
        self.step(self.lan)
        self.show(self.send(0, ACK))

    def step(self, ns):
        self.now += ns
        for side in (0, 1):
            self.tsval[side] += max(1, ns // MS)

    def burst(self, side, segments, lose_before=0.0, lose_after=0.0, swap=0.0, double=0.0):
        """Data from @side; what is lost is sent again after one round trip and 30 ms."""
        again = []
        for _ in range(segments):
            seq, payload = self.seq[side], bytes(self.random.randrange(1, 1200))
            frame = self.send(side, ACK | PSH, payload)
            dice = self.random.random()
            if dice < lose_before:
                again.append((seq, payload))
            else:
                self.show(frame, 5 * MS // 10 if self.random.random() < swap else 0)
                if self.random.random() < double:
                    self.show(frame, 1000)
                if dice < lose_before + lose_after:
                    again.append((seq, payload))
            self.step(MS // 5)
            if self.random.random() < 0.5:
                self.acknowledge(side, again)
        self.step(self.lan + self.wan + 30 * MS)
        for seq, payload in again:
            self.show(self.packet(side, ACK | PSH, payload, seq=seq))
            self.step(MS // 5)
        self.acknowledge(side, [])

    def acknowledge(self, side, missing):
        """The other side acknowledges all that is not missing; the answer passes a leg later."""
        other, high = 1 - side, self.seq[side]
        if missing:
            self.seq[side] = missing[0][0]
        frame = self.packet(other, ACK)
        self.seq[side] = high
        self.show(frame, self.wan if side == 0 else self.lan)

    def close(self):
        self.show(self.send(0, ACK | FIN))
        self.step(self.wan)
        self.show(self.send(1, ACK | FIN))
        self.step(self.lan)
        self.show(self.packet(0, ACK))


def wrap4(tags=(), options=b""):
    def wrap(forward, segment):
        src, dst = V4 if forward else V4[::-1]
        return ether(ip4(src, dst, 6, segment, options=options), tags)

    return wrap


def wrap6(chain=(), tags=()):
    def wrap(forward, segment):
        src, dst = V6 if forward else V6[::-1]
        return ether(ip6(src, dst, 6, segment, chain), tags)

    return wrap


HOP = (0, bytes([0]) + bytes(6))
ROUTING = (43, bytes([0]) + bytes(6))
DESTINATION = (60, bytes([1]) + bytes(14))
AUTH = (51, bytes([2]) + bytes(14))
FIRST = (44, bytes([0]) + struct.pack(">HI", 1, 77))


def talk(wrap, seed, faults, **how):
    frames = []
    connection = Connection(frames, wrap, seed, **how)
    connection.open()
    for _ in range(4):
        connection.burst(0, 6, **faults)
        connection.burst(1, 20, **faults)
    connection.close()
    connection.step(60_000 * MS)
    again = Connection(frames, wrap, seed + 1, isn=(77777, 88888), **{k: v for k, v in how.items() if k == "stamps"})
    again.now = connection.now
    again.open(repeat_syn=2)  # the same ports, another connection
    again.burst(1, 5)
    again.show(again.packet(1, RST | ACK))
    return sorted(frames, key=lambda frame: frame[0])
