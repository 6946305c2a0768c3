# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sending in batches, and narrowing down what a rejection is about."""

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
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.answer import Action, Answer, DeviceResult
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.batches import (
    LOST_IN_A_ROW,
    REJECTIONS_BEFORE_CHECK,
    SINGLES_IN_CHECK,
    Doubt,
    Sending,
)
from ansible_collections.thingspace.licensing.tests.support.fakes import (
    FakeThingSpace,
    change,
    fail,
    imeis,
    lose,
    refusal,
    refuse,
)


def send(space: FakeThingSpace, devices: list[str], size: int = 1000, action: Action = "assign") -> Sending:
    """Send an action for devices."""
    sending = Sending(space.api(), action, size)
    sending.send(devices)
    return sending


def results(sending: Sending) -> dict[str, DeviceResult]:
    """Without the words."""
    return {device: answer.result for device, answer in sending.answers.items()}


@pytest.mark.parametrize(
    ("count", "size", "sizes"), [(0, 10, []), (1, 10, [1]), (10, 10, [10]), (11, 10, [10, 1]), (30, 10, [10, 10, 10])]
)
def test_batches_are_full(count: int, size: int, sizes: list[int]) -> None:
    space = FakeThingSpace()
    sending = send(space, imeis(count), size)
    assert [len(devices) for _action, devices in space.writes] == sizes
    assert [device for _action, devices in space.writes for device in devices] == imeis(count)
    assert results(sending) == dict.fromkeys(imeis(count), DeviceResult.DONE)
    assert (sending.in_doubt, sending.stopped) == ({}, None)


@pytest.mark.parametrize("action", ["assign", "remove"])
def test_several_at_a_time_miss_nothing(action: Action) -> None:
    devices = imeis(500)
    space = FakeThingSpace(devices if action == "remove" else [])
    space.max_concurrency = 8
    assert results(send(space, devices, 7, action)) == dict.fromkeys(devices, DeviceResult.DONE)
    assert len(space.writes) == 72
    assert space.held == (set() if action == "remove" else set(devices))


@given(st.integers(1, 60), st.data())
def test_narrowing_finds_exactly_the_bad_ones(count: int, data: st.DataObject) -> None:
    devices = imeis(count)
    bad = set(data.draw(st.lists(st.sampled_from(devices), max_size=4, unique=True)))
    action: Action = data.draw(st.sampled_from(["assign", "remove"]))
    space = FakeThingSpace(devices if action == "remove" else [])
    space.bad = bad
    sending = send(space, devices, data.draw(st.integers(1, 60)), action)
    refused = {device for device, result in results(sending).items() if result is DeviceResult.REFUSED}
    assert refused == bad
    assert set(sending.answers) == set(devices)
    assert (sending.in_doubt, sending.stopped) == ({}, None)
    assert all(sending.answers[device].reason == "Invalid device id format" for device in bad)


def test_narrowing_sends_few_requests_and_nothing_good_twice() -> None:
    devices = imeis(1000)
    space = FakeThingSpace()
    space.bad = {devices[313]}
    send(space, devices)
    assert len(space.writes) == 21  # the batch, and two halves on each of ten levels
    accepted = [device for _action, part in space.writes if not space.bad.intersection(part) for device in part]
    assert sorted(accepted) == sorted(set(devices) - space.bad)


def test_narrowing_ends_when_everything_is_rejected() -> None:
    devices = imeis(1000)
    space = FakeThingSpace()
    space.bad = set(devices)
    sending = send(space, devices)
    assert len(space.writes) <= REJECTIONS_BEFORE_CHECK + SINGLES_IN_CHECK + 2
    tried_alone = {part[0] for _action, part in space.writes if len(part) == 1}
    assert results(sending) == dict.fromkeys(tried_alone, DeviceResult.REFUSED), "only what was tried alone has failed"
    assert set(sending.left_out) == set(devices) - tried_alone
    assert "not tried alone" in sending.left_out[devices[-1]]


def test_everything_rejected_stops_the_other_batches() -> None:
    devices = imeis(5000)
    space = FakeThingSpace()
    space.max_concurrency = 1
    space.bad = set(devices)
    sending = send(space, devices, size=500)
    assert sending.stopped is not None
    assert len(space.writes) <= REJECTIONS_BEFORE_CHECK + SINGLES_IN_CHECK + 2


class Locked(FakeThingSpace):
    """Refuses a request that has a bad device in it, with a reason that only a device can have."""

    reason = "License removal not allowed for devices that have ever upgraded firmware."

    def carry_out(self, action: str, devices: list[str]) -> dict[str, t.Any]:
        if self.bad.intersection(devices):
            raise refusal(self.reason)
        return super().carry_out(action, devices)


@pytest.mark.parametrize("good", [0, 1, 30])
@pytest.mark.parametrize("known", [True, False])
def test_a_refusal_that_is_about_a_device_ends_no_search(good: int, known: bool) -> None:
    """However many devices it is about. Others of the batch are still found, and other batches are sent."""
    devices = imeis(200)
    space = Locked(devices)
    space.max_concurrency = 1
    space.bad = set(devices[: 200 - good])
    sending = Sending(space.api(), "remove", 100, lambda reason: known and reason == Locked.reason)
    sending.send(devices)
    if known:
        assert results(sending) == {
            device: DeviceResult.REFUSED if device in space.bad else DeviceResult.DONE for device in devices
        }
        assert (sending.left_out, sending.stopped) == ({}, None)
        assert len(space.writes) <= 2 * len(devices)
    else:
        assert sending.left_out


@pytest.mark.parametrize(("bad", "total"), [(slice(0, 100), 1000), (slice(400, 445), 945), (slice(0, 900), 1000)])
def test_many_bad_ones_in_a_row_do_not_take_good_ones_with_them(bad: slice, total: int) -> None:
    devices = imeis(total)
    space = FakeThingSpace()
    space.bad = set(devices[bad])
    sending = send(space, devices)
    refused = {device for device, result in results(sending).items() if result is DeviceResult.REFUSED}
    assert refused == space.bad
    assert space.held == set(devices) - space.bad
    assert (sending.left_out, sending.stopped) == ({}, None)


def test_devices_in_doubt_are_not_sent_again_by_the_search() -> None:
    devices = imeis(400)
    space = FakeThingSpace()
    space.bad = set(devices)
    space.faults = [None, lose(0)]
    sending = send(space, devices)
    assert list(sending.in_doubt) == devices[:200]
    after_the_loss = [device for _action, part in space.writes[2:] for device in part]
    assert not set(after_the_loss) & set(sending.in_doubt)


def test_single_device_that_is_refused_costs_one_request() -> None:
    space = FakeThingSpace()
    space.bad = set(imeis(1))
    assert results(send(space, imeis(1))) == {imeis(1)[0]: DeviceResult.REFUSED}
    assert space.log == ["assign"]


def test_a_batch_of_bad_ones_only_does_not_spoil_the_next() -> None:
    devices = imeis(400)
    space = FakeThingSpace()
    space.max_concurrency = 1
    space.bad = {*devices[100:200], devices[250], devices[350]}
    sending = send(space, devices, size=100)
    assert space.held == set(devices) - space.bad
    assert {device for device, result in results(sending).items() if result is DeviceResult.REFUSED} <= space.bad


def test_exhausted_pool_is_cut_to_what_fits() -> None:
    devices = imeis(100)
    space = FakeThingSpace(imeis(60, 500), total=100)
    space.faults = [refuse("No licenses left")]
    sending = send(space, devices)
    assert space.writes == [("assign", devices), ("assign", devices[:40])]
    assert space.log == ["assign", "list", "assign"]
    assert results(sending) == {
        **dict.fromkeys(devices[:40], DeviceResult.DONE),
        **dict.fromkeys(devices[40:], DeviceResult.REFUSED),
    }
    assert sending.answers[devices[40]].reason == "No licenses left (the account has no free license for it)"


def test_empty_pool_sends_nothing_more() -> None:
    space = FakeThingSpace(imeis(10, 500), total=10)
    space.faults = [refuse("No licenses left")]
    assert results(send(space, imeis(5))) == dict.fromkeys(imeis(5), DeviceResult.REFUSED)
    assert len(space.writes) == 1


def test_removals_do_not_ask_for_the_pool() -> None:
    devices = imeis(4)
    space = FakeThingSpace(devices, total=4)
    space.bad = {devices[0]}
    assert results(send(space, devices, action="remove"))[devices[0]] is DeviceResult.REFUSED
    assert "list" not in space.log
    assert space.held == {devices[0]}


def test_pool_that_cannot_be_read_does_not_stop_the_narrowing() -> None:
    devices = imeis(4)
    space = FakeThingSpace()
    space.bad = {devices[3]}
    space.list_faults = [refusal("down", 500)]
    assert [device for device, result in results(send(space, devices)).items() if result is DeviceResult.REFUSED] == [
        devices[3]
    ]


@pytest.mark.parametrize("status", [400, 413, 422])
def test_statuses_that_are_about_the_devices(status: int) -> None:
    space = FakeThingSpace()
    space.faults = [fail(refusal("too many", status))]
    assert results(send(space, imeis(2))) == dict.fromkeys(imeis(2), DeviceResult.DONE)
    assert [len(devices) for _action, devices in space.writes] == [2, 1, 1]


STOPPING: list[LicensingError] = [
    refusal("no", 404),
    refusal("no", 409),
    ApiError("no", code="auth_rejected", status=401),
    ApiError("no", code="account_not_found", status=400),
    ApiError("slow", code="rate_limited", status=429),
    ApiError("away", code="redirected", status=302),
    TransportError("late", code="deadline_exceeded", in_doubt=False),
    TransportError("none", code="connection_failed", in_doubt=False),
    LicensingError("locked", code="login_blocked"),
]


@pytest.mark.parametrize("error", STOPPING, ids=lambda error: error.code)
def test_errors_that_stop_the_run(error: LicensingError) -> None:
    devices = imeis(30)
    space = FakeThingSpace()
    space.faults = [None, fail(error)]
    sending = send(space, devices, 10)
    assert sending.stopped is error
    assert len(space.writes) == 2
    refused = devices[10:20] if isinstance(error, ApiError) and error.code != "rate_limited" else []
    done = dict.fromkeys(devices[:10], DeviceResult.DONE)
    assert results(sending) == {**done, **dict.fromkeys(refused, DeviceResult.REFUSED)}
    assert sending.in_doubt == {}


LOSING: list[LicensingError] = [
    TransportError("broke", code="connection_failed", in_doubt=True),
    TransportError("slow", code="timeout", in_doubt=True),
    TransportError("big", code="answer_too_large", in_doubt=True, retryable=False),
    ApiError("500", code="server_error", status=500, in_doubt=True),
    ApiError("html", code="bad_answer", status=200, in_doubt=True),
]


@pytest.mark.parametrize("error", LOSING, ids=lambda error: error.code)
def test_lost_answers_are_put_aside_and_the_others_go_on(error: LicensingError) -> None:
    devices = imeis(30)
    space = FakeThingSpace()
    space.faults = [None, fail(error)]
    sending = send(space, devices, 10)
    assert sending.in_doubt == dict.fromkeys(devices[10:20], Doubt(error.message, True))
    assert set(sending.answers) == {*devices[:10], *devices[20:]}
    assert sending.stopped is None
    assert len(space.writes) == 3, "nothing is sent twice"


def test_many_lost_answers_in_a_row_stop_the_run() -> None:
    devices = imeis(10)
    space = FakeThingSpace()
    space.faults = [lose(None)] * 10
    sending = send(space, devices, 1)
    assert len(space.writes) == LOST_IN_A_ROW
    assert set(sending.in_doubt) == set(devices[:LOST_IN_A_ROW])
    assert sending.stopped is not None


def test_a_good_answer_in_between_resets_the_count() -> None:
    space = FakeThingSpace()
    space.faults = [*[lose(0)] * (LOST_IN_A_ROW - 1), None, *[lose(0)] * (LOST_IN_A_ROW - 1)]
    sending = send(space, imeis(10), 1)
    assert sending.stopped is None
    assert len(sending.answers) == 4


def test_row_left_out_of_an_answer() -> None:
    devices = imeis(3)
    space = FakeThingSpace()
    space.faults = [change(lambda rows: rows[:1] + rows[2:])]
    sending = send(space, devices)
    assert sending.in_doubt == {devices[1]: Doubt("ThingSpace's answer left this device out.", False)}
    assert set(sending.answers) == {devices[0], devices[2]}


def test_unclear_status_is_not_to_be_sent_again() -> None:
    devices = imeis(2)
    space = FakeThingSpace()
    space.faults = [change(lambda rows: [{**rows[0], "status": "UpgradePending", "Reason": "later"}, rows[1]])]
    sending = send(space, devices)
    assert sending.in_doubt == {
        devices[0]: Doubt(
            "ThingSpace's answer says neither that it was done nor that it was refused (UpgradePending: later).", False
        )
    }


def test_rows_of_devices_that_nobody_named_are_ignored() -> None:
    space = FakeThingSpace()
    space.faults = [change(lambda rows: [*rows, {"deviceId": "7", "status": "Failure", "Reason": "x"}])]
    sending = send(space, imeis(1))
    assert sending.answers == {imeis(1)[0]: Answer(DeviceResult.DONE, "")}
    assert sending.in_doubt == {}


def test_defect_is_not_swallowed() -> None:
    space = FakeThingSpace()
    space.faults = [fail(ZeroDivisionError())]
    with pytest.raises(ZeroDivisionError):
        send(space, imeis(1))
