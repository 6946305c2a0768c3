# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""A connection to the journal's database, with the settings that its promises need, and refused if they cannot hold."""

from __future__ import annotations

import datetime
import math
import os
import queue
import threading
import typing as t

from .postgresql_errors import LATER, MayNotWrite, failure, guarded, not_connected
from .postgresql_session import NAME, require_session
from .postgresql_tls import authorities
from .postgresql_watch import Watch
from .psycopg_dep import psycopg
from .waiting import GRACE, Wait

if t.TYPE_CHECKING:
    from .._client.stop import Told

OLDEST = 14
"""The oldest major release of PostgreSQL that will do."""

_SKEW = 5.0
"""Seconds by which the clocks of this machine and the server may differ. Timestamps decide about lost requests."""

# A dead peer is noticed within about 30 seconds on both sides, so that the locks of a lost machine are released.
_IF_NOT_GIVEN = {
    "application_name": "thingspace.licensing",
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "4",
    "tcp_user_timeout": "30000",
}
_FROM_ENVIRONMENT = {"application_name": "PGAPPNAME", "connect_timeout": "PGCONNECT_TIMEOUT"}

_LOOK_EVERY = 0.25

_SETTINGS = {
    "search_path": f"{NAME}, pg_temp",
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "standard_conforming_strings": "on",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "client_min_messages": "warning",
    "statement_timeout": "300s",
    "idle_in_transaction_session_timeout": "600s",
    "idle_session_timeout": "0",  # a lock is held while a job waits
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
    "client_connection_check_interval": "10s",
    "jit": "off",
}


class Facts(t.NamedTuple):
    """What the server says about a connection."""

    pid: int
    read_only: bool
    replica: bool
    clock: float
    encoding: str


def connect(address: str, *, write: bool, patience: float, told: Told) -> tuple[t.Any, Watch]:
    """A connection in which each statement is a transaction of its own, unless it begins one, and who watches it.

    :param patience: seconds to wait for a lock of another process.
    :param told: whether the task must end soon. Then it waits only a few seconds for an answer.
    :raises LicensingError: C(journal_unreachable), C(journal_unusable), C(missing_library).
    """
    library = psycopg()
    try:
        given = library.conninfo.conninfo_to_dict(address)
        for name, value in _IF_NOT_GIVEN.items():
            if os.environ.get(_FROM_ENVIRONMENT.get(name, "")) is None:
                given.setdefault(name, value)
        if of_this_machine := authorities(given):
            given["sslrootcert"] = of_this_machine
        given["client_encoding"] = "UTF8"
        # Prepared statements belong to a session, and they are not faster here.
        db = _answer(lambda: library.connect(**given, autocommit=True, prepare_threshold=None), address, told)
    except (library.Error, ValueError, UnicodeError) as error:
        raise not_connected(error, address) from None
    watch = Watch(db, address, told)
    try:
        with guarded(address):
            _check(db, address, write=write, patience=patience)
    except BaseException:
        watch.close()
        raise
    return db, watch


def _answer(connect_: t.Callable[[], t.Any], address: str, told: Told) -> t.Any:
    """The connection. libpq looks up names and tries one host after another, and nobody can tell it to stop."""
    ends: queue.SimpleQueue[tuple[t.Any, BaseException | None]] = queue.SimpleQueue()

    def try_() -> None:
        try:
            ends.put((connect_(), None))
        except BaseException as error:  # pylint: disable=broad-exception-caught
            ends.put((None, error))

    threading.Thread(target=try_, name="journal connect", daemon=True).start()
    wait = Wait(math.inf, told)
    while not wait.over():
        try:
            db, error = ends.get(timeout=_LOOK_EVERY)
        except queue.Empty:
            continue
        if error is not None:
            raise error
        return db
    raise failure(address, "journal_unreachable", f"it did not answer within {GRACE:.0f} s", LATER)


def _check(db: t.Any, address: str, *, write: bool, patience: float) -> None:
    version = db.info.server_version // 10_000
    if version < OLDEST:
        what = f"the server is PostgreSQL {version}, and {OLDEST} is the oldest that will do"
        raise failure(address, "journal_unusable", what, "Upgrade it, or use another server")
    settings = {**_SETTINGS, "lock_timeout": f"{max(1, int(patience * 1000))}ms"}
    if version >= 17:
        settings["transaction_timeout"] = "0"
    db.execute(
        "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS setting (name, value)",
        (list(settings), list(settings.values())),
    )
    before = _now()
    facts = Facts(
        *db.execute(
            "SELECT pg_backend_pid(), current_setting('default_transaction_read_only') = 'on', pg_is_in_recovery(), "
            "extract(epoch FROM clock_timestamp())::float8, current_setting('server_encoding')"
        ).fetchone()
    )
    after = _now()
    require_session(db, address, facts.pid)
    if facts.encoding != "UTF8":
        what = f"its encoding is {facts.encoding}, which does not have every character"
        raise failure(address, "journal_unusable", what, "Use a database with the encoding UTF8")
    if not write:
        return
    if facts.read_only or facts.replica:
        what = "it is a read-only replica" if facts.replica else "it is read-only for its role"
        advice = "Name the primary server, and a role that may write"
        raise failure(address, "journal_unusable", what, advice, kind=MayNotWrite)
    skew = max(before - facts.clock, facts.clock - after)
    if skew > _SKEW:
        what = f"the clocks of the server and of this machine differ by {skew:.0f} s"
        raise failure(address, "journal_unusable", what, "Set them, for example with NTP")


def _now() -> float:
    return datetime.datetime.now(datetime.timezone.utc).timestamp()
