# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What there is about each earlier run, in the journal or in a directory of records, without reading records whole."""

from __future__ import annotations

import functools
import os
import re
import typing as t

from .all_runs import record_of
from .record import RunRecord
from .record_read import MAX_BYTES, read_record

if t.TYPE_CHECKING:
    from .._journal.fleet_runs import FleetRuns

_END = 65_536
"""Bytes of a record in which everything is but its accounts, which stand first. Later runs need not be read whole."""

_MEMBER = re.compile(r'"(approved|ended|kind|plan|run|undoes)":(?:"([^"\\]*)"|null)')
_ALL = 1_000_000


class PastRun(t.NamedTuple):
    """A run, as far as it matters to later plans.

    :param plan: the digest of its plan.
    :param approved: the digest of the approved plan, if its own is only the rest of that; otherwise empty.
    :param undoes: reads which run it reversed; empty for none.
    :param record: reads its whole record; None if that was removed meanwhile. Raises C(OptionsError),
        C(run_file_invalid).
    """

    run: str
    kind: str
    plan: str
    approved: str
    ended: bool
    undoes: t.Callable[[], str]
    record: t.Callable[[], RunRecord | None]

    def is_of(self, digest: str) -> bool:
        """Whether it carried out the plan with this digest, or what was left of it."""
        return digest in (self.plan, self.approved)


def has_run_of(plan: str, directory: str | None) -> bool:
    """Whether the name of a record has the start of the digest, as the names of runs do."""
    try:
        return any(plan[:8] in name for name in os.listdir(directory)) if directory else False
    except OSError:
        return False


def in_journal(runs: FleetRuns | None) -> t.Iterator[PastRun]:
    """The runs of the journal."""
    if runs is not None:
        for kept in runs.newest(_ALL):
            undoes = functools.partial(_undoes, runs, kept.name)
            record = functools.partial(record_of, runs, kept.name)
            yield PastRun(kept.name, kept.kind, kept.plan, kept.approved, kept.ended is not None, undoes, record)


def in_directory(directory: str | None) -> t.Iterator[PastRun]:
    """The runs of a directory, the last name first.

    What cannot be read is left out, because an undo will refuse it.
    """
    try:
        names = os.listdir(directory) if directory else []
    except OSError:
        return
    for name in sorted(names, reverse=True):
        if name.endswith(".json") and not name.startswith("."):
            path = os.path.join(str(directory), name)
            found = _members(_end_of(path))
            if found.get("run"):
                run, kind, plan, approved = (found.get(name, "") for name in ("run", "kind", "plan", "approved"))
                undoes = functools.partial(str, found.get("undoes", ""))
                record = functools.partial(read_record, path)
                yield PastRun(run, kind, plan, approved, bool(found.get("ended")), undoes, record)


def _undoes(runs: FleetRuns, run: str) -> str:
    try:
        text = runs.record(run, MAX_BYTES) or ""
    except ValueError:
        text = ""
    return _members(text[-_END:]).get("undoes", "")


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
