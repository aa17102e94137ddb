"""A camera: a constant upload to the recorder over TCP, connected again when it breaks.

usage: camera.py ADDRESS MBIT-PER-SECOND
"""

import socket
import sys
import time

FRAMES_PER_SECOND = 10


def upload(address, mbit):
    frame = bytes(int(mbit * 1e6 / 8 / FRAMES_PER_SECOND))
    with socket.create_connection((address, 9000), timeout=10) as stream:
        due = time.monotonic()
        while True:
            stream.sendall(frame)
            due = max(due + 1 / FRAMES_PER_SECOND, time.monotonic() - 1)
            time.sleep(max(0, due - time.monotonic()))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    while True:
        try:
            upload(sys.argv[1], float(sys.argv[2]))
        except OSError as error:
            print(f"camera: {error}", file=sys.stderr, flush=True)
            time.sleep(0.5)
