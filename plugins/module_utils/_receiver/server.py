# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The HTTP side of the receiver: an aiohttp application with limits on time, size, and number of connections.

A body is refused if its declared length is too large, or as soon as it becomes too large. If there are too many
connections, those that have waited longest without a complete request make room for new ones. So idle connections do
not keep callbacks waiting.
"""

from __future__ import annotations

import asyncio
import functools
import http
import json
import socket
import typing as t

from .aiohttp_dep import HttpProcessingError, web
from .connection import Connection
from .receiver import Receiver, Reply
from .tls import Certificate

HEALTH = "/health"
MAX_CONNECTIONS = 512
MAX_BODY = 64 * 1024
"""Largest body in bytes. A callback has less than one kilobyte."""

PATIENCE = 30.0
"""Seconds for a request, from its first byte to its last. A persistent connection may be idle for the same time."""

FAIR_SECONDS = 1.0
"""What a new connection has at least to send its request, however many others want its place."""

GRACE = 10.0
"""Seconds that requests in progress get when the receiver stops."""

BACKLOG = 2048


class Server:
    """The listening server. It belongs to the running event loop.

    :param path: the path of callbacks; all other paths are not found.
    :param certificate: None for plain HTTP.
    :raises OSError: it cannot listen there.
    """

    def __init__(
        self,
        address: tuple[str, int],
        path: str,
        receiver: Receiver,
        certificate: Certificate | None = None,
        patience: float = PATIENCE,
    ) -> None:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        dual = family is socket.AF_INET6 and socket.has_dualstack_ipv6()
        self._socket = socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=dual)
        self._socket.setblocking(False)
        self._path, self._receiver, self._certificate, self._patience = path, receiver, certificate, patience
        self._live: dict[Connection, None] = {}
        self._is_stopping = False
        self._web = web.Server(self._answer, request_factory=_heard)
        self._accepting = asyncio.create_task(self._accept())

    @property
    def url(self) -> str:
        """The URL of callbacks."""
        host = str(self._socket.getsockname()[0])
        host = f"[{host}]" if ":" in host else host
        return f"{'https' if self._certificate else 'http'}://{host}:{self.port}{self._path}"

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._socket.getsockname()[1])

    async def stop(self, grace: float = GRACE) -> None:
        """Accept no new connections, and finish the requests in progress."""
        self._is_stopping = True
        self._accepting.cancel()
        self._socket.close()
        for connection in [one for one in self._live if one.is_idle]:
            connection.abort()
        loop = asyncio.get_running_loop()
        end = loop.time() + grace
        while self._live and loop.time() < end:
            await asyncio.sleep(0.02)
        for connection in list(self._live):
            connection.abort()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _address = await loop.sock_accept(self._socket)
                await self._find_room()
                tls = self._certificate.context() if self._certificate else None
                Connection(self._web, self._live, self._patience, self._invalid).open(accepted, tls)
            except OSError:  # hung up already, or no file handles are left
                await asyncio.sleep(0.1)

    async def _find_room(self) -> None:
        await asyncio.sleep(0)  # the others have their turn, even if new ones come without end
        while len(self._live) >= MAX_CONNECTIONS:
            now = asyncio.get_running_loop().time()
            oldest = next((one for one in self._live if not one.is_complete), None)
            if oldest is not None and now - oldest.since >= FAIR_SECONDS:
                oldest.abort()
            else:
                await asyncio.sleep(0.02)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = t.cast(Connection, request.protocol)
        try:
            reply = await self._reply(request, connection)
        except OSError:  # hung up, or cut off: nobody gets this answer
            reply = Reply(400, {})
        except Exception as error:  # pylint: disable=broad-exception-caught
            text = f"{type(error).__name__}. This is a defect; please report it."
            reply = self._receiver.refuse(request.remote or "", 500, "internal_error", text)
        connection.rest()
        return self._response(request, reply)

    async def _reply(self, request: web.BaseRequest, connection: Connection) -> Reply:
        refuse = functools.partial(self._receiver.refuse, request.remote or "")
        is_health = request.path == HEALTH
        if not is_health and request.path.rstrip("/") != self._path.rstrip("/"):
            return refuse(404, "not_found", "There is nothing here; check the path of the registered URL.")
        allowed = _allowed(request)
        if request.method not in allowed:
            return refuse(405, "not_allowed", f"Only {' and '.join(allowed)} is possible here.")
        if is_health:
            return await self._receiver.health()
        coding, length = request.headers.get("Transfer-Encoding"), request.content_length
        if coding is None and length is None:
            return refuse(411, "length_required", "The body needs a Content-Length.")
        if coding is not None and coding.lower() != "chunked":
            return refuse(400, "bad_request", "The length of the body is not clear.")
        try:
            body = b"" if (length or 0) > MAX_BODY else await _body(request, connection)
        except asyncio.TimeoutError:
            return refuse(408, "too_slow", "The body took too long.")
        except (web.RequestPayloadError, HttpProcessingError):
            return refuse(400, "bad_request", "The body is not chunked as it should be.")
        if max(length or 0, len(body)) > MAX_BODY:
            return refuse(413, "too_large", f"A callback has no more than {MAX_BODY >> 10} KiB.")
        connection.is_complete = True
        return await self._receiver.take(body, request.remote or "")

    def _invalid(self, request: web.BaseRequest, status: int) -> web.Response:
        phrase = f"{http.HTTPStatus(status).phrase}."
        return self._response(request, self._receiver.refuse(request.remote or "", status, "bad_request", phrase))

    def _response(self, request: web.BaseRequest, reply: Reply) -> web.Response:
        response = web.Response(
            status=reply.status,
            body=json.dumps(reply.body).encode() + b"\n",
            content_type="application/json",
            headers={"Server": "thingspace.licensing"},
        )
        if reply.status == http.HTTPStatus.METHOD_NOT_ALLOWED:
            response.headers["Allow"] = ", ".join(_allowed(request))
        if reply.status >= 400 or self._is_stopping or not request.content.is_eof():
            response.force_close()
        return response


def _heard(message: t.Any, payload: t.Any, protocol: t.Any, writer: t.Any, task: asyncio.Task[None]) -> web.BaseRequest:
    """A request whose head is complete."""
    protocol.hear(payload)
    return web.BaseRequest(message, payload, protocol, writer, task, asyncio.get_running_loop())


def _allowed(request: web.BaseRequest) -> tuple[str, ...]:
    return ("GET", "HEAD") if request.path == HEALTH else ("POST",)


async def _body(request: web.BaseRequest, connection: Connection) -> bytes:
    """The body, or more than is allowed of it."""

    async def read() -> bytes:
        body = bytearray()
        async for piece in request.content.iter_any():
            body += piece
            if len(body) > MAX_BODY:
                break
        return bytes(body)

    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    is_there = request.content.is_eof()  # as nearly always: then there is nothing to wait for
    return await (read() if is_there else asyncio.wait_for(read(), connection.seconds))
