# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Gives every error of PostgreSQL and of psycopg a name and advice, without a password."""

from __future__ import annotations

import contextlib
import os
import re
import typing as t

from .._error_codes import Code
from .._errors import LicensingError
from .._text.addresses import may_quote, without_passwords
from .psycopg_dep import psycopg

_LONGEST = 300
_ENCODE = "Percent-encode special characters of a password in a URL"
LATER = "Run again when the server can be reached"
"""What to do about a lost connection."""


class _Meaning(t.NamedTuple):
    """What happened, and what to do."""

    code: Code
    what: str
    advice: str


# By the beginning of the SQLSTATE. The first that fits counts.
_BY_STATE: tuple[tuple[str, _Meaning], ...] = (
    ("42501", _Meaning("journal_unusable", "its role lacks a right", "Grant it, as docs/simsec.md says")),
    ("25006", _Meaning("journal_unusable", "it is read-only", "Name the primary server, and a role that may write")),
    ("55P03", _Meaning("journal_locked", "another job writes for longer than this task can wait", "Run again later")),
    ("57014", _Meaning("journal_locked", "it did not answer in time", "Run again later, or see what slows it down")),
    ("40", _Meaning("journal_locked", "another transaction was in the way", "Run again")),
    ("53100", _Meaning("journal_full", "its disk is full", "Make room and run again")),
    ("53300", _Meaning("journal_unreachable", "it has no free connection", "Run again later")),
    ("42P01", _Meaning("journal_damaged", "a table is missing", "Restore it from a backup")),
    ("42703", _Meaning("journal_damaged", "a column is missing", "Restore it from a backup")),
    ("XX", _Meaning("journal_damaged", "the server reports damaged data", "Restore it from a backup")),
    ("58", _Meaning("journal_damaged", "the server cannot use its files", "See the log of the server")),
    ("57P", _Meaning("journal_unreachable", "the server ended the connection", LATER)),
    ("25P0", _Meaning("journal_unreachable", "the server ended the connection", LATER)),
    ("08", _Meaning("journal_unreachable", "the connection was lost", LATER)),
)

# By what libpq says when there is no connection. The first that fits counts.
_BY_WORDS: tuple[tuple[str, str, str], ...] = (
    ("service file|definition of service", "the service is not known here", "Check the service file and PGSERVICEFILE"),
    ("no pg_hba.conf entry", "the server takes no such connection", "Allow it in pg_hba.conf, or use TLS"),
    ("password|authentication", "the server refuses the role or its password", "Check them and the password file"),
    ("connection refused", "the server does not answer", "Check host and port, and whether the server is up"),
    (r"role .* does not exist", "the server does not know the role", "Correct the user"),
    (r"database .* does not exist", "there is no such database", "Create it, or correct its name"),
    ("permission denied for database", "the role may not use the database", "Grant it CONNECT"),
    ("resolve host|translate host|not known", "the host is not known", f"Correct its name. {_ENCODE}"),
    (r"certificate|\bssl\b|\btls\b", "TLS cannot be trusted or used", "Check sslmode, sslrootcert and the host's name"),
    ("too many connections|connection slots", "it has no free connection", "Run again later"),
)

INVALID = r"\binvalid \w+ (value|number)\b"
"""How libpq words what is wrong with the address itself, before it asks any server."""


@contextlib.contextmanager
def guarded(address: str) -> t.Iterator[None]:
    """Give every error of PostgreSQL and of psycopg a name and advice."""
    try:
        yield
    except psycopg().Error as error:
        raise _named(error, address) from None


def _named(error: Exception, address: str) -> LicensingError:
    state = getattr(error, "sqlstate", None) or ""
    for beginning, meaning in _BY_STATE:
        if state.startswith(beginning):
            return failure(address, *meaning, said=str(error))
    if not state and isinstance(error, psycopg().OperationalError):
        return failure(address, "journal_unreachable", "the connection was lost", LATER, said=str(error))
    return failure(address, "journal_unusable", "it refuses a statement", "Please report this", said=str(error))


def not_connected(error: Exception, address: str) -> LicensingError:
    """The error for users if no connection could be made."""
    if not isinstance(error, psycopg().OperationalError) or re.search(INVALID, str(error)):
        advice = f"Write it as postgresql://USER@HOST/DATABASE, or as service=NAME; and a path as ./NAME. {_ENCODE}"
        return failure(address, "journal_unusable", "the address is wrong", advice, said=str(error))
    for words, what, advice in _BY_WORDS:
        if re.search(words, str(error), re.IGNORECASE):
            return failure(address, "journal_unreachable", what, advice, said=str(error))
    what, advice = "the server does not answer", f"Check host and port, and whether the server is up. {_ENCODE}"
    return failure(address, "journal_unreachable", what, advice, said=str(error))


class MayNotWrite(LicensingError):
    """The journal can be read, but this task may not write there."""


def failure(
    address: str,
    code: Code,
    what: str,
    advice: str,
    *,
    said: str = "",
    kind: type[LicensingError] = LicensingError,
) -> LicensingError:
    """An error of this code.

    :param address: of the database; its password is in no message.
    :param said: what the server or the library said.
    """
    said = _quotable(said, address)
    quoted = f" ({said})" if said else ""
    verb = "reached" if code == "journal_unreachable" else "used"
    return kind(f"The journal {without_passwords(address)} cannot be {verb}: {what}{quoted}. {advice}.", code=code)


def _quotable(text: str, address: str) -> str:
    """What libpq said; empty if it might contain a password. Masks in a text would tell where the password is."""
    from_environment = os.environ.get("PGPASSWORD")
    if not may_quote(text, address) or (from_environment and from_environment in text):
        return ""
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
