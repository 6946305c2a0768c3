# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""One HTTP exchange: limited in time and size, without redirects and ambient credentials. Every failure has a name.

By itself, C(requests) would wait forever, follow redirects with a changed method, replace our Authorization by a
~/.netrc entry, let a CA bundle variable override the options, and keep cookies. This module prevents that.
"""

from __future__ import annotations

import http.cookiejar
import queue
import threading
import time
import typing as t
import warnings

from .body import ENCODINGS, MAX_BODY, read_body
from .connection import Connection, is_loopback
from .request_result import RequestResult, result_of
from .requests_dep import AuthBase, requests
from .response import Response
from .transport_errors import named, server_of, too_slow
from .wire import NotingAdapter, SendNote, noted_by

CONNECT_TIMEOUT = 15.0
USER_AGENT = "thingspace.licensing (Ansible collection)"


class Request(t.NamedTuple):
    """What to send.

    :param operation: its name in messages ("list licenses").
    :param headers: are added to the usual ones.
    :param most: the largest size of the body of the answer, in bytes.
    """

    operation: str
    method: str
    url: str
    auth: t.Any
    json: t.Any = None
    form: t.Mapping[str, str] | None = None
    headers: t.Mapping[str, str] | None = None
    most: int = MAX_BODY


class HeaderAuth(AuthBase):
    """Sets headers in the last step of preparing a request, so that no netrc entry can replace them."""

    def __init__(self, headers: t.Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: t.Any) -> t.Any:
        request.headers.update(self._headers)
        return request


class _Worker:
    """A thread that carries out exchanges, one at a time.

    The timeouts of C(requests) start again with every byte, so a slow server could hold up a task forever. Therefore an
    exchange runs in a thread that can be abandoned. Nobody waits for it longer than allowed, and nobody uses it again.
    """

    def __init__(self, exchange: t.Callable[[NotingAdapter, Request, float], Response]) -> None:
        # It has connections of its own. If one is broken, it can be closed before another request uses it.
        self._adapter = NotingAdapter(pool_maxsize=1, max_retries=0)
        self._jobs: queue.SimpleQueue[tuple[Request, float, SendNote] | None] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[Response | BaseException] = queue.SimpleQueue()
        self._exchange = exchange
        threading.Thread(target=self._run, daemon=True).start()

    def carry_out(self, request: Request, seconds: float, note: SendNote) -> Response | BaseException:
        """The outcome of an exchange.

        :param note: gets notified when the request is written.
        :raises queue.Empty: it takes too long; this worker is lost.
        """
        self._jobs.put((request, seconds, note))
        return self._outcomes.get(timeout=seconds + 0.25)

    def end(self) -> None:
        """End the thread, which is idle."""
        self._jobs.put(None)

    def _run(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                self._adapter.close()
                return
            request, seconds, note = job
            try:
                with noted_by(note):
                    outcome = self._exchange(self._adapter, request, seconds)
                if result_of(outcome) is RequestResult.IN_DOUBT:
                    # Another answer may follow, and would be mistaken for the answer to the next request.
                    self._adapter.close()
                self._outcomes.put(outcome)
            except BaseException as error:  # pylint: disable=broad-exception-caught
                self._adapter.close()
                self._outcomes.put(error)


class Transport:
    """Sends requests over kept-alive connections. Several threads may use it."""

    def __init__(self, connection: Connection, mask: t.Callable[[str], str] = str) -> None:
        self._mask = mask
        self._idle: list[_Worker] = []
        self._timeout = connection.timeout
        self._verify: bool | str = (connection.ca_path or True) if connection.validate_certs else False
        # Proxies from the environment apply, but never between the task and a server on its own machine.
        self._proxies = {"no_proxy": connection.host} if is_loopback(connection.host) else {}
        self._session = requests.Session()
        self._session.headers.update(
            {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": ENCODINGS}
        )
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        if not connection.validate_certs:
            # The user chose this with an option. A warning for each request would only hide others.
            warnings.filterwarnings("ignore", message="Unverified HTTPS request")

    def send(self, request: Request, limit: float) -> Response:
        """One exchange, within C(timeout) and C(limit) seconds in total, whatever the server does.

        :raises TransportError: there was no usable answer; the error says whether the request may have been executed.
        """
        seconds = min(self._timeout, limit)
        worker = self._idle.pop() if self._idle else _Worker(self._exchange)
        note = SendNote()
        try:
            outcome = worker.carry_out(request, seconds, note)
        except queue.Empty:
            where = server_of(request.url)
            raise too_slow(request.operation, seconds, where=where, in_doubt=note.give_up()) from None
        self._idle.append(worker)
        if isinstance(outcome, Response):
            return outcome
        raise named(outcome, request.operation, seconds, where=server_of(request.url), in_doubt=note.give_up())

    def close(self) -> None:
        """Close the connections. This also ends a connection of an abandoned exchange."""
        while self._idle:
            self._idle.pop().end()

    def _exchange(self, adapter: NotingAdapter, request: Request, seconds: float) -> Response:
        end = time.monotonic() + seconds
        kind = {} if request.form is not None else {"Content-Type": "application/json"}
        prepared = self._session.prepare_request(
            requests.Request(
                request.method,
                request.url,
                json=request.json,
                data=request.form,
                headers={**kind, **(request.headers or {})},
                auth=request.auth,
            )
        )
        ambient = self._session.merge_environment_settings(prepared.url, dict(self._proxies), True, self._verify, None)
        # Not through Session.send, which would read the whole body of a redirect and parse its Location.
        answer = adapter.send(
            prepared,
            stream=True,
            timeout=(min(CONNECT_TIMEOUT, seconds), seconds),
            verify=t.cast("bool | str", ambient["verify"]),
            proxies=ambient["proxies"],
        )
        with answer:
            body = read_body(answer.raw, answer.headers, end, request.most)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(request.operation, answer.status_code, headers, body, self._mask)
