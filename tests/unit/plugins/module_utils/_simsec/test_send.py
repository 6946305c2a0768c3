# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sending: written down first, and every device gets an outcome whatever happens."""

from __future__ import annotations

import itertools
import re
import typing as t
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._client.sender import EachTime
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import (
    ApiError,
    LicensingError,
    TransportError,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import Confirmation
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Journal, open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.outcomes import RequestRow
from ansible_collections.thingspace.licensing.plugins.module_utils._progress import Progress
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.api import SimsecApi
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.plan import Decision, row_of
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.send import (
    X_REQUEST_ID,
    JournaledWriter,
    Sent,
    request_id_problems,
    request_names,
    send,
)
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei, imeis, refusal
from ansible_collections.thingspace.licensing.tests.support.journals import never

SCOPE = Scope(ACCOUNT, "SIMSec-IoT", "imei")
GIVEN = st.from_regex(X_REQUEST_ID, fullmatch=True)


class FakeApi:
    """Accepts requests, or does what was agreed for the next ones. Each must have been written down before."""

    max_concurrency = 1
    progress = Progress()

    def __init__(self, journal: Journal, *answers: Exception | str | None) -> None:
        self.journal = journal
        self.answers: list[t.Any] = list(answers)
        self.sent: list[tuple[list[str], str]] = []
        self.free = 100

    def change(self, action: str, sku: str, kind: str, devices: t.Sequence[str], name: str, each_time: EachTime) -> str:
        assert (action, sku, kind) == ("assign", SCOPE.sku, SCOPE.kind)
        each_time.before()
        for device, attempts in self.journal.attempts(SCOPE, devices).items():
            assert (attempts[-1].state, attempts[-1].x_request_id) == ("sending", name), device
        self.sent.append((list(devices), name))
        answer = (self.answers or [f"r{len(self.sent)}"]).pop(0)
        if isinstance(answer, Exception):
            raise answer
        return str(answer or f"r{len(self.sent)}")

    def subscriptions(self) -> list[dict[str, t.Any]]:
        row = {"sku": SCOPE.sku, "license_type": "", "purchased": 100, "assigned": 100 - self.free, "available": None}
        return [{**row, "sku": "another", "assigned": 100}, row]


@pytest.fixture
def journal() -> t.Iterator[Journal]:
    made = open_journal("", write=True, told=never)
    yield made
    made.close()


Others = t.Mapping[str, Decision]


def sending(api: FakeApi, devices: list[str], size: int = 2, others: Others = MappingProxyType({})) -> Sent:
    """Send; the journal says the same as it did for the plan, but for others of the devices."""
    run = api.journal.begin_run(SCOPE, "assign", 0)

    def withhold(sent: t.Sequence[str]) -> dict[str, Decision]:
        return {device: others[device] for device in sent if device in others}

    writer = JournaledWriter(t.cast(SimsecApi, api), api.journal, SCOPE, run, request_names(None, 9), withhold)
    return send(writer, "assign", devices, size)


def states(journal: Journal, devices: list[str]) -> list[str]:
    found = journal.attempts(SCOPE, devices)
    return [found[device][-1].state if device in found else "" for device in devices]


def broken() -> TransportError:
    return TransportError("It broke.", code="connection_failed", in_doubt=True)


@pytest.mark.parametrize("answers", [(), (refusal("sorry"),), (broken(),)], ids=["accepted", "refused", "lost"])
def test_what_is_not_as_planned_any_more_is_not_sent(journal: Journal, answers: tuple[Exception, ...]) -> None:
    """Also if the rest of its request is refused and sent in parts, or lost."""
    others = {imei(1): Decision("unchanged", "", "r0"), imei(4): Decision("skipped", "why", waits=True)}
    api = FakeApi(journal, *answers)
    sent = sending(api, imeis(5), 3, others)
    assert [sent.results[one] for one in others] == [row_of(one, decision) for one, decision in others.items()]
    assert sent.withheld == others
    asked = {device for devices, _name in api.sent for device in devices}
    assert asked == {*imeis(5)} - others.keys()
    assert sent.results[imei(3)].outcome == "accepted"


def test_what_was_withheld_once_is_not_sent_with_a_part_of_its_request(journal: Journal) -> None:
    """Even if it might be sent by then. Nor does it take the last free license from others."""
    others = {imei(0): Decision("skipped", "why")}
    api = FakeApi(journal, refusal("No license available"))
    api.free = 1

    def withhold(sent: t.Sequence[str]) -> dict[str, Decision]:
        return {} if api.sent else others

    run = journal.begin_run(SCOPE, "assign", 0)
    writer = JournaledWriter(t.cast(SimsecApi, api), journal, SCOPE, run, request_names(None, 9), withhold)
    sent = send(writer, "assign", imeis(3), 3)
    assert [devices for devices, _name in api.sent] == [imeis(3)[1:], [imei(1)]]
    assert [sent.results[device].outcome for device in imeis(3)] == ["skipped", "accepted", "failed"]
    assert sent.withheld == others


def test_accepted(journal: Journal) -> None:
    api = FakeApi(journal)
    sent = sending(api, imeis(3))
    names = zip(imeis(3), ("r1", "r1", "r2"), strict=True)
    assert sent == Sent({device: RequestRow(device, "accepted", "", name) for device, name in names}, None, {})
    assert states(journal, imeis(3)) == ["accepted"] * 3
    assert len({name for _devices, name in api.sent}) == 2


@pytest.mark.parametrize(
    ("answer", "outcome", "state"),
    [
        (broken(), "unknown", "unknown"),
        (ApiError("sorry", code="server_error", status=500, in_doubt=True), "unknown", "unknown"),
        (refusal("no", 403), "failed", "rejected"),
        (ApiError("slow", code="rate_limited", status=429), "skipped", "rejected"),
        (TransportError("no", code="connection_failed", in_doubt=False), "skipped", "not_sent"),
    ],
)
def test_every_end_of_a_request(journal: Journal, answer: LicensingError, outcome: str, state: str) -> None:
    sent = sending(FakeApi(journal, answer), imeis(2))
    assert [result.outcome for result in sent.results.values()] == [outcome] * 2
    assert states(journal, imeis(2)) == [state] * 2
    assert journal.attempts(SCOPE, imeis(1))[imei(0)][0].reason == answer.message


@pytest.mark.parametrize("other_run", [False, True])
def test_an_answer_of_another_request_proves_nothing(journal: Journal, other_run: bool) -> None:
    """As when a copy of an earlier answer comes first on a connection that is used again."""
    if other_run:
        assert sending(FakeApi(journal), imeis(2)).results[imei(0)].outcome == "accepted"
        devices, api = imeis(2, 2), FakeApi(journal, "r1")
    else:
        devices, api = imeis(4), FakeApi(journal, None, "r1")
    results = sending(api, devices).results
    for device in imeis(2, 2):
        _device, outcome, reason, request_id = results[device]
        assert (outcome, request_id) == ("unknown", "")
        assert "the request r1, which is older" in reason
    found = journal.attempts(SCOPE, imeis(4))
    assert [found[device][-1].request_id for device in imeis(4)] == ["r1", "r1", "", ""]
    assert states(journal, imeis(4)) == ["accepted"] * 2 + ["unknown"] * 2
    journal.confirm([Confirmation("r1", (("imei", imei(2)),), "success", "")])
    assert journal.attempts(SCOPE, imeis(4))[imei(2)][-1].outcome is None, "it is a report on another request"


def test_a_lost_answer_is_not_sent_again(journal: Journal) -> None:
    api = FakeApi(journal, broken())
    sent = sending(api, imeis(4))
    assert [result.outcome for result in sent.results.values()] == ["unknown", "unknown", "accepted", "accepted"]
    assert len(api.sent) == 2


def test_one_bad_device_does_not_keep_the_others(journal: Journal) -> None:
    api = FakeApi(journal, refusal("bad device"), None, refusal("bad device"))
    sent = sending(api, imeis(2))
    assert [result.outcome for result in sent.results.values()] == ["accepted", "failed"]
    assert states(journal, imeis(2)) == ["accepted", "rejected"]
    assert len({name for _devices, name in api.sent}) == 3


def test_a_batch_is_cut_to_the_pool_of_its_own_sku(journal: Journal) -> None:
    api = FakeApi(journal, refusal("no license"))
    api.free = 1
    sent = sending(api, imeis(3), 3)
    assert [result.outcome for result in sent.results.values()] == ["accepted", "failed", "failed"]


def test_what_cannot_be_written_down_is_not_sent(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    api = FakeApi(journal)
    full = LicensingError("The disk is full.", code="journal_full")
    real = journal.intend

    def intend(*args: t.Any) -> int:
        if api.sent:
            raise full
        return real(*args)

    monkeypatch.setattr(journal, "intend", intend)
    sent = sending(api, imeis(6))
    assert [result.outcome for result in sent.results.values()] == ["accepted"] * 2 + ["skipped"] * 4
    assert (sent.stopped, len(api.sent)) == (full, 1)


def test_an_acceptance_that_cannot_be_written_down(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def accepted(_request: int, _request_id: str) -> None:
        raise LicensingError("The disk is full.", code="journal_full")

    monkeypatch.setattr(journal, "accepted", accepted)
    api = FakeApi(journal)
    sent = sending(api, imeis(4))
    _device, outcome, reason, request_id = sent.results[imei(0)]
    assert (outcome, request_id, "r1" in reason) == ("unknown", "r1", True)
    assert [result.outcome for result in sent.results.values()] == ["unknown"] * 2 + ["skipped"] * 2
    assert sent.stopped is not None
    assert sent.stopped.code == "not_recorded"
    assert len(api.sent) == 1
    assert states(journal, imeis(2)) == ["sending"] * 2, "the next run knows that it does not know"


def test_a_fate_that_cannot_be_written_down_stays_open(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def settle(*_args: t.Any) -> None:
        raise LicensingError("The disk is full.", code="journal_full")

    monkeypatch.setattr(journal, "settle", settle)
    assert sending(FakeApi(journal, broken()), imeis(1)).results[imei(0)].outcome == "unknown"
    assert states(journal, imeis(1)) == ["sending"]


@pytest.mark.parametrize(
    ("given_", "good"),
    [
        (None, True),
        ("1-234", True),
        ("1-" + "2" * 30, True),
        ("1-" + "2" * 31, False),
        ("1-23", False),
        ("12-345", False),
        ("1-234 ", False),
        ("1-234\n", False),
        ("", False),
        ("\x1b[1m" * 100, False),
    ],
)
def test_request_ids(given_: str | None, good: bool) -> None:
    problems = request_id_problems(given_)
    assert (problems == []) is good
    for problem in problems:
        assert problem.code == "invalid_request_id"
        assert problem.text.isprintable()
        assert len(problem.text) < 160


def test_random_names_are_unique() -> None:
    names = list(itertools.islice(request_names(None, 3), 2000))
    assert len(set(names)) == 2000
    assert all(X_REQUEST_ID.fullmatch(name) and len(name) <= 32 for name in names)


def test_the_given_name_is_used_as_it_is_for_a_single_request() -> None:
    assert next(request_names("1-234", 1)) == "1-234"


@given(GIVEN, st.integers(2, 300))
def test_a_number_behind_the_given_name(given_: str, requests: int) -> None:
    if len(given_) > 28:
        with pytest.raises(LicensingError) as caught:
            request_names(given_, requests)
        assert caught.value.code == "invalid_request_id"
        return
    names = list(itertools.islice(request_names(given_, requests), requests))
    assert len(set(names)) == requests
    assert all(re.fullmatch(re.escape(given_) + r"\d{4}", name) for name in names)
    assert not any(request_id_problems(name) for name in names)


@pytest.mark.parametrize("given_", ["1-234", "1-" + "2" * 26])
def test_further_names_when_a_single_request_has_to_be_divided(given_: str) -> None:
    names = list(itertools.islice(request_names(given_, 1), 200))
    assert len(set(names)) == 200
    assert all(name.startswith(given_) for name in names)
    assert all(X_REQUEST_ID.fullmatch(name) for name in names)


def test_the_longest_name_is_not_used_twice_when_a_request_has_to_be_divided() -> None:
    names = list(itertools.islice(request_names("1-" + "2" * 30, 1), 3))
    assert len(set(names)) == 3
