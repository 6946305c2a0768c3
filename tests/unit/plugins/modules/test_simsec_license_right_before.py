# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the journal and the counts say right before a request counts, not what they said when the task began."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client import stop
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import (
    Confirmation,
    ReportedStatus,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Journal, open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec import converge
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, Clock, imeis
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.module_runner import Run
from ansible_collections.thingspace.licensing.tests.support.simsec_space import FLEX, LIFETIME, Space

BUNDLE = "TS-BUNDLE-KTO-SIMSEC-MRC"
FIRST, SECOND = imeis(2)


@pytest.fixture
def always() -> dict[str, t.Any]:
    return {"sku": FLEX, "devices": [FIRST, SECOND], "settle_time": 0, "max_concurrency": 1, "batch_size": 1}


@pytest.fixture(params=["at once", "in waves"])
def pace(request: pytest.FixtureRequest, space: Space, journal: Path) -> dict[str, t.Any]:
    """Two requests of one run. In waves, the first is confirmed before the second is sent."""
    space.held[BUNDLE] = set()
    space.types[BUNDLE] = "Flexible Bundle"
    return {"waves": [1], "wait": True} if request.param == "in waves" else {}


def report(journal: Path, device: str, request_id: str, status: ReportedStatus = "success") -> None:
    with contextlib.closing(open_journal(str(journal), write=True, told=never)) as opened:
        opened.confirm([Confirmation(request_id, (("imei", device),), status, "why")])


def meanwhile(space: Space, happens: t.Callable[[], None]) -> None:
    """Let something happen while the next write is answered, and report that write as done."""
    report_of, space.on_write = space.on_write, lambda: None

    def once() -> None:
        happens()
        space.on_write = report_of

    space.on_write = once


def outcomes(result: dict[str, t.Any]) -> list[str]:
    return [row["outcome"] for row in result["devices"]]


def moved(run: Run, space: Space, journal: Path) -> None:
    """Both devices hold both licenses, and ThingSpace reported all of that."""
    for number, sku in enumerate((FLEX, BUNDLE)):
        run(sku=sku)
        for place, device in enumerate((FIRST, SECOND), start=1):
            report(journal, device, f"r{2 * number + place}")


def test_a_new_license_that_is_reported_as_failed_meanwhile(
    run: Run, space: Space, journal: Path, pace: dict[str, t.Any]
) -> None:
    """Its device keeps the old license."""
    moved(run, space, journal)
    space.held[BUNDLE].remove(SECOND)
    removing = {"state": "absent", "replaced_by": [{"sku": BUNDLE}], **pace}

    def failed() -> None:
        report(journal, FIRST, "r5")
        report(journal, SECOND, "r4", "failed")

    # The counts agree with the journal, so that only the report says it.
    space.held[BUNDLE].add("somebody else's")
    meanwhile(space, failed)
    done = run(**removing)
    assert outcomes(done)[1] == "skipped"
    assert "it keeps this license until" in done["devices"][1]["reason"]
    assert "failure" not in done, "that is what the task requests"
    assert space.held[FLEX] == {SECOND}
    assert len(space.writes) == 5


def test_a_new_license_that_others_remove_meanwhile(run: Run, space: Space, journal: Path) -> None:
    """The counts are read again before each wave."""
    space.held[BUNDLE] = set()
    space.types[BUNDLE] = "Flexible Bundle"
    moved(run, space, journal)

    def gone() -> None:
        report(journal, FIRST, "r5")
        space.held[BUNDLE].remove(SECOND)

    meanwhile(space, gone)
    done = run(state="absent", replaced_by=[{"sku": BUNDLE}], waves=[1], wait=True)
    assert (outcomes(done)[1], "failure" in done) == ("skipped", False)
    assert space.held[FLEX] == {SECOND}


@pytest.mark.parametrize("sku", [FLEX, LIFETIME])
def test_what_is_reported_as_done_meanwhile_is_not_sent_again(
    run: Run, space: Space, journal: Path, pace: dict[str, t.Any], sku: str
) -> None:
    """ThingSpace reported a failure first, and the opposite while the task sent another device."""
    options = {"sku": sku, "lifetime_consent": 2, "lifetime_elsewhere": 2}
    run(**options)
    for place, device in enumerate((FIRST, SECOND), start=1):
        report(journal, device, f"r{place}", "failed")
    space.held[sku].discard(FIRST)

    def done_after_all() -> None:
        report(journal, FIRST, "r3")
        report(journal, SECOND, "r2")

    meanwhile(space, done_after_all)
    done = run(**options, retry_failed=True, **pace)
    assert [device for _method, _sku, devices, _name in space.writes[2:] for device in devices] == [FIRST]
    assert outcomes(done)[1] == "unchanged"
    assert space.held[sku] == {FIRST, SECOND}


@pytest.mark.parametrize("sku", [FLEX, LIFETIME])
def test_what_a_report_under_an_unknown_id_calls_done_meanwhile_is_not_sent_again(
    run: Run, space: Space, journal: Path, sku: str
) -> None:
    """Both answers were lost, and only the second request was carried out."""
    options = {"sku": sku, "lifetime_consent": 2, "lifetime_elsewhere": 2}
    space.faults, space.counts = ["lose", "lost"], False
    run(**options)
    meanwhile(space, lambda: report(journal, SECOND, "unknown"))
    space.counts = True
    done = run(**options, retry_unknown=True, settle_time=600)
    assert [devices for _method, _sku, devices, _name in space.writes[2:]] == [[FIRST]]
    assert outcomes(done) == ["accepted", "unknown"]


def in_the_pause(space: Space, clock: Clock, monkeypatch: pytest.MonkeyPatch, happens: t.Callable[[], None]) -> None:
    """Let ThingSpace answer the next write with 429, and something happen in the pause after it."""
    space.faults.append(429)

    def sleep(_stop: stop.Stop, seconds: float) -> None:
        clock.sleep(seconds)
        if not space.faults:
            monkeypatch.setattr(stop.Stop, "sleep", lambda _stop, seconds: clock.sleep(seconds))
            happens()

    monkeypatch.setattr(stop.Stop, "sleep", sleep)


def test_a_new_license_that_is_reported_as_failed_in_a_pause(
    run: Run, space: Space, journal: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its device keeps the old license, and the other device of the repeated request does not."""
    space.held[BUNDLE] = set()
    space.types[BUNDLE] = "Flexible Bundle"
    moved(run, space, journal)
    space.held[BUNDLE] = {FIRST, "somebody else's"}
    in_the_pause(space, clock, monkeypatch, lambda: report(journal, SECOND, "r4", "failed"))
    done = run(state="absent", replaced_by=[{"sku": BUNDLE}], batch_size=2, retries=1)
    assert [devices for _method, _sku, devices, _name in space.writes[4:]] == [[FIRST, SECOND], [FIRST]]
    assert (outcomes(done), space.held[FLEX]) == (["accepted", "skipped"], {SECOND})
    assert "it keeps this license until" in done["devices"][1]["reason"]


@pytest.mark.parametrize("request_id", ["r1", "unknown"])
def test_a_license_for_life_that_is_reported_as_done_in_a_pause(
    run: Run, space: Space, journal: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, request_id: str
) -> None:
    """It is not sent again, and nothing was changed."""
    options = {"sku": LIFETIME, "lifetime_consent": 1, "lifetime_elsewhere": 2, "devices": [FIRST]}
    space.faults, space.counts = ["lost"] if request_id == "unknown" else [], False
    run(**options)
    if request_id == "r1":
        report(journal, FIRST, request_id, "failed")
    in_the_pause(space, clock, monkeypatch, lambda: report(journal, FIRST, request_id))
    done = run(**options, retry_failed=True, retry_unknown=True, retries=1)
    assert len(space.writes) == 2, "the one that was refused with 429 is not repeated"
    assert (outcomes(done), done["changed"]) == (["unchanged" if request_id == "r1" else "unknown"], False)


def test_a_repeated_request_is_recorded_anew(
    run: Run, space: Space, journal: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report that arrived before the repetition cannot be about it."""
    states: list[str] = []

    def arrives() -> None:
        with contextlib.closing(open_journal(str(journal), write=False, told=never)) as opened:
            (attempts,) = opened.attempts(Scope(ACCOUNT, FLEX, "imei"), [FIRST]).values()
        states.extend(attempt.state for attempt in attempts)
        report(journal, FIRST, "r2")

    in_the_pause(space, clock, monkeypatch, arrives)
    done = run(devices=[FIRST], retries=1)
    assert (outcomes(done), len(space.writes)) == (["unknown"], 2)
    assert states == ["rejected"], "who is killed in the pause leaves nothing in doubt"


def test_what_was_sent_keeps_its_name(
    run: Run, space: Space, journal: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that is repeated with fewer devices is another one."""
    run()
    for place, device in enumerate((FIRST, SECOND), start=1):
        report(journal, device, f"r{place}", "failed")
    in_the_pause(space, clock, monkeypatch, lambda: report(journal, SECOND, "r2"))
    run(retry_failed=True, retries=1, batch_size=2, request_id="1-234")
    assert [(len(devices), name) for _method, _sku, devices, name in space.writes[2:]] == [
        (2, "1-234"),
        (1, "1-2340001"),
    ]


def test_others_who_get_the_new_license_meanwhile_withhold_nothing(run: Run, space: Space, journal: Path) -> None:
    """The journal knows more then than the account counted when the task began."""
    space.held[BUNDLE] = set()
    space.types[BUNDLE] = "Flexible Bundle"
    moved(run, space, journal)
    third = imeis(3)[2]
    run(sku=BUNDLE, devices=[third])
    space.held[BUNDLE].remove(third)

    def arrives() -> None:
        space.held[BUNDLE].add(third)
        report(journal, third, "r5")

    meanwhile(space, arrives)
    done = run(state="absent", replaced_by=[{"sku": BUNDLE}])
    assert (outcomes(done), space.held[FLEX]) == (["accepted", "accepted"], set())


def before_the_first_request(monkeypatch: pytest.MonkeyPatch, happens: t.Callable[[], None]) -> None:
    """Let something happen after the plan."""
    begin = Journal.begin_run

    def begin_run(opened: Journal, *given: t.Any, **more: t.Any) -> int:
        number = begin(opened, *given, **more)
        happens()
        return number

    monkeypatch.setattr(Journal, "begin_run", begin_run)


def test_new_licenses_that_others_remove_before_the_first_request(
    run: Run, space: Space, journal: Path, pace: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not known from which device. So both keep the old license."""
    moved(run, space, journal)
    before_the_first_request(monkeypatch, lambda: space.held[BUNDLE].remove(SECOND))
    done = run(state="absent", replaced_by=[{"sku": BUNDLE}], **pace)
    assert (outcomes(done), space.held[FLEX]) == (["skipped", "skipped"], {FIRST, SECOND})


def test_each_wave_has_devices_that_are_sent(
    run: Run, space: Space, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one is withheld, so the second one alone is the first wave."""
    first, second, _third = devices = imeis(3)
    space.inactive = {second}
    run(devices=devices, batch_size=9)
    for device in devices:
        report(journal, device, "r1", "failed")
    before_the_first_request(monkeypatch, lambda: report(journal, first, "r1"))
    space.on_write = lambda: report(journal, second, "r2", "failed")
    done = run(devices=devices, retry_failed=True, batch_size=9, waves=[1], wait=True)
    assert [devices for _method, _sku, devices, _name in space.writes[1:]] == [[second]]
    assert outcomes(done) == ["unchanged", "failed", "skipped"]
    assert done["failure"]["code"] == "canary_failed"


def test_licenses_for_life_that_others_assign_between_two_waves(run: Run, space: Space, journal: Path) -> None:
    """The devices of the next wave may be among those."""
    options = {"sku": LIFETIME, "lifetime_consent": 2}

    def another() -> None:
        report(journal, FIRST, "r1")
        space.held[LIFETIME].add(SECOND)

    meanwhile(space, another)
    done = run(**options, waves=[1], wait=True)
    assert (outcomes(done), done["changed"]) == (["assigned", "skipped"], True)
    assert done["failure"]["code"] == "journal_behind"
    assert "Nothing more was sent" in done["msg"]
    assert len(space.writes) == 1


def test_another_spelling_that_is_reported_as_licensed_meanwhile(run: Run, space: Space, journal: Path) -> None:
    """It is the same SIM, so it does not get a second license for life."""
    other, with_zero = "351370007919113", "351370007919110"
    options = {"sku": LIFETIME, "lifetime_consent": 2, "lifetime_elsewhere": 2}
    run(**options, devices=[other])
    report(journal, other, "r1", "failed")
    meanwhile(space, lambda: report(journal, other, "r1"))
    done = run(**options, devices=[FIRST, with_zero])
    assert outcomes(done) == ["accepted", "skipped"]
    assert space.held[LIFETIME] == {other, FIRST}


def test_a_task_that_sends_nothing_because_of_what_was_reported_meanwhile_is_not_changed(
    run: Run, space: Space, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report arrives after the plan, and before the first request."""
    space.faults, space.counts = ["lose"], False
    run(devices=[FIRST])
    before_the_first_request(monkeypatch, lambda: report(journal, FIRST, "unknown"))
    done = run(devices=[FIRST], retry_unknown=True)
    assert (outcomes(done), done["changed"], len(space.writes)) == (["unknown"], False, 1)


@pytest.mark.parametrize("own", [True, False])
def test_a_failure_that_is_reported_after_the_count_was_read(
    run: Run, space: Space, journal: Path, own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else got the license that the account counts. What the count showed is not kept."""
    space.inactive = {FIRST}
    space.faults = [] if own else ["lost"]
    run(devices=[FIRST])
    space.held[FLEX].add("somebody else's")

    def meanwhile_reported(*_given: t.Any) -> bool:
        report(journal, FIRST, "r1" if own else "unknown", "failed")
        return True

    with monkeypatch.context() as patch:
        patch.setattr(converge, "require_listener", meanwhile_reported)
        run(devices=[FIRST])
    assert outcomes(run(devices=[FIRST])) == ["failed" if own else "unknown"]
    assert len(space.writes) == 1
