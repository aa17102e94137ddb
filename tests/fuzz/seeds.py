#!/usr/bin/env python3
"""Seeds for the fuzz targets, made from captures; nothing of them is kept in the repository.

seeds.py OUT CAPTURES...    a folder a target in OUT: parse flow capture dns dhcp tls quic slowpath

CAPTURES are folders of .pcap files (the generated ones of tests/diff, and real ones): of
each file a few frames, DNS messages, ClientHellos and Initials.  The few inputs that no
capture has in the target's own form (steps of flow and slowpath, quic's frames to be sealed) are written here.
"""
import glob
import hashlib
import os
import struct
import sys

PER_FILE = {"parse": 40, "dns": 12, "dhcp": 12, "tls": 6, "quic": 6, "slowpath": 16}
FILE_BYTES = 8192  # of a capture as a seed; longer ones are cut, which the reader must bear anyway
TOTAL = 1500  # of a target


def records(path):
    """Frames of a classic pcap file on Ethernet; nothing of any other."""
    with open(path, "rb") as file:
        data = file.read(4 << 20)
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}.get(data[:4])
    if not order or struct.unpack(order + "I", data[20:24])[0] != 1:
        return
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack(order + "I", data[at + 8:at + 12])[0]
        yield data[at + 16:at + 16 + length]
        at += 16 + length


def transport(frame):
    """(protocol, ports, payload) of an untagged or tagged TCP or UDP frame, or None."""
    at = 12
    while frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    kind, at = frame[at:at + 2], at + 2
    if kind == b"\x08\x00" and len(frame) > at + 20:
        proto, at = frame[at + 9], at + (frame[at] & 15) * 4
    elif kind == b"\x86\xdd" and len(frame) > at + 40:
        proto, at = frame[at + 6], at + 40
    else:
        return None
    if len(frame) < at + 20 or proto not in (6, 17):
        return None
    ports = struct.unpack(">HH", frame[at:at + 4])
    return proto, ports, frame[at + (8 if proto == 17 else (frame[at + 12] >> 4) * 4):]


def hello(name):
    """A small ClientHello with @name."""
    listed = b"\0" + struct.pack(">H", len(name)) + name
    extension = struct.pack(">HHH", 0, len(listed) + 2, len(listed)) + listed
    extension += bytes.fromhex("002b000302030400100005000302683200170000fe0d000400000100")
    body = b"\3\3" + bytes(32) + b"\0" + b"\0\4\x13\1\x13\2" + b"\1\0" + struct.pack(">H", len(extension)) + extension
    return b"\1" + struct.pack(">I", len(body))[1:] + body


def of_frame(frame):
    """(target, seed) of one frame."""
    if len(frame) <= 2048:
        yield "parse", b"\x05" + frame
    found = transport(frame)
    if not found:
        return
    proto, ports, payload = found
    if payload and len(payload) <= 2048:
        server = 53 in ports[:1] or (ports[0] < 1024 <= ports[1])
        yield "slowpath", shown(("udp" if proto == 17 else "tcp") + ("-server" if server else "-client"), payload,
                                port=ports[0 if server else 1])
    if proto == 17 and 53 in ports:
        yield "dns", payload
    if proto == 17 and set(ports) <= {67, 68}:
        yield "dhcp", message_of(payload)
    if proto == 17 and len(payload) > 20 and payload[0] & 0xC0 == 0xC0:
        yield "quic", struct.pack(">H", min(len(payload), 0x7FF)) + payload
    if proto == 6 and payload[:2] == b"\x16\x03":
        yield "tls", b"\0\x40" + payload
        yield "tls", b"\0\x40" + payload[5:]


def message_of(payload, vlan=0, wait=1):
    """One step of dhcp_fuzz.c."""
    return struct.pack(">BBH", vlan, wait, len(payload)) + payload


def leases():
    """Clients that nobody answers, then one who does, in dhcp_fuzz.c's own language."""
    def message(kind, client, server=b""):
        return struct.pack(">BBBB", 1 if kind in (1, 3) else 2, 1, 6, 0) + bytes(24) + bytes([2, 0, 0, 0, 0, client]) + \
            bytes(202) + b"\x63\x82\x53\x63\x35\1" + bytes([kind]) + (b"\x36\4" + server if server else b"") + b"\xff"

    asks = b"".join(message_of(message(1, client), 30, 4) for client in range(20) for _ in range(3))
    chooses = b"".join(message_of(message(3, client, b"\x0a\0\0\1"), 30) for client in range(17))
    yield asks
    yield chooses + b"".join(message_of(message(kind, 1, bytes([10, 9, 9, kind])), 30) for kind in (2, 3, 5, 6, 6, 6))
    yield b"".join(message_of(message(1, 1), vlan) for vlan in range(20)) + asks[:800]


def step(**part):
    """One step of flow_fuzz.c."""
    return struct.pack(">BBBhhBBBB5s", part.get("who", 0x40), part.get("flags", 0x10), part.get("time", 20),
                       part.get("seq", 0), part.get("ack", 0), part.get("payload", 0), part.get("tsval", 1),
                       part.get("tsecr", 0), part.get("special", 0), part.get("body", b"\x12\x34\x01\0\0"))


WHAT = ("tcp-client", "tcp-server", "udp-client", "udp-server", "sealed", "wait", "policy", "skip")
PORTS = (443, 53, 80, 25)


def shown(what, payload=b"", port=443, **part):
    """One step of slowpath_fuzz.c."""
    who = part.get("who", 0) | (PORTS.index(port) if port in PORTS else 0) << 6
    return struct.pack(">BBBBhH", WHAT.index(what) | part.get("where", 0) << 3, who, part.get("how", 0),
                       part.get("value", 0), part.get("jump", 0), len(payload)) + payload


def stories():
    """What passes the slow path, in slowpath_fuzz.c's own language."""
    message = hello(b"shop.example.com")
    record = b"\x16\3\1" + struct.pack(">H", len(message)) + message
    crypto = b"\6\0" + struct.pack(">H", 0x4000 | len(message)) + message
    answer = next(messages())
    tick, policy, again = shown("wait", jump=300), shown("policy"), 1
    yield shown("tcp-client", record) + tick + shown("tcp-client", record, how=again) + policy
    yield shown("tcp-client", record[:40]) + shown("tcp-client", record[40:]) + policy
    yield shown("tcp-client", record[40:], jump=40) + shown("tcp-client", record[:40], jump=-len(record))
    yield b"".join(shown("tcp-client", record[:40], who=who) for who in range(16)) + tick
    yield b"".join(shown("tcp-client", b"\1\2", who=who) for who in range(64)) + tick
    yield shown("tcp-server", b"220 mail ESMTP\r\n", port=25) + shown("tcp-client", b"EHLO till\r\n", port=25) + shown("tcp-client", record, port=25)
    yield shown("tcp-client", b"GET / HTTP/1.1\r\nHost: shop.example.com\r\n\r\n", port=80) + shown("tcp-server", b"HTTP/1.1 200 OK\r\n\r\n", port=80) + policy
    yield shown("sealed", crypto) + shown("sealed", crypto, how=again, value=1) + tick
    yield shown("udp-client", b"\x12\x34\1\0\0\1" + answer[6:], port=53) + b"".join(shown("udp-server", m, port=53, how=4) for m in messages()) + tick + policy
    yield shown("tcp-client", record, how=2) + shown("tcp-client", record, how=16, where=9, value=17) + shown("tcp-client", record, how=32)


def flows():
    """Connections in flow_fuzz.c's own language."""
    client, server = 0x40, 0x48
    opening = [step(who=client, flags=2), step(who=server, flags=0x12), step(who=client)]
    data = [step(who=client, flags=0x18, payload=20), step(who=server), step(who=server, flags=0x18, payload=90), step(who=client)]
    again = [step(who=server, flags=0x18, payload=90, seq=-1440), step(who=client)]
    hole = [step(who=server, flags=0x18, payload=90, seq=1440), step(who=client), step(who=server, flags=0x18, payload=90, seq=-2880)]
    closing = [step(who=client, flags=0x11), step(who=server, flags=0x11), step(who=client)]
    udp = [step(who=0x60, flags=port, payload=2, body=body) for port in range(4) for body in (b"\x12\x34\x01\0\0", b"\xc0\0\0\0\1", b"\x80\0\0\1\0")]
    udp += [step(who=0x68, flags=port, payload=2, body=body) for port in range(4) for body in (b"\x12\x34\x81\0\0", b"\xc0\0\0\0\1", b"\x80\0\0\2\0")]
    icmp = [step(who=0x70), step(who=0x78), step(who=0x40, special=0x80), step(who=0x48, special=0x80)]
    burst = [step(who=flow, flags=2, tsval=flow) for flow in range(8)] + [step(who=0x47)]
    fragments = [step(who=0x61, special=0x10, payload=9), step(who=0x61, special=0x20, payload=9)]
    six = [step(who=0xC0, flags=2), step(who=0xC8, flags=0x12), step(who=0xC0), step(who=0xE0, special=0x40)]
    sweep = [step(time=43), step(time=0xFE), step(time=0xFF)]
    for options in (0, 1, 2, 4, 8, 0x0D):
        yield bytes([options]) + b"".join(opening + data * 3 + again + hole + closing)
        yield bytes([options]) + b"".join(udp + icmp + fragments + six + sweep)
    yield b"\0" + b"".join(burst * 4 + sweep)


def sealed():
    """Frames for quic_fuzz.c to protect: a hello in one piece, in two, behind other frames."""
    message = hello(b"shop.example.com")
    crypto = [b"\6" + struct.pack(">HH", 0x4000 | at, 0x4000 | len(part)) + part
              for at, part in ((0, message), (0, message[:50]), (50, message[50:]))]
    for how in (0x8000, 0x9000, 0xA000, 0xC000, 0xE000):
        def packet(frames, how=how):
            return struct.pack(">H", how | len(frames)) + frames
        yield packet(crypto[0])
        yield packet(crypto[2]) + packet(b"\2\1\0\0\0" + crypto[1])
        yield packet(b"\3\1\0\1\0\0\0\1\1\1" + b"\1\0\0" + crypto[2] + crypto[1])
        yield packet(crypto[0].replace(b"\6", b"\x08", 1)) + packet(crypto[1])[0:40]


def messages():
    head = bytes.fromhex("123481800001000200000001") + b"\4shop\7example\3com\0"
    tail = b"\0\0\x29\x10\0\0\0\0\0\0\0"
    yield head + b"\0\1\0\1" + bytes.fromhex("c00c000500010000001400060363646ec011c02e000100010000003c0004cb007107") + tail
    yield head + b"\0\x41\0\1" + bytes.fromhex("c00c00410001000000140008000003") + b"cdn\xc0\x11" + bytes.fromhex("c030001c0001000000050010") + bytes(16) + tail
    yield head + b"\0\x41\0\1" + bytes.fromhex("c00c004100010000003c002a00010000010003026832000400 08cb007107cb007108 00060010".replace(" ", "")) + bytes(16) + tail


def made():
    for name in (b"shop.example.com", b"A.B.", b"x" * 63):
        message = hello(name)
        yield "tls", b"\0\x21" + message
        yield "tls", b"\0\x21" + b"".join(b"\x16\3\1" + struct.pack(">H", len(part)) + part
                                           for part in (message[:30], message[30:31], message[31:]))
    for seed in flows():
        yield "flow", seed
    for seed in sealed():
        yield "quic", seed
    for seed in messages():
        yield "dns", seed
    for seed in leases():
        yield "dhcp", seed
    for seed in stories():
        yield "slowpath", seed


def of_file(path):
    with open(path, "rb") as file:
        yield "capture", file.read(FILE_BYTES)
    left = dict(PER_FILE)
    for frame in records(path):
        for target, seed in of_frame(frame):
            left[target] -= 1
            if left[target] >= 0:
                yield target, seed
        if all(count <= 0 for count in left.values()):
            return


def main():
    out, counts = sys.argv[1], {}

    def keep(target, seed):
        counts[target] = counts.get(target, 0) + 1
        if counts[target] <= TOTAL:
            os.makedirs(os.path.join(out, target), exist_ok=True)
            with open(os.path.join(out, target, hashlib.sha1(seed).hexdigest()), "wb") as file:
                file.write(seed)

    for target, seed in made():
        keep(target, seed)
    for folder in sys.argv[2:]:
        for path in sorted(glob.glob(os.path.join(folder, "*.pcap*"))):
            for target, seed in of_file(path):
                keep(target, seed)


if __name__ == "__main__":
    main()
