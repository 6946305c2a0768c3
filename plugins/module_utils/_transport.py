# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""One HTTP exchange: bounded in time and size, no redirects, no ambient credentials; every failure has a name.

What C(requests) would do by itself, and is prevented here: wait for ever, follow redirects with a changed method,
replace our Authorization by a ~/.netrc entry, let a CA bundle variable override the options, keep cookies.
"""

from __future__ import annotations

import dataclasses
import http.cookiejar
import queue
import threading
import time
import typing as t
import warnings

from ._connection import Connection, is_loopback
from ._errors import TransportError
from ._requests import AuthBase, requests
from ._transport_errors import named, too_slow

CONNECT_TIMEOUT = 15.0
MAX_BODY = 16 * 1024 * 1024
"""Largest answer, in bytes, that is read. A page of 1,000 devices has about 80 kB."""

_CHUNK = 64 * 1024
USER_AGENT = "thingspace.licensing (Ansible collection)"


@dataclasses.dataclass(frozen=True)
class Request:
    """What to send. C(operation) is its name in messages ("list licences"), C(headers) come on top of the usual."""

    operation: str
    method: str
    url: str
    auth: t.Any
    json: t.Any = None
    form: t.Mapping[str, str] | None = None
    headers: t.Mapping[str, str] | None = None


@dataclasses.dataclass(frozen=True)
class Response:
    """A complete answer; header names in lower case. C(mask) takes secrets out of what is quoted from it."""

    operation: str
    status: int
    headers: t.Mapping[str, str]
    body: bytes
    mask: t.Callable[[str], str] = str


class HeaderAuth(AuthBase):
    """Sets headers as the last step of preparing a request, where no netrc entry can replace them."""

    def __init__(self, headers: t.Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: t.Any) -> t.Any:
        request.headers.update(self._headers)
        return request


class _Worker:
    """A thread that carries out exchanges, one at a time.

    The timeouts of C(requests) start anew with every byte, so a server that drips would keep a task for ever. Therefore
    an exchange runs in a thread that can be abandoned: nobody waits for it longer than allowed, nor uses it again.
    """

    def __init__(self, exchange: t.Callable[[Request, float], Response]) -> None:
        self._jobs: queue.SimpleQueue[tuple[Request, float]] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[Response | BaseException] = queue.SimpleQueue()
        self._exchange = exchange
        threading.Thread(target=self._run, daemon=True).start()

    def carry_out(self, request: Request, seconds: float) -> Response | BaseException:
        """The outcome of an exchange.

        :raises queue.Empty: it takes too long; this worker is lost.
        """
        self._jobs.put((request, seconds))
        return self._outcomes.get(timeout=seconds + 0.25)

    def _run(self) -> None:
        while True:
            request, seconds = self._jobs.get()
            try:
                self._outcomes.put(self._exchange(request, seconds))
            except BaseException as error:  # pylint: disable=broad-exception-caught
                self._outcomes.put(error)


class Transport:
    """Sends requests over kept-alive connections; may be used by several threads."""

    def __init__(self, connection: Connection, mask: t.Callable[[str], str] = str) -> None:
        self._mask = mask
        self._idle: list[_Worker] = []
        self._timeout = connection.timeout
        self._verify: bool | str = (connection.ca_path or True) if connection.validate_certs else False
        # Environment proxies apply, but never between the task and a server on its own machine.
        self._proxies = {"no_proxy": connection.host} if is_loopback(connection.host) else {}
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json"})
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=connection.max_concurrency + 1, max_retries=0)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        if not connection.validate_certs:
            # The user chose this with an option; a warning for each request would only hide others.
            warnings.filterwarnings("ignore", message="Unverified HTTPS request")

    def send(self, request: Request, limit: float) -> Response:
        """One exchange, within C(timeout) and C(limit) seconds in all, whatever the server does.

        :raises TransportError: no usable answer; says whether the request may have been executed.
        """
        seconds = min(self._timeout, limit)
        worker = self._idle.pop() if self._idle else _Worker(self._exchange)
        try:
            outcome = worker.carry_out(request, seconds)
        except queue.Empty:
            raise too_slow(request.operation, seconds) from None
        self._idle.append(worker)
        if isinstance(outcome, Response):
            return outcome
        raise named(outcome, request.operation, seconds)

    def _exchange(self, request: Request, seconds: float) -> Response:
        end = time.monotonic() + seconds
        kind = {} if request.form is not None else {"Content-Type": "application/json"}
        answer = self._session.request(
            request.method,
            request.url,
            json=request.json,
            data=request.form,
            headers={**kind, **(request.headers or {})},
            auth=request.auth,
            timeout=(min(CONNECT_TIMEOUT, seconds), seconds),
            verify=self._verify,
            proxies=dict(self._proxies),
            allow_redirects=False,
            stream=True,
        )
        with answer:
            body = _read(answer, request, end, seconds)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(request.operation, answer.status_code, headers, body, self._mask)


def _read(answer: requests.Response, request: Request, end: float, seconds: float) -> bytes:
    body = bytearray()
    for chunk in answer.iter_content(_CHUNK):
        body += chunk
        if len(body) > MAX_BODY:
            raise TransportError(
                f"The answer to '{request.operation}' is larger than {MAX_BODY >> 20} MiB, which no ThingSpace answer "
                "is; reading it was stopped. Check 'base_url' and any proxy in between.",
                code="answer_too_large",
                sent=True,
                retryable=False,
            )
        if time.monotonic() > end:
            raise too_slow(request.operation, seconds)
    return bytes(body)
