# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports that may be about something else, and counts that may not be up to date, decide nothing by themselves.

Judged by what the account was asked to do, and by what it did.
"""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.transport import Request
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import (
    Confirmation,
    ReportedStatus,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.tests.support.fakes import imei, imeis
from ansible_collections.thingspace.licensing.tests.support.journals import never, write
from ansible_collections.thingspace.licensing.tests.support.module_runner import Run
from ansible_collections.thingspace.licensing.tests.support.simsec_space import FLEX, LIFETIME, Space, code

DEVICE = imei(0)
FOREIGN = "of-somebody-else"


@pytest.fixture
def always() -> dict[str, t.Any]:
    return {"sku": FLEX, "devices": [DEVICE], "settle_time": 0, "max_concurrency": 1}


def report(
    journal: Path, status: ReportedStatus, request_id: str = FOREIGN, devices: t.Sequence[str] = (DEVICE,)
) -> None:
    with contextlib.closing(open_journal(str(journal), write=True, told=never)) as opened:
        opened.confirm([Confirmation(request_id, (("imei", device),), status, "why") for device in devices])


def outcome(result: dict[str, t.Any]) -> str:
    (row,) = result["devices"]
    return str(row["outcome"])


def outcomes(result: dict[str, t.Any]) -> list[str]:
    return [row["outcome"] for row in sorted(result["devices"], key=lambda row: str(row["device_id"]))]


@pytest.mark.parametrize("sku", [FLEX, LIFETIME])
def test_a_task_whose_only_request_is_refused_has_changed_nothing(
    run: Run, space: Space, journal: Path, sku: str
) -> None:
    """Although an earlier request of another task may still be carried out."""
    options = {"sku": sku, "lifetime_consent": 1, "lifetime_elsewhere": 2}
    space.counts, space.faults = False, ["lose", 400]
    assert run(**options)["changed"]
    refused = run(**options, retry_unknown=True)
    assert (outcome(refused), refused["changed"], len(space.writes)) == ("unknown", False, 2)


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_slow_request_is_carried_out_after_the_next_one(
    run: Run, space: Space, journal: Path, state: str, late: bool
) -> None:
    """An hour after it was sent, the opposite is wanted, and done. The slow one is reported later. One more decides.

    :param late: whether only the report was late.
    """
    other = {"present": "absent", "absent": "present"}[state]
    if state == "present":
        run()
        report(journal, "success", "r1")
    run(state=other)
    slow, wanted = f"r{len(space.writes)}", {DEVICE} if state == "present" else set()
    with contextlib.closing(open_journal(str(journal), write=True, told=never)) as opened:
        write(opened, "UPDATE request SET sent = '2026-01-01T00:00:00.000000Z'")
    done = run(state=state)
    assert outcome(done) == "accepted"
    report(journal, "success", f"r{len(space.writes)}")
    assert outcome(run(state=state)) == "unchanged"
    report(journal, "success", slow)
    if not late:
        space.held[FLEX] ^= {DEVICE}
    assert outcome(run(state=state)) == "accepted"
    report(journal, "success", f"r{len(space.writes)}")
    assert (outcome(run(state=state)), space.held[FLEX]) == ("unchanged", wanted)


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("again", ["refused", "failed", "not sent again"])
def test_a_success_of_another_request_makes_nothing_of_ours_done(
    run: Run, space: Space, journal: Path, again: str, state: str
) -> None:
    """Our request was lost, and had no effect by the count. Then it was refused, failed, or not repeated."""
    if state == "absent":
        space.held[FLEX] = {DEVICE, imei(1)}
    before = set(space.held[FLEX])
    space.faults = ["lose", *([400] if again == "refused" else [])]
    assert outcome(run(state=state)) == "unknown"
    if again == "not sent again":
        # Another task of the SKU judges the request.
        run(state=state, devices=[imei(1)])
    else:
        space.inactive = {DEVICE}
        run(state=state)
        if again == "failed":
            report(journal, "failed", "r2")
    report(journal, "success")
    done = run(state=state)
    assert outcome(done) in ("failed", "unknown")
    assert code(done), "not as wanted"
    assert (DEVICE in space.held[FLEX]) is (DEVICE in before)


@pytest.mark.parametrize("sku", [FLEX, LIFETIME])
def test_a_failure_of_another_request_makes_nothing_of_ours_undone(
    run: Run, space: Space, journal: Path, sku: str
) -> None:
    """The answer was lost, and the count shows that it was carried out. Nothing is sent again because of the report."""
    space.faults = ["lost"]
    run(sku=sku, lifetime_consent=1)
    assert outcome(run(sku=sku, lifetime_consent=1)) == "unchanged"
    report(journal, "failed")
    for _run in range(2):
        done = run(sku=sku, lifetime_consent=1, retry_failed=True)
        assert (outcome(done), code(done)) == ("unknown", "outcome_unknown")
    assert len(space.writes) == 1


def test_a_lost_lifetime_request_is_not_called_failed_by_another_report(run: Run, space: Space, journal: Path) -> None:
    """It may still be carried out. With 'retry_failed', it would be bought twice."""
    space.faults = ["lose"]
    run(sku=LIFETIME, lifetime_consent=1)
    report(journal, "failed")
    for _run in range(2):
        assert outcome(run(sku=LIFETIME, lifetime_consent=1, retry_failed=True)) == "unknown"
    assert len(space.writes) == 1


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_count_that_is_not_up_to_date_confirms_nothing(run: Run, space: Space, state: str) -> None:
    """It is read again before anything is sent, because the journal knows better."""
    first, second = imei(0), imei(1)
    waits = {"wait": True, "wait_timeout": 60, "settle_time": 0.001}
    space.listeners = (200, [])
    run(devices=[first, second] if state == "absent" else [first], **waits)
    if state == "absent":
        run(devices=[first], state=state, **waits)
    space.inactive = {second}
    true, stale = set(space.held[FLEX]), {first, second} if state == "absent" else set()
    readings = space.reads

    def count(sku: str, original: t.Callable[[str], t.Any] = space._count) -> t.Any:
        space.held[FLEX] = stale if space.reads == readings + 1 else true
        return original(sku)

    space._count = count  # type: ignore[method-assign]
    done = run(devices=[first, second], state=state, **waits)
    rows = {row["device_id"]: row["outcome"] for row in done["devices"]}
    assert rows == {first: "unchanged", second: "accepted"}
    assert code(done) == "unconfirmed"


@pytest.mark.parametrize("sku", [FLEX, LIFETIME])
def test_a_later_failure_says_nothing_about_an_earlier_request(run: Run, space: Space, journal: Path, sku: str) -> None:
    """The earlier one may be the reason: the device has the license already. It still explains the count, too."""
    first, second = imeis(2)
    options = {"sku": sku, "lifetime_consent": 2}
    space.faults = ["lose", "lost"]
    assert outcomes(run(devices=[first, second], batch_size=1, **options)) == ["unknown", "unknown"]
    space.inactive = {second}
    assert outcome(run(devices=[second], retry_unknown=True, **options)) == "accepted"
    report(journal, "failed", "r3", [second])
    space.inactive = set()
    (row,) = run(devices=[second], **options)["devices"]
    assert (row["outcome"], row["reason"].endswith("A later request failed: why")) == ("unknown", True)
    assert outcome(run(devices=[first], **options)) == "unknown"
    assert outcomes(run(devices=[first, second], retry_failed=True, **options)) == ["unknown", "unknown"]
    assert len(space.writes) == 3


@pytest.mark.parametrize("how", ["refused", "reported"])
def test_the_run_whose_request_failed_does_not_call_the_device_failed(
    run: Run, space: Space, journal: Path, how: str
) -> None:
    space.faults, space.counts = ["lost"], False
    run()
    space.faults = [400] if how == "refused" else []
    if how == "reported":
        write = space._write

        def reported(request: Request) -> tuple[int, t.Any]:
            report(journal, "failed", "r2")
            return write(request)

        space._write = reported  # type: ignore[method-assign]
    again = run(retry_unknown=True, wait=True, wait_timeout=5)
    assert (outcome(again), code(again)) == ("unknown", "outcome_unknown")
    assert len(space.writes) == 2


def test_a_later_removal_does_not_make_an_earlier_request_explain_less(run: Run, space: Space, journal: Path) -> None:
    """What it removed may have been assigned by the request whose answer was lost."""
    first, second = imeis(2)
    space.faults = ["lose", "lost"]
    run(devices=[first, second], batch_size=1)
    assert outcome(run(devices=[second], state="absent", retry_unknown=True)) == "accepted"
    report(journal, "success", "r3", [second])
    assert outcome(run(devices=[first])) == "accepted"
    assert space.held[FLEX] == {first}, "it was not called done because of the other one"


def test_what_was_reported_as_done_for_a_holder_changed_no_count(run: Run, space: Space, journal: Path) -> None:
    """The devices that hold it by other means explain nothing. Those of the lost request do."""
    devices = imeis(4)
    space.held[FLEX], space.faults = set(devices[2:]), ["lost"]
    run(devices=devices, batch_size=2)
    report(journal, "success", "r2", devices[2:])
    done = run(devices=devices)
    assert outcomes(done) == ["unknown", "unknown", "unchanged", "unchanged"]
    assert len(space.writes) == 2


@pytest.mark.parametrize("known", [True, False])
def test_a_removal_counts_if_the_device_held_the_license(run: Run, space: Space, journal: Path, known: bool) -> None:
    """ThingSpace may report it as done for a device that held nothing. That must not stand for a lost assignment."""
    first, second, third = imeis(3)
    if known:
        run(devices=[third])
        report(journal, "success", "r1", [third])
    else:
        space.held[FLEX] = {imei(9)}
    writes = len(space.writes)
    space.faults = ["lost" if known else "lose", "lost"]
    run(devices=[first, second], batch_size=1, settle_time=1000)
    run(devices=[third], state="absent", settle_time=1000)
    report(journal, "success", f"r{writes + 3}", [third])
    assert outcomes(run(devices=[first, second])) == (["accepted"] * 2 if known else ["unknown"] * 2)
    assert len(space.writes) == writes + 3


@pytest.mark.parametrize("reported", [True, False])
def test_a_device_whose_requests_were_lost_twice_counts_once(
    run: Run, space: Space, journal: Path, reported: bool
) -> None:
    """The first one never came, and the count shows that. The second one was carried out."""
    space.faults = ["lose", "lost"]
    assert outcome(run()) == "unknown"
    assert outcome(run()) == "unknown"
    if reported:
        report(journal, "success")
    assert outcome(run()) == "unchanged"
    assert len(space.writes) == 2


@pytest.mark.parametrize("holder", [DEVICE, imei(9), ""])
def test_a_license_whose_assignment_failed_is_removed(run: Run, space: Space, journal: Path, holder: str) -> None:
    """The assignment may have failed because the device has it already, unless nobody has one."""
    space.held[FLEX], space.faults = {holder} if holder else set(), [400]
    assert outcome(run()) == "failed"
    for check in (True, False):
        assert outcome(run(state="absent", _ansible_check_mode=check)) == ("accepted" if holder else "unchanged")
    assert DEVICE not in space.held[FLEX]
    assert len(space.writes) == (2 if holder else 1)


def test_a_failed_removal_does_not_send_an_assignment_in_doubt_again(run: Run, space: Space, journal: Path) -> None:
    space.faults = ["lost"]
    space.counts = False
    run()
    space.inactive = {DEVICE}
    run(state="absent", retry_unknown=True)
    report(journal, "failed", "r2")
    assert outcome(run(retry_failed=True)) == "unknown"
    assert len(space.writes) == 2


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("order", [1, -1])
def test_reports_of_another_license_decide_about_no_device(
    run: Run, space: Space, journal: Path, state: str, order: int
) -> None:
    """Half of each request was carried out. Reports under two ids that are not known contradict each other."""
    devices = imeis(2)
    if state == "absent":
        run(devices=devices)
        report(journal, "success", "r1", devices)
    writes = len(space.writes)
    space.faults, space.inactive = ["lost"], {devices[1]}
    run(devices=devices, state=state)
    for request_id, good in [("own", 0), ("of another license", 1)][::order]:
        report(journal, "success", request_id, [devices[good]])
        report(journal, "failed", request_id, [devices[1 - good]])
    space.inactive = set()
    for retry_failed in (False, True):
        done = run(devices=devices, state=state, retry_failed=retry_failed)
        assert (outcomes(done), code(done)) == (["unknown", "unknown"], "outcome_unknown")
    assert len(space.writes) == writes + 1


@pytest.mark.parametrize("sku", [FLEX, LIFETIME])
@pytest.mark.parametrize("also", [[], [imei(9)]])
def test_reports_do_not_tell_which_of_several_requests_took_effect(
    run: Run, space: Space, journal: Path, sku: str, also: list[str]
) -> None:
    """Of two lost requests one was carried out, and a report that is about something else names the other's devices."""
    devices = imeis(4)
    options = {"sku": sku, "lifetime_consent": 4, "batch_size": 2}
    space.faults = ["lose", "lost"]
    run(devices=devices, **options)
    report(journal, "success", devices=[*devices[:2], *also])
    done = run(devices=devices, **options)
    assert (outcomes(done), code(done)) == (["unknown"] * 4, "outcome_unknown")
    assert len(space.writes) == 2


@pytest.mark.parametrize("sku", [FLEX, LIFETIME])
def test_what_was_reported_as_done_is_not_sent_again(run: Run, space: Space, journal: Path, sku: str) -> None:
    """One of two lost requests was carried out. With 'retry_unknown', only the other one is sent again."""
    devices = imeis(4)
    options = {"sku": sku, "lifetime_consent": 4, "batch_size": 2}
    space.faults = ["lost", "lose"]
    run(devices=devices, **options)
    report(journal, "success", devices=devices[:2])
    again = run(devices=devices, retry_unknown=True, **options)
    assert outcomes(again) == ["unknown", "unknown", "accepted", "accepted"]
    assert [devices for _method, _sku, devices, _name in space.writes[2:]] == [devices[2:]]
    report(journal, "success", "r3", devices[2:])
    last = run(devices=devices, **options)
    assert (outcomes(last), code(last)) == (["unchanged"] * 4, "")
    assert len(space.writes) == 3


def test_a_report_stays_a_hint_for_every_license_of_the_device(run: Run, space: Space, journal: Path) -> None:
    """It came under an unknown id, and the flexible license was explained already."""
    space.faults = ["lost", "lost", "lose"]
    run()
    assert outcome(run()) == "unchanged"
    options = {"sku": LIFETIME, "lifetime_consent": 2, "devices": imeis(2), "batch_size": 1}
    run(**options)
    report(journal, "success")
    assert outcomes(run(**options, retry_unknown=True)) == ["unknown", "accepted"]
    assert [devices for _method, _sku, devices, _name in space.writes[3:]] == [[imei(1)]]


@pytest.mark.parametrize("sku", [FLEX, LIFETIME])
def test_what_the_count_contradicts_is_sent_again_if_requested(run: Run, space: Space, journal: Path, sku: str) -> None:
    """A report of something else does not leave a device without its license for ever."""
    devices = imeis(4)
    options = {"sku": sku, "lifetime_consent": 4, "batch_size": 2}
    space.faults = ["lose", "lose"]
    run(devices=devices, **options)
    report(journal, "success", devices=devices[:2])
    assert outcomes(run(devices=devices, **options)) == ["unknown"] * 4
    assert outcomes(run(devices=devices, retry_unknown=True, **options)) == ["accepted"] * 4
    assert space.held[sku] == set(devices)


@pytest.mark.parametrize("status", ["success", "failed"])
@pytest.mark.parametrize("fails", [True, False])
@pytest.mark.parametrize("sku", [FLEX, LIFETIME])
def test_a_report_that_is_older_than_a_request_is_not_about_it(
    run: Run, space: Space, journal: Path, sku: str, fails: bool, status: ReportedStatus
) -> None:
    """The answer is a late copy of that to a lost request, under whose id ThingSpace has reported meanwhile."""
    options = {"sku": sku, "lifetime_consent": 1}
    space.faults = ["lose"]
    run(sku=FLEX if sku == LIFETIME else LIFETIME, lifetime_consent=1)
    report(journal, status, "r1")
    space.copies, space.inactive = ["r1"], {DEVICE} if fails else set()
    done = run(**options)
    assert (outcome(done), code(done), done["changed"]) == ("unknown", "outcome_unknown", True)
    space.counts = False
    for more in ({"retry_failed": True}, {}):
        assert outcome(run(**options, **more)) == "unknown"
    assert len(space.writes) == 2


def test_a_report_that_comes_before_the_answer_counts(run: Run, space: Space, journal: Path) -> None:
    """The request was sent before that."""
    space.on_write = lambda: report(journal, "success", "r1")
    assert outcome(run(wait=True)) == "assigned"
