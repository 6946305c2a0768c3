# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module simsec_license without any receiver: the account's count confirms, or the task says why it does not."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.deadline import Deadline
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import TransportError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.clock import age
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import Confirmation
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.status import BY_COUNT
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec import look, plan, watch
from ansible_collections.thingspace.licensing.tests.support.fakes import Clock, imei, imeis
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.module_runner import Run
from ansible_collections.thingspace.licensing.tests.support.simsec_space import FLEX, LIFETIME, LISTENER, Space, code

BUNDLE = "TS-BUNDLE-KTO-SIMSEC-MRC"
WAIT: dict[str, t.Any] = {"wait": True, "wait_timeout": 600}


@pytest.fixture
def always() -> dict[str, t.Any]:
    return {"sku": FLEX, "devices": imeis(3)}


@pytest.fixture(autouse=True)
def unheard(space: Space, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens, and requests get older while somebody waits."""
    space.listeners, space.slow = (200, []), 2
    space.held[BUNDLE] = set()
    space.types[BUNDLE] = "Flexible Bundle"
    began = clock.now
    for place in (look, plan, watch):
        monkeypatch.setattr(place, "age", lambda sent: age(sent) + clock.now - began)


def rows(result: dict[str, t.Any]) -> set[tuple[str, str]]:
    return {(row["outcome"], row["reason"]) for row in result["devices"]}


def confirm(journal: Path, request_id: str, *devices: str, status: t.Literal["success", "failed"] = "success") -> None:
    opened = open_journal(str(journal), write=True, told=never)
    opened.confirm([Confirmation(request_id, (("imei", one),), status, "") for one in devices])
    opened.close()


def test_assigned_and_then_removed_minutes_later(run: Run, space: Space, clock: Clock) -> None:
    for state, outcome in (("present", "assigned"), ("absent", "removed")):
        told = run(state=state, **WAIT, _ansible_check_mode=True)
        done = run(state=state, **WAIT)
        assert (code(done), rows(done)) == ("", {(outcome, BY_COUNT)})
        assert rows(told) == rows(done)
        assert done["licenses"]["assigned"] == len(space.held[FLEX])
        again = run(state=state)
        assert (again["changed"], rows(again)) == (False, {("unchanged", BY_COUNT)})
    assert (len(space.writes), space.held[FLEX]) == (2, set())
    assert sum(clock.slept) < 120, "not an hour"


@pytest.mark.slow
@pytest.mark.parametrize("then", ["as before", "turned", "one less", "one more"])
@pytest.mark.parametrize("more", [5, 3, 0, None])
@pytest.mark.parametrize("what", ["failed", "lost", "lost before", "done"])
def test_a_sku_in_several_rows(run: Run, space: Space, clock: Clock, what: str, more: int | None, then: str) -> None:
    """They prove nothing, because a row may be missing at times. Nothing is sent again."""
    row: dict[str, t.Any] = {"skuNumber": FLEX, "licenseType": "Flexible", "licensePurchased": 10}
    second = [{**row, "licenseAssigned": more}]
    space.more, space.slow = [] if then == "one more" else second, 0
    space.inactive = set(imeis(3)) if what == "failed" else set()
    space.faults = [{"lost": "lost", "lost before": "lose"}[what]] if what.startswith("lost") else []
    run()
    space.turned, space.more = then == "turned", [] if then == "one less" else second
    clock.sleep(1000)
    outcomes = {outcome for outcome, _reason in rows(run())}
    assert (outcomes & {"unchanged", "assigned"}, len(space.writes)) == (set(), 1)


def test_without_waiting_the_next_run_knows(run: Run, space: Space, clock: Clock) -> None:
    """It must be old enough; until then the reason says when that will be."""
    space.slow = 0
    run()
    early = run(state="absent", devices=imeis(2))
    assert (code(early), len(space.writes)) == ("devices_failed", 1)
    assert {outcome for outcome, _reason in rows(early)} == {"skipped"}
    assert all("can confirm it from" in reason for _outcome, reason in rows(early))
    clock.sleep(look.settle_seconds(None, None))
    checked = run(state="absent", devices=imeis(2), _ansible_check_mode=True)
    assert rows(checked) == {("accepted", "")}, "check mode foresees it"
    assert rows(run()) == {("unchanged", BY_COUNT)}
    assert rows(run(state="absent", devices=imeis(2))) == {("accepted", "")}
    assert space.held[FLEX] == {imei(2)}


def test_longer_than_the_deadline(run: Run, space: Space, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """It limits the requests and not the waiting, during which requests are needed."""
    monkeypatch.setattr(Deadline.__init__, "__defaults__", (clock,))
    space.slow = 12
    done = run(**WAIT, deadline=60)
    assert (code(done), rows(done)) == ("", {("assigned", BY_COUNT)})
    assert sum(clock.slept) > 120


def test_politely(run: Run, space: Space, clock: Clock) -> None:
    """What does not become clear costs a dozen requests in ten minutes, and the message says what is missing."""
    space.inactive = {imei(1)}
    done = run(**WAIT)
    assert (code(done), rows(done)) == ("unconfirmed", {("accepted", "")})
    assert "counts 2 assigned licenses, and 3 would show that everything was done" in done["msg"]
    assert space.reads < 22
    assert sum(clock.slept) == pytest.approx(600, abs=1)
    assert "earlier runs" not in done["msg"]
    assert "That includes open requests of earlier runs." in run(**WAIT, devices=[imei(9)])["msg"]


@pytest.mark.parametrize("others", [[imei(9)], [imei(8), imei(9)]])
def test_more_than_was_sent_confirms_nothing(run: Run, space: Space, others: list[str]) -> None:
    run()
    space.slow = 0
    space.held[FLEX].update(imeis(3), others)
    assert {outcome for outcome, _reason in rows(run(settle_time=0))} == {"accepted"}


def test_a_count_that_was_beyond_what_was_sent_confirms_nothing_when_it_comes_back(run: Run, space: Space) -> None:
    """Somebody assigned two licenses and then removed one, and one of ours failed without a word."""
    space.slow, space.inactive = 0, {imei(2)}
    seen = []

    def count(sku: str, original: t.Callable[[str], t.Any] = space._count) -> t.Any:
        row = original(sku)
        if sku == FLEX and space.writes:
            seen.append(sku)
            row["licenseAssigned"] += 2 if len(seen) < 4 else 1
        return row

    space._count = count  # type: ignore[method-assign]
    done = run(**WAIT)
    assert (code(done), rows(done)) == ("unconfirmed", {("accepted", "")})
    assert "others changed it" in done["msg"]


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("says", ["Failed", "Success"])
@pytest.mark.parametrize("listens", [True, False])
def test_the_status_of_a_request_does_not_outweigh_the_count(
    run: Run, space: Space, state: str, says: str, listens: bool
) -> None:
    """It is documented for other operations. If the count shows the opposite, nothing is concluded from it."""
    one = {"devices": imeis(1), "settle_time": 0.001}
    if state == "absent":
        run(**one, **WAIT)
    space.listeners = (200, [LISTENER] if listens else [])
    space.status_of_requests, space.slow = says, 0
    space.inactive = set() if says == "Failed" else set(imeis(1))
    writes = len(space.writes)
    done = run(**one, **WAIT, state=state)
    want = "assigned" if state == "present" else "removed"
    if says == "Failed":
        assert (code(done), rows(done), done["changed"]) == ("", {(want, BY_COUNT)}, True)
    else:
        assert (code(done), rows(done)) == ("unconfirmed", {("accepted", "")})
        assert "the status of the request is Success, and the account's count contradicts that" in done["msg"]
    run(**one, state=state, retry_failed=True)
    assert len(space.writes) == writes + 1


def test_a_status_is_not_believed_while_the_count_cannot_be_read(run: Run, space: Space) -> None:
    """The message does not say then that the count contradicts it."""
    space.listeners, space.status_of_requests = (200, [LISTENER]), "Success"

    def count(sku: str, original: t.Callable[[str], t.Any] = space._count) -> t.Any:
        if space.writes:
            raise TransportError("It broke.", code="connection_failed", in_doubt=False)
        return original(sku)

    space._count = count  # type: ignore[method-assign]
    done = run(**WAIT, devices=imeis(1))
    assert (code(done), rows(done)) == ("unconfirmed", {("accepted", "")})
    assert "is Success, but the account's count could not be read to check that" in done["msg"]


@pytest.mark.parametrize("fails", [True, False])
def test_what_is_counted_on_acceptance_must_be_old(run: Run, space: Space, clock: Clock, fails: bool) -> None:
    """The count may only show what was accepted. If a device fails then, the count falls again."""
    space.slow = 0
    if fails:
        space.going.append((2, "DELETE", FLEX, [imei(0)]))
    done = run(**WAIT, settle_time=100)
    assert rows(done) == {("accepted", "") if fails else ("assigned", BY_COUNT)}
    assert sum(clock.slept) >= 100


def test_a_wait_that_ends_too_early_says_so(run: Run, space: Space) -> None:
    """The count is there, but it is not old enough to be proof."""
    space.slow = 0
    done = run(**{**WAIT, "wait_timeout": 12}, settle_time=100)
    assert (code(done), rows(done)) == ("unconfirmed", {("accepted", "")})
    assert "counts 3 assigned licenses" in done["msg"]
    assert "100 s old" in done["msg"]


@pytest.mark.parametrize("reported", ["failed", "success"])
def test_a_late_report_overrides(run: Run, space: Space, journal: Path, reported: t.Any) -> None:
    """A failure shows that others changed the count. So nothing that it confirmed is confirmed any more."""
    assert rows(run(**WAIT)) == {("assigned", BY_COUNT)}
    confirm(journal, "r1", imei(1), status=reported)
    found = [row["outcome"] for row in run()["devices"]]
    assert found == (["accepted", "failed", "accepted"] if reported == "failed" else ["unchanged"] * 3)
    confirm(journal, "r1", imei(0), imei(2))
    assert run()["devices"][0]["outcome"] == "unchanged"


@pytest.mark.parametrize("order", ["assigned before", "assigned and watched", "assigned beside others"])
def test_a_move_to_another_sku(run: Run, space: Space, order: str) -> None:
    """The old license goes only if the run that assigned the new one watched the count, and nobody else was there."""
    run(**WAIT)
    if order == "assigned before":
        space.slow = 0
        run(sku=BUNDLE)
    if order == "assigned beside others":
        space.held[BUNDLE].add(imei(9))
    assert rows(run(sku=BUNDLE, settle_time=0, **WAIT)) <= {("assigned", BY_COUNT), ("unchanged", BY_COUNT)}
    moved = run(state="absent", replaced_by=[{"sku": BUNDLE}], **WAIT)
    if order == "assigned and watched":
        assert rows(moved) == {("removed", BY_COUNT)}
        assert space.held == {FLEX: set(), BUNDLE: set(imeis(3)), LIFETIME: set()}
    else:
        assert {outcome for outcome, _reason in rows(moved)} == {"skipped"}
        assert space.held[FLEX] == set(imeis(3)), "in doubt, it keeps both"


@pytest.mark.parametrize("stays", [True, False])
def test_a_count_that_nobody_watched_proves_nothing_else(run: Run, space: Space, clock: Clock, stays: bool) -> None:
    """Others seem to be a slow request, and later it seems to be one that failed. That device keeps its old license."""
    run(**WAIT)
    space.slow = 5
    run(sku=BUNDLE, devices=[imei(0)])
    space.held[BUNDLE].add(imei(9))
    clock.sleep(look.settle_seconds(None, None))
    assert rows(run(sku=BUNDLE, devices=[imei(0)])) == {("unchanged", BY_COUNT)}
    if not stays:
        space.held[BUNDLE].remove(imei(9))
    space.inactive = {imei(1)}
    # A count that does not fit is read again, which shows that nothing was done for this device.
    shown = {("assigned", BY_COUNT)} if stays else {("accepted", "")}
    assert rows(run(sku=BUNDLE, devices=[imei(1)], **WAIT)) == shown
    assert imei(0) in space.held[BUNDLE]
    moved = run(state="absent", devices=[imei(1)], replaced_by=[{"sku": BUNDLE}])
    assert {outcome for outcome, _reason in rows(moved)} == {"skipped"}
    assert imei(1) in space.held[FLEX]


def test_waves(run: Run, space: Space) -> None:
    """Each wave is confirmed before the next; one device that fails stops them."""
    done = run(devices=imeis(6), waves=[1, 2], **WAIT)
    assert (code(done), rows(done), len(space.writes)) == ("", {("assigned", BY_COUNT)}, 3)
    space.inactive = {imei(7)}
    stopped = run(devices=imeis(6, 6), waves=[2], **WAIT)
    assert code(stopped) == "canary_failed"
    assert not space.held[FLEX] & set(imeis(4, 8))
