# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a device may lose a license because it gets another one."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.ids import digest_of
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import Problem
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.status import (
    BY_COUNT,
    Attempt,
    DeviceStatus,
    RequestState,
    fold,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.answer import Action
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.moves import (
    Instead,
    Losing,
    confirmed,
    foreseen,
    kept,
    read_instead,
)
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei, imeis

FLEX, BUNDLE = "SIMSec-IoT", "TS-BUNDLE-KTO-SIMSEC-MRC"
OLD, NEW = Scope(ACCOUNT, FLEX, "imei"), Scope(ACCOUNT, BUNDLE, "imei")
BY_ICCID = Scope(ACCOUNT, BUNDLE, "iccid")
SIM = "89148000000800139708"

Tried = tuple[Action, RequestState, t.Any]


def stands(*tried: Tried) -> DeviceStatus:
    made = [
        Attempt(
            number,
            action,
            state,
            outcome,
            "why",
            "r",
            "1-234",
            f"2026-01-{number + 1:02}",
            f"2026-01-{number + 1:02}T1" if outcome else "",
            own=outcome is not None and state == "accepted",
        )
        for number, (action, state, outcome) in enumerate(tried)
    ]
    return fold(made)


GOT: Tried = ("assign", "accepted", "success")
HELD = stands(GOT)


@pytest.mark.parametrize(
    ("tried", "sure", "shown"),
    [
        ((), False, True),
        ((GOT,), True, True),
        ((("assign", "accepted", None),), False, False),
        ((("assign", "accepted", "failed"),), False, False),
        ((("assign", "unknown", None),), False, False),
        ((("assign", "sending", None),), False, False),
        ((("assign", "rejected", None),), False, True),
        ((("assign", "rejected", "failed"),), False, False),
        ((("assign", "unknown", "success"),), False, False),
        ((GOT, ("assign", "unknown", "success")), True, True),
        ((GOT, ("remove", "no_effect", None)), False, False),
        ((GOT, ("remove", "unknown", "failed")), False, False),
        ((GOT, ("remove", "unknown", None), ("assign", "unknown", "success")), False, False),
        ((GOT, ("remove", "no_effect", None), ("assign", "no_effect", None)), False, False),
        ((GOT, ("remove", "no_effect", None), GOT), False, False),
        ((GOT, ("remove", "unknown", "failed"), GOT), False, False),
        ((GOT, ("remove", "accepted", "success"), GOT), True, True),
        ((GOT, ("remove", "accepted", "failed"), GOT), True, True),
        ((GOT, ("remove", "rejected", None), GOT), True, True),
        ((GOT, ("remove", "not_sent", None), GOT), True, True),
        ((GOT, ("remove", "accepted", None), GOT), False, False),
        ((GOT, ("remove", "unknown", None), GOT), False, False),
        ((GOT, ("remove", "sending", None), GOT), False, False),
        ((GOT, ("remove", "unknown", "success"), GOT), False, False),
        ((("remove", "accepted", None), GOT, GOT), False, False),
        ((("remove", "no_effect", None),), False, True),
        ((GOT, ("remove", "accepted", "success")), False, True),
        ((GOT, ("remove", "accepted", None)), False, False),
        ((GOT, ("remove", "unknown", None)), False, False),
        ((GOT, ("remove", "accepted", "failed")), False, False),
        ((GOT, ("remove", "not_sent", None)), True, True),
        ((GOT, ("assign", "accepted", "failed")), False, False),
        ((GOT, ("assign", "unknown", None)), False, False),
        ((("remove", "accepted", "failed"),), False, False),
    ],
)
def test_what_the_journal_says_of_the_new_license(tried: tuple[Tried, ...], sure: bool, shown: bool) -> None:
    """Whether the old one may go, and whether a plan may show that it will."""
    assert (confirmed(stands(*tried)), foreseen(stands(*tried))) == (sure, shown)
    waiting = kept(
        Losing(OLD, [imei(0)]), [Instead(NEW, frozenset([imei(0)]))], lambda _scope: {imei(0): stands(*tried)}
    )
    assert (waiting == {}) is sure


REMOVED = Attempt(1, "remove", "accepted", "success", "", "r1", "x1", "2026-01-01T10", "2026-01-01T11", own=True)
AGAIN = Attempt(2, "assign", "accepted", "success", "", "r2", "x2", "2026-01-01T12", "2026-01-01T13", own=True)


@pytest.mark.parametrize(
    ("reported", "sure"),
    [("11", True), ("12", True), ("12:30", False), ("13", False), ("14", False)],
    ids=["before it was sent", "as it was sent", "meanwhile", "together", "after its report"],
)
def test_a_removal_is_over_if_it_was_reported_before_the_assignment_was_sent(reported: str, sure: bool) -> None:
    """Reports tell when something was done at the latest: only so it is certain what was done last."""
    late = REMOVED._replace(confirmed=f"2026-01-01T{reported}")
    status = fold([late, AGAIN])
    assert (status.held, confirmed(status)) == (None if reported in ("13", "14") else True, sure)
    assert confirmed(fold([late, AGAIN, AGAIN._replace(request=3, sent="2026-01-02", confirmed="2026-01-02")]))
    assert confirmed(fold([late._replace(outcome="failed"), AGAIN]))
    assert not confirmed(fold([late._replace(own=False), AGAIN])), "nobody knows which removal that was about"


TAKE_AWAY = "take the new license away, and assign it again"


@pytest.mark.parametrize(
    ("before", "new", "again"),
    [
        (REMOVED._replace(confirmed="2026-01-01T12:30"), NEW, True),
        (REMOVED._replace(outcome=None, own=False), NEW, False),
        (REMOVED._replace(confirmed="2026-01-01T12:30"), NEW._replace(sku="SIMSec-IoT-Lt"), False),
    ],
)
def test_a_reason_names_the_way_out(before: Attempt, new: Scope, again: bool) -> None:
    """Assigning it anew ends a doubt about reports, but not one about a removal that may still come. And a lifetime
    license cannot be taken away.
    """
    held = {imei(0): fold([before, AGAIN])}
    told = kept(Losing(OLD, [imei(0)]), [Instead(new, frozenset([imei(0)]))], lambda _scope: held)
    assert (TAKE_AWAY in told[imei(0)]) is again
    assert "a task without 'replaced_by'" in told[imei(0)]


@pytest.mark.parametrize("heard", [True, False])
def test_the_way_out_helps_only_while_a_receiver_listens(heard: bool) -> None:
    counted = AGAIN._replace(own=False, reason=BY_COUNT)
    assert not confirmed(fold([counted]))
    removed = REMOVED._replace(request=3, sent="2026-01-02T10", confirmed="2026-01-02T11", own=heard)
    anew = AGAIN._replace(request=4, sent="2026-01-02T12", confirmed="2026-01-02T13", own=heard)
    assert confirmed(fold([counted, removed, anew])) is heard


def keeping(instead: list[Instead], held: t.Mapping[Scope, t.Sequence[str]]) -> dict[str, str]:
    """Which of three devices keep the old license, and why."""
    return kept(Losing(OLD, imeis(3)), instead, lambda scope: dict.fromkeys(held.get(scope, ()), HELD))


def test_each_device_by_what_it_is_to_hold() -> None:
    """One moves and is confirmed, one moves and is not, one is to hold nothing any more."""
    instead = [Instead(NEW, frozenset(imeis(2)))]
    assert keeping(instead, {NEW: [imei(0)]}) == {imei(1): f"it keeps this license until {BUNDLE} is confirmed"}
    assert keeping([], {}) == {}


def test_a_device_that_is_to_hold_the_license_itself() -> None:
    assert list(keeping([Instead(OLD, frozenset([imei(1)]))], {OLD: imeis(3)})) == [imei(1)]


def test_ids_of_another_kind() -> None:
    """A device that nobody names may be any of the SIMs that are named otherwise: all of those have to be confirmed."""
    moving = [Instead(BY_ICCID, frozenset([SIM, SIM[:-1] + "1"])), Instead(NEW, frozenset([imei(1)]))]
    some = keeping(moving, {BY_ICCID: [SIM], NEW: [imei(1)]})
    assert list(some) == [imei(0), imei(2)]
    assert "it may be one of those SIMs" in some[imei(0)]
    assert keeping(moving, {BY_ICCID: [SIM, SIM[:-1] + "1"], NEW: [imei(1)]}) == {}
    same = [Instead(Scope(ACCOUNT, FLEX, "iccid"), frozenset([SIM]))]
    assert list(keeping(same, {same[0].scope: [SIM]})) == imeis(3), "confirmed or not, it is this very license"


def read(
    *entries: dict[str, t.Any] | None, state: str = "absent", journal: str | None = "j.db"
) -> tuple[list[Instead], list[Problem]]:
    """The option with these entries, or without any."""
    given = None if None in entries else list(filter(None, entries))
    return read_instead(given, Losing(OLD, imeis(2)), state=state, journal=journal)


def test_the_option(tmp_path: Path) -> None:
    """A list that is not the one that was meant, or missing, is refused: it could only let more licenses go."""
    path = tmp_path / "moving.txt"
    path.write_text(imei(0) + "\n", encoding="utf-8")
    listed = {"sku": BUNDLE, "devices_file": str(path)}
    good = read({"sku": BUNDLE}, {**listed, "count": 1, "digest": digest_of([imei(0)])})
    assert good == ([Instead(NEW, frozenset(imeis(2))), Instead(NEW, frozenset(imeis(1)))], [])
    assert read(None, journal=None, state="present") == ([], [])
    for (_found, problems), why in (
        (read({"sku": BUNDLE}, journal=None), "needs 'journal'"),
        (read({"sku": BUNDLE}, state="present"), "needs 'state: absent'"),
        (read({"sku": "simsec-iot"}), "ThingSpace spells it"),
        (read({"sku": BUNDLE, "kind": "iccid"}), "needs 'devices_file'"),
        (read({**listed, "count": 2}), "names 1 device and not 2"),
        (read({**listed, "count": 1, "digest": digest_of([imei(1)])}), "names other devices"),
        (read({"sku": BUNDLE, "digest": digest_of([imei(1)])}), "the task names other devices"),
        (read({**listed, "devices_file": str(tmp_path / "gone.txt")}), "gone.txt"),
        (read({**listed, "kind": "iccid"}), imei(0)),
    ):
        assert any(why in problem.text for problem in problems), (why, problems)
