# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What is left of a part that a run had begun when it ended: devices that the journal shows as not done.

Without a record of the run, nobody can tell the rest of an approved part from another plan for some of its devices.
"""

from __future__ import annotations

import os
import typing as t

from .._client.stop import Told
from .._plan.incomplete import is_done
from .all_runs import record_of, runs_of
from .plan_part import PlanCounts, PlanPart
from .record import RunRecord
from .record_read import read_record

Undone = t.Mapping[tuple[str, str], t.Collection[str]]
"""The devices that a run did not do, by the account and the name of the part's list."""


def undone_of(digest: str, directory: str | None, journal: str | None, told: Told) -> Undone:
    """What the newest run of a plan did not do, according to its record. Nothing, if no run began.

    :param digest: of the plan.
    :param directory: records of all runs, for a run that the journal does not know.
    :param told: whether the task must end soon.
    :raises OptionsError: C(run_file_invalid).
    :raises LicensingError: the journal cannot be read.
    """
    with runs_of(journal, write=False, told=told) as runs:
        newest = runs.newest(1, plan=digest) if runs is not None else []
        record = record_of(runs, newest[0].name) if runs is not None and newest else None
    record = record or next(_in_directory(digest, directory), None)
    return {
        (account.account, part.list or ""): {row["device_id"] for row in part.devices if not is_done(row)}
        for account in (record.accounts if record else ())
        for part in account.parts
    }


def _in_directory(digest: str, directory: str | None) -> t.Iterator[RunRecord]:
    """The records of the runs of a plan, newest first. The name of a run has the start of its plan's digest."""
    try:
        names = os.listdir(directory) if directory else []
    except OSError:
        return
    for name in sorted(names, reverse=True):
        if digest[:8] in name and name.endswith(".json") and not name.startswith("."):
            record = read_record(os.path.join(str(directory), name))
            if record.plan == digest:
                yield record


def is_rest(now: PlanPart, before: PlanPart, undone: t.Container[str]) -> bool:
    """Whether a part does, of what an approved part does, only what its run did not do.

    The removal candidates are one list, of which no part can be left.

    :param now: a plan that was just made.
    :param undone: the devices of the approved part that its run did not do.
    """
    if now.kind == "removal_candidates" or _about(now) != _about(before):
        return False
    if now.failure and now.failure.code != (before.failure and before.failure.code):
        return False
    planned = {row["device_id"]: row for row in before.devices}
    return all(row == planned.get(row["device_id"]) and row["device_id"] in undone for row in now.devices)


def _about(part: PlanPart) -> PlanPart:
    """What a part is, apart from how many devices it changes."""
    return part.carried_out._replace(plan=PlanCounts(None), devices=[], failure=None, status="changes")
