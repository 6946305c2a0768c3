# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""One connection to the receiver: aiohttp's protocol, with the limits that it lacks.

Anyone may connect. So a request has a total time, even if it arrives slowly. Its head has a maximum size. An answer
must be taken in time. A connection that breaks a limit is cut off, whatever is still waiting to be sent.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import typing as t

from .aiohttp_dep import web

if t.TYPE_CHECKING:
    from aiohttp import StreamReader

MAX_HEAD = 64 * 1024
"""Most bytes before a head must be complete. A request has less than one kilobyte."""

HANDSHAKE_SECONDS = 10.0
LINGER_SECONDS = 2.0
"""How long the rest of a refused body is discarded, so that its sender can read the answer."""

_SILENT = logging.Logger("aiohttp", logging.CRITICAL + 1)
"""For messages that repeat what a caller sent. The receiver writes its own log."""


class Connection(web.RequestHandler):
    """A connection from its acceptance to its end.

    :param server: what answers its requests.
    :param live: all connections; those that have waited longest for a request come first.
    :param patience: seconds for a request from its first byte to its last, for its answer, and between two requests.
    :param refuse: the answer to invalid HTTP.
    """

    def __init__(
        self,
        server: web.Server,
        live: dict[Connection, None],
        patience: float,
        refuse: t.Callable[[web.BaseRequest, int], web.Response],
    ) -> None:
        self._clock = asyncio.get_running_loop()
        super().__init__(
            server,
            loop=self._clock,
            logger=_SILENT,
            access_log=_SILENT,
            lingering_time=LINGER_SECONDS,
            auto_decompress=False,
        )
        self._live, self._patience, self._refuse = live, patience, refuse
        self._link: asyncio.Transport | None = None
        self._opening: asyncio.Task[None] | None = None
        self._timer = self._clock.call_later(patience, self.abort)
        self._live[self] = None
        self._head = 0
        self._body: StreamReader | None = None
        self._is_over = False
        self.since = self._clock.time()
        """The time of the event loop at which it began to wait for a request."""
        self.is_complete = False
        """Whether a complete request is being recorded. Then the connection must not be cut off."""

    @property
    def is_idle(self) -> bool:
        """Whether no byte of a next request has arrived."""
        return self._body is None and not self._head

    @property
    def _is_reading(self) -> bool:
        """Whether the body of a request is still arriving."""
        return self._body is not None and not self._body.is_eof()

    @property
    def seconds(self) -> float:
        """What is left for the body of the request."""
        return self._timer.when() - self._clock.time()

    def open(self, accepted: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Do the TLS handshake if there is one, and serve."""
        self._opening = self._clock.create_task(self._open(accepted, tls))

    async def _open(self, accepted: socket.socket, tls: ssl.SSLContext | None) -> None:
        seconds = HANDSHAKE_SECONDS if tls else None
        try:
            await self._clock.connect_accepted_socket(lambda: self, accepted, ssl=tls, ssl_handshake_timeout=seconds)
        except OSError:  # hung up, or no TLS
            self._forget()

    def abort(self) -> None:
        """Cut it off."""
        self._forget()
        if self._link is not None:
            self._link.abort()
        elif self._opening is not None:
            self._opening.cancel()

    def hear(self, body: StreamReader) -> None:
        """The head of a request is complete. From now on, whoever answers it minds the time."""
        self._timer.cancel()
        self._body = body

    def rest(self) -> None:
        """There is an answer. Start the clock for sending it, and for the next request."""
        if self._body is None or self not in self._live:
            return
        self._is_over = self._is_reading  # what still comes of a refused body is discarded
        self._head, self._body, self.is_complete = 0, None, False
        self._restart()
        self.since = self._clock.time()
        del self._live[self]
        self._live[self] = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request."""
        self._link = t.cast(asyncio.Transport, transport)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take what has arrived."""
        if self._is_over:
            return
        if data and not self._is_reading:
            if self.is_idle:
                self._restart()
            self._head += len(data)
            if self._head > MAX_HEAD + len(data):
                self.abort()
                return
        super().data_received(data)
        if self._body is not None and self._is_reading and self._messages:
            # A chunk makes no sense. aiohttp would let the request wait for the rest of its body.
            self._is_over = True
            self._body.set_exception(web.RequestPayloadError())

    def connection_lost(self, exc: BaseException | None) -> None:
        """End."""
        self._forget()
        super().connection_lost(exc)

    # The other arguments repeat the request.
    def handle_error(
        self, request: web.BaseRequest, status: int = 500, *_args: object, **_more: object
    ) -> web.StreamResponse:
        """Answer invalid HTTP in the usual form, without repeating any of it."""
        self.rest()
        return self._refuse(request, status)

    def _restart(self) -> None:
        self._timer.cancel()
        self._timer = self._clock.call_later(self._patience, self.abort)

    def _forget(self) -> None:
        self._live.pop(self, None)
        self._timer.cancel()
