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

MAX_BODY = 16 * 1024 * 1024
"""Size of the largest body that is read, in bytes, compressed and decompressed. A page of 1,000 devices has 80 kB."""

ENCODINGS = "gzip, deflate"
"""The value of C(Accept-Encoding) in requests."""

_MAX_LAYERS = 2
_CHUNK = 64 * 1024


class TooLarge(Exception):
    """The body is larger than any ThingSpace answer."""


class TooLate(Exception):
    """The body took longer than allowed."""


class NotWhole(Exception):
    """The body ended early, or does not match its own headers."""


def read_body(raw: t.Any, headers: t.Mapping[str, str], end: float) -> bytes:
    """The whole body of an answer, decompressed.

    :param raw: an unread answer of C(urllib3).
    :param headers: its headers; the case of names does not matter.
    :param end: when to stop, on the monotonic clock.
    :raises TooLarge: the body is larger than C(MAX_BODY), compressed or decompressed.
    :raises TooLate: C(end) has passed.
    :raises NotWhole: the body is shorter than C(Content-Length), or its compression is broken or unknown.
    """
    body = bytearray()
    for chunk in raw.stream(_CHUNK, decode_content=False):
        body += chunk
        if len(body) > MAX_BODY:
            raise TooLarge
        if time.monotonic() > end:
            raise TooLate
    _require_length(len(body), headers)
    layers = [name.strip().lower() for name in headers.get("content-encoding", "").split(",")]
    layers = [name for name in layers if name not in ("", "identity")]
    if len(layers) > _MAX_LAYERS:
        raise NotWhole
    data = bytes(body)
    for name in reversed(layers):
        data = _decompressed(name, data)
    return data


def _require_length(length: int, headers: t.Mapping[str, str]) -> None:
    """C(urllib3) before version 2 does not compare the body with the announced length."""
    announced = headers.get("content-length")
    if announced is None or "chunked" in headers.get("transfer-encoding", "").lower():
        return
    if any(part.strip() != str(length) for part in announced.split(",")):
        raise NotWhole


def _decompressed(name: str, data: bytes) -> bytes:
    if name not in ("gzip", "x-gzip", "deflate"):
        raise NotWhole
    if not data:
        return data
    try:
        return _inflate(data, zlib.MAX_WBITS | 32)
    except zlib.error:
        if name != "deflate":
            raise NotWhole from None
    try:
        # Some servers send "deflate" without the zlib header.
        return _inflate(data, -zlib.MAX_WBITS)
    except zlib.error:
        raise NotWhole from None


def _inflate(data: bytes, window: int) -> bytes:
    inflating = zlib.decompressobj(window)
    result = inflating.decompress(data, MAX_BODY + 1)
    if len(result) > MAX_BODY:
        raise TooLarge
    if not inflating.eof or inflating.unused_data.strip(b"\0"):
        raise NotWhole
    return result
