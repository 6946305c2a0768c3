# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The advisory locks of accounts and of the journal's place, which belong to a session. Each statement also says which
session ran it.

A connection pooler may run a statement in any session, and a session that has a lock gets it again, whoever asks.
"""

from __future__ import annotations

import typing as t
import zlib

_KIND = 0x54534A4C

# The locks of these accounts that this session has. A session is in one database.
_HELD = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid() "
    "AND classid::bigint = %(kind)s AND objid::bigint = ANY(%(keys)s::bigint[]) AND objsubid = 2"
)
_TRY = (
    f"SELECT pg_backend_pid(), CASE WHEN ({_HELD}) = 0 OR %(again)s "
    "THEN pg_try_advisory_lock{shared}(%(kind)s, %(key)s) END"
)
_RELEASE = "SELECT pg_advisory_unlock{shared}(%s, %s)"
_SHARED = {True: "_shared", False: ""}

Execute = t.Callable[[str, t.Any], t.Any]
"""Runs a statement with values."""


class Answer(t.NamedTuple):
    """What a session says about locks.

    :ivar pid: of the session.
    :ivar held: whether it has them; None if it had one before and so has another client, too.
    """

    pid: int
    held: bool | None


def key_of(name: str) -> int:
    """The key of the lock with this name."""
    return zlib.crc32(name.encode()) - 2**31


def try_lock(execute: Execute, key: int, *, again: bool, shared: bool) -> Answer:
    """Take a lock if it is free.

    :param again: whether this client has it already.
    :param shared: whether others may have it as well, if they share it.
    """
    return Answer(
        *execute(_TRY.format(shared=_SHARED[shared]), {**_values([key]), "again": again, "key": key}).fetchone()
    )


def still_held(execute: Execute, keys: t.Collection[int]) -> Answer:
    """Whether the session has all of these locks."""
    pid, held = execute(f"SELECT pg_backend_pid(), ({_HELD})", _values(keys)).fetchone()
    return Answer(pid, held == len(keys))


def release(execute: Execute, key: int, *, shared: bool) -> None:
    """Give a lock back."""
    execute(_RELEASE.format(shared=_SHARED[shared]), (_KIND, key))


def _values(keys: t.Collection[int]) -> dict[str, t.Any]:
    # pg_locks shows keys without a sign.
    return {"kind": _KIND, "keys": [key % 2**32 for key in keys]}
