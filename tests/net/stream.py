"""One TCP stream: `stream.py serve PORT` reads to the end and answers with the count;
`stream.py send ADDRESS PORT BYTES` sends so many and prints what the other side says it got.
"""

import socket
import struct
import sys


def serve(port):
    """Connections one after the other, of both families, until killed."""
    with socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        print("ready", file=sys.stderr, flush=True)
        while True:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(20)
                count = 0
                while block := connection.recv(65536):
                    count += len(block)
                connection.sendall(struct.pack("!Q", count))


def send(address, port, count):
    """Send, half-close, hear the count."""
    with socket.create_connection((address, port), timeout=20) as connection:
        connection.sendall(b"x" * count)
        connection.shutdown(socket.SHUT_WR)
        print(struct.unpack("!Q", connection.recv(8))[0])


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
