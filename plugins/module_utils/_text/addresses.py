# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Whether a value is the address of a database, as libpq accepts it, or a path; and how to hide the passwords in it."""

from __future__ import annotations

import os
import re
import urllib.parse

_URL = re.compile(r"\s*postgres(ql)?://", re.IGNORECASE)
_KEYWORD = (
    r"(?:application_name|channel_binding|client_encoding|connect_timeout|dbname|gssencmode|host|hostaddr|"
    r"keepalives\w*|krbsrvname|load_balance_hosts|options|passfile|password|port|require_auth|service|servicefile|"
    r"ssl\w+|target_session_attrs|tcp_user_timeout|user)"
)
_KEYWORDS = re.compile(rf"\s*{_KEYWORD}\s*=", re.IGNORECASE)

# The password of a URL ends at the last @ before the query. It may itself contain any character that was not escaped.
_IN_USERINFO = re.compile(r"(?<=://)([^:/?#@]*):(.*)@(?=[^@]*$)", re.DOTALL)
_IN_QUERY = re.compile(r"(?<=[?&])(password|sslpassword)=([^&#]*)", re.IGNORECASE)
_AS_KEYWORD = re.compile(
    r"\b(password|sslpassword)\s*=\s*('(?:[^'\\]|\\.)*'?|(?:[^\s\\]|\\.)*)", re.IGNORECASE | re.DOTALL
)


def is_database(value: str | None) -> bool:
    """Whether it is an address of a PostgreSQL database: a URL, or keywords such as C(service=NAME)."""
    return bool(value and (_URL.match(value) or _KEYWORDS.match(value)))


def as_place(value: str) -> str:
    """An address as it is, or a path with C(~) and variables replaced."""
    return value if is_database(value) else os.path.expanduser(os.path.expandvars(value))


def passwords_in(value: str | None) -> set[str]:
    """The passwords in an address, as they are written and as they are meant."""
    if not value or not is_database(value):
        return set()
    if not _URL.match(value):
        written = {found.group(2) for found in _AS_KEYWORD.finditer(value)}
        inside = {one[1:].removesuffix("'") if one.startswith("'") else one for one in written}
        return _all(inside | {re.sub(r"\\(.)", r"\1", one, flags=re.DOTALL) for one in inside})
    before, query = _halves(value)
    found = {one.group(2) for one in (*_IN_USERINFO.finditer(before), *_IN_QUERY.finditer(query))}
    return _all(found | {urllib.parse.unquote(one) for one in found})


def without_passwords(value: str) -> str:
    """The address for messages and pages: without its passwords."""
    if not is_database(value):
        return value
    if not _URL.match(value):
        return " ".join(_AS_KEYWORD.sub("", value).split())
    before, query = _halves(value)
    query = re.sub(r"(?<=[?&])&+", "", _IN_QUERY.sub("", query))
    return _IN_USERINFO.sub(r"\1@", before) + query.rstrip("?&")


def _halves(url: str) -> tuple[str, str]:
    """What is before the query, and the query. A question mark before the last @ may be part of a password."""
    at = url.rfind("@")
    mark = url.find("?")
    if 0 <= mark < at and "=" not in url[mark:at]:
        mark = url.find("?", at)
    return (url, "") if mark < 0 else (url[:mark], url[mark:])


def _all(found: set[str]) -> set[str]:
    return found - {""}
