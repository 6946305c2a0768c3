# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carrying out a plan: every device gets a row, and nothing is sent again before the account was read."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import (
    ApiError,
    LicensingError,
    TransportError,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._fota.apply import CONFIRMED, RESENDS, apply_plan
from ansible_collections.thingspace.licensing.plugins.module_utils._fota.rows import Applied, predict
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.outcomes import HAD_BEFORE, Row
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.plan import Plan, Pool, State, make_plan
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.licenses import FotaApi
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.reach import Reach
from ansible_collections.thingspace.licensing.tests.support.fakes import (
    FakeThingSpace,
    Fault,
    change,
    fail,
    imei,
    imeis,
    lose,
    refusal,
    refuse,
    unseen,
)

DEADLINE = TransportError("The deadline is over.", code="deadline_exceeded", in_doubt=False, retryable=False)


@pytest.fixture(scope="module", autouse=True, params=[False, True], ids=["old server", "new server"])
def fixture_server(request: pytest.FixtureRequest) -> t.Iterator[None]:
    """A server that answers for named devices, or not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeThingSpace, "answers_for_devices", request.param)
        yield


def make(space: FakeThingSpace, state: State, wanted: list[str]) -> Plan:
    """The plan for the account as it is."""
    return make_plan({}, state, wanted, set(space.held), Pool(space.total, len(space.held)))


def run(space: FakeThingSpace, state: State, wanted: list[str], *faults: Fault | None, size: int = 1000) -> Applied:
    """Plan and apply."""
    plan = make(space, state, wanted)
    pool = Pool(space.total, len(space.held))
    space.faults = list(faults)
    applied = apply_plan(plan, wanted, pool, space.api(), size)
    touched = [*wanted, *(plan.remove if state == "exact" else ())]
    assert [row.device_id for row in applied.rows] == touched, "one row each, in order"
    return applied


def outcomes(applied: Applied) -> list[str]:
    """Without ids and words."""
    return [row.outcome for row in applied.rows]


def no_write_after_a_doubt_without_reading(space: FakeThingSpace) -> None:
    """Every device is written at most once between two readings of the account."""
    since: dict[str, set[str]] = {"assign": set(), "remove": set()}
    writes = iter(space.writes)
    for event in space.log:
        if event in ("list", "devices"):
            since = {"assign": set(), "remove": set()}
            continue
        action, devices = next(writes)
        assert not since[action].intersection(devices)
        since[action].update(devices)


@given(
    st.sampled_from(["present", "absent", "exact"]),
    st.lists(st.integers(0, 30), unique=True),
    st.sets(st.integers(0, 30)),
    st.integers(1, 9),
)
def test_result_is_what_was_predicted(state: State, wanted: list[int], held: set[int], size: int) -> None:
    space = FakeThingSpace(map(imei, held))
    ids = [imei(number) for number in wanted]
    predicted = predict(make(space, state, ids), ids)
    assert run(space, state, ids, size=size) == predicted
    writes = len(space.writes)
    again = run(space, state, ids)
    assert len(space.writes) == writes
    assert {row.outcome for row in again.rows} <= {"unchanged"}


def test_removals_go_first() -> None:
    space = FakeThingSpace(imeis(2), total=2)
    applied = run(space, "exact", imeis(2, 10))
    assert space.log == ["remove", "assign"]
    assert applied.rows == [
        *[Row(device, "assigned", "") for device in imeis(2, 10)],
        *[Row(device, "removed", "") for device in imeis(2)],
    ]


def test_words_of_thingspace_are_kept() -> None:
    space = FakeThingSpace()
    words = {"status": "DeviceRejected", "Reason": "Device not eligible for service."}
    applied = run(space, "present", imeis(2), change(lambda rows: [{**rows[0], **words}, rows[1]]))
    assert applied.rows == [
        Row(imei(0), "failed", "Device not eligible for service."),
        Row(imei(1), "assigned", ""),
    ]
    assert applied.stopped is None


@pytest.mark.parametrize(("state", "reason"), [("present", "already licensed"), ("absent", "holds no license")])
def test_somebody_else_was_faster(state: State, reason: str) -> None:
    wanted = imeis(2)
    space = FakeThingSpace(wanted if state == "absent" else [])
    plan = make(space, state, wanted)
    pool = Pool(space.total, len(space.held))
    space.held = set() if state == "absent" else set(wanted)
    applied = apply_plan(plan, wanted, pool, space.api(), 10)
    assert applied.rows == [Row(device, "unchanged", reason) for device in wanted]


@pytest.mark.parametrize("words", ["Device does not exist.", "Device not found.", "Invalid Device IMEI."])
@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("alone", [True, False])
def test_a_device_that_fota_does_not_know(words: str, listed: bool, alone: bool) -> None:
    """The refusal does not prove that it holds no license: it may be a fault, or a wrong check digit."""
    space = FakeThingSpace(imeis(1))
    row = {"deviceId": imei(0), "status": "DeviceRejected", "Reason": words}
    space.faults = [fail(refusal(words)) if alone else lambda *_request: {"deviceList": [row]}]
    pool = Pool(space.total, len(space.held))
    plan = make_plan({}, "absent", imeis(1), set(space.held) if listed else None, pool)
    assert apply_plan(plan, imeis(1), pool, space.api(), 10).rows == [Row(imei(0), "failed", words)]


@pytest.mark.parametrize(("state", "done"), [("present", "assigned"), ("absent", "removed")])
@pytest.mark.parametrize("effect", [0, 1, 2, 3])
def test_lost_answer_is_settled_by_reading(state: State, done: str, effect: int) -> None:
    wanted = imeis(3)
    space = FakeThingSpace(wanted if state == "absent" else [])
    applied = run(space, state, wanted, lose(effect))
    assert [(row.outcome, row.reason) for row in applied.rows] == [
        *[(done, CONFIRMED)] * effect,
        *[(done, "")] * (3 - effect),
    ]
    assert applied.stopped is None
    write = "remove" if state == "absent" else "assign"
    assert space.log == ([write, "list"] if effect == 3 else [write, "list", write])
    assert [devices for _action, devices in space.writes][1:] == ([wanted[effect:]] if effect < 3 else [])


def test_only_the_devices_in_doubt_are_sent_again() -> None:
    devices = imeis(30)
    space = FakeThingSpace()
    applied = run(space, "present", devices, None, lose(4), None, size=10)
    assert outcomes(applied) == ["assigned"] * 30
    assert space.writes[3:] == [("assign", devices[14:20])]
    no_write_after_a_doubt_without_reading(space)


def test_effect_that_shows_late_counts_as_ours() -> None:
    devices = imeis(2)
    space = FakeThingSpace()

    def show_late(fake: FakeThingSpace, action: str, sent: list[str]) -> t.Any:
        fake.held.update(sent)
        return fake.carry_out(action, sent)

    applied = run(space, "present", devices, lose(0), show_late)
    assert applied.rows == [Row(device, "assigned", CONFIRMED) for device in devices]


def test_resends_are_bounded() -> None:
    devices = imeis(2)
    space = FakeThingSpace()
    applied = run(space, "present", devices, *[lose(0)] * 20)
    assert len(space.writes) == 1 + RESENDS
    assert space.log == ["assign", "list"] * (1 + RESENDS)
    assert applied.rows == [
        Row(device, "unknown", "The connection broke. Reading back shows no change yet.") for device in devices
    ]


def test_effect_of_the_last_resend_is_seen() -> None:
    space = FakeThingSpace()
    applied = run(space, "present", imeis(2), *[lose(0)] * RESENDS, lose(None))
    assert outcomes(applied) == ["assigned"] * 2


def test_reading_back_that_fails_leaves_the_device_unknown() -> None:
    space = FakeThingSpace()
    space.list_faults = [ApiError("Server down.", code="server_error", status=500)]
    applied = run(space, "present", imeis(2), lose(1))
    reason = "The connection broke. reading back failed: Server down."
    assert applied.rows == [Row(device, "unknown", reason) for device in imeis(2)]
    assert len(space.writes) == 1, "never sent again without reading"


def test_row_left_out_of_an_answer_is_settled_by_reading() -> None:
    space = FakeThingSpace()
    applied = run(space, "present", imeis(3), change(lambda rows: rows[1:]))
    assert applied.rows[0] == Row(imei(0), "assigned", CONFIRMED)
    assert outcomes(applied) == ["assigned"] * 3
    assert space.log == ["assign", "list"]


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "not listed"])
@pytest.mark.parametrize("effect", [True, False], ids=["executed", "not yet"])
@pytest.mark.parametrize(
    "rows",
    [
        lambda device: [{"deviceId": device, "status": "Pending", "Reason": "Request accepted"}],
        lambda device: [{"deviceId": device}],
        lambda device: [{"deviceId": device, "status": status} for status in ("Failure", "Success")],
        lambda _device: [],
    ],
    ids=["pending", "no status", "contradiction", "left out"],
)
@pytest.mark.parametrize(("state", "done"), [("present", "assigned"), ("absent", "removed")])
def test_an_answer_that_refuses_nothing_proves_nothing(
    state: State, done: str, rows: t.Callable[[str], list[dict[str, str]]], effect: bool, listed: bool
) -> None:
    """Reading settles it; what reading does not show may still come, so it is unknown, and not sent again."""
    wanted = imeis(2)
    space = FakeThingSpace(wanted if state == "absent" else [])

    def unclear(fake: FakeThingSpace, action: str, devices: list[str]) -> t.Any:
        if effect:
            fake.carry_out(action, devices)
        return {"deviceList": [row for device in devices for row in rows(device)]}

    pool = Pool(space.total, len(space.held))
    plan = make(space, state, wanted) if listed else make_plan({}, state, wanted, None, pool)
    space.faults = [unclear]
    applied = apply_plan(plan, wanted, pool, space.api(), 10)
    assert outcomes(applied) == [done if effect else "unknown"] * 2
    assert len(space.writes) == 1
    assert effect or all("Reading back shows no change yet" in row.reason for row in applied.rows)


def test_only_a_refusal_beside_an_unclear_answer_has_failed() -> None:
    def mixed(_fake: FakeThingSpace, _action: str, devices: list[str]) -> t.Any:
        return {
            "deviceList": [
                {"deviceId": devices[0], "status": "LicenseAssignFailed", "Reason": "Internal error."},
                {"deviceId": devices[1], "status": "Pending"},
            ]
        }

    assert outcomes(run(FakeThingSpace(), "present", imeis(3), mixed)) == ["failed", "unknown", "unknown"]


def test_deadline_in_the_middle() -> None:
    devices = imeis(30)
    space = FakeThingSpace()
    applied = run(space, "present", devices, None, fail(DEADLINE), size=10)
    assert applied.stopped is DEADLINE
    assert applied.rows[:10] == [Row(device, "assigned", "") for device in devices[:10]]
    assert applied.rows[10:] == [Row(device, "skipped", "not sent: The deadline is over.") for device in devices[10:]]
    assert len(space.writes) == 2


def test_deadline_after_a_lost_answer_leaves_it_unknown() -> None:
    devices = imeis(20)
    space = FakeThingSpace()
    space.list_faults = [DEADLINE]
    applied = run(space, "present", devices, lose(None), fail(DEADLINE), size=10)
    assert outcomes(applied) == ["unknown"] * 10 + ["skipped"] * 10
    assert applied.stopped is DEADLINE


@pytest.mark.parametrize(
    "error", [DEADLINE, ApiError("No.", code="auth_rejected", status=401), refusal("gone", 404)], ids=lambda e: e.code
)
def test_stopped_removals_send_no_assignment(error: LicensingError) -> None:
    space = FakeThingSpace(imeis(4), total=1000)
    applied = run(space, "exact", imeis(2, 10), None, fail(error), size=2)
    assert space.log == ["remove", "remove"]
    assert applied.stopped is error
    # A batch that was refused as a whole was attempted; one that could not be sent was not.
    refused = "failed" if isinstance(error, ApiError) else "skipped"
    assert outcomes(applied) == ["skipped", "skipped", "removed", "removed", refused, refused]
    assert applied.rows[0].reason == f"not sent: {error.message}"


def not_removed(count: int) -> Fault:
    """The first so many removals fail."""

    def fault(space: FakeThingSpace, action: str, devices: list[str]) -> t.Any:
        done = space.carry_out(action, devices[count:])["deviceList"]
        words = {"status": "LicenseRemoveFailed", "Reason": "Internal error."}
        return {"deviceList": [*({"deviceId": device, **words} for device in devices[:count]), *done]}

    return fault


@pytest.mark.parametrize(("total", "failures", "assigned"), [(4, 1, 3), (4, 4, 0), (5, 1, 4), (5, 2, 3), (100, 4, 4)])
def test_failed_removals_keep_the_assignments_that_counted_on_them(total: int, failures: int, assigned: int) -> None:
    wanted = imeis(4, 10)
    space = FakeThingSpace(imeis(4), total=total)
    applied = run(space, "exact", wanted, not_removed(failures))
    assert outcomes(applied)[:4] == ["assigned"] * assigned + ["skipped"] * (4 - assigned)
    assert outcomes(applied)[4:] == ["failed"] * failures + ["removed"] * (4 - failures)
    assert [devices for action, devices in space.writes if action == "assign"] == (
        [wanted[:assigned]] if assigned else []
    )
    if assigned < 4:
        removals = "1 removal" if failures == 1 else f"{failures} removals"
        reason = f"not sent: no license is free for it, because {removals} did not succeed"
        assert applied.rows[assigned] == Row(wanted[assigned], "skipped", reason)


def test_removal_that_somebody_else_did_frees_its_license_all_the_same() -> None:
    wanted = imeis(2, 10)
    space = FakeThingSpace(imeis(2), total=2)
    plan = make(space, "exact", wanted)
    space.held = {imei(1)}
    applied = apply_plan(plan, wanted, Pool(2, 2), space.api(), 10)
    assert [row.outcome for row in applied.rows] == ["assigned", "assigned", "unchanged", "removed"]


def test_failed_removal_on_an_account_with_too_many_licenses_assigned() -> None:
    wanted = [*imeis(9), imei(50)]
    space = FakeThingSpace(imeis(12), total=10)
    plan = make_plan({}, "exact", wanted, set(space.held), Pool(10, 12))
    assert (len(plan.assign), len(plan.remove)) == (1, 3)
    space.faults = [not_removed(1)]
    applied = apply_plan(plan, wanted, Pool(10, 12), space.api(), 100)
    assert applied.rows[9].outcome == "skipped"
    assert space.log == ["remove"]


def test_unknown_pool_lets_thingspace_decide() -> None:
    wanted = imeis(2, 10)
    space = FakeThingSpace(imeis(2), total=2)
    plan = make(space, "exact", wanted)
    space.faults = [not_removed(1)]
    applied = apply_plan(plan, wanted, Pool(None, 2), space.api(), 10)
    assert [row.outcome for row in applied.rows] == ["assigned", "failed", "failed", "removed"]


def test_run_stopped_during_a_resend_does_not_call_a_sent_device_unsent() -> None:
    devices = imeis(4)
    space = FakeThingSpace()
    applied = run(space, "present", devices, lose(0), lose(0), fail(DEADLINE), size=2)
    assert applied.stopped is DEADLINE
    assert space.writes[2][1] == devices[:2]
    # Both batches were sent once; reading showed no effect. None of them is "not attempted".
    assert not [row for row in applied.rows if row.outcome == "skipped" and row.reason.startswith("not sent")]


def row_by_row(_space: FakeThingSpace, action: str, devices: list[str]) -> t.Any:
    """Refuse each device, and change nothing."""
    words = {"status": f"License{action.capitalize()}Failed", "Reason": "Internal error."}
    return {"deviceList": [{"deviceId": device, **words} for device in devices]}


FORBIDDEN = ApiError("Forbidden.", code="api_rejected", status=403)
REFUSALS = [refuse("Invalid device id format"), fail(FORBIDDEN), row_by_row]
ALL_FAULTS = [None, lose(0), lose(1), lose(None), change(lambda rows: rows[1:]), unseen(lose(None)), *REFUSALS[1:]]
FAULTS = st.lists(st.sampled_from(ALL_FAULTS), max_size=8)


@pytest.mark.parametrize("refused", REFUSALS, ids=["invalid", "forbidden", "each device"])
@pytest.mark.parametrize("effect", [unseen(lose(None)), lose(0)], ids=["executed", "not executed"])
@pytest.mark.parametrize("state", ["present", "absent", "exact"])
def test_the_refusal_of_a_repetition_says_nothing_about_the_request_before(
    state: State, effect: Fault, refused: Fault
) -> None:
    """It may even be the reason: it may have used the last license. So the device is neither failed nor unchanged."""
    touched = imeis(3)
    space = FakeThingSpace([] if state == "present" else touched)
    applied = run(space, state, [] if state == "exact" else touched, effect, *[refused] * 9)
    assert len(space.writes) >= 2
    assert outcomes(applied) == ["unknown"] * 3
    assert all("It was sent again, and ThingSpace refused that: " in row.reason for row in applied.rows)


@pytest.mark.parametrize(
    "faults",
    [[lose(None)], [lose(0)] * 3, [lose(0), *[row_by_row] * 3], [lose(0), lambda space, *_given: preexisting(space)]],
    ids=["seen", "not seen", "refused", "already"],
)
def test_a_list_of_a_part_of_the_account_does_not_show_what_was_before(
    faults: list[Fault], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So nothing confirms a lost assignment, and an undo is told that the license may not be the run's."""
    monkeypatch.setattr(FotaApi, "partial", property(lambda _api: Reach("v2", 1, 2)))
    applied = run(FakeThingSpace(), "present", imeis(1), *faults)
    assert outcomes(applied) == ["unknown"]
    assert applied.rows[0].reason.endswith(HAD_BEFORE)


def preexisting(_space: FakeThingSpace) -> t.Any:
    words = {"status": "LicenseAssignSuccess", "Reason": "Device license preexisting"}
    return {"deviceList": [{"deviceId": imei(0), **words}]}


def test_the_refusal_of_a_repetition_is_settled_by_reading() -> None:
    """The request before was only slow."""
    space = FakeThingSpace()

    def slow(fake: FakeThingSpace, action: str, devices: list[str]) -> t.Any:
        fake.carry_out(action, devices)
        raise refusal("No license available")

    applied = run(space, "present", imeis(3), lose(0), slow)
    assert applied.rows == [Row(device, "assigned", CONFIRMED) for device in imeis(3)]


@given(
    st.sampled_from(["present", "absent", "exact"]),
    st.lists(st.integers(0, 12), unique=True),
    st.sets(st.integers(0, 12)),
    FAULTS,
    st.integers(1, 5),
)
def test_rows_tell_the_truth_under_any_faults(
    state: State, wanted: list[int], held: set[int], faults: list[Fault | None], size: int
) -> None:
    before = set(map(imei, held))
    space = FakeThingSpace(before)
    applied = run(space, state, [imei(number) for number in wanted], *faults, size=size)
    for row in applied.rows:
        now, then = row.device_id in space.held, row.device_id in before
        if row.outcome == "assigned":
            assert (then, now) == (False, True)
        elif row.outcome == "removed":
            assert (then, now) == (True, False)
        elif row.outcome in ("unchanged", "failed", "skipped"):
            assert then == now
    no_write_after_a_doubt_without_reading(space)
    assert len(space.writes) <= 13 * 2 * (1 + RESENDS)


@pytest.mark.parametrize(
    ("held", "others", "outcome", "reason"),
    [
        (4, 0, "unchanged", "already licensed"),
        (0, 0, "assigned", "the answer was lost; reading back confirms it"),
        (
            2,
            0,
            "unknown",
            "the answer was lost; reading back shows the wanted state, which the device may have had before",
        ),
    ],
)
def test_lost_answer_without_a_listed_state_is_judged_by_the_count(
    held: int, others: int, outcome: str, reason: str
) -> None:
    devices = imeis(4)
    space = FakeThingSpace([*devices[:held], *imeis(50, 100)])
    pool = Pool(1000, len(space.held))
    plan = make_plan({}, "present", devices, None, pool)
    space.faults = [lose(4)]
    applied = apply_plan(plan, devices, pool, space.api(), 10)
    assert [(row.outcome, row.reason) for row in applied.rows] == [(outcome, reason)] * 4


class Zeros(FakeThingSpace):
    """Its list has a zero in place of each check digit. It answers about devices by their real ids, until it is asked
    again after a write.
    """

    def __init__(self, held: t.Iterable[str], later: str) -> None:
        super().__init__(held, page_size=10)
        self.later = later

    def get(self, operation: str, path: str) -> dict[str, t.Any]:
        value = super().get(operation, path if path.endswith("/0") else path[:-1] + "7")
        rows = [{**row, "deviceId": row["deviceId"][:-1] + "0"} for row in value["deviceList"]]
        return {**value, "deviceList": rows, "lastSeenDeviceId": rows[-1]["deviceId"] if rows else "0"}

    def query(self, operation: str, path: str, body: t.Mapping[str, t.Any], _most: int = 0) -> dict[str, t.Any]:
        if not self.writes or self.later == "knows":
            return super().query(operation, path, body)
        if self.later == "down":
            raise ApiError("Server down.", code="server_error", status=503)
        why = {"requestStatus": "Failure", "resultReason": "Device not found."}
        return {"deviceList": [{"deviceId": device, **why} for device in body["deviceList"]]}


@pytest.mark.parametrize("later", ["knows", "down", "does not know"])
@pytest.mark.parametrize("effect", [0, 1, None])
@pytest.mark.parametrize("count", [1, 10])
def test_only_what_speaks_of_a_device_confirms_its_removal(
    monkeypatch: pytest.MonkeyPatch, later: str, effect: int | None, count: int
) -> None:
    """ThingSpace was asked about it, so that a list that does not have it says nothing."""
    monkeypatch.setattr(FakeThingSpace, "answers_for_devices", True)
    held = [f"{35988100000000 + 17 * number}7" for number in range(400)]
    space, wanted = Zeros(held, later), held[100 : 100 + count]
    api, pool = space.api(), Pool(1000, len(held))
    api.page()
    plan = make_plan({}, "absent", wanted, set(wanted), pool, whole=False)
    space.faults = [lose(effect), *[lose(0)] * RESENDS]
    rows = apply_plan(plan, wanted, pool, api, 1000).rows
    for row in rows:
        gone = row.device_id not in space.held
        assert row.outcome == ("removed" if gone and later == "knows" else "unknown")
        assert row.reason == CONFIRMED or "eading back" in row.reason
    assert len(space.writes) == (1 if later != "knows" or effect in (None, count) else 1 + RESENDS)


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("before", range(5))
@pytest.mark.parametrize("at", range(5))
def test_a_lost_request_that_is_carried_out_while_it_is_settled(state: State, before: int, at: int) -> None:
    """After any reading, so that the count may have devices that a reading before it does not show."""
    devices, assigning = imeis(4), state == "present"
    as_wanted = devices[:before]
    held = as_wanted if assigning else devices[before:]

    class Late(FakeThingSpace):
        readings = 0

        def get(self, operation: str, path: str) -> dict[str, t.Any]:
            self._come_true()
            return super().get(operation, path)

        def query(self, operation: str, path: str, body: t.Any, _most: int = 0) -> dict[str, t.Any]:
            self._come_true()
            return super().query(operation, path, body)

        def _come_true(self) -> None:
            self.readings += bool(self.writes)
            if self.readings == at + 1:
                (self.held.update if assigning else self.held.difference_update)(devices)

    space = Late([*held, *imeis(50, 100)], page_size=10)
    pool = Pool(9000, len(space.held))
    plan = make_plan({}, state, devices, None, pool)
    space.faults = [lose(0)]
    api = space.api()
    api.page()
    applied = apply_plan(plan, devices, pool, api, 10)
    done = "assigned" if assigning else "removed"
    for row in applied.rows:
        assert row.outcome in ("unchanged" if row.device_id in as_wanted else done, "unknown"), applied.rows
        assert (row.outcome == "unknown") <= (0 < before < 4 or "shows no change yet" in row.reason)
