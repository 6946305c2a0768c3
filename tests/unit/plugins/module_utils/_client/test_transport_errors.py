# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The failures of requests, under names of our own and without their texts."""

from __future__ import annotations

import http.client
import socket
import ssl
import typing as t

import pytest
import requests
import urllib3
from requests import exceptions as kinds
from urllib3 import exceptions as inner

from ansible_collections.thingspace.licensing.plugins.module_utils._client.transport_errors import named, server_of
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import TransportError

SECRET = "http://user:pass-word@proxy.test"
POOL = urllib3.HTTPConnectionPool("x.test")
ANY_POOL: t.Any = POOL


def wrapped(reason: Exception) -> inner.MaxRetryError:
    """A reason as urllib3 hands it to requests."""
    return inner.MaxRetryError(POOL, SECRET, reason)


def connecting(error: Exception) -> inner.NewConnectionError:
    """A connection that could not be made."""
    result = inner.NewConnectionError(ANY_POOL, SECRET)
    result.__cause__ = error
    return result


def chained(outer: Exception, cause: Exception) -> Exception:
    """An error with a cause."""
    outer.__cause__ = cause
    return outer


WHERE = "things.example:8443"

CERTIFICATE = ssl.SSLCertVerificationError(1, SECRET)
CERTIFICATE.verify_message = "self-signed certificate"


@pytest.mark.parametrize(
    ("error", "code", "sent", "retryable"),
    [
        (
            kinds.ConnectionError(wrapped(connecting(ConnectionRefusedError(111, "Connection refused")))),
            "connection_failed",
            False,
            True,
        ),
        (kinds.ConnectTimeout(wrapped(inner.ConnectTimeoutError(POOL, SECRET))), "connection_failed", False, True),
        (kinds.ReadTimeout(inner.ReadTimeoutError(POOL, "/", SECRET)), "timeout", True, True),
        (kinds.ConnectionError(inner.ReadTimeoutError(POOL, "/", SECRET)), "timeout", True, True),
        (
            kinds.ConnectionError(inner.ProtocolError(SECRET, ConnectionResetError(104, "Connection reset by peer"))),
            "connection_failed",
            True,
            True,
        ),
        (
            kinds.ConnectionError(inner.ProtocolError(SECRET, http.client.RemoteDisconnected(SECRET))),
            "connection_failed",
            True,
            True,
        ),
        (
            kinds.ChunkedEncodingError(inner.ProtocolError(SECRET, inner.IncompleteRead(1, 2))),
            "connection_failed",
            True,
            True,
        ),
        (kinds.ContentDecodingError(SECRET), "connection_failed", True, True),
        (
            kinds.ProxyError(wrapped(inner.ProxyError(SECRET, connecting(OSError(111, "Connection refused"))))),
            "connection_failed",
            False,
            True,
        ),
        (
            kinds.ProxyError(wrapped(inner.ProxyError(SECRET, OSError("Tunnel connection failed: 407")))),
            "connection_failed",
            False,
            True,
        ),
        (kinds.SSLError(wrapped(inner.SSLError(CERTIFICATE))), "tls_failed", False, False),
        (kinds.SSLError(chained(inner.SSLError(SECRET), CERTIFICATE)), "tls_failed", False, False),
        (kinds.SSLError(wrapped(inner.SSLError(ssl.SSLError(1, SECRET)))), "tls_failed", False, False),
        (kinds.SSLError(wrapped(inner.SSLError(ssl.SSLError(1, SECRET)))), "connection_failed", True, True),
        (kinds.InvalidURL(SECRET), "invalid_options", False, False),
        (kinds.InvalidProxyURL(SECRET), "invalid_options", False, False),
        (kinds.InvalidSchema(SECRET), "invalid_options", False, False),
        (kinds.MissingSchema(SECRET), "invalid_options", False, False),
        (kinds.InvalidHeader(SECRET), "invalid_options", False, False),
        (requests.RequestException(SECRET), "connection_failed", True, True),
    ],
)
def test_named(error: Exception, code: str, sent: bool, retryable: bool) -> None:
    found = named(error, "do it", 5.0, where=WHERE, in_doubt=sent)
    assert isinstance(found, TransportError)
    assert (found.code, found.in_doubt, found.retryable) == (code, sent, retryable)
    assert "'do it'" in found.message
    assert (WHERE in found.message) is (code == "connection_failed")
    assert "pass-word" not in found.message


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("https://things.example/api/x?a=b", "things.example:443"),
        ("http://127.0.0.1:8099/api", "127.0.0.1:8099"),
        ("http://somebody:pass-word@[::1]/api", "[::1]:80"),
    ],
)
def test_host_and_port_and_nothing_else(url: str, where: str) -> None:
    assert server_of(url) == where


def test_host_name_that_python_itself_compared() -> None:
    # Without OpenSSL's attributes, as ssl.match_hostname raises it for old versions of urllib3.
    found = named(
        kinds.SSLError(wrapped(inner.SSLError(ssl.CertificateError("no match")))),
        "do it",
        5.0,
        where=WHERE,
        in_doubt=False,
    )
    assert isinstance(found, TransportError)
    assert (found.code, found.in_doubt, found.retryable) == ("tls_failed", False, False)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (
            kinds.ConnectionError(wrapped(connecting(ConnectionRefusedError(111, "Connection refused")))),
            "connection refused",
        ),
        (
            kinds.ConnectionError(wrapped(inner.NameResolutionError("x", ANY_POOL, socket.gaierror()))),
            "the host name could not be resolved",
        ),
        (kinds.ConnectTimeout(wrapped(inner.ConnectTimeoutError(POOL, ""))), "no connection within the time allowed"),
        (
            kinds.ConnectionError(http.client.RemoteDisconnected("")),
            "the server closed the connection without answering",
        ),
        (kinds.ChunkedEncodingError(inner.IncompleteRead(1, 2)), "the answer ended too early"),
        (kinds.ContentDecodingError(SECRET), "ContentDecodingError"),
    ],
)
@pytest.mark.parametrize("sent", [True, False])
def test_cause(error: Exception, cause: str, sent: bool) -> None:
    found = named(error, "do it", 5.0, where=WHERE, in_doubt=sent)
    assert isinstance(found, TransportError)
    assert cause in found.message


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), TransportError("x", code="timeout", in_doubt=True)])
def test_other_errors_stay_what_they_are(error: BaseException, sent: bool) -> None:
    assert named(error, "do it", 5.0, where=WHERE, in_doubt=sent) is error


EVERY = [
    *(kind(SECRET) for kind in (ValueError, OSError, RuntimeError, MemoryError, http.client.HTTPException)),
    *(
        kind(SECRET)
        for kind in vars(kinds).values()
        if isinstance(kind, type) and issubclass(kind, kinds.RequestException) and not issubclass(kind, ValueError)
    ),
    kinds.ConnectionError(wrapped(connecting(OSError(111, "Connection refused")))),
    kinds.SSLError(chained(inner.SSLError(SECRET), CERTIFICATE)),
]


@pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
def test_what_was_written_is_in_doubt_whatever_the_exception_is_called(error: Exception) -> None:
    found = named(error, "do it", 5.0, where=WHERE, in_doubt=True)
    assert isinstance(found, TransportError)
    assert found.in_doubt
    assert "Nothing was sent" not in found.message
    assert "pass-word" not in found.message


def test_circle_of_causes_ends() -> None:
    one, two = kinds.ConnectionError("a"), ValueError("b")
    one.__cause__, two.__cause__ = two, one
    assert isinstance(named(one, "do it", 5.0, where=WHERE, in_doubt=True), TransportError)
