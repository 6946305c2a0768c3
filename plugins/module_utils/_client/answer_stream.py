# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reads answers from a connection: not more than an answer may have, and only well-formed HTTP/1.0 or 1.1.

C(http.client) and C(urllib3) accept a head that breaks off, lines that are no headers, chunks that never end or that
have something else than a line break behind them, and bytes behind the end of an answer. Such an answer proves nothing
about its request.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import typing as t

from .body import MAX_DEVICES, NotWhole, TooLarge

_STATUS = re.compile(rb"HTTP/1\.[01] [1-9]\d\d(?: [\t -~\x80-\xff]*)?\r?\n")
_HEADER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r?\n")
"""Source: RFC 9112. Folded lines are obsolete, and nobody may send them."""

_CHUNK = re.compile(rb"[0-9A-Fa-f]+[\t ]*(?:;[\t -~\x80-\xff]*)?\r?\n")
_BLANK = (b"\r\n", b"\n")
_LINE_END = b"\r\n"

_ERROR = 400


class _Chunks:
    """Checks that chunks are well-formed while somebody else reads them."""

    def __init__(self) -> None:
        self._data, self._end = 0, b""
        self._in_trailer = False

    def take_line(self, line: bytes) -> bool:
        """Take a line. Returns whether it is the last one.

        :raises NotWhole: it does not belong here.
        """
        if self._in_trailer:
            if line in _BLANK:
                return True
            if not _HEADER.fullmatch(line):
                raise NotWhole
            return False
        if self._data or self._end or not _CHUNK.fullmatch(line):
            raise NotWhole
        self._data = int(line.split(b";")[0], 16)
        self._in_trailer = not self._data
        self._end = b"" if self._in_trailer else _LINE_END
        return False

    def take(self, data: bytes) -> None:
        """Take bytes of a chunk, or of the line break behind it.

        :raises NotWhole: something else is behind it.
        """
        behind = data[self._data :]
        self._data -= len(data) - len(behind)
        if not self._end.startswith(behind):
            raise NotWhole
        self._end = self._end[len(behind) :]


class _Bounded:
    """A stream of a connection that returns no more than an answer may have, however much a caller requests at once.

    Libraries read as many bytes as a server announces, lines without an end, and chunks of the length -1.

    :ivar head: the lines of the head while it is read; None before and after.
    """

    head: list[bytes] | None = None

    def __init__(self, stream: t.Any, sock: t.Any) -> None:
        self._stream, self._sock = stream, sock
        self._left = MAX_DEVICES + (1 << 20)
        self._chunks: _Chunks | None = None
        self._length: int | None = None
        self._must_end = False

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._stream, name)

    def expect(self, length: int | None, *, chunked: bool, must_end: bool) -> None:
        """Say what follows the head.

        :param length: of the body, in bytes; None if it is chunked or ends with the connection.
        :param must_end: whether nothing may be behind the body.
        """
        self._must_end = must_end
        if chunked:
            self._chunks = _Chunks()
        else:
            self._length = length
            self._took_of_length(0)

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
        line: bytes = self._stream.readline(self._at_most(size))
        self._count(len(line))
        if self.head is not None:
            self.head.append(line)
        elif self._chunks is not None and self._chunks.take_line(line):
            self._require_end()
        return line

    def readinto(self, buffer: t.Any) -> int:
        """Fill a buffer. Our own code never requests a larger one."""
        count: int = self._stream.readinto(buffer) or 0
        self._took(bytes(buffer[:count]))
        return count

    def _at_most(self, size: int | None) -> int:
        return self._left + 1 if size is None or not 0 <= size <= self._left else size

    def _took(self, data: bytes) -> bytes:
        self._count(len(data))
        if self._chunks is not None:
            self._chunks.take(data)
        elif data:
            self._took_of_length(len(data))
        return data

    def _took_of_length(self, taken: int) -> None:
        if self._length is not None:
            self._length -= taken
            if self._length <= 0:
                self._require_end()

    def _require_end(self) -> None:
        """Find bytes behind the end that have arrived. Later ones cannot be seen without waiting for them.

        :raises NotWhole: there are more than line breaks, which some servers send.
        """
        if not self._must_end:
            return
        behind = b""
        seconds = self._sock.gettimeout()
        self._sock.settimeout(0)
        try:
            with contextlib.suppress(OSError):
                behind = self._stream.peek(1)
        finally:
            self._sock.settimeout(seconds)
        if behind.strip():
            raise NotWhole

    def _count(self, taken: int) -> None:
        self._left -= taken
        if self._left < 0:
            raise TooLarge(MAX_DEVICES)


class AnswerResponse(http.client.HTTPResponse):
    """An answer whose head is well-formed and says in one way where the body ends."""

    def __init__(self, sock: t.Any, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = t.cast(t.Any, _Bounded(self.fp, sock))

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
        stream.expect(self.length, chunked=bool(codings), must_end=self.status >= _ERROR)


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
