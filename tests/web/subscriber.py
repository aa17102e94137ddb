#!/usr/bin/env python3
"""Prints what each path gets, ten times a second: subscriber.py SOCKET SITE"""
import json
import socket
import sys

redis = socket.socket(socket.AF_UNIX)
redis.connect(sys.argv[1])
stream = redis.makefile("rb")
channel = b"sl:{%s}:live.json" % sys.argv[2].encode()
redis.sendall(b"*2\r\n$9\r\nSUBSCRIBE\r\n$%d\r\n%s\r\n" % (len(channel), channel))


def reply():
    line = stream.readline()
    if line[:1] == b"*":
        return [reply() for _ in range(int(line[1:]))]
    return stream.read(int(line[1:]) + 2)[:-2] if line[:1] == b"$" else line[1:-2]


while True:
    kind, _, said = reply()
    for path in json.loads(said)["paths"] if kind == b"message" else []:
        print(path["service"], "on", path["uplink"], path["state"], path["rtt_wan"]["p95_us"], "us", flush=True)
