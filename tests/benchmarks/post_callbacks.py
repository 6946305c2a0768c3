# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends callbacks to a receiver, on many connections at once, and takes the time.

Run by C(confirmations.py) as a process of its own: C(post_callbacks.py PORT FIRST BEGIN COUNT CONNECTIONS WORD), for
devices whose requests C(fill_journal.py) named. Bare sockets, and all requests are made before: it competes for the
same cores.
"""

from __future__ import annotations

import concurrent.futures
import json
import socket
import sys
import threading
import time

BATCH = 100


def request(first: int, index: int, word: str) -> bytes:
    """A callback for one device, as it goes over the wire."""
    body = {
        "username": word,
        "password": word,
        "requestId": f"r{index // BATCH}",
        "deviceIds": [{"id": str(first + index), "kind": "Imei"}],
        "deviceResponse": {},
        "status": "Success",
        "callbackCount": 1,
        "maxCallbackThreshold": 4,
    }
    text = json.dumps(body).encode()
    head = (
        f"POST /callback HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(text)}"
    )
    return head.encode() + b"\r\n\r\n" + text


def send(port: int, requests: list[bytes], start: threading.Barrier) -> int:
    """Send these one after another on one connection; returns how many were recorded."""
    good = 0
    with socket.create_connection(("127.0.0.1", port), 60) as connection, connection.makefile("rb") as answers:
        start.wait(60)
        for one in requests:
            connection.sendall(one)
            good += answers.readline().split()[1] == b"200"
            length = 0
            while (line := answers.readline()) not in (b"\r\n", b""):
                name, _colon, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            answers.read(length)
    return good


def main(port: int, first: int, begin: int, count: int, connections: int, *, word: str) -> None:
    """Send all, print how many were recorded and the seconds from the first to the last."""
    requests = [request(first, index, word) for index in range(begin, begin + count)]
    start = threading.Barrier(connections + 1)
    with concurrent.futures.ThreadPoolExecutor(connections) as pool:
        done = [pool.submit(send, port, requests[number::connections], start) for number in range(connections)]
        start.wait(60)
        began = time.perf_counter()
        good = sum(one.result() for one in done)
        seconds = time.perf_counter() - began
    print(json.dumps({"good": good, "seconds": seconds}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:6]), word=sys.argv[6])
