# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Read a request from an untrusted sender, with limits on its time and body size, by length or in chunks."""

from __future__ import annotations

import io
import re
import socket
import time
import typing as t
from email.message import Message


class BodyRefused(Exception):
    """A request that is refused without further reading.

    :param message: contains nothing that the caller sent.
    :param allow: the allowed methods.
    """

    def __init__(self, status: int, code: str, message: str, allow: t.Sequence[str] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.allow = allow


class PatientStream(io.RawIOBase):
    """The data of a connection. Enforces a total time for each request, regardless of the number of pieces."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__()
        self._connection = connection
        self._end = self._seconds = 0.0
        self.idle = True
        """Whether no data of a next request has arrived yet."""

    def buffered(self) -> io.BufferedReader:
        """A buffered reader of this stream."""
        return io.BufferedReader(self, 65536)

    def await_request(self, seconds: float) -> None:
        """Wait this long for the next request to begin, and then as long for its end."""
        self.idle = True
        self._seconds = seconds
        self.allow(seconds)

    def allow(self, seconds: float) -> None:
        """Allow reading for this long from now."""
        self._end = time.monotonic() + seconds

    def readable(self) -> bool:
        """The stream can be read."""
        return True

    def readinto(self, buffer: t.Any) -> int:
        """Read the available data.

        :raises TimeoutError: the time is over.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        count = self._connection.recv_into(buffer)
        if self.idle and count:
            self.idle = False
            self.allow(self._seconds)
        return count


def read_body(headers: Message, stream: io.BufferedIOBase | None, most: int) -> bytes:
    """The body that belongs to these headers.

    :param stream: None to check only the headers.
    :raises BodyRefused: it is too large, or its end is unclear.
    :raises ConnectionError: it ended early.
    """
    lengths = {value.strip() for value in headers.get_all("Content-Length", [])}
    coding = headers.get_all("Transfer-Encoding")
    if coding is not None:
        if lengths or [value.strip().lower() for value in coding] != ["chunked"]:
            raise BodyRefused(400, "bad_request", "The length of the body is not clear.")
        return _chunks(stream, most) if stream else b""
    if not lengths:
        raise BodyRefused(411, "length_required", "The body needs a Content-Length.")
    length = lengths.pop()
    if lengths or not (length.isascii() and length.isdigit()):
        raise BodyRefused(400, "bad_request", "The length of the body is not clear.")
    if len(length) > 18 or int(length) > most:
        raise _too_large(most)
    return _exactly(stream, int(length)) if stream else b""


_CHUNK_HEAD = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_MAX_LINE = 1024
_MAX_TRAILERS = 100


def _chunks(stream: io.BufferedIOBase, most: int) -> bytes:
    body = bytearray()
    while True:
        head = _CHUNK_HEAD.fullmatch(stream.readline(_MAX_LINE))
        if head is None:
            raise _bad_chunk()
        length = int(head.group(1), 16)
        if length == 0:
            break
        if len(body) + length > most or len(head.group()) > 100:
            raise _too_large(most)
        body += _exactly(stream, length)
        if stream.readline(_MAX_LINE) not in (b"\r\n", b"\n"):
            raise _bad_chunk()
    for _number in range(_MAX_TRAILERS):
        if stream.readline(_MAX_LINE) in (b"\r\n", b"\n", b""):
            return bytes(body)
    raise _bad_chunk()


def _exactly(stream: io.BufferedIOBase, length: int) -> bytes:
    body = stream.read(length)
    if len(body) < length:
        raise ConnectionAbortedError
    return body


def _too_large(most: int) -> BodyRefused:
    return BodyRefused(413, "too_large", f"A callback has no more than {most >> 10} KiB.")


def _bad_chunk() -> BodyRefused:
    return BodyRefused(400, "bad_request", "The body is not chunked as it should be.")
