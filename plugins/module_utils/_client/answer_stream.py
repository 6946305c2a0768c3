# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reads answers from a connection: not more than an answer may have, and only well-formed HTTP/1.0 or 1.1.

C(http.client) and C(urllib3) accept a head that breaks off, lines that are no headers, and chunks that never end. Such
an answer proves nothing about its request.
"""

from __future__ import annotations

import http.client
import re
import typing as t

from .body import MAX_DEVICES, NotWhole, TooLarge

_STATUS = re.compile(rb"HTTP/1\.[01] [1-9]\d\d(?: [\t -~\x80-\xff]*)?\r?\n")
_HEADER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r?\n")
"""Source: RFC 9112. Folded lines are obsolete, and nobody may send them."""

_CHUNK = re.compile(rb"[0-9A-Fa-f]+[\t ]*(?:;[\t -~\x80-\xff]*)?\r?\n")
_BLANK = (b"\r\n", b"\n")


class _Bounded:
    """A stream of a connection that returns no more than an answer may have, however much a caller requests at once.

    Libraries read as many bytes as a server announces, lines without an end, and chunks of the length -1.

    :ivar head: the lines of the head while it is read; None before and after.
    :ivar chunked: whether each line after the head belongs to the chunks or to their trailer.
    """

    head: list[bytes] | None = None
    chunked = False

    def __init__(self, stream: t.Any) -> None:
        self._stream = stream
        self._left = MAX_DEVICES + (1 << 20)

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._stream, name)

    def read(self, size: int | None = -1) -> bytes:
        """Read this many bytes, or all that are allowed."""
        return self._took(self._stream.read(self._at_most(size)))

    def read1(self, size: int = -1) -> bytes:
        """Read what is available."""
        return self._took(self._stream.read1(self._at_most(size)))

    def readline(self, size: int = -1) -> bytes:
        """Read a line.

        :raises NotWhole: it does not belong here.
        """
        line = self._took(self._stream.readline(self._at_most(size)))
        if self.head is not None:
            self.head.append(line)
        elif self.chunked and not (line in _BLANK or _CHUNK.fullmatch(line) or _HEADER.fullmatch(line)):
            raise NotWhole
        return line

    def readinto(self, buffer: t.Any) -> int:
        """Fill a buffer. Our own code never requests a larger one."""
        count = self._stream.readinto(buffer)
        self._count(count or 0)
        return t.cast(int, count)

    def _at_most(self, size: int | None) -> int:
        return self._left + 1 if size is None or not 0 <= size <= self._left else size

    def _took(self, data: bytes) -> bytes:
        self._count(len(data))
        return data

    def _count(self, taken: int) -> None:
        self._left -= taken
        if self._left < 0:
            raise TooLarge(MAX_DEVICES)


class AnswerResponse(http.client.HTTPResponse):
    """An answer whose head is well-formed and says in one way where the body ends."""

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self.fp = t.cast(t.Any, _Bounded(self.fp))

    def begin(self) -> None:
        """Read the head.

        :raises NotWhole: it is not well-formed.
        """
        if self.headers is not None:
            return
        stream: t.Any = self.fp
        stream.head = []
        super().begin()
        lines, stream.head = stream.head, None
        _require_head(lines)
        codings = self.headers.get_all("transfer-encoding", [])
        if codings:
            once = [coding.strip().lower() for coding in codings] == ["chunked"]
            if not once or "content-length" in self.headers or lines[0].startswith(b"HTTP/1.0"):
                raise NotWhole
            stream.chunked = True


def _require_head(lines: list[bytes]) -> None:
    """Each head, also of an interim answer, is a status line, headers, and an empty line."""
    begins = True
    for line in lines:
        if line in _BLANK and not begins:
            begins = True
        elif (_STATUS if begins else _HEADER).fullmatch(line):
            begins = False
        else:
            raise NotWhole
    if not begins:
        raise NotWhole
