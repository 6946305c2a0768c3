# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before the module sends anything, it knows whether somebody hears what becomes of it, or only the count shows it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.tests.support.fakes import Clock, imeis
from ansible_collections.thingspace.licensing.tests.support.module_runner import OMIT, Run
from ansible_collections.thingspace.licensing.tests.support.simsec_space import (
    FLEX,
    LIFETIME,
    LISTENER,
    Space,
    code,
)

OTHER = {"serviceName": "DeviceService", "url": "https://callbacks.example.com/"}
HEARD: dict[str, tuple[int, t.Any]] = {
    "alone": (200, [LISTENER]),
    "among others": (200, [OTHER, LISTENER]),
    "another case": (200, [{**LISTENER, "serviceName": "carrierservice"}]),
    "beside a row without a name": (200, [{"url": "x"}, LISTENER]),
}
UNHEARD: dict[str, tuple[int, t.Any]] = {
    "none": (200, []),
    "only others": (200, [OTHER]),
    "no URL": (200, [{**LISTENER, "url": ""}]),
    "rows without a name": (200, [{"url": "https://callbacks.example.com/"}]),
    "no list": (200, {"serviceName": "CarrierService"}),
    "no rows": (200, ["CarrierService"]),
    "no JSON": (200, b"<html>CarrierService</html>"),
    "forbidden": (403, {"errorCode": "FORBIDDEN", "errorMessage": "no"}),
    "not found": (404, {"errorCode": "NOT_FOUND", "errorMessage": "no"}),
    "server error": (500, b"CarrierService"),
}
WAIT: dict[str, t.Any] = {"sku": FLEX, "wait": True, "wait_timeout": 900}
ALONE: dict[str, t.Any] = {**WAIT, "journal": OMIT, "devices": imeis(1)}
TO_REGISTER = "register it for the account with a task of thingspace.licensing.callback"
LASTING: dict[str, t.Any] = {"sku": LIFETIME, "lifetime_consent": 2}


@pytest.fixture
def always() -> dict[str, t.Any]:
    return {"sku": FLEX, "devices": imeis(2)}


def warned(result: dict[str, t.Any]) -> bool:
    return "is registered for" in " ".join(str(text) for text in result.get("warnings", []))


@pytest.mark.parametrize("answer", HEARD)
@pytest.mark.parametrize("task", [{}, LASTING, {"journal": OMIT}, {"require_listener": True}])
def test_somebody_listens(run: Run, space: Space, answer: str, task: dict[str, t.Any]) -> None:
    space.listeners = HEARD[answer]
    done = run(**task)
    assert (code(done), warned(done), len(space.writes), space.asked) == ("", False, 1, 1)
    assert [row["outcome"] for row in done["devices"]] == ["accepted", "accepted"], "no password masks the result"


@pytest.mark.slow
@pytest.mark.parametrize("answer", UNHEARD)
@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    "task", [LASTING, {**WAIT, **LASTING}, {"require_listener": True}, {**WAIT, "require_listener": True}]
)
def test_nobody_is_known_to_listen_and_that_matters(
    run: Run, space: Space, clock: Clock, answer: str, check: bool, task: dict[str, t.Any]
) -> None:
    space.listeners = UNHEARD[answer]
    refused = run(**task, _ansible_check_mode=check)
    assert code(refused) == "no_listener"
    for told in (
        "'require_listener: false'",
        "results of 2 devices for SIMSec-IoT",
        TO_REGISTER,
    ):
        assert told in refused["msg"]
    assert refused["plan"]["assign"] == 2
    assert (refused["changed"], space.writes, space.asked, clock.slept) == (False, [], 1, [])
    allowed = run(**{**task, "require_listener": False, "wait": False})
    assert (code(allowed), warned(allowed), len(space.writes)) == ("", True, 1)


@pytest.mark.parametrize("answer", UNHEARD)
@pytest.mark.parametrize("task", [{}, {"journal": OMIT}, {"state": "absent"}, {**LASTING, "require_listener": False}])
def test_nobody_is_known_to_listen_and_the_task_goes_on(
    run: Run, space: Space, answer: str, task: dict[str, t.Any]
) -> None:
    space.listeners = UNHEARD[answer]
    checked = run(**task, _ansible_check_mode=True)
    assert (code(checked), warned(checked), space.writes) == ("", True, [])
    assert TO_REGISTER in str(checked["warnings"])
    done = run(**task)
    assert (code(done), warned(done), len(space.writes), space.asked) == ("", True, 1, 2)


@pytest.mark.parametrize("task", [{}, LASTING])
def test_what_sends_nothing_asks_nothing(run: Run, space: Space, task: dict[str, t.Any]) -> None:
    run(**task)
    space.asked, space.listeners = 0, (200, [])
    for check in (True, False):
        again = run(**task, _ansible_check_mode=check)
        assert (code(again), warned(again), space.asked) == ("", False, 0)
    for stopped in ({"devices": imeis(3), "max_changes": 0}, {"devices": imeis(3), "sku": LIFETIME}):
        assert code(run(**{**task, **stopped, "lifetime_consent": OMIT})) in ("guard_tripped", "lifetime_consent")
    assert space.asked == 0


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(("task", "counted"), [(ALONE, True), (WAIT, False), ({**WAIT, "waves": [1]}, False)])
def test_nobody_is_waited_for_in_vain(
    run: Run, space: Space, clock: Clock, check: bool, task: dict[str, t.Any], counted: bool
) -> None:
    """Without a listener, the result cannot be known if there is no journal, or no count."""
    space.listeners, space.counts = (200, []), counted
    refused = run(**task, _ansible_check_mode=check)
    assert (code(refused), space.writes, space.asked, clock.slept) == ("no_listener", [], 1, [])


def test_what_an_earlier_run_sent_is_not_waited_for_in_vain(run: Run, space: Space, clock: Clock) -> None:
    """Also when the plan is stopped for another reason."""
    run()
    space.listeners, space.counts = (200, []), False
    for task in ({}, {"devices": imeis(3), "max_changes": 0}):
        waited = run(**WAIT, **task)
        assert code(waited) == ("guard_tripped" if task else "no_listener")
        assert [row["outcome"] for row in waited["devices"]][:2] == ["accepted", "accepted"]
    assert (clock.slept, len(space.writes)) == ([], 1)
    assert code(run(**WAIT, require_listener=False)) == "unconfirmed", "somebody said that it is worth it"
    assert clock.slept != []
