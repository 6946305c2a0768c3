# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Finds out whether a plan was carried out before, and undone since.

An approval from before the undo does not cover doing the same again. So a plan that is made after it is another one: it
names the undo, and its digest covers that. Clocks have no part in this.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import typing as t

from .._client.stop import Told
from .._errors import LicensingError
from .all_runs import runs_of
from .history import is_earlier, place_of
from .plan_document import PlanDocument, UndonePlan
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


class Undos(t.NamedTuple):
    """Looks for undos of plans in the records of all runs.

    :param directory: these records; None if there is none.
    :param journal: keeps those of all nodes.
    :param told: whether the task must end soon.
    """

    directory: str | None
    journal: str | None
    told: Told

    def last(self, plan: str) -> UndonePlan | None:
        """The last undo of a run of this plan; None if there is none, or if the plan was carried out again since.

        :param plan: its digest.
        :raises LicensingError: the journal cannot be read.
        """
        with runs_of(self.journal, write=False, told=self.told) as runs:
            known = runs is not None and bool(runs.newest(1, plan=plan))
            return last_undo(plan, self.directory, runs) if known or _has_run_of(plan, self.directory) else None

    def bound(self, document: PlanDocument) -> PlanDocument:
        """A plan that was just made, and that names the undo after which it would be carried out once more, if any.

        What cannot be read is not known. Then the plan is the one from before the undo, which is refused.
        """
        with contextlib.suppress(LicensingError):
            while (undo := self.last(document.digest)) is not None:
                document = document._replace(again=undo).sealed()
        return document


def last_undo(plan: str, directory: str | None, runs: FleetRuns | None) -> UndonePlan | None:
    """The last undo of a run of this plan; None if there is none, or if the plan was carried out again since."""
    past = {one.run: one for one in (*_in_directory(directory), *_in_journal(runs))}
    same = {one.run: one for one in past.values() if one.plan == plan}
    undone: dict[str, str] = {}
    # The newest first, because an undo that was undone itself does not count.
    for undo in sorted((one for one in past.values() if one.kind == "undo"), reverse=True):
        if undo.run not in undone.values() and not any(one.ended and _is_later(one, undo) for one in same.values()):
            undone[undo.run] = undo.undoes()
    found = sorted(by for by, run in undone.items() if run in same)
    return UndonePlan(undone[found[-1]], found[-1]) if found else None


def _has_run_of(plan: str, directory: str | None) -> bool:
    """Whether the name of a record has the start of the digest, as the names of runs do."""
    try:
        return any(plan[:8] in name for name in os.listdir(directory)) if directory else False
    except OSError:
        return False


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
