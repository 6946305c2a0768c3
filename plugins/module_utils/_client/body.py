# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.


"""The one reader of bodies: whole, of a bounded size however it is compressed, and never longer than the time allowed.

C(requests) and C(urllib3) decompress without a bound in some versions and take a short body for whole in others, so the
bytes are taken as they come from the connection.
"""

from __future__ import annotations

import time
import typing as t
import zlib

MAX_BODY = 16 * 1024 * 1024
"""Largest body, in bytes, that is read, compressed or not. A page of 1,000 devices has about 80 kB."""

ENCODINGS = "gzip, deflate"
"""What is asked for with C(Accept-Encoding)."""

_MAX_LAYERS = 2
_CHUNK = 64 * 1024


class TooLarge(Exception):
    """The body is larger than any ThingSpace answer."""


class TooLate(Exception):
    """The body took longer than allowed."""


class NotWhole(Exception):
    """The body ended early, or does not fit its own headers."""


def read_body(raw: t.Any, headers: t.Mapping[str, str], end: float) -> bytes:
    """The whole body of an answer, decompressed.

    :param raw: an answer of C(urllib3) that has not been read.
    :param headers: its headers; names in any case.
    :param end: when to stop, on the monotonic clock.
    :raises TooLarge: the compressed or the decompressed body is larger than C(MAX_BODY).
    :raises TooLate: C(end) has come.
    :raises NotWhole: it is shorter than C(Content-Length), or its compression is broken or unknown.
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
    """C(urllib3) before version 2 does not look at the length that was announced."""
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
        # "deflate" without the zlib header, as some servers send it.
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
