# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The ThingSpace client: sends and receives JSON with both tokens, and logs in again once if a token expires."""

from __future__ import annotations

import contextlib
import random
import typing as t
import urllib.parse

from .._errors import LicensingError, defect
from .._progress import Progress
from .answers import decode, decode_list
from .auth import Authenticator
from .body import MAX_BODY
from .budget import Budget
from .connection import Connection
from .deadline import Deadline
from .request_result import RequestResult, TokenKind, expired_token, result_of
from .response import Response
from .retry import RetryPolicy
from .runtime_dir import Store
from .secrets import SecretRegister
from .sender import EachTime, RequestCount, Sender
from .stop import Stop
from .transport import Request, Transport

BUDGET_NAME = "budget-"

Body = t.Mapping[str, t.Any]
Headers = t.Mapping[str, str]


class Client:
    """Calls operations of the API.

    :param connection: validated options.
    :param store: what forks and jobs of one machine share.
    :param shared: what all nodes share, if there is a database: the count of logins, the request budget, and the
        tokens, if the user asks for that.
    :param secrets: gets every new token, unless C(hide_tokens) is False.
    :param progress: gets the progress that callers report; by default, nobody does.
    :param stop: knows whether the task must end early; by default, it never must.
    :ivar known: what ThingSpace said for good: all nodes share it, or else the jobs of one machine.
    """

    def __init__(
        self,
        connection: Connection,
        store: Store,
        secrets: SecretRegister,
        *,
        shared: Store | None = None,
        hide_tokens: bool = True,
        progress: Progress | None = None,
        stop: Stop | None = None,
    ) -> None:
        policy = RetryPolicy(retries=connection.retries, jitter=random.random)
        host = urllib.parse.quote(urllib.parse.urlsplit(connection.base_url).netloc, safe="")
        # A task that may only read what all nodes share heeds their logins, and counts everything else for itself.
        counted = shared if shared is not None and shared.lasting else None
        budget = _budget(store, counted, BUDGET_NAME + host, connection.rate_limit)
        deadline = Deadline(connection.deadline)
        self._sender = Sender(Transport(connection, secrets.mask), policy, budget, deadline, stop=stop)
        self.base_url = connection.base_url
        self.mask = secrets.mask
        self.secrets = secrets
        tokens = _token_store(store, counted if connection.share_tokens else None)
        self.auth = Authenticator(connection, self._sender, tokens, secrets, guards=shared, hide_tokens=hide_tokens)
        self.host = urllib.parse.urlsplit(connection.base_url).netloc
        self.max_concurrency = connection.max_concurrency
        self.store = store
        self.known = shared or store
        self.progress = progress or Progress()

    @property
    def count(self) -> RequestCount:
        """The cost of the calls so far."""
        return self._sender.count

    @property
    def writes(self) -> int:
        """How many writes may have been executed so far."""
        return self._sender.writes

    def close(self) -> None:
        """Close the connections. Nothing more is sent."""
        self._sender.close()

    def allow(self, seconds: float) -> None:
        """Allow this many seconds for work that must not stay half done, after the deadline or if the task must end."""
        self._sender.deadline.extend(seconds)
        self._sender.stop.allow(seconds)

    def not_counted(self, seconds: float) -> None:
        """Subtract this many past seconds from the used time. The deadline limits requests, not other waiting."""
        self._sender.deadline.pause(seconds)

    def get(self, operation: str, path: str) -> dict[str, t.Any]:
        """Read. The retry policy repeats it."""
        with _reading():
            return decode(self._call(self._to(operation, "GET", path), safe=True))

    def try_get(self, operation: str, path: str) -> dict[str, t.Any]:
        """Read something that the caller can do without. It is repeated once at most."""
        with _reading():
            return decode(self._call(self._to(operation, "GET", path), safe=True, retries=1))

    def get_list(self, operation: str, path: str) -> list[dict[str, t.Any]]:
        """Read something whose answer is an array of objects."""
        with _reading():
            return decode_list(self._call(self._to(operation, "GET", path), safe=True))

    def query(self, operation: str, path: str, body: Body, most: int = MAX_BODY) -> dict[str, t.Any]:
        """Read with a C(POST .../actions/list). It is repeated like any read.

        :param most: the largest size of the body of the answer, in bytes.
        """
        with _reading():
            return decode(self._call(self._to(operation, "POST", path, body, most=most), safe=True))

    def post(
        self,
        operation: str,
        path: str,
        body: Body,
        headers: Headers | None = None,
        each_time: EachTime | None = None,
    ) -> dict[str, t.Any]:
        """Write. Never repeated if it may have been executed."""
        return self._write(self._to(operation, "POST", path, body, headers), each_time)

    def delete(
        self,
        operation: str,
        path: str,
        body: Body | None = None,
        headers: Headers | None = None,
        each_time: EachTime | None = None,
    ) -> dict[str, t.Any]:
        """Delete, with a body if the documentation requires one. It is repeated no more often than C(post)."""
        return self._write(self._to(operation, "DELETE", path, body, headers), each_time)

    def _to(
        self,
        operation: str,
        method: str,
        path: str,
        body: Body | None = None,
        headers: Headers | None = None,
        most: int = MAX_BODY,
    ) -> Request:
        """A request without tokens."""
        return Request(operation, method, self.base_url + path, None, body, headers=headers, most=most)

    def _write(self, request: Request, each_time: EachTime | None) -> dict[str, t.Any]:
        """Send every write. Unless the answer confirms it, raise an error that knows whether it may have been executed.

        Until that is ruled out, the write counts as possibly executed.

        :raises LicensingError: C(in_doubt) says whether the write may have been executed, even if the error is a defect
            of ours.
        """
        self._sender.may_write(1)
        try:
            return decode(self._call(request, each_time=each_time))
        except LicensingError as error:
            if not error.in_doubt:
                self._sender.may_write(-1)
            raise
        except Exception as error:  # pylint: disable=broad-exception-caught
            raise defect(error, may_be_done=f"'{request.operation}' may have been carried out.") from None

    def _call(
        self,
        request: Request,
        *,
        safe: bool = False,
        retries: int | None = None,
        each_time: EachTime | None = None,
    ) -> Response:
        """One operation. Returns an answer with any status, except one that says that a token has expired.

        :param request: gets the tokens.
        :param safe: whether it only reads.
        :param retries: how often it may be repeated at most; None for as often as any other.
        :param each_time: see C(EachTime).
        :raises LicensingError: there was no answer.
        """
        renewed: set[TokenKind] = set()
        while True:
            tokens = self.auth.tokens()
            authorized = request._replace(auth=tokens.auth())
            response = self._sender.send(authorized, safe=safe, retries=retries, each_time=each_time)
            kind = self._to_renew(response, renewed)
            if kind is None:
                return response
            renewed.add(kind)
            if each_time is not None:
                each_time.not_carried_out()
            # If a token was refused, nothing was executed. So a write may be sent again.
            self.auth.renew(tokens, kind)

    @staticmethod
    def _to_renew(response: Response, renewed: set[TokenKind]) -> TokenKind | None:
        kind = expired_token(response) if result_of(response) is RequestResult.EXPIRED else None
        if kind is None or kind not in renewed:
            return kind
        # The new token of that kind was refused, too. A bare 401 does not say which token is meant, so try the other.
        other: TokenKind = "access" if kind == "session" else "session"
        return other if response.status == 401 and other not in renewed else None


def _token_store(store: Store, shared: Store | None) -> Store:
    if shared is None:
        return store
    from .token_store import TokenStore  # pylint: disable=import-outside-toplevel

    return TokenStore(shared)


def _budget(store: Store, shared: Store | None, name: str, limit: float) -> Budget:
    if shared is None:
        return Budget(store, name, limit)
    # A module compiles what it imports, each time. Most jobs have no database.
    from .lease import LeasedBudget  # pylint: disable=import-outside-toplevel

    return LeasedBudget(shared, name, limit)


@contextlib.contextmanager
def _reading() -> t.Iterator[None]:
    """Everything inside only reads. So a failure has executed nothing, whatever the answer was."""
    try:
        yield
    except LicensingError as error:
        error.in_doubt = False
        raise


def segments(*parts: str) -> str:
    """A path of quoted segments. No part can add a segment or a query."""
    return "".join("/" + urllib.parse.quote(part, safe="") for part in parts)
