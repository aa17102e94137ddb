"""Asks a STAMP reflector (RFC 8762), one question at a time.

usage: asks_stamp.py FROM TO COUNT

One JSON line: how many were answered, and of these in microseconds the median round trip and the
median time between the reflector's two stamps.
"""

import json
import socket
import statistics
import struct
import sys
import time

PORT, BYTES, NTP_EPOCH = 862, 44, 2208988800
PACE_S, PATIENCE_S = 0.005, 0.5


def question(number):
    now_ns = time.time_ns()
    return struct.pack("!IIIH30x", number, now_ns // 10**9 + NTP_EPOCH,
                       (now_ns % 10**9 << 32) // 10**9, 22 << 8 | 1)


def stay_us(answer):
    """From the reflector's time of receipt to that of its answer."""
    replied, received = (struct.unpack_from("!Q", answer, at)[0] for at in (4, 16))
    return (replied - received) * 1e6 / 2**32


def exchange(asker, number):
    """(round trip, stay) in microseconds; None without an answer in time."""
    began = time.perf_counter_ns()
    asker.send(question(number))
    try:
        while True:
            answer = asker.recv(1500)
            if len(answer) == BYTES and struct.unpack_from("!I", answer, 24)[0] == number:
                return (time.perf_counter_ns() - began) / 1e3, stay_us(answer)
    except (socket.timeout, ConnectionRefusedError):
        return None


def main(words):
    if len(words) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.bind((words[0], 0))
        asker.connect((words[1], PORT))
        asker.settimeout(PATIENCE_S)
        answers = []
        for number in range(int(words[2])):
            answers.append(exchange(asker, number))
            time.sleep(PACE_S)
    answered = [a for a in answers if a]
    print(json.dumps({
        "asked": len(answers), "answered": len(answered),
        "round_trip_us": answered and round(statistics.median(a[0] for a in answered)),
        "stay_us": answered and round(statistics.median(a[1] for a in answered), 1)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
