# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.


"""Connections that note when the first byte of a request is written. Only this proves that nothing was sent.

Bytes that are written while connecting (a TLS handshake, the CONNECT to a proxy) are not part of the request. An
abandoned exchange may not write its request any more, so that the proof stays true.

Answers are read through C(answer_stream.py), which accepts only well-formed HTTP.
"""

from __future__ import annotations

import contextlib
import threading
import typing as t

from .answer_stream import AnswerResponse
from .requests_dep import HTTPAdapter, HTTPConnection, HTTPConnectionPool, HTTPSConnection, HTTPSConnectionPool


class GivenUp(OSError):
    """The exchange was abandoned before its request was written."""


class SendNote:
    """Whether any byte of one request was written."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._written = False
        self._given_up = False

    def about_to_write(self) -> None:
        """Note that bytes of the request are about to be written.

        :raises GivenUp: they may not be written any more.
        """
        with self._lock:
            if self._given_up and not self._written:
                raise GivenUp
            self._written = True

    def give_up(self) -> bool:
        """Whether bytes were written. If not, none will be."""
        with self._lock:
            self._given_up = True
            return self._written


_current = threading.local()


@contextlib.contextmanager
def noted_by(note: SendNote) -> t.Iterator[None]:
    """Record there what this thread writes inside this block."""
    _current.note = note
    try:
        yield
    finally:
        del _current.note


def _about_to_write() -> None:
    note: SendNote | None = getattr(_current, "note", None)
    if note is not None:
        note.about_to_write()


if t.TYPE_CHECKING:
    # A mixin: both kinds of connection provide the rest.
    _Base = HTTPConnection
else:
    _Base = object


class _Noting(_Base):
    """The common part of both kinds of connection."""

    response_class: t.Any = AnswerResponse
    _connecting = False

    def connect(self) -> None:
        """Connect, through a proxy if necessary. None of this belongs to the request."""
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    def send(self, data: t.Any) -> None:
        """Write. First connect if that has not been done, as the base class would."""
        if not self._connecting:
            if self.sock is None and self.auto_open:
                self.connect()
            _about_to_write()
        super().send(data)


class _Connection(_Noting, HTTPConnection):
    """A plain connection, only for this machine."""


class _TlsConnection(_Noting, HTTPSConnection):
    """A TLS connection."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS = {"http": _Pool, "https": _TlsPool}


class NotingAdapter(HTTPAdapter):
    """Sends prepared requests over connections that note what they write."""

    def init_poolmanager(self, *args: t.Any, **kwargs: t.Any) -> None:
        """Make the pool manager for direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: t.Any) -> t.Any:
        """Make the pool manager for connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        if proxy.lower().startswith("socks"):
            # Other kinds of connections note nothing, so the result of their requests is in doubt.
            _about_to_write()
        else:
            manager.pool_classes_by_scheme = _POOLS
        return manager
