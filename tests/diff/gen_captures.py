#!/usr/bin/env python3
"""Small captures with known faults, for the differential test and as mutation corpus.

gen_captures.py DIR STAMP    writes DIR/*.pcap and DIR/*.pcapng, then the empty file STAMP

A tap stands between client and server; segments are lost before or behind it, reordered
and doubled, with and without TCP timestamps, over IPv4 and IPv6, tags and extension
headers; numbers wrap.  The same call writes the same bytes.
"""
import os
import struct
import sys

import conversations
from frames import ACK, AUTH, DESTINATION, FIRST, HOP, MS, ROUTING, RST, SYN, V4, V6, Connection, checksum_free, ether, ip4, ip6, talk, udp, wrap4, wrap6


def unanswered():
    frames = []
    for i in range(5):
        connection = Connection(frames, wrap4(), i, ports=(41000 + i, 9))
        connection.open(repeat_syn=4, answered=False)
        if i == 1:  # refused
            connection.step(3 * MS)
            connection.show(connection.packet(1, RST | ACK))
    return sorted(frames, key=lambda frame: frame[0])


def datagrams():
    frames, now = [], 10**18
    for i in range(40):
        now += 3 * MS
        frames.append((now, ether(ip4(*V4, 17, udp((5000 + i % 3, 53), bytes(30)), ident=i))))
        frames.append((now + 8 * MS, ether(ip4(*V4[::-1], 17, udp((53, 5000 + i % 3), bytes(90)), ident=i))))
        echo = struct.pack(">BBHHH", 8, 0, 0, 9, i) + bytes(24)
        frames.append((now + MS, ether(ip4(*V4, 1, echo))))
        frames.append((now + 9 * MS, ether(ip4(*V4[::-1], 1, b"\0" + echo[1:]))))
        echo6 = struct.pack(">BBHHH", 128, 0, 0, 4, i) + bytes(8)
        frames.append((now + 2 * MS, ether(ip6(*V6, 58, echo6))))
        frames.append((now + 7 * MS, ether(ip6(*V6[::-1], 58, b"\x81" + echo6[1:]))))
    return frames


def fragments():
    frames, now = [], 10**18
    for i in range(20):
        now += 5 * MS
        body = udp((6000, 4500), bytes(2000))
        first, rest = body[:1480], body[1480:]
        frames.append((now, ether(ip4(*V4, 17, first, ident=i, fragment=0x2000))))
        frames.append((now + 1000, ether(ip4(*V4, 17, rest, ident=i, fragment=185))))
        frames.append((now + 2000, ether(ip6(*V6, 17, body[:1240], (FIRST,)))))
        frames.append((now + 3000, ether(ip6(*V6, 17, body[1240:], ((44, bytes([0]) + struct.pack(">HI", 155 << 3, 77)),)))))
    frames.append((now + 9 * MS, ether(ip4(*V4, 17, bytes(100), ident=999, fragment=10))))  # its first never came
    return frames


def errors():
    frames = []
    connection = Connection(frames, wrap4(), 3)
    connection.open(answered=False)
    asked = frames[-1][1][14:]
    inner = asked[:20] + asked[20:28]
    for kind, code in ((3, 3), (11, 0), (3, 4), (5, 0)):
        connection.step(10 * MS)
        connection.show(ether(ip4(bytes([198, 51, 100, 1]), V4[0], 1, struct.pack(">BBHI", kind, code, 0, 0) + inner)))
    six = ip6(*V6, 6, checksum_free(SYN, 1, 0, b"", b"", (1, 2)))
    connection.show(ether(ip4(*V4, 1, struct.pack(">BBHI", 3, 1, 0, 0) + b"\x45")))  # quotes nothing readable
    connection.show(ether(ip6(V6[1], V6[0], 58, struct.pack(">BBHI", 1, 4, 0, 0) + six)))
    return frames


def oddities():
    now, frames = 10**18, []
    whole = ether(ip4(*V4, 6, checksum_free(ACK, 1, 2, struct.pack(">BBBBII", 1, 1, 8, 10, 5, 6), bytes(20), (7, 8))))
    odd = [whole[:n] for n in range(0, len(whole), 3)]
    odd += [bytes(12) + b"\x08\x06" + bytes(28), bytes(12) + b"\x88\xcc" + bytes(40), ether(ip4(*V4, 47, bytes(40)))]
    odd += [ether(whole[14:], (5, 6, 7)), whole[:14] + b"\x44" + whole[15:], whole[:14] + b"\x4f" + whole[15:]]
    odd += [whole[:46] + b"\x10" + whole[47:], whole[:46] + b"\xf0" + whole[47:], ether(ip6(*V6, 6, b"", (HOP,) * 9))]
    odd += [bytes(12) + b"\x88\x64\x11\0\0\1\0\x56\0\x21" + whole[14:]]  # PPPoE session
    for options in (b"\x02\x04\x05\xb4", b"\x08\x0a\0\0", b"\x08\0\0\0", b"\x01" * 40, b"\xfe\x29" + bytes(38), b"\x08\x0b" + bytes(10)):
        odd.append(ether(ip4(*V4, 6, checksum_free(ACK, 9, 2, options, b"x", (7, 8)))))
    for frame in odd:
        now += MS
        frames.append((now, frame))
    return frames


def pcap(frames, order="<", nano=True, snap=65535, link=1, modified=False):
    magic = 0xA1B2CD34 if modified else 0xA1B23C4D if nano else 0xA1B2C3D4
    unit = 1 if nano and not modified else 1000
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, link)]
    for t, frame in frames:
        kept = frame[:snap]
        out.append(struct.pack(order + "IIII", t // 10**9, t % 10**9 // unit, len(kept), len(frame)))
        out.append((struct.pack(order + "IHBB", 0, 0, 0, 0) if modified else b"") + kept)
    return b"".join(out)


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def pcapng(frames, order="<", snap=0, resolution=9, offset=0, kind=6, link=1):
    """Two sections and two interfaces; @resolution is if_tsresol (negative: powers of two)."""
    code = resolution if resolution >= 0 else 0x80 - resolution
    out, half = [], len(frames) // 2
    for part in (frames[:half], frames[half:]):
        out.append(block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)))
        options = struct.pack(order + "HHB3xHHqHH", 9, 1, code, 14, 8, offset, 0, 0)
        out.append(block(order, 1, struct.pack(order + "HHI", 147, 0, 0)))  # somebody else's interface
        out.append(block(order, 1, struct.pack(order + "HHI", link, 0, snap) + options))
        out.append(block(order, 0x0BAD, b"unknown blocks are skipped"))
        for t, frame in part:
            t -= offset * 10**9
            ticks = t * 10**resolution // 10**9 if resolution >= 0 else t * 2**-resolution // 10**9
            head = struct.pack(order + ("IIIII" if kind == 6 else "HHIIII"), *((1,) if kind == 6 else (1, 0)), ticks >> 32, ticks % 2**32,
                               len(frame[: snap or None]), len(frame))
            out.append(block(order, kind, head + frame[: snap or None] + bytes(-len(frame[: snap or None]) % 4)))
    return b"".join(out)


def cooked(frames):
    return [(t, struct.pack(">HHH8s", 0, 1, 6, frame[6:14]) + frame[12:]) for t, frame in frames]


def cooked2(frames):
    return [(t, frame[12:14] + bytes(18) + frame[14:]) for t, frame in frames]


def bare(frames, head=b""):
    return [(t, head + frame[14:]) for t, frame in frames]


def captures():
    lossy = {"lose_before": 0.06, "lose_after": 0.06, "swap": 0.1, "double": 0.05}
    plain = talk(wrap4(), 1, {})
    faulty = talk(wrap4(), 2, lossy)
    yield "tcp-plain.pcap", pcap(plain)
    yield "tcp-faults.pcap", pcap(faulty)
    yield "tcp-faults-no-stamps.pcap", pcap(talk(wrap4(), 3, lossy, stamps=False))
    yield "tcp-wrap.pcap", pcap(talk(wrap4(), 4, lossy, isn=(2**32 - 5000, 2**32 - 3), tsval=(2**32 - 40, 2**32 - 90)))
    yield "tcp-ip4-options.pcap", pcap(talk(wrap4(options=b"\x94\x04\0\0" + b"\x01" * 4), 5, lossy))
    yield "tcp-vlan.pcap", pcap(talk(wrap4((0x6014,)), 6, lossy))
    yield "tcp-qinq.pcap", pcap(talk(wrap4((100, 0x2007)), 7, lossy))
    yield "tcp-ip6.pcap", pcap(talk(wrap6(), 8, lossy))
    yield "tcp-ip6-extensions.pcap", pcap(talk(wrap6((HOP, ROUTING, DESTINATION, AUTH), (9,)), 9, lossy))
    yield "unanswered.pcap", pcap(unanswered())
    yield "datagrams.pcap", pcap(datagrams())
    yield "fragments.pcap", pcap(fragments())
    yield "errors.pcap", pcap(errors())
    yield "oddities.pcap", pcap(oddities())
    yield "many-flows.pcap", pcap(conversations.many_flows())
    yield "dns.pcap", pcap(conversations.names())
    yield "leases.pcap", pcap(conversations.leases())
    yield "rtp.pcap", pcap(conversations.media())
    yield "quic.pcap", pcap(conversations.quic())
    yield "exchanges.pcap", pcap(conversations.exchanges())
    yield "hanging.pcap", pcap(conversations.hanging())
    yield "forged.pcap", pcap(conversations.forged())
    yield "segments-whole.pcap", pcap(conversations.offloaded(True))
    yield "segments-length-0.pcap", pcap(conversations.offloaded(False))
    yield "segments-snapped.pcap", pcap(conversations.offloaded(True), snap=200)
    for count in range(1, 8):
        yield f"mpls-{count}.pcap", pcap(talk(conversations.labels(wrap6() if count % 2 else wrap4((7,) * (count % 3 == 0)), count), 40 + count, lossy))
    for seed, (name, wrap) in enumerate(conversations.tunnels()):
        yield f"tunnel-{name}.pcap", pcap(talk(wrap, 60 + seed, lossy))
    yield "tunnel-snapped.pcap", pcap(talk(next(conversations.tunnels())[1], 90, lossy), snap=110)
    yield "backwards-clock.pcap", pcap([(t - i % 7 * 40 * MS, frame) for i, (t, frame) in enumerate(faulty)])
    for snap in (15, 33, 50, 60, 66, 96):
        yield f"snap-{snap}.pcap", pcap(faulty, snap=snap)
    yield "format-us-big.pcap", pcap(faulty, ">", nano=False)
    yield "format-modified.pcap", pcap(faulty, modified=True)
    yield "format-cooked.pcap", pcap(cooked(faulty), link=113)
    yield "format-cooked2.pcap", pcap(cooked2(faulty), link=276)
    yield "format-raw.pcap", pcap(bare(faulty), link=101)
    yield "format-null.pcap", pcap(bare(faulty, b"\2\0\0\0"), link=0)
    yield "format-ppp.pcap", pcap(bare(faulty, b"\xff\x03\0\x21"), link=9)
    yield "format-ng.pcapng", pcapng(faulty)
    yield "format-ng-big-old.pcapng", pcapng(faulty, ">", kind=2)
    yield "format-ng-power-of-two.pcapng", pcapng(faulty, resolution=-30, offset=900_000_000)
    yield "format-ng-snapped.pcapng", pcapng(faulty, snap=70, resolution=6)
    yield "damage-cut-record.pcap", pcap(faulty)[:-7]
    yield "damage-huge-record.pcap", pcap(faulty[:9]) + struct.pack("<IIII", 0, 0, 2**31, 2**31)
    yield "damage-block-length.pcapng", pcapng(faulty[:9]) + struct.pack("<III", 6, 13, 0)


def main():
    where = sys.argv[1]
    os.makedirs(where, exist_ok=True)
    for name, content in captures():
        with open(os.path.join(where, name), "wb") as file:
            file.write(content)
    with open(sys.argv[2], "w", encoding="ascii"):
        pass


if __name__ == "__main__":
    main()
