#!/usr/bin/env python3
"""Small captures of flows that tell their names: TLS, QUIC, DNS, HTTP.

gen_names.py DIR STAMP    writes DIR/names-*.pcap, then the empty file STAMP

A client behind a tap talks to servers at 203.0.113.x: ClientHellos whole, in pieces, out
of order, behind plain text; DNS answers, then connections to their addresses.
"""
import os
import struct
import sys

sys.dont_write_bytecode = True  # the source tree stays as it is
from frames import ACK, MS, PSH, Connection, ether, ip4, udp
from gen_captures import pcap

CLIENT, RESOLVER = bytes([10, 0, 0, 2]), bytes([203, 0, 113, 53])
# RFC 9001 A.2: a client's Initial, protected; its ClientHello asks for example.com.
INITIAL = bytes.fromhex(
    "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9bd8bab936b47d92ec356c0bab7df5976d27cd449f6330"
    "0099f3991c260ec4c60d17b31f8429157bb35a1282a643a8d2262cad67500cadb8e7378c8eb7539ec4d4905fed1bee1fc8aafba17c750e2c7ace01e6"
    "005f80fcb7df621230c83711b39343fa028cea7f7fb5ff89eac2308249a02252155e2347b63d58c5457afd84d05dfffdb20392844ae812154682e9cf"
    "012f9021a6f0be17ddd0c2084dce25ff9b06cde535d0f920a2db1bf362c23e596d11a4f5a6cf3948838a3aec4e15daf8500a6ef69ec4e3feb6b1d98e"
    "610ac8b7ec3faf6ad760b7bad1db4ba3485e8a94dc250ae3fdb41ed15fb6a8e5eba0fc3dd60bc8e30c5c4287e53805db059ae0648db2f64264ed5e39"
    "be2e20d82df566da8dd5998ccabdae053060ae6c7b4378e846d29f37ed7b4ea9ec5d82e7961b7f25a9323851f681d582363aa5f89937f5a67258bf63"
    "ad6f1a0b1d96dbd4faddfcefc5266ba6611722395c906556be52afe3f565636ad1b17d508b73d8743eeb524be22b3dcbc2c7468d54119c7468449a13"
    "d8e3b95811a198f3491de3e7fe942b330407abf82a4ed7c1b311663ac69890f4157015853d91e923037c227a33cdd5ec281ca3f79c44546b9d90ca00"
    "f064c99e3dd97911d39fe9c5d0b23a229a234cb36186c4819e8b9c5927726632291d6a418211cc2962e20fe47feb3edf330f2c603a9d48c0fcb5699d"
    "bfe5896425c5bac4aee82e57a85aaf4e2513e4f05796b07ba2ee47d80506f8d2c25e50fd14de71e6c418559302f939b0e1abd576f279c4b2e0feb85c"
    "1f28ff18f58891ffef132eef2fa09346aee33c28eb130ff28f5b766953334113211996d20011a198e3fc433f9f2541010ae17c1bf202580f6047472f"
    "b36857fe843b19f5984009ddc324044e847a4f4a0ab34f719595de37252d6235365e9b84392b061085349d73203a4a13e96f5432ec0fd4a1ee65accd"
    "d5e3904df54c1da510b0ff20dcc0c77fcb2c0e0eb605cb0504db87632cf3d8b4dae6e705769d1de354270123cb11450efc60ac47683d7b8d0f811365"
    "565fd98c4c8eb936bcab8d069fc33bd801b03adea2e1fbc5aa463d08ca19896d2bf59a071b851e6c239052172f296bfb5e72404790a2181014f3b94a"
    "4e97d117b438130368cc39dbb2d198065ae3986547926cd2162f40a29f0c3c8745c0f50fba3852e566d44575c29d39a03f0cda721984b6f440591f35"
    "5e12d439ff150aab7613499dbd49adabc8676eef023b15b65bfc5ca06948109f23f350db82123535eb8a7433bdabcb909271a6ecbcb58b936a88cd4e"
    "8f2e6ff5800175f113253d8fa9ca8885c2f552e657dc603f252e1a8e308f76f0be79e2fb8f5d5fbbe2e30ecadd220723c8c0aea8078cdfcb3868263f"
    "f8f0940054da48781893a7e49ad5aff4af300cd804a6b6279ab3ff3afb64491c85194aab760d58a606654f9f4400e8b38591356fbf6425aca26dc852"
    "44259ff2b19c41b9f96f3ca9ec1dde434da7d2d392b905ddf3d1f9af93d1af5950bd493f5aa731b4056df31bd267b6b90a079831aaf579be0a390131"
    "37aac6d404f518cfd46840647e78bfe706ca4cf5e9c5453e9f7cfd2b8b4c8d169a44e55c88d4a9a7f9474241e221af44860018ab0856972e194cd934")


def server(number):
    return bytes([203, 0, 113, number])


def hello(name, padding=0):
    """A TLS record with a ClientHello (RFC 8446 4.1.2); @padding bytes of RFC 7685 before the name."""
    host = name.encode()
    entry = struct.pack(">BH", 0, len(host)) + host
    extensions = struct.pack(">HH", 21, padding) + bytes(padding) if padding else b""
    extensions += struct.pack(">HHH", 0, len(entry) + 2, len(entry)) + entry
    body = b"\3\3" + bytes(range(32)) + b"\0" + b"\0\2\x13\1" + b"\1\0" + struct.pack(">H", len(extensions)) + extensions
    message = b"\1" + struct.pack(">I", len(body))[1:] + body
    return struct.pack(">BHH", 22, 0x0301, len(message)) + message


class Talk(Connection):
    """A connection of the client's to a server, from @now on."""

    def __init__(self, frames, now, port, to=server(9), dport=443):
        def wrap(forward, segment):
            ends = (CLIENT, to) if forward else (to, CLIENT)
            return ether(ip4(*ends, 6, segment))

        super().__init__(frames, wrap, port, ports=(port, dport), isn=(now // MS % 2**31, port))
        self.now = now

    def say(self, side, payload, late=0):
        self.show(self.send(side, ACK | PSH, payload), late)
        self.step(MS // 4)

    def ask(self, pieces, swapped=False):
        """Open; the client's pieces; then the server's answer and some more, later than a tick."""
        self.open()
        for i, piece in enumerate(pieces):
            self.say(0, piece, MS if swapped and i == 0 else 0)
        self.step(self.wan)
        self.say(1, b"\x16\3\3\0\4answ")
        self.step(20 * MS)
        self.say(0, b"\x17\3\3\0\4more")


def cut(whole, *places):
    ends = [0, *places, len(whole)]
    return [whole[a:b] for a, b in zip(ends, ends[1:])]


def in_tls():
    frames, now = [], 10**18
    whole = hello("split.shop.example", 1800)
    talks = {
        40001: [hello("one.shop.example")],
        40002: cut(whole, 1000),
        40004: cut(hello("tiny.shop.example"), *range(9, 89, 9)),
        40005: [b"\x16"] + cut(hello("byte.shop.example")[1:], 1, 4),
    }
    for port, pieces in talks.items():
        Talk(frames, now, port).ask(pieces)
        now += 300 * MS
    Talk(frames, now, 40003).ask(cut(hello("late.shop.example", 1800), 1000), swapped=True)
    now += 300 * MS
    mail = Talk(frames, now, 40006, dport=25)
    mail.open()
    for side, text in ((1, b"220 mail.shop.example ESMTP\r\n"), (0, b"EHLO till\r\n"), (1, b"250 STARTTLS\r\n"),
                       (0, b"STARTTLS\r\n"), (1, b"220 go\r\n"), (0, hello("mail.shop.example"))):
        mail.say(side, text)
        mail.step(mail.wan)
    now += 60_000 * MS
    Talk(frames, now, 40001).ask(cut(hello("again.shop.example", 1800), 900))  # the same ports, another connection
    Talk(frames, now + 300 * MS, 40007).ask([hello("no host name")])
    return sorted(frames, key=lambda frame: frame[0])


def in_quic():
    frames, now = [], 10**18
    for port in (50001, 50002):  # the second one's goes lost behind the tap, and comes again
        for again in range(port - 50000):
            frames.append((now + again * 300 * MS, ether(ip4(CLIENT, server(9), 17, udp((port, 443), INITIAL)))))
        now += 1000 * MS
        frames.append((now, ether(ip4(server(9), CLIENT, 17, udp((443, port), b"\x40" + bytes(60))))))
    return frames


def question(name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return labels + b"\0" + struct.pack(">HH", 1, 1)


def resolve(frames, now, name, to, ttl):
    """The client asks for @name (RFC 1035) and hears, 20 ms later, that it is @to."""
    ask = struct.pack(">HHHHHH", now // MS % 65536, 0x0100, 1, 0, 0, 0) + question(name)
    answer = ask[:2] + struct.pack(">HHHHH", 0x8180, 1, 1, 0, 0) + question(name)
    answer += struct.pack(">HHHIH", 0xC00C, 1, 1, ttl, 4) + to
    frames.append((now, ether(ip4(CLIENT, RESOLVER, 17, udp((5353 + now % 7, 53), ask)))))
    frames.append((now + 20 * MS, ether(ip4(RESOLVER, CLIENT, 17, udp((53, 5353 + now % 7), answer)))))


def known():
    """Connections to servers that are known, or were: port 41001 on; without a word of theirs."""
    frames, now = [], 10**18
    till, cloud, other = server(77), server(78), server(79)
    Talk(frames, now, 41001, till, 7003).open()  # before anybody knows
    resolve(frames, now + 100 * MS, "till.pay.example", till, 30)
    Talk(frames, now + 200 * MS, 41002, till, 7003).open()
    Talk(frames, now + 60_000 * MS, 41003, till, 7003).open()  # the answer's time is over
    now += 61_000 * MS
    Talk(frames, now, 41004, cloud).ask([hello("api.pay.example")])
    Talk(frames, now + 300 * MS, 41005, cloud).open()  # as the flow before it
    resolve(frames, now + 400 * MS, "www.other.example", other, 300)
    resolve(frames, now + 500 * MS, "till.pay.example", other, 300)
    Talk(frames, now + 600 * MS, 41006, other).open()  # two names, only one is a clause's
    Talk(frames, now + 900 * MS, 41007, other).ask([b"GET / HTTP/1.1\r\nHost: web.pay.example\r\n\r\n"])
    return sorted(frames, key=lambda frame: frame[0])


def main():
    where = sys.argv[1]
    os.makedirs(where, exist_ok=True)
    for name, frames in (("tls", in_tls()), ("quic", in_quic()), ("known", known())):
        with open(os.path.join(where, f"names-{name}.pcap"), "wb") as file:
            file.write(pcap(frames))
    with open(sys.argv[2], "w", encoding="ascii"):
        pass


if __name__ == "__main__":
    main()
