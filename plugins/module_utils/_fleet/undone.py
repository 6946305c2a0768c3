# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Finds out whether a plan was carried out before, and undone since.

An approval from before the undo does not cover doing the same again, whichever plan it was that did it. So a plan that
is made after it is another one: it names the undo, and its digest covers that. Clocks have no part in this.
"""

from __future__ import annotations

import contextlib
import functools
import typing as t

from .._client.stop import Told
from .._errors import LicensingError
from .._plan.incomplete import is_done
from .all_runs import runs_of
from .history import is_earlier, place_of
from .past_runs import PastRun, has_run_of, in_directory, in_journal
from .plan_document import PlanDocument, UndonePlan

if t.TYPE_CHECKING:
    from .._journal.fleet_runs import FleetRuns


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
            return last_undo(plan, self.directory, runs) if self._is_known(plan, runs) else None

    def knows(self, plan: str) -> bool:
        """Whether there is a record of a run of this plan.

        :raises LicensingError: the journal cannot be read.
        """
        with runs_of(self.journal, write=False, told=self.told) as runs:
            return self._is_known(plan, runs)

    def _is_known(self, plan: str, runs: FleetRuns | None) -> bool:
        known = runs is not None and bool(runs.newest(1, plan=plan))
        return known or has_run_of(plan, self.directory)

    def bound(self, document: PlanDocument) -> PlanDocument:
        """A plan that was just made, and that names the undo after which it would be carried out once more, if any.

        What cannot be read is not known. Then the plan is the one from before the undo, which is refused.
        """
        with contextlib.suppress(LicensingError):
            while (undo := self.last(document.digest)) is not None:
                document = document._replace(again=undo).sealed()
        return document


def last_undo(plan: str, directory: str | None, runs: FleetRuns | None) -> UndonePlan | None:
    """The last undo of a run of this plan; None if there is none, or if the plan was carried out again since.

    A run that went on with what was left of the plan is one of its runs. So is any other that did some of what its runs
    had left, if it was undone after the plan was begun.

    :raises OptionsError: C(run_file_invalid).
    """
    past = {one.run: one for one in (*in_directory(directory), *in_journal(runs))}
    same = [one for one in past.values() if one.is_of(plan)]
    undone = {
        undo.run: undo.undoes()
        for undo in past.values()
        if undo.kind == "undo" and not any(one.ended and _is_later(one, undo) for one in same)
    }
    left = functools.cache(lambda: _left_by(same))
    found = sorted(
        undo
        for undo, run in undone.items()
        if run in past
        and _counts(undo, undone)
        and (past[run] in same or (_began_before(past[undo], same) and left() & _did(past[run])))
    )
    return UndonePlan(undone[found[-1]], found[-1]) if found else None


_Change: t.TypeAlias = "tuple[str, str, str, str, str]"
"""An account, a kind of license, a SKU, a device, and what was planned for it."""


def _left_by(same: t.Iterable[PastRun]) -> set[_Change]:
    """What the runs of a plan were to do, and none of them did."""
    rows = [row for one in same for row in _rows(one)]
    return {change for change, _done in rows} - {change for change, done in rows if done}


def _did(run: PastRun) -> set[_Change]:
    """What a run did."""
    return {change for change, done in _rows(run) if done}


def _rows(run: PastRun) -> t.Iterator[tuple[_Change, bool]]:
    """The planned changes of a run, each with whether it was done."""
    record = run.record()
    for account in record.accounts if record else ():
        for part in account.parts:
            for row in part.devices:
                if row["planned"]:
                    change = (account.account, part.kind, part.sku, row["device_id"], row["planned"])
                    yield change, is_done(row)


def _began_before(undo: PastRun, same: t.Iterable[PastRun]) -> bool:
    """Whether one of the runs may have begun before an undo."""
    return not all(_is_later(one, undo) for one in same)


def _counts(undo: str, undone: t.Mapping[str, str]) -> bool:
    """Whether an undo stands: none that stands undid it. Whoever undoes a run began after it, whatever its clock says.

    :param undone: the run that each undo reversed.
    """
    stands: dict[str, bool] = {}
    waiting = [undo]
    while waiting:
        one = waiting[-1]
        by = [other for other, run in undone.items() if run == one]
        unknown = [other for other in by if other not in stands and other not in waiting]
        if unknown:
            waiting += unknown
        else:
            stands[one] = not any(stands.get(other, False) for other in by)
            waiting.pop()
    return stands[undo]


def _is_later(one: PastRun, other: PastRun) -> bool:
    """Whether a run is proven to be later. In doubt, it is not."""
    mine, theirs = place_of(one.run), place_of(other.run)
    return mine is not None and theirs is not None and is_earlier(theirs, mine)
