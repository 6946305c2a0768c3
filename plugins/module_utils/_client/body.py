# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.


"""Reads every body: completely, up to a maximum size even if it is compressed, and within the allowed time.

Some versions of C(requests) and C(urllib3) decompress without a limit, and others accept a truncated body. So this
module reads the bytes directly from the connection.
"""

from __future__ import annotations

import time
import typing as t
import zlib

MAX_BODY = 2 * 1024 * 1024
"""Size of the largest body of most answers, in bytes, compressed and decompressed.

A page of 1,000 licensed devices has 80 kB. 1,000 named devices with the software of each are below 1 MiB.
"""

MAX_DEVICES = 16 * 1024 * 1024
"""The same for a page of 2,000 devices with all their attributes."""

_PER_VALUE = 8
"""An answer has at most one value for so many bytes of its largest size. Empty values take 25 times their own size."""

ENCODINGS = "gzip, deflate"
"""The value of C(Accept-Encoding) in requests."""

_MAX_LAYERS = 2
_CHUNK = 64 * 1024


class TooLarge(Exception):
    """The body is larger than any ThingSpace answer to the request, or has more values.

    :ivar most: the largest size in bytes.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most


class TooLate(Exception):
    """The body took longer than allowed."""


class NotWhole(Exception):
    """The body ended early, or does not match its own headers."""


def read_body(raw: t.Any, headers: t.Mapping[str, str], end: float, most: int) -> bytes:
    """The whole body of an answer, decompressed.

    :param raw: an unread answer of C(urllib3).
    :param headers: its headers; the case of names does not matter.
    :param end: when to stop, on the monotonic clock.
    :param most: its largest size in bytes, compressed and decompressed.
    :raises TooLarge: it is larger, or has too many values.
    :raises TooLate: C(end) has passed.
    :raises NotWhole: the body is shorter than C(Content-Length), or its compression is broken or unknown.
    """
    body = bytearray()
    for chunk in raw.stream(_CHUNK, decode_content=False):
        body += chunk
        if len(body) > most:
            raise TooLarge(most)
        if time.monotonic() > end:
            raise TooLate
    _require_length(len(body), headers)
    layers = [name.strip().lower() for name in headers.get("content-encoding", "").split(",")]
    layers = [name for name in layers if name not in ("", "identity")]
    if len(layers) > _MAX_LAYERS:
        raise NotWhole
    data = bytes(body)
    for name in reversed(layers):
        data = _decompressed(name, data, most)
    # JSON is not parsed before this, because it may take much more memory than its text.
    if sum(map(data.count, (b",", b":", b"{", b"["))) > most // _PER_VALUE:
        raise TooLarge(most)
    return data


def _require_length(length: int, headers: t.Mapping[str, str]) -> None:
    """C(urllib3) before version 2 does not compare the body with the announced length."""
    announced = headers.get("content-length")
    if announced is None or "chunked" in headers.get("transfer-encoding", "").lower():
        return
    if any(part.strip() != str(length) for part in announced.split(",")):
        raise NotWhole


def _decompressed(name: str, data: bytes, most: int) -> bytes:
    if name not in ("gzip", "x-gzip", "deflate"):
        raise NotWhole
    if not data:
        return data
    try:
        return _inflate(data, zlib.MAX_WBITS | 32, most)
    except zlib.error:
        if name != "deflate":
            raise NotWhole from None
    try:
        # Some servers send "deflate" without the zlib header.
        return _inflate(data, -zlib.MAX_WBITS, most)
    except zlib.error:
        raise NotWhole from None


def _inflate(data: bytes, window: int, most: int) -> bytes:
    inflating = zlib.decompressobj(window)
    result = inflating.decompress(data, most + 1)
    if len(result) > most:
        raise TooLarge(most)
    if not inflating.eof or inflating.unused_data.strip(b"\0"):
        raise NotWhole
    return result
