# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The connection options: their argument spec and their validation. Nothing here uses the network.

All modules share these options. C(doc_fragments/_connection.py) documents them.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import typing as t
import urllib.parse

from ansible.module_utils.common.parameters import env_fallback

from .._errors import Problem
from .._text.addresses import as_place, is_database
from .runtime_dir import default_directory

DEFAULT_BASE_URL = "https://thingspace.verizon.com/api"


def _option(name: str, **spec: t.Any) -> dict[str, dict[str, t.Any]]:
    return {name: {"fallback": (env_fallback, [f"THINGSPACE_{name.upper()}"]), **spec}}


CONNECTION_SPEC: dict[str, dict[str, t.Any]] = {
    **_option("base_url", type="str", default=DEFAULT_BASE_URL),
    **_option("client_id", type="str"),
    **_option("client_secret", type="str", no_log=True),
    **_option("username", type="str"),
    **_option("password", type="str", no_log=True),
    **_option("access_token", type="str", no_log=True),
    **_option("session_token", type="str", no_log=True),
    **_option("validate_certs", type="bool", default=True),
    **_option("ca_path", type="path"),
    **_option("timeout", type="float", default=60),
    **_option("deadline", type="float", default=3600),
    **_option("retries", type="int", default=5),
    **_option("max_concurrency", type="int", default=4),
    **_option("rate_limit", type="float", default=0),
    **_option("runtime_dir", type="path"),
    **_option("journal", type="str"),
    **_option("share_tokens", type="bool", default=False),
}
"""Argument spec of the connection options. Each falls back to C(THINGSPACE_<OPTION>)."""


@dataclasses.dataclass(frozen=True, repr=False)
class Connection:
    """Validated connection options. There is no C(repr), so a secret is never printed."""

    base_url: str
    client_id: str | None
    client_secret: str | None
    username: str | None
    password: str | None
    access_token: str | None
    session_token: str | None
    validate_certs: bool
    ca_path: str | None
    timeout: float
    deadline: float
    retries: int
    max_concurrency: int
    rate_limit: float
    runtime_dir: str
    journal: str | None
    share_tokens: bool

    @property
    def host(self) -> str:
        """Host name of the API."""
        return urllib.parse.urlsplit(self.base_url).hostname or ""

    @property
    def secrets(self) -> tuple[str | None, ...]:
        """The secret options."""
        return (self.client_secret, self.password, self.access_token, self.session_token)


def connection_from(params: t.Mapping[str, t.Any]) -> tuple[Connection, list[Problem]]:
    """Read the options. Returns them with all problems.

    :param params: a module's C(params), or any mapping with the same names.
    """
    values: dict[str, t.Any] = {name: params.get(name) for name in CONNECTION_SPEC}
    values["base_url"] = (values["base_url"] or DEFAULT_BASE_URL).rstrip("/")
    if values["runtime_dir"] is None:
        values["runtime_dir"] = default_directory()
    for name in (
        "client_id",
        "client_secret",
        "username",
        "password",
        "access_token",
        "session_token",
        "ca_path",
        "journal",
    ):
        values[name] = values[name] or None
    connection = Connection(**values)
    problems = [
        *_url_problems(connection.base_url),
        *_credential_problems(connection),
        *_text_problems(connection),
        *_tls_problems(connection),
        *_number_problems(values),
        *_sharing_problems(connection),
    ]
    return connection, problems


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _url_problems(url: str) -> t.Iterator[Problem]:
    try:
        parts = urllib.parse.urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        yield Problem("'base_url' is not a URL. Use one like " + DEFAULT_BASE_URL + ".")
        return
    if parts.scheme not in ("http", "https") or not host:
        yield Problem("'base_url' must start with https:// and contain a host, like " + DEFAULT_BASE_URL + ".")
    elif parts.scheme == "http" and not is_loopback(host):
        yield Problem(
            f"'base_url' uses plain http to {host}: passwords would cross the network unencrypted. Use https://. "
            "Plain http is accepted only for this machine (localhost, 127.0.0.1), where the simulator runs.",
            "insecure_url",
        )
    if parts.username or parts.password or "?" in url or "#" in url:
        yield Problem("'base_url' must hold neither credentials nor a query; use the credential options.")


def _credential_problems(connection: Connection) -> t.Iterator[Problem]:
    pairs = (
        ("client_id", "client_secret", "access_token", "the application (OAuth)"),
        ("username", "password", "session_token", "the ThingSpace user"),
    )
    for name, secret, token, whose in pairs:
        has = {key: bool(getattr(connection, key)) for key in (name, secret, token)}
        if has[name] != has[secret]:
            missing, given = (secret, name) if has[name] else (name, secret)
            yield Problem(
                f"'{given}' is given without '{missing}': both are needed to log in. Set '{missing}' or "
                f"the environment variable THINGSPACE_{missing.upper()}.",
                "missing_credentials",
            )
        elif not has[name] and not has[token]:
            yield Problem(
                f"No credentials of {whose}: set '{name}' and '{secret}' (or THINGSPACE_{name.upper()} and "
                f"THINGSPACE_{secret.upper()}), or hand over '{token}'.",
                "missing_credentials",
            )
    if ":" in (connection.client_id or ""):
        yield Problem("'client_id' must not hold a colon; it looks like id and secret in one.")


_LINE_BREAKS = frozenset("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
_BLANKS = " \t\xa0\ufeff"


def _text_problems(connection: Connection) -> t.Iterator[Problem]:
    """Find values that no credential can have, so that no refused login is wasted on them. Quotes nothing."""
    for name in ("client_id", "client_secret", "username", "password", "access_token", "session_token"):
        value = getattr(connection, name) or ""
        if _LINE_BREAKS & set(value) or value != value.strip().strip(_BLANKS):
            yield Problem(
                f"'{name}' holds a line break, or a blank at its beginning or end. A secret that is read from a file "
                "often ends in a line break: remove it, for example with the filter 'trim'."
            )
        elif name.endswith("_token") and (not value.isprintable() or " " in value or not value.isascii()):
            yield Problem(f"'{name}' holds spaces, line breaks or other characters that no token has.")
        elif any("\ud800" <= char <= "\udfff" for char in value):
            yield Problem(f"'{name}' holds bytes that are not UTF-8 text.")


def _tls_problems(connection: Connection) -> t.Iterator[Problem]:
    if connection.ca_path and not connection.validate_certs:
        yield Problem(
            "'ca_path' and 'validate_certs: false' contradict each other: one enables the check of the "
            "certificate, the other disables it. Leave one of them out."
        )
    elif connection.ca_path and not os.access(connection.ca_path, os.R_OK):
        yield Problem(f"'ca_path' {connection.ca_path} cannot be read.", "file_unreadable")


def _number_problems(values: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
    limits = {
        "timeout": (0.1, 3600),
        "deadline": (0.1, 7 * 86400),
        "retries": (0, 50),
        "max_concurrency": (1, 64),
        "rate_limit": (0, 10000),
    }
    for name, (lowest, highest) in limits.items():
        if not lowest <= values[name] <= highest:
            yield Problem(f"'{name}' is {values[name]:g}; it must be between {lowest:g} and {highest:g}.")
    if 0 < values["rate_limit"] < 0.01:
        yield Problem("'rate_limit' is below 0.01 requests a second; use 0 for no limit.")


def _sharing_problems(connection: Connection) -> t.Iterator[Problem]:
    if connection.share_tokens and not is_database(as_place(connection.journal or "")):
        yield Problem(
            "'share_tokens' shares tokens through a database, and 'journal' is none. Set 'journal' or "
            "THINGSPACE_JOURNAL to its address, or leave 'share_tokens' out: on one machine, 'runtime_dir' shares them."
        )
