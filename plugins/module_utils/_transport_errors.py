# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Giving the failures of C(requests) names: a code, whether the request may have been executed, and what to do.

Their own texts may hold addresses and credentials of proxies, so they are not used.
"""

from __future__ import annotations

import ssl
import typing as t

from ._errors import TransportError
from ._requests import requests


def named(error: BaseException, what: str, seconds: float) -> BaseException:
    """The named form of a failure; what is no failure of C(requests) is returned as it is.

    :param what: the operation.
    :param seconds: what the exchange was allowed to take.
    """
    kinds = requests.exceptions
    if isinstance(error, TransportError) or not isinstance(error, kinds.RequestException):
        return error
    if isinstance(error, kinds.SSLError):
        return _tls_failed(what, error)
    if isinstance(error, (kinds.InvalidURL, kinds.InvalidSchema, kinds.MissingSchema, kinds.InvalidHeader)):
        return TransportError(
            f"'{what}' could not be sent: 'base_url' or the proxy settings are not valid ({type(error).__name__}).",
            code="invalid_options",
            sent=False,
            retryable=False,
        )
    return _connection_failed(what, error, seconds)


def _connection_failed(what: str, error: BaseException, seconds: float) -> TransportError:
    names = {type(part).__name__ for part in _chain(error)}
    if isinstance(error, requests.exceptions.ProxyError) and "ConnectionResetError" not in names:
        return _unconnected(what, f"the proxy refused or could not be reached ({_cause(error)})")
    if names & {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "LocationParseError"}:
        return _unconnected(what, _cause(error))
    if names & {"ReadTimeout", "ReadTimeoutError"}:
        return too_slow(what, seconds)
    return TransportError(
        f"The connection broke during '{what}' ({_cause(error)}); it is not known whether ThingSpace carried it out.",
        code="connection_failed",
        sent=True,
    )


def _chain(error: BaseException) -> t.Iterator[BaseException]:
    """An exception and what caused it, the way C(requests) and C(urllib3) nest them."""
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
        if type(cause).__name__ == "NameResolutionError":
            return "the host name could not be resolved"
        if type(cause).__name__ == "ConnectTimeoutError":
            return "no connection within the time allowed"
        if isinstance(cause, OSError) and cause.strerror and not isinstance(cause, requests.RequestException):
            return cause.strerror.lower()
        if type(cause).__name__ == "IncompleteRead":
            return "the answer ended too early"
        if type(cause).__name__ == "RemoteDisconnected":
            return "the server closed the connection without answering"
    return type(error).__name__


def _unconnected(operation: str, cause: str) -> TransportError:
    return TransportError(
        f"Could not connect for '{operation}': {cause}. Nothing was sent. Check 'base_url', the network and the proxy.",
        code="connection_failed",
        sent=False,
    )


def too_slow(what: str, seconds: float) -> TransportError:
    return TransportError(
        f"No complete answer to '{what}' within {seconds:g} s. Raise 'timeout' if the server is known to be slow.",
        code="timeout",
        sent=True,
    )


def _tls_failed(operation: str, error: BaseException) -> TransportError:
    """A refused certificate means that nothing was sent; a TLS connection that breaks later may have carried all."""
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = getattr(cause, "verify_message", "") or "its name does not fit"
            return TransportError(
                f"The server's certificate was refused during '{operation}': {reason}. Nothing was "
                "sent. Name the authority that signed it with 'ca_path', or correct 'base_url'.",
                code="tls_failed",
                sent=False,
                retryable=False,
            )
    return TransportError(
        f"The TLS connection failed during '{operation}'. Check that 'base_url' names a TLS port and that 'ca_path' "
        "is a certificate file.",
        code="tls_failed",
        sent=True,
        retryable=False,
    )
