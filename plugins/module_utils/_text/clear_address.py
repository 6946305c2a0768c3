# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What of the address of a database may be shown, and which values of it may not.

Only what is known to be harmless is shown.
"""

from __future__ import annotations

import re
import typing as t
import urllib.parse

_CLEAR_URL = re.compile(
    r"(?P<scheme>postgres(?:ql)?://)(?:(?P<user>[^:@/?#&=;,\s]*)(?::(?P<password>[^@/]*))?@)?"
    r"(?P<rest>(?:\[[\da-f:.%\w]*\]|[^:/?#@\[\]\s,]*)(?::\d*)?(?:,(?:\[[\da-f:.%\w]*\]|[^:/?#@\[\]\s,]*)(?::\d*)?)*"
    r"(?:/[^@?#=&;\s]*)?)(?P<query>\?.*)?",
    re.IGNORECASE | re.DOTALL,
)
_CLEAR_KEYWORD = re.compile(r"\s*(\w+)\s*=\s*('(?:[^'\\]|\\.)*'(?=\s|$)|(?!')(?:[^\s\\]|\\.)*)", re.DOTALL)

_HARMLESS = re.compile(
    r"application_name|channel_binding|client_encoding|connect_timeout|dbname|fallback_application_name|gss\w+|host|"
    r"hostaddr|keepalives\w*|krbsrvname|load_balance_hosts|m(?:in|ax)_protocol_version|options|passfile|port|replication|"
    r"require_auth|requirepeer|require_ssl|service|servicefile|ssl(?!password)\w+|target_session_attrs|"
    r"tcp_user_timeout|user"
)

_ODD = re.compile(r"[@=?&;#]|//")
_ODD_NAME = re.compile(r"[@=?&;#:,/]")
"""After one of these, a value may go on with a password: not escaped, or of an address in itself."""


class Clear(t.NamedTuple):
    """An address that was read for certain: what may be shown, and the values that may not."""

    shown: str
    hidden: set[str]


def read_url(value: str) -> Clear | None:
    """A URL; None if it cannot be read for certain."""
    found = _CLEAR_URL.fullmatch(value)
    pairs = [pair.split("=") for pair in (found["query"] or "?")[1:].split("&") if pair] if found else []
    if found is None or any(len(pair) != 2 for pair in pairs):
        return None
    shown = [f"{name}={word}" for name, word in pairs if _harmless(urllib.parse.unquote(name), word)]
    hidden = [word for name, word in pairs if not _harmless(urllib.parse.unquote(name), word)]
    user, name = found["user"] or "", found["rest"].partition("/")[2]
    if not (_harmless("user", user) and _harmless("dbname", name)):
        return None
    words = {found["password"] or "", *hidden}
    before = found["scheme"] + ("" if found["user"] is None else found["user"] + "@") + found["rest"]
    return Clear("?".join(filter(None, (before, "&".join(shown)))), _all(words, map(urllib.parse.unquote, words)))


def read_keywords(value: str) -> Clear | None:
    """Keywords such as C(service=NAME); None if they cannot be read for certain."""
    if not re.fullmatch(f"(?:{_CLEAR_KEYWORD.pattern})+", value, re.DOTALL):
        return None
    pairs = _CLEAR_KEYWORD.findall(value)
    inside = {word[1:-1] if word.startswith("'") else word for name, word in pairs if not _harmless(name, word)}
    shown = " ".join(f"{name}={word}" for name, word in pairs if _harmless(name, word))
    return Clear(shown or "***", _all(inside, (re.sub(r"\\(.)", r"\1", word, flags=re.DOTALL) for word in inside)))


def _harmless(name: str, value: str) -> bool:
    """Whether it is known to be no password, and no address or setting that may contain one."""
    odd = _ODD_NAME if name in ("user", "dbname") else _ODD
    return bool(_HARMLESS.fullmatch(name)) and not odd.search(urllib.parse.unquote(value))


def _all(*found: t.Iterable[str]) -> set[str]:
    return {word for words in found for word in words} - {""}
