"""DNS as a store asks it, and a resolver that can be told to leave half of the questions alone.

usage: asker.py ask ADDRESS PER-SECOND
       asker.py answer ADDRESS

ask: each question from a port of its own, sent again after 1 s, given up after 2 s, as a
resolver with `options timeout:1` does (resolv.conf(5)).  answer: all of them; after SIGUSR1
those with an odd id are not answered; after SIGUSR2 all are again.
"""

import asyncio
import signal
import struct
import sys

from datacenter import dns_answer

TIMEOUT, TRIES = 1.0, 2
QUESTION = b"\6orders\7example\0" + struct.pack("!HH", 1, 1)


class Heard(asyncio.DatagramProtocol):
    """Sets a future when anything comes."""

    def __init__(self, answered):
        self.answered = answered

    def datagram_received(self, data, addr):
        if not self.answered.done():
            self.answered.set_result(data)


async def question(address, number):
    loop = asyncio.get_running_loop()
    answered = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(lambda: Heard(answered),
                                                       remote_addr=(address, 53))
    query = struct.pack("!HHHHHH", number & 0xffff, 0x0100, 1, 0, 0, 0) + QUESTION
    for _ in range(TRIES):
        transport.sendto(query)
        try:
            await asyncio.wait_for(asyncio.shield(answered), TIMEOUT)
            break
        except asyncio.TimeoutError:
            pass
    transport.close()


async def ask(address, per_second):
    loop = asyncio.get_running_loop()
    number, due, waiting = 0, loop.time(), set()
    while True:
        number, due = number + 1, due + 1 / per_second
        task = loop.create_task(question(address, number))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
        await asyncio.sleep(max(0, due - loop.time()))


class Resolver(asyncio.DatagramProtocol):
    """Answers with an address; @half: the even ones alone."""

    def __init__(self):
        self.half = False
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def say(self, half):
        self.half = half

    def datagram_received(self, data, addr):
        answer = dns_answer(data, "198.18.0.20")
        if answer and not (self.half and data[1] & 1):
            self.transport.sendto(answer, addr)


async def serve(address):
    loop = asyncio.get_running_loop()
    resolver = Resolver()
    loop.add_signal_handler(signal.SIGUSR1, resolver.say, True)
    loop.add_signal_handler(signal.SIGUSR2, resolver.say, False)
    await loop.create_datagram_endpoint(lambda: resolver, (address, 53))
    print("ready", file=sys.stderr, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "ask":
        asyncio.run(ask(sys.argv[2], float(sys.argv[3])))
    elif len(sys.argv) == 3 and sys.argv[1] == "answer":
        asyncio.run(serve(sys.argv[2]))
    else:
        sys.exit(__doc__)
