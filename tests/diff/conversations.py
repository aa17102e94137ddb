"""Conversations of every protocol that the core measures, and tunnels around them, as frames with their times."""
import random
import struct

from frames import ACK, DESTINATION, FIN, HOP, MS, PSH, RST, SYN, V4, V6, Connection, ether, ip4, ip6, talk, udp, wrap4, wrap6


def many_flows():
    """New flows all the time, each with a request and an answer: what the slow path is asked about."""
    frames, dice = [], random.Random(9)
    for i in range(400):
        server = bytes([198, 51, 100, dice.randrange(40)])
        client = bytes([10, 0, 0, dice.randrange(20)])

        def wrap(forward, segment, ends=(client, server)):
            return ether(ip4(*(ends if forward else ends[::-1]), 6, segment))

        connection = Connection(frames, wrap, i, ports=(42000 + i, dice.choice((80, 443, 8443))))
        connection.now = 10**18 + i * 7 * MS
        connection.open()
        connection.show(connection.send(0, ACK | PSH, bytes(517)))
        connection.step(connection.wan)
        for _ in range(3):
            connection.show(connection.send(1, ACK, bytes(1400)))
        connection.step(connection.lan)
        connection.show(connection.send(0, ACK | PSH, bytes(64)))
    return sorted(frames, key=lambda frame: frame[0])


def names():
    """DNS: answered, twice, late, refused, to another id, never; over IPv4 and IPv6, A and AAAA of one socket."""
    frames, now, dice = [], 10**18, random.Random(4)
    for i in range(300):
        now += dice.randrange(1, 60) * MS
        six, port = i % 3 == 0, 20000 + (i // 2) % 40
        wrap = (lambda ends, body: ip6(*ends, 17, body)) if six else (lambda ends, body, ident=i: ip4(*ends, 17, body, ident=ident))
        ends = V6 if six else V4
        ask = struct.pack(">HH", i * 7919 % 65536, 0x100) + bytes(30)
        rcode = dice.choice((0, 0, 0, 0, 2, 3, 5))
        answer = struct.pack(">HH", (i * 7919 + (i % 17 == 0)) % 65536, 0x8180 | rcode) + bytes(90)
        frames.append((now, ether(wrap(ends, udp((port, 53), ask)))))
        if i % 11 == 0:
            frames.append((now + 1000 * MS, ether(wrap(ends, udp((port, 53), ask)))))
        if i % 7:
            frames.append((now + dice.randrange(2, 40) * MS, ether(wrap(ends[::-1], udp((53, port), answer)))))
        if i % 13 == 0:
            frames.append((now + 50 * MS, ether(wrap(ends[::-1], udp((53, port), answer)))))
        if i % 100 == 99:
            now += 9000 * MS
    return sorted(frames, key=lambda frame: frame[0])


def media():
    """RTP: two streams each way, jitter, loss, late and doubled packets, wraps, a sender that begins anew."""
    frames, dice = [], random.Random(5)
    for stream, (hz, step) in enumerate(((8000, 160), (90000, 1800), (48000, 960), (10000, 200))):
        ends, ports = (V4, (40000, 30000)) if stream % 2 == 0 else (V4[::-1], (30000, 40000))
        for i in range(400):
            seq = (65300 + i + (20000 if i > 300 else 0)) % 65536
            head = struct.pack(">BBHII", 0x80, 96 + stream, seq, (2**32 - 9000 + i * step) % 2**32, 0xABCD + stream)
            at = 10**18 + i * 20 * MS + stream * MS + dice.randrange(8 * MS)
            if dice.random() < 0.03:
                continue
            frames.append((at + (45 * MS if dice.random() < 0.03 else 0), ether(ip4(*ends, 17, udp(ports, head + bytes(160)), ident=i))))
            if dice.random() < 0.02:
                frames.append((at + 500, frames[-1][1]))
    return sorted(frames, key=lambda frame: frame[0])


def quic():
    """Versions 1, 2 and a draft, a retry, a version negotiation, hellos sent again and unanswered; then spin bits."""
    frames = []
    kinds = ((1, 0xC3, 0xE1), (0x6B3343CF, 0xD2, 0xF2), (0xFF00001D, 0xC0, 0xE0))
    for i in range(60):
        now, port, (version, initial, handshake) = 10**18 + i * 90 * MS, 50000 + i, kinds[i % 3]
        ends, wrap = (V6, lambda ends, body: ip6(*ends, 17, body)) if i % 4 == 3 else (V4, lambda ends, body: ip4(*ends, 17, body))

        def show(at, forward, body, ends=ends, wrap=wrap, port=port):
            ports = (port, 443) if forward else (443, port)
            frames.append((at, ether(wrap(ends if forward else ends[::-1], udp(ports, body)))))

        def long(first, number, size):
            return struct.pack(">BI", first, number) + bytes(size - 5)

        show(now, True, long(initial, version, 1200))
        if i % 9 == 8:
            show(now + 1000 * MS, True, long(initial, version, 1200))
            show(now + 3000 * MS, True, long(initial, version, 1200))
            continue
        first = (long(0x80, 0, 40), long(0xF0, 1, 90), long(initial, version, 1200))[min(i % 8, 2)]
        show(now + 20 * MS, False, first)
        show(now + 21 * MS, True, long(handshake, version, 300))
        for turn in range(30 if i % 2 else 2):
            at = now + 30 * MS + turn * 21 * MS
            show(at, True, bytes([0x41 | turn % 2 << 5]) + bytes(60))
            show(at + 20 * MS, False, bytes([0x41 | turn % 2 << 5]) + bytes(900))
    return sorted(frames, key=lambda frame: frame[0])


def exchanges():
    """Requests and answers with time to think, acknowledged apart or not, sent again, long ones; echo with lost replies."""
    frames, dice = [], random.Random(6)
    for i in range(12):
        connection = Connection(frames, wrap4(), 50 + i, stamps=i % 2 == 0, ports=(43000 + i, 8080))
        if i % 5 != 4:
            connection.open()
        for _ in range(8):
            for part in range(dice.randrange(1, 4)):
                seq = connection.seq[0]
                connection.show(connection.send(0, ACK | PSH, bytes(300 + part)))
            if dice.random() < 0.2:
                connection.step(250 * MS)
                connection.show(connection.packet(0, ACK | PSH, bytes(connection.seq[0] - seq), seq=seq))
            connection.step(connection.wan)
            if dice.random() < 0.5:
                connection.show(connection.packet(1, ACK))
            connection.step(dice.randrange(40) * MS)
            for part in range(dice.randrange(1, 9)):
                connection.show(connection.send(1, ACK, bytes(1400)))
            connection.show(connection.send(1, ACK | PSH, bytes(99)))
            connection.step(connection.lan)
            connection.show(connection.packet(0, ACK))
            connection.step(dice.randrange(300) * MS)
    for i in range(100):
        now, echo = 10**18 + i * 100 * MS, struct.pack(">BBHHH", 8, 0, 0, 77, i // 2)
        frames.append((now, ether(ip4(*V4, 1, echo + bytes(56)))))
        if i % 5:
            frames.append((now + 12 * MS, ether(ip4(*V4[::-1], 1, b"\0" + echo[1:] + bytes(56)))))
    return sorted(frames, key=lambda frame: frame[0])


def hanging():
    """Requests that the server takes and never answers: left, kept alive, reset by either side, half closed; some answered late."""
    frames = []
    for i in range(20):
        wrap = wrap6() if i % 2 else wrap4()
        connection = Connection(frames, wrap, 90 + i, stamps=i % 3 == 0, ports=(44000 + i, 7003 if i % 4 else 443))
        connection.open()
        connection.show(connection.send(0, ACK | PSH, bytes(200)))
        connection.step(connection.wan)
        if i % 5 != 4:
            connection.show(connection.packet(1, ACK))
        connection.step(1000 * MS)
        if i < 4:
            connection.show(connection.packet(i % 2, ACK | RST))
        elif i < 8:
            connection.show(connection.send(0, ACK | FIN))
        elif i < 12:
            for _ in range(4):
                connection.step(2000 * MS)
                connection.show(connection.packet(0, ACK, seq=connection.seq[0] - 1))
                connection.show(connection.packet(1, ACK), MS)
        elif i < 16:
            connection.step(7000 * MS)
            connection.show(connection.send(1, ACK | PSH, bytes(90)))
    return sorted(frames, key=lambda frame: frame[0])


def forged():
    """A connection with forged segments between its own: numbers far away, SYNs, RSTs, ICMP errors, stamps never sent."""
    frames, dice = talk(wrap4(), 30, {"lose_before": 0.02, "lose_after": 0.02}), random.Random(7)
    extra = []
    for t, frame in frames:
        for _ in range(dice.randrange(3)):
            body = bytearray(frame[34:])
            body[4:12] = dice.randbytes(8)
            body[13] = dice.choice((0, SYN, RST, ACK, ACK | PSH, SYN | ACK, FIN, FIN | ACK, RST | ACK))
            if dice.random() < 0.3:
                body[24:32] = dice.randbytes(8)
            extra.append((t + 100, frame[:34] + bytes(body)))
        if dice.random() < 0.3:
            quote = frame[14:34] + frame[34:38] + dice.randbytes(4)
            extra.append((t + 200, ether(ip4(bytes([198, 51, 100, 9]), frame[26:30], 1, struct.pack(">BBHI", 3, 1, 0, 0) + quote))))
    return sorted(frames + extra, key=lambda frame: frame[0])


def offloaded(whole):
    """Segments as a NIC that cuts them later gets them: up to 60 KB, or with an IPv4 length of 0 that says so."""
    frames = []
    for i, size in enumerate((9000, 30000, 60000, 1400, 2100, 4000) * 6):
        connection = Connection(frames, wrap4() if i % 2 else wrap6(), 80 + i, ports=(44000 + i, 443))
        connection.open()
        connection.show(connection.send(0, ACK | PSH, bytes(size)))
        connection.step(connection.wan)
        connection.show(connection.packet(1, ACK))
    if not whole:
        frames = [(t, frame[:16] + b"\0\0" + frame[18:] if frame[14] >> 4 == 4 else frame) for t, frame in frames]
    return sorted(frames, key=lambda frame: frame[0])


def lease(kind, client, server=b""):
    """A DHCP message (RFC 2131 2) of @kind; a server's when it is one."""
    head = struct.pack(">BBBBI", 2 if kind in (2, 5, 6) else 1, 1, 6, 0, client) + bytes(20)
    options = bytes([53, 1, kind]) + (b"\x36\4" + server if server else b"") + b"\xff"
    return head + struct.pack(">HI", 0x0200, client) + bytes(10 + 192) + b"\x63\x82\x53\x63" + options


def leases():
    """Untagged, tagged and doubly tagged: 20 clients that nobody answers, one that gets an address and renews it."""
    frames, now = [], 10**18
    nobody, everybody, server, client = bytes(4), b"\xff" * 4, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 7])
    for tags in ((), (30,), (100, 31)):
        def show(src, dst, ports, message, tags=tags):
            frames.append((now, ether(ip4(src, dst, 17, udp(ports, message)), tags)))

        for i in range(60):
            now += 50 * MS
            show(nobody, everybody, (68, 67), lease(1, i % 20))
        for kind, forward, ends in ((1, True, (nobody, everybody)), (2, False, (server, everybody)), (3, True, (nobody, everybody)),
                                    (5, False, (server, client)), (3, True, (client, server)), (6, False, (server, everybody))):
            now += 5 * MS
            show(*ends, (68, 67) if forward else (67, 68), lease(kind, 99, b"" if kind == 1 else server))
        show(nobody, everybody, (68, 67), b"")  # nothing to copy
    return frames


def labels(wrap, count):
    """Below @count MPLS labels."""
    def wrapped(forward, segment):
        frame = wrap(forward, segment)
        stack = b"".join(struct.pack(">I", (1000 + i) << 12 | (i == count - 1) << 8 | 64) for i in range(count))
        return frame[:12] + struct.pack(">H", 0x8847) + stack + frame[14:]

    return wrapped


OUTER4 = (bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2]))
OUTER6 = (bytes.fromhex("20010db8000000000000000000000a01"), bytes.fromhex("20010db8000000000000000000000a02"))


def tunnel(wrap, head, proto=17, port=0, bridged=False, six=False, tags=()):
    """What @wrap makes, in a tunnel: @head is a function from the inner packet to the tunnel's own header."""
    def wrapped(forward, segment):
        frame = wrap(forward, segment)
        inner = frame if bridged else frame[14:]
        body = head(inner) + inner
        if port:
            body = udp((49152, port), body)
        ends = OUTER6 if six else OUTER4
        return ether((ip6 if six else ip4)(*(ends if forward else ends[::-1]), proto, body), tags)

    return wrapped


def kind_of(inner):
    return {4: 0x0800, 6: 0x86DD}[inner[0] >> 4]


def tunnels():
    """(name, wrapper): each kind, IPv4 and IPv6 inside and outside, with its optional fields."""
    bare, vxlan = lambda inner: b"", lambda inner: bytes([8, 0, 0, 0, 0, 0, 42, 0])
    gtp = lambda flags, more: lambda inner: struct.pack(">BBHI", 0x30 | flags, 255, len(more) + len(inner), 9) + more
    yield "gre", tunnel(wrap4(), lambda inner: struct.pack(">HH", 0, kind_of(inner)), 47)
    yield "gre-all", tunnel(wrap6(), lambda inner: struct.pack(">HHIII", 0xB000, kind_of(inner), 0, 7, 1), 47, tags=(20,))
    yield "gre-bridged", tunnel(wrap4((5, 6)), lambda inner: struct.pack(">HH", 0, 0x6558), 47, bridged=True)
    yield "gre-ip6", tunnel(wrap4(), lambda inner: struct.pack(">HHI", 0x2000, kind_of(inner), 7), 47, six=True)
    yield "ipip", tunnel(wrap4(), bare, 4)
    yield "6in4", tunnel(wrap6(), bare, 41)
    yield "4in6", tunnel(wrap4(options=b"\x94\x04\0\0"), bare, 4, six=True)
    yield "6in6", tunnel(wrap6((HOP, DESTINATION)), bare, 41, six=True)
    yield "vxlan", tunnel(wrap4(), vxlan, port=4789, bridged=True)
    yield "vxlan-ip6", tunnel(wrap6(tags=(9,)), vxlan, port=4789, bridged=True, six=True)
    yield "geneve", tunnel(wrap4(), lambda inner: struct.pack(">BBHI", 0, 0, 0x6558, 42), port=6081, bridged=True)
    yield "geneve-options", tunnel(wrap6(), lambda inner: struct.pack(">BBHI", 3, 0x40, kind_of(inner), 42) + bytes(12), port=6081)
    yield "gtpu", tunnel(wrap4(), gtp(0, b""), port=2152)
    yield "gtpu-sequence", tunnel(wrap6(), gtp(2, b"\0\1\0\x85"), port=2152)
    yield "gtpu-extensions", tunnel(wrap4(), gtp(4, b"\0\0\0\xc0\2" + bytes(6) + b"\x85\1\x10\x09\0"), port=2152)
