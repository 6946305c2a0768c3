# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What is left of a part that a run had begun when it ended: devices that the journal shows as not done.

Without a record of the run, nobody can tell the rest of an approved part from another plan for some of its devices.
"""

from __future__ import annotations

import typing as t

from .._client.stop import Told
from .._plan.incomplete import is_done
from .all_runs import record_of, runs_of
from .past_runs import has_run_of, in_directory
from .plan_document import PlanDocument
from .plan_part import PlanCounts, PlanPart
from .record import RunRecord

if t.TYPE_CHECKING:
    from .._journal.fleet_runs import FleetRuns

_MOST = 1000
"""Runs of one plan."""

Undone = t.Mapping[tuple[str, str], t.Collection[str]]
"""The devices that a run did not do, by the account and the name of the part's list."""


def undone_of(digest: str, directory: str | None, journal: str | None, told: Told) -> Undone:
    """What the runs of an approved plan did not do, according to their records. Nothing, if no run began.

    Of each part, the last run that began it knows: the first one, or one that went on with what was left.

    :param digest: of the plan.
    :param directory: records of all runs, for runs that the journal does not know.
    :param told: whether the task must end soon.
    :raises OptionsError: C(run_file_invalid).
    :raises LicensingError: the journal cannot be read.
    """
    found: dict[tuple[str, str], t.Collection[str]] = {}
    with runs_of(journal, write=False, told=told) as runs:
        kept = runs is not None and bool(runs.newest(1, plan=digest))
        for record in _in_journal(digest, t.cast("FleetRuns", runs)) if kept else _in_directory(digest, directory):
            for account in record.accounts:
                for part in account.parts:
                    undone = {row["device_id"] for row in part.devices if not is_done(row)}
                    found.setdefault((account.account, part.list or ""), undone)
            if record.plan == digest:
                # It had the whole plan to do.
                break
    return found


def _in_journal(digest: str, runs: FleetRuns) -> t.Iterator[RunRecord]:
    """The records of the runs of a plan, newest first."""
    for kept in runs.newest(_MOST, plan=digest):
        record = record_of(runs, kept.name)
        if record is not None:
            yield record


def _in_directory(digest: str, directory: str | None) -> t.Iterator[RunRecord]:
    """The same. Their names need not have the start of the plan's digest, because a rest has a digest of its own."""
    for run in in_directory(directory) if has_run_of(digest, directory) else ():
        if run.is_of(digest) and (record := run.record()) is not None:
            yield record


def rest_of(approved: PlanDocument | str, now: PlanDocument) -> PlanDocument:
    """A plan that may be carried out with this approval. If it is only what is left, it says of which plan.

    Otherwise, an undo of it would not count against that approval.
    """
    digest = approved if isinstance(approved, str) else approved.approved or approved.digest
    return now if digest == now.digest else now._replace(approved=digest).sealed()


def is_rest(now: PlanPart, before: PlanPart, undone: t.Container[str]) -> bool:
    """Whether a part does, of what an approved part does, only what its run did not do.

    The removal candidates are one list, which is written as a whole. Before that, devices may leave it with their
    license.

    :param now: a plan that was just made.
    :param undone: the devices of the approved part that its run did not do.
    """
    if _about(now) != _about(before):
        return False
    if now.failure and now.failure.code != (before.failure and before.failure.code):
        return False
    planned = {row["device_id"]: row for row in before.devices}
    if any(row != planned.get(row["device_id"]) or row["device_id"] not in undone for row in now.devices):
        return False
    left = {row["device_id"] for row in now.devices}
    gone = [row for device, row in planned.items() if device not in left]
    return now.kind != "removal_candidates" or all(
        row["outcome"] == "removed" and row["device_id"] in undone for row in gone
    )


def _about(part: PlanPart) -> PlanPart:
    """What a part is, apart from how many devices it changes."""
    return part.carried_out._replace(plan=PlanCounts(None), devices=[], failure=None, status="changes")
