# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""By how much one device can have changed the account's count since a run read it."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._journal.changes import (
    Since,
    Step,
    _held,
    change_of,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.clock import ago
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import Confirmation
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Range, Scope
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.answer import Action
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT
from ansible_collections.thingspace.licensing.tests.support.journals import never, write

IMEI, OTHER, ICCID, SKU = "990000000000001", "990000000000002", "89148000000000000001", "SIMSec-IoT"
SINCE = Since(run=9, started="05", oldest="00")
OPEN = Step(9, "assign", False, "06", "")


def done(run: int, action: str, confirmed: str) -> Step:
    return Step(run, "assign" if action == "assign" else "remove", True, "01", confirmed)


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ([done(1, "remove", "02"), done(2, "assign", "03")], Range(0, 0)),
        ([done(1, "remove", "04"), done(2, "assign", "03")], Range(0, 1)),
        ([done(1, "remove", "03"), done(2, "assign", "03")], Range(0, 1)),
        ([done(1, "assign", "04"), done(2, "assign", "03")], Range(0, 0)),
        ([done(1, "assign", "06"), done(2, "assign", "03")], Range(0, 0)),
        ([done(1, "assign", "04"), done(2, "remove", "03")], Range(0, 1)),
    ],
    ids=["in order", "overtaken", "together", "the same twice", "the same, reported since", "removed, overtaken"],
)
def test_what_a_device_held_when_the_count_was_read(before: list[Step], change: Range) -> None:
    """If the journal explains the count, a device held a license then only if that was certain."""
    assert change_of([*before, OPEN], SINCE, explained=True) == change


@pytest.mark.parametrize("earlier", [True, False])
@pytest.mark.parametrize(("action", "change"), [("assign", Range(0, 1)), ("remove", Range(-1, 0))])
def test_both_kinds_of_ids_may_name_one_sim(tmp_path: Path, action: Action, change: Range, earlier: bool) -> None:
    """A reported request by one kind may have changed nothing, because another one by the other kind had done it."""
    with contextlib.closing(open_journal(str(tmp_path / "journal.db"), write=True, told=never)) as journal:
        by_iccid, by_imei = (Scope(ACCOUNT, SKU, kind) for kind in ("iccid", "imei"))
        if earlier:
            # Long ago, and nothing of it is under way any more.
            first = journal.begin_run(by_iccid, "assign", 0)
            journal.accepted(journal.intend(first, by_iccid, "assign", [ICCID], "w"), "q")
            journal.confirm([Confirmation("q", (("iccid", ICCID),), "success", "")])
            journal.end_run(first)
            write(journal, "UPDATE request SET sent = ?", ago(datetime.timedelta(days=10)))
        lost = by_imei if earlier else by_iccid
        run = journal.begin_run(lost, "assign", 0)
        journal.settle(journal.intend(run, lost, "assign", [OTHER if earlier else ICCID], "x"), "unknown", "lost")
        journal.end_run(run)
        second = journal.begin_run(by_imei, action, None)
        journal.accepted(journal.intend(second, by_imei, action, [IMEI], "y"), "r")
        journal.confirm([Confirmation("r", (("imei", IMEI),), "success", "")])
        journal.end_run(second)
        (moved, *_earlier) = journal.snapshot(lost, [ICCID]).moved
    assert (moved.before, moved.others, moved.lost) == (0, change, Range(0, 1))


ACTIONS: tuple[Action, ...] = ("assign", "remove")
READ, END = 35, 70
"""When the count was read, and now, with two digits. Requests are sent at 10, 20, ..., and reported between."""


def _histories(length: int) -> t.Iterator[list[Step]]:
    for sent in itertools.combinations(range(10, END, 10), length):
        reports = [[None, *(at for at in (15, 25, 33, 38, 45, 55) if at > one)] for one in sent]
        for actions in itertools.product(ACTIONS, repeat=length):
            for reported in itertools.product(*reports):
                yield [
                    Step(9 if at > READ else 1, action, when is not None, str(at), str(when or ""))
                    for at, action, when in zip(sent, actions, reported, strict=True)
                ]


def _possible(steps: list[Step], first_is: int | None) -> set[int]:
    """By how much the device can have changed the count: each request is carried out between being sent and reported,
    an open one any time or never.

    :param first_is: what the device held when the count was read, if that is known.
    """
    slots = []
    for step in steps:
        times: list[int | None] = [
            at
            for ten in range(10, END, 10)
            for at in (ten + 1, ten + 2, ten + 4, ten + 7, ten + 9)
            if int(step.sent) < at < int(step.confirmed or END)
        ]
        slots.append(times if step.done else [*times, None])
    found = set()
    for before in (0, 1):
        for carried_out in itertools.product(*slots):
            order = sorted((at, step.after) for at, step in zip(carried_out, steps, strict=True) if at is not None)
            first = [before, *(after for at, after in order if at < READ)][-1]
            last = [before, *(after for _at, after in order)][-1]
            if len({at for at, _after in order}) == len(order) and first_is in (None, first):
                found.add(last - first)
    return found


@pytest.mark.parametrize("explained", [True, False])
@pytest.mark.parametrize("length", [1, 2])
def test_no_order_in_which_requests_are_carried_out_is_left_out(length: int, explained: bool) -> None:
    """A change that is left out would make the count prove what never happened."""
    since = Since(9, str(READ), "00")
    for steps in _histories(length):
        earlier = [step for step in steps if step.run < since.run]
        first = int(_held(earlier, since.started)) if explained else None
        change = change_of(steps, since, explained=explained)
        assert _possible(steps, first) <= set(range(change.least, change.most + 1)), steps
