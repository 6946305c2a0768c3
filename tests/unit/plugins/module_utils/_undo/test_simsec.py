# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which SIM-Secure licenses go back, by a run's record and the journal."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record import RunAccount
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.run_mark import new_mark
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.status import Attempt
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.changes import Change, Left, LicensePool
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.history import Later
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.moves import Former
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.own_requests import RunWindow
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.simsec import (
    Attempts,
    Reversal,
    reverse_simsec,
)
from ansible_collections.thingspace.licensing.tests.support.records import run_account

ACCOUNT = "0000123456-00001"
A, B = "990000000000001", "990000000000002"
FLEX, BUNDLE, LIFETIME = (
    LicensePool("simsec", sku) for sku in ("SIMSec-IoT", "TS-BUNDLE-KTO-SIMSEC-MRC", "SIMSec-IoT-Lt")
)
MARK = new_mark()
WINDOW = RunWindow("2026-01-02T10:00:00Z", "2026-01-02T10:05:00Z", "2026-01-02T23:00:00.000000Z", MARK)
OLD = WINDOW._replace(mark="")
"""Of a release that gave its requests no mark."""
BEFORE, DURING, AFTER, LATE = (
    f"2026-01-02T{time}.500000Z" for time in ("09:59:59", "10:05:00", "10:05:01", "23:30:00")
)

Json = dict[str, t.Any]


def tried(
    action: t.Any,
    sent: str = DURING,
    outcome: str | None = "success",
    state: t.Any = "accepted",
    *,
    ours: bool | None = None,
) -> Attempt:
    """A request; those sent later have higher numbers.

    :param ours: whether the run sent it; by default, if it was sent while the run was at work.
    """
    number = int("".join(char for char in sent if char.isdigit()))
    ours = sent == DURING if ours is None else ours
    names = ("r", f"{MARK}0123456789") if ours else ("another", "1-234")
    confirmed = sent if outcome else ""
    return Attempt(number, action, state, outcome, "why", *names, sent, confirmed, own=bool(outcome))


def account(*rows: tuple[LicensePool, str, str]) -> RunAccount:
    """A run; rows are pool, device and outcome, or outcome and what was planned."""
    parts: dict[LicensePool, Json] = {}
    for pool, device, outcome in rows:
        fixed = {"kind": "simsec", "sku": pool.sku, "id_kind": "imei", "lifetime": False, "action": "present"}
        devices = parts.setdefault(pool, {**fixed, "devices": []})["devices"]
        done, _space, planned = outcome.partition(" ")
        request = "" if done == "unknown" else "r"
        devices.append({"device_id": device, "outcome": done, "planned": planned, "request_id": request, "reason": ""})
    return run_account({"account": ACCOUNT, "parts": list(parts.values())})


def reversed_(
    run: RunAccount,
    journal: t.Mapping[LicensePool, Attempts] | None,
    later: Later | None = None,
    window: RunWindow = WINDOW,
) -> tuple[dict[LicensePool, Reversal], list[tuple[str, str, str]]]:
    """What is to be done, and of each change that stays its SKU, device and code."""
    known = None if journal is None else {pool: journal.get(pool, {}) for pool in (FLEX, BUNDLE, LIFETIME)}
    found, left = reverse_simsec(run, window, known, later or Later())
    done = {pool: reversal for pool, reversal in found.items() if any(reversal)}
    return done, [(one.sku, one.device_id, one.code) for one in left]


@pytest.mark.parametrize(
    ("outcome", "attempts", "code"),
    [
        ("assigned", [tried("assign")], ""),
        ("accepted assigned", [tried("assign")], ""),
        ("unknown assigned", [tried("assign")], ""),
        ("assigned", [tried("remove", BEFORE), tried("assign")], ""),
        ("assigned", [tried("assign"), tried("remove", AFTER, "failed")], ""),
        ("assigned", [tried("assign"), tried("remove", AFTER, None, "rejected")], ""),
        ("assigned", [tried("assign"), tried("remove", AFTER)], "later_request"),
        ("assigned", [tried("assign"), tried("remove", AFTER, None)], "later_request"),
        ("assigned", [tried("assign"), tried("remove", AFTER), tried("assign", LATE)], "later_request"),
        ("assigned", [tried("assign", DURING, None)], ""),
        ("assigned", [tried("assign", DURING, "failed")], "not_done"),
        ("accepted assigned", [tried("assign", DURING, None, "no_effect")], "not_done"),
        ("unknown assigned", [tried("assign", DURING, None, "unknown")], "unknown"),
        ("unknown assigned", [tried("assign", DURING, None, "sending")], "unknown"),
        ("unknown assigned", [], "not_done"),
        ("unknown assigned", [tried("assign", BEFORE)], "not_done"),
        ("assigned", [], "not_in_journal"),
        ("assigned", [tried("assign", BEFORE), tried("assign", AFTER)], "not_in_journal"),
        ("assigned", [tried("remove")], "not_in_journal"),
    ],
)
def test_what_the_journal_says_of_an_assignment(outcome: str, attempts: list[Attempt], code: str) -> None:
    done, left = reversed_(account((FLEX, A, outcome)), {FLEX: {A: attempts}})
    expected: tuple[t.Any, t.Any] = ({}, [(FLEX.sku, A, code)]) if code else ({FLEX: Reversal([A], [], [])}, [])
    assert (done, left) == expected


@pytest.mark.parametrize("ended", [WINDOW.ended, None], ids=["ended", "killed"])
@pytest.mark.parametrize("sent", [BEFORE, DURING, AFTER, LATE], ids=["before", "during", "after", "late"])
@pytest.mark.parametrize("ours", [True, False], ids=["ours", "another's"])
@pytest.mark.parametrize("outcome", ["unknown assigned", "accepted assigned"])
def test_only_what_the_run_itself_sent_is_taken(outcome: str, ours: bool, sent: str, ended: str | None) -> None:
    """Whatever the clocks said, whether it ended, and whoever assigned the same license meanwhile."""
    run, journal = account((FLEX, A, outcome)), {FLEX: {A: [tried("assign", sent, ours=ours)]}}
    done, left = reversed_(run, journal, window=WINDOW._replace(ended=ended))
    if ours:
        assert (done, left) == ({FLEX: Reversal([A], [], [])}, [])
    else:
        assert (done, left) == ({}, [(FLEX.sku, A, "not_in_journal" if outcome[0] == "a" else "not_done")])


@pytest.mark.parametrize(
    ("outcome", "attempts", "code"),
    [
        ("assigned", [tried("assign")], ""),
        ("assigned", [tried("assign", AFTER, ours=True)], "not_in_journal"),
        ("assigned", [tried("assign", ours=False)], "not_in_journal"),
        ("accepted assigned", [tried("assign", BEFORE, ours=True)], "not_in_journal"),
        ("unknown assigned", [], "not_done"),
        ("unknown assigned", [tried("assign", BEFORE)], "not_done"),
        ("unknown assigned", [tried("assign")], "unknown"),
    ],
)
def test_a_record_of_a_release_without_marks(outcome: str, attempts: list[Attempt], code: str) -> None:
    """Only what the record names by its id was sent by the run; and not what an earlier run had sent."""
    done, left = reversed_(account((FLEX, A, outcome)), {FLEX: {A: attempts}}, window=OLD)
    expected: tuple[t.Any, t.Any] = ({}, [(FLEX.sku, A, code)]) if code else ({FLEX: Reversal([A], [], [])}, [])
    assert (done, left) == expected


def test_a_request_that_is_not_confirmed_yet() -> None:
    """Is waited for, until no confirmation is expected any more."""
    run, journal = account((FLEX, A, "accepted assigned")), {FLEX: {A: [tried("assign", LATE, None, ours=True)]}}
    running = WINDOW._replace(ended=None)
    for window, code in ((running, "not_confirmed"), (running._replace(overdue="2027-01-01T00:00:00.000000Z"), "")):
        done, left = reverse_simsec(run, window, journal, Later())
        assert [one.code for one in left] == ([code] if code else [])
        assert done == ({} if code else {FLEX: Reversal([A], [], [])})


def test_a_removal_goes_back() -> None:
    done, left = reversed_(account((FLEX, A, "removed")), {FLEX: {A: [tried("assign", BEFORE), tried("remove")]}})
    assert (done, left) == ({FLEX: Reversal([], [], [A])}, [])


def test_what_is_never_touched() -> None:
    """Lifetime licenses whatever is known, everything without a journal, and what a later run did."""
    run = account((LIFETIME, A, "assigned"), (FLEX, B, "assigned"))
    journal = {LIFETIME: {A: [tried("assign")]}, FLEX: {B: [tried("assign")]}}
    assert reversed_(run, None) == ({}, [(FLEX.sku, B, "no_journal"), (LIFETIME.sku, A, "lifetime")])
    later = Later([((ACCOUNT, FLEX, B), ("run-2", Change(B, "removed", True)))])
    assert reversed_(run, journal, later) == ({}, [(FLEX.sku, B, "later_run"), (LIFETIME.sku, A, "lifetime")])
    unheard_of = LicensePool("simsec", "ACME-Perpetual-1")
    run = account((unheard_of, A, "assigned"))
    known = {unheard_of: {A: [tried("assign")]}}
    done, left = reverse_simsec(run, WINDOW, known, Later())
    assert (done, [one.code for one in left]) == ({}, ["lifetime"])
    run = run._replace(parts=[run.parts[0]._replace(sku="ACME-1", lifetime=True)])
    _done, left = reverse_simsec(run, WINDOW, {LicensePool("simsec", "ACME-1"): {}}, Later())
    assert left == [
        Left(
            "simsec",
            "ACME-1",
            A,
            "assigned",
            "lifetime",
            "a lifetime license stays with its SIM and can never be removed",
        )
    ]


@pytest.mark.parametrize(("outcome", "code"), [("success", []), (None, ["later_run"]), ("failed", ["later_run"])])
def test_what_an_undo_of_the_run_reversed_is_undone_when_that_is_confirmed(outcome: t.Any, code: list[str]) -> None:
    """The record of the undo has only that ThingSpace accepted it."""
    run = account((FLEX, A, "assigned"))
    later = Later([((ACCOUNT, FLEX, A), ("run-2", Change(A, "removed", True)))], ["run-2"])
    journal = {FLEX: {A: [tried("assign"), tried("remove", AFTER, outcome)]}}
    done, left = reversed_(run, journal, later)
    assert (done, [one[2] for one in left]) == ({}, code)
    assert [one[2] for one in reversed_(run, None, later)[1]] == ["later_run"]


MOVE = account((FLEX, A, "removed"), (BUNDLE, A, "assigned"))
MOVED = {FLEX: {A: [tried("assign", BEFORE), tried("remove")]}, BUNDLE: {A: [tried("assign")]}}


def test_a_move_goes_back_in_two_steps() -> None:
    assert reversed_(MOVE, MOVED) == ({BUNDLE: Reversal([], [A], []), FLEX: Reversal([], [], [A])}, [])
    # When the former license was requested, but is not confirmed, the device keeps the other one.
    asked = {**MOVED, FLEX: {A: [*MOVED[FLEX][A], tried("assign", AFTER, None)]}}
    assert reversed_(MOVE, asked)[0] == {}
    assert (BUNDLE.sku, A, "not_confirmed") in reversed_(MOVE, asked)[1], "it is not as wanted, and will be later"
    back = {**MOVED, FLEX: {A: [*MOVED[FLEX][A], tried("assign", AFTER)]}}
    assert reversed_(MOVE, back) == ({BUNDLE: Reversal([], [A], [])}, [(FLEX.sku, A, "later_request")])


def test_a_move_of_which_one_half_stays() -> None:
    """Leaves no device without a license, and none with two."""
    later = Later([((ACCOUNT, FLEX, A), ("run-2", Change(A, "assigned", True)))])
    assert reversed_(MOVE, MOVED, later) == (
        {},
        [(FLEX.sku, A, "later_run"), (BUNDLE.sku, A, "former_license")],
    )
    bound = account((FLEX, A, "removed"), (LIFETIME, A, "assigned"))
    assert reversed_(bound, {**MOVED, LIFETIME: {A: [tried("assign")]}}) == (
        {},
        [(LIFETIME.sku, A, "lifetime"), (FLEX.sku, A, "keeps_license")],
    )


FORMER = {
    "held": [tried("assign", BEFORE)],
    "perhaps held": [tried("assign", BEFORE, None)],
    "taken by a later run": [tried("assign", BEFORE), tried("remove", AFTER)],
    "perhaps taken by a later run": [tried("assign", BEFORE), tried("remove", AFTER, None)],
    "not taken by a later run": [tried("assign", BEFORE), tried("remove", AFTER, "failed")],
    "gone before the run": [tried("assign", BEFORE), tried("remove", BEFORE)._replace(confirmed=f"{BEFORE}, later")],
    "failed before the run": [tried("assign", BEFORE, "failed")],
    "asked for since": [tried("assign", AFTER)],
}


@pytest.mark.parametrize("kind", ["imei", "iccid"])
@pytest.mark.parametrize("clock", [BEFORE, "2026-01-02T10:00:00.000000Z", DURING, LATE])
@pytest.mark.parametrize("first", [True, False])
def test_numbers_tell_what_was_there_before_and_no_clock(clock: str, first: bool, kind: str) -> None:
    """Another one assigned the old license, which a later run took: before the run's own request, or after it."""
    other, sim = (FLEX, A) if kind == "imei" else (LicensePool("simsec", FLEX.sku, "iccid"), "89148000000800139708")
    own, last = tried("assign"), tried("remove", LATE)
    number = own.request + (-1 if first else 1)
    theirs = tried("assign", clock, ours=False)._replace(request=number)
    known = {BUNDLE: {A: [own]}, other: {sim: [theirs, last]}}
    found, left = reverse_simsec(account((BUNDLE, A, "assigned")), WINDOW, known, Later())
    assert found[BUNDLE] == Reversal([] if first else [A], [], [])
    assert [one.code for one in left] == (["former_license"] if first else [])


@pytest.mark.parametrize("what", FORMER)
def test_where_no_request_of_the_run_is_known_all_that_was_ever_held_counts(what: str) -> None:
    former = Former(WINDOW, {BUNDLE: {A: Change(A, "assigned", True)}}, {FLEX: {A: FORMER[what]}})
    assert former.pools(BUNDLE, A) == ([] if what == "failed before the run" else [FLEX])


@pytest.mark.parametrize("what", FORMER)
def test_a_license_that_was_there_before_the_run_and_that_the_run_did_not_take(what: str) -> None:
    """Only the journal knows of it. A device that had one keeps what the run gave, unless it certainly has it still."""
    run = account((BUNDLE, A, "assigned"))
    known = {BUNDLE: {A: [tried("assign")]}, FLEX: {A: FORMER[what]}}
    done, left = reversed_(run, known)
    if what in ("gone before the run", "failed before the run", "asked for since"):
        assert (done, left) == ({BUNDLE: Reversal([A], [], [])}, [])
    elif what == "held":
        assert (done, left) == ({BUNDLE: Reversal([], [A], [])}, [])
    else:
        assert (done, left) == ({}, [(BUNDLE.sku, A, "former_license")])


def test_a_move_that_changed_the_kind_of_id() -> None:
    """Nobody knows which ids are one SIM: who got a license waits until all have their former one back."""
    other = LicensePool("simsec", FLEX.sku, "iccid")
    sim = "89148000000800139708"
    run = account((BUNDLE, A, "assigned"), (other, sim, "removed"))
    run.parts[1] = run.parts[1]._replace(id_kind="iccid")
    known = {BUNDLE: {A: [tried("assign")]}, other: {sim: [tried("assign", BEFORE), tried("remove")]}}
    found, _left = reverse_simsec(run, WINDOW, known, Later())
    assert found == {BUNDLE: Reversal([], [A], []), other: Reversal([], [], [sim])}
    changes = {BUNDLE: {A: Change(A, "assigned", True)}, other: {sim: Change(sim, "removed", True)}}
    former = Former(WINDOW, t.cast(t.Any, changes), known)
    assert former.instead(BUNDLE, [A]) == {other: [sim]}


@pytest.mark.parametrize("sku", [FLEX.sku, BUNDLE.sku])
@pytest.mark.parametrize("what", FORMER)
def test_a_license_that_another_kind_of_id_held_before_the_run(what: str, sku: str) -> None:
    """Each may be the same SIM: the same license stays, another is taken only if they all hold theirs still."""
    other, sim = LicensePool("simsec", sku, "iccid"), "89148000000800139708"
    run, known = account((BUNDLE, A, "assigned")), {BUNDLE: {A: [tried("assign")]}, other: {sim: FORMER[what]}}
    found, left = reverse_simsec(run, WINDOW, known, Later())
    if what in ("gone before the run", "failed before the run", "asked for since"):
        assert (found[BUNDLE], left) == (Reversal([A], [], []), [])
    elif what == "held" and sku != BUNDLE.sku:
        assert (found[BUNDLE], left) == (Reversal([], [A], []), [])
        former = Former(WINDOW, {BUNDLE: {A: Change(A, "assigned", True)}}, known)
        assert former.instead(BUNDLE, [A]) == {other: [sim]}
    else:
        assert found[BUNDLE] == Reversal([], [], [])
        assert [(one.device_id, one.code) for one in left] == [(A, "former_license")]


def test_a_device_with_a_former_license_of_its_own_waits_for_no_strangers() -> None:
    other, sim = LicensePool("simsec", BUNDLE.sku, "iccid"), "89148000000800139708"
    known = {**MOVED, other: {sim: [tried("assign", BEFORE)]}}
    found, left = reverse_simsec(MOVE, WINDOW, known, Later())
    assert (found[BUNDLE], found[FLEX], left) == (Reversal([], [A], []), Reversal([], [], [A]), [])
    changes = {FLEX: {A: Change(A, "removed", True)}, BUNDLE: {A: Change(A, "assigned", True)}}
    assert Former(WINDOW, t.cast(t.Any, changes), known).instead(BUNDLE, [A]) == {FLEX: [A]}


def test_a_device_that_lost_its_license_by_another_spelling_keeps_the_new_one() -> None:
    """Undoing both would leave it bare in between; nobody knows that it is one device."""
    spelled, other = "0" + A[:-1], "990000000000102"
    run = account((BUNDLE, A, "assigned"), (BUNDLE, other, "assigned"), (FLEX, spelled, "removed"))
    known = {BUNDLE: {one: [tried("assign")] for one in (A, other)}, FLEX: {spelled: [tried("remove")]}}
    done, left = reversed_(run, known)
    assert left == [(BUNDLE.sku, A, "former_license")]
    assert done == {BUNDLE: Reversal([other], [], []), FLEX: Reversal([], [], [spelled])}
