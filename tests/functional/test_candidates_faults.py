# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kills and faults while the removal candidates are read and written: the list is the wanted or the previous one."""

from __future__ import annotations

import json
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.functional.test_candidates import INFO, NAME, listed, put
from ansible_collections.thingspace.licensing.tests.support.harness import (
    Json,
    Module,
    Outcome,
    Simulator,
    imei,
    imeis,
)
from ansible_collections.thingspace.licensing.tests.support.somebody import Somebody

BEFORE = imeis(12)
# Each wish, the list that it leads to and the operations it takes; three batches each.
TARGETS = {
    "absent": [device for device in BEFORE if device not in (imei(3), imei(11))],
    "exact": [*imeis(6, 16), imei(0)],
    "present": [*imeis(1, 12), *imeis(20, 22)],
}
READ, WRITE = "candidates_list", "candidates_create"
STEPS = {
    "absent": [READ, READ, WRITE, WRITE, WRITE, READ],
    "exact": [READ, "fota_list", READ, WRITE, WRITE, WRITE, READ],
    "present": [READ, "fota_list", READ, WRITE, WRITE, WRITE, WRITE, READ],
}


def job(state: str, **more: t.Any) -> Json:
    """Options of a rewrite in several requests: taking off, a new order, and adding while a protected one leaves."""
    named = {"absent": [imei(3), imei(11)], "exact": TARGETS["exact"], "present": imeis(20, 22)}[state]
    protected = imeis(1) if state == "present" else None
    return {"state": state, "devices": named, "protected": protected, "batch_size": 4, "report": "all", **more}


@pytest.fixture(autouse=True)
def _known_before(simulator: Simulator) -> None:
    put(simulator, BEFORE)


def anew(simulator: Simulator, before: t.Sequence[str] = BEFORE) -> None:
    put(simulator, before)
    simulator.clear_faults()
    simulator.forget_requests()


def kill_at(module: Module, number: int, effect: str, **options: t.Any) -> None:
    """Kill a run while this request of it, from 0 and without logging in, stands still on the server."""
    simulator = module.simulator
    simulator.faults({"action": "stall", "path": "/fota/", "after": number, "effect": effect, "seconds": 60})
    running = module.start(NAME, **options)
    end = time.monotonic() + 40
    while not any(fault["fired"] for fault in simulator.faults() if fault["action"] == "stall"):
        assert running.process.poll() is None, f"the run ended before request {number}: {running.wait().stdout}"
        assert time.monotonic() < end, "the request never came"
        time.sleep(0.02)
    running.kill()
    simulator.clear_faults()


def asked(simulator: Simulator) -> list[str]:
    """The operations in the journal, without logging in."""
    return [name for name in simulator.operations() if name not in ("oauth_token", "session_login")]


def unmarked(module: Module, where: str) -> None:
    """Nothing reminds of what is over and done."""
    simulator = module.simulator
    assert not module(NAME, devices=[imei(59)]).failed
    read = module(INFO)
    assert read.warnings == "", where
    assert read.result["candidates"] == listed(simulator)


@pytest.mark.parametrize("state", list(TARGETS))
def test_killed_at_any_request_and_run_again(simulator: Simulator, module: Module, state: str) -> None:
    for number, operation in enumerate(STEPS[state]):
        if operation != WRITE and state != "absent":
            continue  # one state is enough where nothing is written
        for effect in ("none", "done") if operation == WRITE else ("none",):
            anew(simulator)
            kill_at(module, number, effect, **job(state))
            where = f"killed at request {number}, {effect}"
            assert asked(simulator) == STEPS[state][: number + 1], where
            left = listed(simulator)
            again = module(NAME, **job(state))
            assert not again.failed, f"{where}: {again.message}"
            assert listed(simulator) == TARGETS[state], where
            assert again.changed == (left != TARGETS[state]), where
            assert set(again.rows.values()) <= {"added", "removed", "unchanged"}, where
            if left not in (BEFORE, TARGETS[state]):
                assert "was interrupted" in again.warnings, where
    simulator.forget_requests()
    last = module(NAME, **job(state))
    assert not last.changed
    assert simulator.writes() == []


@pytest.mark.parametrize("state", ["absent", "present"])
def test_after_a_kill_check_mode_foresees_and_another_wish_starts_from_the_whole_list(
    simulator: Simulator, module: Module, state: str
) -> None:
    kill_at(module, 3, "done", **job("absent", devices=[imei(0)]))
    left = listed(simulator)
    assert left == imeis(1, 9)
    told = module(INFO)
    assert told.result["candidates"] == left
    assert "8 of them are left of the 12 before" in told.warnings
    wish = {"state": state, "devices": [imei(5)] if state == "absent" else [imei(30)], "report": "all"}
    foreseen = module(NAME, check=True, diff=True, **wish)
    assert listed(simulator) == left
    real = module(NAME, diff=True, **wish)
    for outcome in (foreseen, real):
        outcome.result.pop("requests")
        outcome.result.pop("invocation")
    assert foreseen.result == real.result
    assert listed(simulator) == ([d for d in BEFORE if d != imei(5)] if state == "absent" else [*BEFORE, imei(30)])
    assert {device for device, outcome in real.rows.items() if outcome == "added"} >= {imei(0), *imeis(9, 12)}
    assert "an interrupted run had lost it" in real.reasons


def test_killed_while_the_list_is_put_back(simulator: Simulator, module: Module) -> None:
    """Requests: 0, 1 reading, 2 writing, 3 refused, 4 reading, 5, 6, 7 putting back, 8 reading."""
    for number in (4, 5, 6, 8):
        for effect in ("none", "done") if number in (5, 6) else ("none",):
            anew(simulator)
            simulator.faults({"action": "status", "status": 400, "operation": WRITE, "after": 1})
            # The other fault takes one request away from this count.
            kill_at(module, number - 1, effect, **job("absent"))
            assert asked(simulator) == [READ, READ, WRITE, WRITE, READ, WRITE, WRITE, WRITE, READ][: number + 1]
            again = module(NAME, **job("absent"))
            assert not again.failed, again.message
            assert listed(simulator) == TARGETS["absent"], f"{number} {effect}"


def test_a_finished_recovery_is_forgotten(simulator: Simulator, module: Module) -> None:
    """The kill leaves the beginning of the list, so that appending the rest is all that the next run has to do."""
    kill_at(module, 3, "none", **job("absent", devices=[imei(11)]))
    assert listed(simulator) == imeis(4)
    assert not module(NAME, **job("absent", devices=[imei(11)])).failed
    assert listed(simulator) == imeis(11)
    unmarked(module, "recovered by appending")


def test_a_rewrite_that_was_killed_when_all_was_written_is_forgotten(simulator: Simulator, module: Module) -> None:
    kill_at(module, 5, "none", **job("absent"))
    assert listed(simulator) == TARGETS["absent"]
    again = module(NAME, **job("absent"))
    assert not again.changed
    unmarked(module, "written, and killed")


def test_what_is_over_is_not_taken_for_interrupted_later(simulator: Simulator, module: Module) -> None:
    """Somebody else may shorten the list later; that is not what a kill left."""
    kill_at(module, 5, "none", **job("absent"))
    assert not module(NAME, **job("absent")).changed
    other = Somebody(simulator)
    other.candidates(1, *TARGETS["absent"][:5])
    outcome = module(NAME, devices=[imei(30)])
    assert not outcome.failed
    assert listed(simulator) == [*TARGETS["absent"][:5], imei(30)]


def test_the_file_that_a_warning_names_has_the_list(simulator: Simulator, module: Module) -> None:
    other = Somebody(simulator)
    kill_at(module, 3, "done", **job("absent", devices=[imei(0)]))
    other.candidates(1, imei(40), type="append")
    outcome = module(NAME, **job("absent", devices=[imei(1)]))
    assert not outcome.failed
    assert listed(simulator) == [*imeis(2, 9), imei(40)]
    assert "The list before that rewrite is in" in outcome.warnings
    named = outcome.warnings.split("rewrite is in ")[1].split(".json")[0] + ".json"
    assert imei(11) in Path(named).read_text(encoding="utf-8"), "the only copy of what was lost"
    unmarked(module, "put aside")


def test_the_other_version_takes_up_as_well(simulator: Simulator, module: Module) -> None:
    """The one list of the account is reached by both versions."""
    kill_at(module, 3, "done", **job("absent", api_version="v1"))
    again = module(NAME, **job("absent", api_version="v2"))
    assert not again.failed
    assert listed(simulator) == TARGETS["absent"]


def test_without_a_runtime_dir_a_failed_rewrite_is_put_back(simulator: Simulator, module: Module) -> None:
    simulator.faults({"action": "status", "status": 400, "operation": WRITE, "after": 1})
    outcome = module(NAME, runtime_dir="", **job("absent"))
    assert outcome.code == "api_rejected"
    assert outcome.result["failure"]["list"] == "put_back"
    assert listed(simulator) == BEFORE
    assert not outcome.changed
    simulator.faults({"action": "status", "status": 400, "operation": WRITE, "after": 1, "times": 0})
    broken = module(NAME, runtime_dir="", **job("absent"))
    assert broken.code == "list_not_restored"
    assert broken.result["failure"]["previous_list"] == BEFORE
    assert "failure.previous_list" in broken.message
    assert listed(simulator) == imeis(3) + imeis(4, 5)


RECOVERED = ("503", "reset", "truncate", "expire_session", "expire_token")
READ_FAULTS = (*RECOVERED, "html", "array", "stall", "400")
LOST = ("503", "reset", "truncate", "html", "empty", "charset", "stall")
REFUSED = ("429", "400", "expire_session", "expire_token")


def fault(action: str, **more: t.Any) -> Json:
    if action.isdigit():
        headers = {"Retry-After": "0"} if action in ("429", "503") else {}
        return {"action": "status", "status": int(action), "headers": headers, **more}
    return {"action": action, "seconds": 5, **more}


def as_it_was_or_as_wanted(simulator: Simulator, outcome: Outcome, where: str) -> None:
    """One clear answer, which is true."""
    now = listed(simulator)
    assert now in (BEFORE, TARGETS["absent"]), where
    assert outcome.changed == (now != BEFORE), where
    if outcome.failed:
        assert now == BEFORE, where
        assert set(outcome.rows.values()) <= {"skipped"}, where
        assert outcome.result["failure"]["list"] in ("untouched", "put_back"), where
        assert "as they were" in outcome.message or "as it was" in outcome.message, where
    else:
        assert now == TARGETS["absent"], where
        assert set(outcome.rows.values()) == {"removed"}, where


@pytest.mark.parametrize("effect", ["none", "done"])
def test_a_lost_answer_of_any_write(simulator: Simulator, module: Module, effect: str) -> None:
    for place, action in enumerate(LOST):
        number = place % 3
        anew(simulator)
        simulator.faults(fault(action, operation=WRITE, after=number, effect=effect))
        outcome = module(NAME, timeout=0.5, **job("absent"))
        where = f"{action} of write {number}: {outcome.message}"
        assert simulator.faults()[0]["fired"] == 1, where
        assert outcome.failed == (effect == "none"), where
        if effect == "done":
            as_it_was_or_as_wanted(simulator, outcome, where)
            assert simulator.count(WRITE) == 3, where
        else:
            # What was lost is not sent again, because it may come late: the list is put back, and nobody is sure.
            assert listed(simulator) == BEFORE, where
            assert set(outcome.rows.values()) == {"unknown"}, where
            assert outcome.changed, where


@pytest.mark.parametrize("action", REFUSED)
def test_a_refusal_of_any_write(simulator: Simulator, module: Module, action: str) -> None:
    for number in (1,) if action == "429" else (0, 2):
        anew(simulator)
        simulator.faults(fault(action, operation=WRITE, after=number))
        outcome = module(NAME, **job("absent"))
        as_it_was_or_as_wanted(simulator, outcome, f"{action} of write {number}: {outcome.message}")
        assert outcome.failed == (action == "400")


def test_a_fault_of_any_reading(simulator: Simulator, module: Module) -> None:
    for place, action in enumerate(READ_FAULTS):
        for number in range(3) if action == "html" else (place % 3,):
            anew(simulator)
            simulator.faults(fault(action, operation=READ, after=number))
            outcome = module(NAME, timeout=0.5, **job("absent"))
            where = f"{action} of reading {number}: {outcome.message}"
            now = listed(simulator)
            assert now == (BEFORE if outcome.failed and number < 2 else TARGETS["absent"]), where
            assert outcome.failed == (action not in (*RECOVERED, "stall")), where
            if number == 0 and outcome.failed:
                assert "devices" not in outcome.result, where
            elif outcome.failed:
                assert set(outcome.rows.values()) == {"skipped" if number == 1 else "unknown"}, where
                assert outcome.changed == (number == 2), where


@pytest.mark.parametrize(("action", "number"), [("503", 1), ("reset", 2)])
def test_a_fault_of_writes_that_stays(simulator: Simulator, module: Module, action: str, number: int) -> None:
    """The list cannot be put back; it is told where it stands, and the next run needs no more than that."""
    simulator.faults(fault(action, operation=WRITE, after=number, times=0))
    outcome = module(NAME, **job("absent"))
    assert outcome.code == "list_not_restored"
    assert outcome.result["failure"]["list"] == "broken"
    assert outcome.message.count("could not be restored") == 1
    kept = json.loads(Path(outcome.result["failure"]["previous_list"]).read_text(encoding="utf-8"))
    assert kept["previous"] == BEFORE
    assert listed(simulator) == TARGETS["absent"][: 4 * number]
    assert outcome.changed
    assert set(outcome.rows.values()) == {"removed"}, "the named ones are off the list, and so are too many others"
    simulator.clear_faults()
    again = module(NAME, **job("absent"))
    assert not again.failed
    assert listed(simulator) == TARGETS["absent"]


def test_an_end_of_time_in_the_middle(simulator: Simulator, module: Module) -> None:
    simulator.faults({"action": "stall", "operation": WRITE, "after": 2, "seconds": 10})
    outcome = module(NAME, deadline=1.5, **job("absent"))
    assert outcome.code in ("deadline_exceeded", "timeout"), outcome.message
    assert outcome.result["failure"]["list"] == "put_back"
    assert listed(simulator) == BEFORE
    # It may still come.
    assert outcome.changed
    assert set(outcome.rows.values()) == {"unknown"}


def test_deletion(simulator: Simulator, module: Module) -> None:
    for action, effect in (("reset", "none"), ("reset", "done"), ("503", "done"), ("400", "none"), ("html", "done")):
        anew(simulator)
        simulator.faults(fault(action, operation="candidates_delete", effect=effect))
        outcome = module(NAME, devices=[], state="exact")
        assert listed(simulator) == (BEFORE if effect == "none" else []), f"{action} {effect}"
        assert outcome.failed == (effect == "none")
        left = "skipped" if action == "400" else "unknown"
        assert set(outcome.rows.values()) == {left if effect == "none" else "removed"}
    for number, effect in ((2, "none"), (2, "done"), (3, "none")):
        anew(simulator)
        kill_at(module, number, effect, devices=[], state="exact")
        assert not module(NAME, devices=[], state="exact").failed
        assert listed(simulator) == []
    assert simulator.repeated_blindly() == []


def test_a_lost_answer_to_appending(simulator: Simulator, module: Module) -> None:
    simulator.quirks(candidates_repeated="append")
    for action, effect in (("reset", "none"), ("reset", "done"), ("503", "done"), ("html", "none"), ("empty", "done")):
        anew(simulator)
        simulator.faults(fault(action, operation=WRITE, after=1, effect=effect))
        outcome = module(NAME, devices=imeis(20, 29), batch_size=3)
        assert outcome.failed == (effect == "none"), outcome.message
        if effect == "none":
            assert outcome.rows == {**dict.fromkeys(imeis(20, 23), "added"), **dict.fromkeys(imeis(23, 29), "unknown")}
            assert not module(NAME, devices=imeis(20, 29), batch_size=3).failed
        else:
            assert outcome.rows == dict.fromkeys(imeis(20, 29), "added")
        assert listed(simulator) == [*BEFORE, *imeis(20, 29)], f"{action} {effect}"


def test_appending_that_fails_half_way_says_how_far_it_came(simulator: Simulator, module: Module) -> None:
    simulator.faults({"action": "status", "status": 400, "operation": WRITE, "after": 1, "times": 0})
    outcome = module(NAME, devices=imeis(20, 26), batch_size=2)
    assert outcome.code == "api_rejected"
    assert outcome.changed
    assert outcome.rows == {**dict.fromkeys(imeis(20, 22), "added"), **dict.fromkeys(imeis(22, 26), "failed")}
    assert listed(simulator) == [*BEFORE, *imeis(20, 22)]
    assert outcome.result["candidate_count"] == 14


def test_putting_back_keeps_to_the_size_of_a_request_that_passed(simulator: Simulator, module: Module) -> None:
    simulator.quirks(candidates_limit=4)
    simulator.faults({"action": "status", "status": 400, "operation": WRITE, "after": 1})
    outcome = module(NAME, **job("absent"))
    assert outcome.failed
    assert listed(simulator) == BEFORE
    assert outcome.result["failure"]["list"] == "put_back"


@pytest.mark.parametrize("word", ["reject", "drop"])
def test_a_list_with_a_device_that_the_service_takes_no_more(simulator: Simulator, module: Module, word: str) -> None:
    """One that had a license when it was listed; it stands in the second batch."""
    anew(simulator, [*imeis(6), imei(59), *imeis(6, 11)])
    account = simulator.state()["accounts"][0]
    simulator.state(accounts=[{**account, "licenses": 59}], quirks={"candidates_unlicensed": word})
    before = listed(simulator)
    outcome = module(NAME, **job("absent", devices=[imei(0)]))
    now = listed(simulator)
    if word == "drop":
        assert now == imeis(1, 11)
        assert outcome.rows[imei(0)] == "removed"
    else:
        assert outcome.failed
        assert now == [device for device in before if device != imei(59)]
        assert f"ThingSpace does not accept {imei(59)} any more" in outcome.message
        assert outcome.result["failure"]["list"] == "broken"


def test_a_device_that_is_dropped_does_not_keep_the_list_from_being_put_back(
    simulator: Simulator, module: Module
) -> None:
    """A device without a license, in the first batch, leaves the list when that is written; the second is refused."""
    anew(simulator, [imei(0), imei(1), imei(59), *imeis(2, 11)])
    account = simulator.state()["accounts"][0]
    simulator.state(accounts=[{**account, "licenses": 59}], quirks={"candidates_unlicensed": "drop"})
    simulator.faults({"action": "status", "status": 400, "operation": WRITE, "after": 1})
    outcome = module(NAME, **job("absent", devices=[imei(0)]))
    assert outcome.failed
    assert "Someone else" not in outcome.message
    assert set(imeis(11)) <= set(listed(simulator)), "nothing that ThingSpace would have kept is lost"


@pytest.mark.parametrize("action", ["repeat_page", "empty_page", "drop_row"])
@pytest.mark.parametrize("count", ["total", "page"])
def test_pages_that_contradict_each_other_are_never_believed(
    simulator: Simulator, module: Module, action: str, count: str
) -> None:
    simulator.quirks(candidates_page=4, candidates_count=count)
    simulator.faults({"action": action, "operation": READ, "after": 1})
    assert module(INFO).result["candidates"] == BEFORE, "the second reading heals it"
    anew(simulator)
    extra = {"device": imei(5)} if action == "drop_row" else {}
    simulator.faults({"action": action, "operation": READ, "times": 0, **extra})
    outcome = module(NAME, **job("absent"))
    assert listed(simulator) == BEFORE, "what is not shown is not lost"
    assert outcome.code == "incomplete_list"
    assert simulator.writes() == []


def test_short_pages_only_cost_requests(simulator: Simulator, module: Module) -> None:
    simulator.quirks(candidates_page=5)
    simulator.faults({"action": "short_page", "operation": READ, "times": 0})
    assert not module(NAME, **job("exact")).failed
    assert listed(simulator) == TARGETS["exact"]


def test_nothing_secret_is_told(simulator: Simulator, module: Module) -> None:
    """The options of the harness are words, so credentials of their own are used."""
    words = {"client_id": "c1ient-name", "client_secret": "s3cret-one", "username": "us3r-name", "password": "s3cret-2"}
    simulator.state(credentials=words)
    simulator.faults(fault("503", operation=WRITE, after=1, times=0))
    outcome = module(NAME, runtime_dir=str(module.folder / "other"), **words, **job("absent"))
    assert outcome.code == "list_not_restored"
    kept = next((module.folder / "other").glob("removal-candidates-*.json")).read_text(encoding="utf-8")
    for secret in ("s3cret-one", "s3cret-2"):
        assert secret not in outcome.stdout + outcome.stderr + kept
