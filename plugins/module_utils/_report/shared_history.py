# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The runs and pools of all nodes, which the journal keeps, beside those of a directory."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import typing as t

from .._client.stop import Told
from .._errors import LicensingError
from .._text.addresses import is_database
from .._text.once import once
from .data import Json
from .history import COUNTS, KEPT_DAYS, MAX_RUNS, History, Key, shown_run, why_not
from .text import visible

if t.TYPE_CHECKING:
    from .._journal.store import Store

MAX_BYTES = 512 * 1024 * 1024
"""A record of a million devices has less than 200 MB."""


def with_shared(history: History, journal: str | None, accounts: t.Sequence[str], told: Told) -> History:
    """The history of a directory and of the journal. Of what both have, the journal's counts.

    A journal that cannot be read is named like a file that cannot be read.

    :param accounts: of the report.
    :param told: whether the task must end soon.
    """
    if not journal:
        return history
    pools = {**history.pools}
    try:
        with _opened(journal, write=False, told=told) as store:
            runs, unreadable = _runs(store, accounts)
            for account in accounts:
                _add_pools(store, account, pools, unreadable)
    except LicensingError as error:
        return history._replace(unreadable=[*history.unreadable, ("journal", visible(error.message))])
    own = {run["run"] for run in runs}
    runs += [run for run in history.runs if run["run"] not in own]
    runs.sort(key=lambda run: str(run["started"]), reverse=True)
    return History(runs, pools, [*history.unreadable, *unreadable])


def share(journal: str | None, day: str, pools: t.Mapping[Key, Json], told: Told) -> None:
    """Store today's counts in the journal. A report creates no file for one.

    :raises LicensingError: it cannot be written.
    """
    if not journal or not (is_database(journal) or os.path.exists(journal)):
        return
    from .._journal.license_pools import LicensePools  # pylint: disable=import-outside-toplevel

    oldest = (datetime.date.fromisoformat(day) - datetime.timedelta(KEPT_DAYS)).isoformat()
    with _opened(journal, write=True, told=told) as store:
        LicensePools(store).keep(day, {key: _counts(counts) for key, counts in pools.items()}, oldest)


def _runs(store: Store, accounts: t.Sequence[str]) -> tuple[list[Json], list[tuple[str, str]]]:
    from .._journal.fleet_runs import FleetRuns  # pylint: disable=import-outside-toplevel

    kept = FleetRuns(store)
    runs: list[Json] = []
    unreadable: list[tuple[str, str]] = []
    for run in kept.newest(MAX_RUNS, accounts=accounts):
        try:
            runs.append(shown_run(json.loads(kept.record(run.name, MAX_BYTES) or "", object_pairs_hook=once)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            unreadable.append((visible(run.name), why_not(error)))
    return runs, unreadable


def _add_pools(store: Store, account: str, pools: dict[Key, list[Json]], unreadable: list[tuple[str, str]]) -> None:
    from .._journal.license_pools import LicensePools  # pylint: disable=import-outside-toplevel

    found: dict[Key, dict[str, Json]] = {}
    try:
        for license, day, counts in LicensePools(store).of(account):
            datetime.date.fromisoformat(day)
            found.setdefault((account, license), {})[day] = {"day": day, **_counts(counts)}
    except (ValueError, TypeError, AttributeError):
        unreadable.append((f"pools of {account}", "their counts in the journal cannot be read, and are left out"))
        return
    for key, days in found.items():
        known = {row["day"]: row for row in pools.get(key, ())}
        pools[key] = [row for _day, row in sorted({**known, **days}.items())]


def _counts(counts: Json) -> Json:
    """Only the counts of a pool.

    :raises ValueError: one is none.
    """
    found = {name: counts.get(name) for name in COUNTS}
    if not all(count is None or isinstance(count, int) for count in found.values()):
        raise ValueError(COUNTS)
    return found


@contextlib.contextmanager
def _opened(journal: str, *, write: bool, told: Told) -> t.Iterator[Store]:
    # A module compiles what it imports, each time. Many reports have no journal.
    from .._journal.stores import open_store  # pylint: disable=import-outside-toplevel

    with contextlib.closing(open_store(journal, write=write, told=told)) as store:
        yield store
