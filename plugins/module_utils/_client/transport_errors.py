# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Names the failures of an exchange: a code, what is known about the request, and what to do.

The connection knows whether the request was sent. That is never concluded from a failure. The texts of failures are not
used, because they may contain addresses and credentials of proxies.
"""

from __future__ import annotations

import http.client
import os
import re
import ssl
import typing as t
import urllib.parse

from .._errors import TransportError
from .body import NotWhole, TooLarge, TooLate
from .requests_dep import requests, urllib3

_UNUSABLE = frozenset(
    {"InvalidURL", "InvalidSchema", "MissingSchema", "InvalidHeader", "InvalidProxyURL", "LocationParseError"}
)


OF_ONE_CALL = ("timeout", "answer_too_large", "connection_failed")
"""What may happen to one call and not to others. Any other error of the transport ends the task."""


def server_of(url: str) -> str:
    """The host and port of an address, without anything else that may be in it."""
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    return f"{f'[{host}]' if ':' in host else host}:{parts.port or (80 if parts.scheme == 'http' else 443)}"


def named(error: BaseException, what: str, seconds: float, *, where: str, in_doubt: bool) -> BaseException:
    """The named form of a failure. Anything that is not a failure of sending is returned unchanged.

    :param what: the operation.
    :param seconds: how long the exchange was allowed to take.
    :param where: C(server_of) its address.
    :param in_doubt: whether any byte of the request left.
    """
    if isinstance(error, TransportError) or not isinstance(error, Exception):
        return error
    if not in_doubt and not isinstance(
        error, (OSError, ValueError, TooLarge, http.client.HTTPException, urllib3.exceptions.HTTPError)
    ):
        return error  # a defect of ours, and nothing was sent
    return _after_sending(error, what, seconds, where) if in_doubt else _before_sending(error, what, where)


def too_slow(what: str, seconds: float, *, where: str, in_doubt: bool) -> TransportError:
    """The failure of an exchange that took too long."""
    if not in_doubt:
        return _unconnected(what, where, "no connection within the time allowed")
    return TransportError(
        f"No complete answer to '{what}' within {seconds:g} s. Raise 'timeout' if the server is known to be slow.",
        code="timeout",
        in_doubt=True,
    )


def _after_sending(error: Exception, what: str, seconds: float, where: str) -> TransportError:
    """The request may have been executed, whatever broke."""
    names = {type(part).__name__ for part in _chain(error)}
    if isinstance(error, TooLarge):
        return TransportError(
            f"The answer to '{what}' is larger than {error.most >> 20} MiB or has too many values. No answer of "
            "ThingSpace is like that, so reading it was stopped. Check 'base_url' and any proxy in between.",
            code="answer_too_large",
            in_doubt=True,
            retryable=False,
        )
    if isinstance(error, TooLate) or names & {"ReadTimeout", "ReadTimeoutError"}:
        return too_slow(what, seconds, where=where, in_doubt=True)
    cause = "the answer ended too early" if isinstance(error, NotWhole) else _cause(error)
    return TransportError(
        f"The connection broke during '{what}' ({where}: {cause}); it is not known whether ThingSpace carried it out.",
        code="connection_failed",
        in_doubt=True,
    )


def _before_sending(error: Exception, what: str, where: str) -> TransportError:
    kinds = requests.exceptions
    names = {type(part).__name__ for part in _chain(error)}
    if isinstance(error, kinds.SSLError):
        return _tls_failed(what, error)
    if isinstance(error, kinds.ProxyError):
        return _unconnected(what, where, _proxy(error))
    if names & _UNUSABLE or isinstance(error, UnicodeError):
        return TransportError(
            f"'{what}' could not be sent: 'base_url' or the proxy settings are not valid ({type(error).__name__}).",
            code="invalid_options",
            in_doubt=False,
            retryable=False,
        )
    return _unconnected(what, where, _cause(error))


def _chain(error: BaseException) -> t.Iterator[BaseException]:
    """An exception and its causes, as C(requests) and C(urllib3) nest them."""
    pending: list[t.Any] = [error]
    seen: set[int] = set()
    while pending:
        current = pending.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        pending += [getattr(current, "reason", None), current.__cause__, current.__context__, *current.args]


def _cause(error: BaseException) -> str:
    for cause in _chain(error):
        name = type(cause).__name__
        if name == "NameResolutionError":
            return "the host name could not be resolved"
        if name == "ConnectTimeoutError":
            return "no connection within the time allowed"
        if name in ("InvalidHeader", "InvalidChunkLength", "BadStatusLine", "LineTooLong"):
            return "the answer is not valid HTTP"
        if name in ("IncompleteRead", "NotWhole"):
            return "the answer ended too early"
        if name == "TooLarge":
            return "the answer never ends"
        if name == "RemoteDisconnected":
            return "the server closed the connection without answering"
        if isinstance(cause, ssl.SSLError):
            return "the TLS connection broke"
        if isinstance(cause, OSError) and cause.errno and not isinstance(cause, requests.RequestException):
            return os.strerror(cause.errno).lower()
    return type(error).__name__


def _proxy(error: BaseException) -> str:
    """The proxy's answer to CONNECT, if it is a status."""
    for cause in _chain(error):
        found = re.search(r"Tunnel connection failed: (\d{3})\b", str(cause)) if isinstance(cause, OSError) else None
        if found:
            return f"the proxy refused the connection (HTTP {found.group(1)})"
    return f"the proxy refused or could not be reached ({_cause(error)})"


def _unconnected(operation: str, where: str, cause: str) -> TransportError:
    return TransportError(
        f"Could not connect to {where} for '{operation}': {cause}. Nothing was sent. Check 'base_url', the network and "
        "the proxy.",
        code="connection_failed",
        in_doubt=False,
    )


def _tls_failed(operation: str, error: BaseException) -> TransportError:
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = getattr(cause, "verify_message", "") or "its name does not fit"
            return TransportError(
                f"The server's certificate was refused during '{operation}': {reason}. Nothing was "
                "sent. Name the authority that signed it with 'ca_path', or correct 'base_url'.",
                code="tls_failed",
                in_doubt=False,
                retryable=False,
            )
    return TransportError(
        f"The TLS connection failed during '{operation}'. Nothing was sent. Check that 'base_url' names a TLS port and "
        "that 'ca_path' is a certificate file.",
        code="tls_failed",
        in_doubt=False,
        retryable=False,
    )
