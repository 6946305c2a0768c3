# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Whether a value is the address of a database, a path, or neither; and how to show an address without its passwords.

Only what is known to be harmless is shown. An address that cannot be read for certain is not shown at all, because
nobody can say where its password ends.
"""

from __future__ import annotations

import os
import re
import typing as t

if t.TYPE_CHECKING:
    from .clear_address import Clear

_URL = re.compile(r"\s*postgres(ql)?://", re.IGNORECASE)
_KEYWORDS = re.compile(r"\s*\w+\s*=")
"""libpq knows which keywords there are. No list here could be as new as it."""

# A path shows that it is one. Whatever else is given would become a file on each node: another program's address, a
# pasted one with a typing error, the bare name of a host, a variable that is not set.
_ROOTED = re.compile(r"(?:/(?!/)|\.{1,2}/|~[\w.-]*/)(?!.*://)[^\0-\x1f\x7f]*")
_RELATIVE = re.compile(r"[\w.+][\w .,+-]*(?:(?:/[\w .,+-]+)+|\.(?:db3?|sqlite3?))")
_VARIABLE = re.compile(r"\$(?:\w+|\{\w+\})")

_WORD = re.compile(r"[\w.+-]*")
"""A word is refused as a journal, but no password. Masked, it would be missing in other texts."""

_SHORTEST = 4
"""A shorter word is in many texts by chance. To mask it there would tell it."""


def is_database(value: str | None) -> bool:
    """Whether it is an address of a PostgreSQL database: a URL, or keywords such as C(service=NAME)."""
    return bool(value and (_URL.match(value) or _KEYWORDS.match(value)))


def is_path(value: str) -> bool:
    """Whether it is the path of a file; also if it is empty. What is neither a path nor an address is refused."""
    return _path(value) is not None


def _path(value: str) -> str | None:
    """The path that it is, with C(~) and variables replaced; None if it is none."""
    text = value.strip()
    if _VARIABLE.match(text.partition("/")[0]):
        text = os.path.expandvars(text)
    if not text:
        return ""
    if is_database(text) or not (_ROOTED.fullmatch(text) or _RELATIVE.fullmatch(text)):
        return None
    text = os.path.expanduser(os.path.expandvars(text))
    return None if _VARIABLE.search(text) else text


def why_refused(value: str) -> str:
    """Why it is neither an address of a database nor a path; empty if it is one."""
    if is_database(value) or is_path(value):
        return ""
    return (
        "The journal is neither the path of a file nor the address of a PostgreSQL database. It is not shown here, "
        "because it may contain a password. Write postgresql://USER@HOST/DATABASE without quotes, service=NAME, or a "
        "path such as ./journal.db."
    )


def why_refused_from_environment(value: str) -> str:
    """The same for a value of C(THINGSPACE_JOURNAL). There, a path must be absolute.

    Tasks run in the directory of their playbook, so that a relative path would be another file for another playbook.
    """
    path = _path(value)
    if not path or os.path.isabs(path):
        return why_refused(value)
    return (
        f"THINGSPACE_JOURNAL is the relative path {path}, which would be another file for each playbook. Write an "
        "absolute path, or the address of a database."
    )


def as_place(value: str) -> str:
    """An address as libpq accepts it, without the blanks around it; or a path with C(~) and variables replaced."""
    path = _path(value)
    if path is not None:
        return path
    return _URL.sub(lambda found: found.group().lower(), value.strip(), count=1) if is_database(value) else value


def passwords_in(value: str | None) -> set[str]:
    """What to mask wherever it is shown: the passwords as they are written and as they are meant, or all of it."""
    if not value or is_path(value) or _WORD.fullmatch(value):
        return set()
    clear = _read(value)
    if clear is None or any(len(word) < _SHORTEST for word in clear.hidden):
        whole = {value, as_place(value)}
        return whole | {word for word in clear.hidden if len(word) >= _SHORTEST} if clear else whole
    return clear.hidden


def without_passwords(value: str) -> str:
    """The address for messages and pages: without its passwords."""
    if is_path(value):
        return value
    clear = _read(value)
    return clear.shown if clear else "postgresql://***" if _URL.match(value) else "***"


def may_quote(text: str, address: str) -> bool:
    """Whether a text about the address contains for certain no password of it, and no part of one."""
    clear = _read(address)
    if clear is None:
        return False
    parts = {part for word in clear.hidden for part in re.split(r"\W+", word) if len(part) >= _SHORTEST}
    return not any(word in text for word in clear.hidden | parts)


def _read(value: str) -> Clear | None:
    # A module compiles what it imports, each time. Most tasks have no database.
    from .clear_address import read_keywords, read_url  # pylint: disable=import-outside-toplevel

    return read_url(value.strip()) if _URL.match(value) else read_keywords(value.strip())
