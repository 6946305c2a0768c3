# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Finds out whether a plan that is about to be carried out was carried out before, and undone since.

It may be applied again, because it was approved again or made again. But if that is a mistake, nobody would notice.
"""

from __future__ import annotations

import functools
import os
import re
import typing as t

from .history import is_earlier, place_of
from .record import RunRecord
from .record_read import MAX_BYTES

if t.TYPE_CHECKING:
    from .._journal.fleet_runs import FleetRuns

_END = 65_536
"""Bytes of a record in which everything is but its accounts, which stand first. Later runs need not be read whole."""

_MEMBER = re.compile(r'"(ended|kind|plan|run|undoes)":(?:"([^"\\]*)"|null)')
_ALL = 1_000_000


class PastRun(t.NamedTuple):
    """A run, as far as it matters here.

    :param undoes: reads which run it reversed; empty for none.
    """

    run: str
    kind: str
    plan: str
    ended: bool
    undoes: t.Callable[[], str]


def undone_since(record: RunRecord, directory: str | None, runs: FleetRuns | None) -> list[str]:
    """Warnings about earlier runs of the same plan that were undone, unless the plan was carried out again since.

    :param record: of the run that carries it out now.
    :param directory: the records of all runs; C(runs) the same in a journal.
    """
    past = {one.run: one for one in (*_in_directory(directory), *_in_journal(runs)) if one.run != record.run}
    same = {one.run: one for one in past.values() if one.plan == record.plan}
    if not same:
        return []
    undone: dict[str, str] = {}
    # The newest first, because an undo that was undone itself does not count.
    for undo in sorted((one for one in past.values() if one.kind == "undo"), reverse=True):
        if undo.run not in undone.values() and not any(one.ended and _is_later(one, undo) for one in same.values()):
            undone[undo.run] = undo.undoes()
    return [
        f"The run {run} carried out this very plan, and the run {by} undid it. Now the run {record.run} carries it out "
        "again. If that is not meant, undo this run."
        for by, run in sorted(undone.items())
        if run in same
    ]


def _is_later(one: PastRun, other: PastRun) -> bool:
    """Whether a run is proven to be later. In doubt, it is not."""
    mine, theirs = place_of(one.run), place_of(other.run)
    return mine is not None and theirs is not None and is_earlier(theirs, mine)


def _in_journal(runs: FleetRuns | None) -> t.Iterator[PastRun]:
    for kept in runs.newest(_ALL) if runs is not None else ():
        undoes = functools.partial(_undoes, t.cast("FleetRuns", runs), kept.name)
        yield PastRun(kept.name, kept.kind, kept.plan, kept.ended is not None, undoes)


def _undoes(runs: FleetRuns, run: str) -> str:
    try:
        text = runs.record(run, MAX_BYTES) or ""
    except ValueError:
        text = ""
    return _members(text[-_END:]).get("undoes", "")


def _in_directory(directory: str | None) -> t.Iterator[PastRun]:
    """The runs of a directory. What cannot be read is left out, because an undo will refuse it."""
    try:
        names = os.listdir(directory) if directory else []
    except OSError:
        return
    for name in names:
        if name.endswith(".json") and not name.startswith("."):
            found = _members(_end_of(os.path.join(str(directory), name)))
            if found.get("run"):
                undoes = functools.partial(str, found.get("undoes", ""))
                yield PastRun(
                    found["run"], found.get("kind", ""), found.get("plan", ""), bool(found.get("ended")), undoes
                )


def _end_of(path: str) -> str:
    try:
        with open(path, "rb") as stream:
            stream.seek(max(0, os.path.getsize(path) - _END))
            return stream.read(_END).decode("utf-8", "replace")
    except OSError:
        return ""


def _members(text: str) -> dict[str, str]:
    """The members of a record, from its end. Those of its accounts that have the same names stand before them."""
    return {found[1]: found[2] or "" for found in _MEMBER.finditer(text)}
