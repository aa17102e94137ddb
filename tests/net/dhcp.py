"""A VLAN's devices and its DHCP servers: one that gives addresses, and gives out, and a rogue.

usage: dhcp.py VLAN SECONDS     (frames on eth0, tagged)

At first SERVED devices get an address from SERVER each, then "ready".  From SIGUSR1 on CROWD
devices more, with random MAC addresses as phones have, look for a server as RFC 2131 4.1 says, at
doubling intervals; nobody answers.  After SECONDS more ROGUE does.  Ends with SIGTERM.
"""

import random
import select
import signal
import socket
import struct
import sys
import time

SERVED, CROWD = 20, 60
SERVER, ROGUE = "10.42.64.2", "10.9.9.9"
DISCOVER, OFFER, REQUEST, ACK = 1, 2, 3, 5
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 16.0  # RFC 2131: 4 s and 64 s; nobody wants to wait for so long
ARRIVE = 3.0                            # within so many seconds all are there
NOBODY, EVERYBODY, BROADCAST = "0.0.0.0", "255.255.255.255", b"\xff" * 6


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def message(kind, mac, xid, server=None):
    """RFC 2131 2; a server's with the address that it gives."""
    gives = kind in (OFFER, ACK)
    yours = socket.inet_aton("10.42.100.1") if gives else bytes(4)
    options = bytes([53, 1, kind]) + (b"\x36\x04" + socket.inet_aton(server) if server else b"")
    return struct.pack("!BBBBIHH", 2 if gives else 1, 1, 6, 0, xid, 0, 0x8000) + bytes(4) + yours \
        + bytes(8) + mac + bytes(10 + 64 + 128) + b"\x63\x82\x53\x63" + options + b"\xff"


def datagram(source, to, ports, payload):
    udp = struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), random.getrandbits(16), 0, 64, 17, 0,
                     socket.inet_aton(source), socket.inet_aton(to))
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + udp


class Wire:
    """Broadcasts on the VLAN."""

    def __init__(self, vlan):
        self.vlan = vlan
        self.link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.link.bind(("eth0", 0))

    def send(self, mac, packet):
        self.link.send(BROADCAST + mac + struct.pack("!HHH", 0x8100, self.vlan, 0x0800) + packet)

    def ask(self, device, kind, server=None):
        self.send(device.mac, datagram(NOBODY, EVERYBODY, (68, 67),
                                       message(kind, device.mac, device.xid, server)))

    def answer(self, server, device, kind):
        mac = b"\x00\x11\x22" + socket.inet_aton(server)[1:]
        self.send(mac, datagram(server, EVERYBODY, (67, 68),
                                message(kind, device.mac, device.xid, server)))

    def lease(self, server, device):
        """All of it: the device looks, is offered, chooses, has it."""
        self.ask(device, DISCOVER)
        self.answer(server, device, OFFER)
        self.ask(device, REQUEST, server)
        self.answer(server, device, ACK)


class Device:
    """Looks for a server when it is due."""

    def __init__(self, mac, due=0.0):
        self.mac, self.xid = mac, random.getrandbits(32)
        self.due, self.pause = due, FIRST_PAUSE

    def later(self):
        self.due += self.pause + random.uniform(-0.5, 0.5)
        self.pause = min(2 * self.pause, LONGEST_PAUSE)


def phone():
    """A MAC address of its own making: locally administered."""
    first = random.getrandbits(8) & 0xfc | 0x02
    return bytes([first]) + random.getrandbits(40).to_bytes(5, "big")


def starve(wire, seconds):
    """Nobody answers, then ROGUE does; who has an address is content."""
    began = time.monotonic()
    crowd = [Device(phone(), began + random.uniform(0, ARRIVE)) for _ in range(CROWD)]
    while True:
        now = time.monotonic()
        for device in [device for device in crowd if device.due <= now]:
            if now - began < seconds:
                wire.ask(device, DISCOVER)
                device.later()
            else:
                wire.lease(ROGUE, device)
                crowd.remove(device)
        select.select([], [], [], 0.05)


def main(vlan, seconds):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    wire = Wire(vlan)
    for number in range(SERVED):
        wire.lease(SERVER, Device(b"\x00\x0c\x29\x00\x00" + bytes([number])))
        time.sleep(0.02)
    print("ready", file=sys.stderr, flush=True)
    signal.sigwait([signal.SIGUSR1])
    starve(wire, seconds)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(int(sys.argv[1]), float(sys.argv[2]))
