# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The removal candidate list: what is wished comes about, in its order, and nobody else's change is overwritten."""

from __future__ import annotations

import csv
import functools
import json
import random
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import (
    ACCOUNT,
    Json,
    Module,
    Outcome,
    Simulator,
    imei,
    imeis,
)
from ansible_collections.thingspace.licensing.tests.support.interrupted import Door
from ansible_collections.thingspace.licensing.tests.support.somebody import Somebody

NAME = "swm_removal_candidates"
INFO = "swm_removal_candidates_info"
VERSIONS = ("v1", "v2")


def put(simulator: Simulator, candidates: t.Sequence[str], *, devices: int = 60, **more: t.Any) -> None:
    """Start from an account all of whose devices hold a license, with this list."""
    account = {"name": ACCOUNT, "devices": devices, "licenses": devices, "candidates": list(candidates), **more}
    simulator.state(accounts=[account])


def listed(simulator: Simulator) -> list[str]:
    return t.cast("list[str]", simulator.state()["accounts"][0]["candidates"])


class Between(Door):
    """Does something just before a request about licenses; logging in is not counted."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__(simulator, 0, lambda: None)
        self.before: dict[int, t.Callable[[], None]] = {}

    def expect(self, number: int, action: t.Callable[[], None]) -> None:
        """Forget what was seen, and do this before the request with that number, from 0."""
        self.seen, self.before = [], {number: action}

    def hand_on(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        if "/fota/" in path:
            self.seen.append(method)
            self.before.pop(len(self.seen) - 1, lambda: None)()
        return self.pass_on(method, path, headers, body)


@pytest.fixture
def between(simulator: Simulator) -> t.Iterator[Between]:
    proxy = Between(simulator)
    yield proxy
    proxy.close()


def told(outcome: Outcome) -> Json:
    """What a run in check mode has to foresee."""
    assert not outcome.failed, outcome.message
    return {name: value for name, value in outcome.result.items() if name not in ("requests", "invocation")}


def wished(live: list[str], state: str, devices: list[str], protected: list[str]) -> list[str]:
    """The list that the options ask for, spelled out once more."""
    if state == "exact":
        return devices
    kept = [device for device in live if device not in protected]
    if state == "present":
        target = kept + [device for device in devices if device not in kept]
    else:
        target = [device for device in kept if device not in devices]
    # A device that stands there twice stays so unless it is named, or the list has to be rewritten.
    twice = state == "present" and any(live.count(device) > 1 for device in devices)
    return target if target[: len(live)] == live and not twice else list(dict.fromkeys(target))


@pytest.mark.parametrize("seed", range(8))
def test_any_wish_is_foreseen_comes_about_and_is_done_once(simulator: Simulator, module: Module, seed: int) -> None:
    chance = random.Random(seed)
    live = chance.sample(imeis(30), chance.randint(0, 20))
    if live and seed % 3 == 0:
        live.insert(chance.randrange(len(live) + 1), chance.choice(live))
    devices = chance.sample(imeis(30), chance.randint(0, 20))
    if seed == 5:
        devices = chance.sample(live, len(live))
    state = ("present", "absent", "exact")[seed % 3]
    free = [device for device in imeis(30) if state == "absent" or device not in devices]
    protected = chance.sample(free, min(len(free), chance.choice([0, 0, 3])))
    put(simulator, live)
    simulator.quirks(
        candidates_page=chance.randint(1, 7),
        candidates_answer=chance.choice(["request", "list"]),
        candidates_count=chance.choice(["total", "page"]),
        candidates_empty=chance.choice(["empty", "error"]),
        candidates_repeated=chance.choice(["ignore", "append", "reject"]),
        candidates_body_count="check",
        v2_candidates=chance.choice(["both", "query", "index"]),
        time_format=chance.choice(["iso", "go"]),
    )
    options: Json = {
        "state": state,
        "devices": devices,
        "protected": protected,
        "api_version": chance.choice(VERSIONS),
        "batch_size": chance.randint(1, 8),
        "report": chance.choice(["all", "changed"]),
        "diff": True,
    }
    target = wished(live, state, devices, protected)
    foreseen = module(NAME, check=True, **options)
    assert simulator.writes() == []
    assert listed(simulator) == live
    real = module(NAME, **options)
    assert told(foreseen) == told(real)
    assert listed(simulator) == target
    assert real.changed == (target != live)
    assert real.result["candidate_count"] == len(target)
    diff = real.result["diff"]
    assert (diff["before"] != diff["after"]) == (target != live)
    simulator.forget_requests()
    again = module(NAME, **options)
    assert not again.failed, again.message
    assert not again.changed
    assert set(again.rows.values()) <= {"unchanged"}
    assert simulator.writes() == []


@pytest.mark.parametrize("version", VERSIONS)
def test_each_state_in_its_order(simulator: Simulator, module: Module, version: str) -> None:
    simulator.quirks(candidates_page=3)
    put(simulator, [])
    first = module(NAME, devices=imeis(4, 12), api_version=version)
    assert first.rows == dict.fromkeys(imeis(4, 12), "added")
    assert first.result["plan"]["add"] == 8
    taken = module(NAME, devices=[imei(7), imei(20)], api_version=version, state="absent", report="all", diff=True)
    assert taken.rows == {imei(7): "removed", imei(20): "unchanged"}
    assert listed(simulator) == imeis(4, 7) + imeis(8, 12)
    assert f"{imei(7)}\n" in taken.result["diff"]["before"]
    assert f"{imei(7)}\n" not in taken.result["diff"]["after"]
    # Only the order differs.
    wanted = [imei(11), *imeis(4, 7), *imeis(8, 11)]
    turned = module(NAME, devices=wanted, api_version=version, state="exact", diff=True)
    assert turned.changed
    assert turned.result["plan"]["move"] == 1
    assert turned.rows == {imei(11): "unchanged"}
    assert "moved" in turned.reasons
    assert turned.result["diff"]["after"].startswith(f"{imei(11)}\n{imei(4)}\n")
    read = module(INFO, api_version=version)
    assert read.result["candidates"] == listed(simulator) == wanted
    gone = module(NAME, devices=[], api_version=version, state="exact")
    assert set(gone.rows.values()) == {"removed"}
    assert listed(simulator) == []
    assert simulator.count("candidates_delete") == 1
    assert not module(NAME, devices=[], api_version=version, state="exact").changed
    assert simulator.count("candidates_delete") == 1


@pytest.fixture
def large(start_simulator: t.Callable[..., Simulator], tmp_path: Path) -> t.Iterator[Module]:
    """An account with 2,500 licensed devices, and modules."""
    modules = Module(tmp_path, start_simulator("--devices", "2500", "--licensed", "2500"))
    yield modules
    modules.close()


@pytest.mark.parametrize(("page", "batch"), [(1000, None), (333, 700)])
def test_thousands_in_both_directions(large: Module, tmp_path: Path, page: int, batch: int | None) -> None:
    simulator, report = large.simulator, tmp_path / "list.csv"
    simulator.quirks(candidates_page=page, candidates_body_count="check")
    options = {"batch_size": batch, "report": "none"}
    every = imeis(2500)
    assert not large(NAME, devices=every, **options).failed
    assert listed(simulator) == every
    assert not large(NAME, devices=every, **options).changed
    turned = large(NAME, devices=every[::-1], state="exact", **options)
    assert turned.result["plan"]["move"] == 2499
    assert listed(simulator) == every[::-1]
    assert large(INFO, devices_report=str(report)).result["candidates"] == every[::-1]
    # The report of the one module is the input of the other.
    same = large(NAME, devices_file=str(report), devices_column="device_id", state="exact", **options)
    assert not same.failed
    assert not same.changed
    taken = large(NAME, devices=every[::2], state="absent", **options)
    assert taken.result["summary"]["removed"] == 1250
    assert listed(simulator) == every[::-1][::2]


@pytest.mark.parametrize("state", ["replaced", "appended"])
def test_a_limit_of_a_thousand_in_a_request(large: Module, state: str) -> None:
    simulator = large.simulator
    every = imeis(2500)
    put(simulator, [imei(2499), imei(2498)] if state == "replaced" else [], devices=2500)
    simulator.quirks(candidates_limit=1000)
    outcome = large(NAME, devices=every, state="exact", report="none")
    assert not outcome.failed, outcome.message
    assert listed(simulator) == every


def test_bad_input_is_told_at_once(simulator: Simulator, module: Module, tmp_path: Path) -> None:
    put(simulator, imeis(3))
    kept = tmp_path / "ambulances.csv"
    kept.write_text(f"name,imei\none,{imei(8)}\ntwo,{imei(9)}\ntwo,{imei(9)}\n", encoding="utf-8")
    twice = [imei(5), imei(6), imei(5)]
    for options, code, words in (
        ({"devices": twice, "state": "exact"}, "invalid_devices", f"{imei(5)} is named twice"),
        (
            {"devices": [imei(9), imei(1)], "protected_file": str(kept)},
            "invalid_devices",
            f"{imei(9)} is both listed and",
        ),
        ({"devices": [imei(9)], "protected": [imei(9)], "state": "exact"}, "invalid_devices", "protected"),
        ({"devices": ["12"], "protected": ["x"], "batch_size": 0}, "invalid_options", "3 problems"),
        ({"devices": imeis(2), "api_version": "v3"}, "invalid_options", "v3"),
        ({"devices": imeis(2), "protected": imeis(1), "protected_file": str(kept)}, "invalid_options", "mutually"),
        ({"devices": imeis(2), "approved_plan": "abc"}, "invalid_options", "approved_plan"),
        ({"devices": imeis(2), "devices_report": str(tmp_path)}, "report_unwritable", "is a directory"),
    ):
        outcome = module(NAME, **t.cast(Json, options))
        assert outcome.code == code, outcome.message
        assert words in outcome.message
    assert simulator.requests() == []
    assert listed(simulator) == imeis(3)


def test_protected_devices_leave_the_list_whatever_is_wished(
    simulator: Simulator, module: Module, tmp_path: Path
) -> None:
    put(simulator, imeis(6))
    kept = tmp_path / "ambulances.csv"
    kept.write_text(f"name,imei\none,{imei(1)}\ntwo,{imei(9)}\ntwo,{imei(9)}\nthree,{imei(4)}\n", encoding="utf-8")
    report = tmp_path / "done.csv"
    outcome = module(
        NAME,
        devices=[imei(2), imei(7)],
        protected_file=str(kept),
        protected_column="imei",
        devices_report=str(report),
        report="none",
    )
    assert not outcome.failed, outcome.message
    assert listed(simulator) == [imei(0), imei(2), imei(3), imei(5), imei(7)]
    assert outcome.result["devices"] == []
    with report.open(encoding="utf-8", newline="") as stream:
        rows = {row["device_id"]: (row["outcome"], row["reason"]) for row in csv.DictReader(stream)}
    assert rows == {
        imei(2): ("unchanged", "already on the list"),
        imei(7): ("added", ""),
        imei(1): ("removed", "protected"),
        imei(4): ("removed", "protected"),
    }
    stopped = module(NAME, devices=[], state="absent", protected=[imei(0)], max_removals="0")
    assert stopped.code == "guard_tripped"
    assert stopped.rows == {imei(0): "skipped"}
    assert imei(0) in listed(simulator)
    assert module(NAME, devices=[], state="absent", protected=[imei(0)]).rows == {imei(0): "removed"}
    assert listed(simulator) == [imei(2), imei(3), imei(5), imei(7)]


def test_devices_that_have_no_license_to_lose(simulator: Simulator, module: Module) -> None:
    put(simulator, [imei(50), imei(1)], licenses=10)
    wanted = [imei(2), imei(11), imei(12)]
    for check in (True, False):
        refused = module(NAME, devices=wanted, check=check)
        assert refused.code == "not_licensed"
        assert refused.result["failure"]["unlicensed"] == imeis(11, 13)
        assert imei(2) not in refused.message
        assert refused.rows == dict.fromkeys(wanted, "skipped")
        assert not refused.changed
    assert simulator.writes() == []
    # What is there already is no reason to refuse anything else.
    assert not module(NAME, devices=[imei(1)], state="absent").failed
    foreseen = module(NAME, devices=wanted, unlicensed="warn", check=True)
    warned = module(NAME, devices=wanted, unlicensed="warn")
    assert told(foreseen) == told(warned)
    assert "2 of 3 devices" in warned.warnings
    assert listed(simulator) == [imei(50), *wanted]
    simulator.forget_requests()
    quiet = module(NAME, devices=[imei(20)], unlicensed="ignore")
    assert not quiet.failed
    assert quiet.warnings == ""
    assert simulator.count("fota_list") == 0


@pytest.mark.parametrize("word", ["reject", "drop"])
def test_a_service_that_takes_no_unlicensed_devices(simulator: Simulator, module: Module, word: str) -> None:
    put(simulator, imeis(3), licenses=10)
    simulator.quirks(candidates_unlicensed=word)
    outcome = module(NAME, devices=[imei(4), imei(40)], unlicensed="warn")
    now = listed(simulator)
    assert now == imeis(3) + ([imei(4)] if word == "drop" else [])
    # Whoever drops it without a word may also be somebody else who took it off since.
    assert outcome.code == ("outcome_unknown" if word == "drop" else "api_rejected")
    told = ("added", "unknown") if word == "drop" else ("failed", "failed")
    assert outcome.rows == dict(zip([imei(4), imei(40)], told, strict=True))
    assert outcome.changed == (word == "drop")
    assert outcome.result["candidate_count"] == len(now)


def test_approval_is_for_one_list_in_one_order(simulator: Simulator, module: Module) -> None:
    put(simulator, imeis(6))
    options: Json = {"devices": imeis(2, 9), "state": "exact", "max_changes": 1}
    stopped = module(NAME, check=True, **options)
    assert stopped.code == "guard_tripped"
    digest = stopped.result["failure"]["digest"]
    assert digest == stopped.result["plan"]["digest"]
    assert digest in stopped.message
    # The same devices in another order, on either side, are another plan.
    put(simulator, [imei(1), imei(0), *imeis(2, 6)])
    stale = module(NAME, approved_plan=digest, **options)
    assert stale.code == "plan_changed"
    assert stale.rows.keys() == {*imeis(2), *imeis(6, 9)}
    put(simulator, imeis(6))
    other = module(NAME, approved_plan=digest, **{**options, "devices": [imei(8), *imeis(2, 8)]})
    assert other.code == "plan_changed"
    assert simulator.writes() == []
    assert not stale.changed
    assert not other.changed
    approved = module(NAME, approved_plan=digest.upper(), **options)
    assert not approved.failed, approved.message
    assert listed(simulator) == imeis(2, 9)
    assert not module(NAME, approved_plan=digest, **options).failed, "nothing is left to be approved"


@pytest.mark.parametrize(("share", "allowed"), [("50%", 5), ("6", 6)])
def test_a_limit_of_removals(simulator: Simulator, module: Module, share: str, allowed: int) -> None:
    put(simulator, imeis(10))
    stopped = module(NAME, devices=imeis(6), state="absent", max_removals=share)
    assert stopped.code == (None if allowed >= 6 else "guard_tripped")
    if stopped.failed:
        assert stopped.result["failure"]["guards"] == [{"guard": "max_removals", "planned": 6, "allowed": allowed}]
        assert listed(simulator) == imeis(10)
    else:
        assert listed(simulator) == imeis(6, 10)


@pytest.mark.parametrize("word", ["reject", "empty"])
def test_an_account_without_licenses_in_advance(simulator: Simulator, module: Module, word: str) -> None:
    event = {"purchase_type": "TS-HFOTA-EVNT"}
    simulator.state(accounts=[{"name": ACCOUNT, "devices": 5, "subscription": event}], quirks={"event_only": word})
    for name, options in ((NAME, {"devices": imeis(2)}), (INFO, {}), (INFO, {"shrink_to": 3})):
        outcome = module(name, **options)
        if word == "reject" or name == NAME:
            assert outcome.failed
            assert "event-based (TS-HFOTA-EVNT)" in outcome.message
            assert outcome.message.count("event-based") == 1
        else:
            assert outcome.result["candidate_count"] == 0
    assert simulator.writes() == []


BATCHES = 3
WRITES = {"append": [imei(40)], "replace": imeis(40, 43)}


@pytest.mark.parametrize("how", ["append", "replace", "delete"])
def test_somebody_else_while_the_list_is_rewritten(
    simulator: Simulator, module: Module, between: Between, how: str
) -> None:
    """Requests: 0 reading, 1 reading again, 2 to 4 writing, 5 reading. Between 1 and 2 nobody can notice."""
    other = Somebody(simulator)
    before = imeis(12)
    options: Json = {"devices": [imei(3), imei(7)], "state": "absent", "batch_size": 4, "base_url": between.base_url}
    put(simulator, before)
    target = [device for device in before if device not in options["devices"]]
    batches = [target[start : start + 4] for start in range(0, len(target), 4)]
    assert len(batches) == BATCHES

    def interfere() -> None:
        other.candidates(1, *WRITES.get(how, ()), **({"type": how} if how == "append" else {}))

    for number in (0, 1, 3, 5) if how == "append" else (1, 3, 4):
        put(simulator, before)
        between.expect(number, interfere)
        outcome = module(NAME, **options)
        assert not between.before, "it happened"
        now = listed(simulator)
        where = f"{how} before request {number}: {outcome.message}"
        if how != "delete":
            assert set(WRITES[how]) <= set(now), where
        if number == 0:
            assert outcome.code is None, where
            continue
        assert outcome.code == "list_changed", where
        if number == 1:
            assert "Nothing was written" in outcome.message
            assert outcome.result["failure"]["list"] == "untouched"
            assert set(outcome.rows.values()) == {"skipped"}
            continue
        written = [device for batch in batches[: number - 2] for device in batch]
        left = {"append": [*written, *WRITES["append"]], "replace": WRITES["replace"], "delete": []}[how]
        assert now == left + [device for batch in batches[number - 2 :] for device in batch], where
        assert outcome.changed
        assert outcome.result["candidate_count"] == len(now)
        assert outcome.rows == dict.fromkeys(options["devices"], "removed")
        named = {"append": imei(40), "replace": imei(42), "delete": target[0]}[how]
        assert named in outcome.message, where


def test_nothing_is_changed_by_a_run_that_wrote_nothing(simulator: Simulator, module: Module, between: Between) -> None:
    put(simulator, imeis(12))
    other = Somebody(simulator)
    between.expect(1, lambda: other.candidates(1, imei(40), type="append"))
    outcome = module(NAME, devices=[imei(3)], state="absent", base_url=between.base_url, diff=True)
    assert outcome.code == "list_changed"
    assert "Nothing was written" in outcome.message
    assert [request for request in between.seen if request != "GET"] == []
    assert not outcome.changed
    assert outcome.result["diff"]["before"] == outcome.result["diff"]["after"]


def test_somebody_else_while_devices_are_appended(simulator: Simulator, module: Module, between: Between) -> None:
    """Requests: 0 reading, 1 the licenses, 2 to 4 writing, 5 reading."""
    other = Somebody(simulator)
    put(simulator, imeis(4))
    for state, numbers in (("present", (2, 5)), ("exact", (3,))):
        for number in numbers:
            put(simulator, imeis(4))
            between.expect(number, lambda: other.candidates(1, imei(40), type="append"))
            named = imeis(10, 16) if state == "present" else [*imeis(4), *imeis(10, 16)]
            outcome = module(NAME, devices=named, state=state, batch_size=2, base_url=between.base_url)
            now = listed(simulator)
            assert [device for device in now if device != imei(40)] == [*imeis(4), *imeis(10, 16)]
            assert now.index(imei(40)) == 4 + 2 * (number - 2)
            assert outcome.rows == dict.fromkeys(imeis(10, 16), "added")
            assert imei(40) in (outcome.message if state == "exact" else outcome.warnings)
            assert outcome.code == ("list_changed" if state == "exact" else None)


def test_somebody_else_while_the_list_is_put_back(simulator: Simulator, module: Module, between: Between) -> None:
    """Requests: 0, 1 reading, 2 writing, 3 refused, 4 reading, 5, 6, 7 putting back, 8 reading."""
    other = Somebody(simulator)
    put(simulator, imeis(9))
    for number in (3, 4, 8):
        put(simulator, imeis(9))
        simulator.clear_faults()
        simulator.faults({"action": "status", "status": 400, "operation": "candidates_create", "after": 1})
        # Its own request is hit by a fault as well, so it is let wait until the fault has fired.
        between.expect(number, lambda: other.candidates(1, imei(40), type="append"))
        if number == 3:
            simulator.clear_faults()
            simulator.faults({"action": "status", "status": 400, "operation": "candidates_create", "after": 2})
        outcome = module(NAME, devices=[imei(0)], state="absent", batch_size=4, base_url=between.base_url)
        now = listed(simulator)
        where = f"{number}: {outcome.message}"
        assert imei(40) in now, where
        assert outcome.code == "list_changed", where
        failure = outcome.result["failure"]
        assert "omeone else" in outcome.message
        if number == 8:
            assert now == [*imeis(9), imei(40)]
            continue
        assert now == [*imeis(1, 5), imei(40)]
        kept = json.loads(Path(failure["previous_list"]).read_text(encoding="utf-8"))
        assert kept["previous"] == imeis(9)
        assert failure["list"] == "broken"


def test_the_list_shrinks_while_it_is_read(simulator: Simulator, module: Module, between: Between) -> None:
    other = Somebody(simulator)
    simulator.quirks(candidates_page=3)
    put(simulator, imeis(9))
    for number, new in ((2, imeis(4)), (2, []), (2, [imei(8), *imeis(8)])):
        put(simulator, imeis(9))
        between.expect(number, functools.partial(other.candidates, 1, *new))
        outcome = module(INFO, base_url=between.base_url)
        assert outcome.result["candidates"] == new


def test_the_list_never_stands_still(simulator: Simulator, module: Module, between: Between) -> None:
    other = Somebody(simulator)
    simulator.quirks(candidates_page=3)
    put(simulator, imeis(9))
    between.expect(0, lambda: None)
    between.before = {
        n: functools.partial(other.candidates, 1, *random.Random(n).sample(imeis(9), 9)) for n in range(40)
    }
    outcome = module(NAME, devices=[imei(3)], state="absent", base_url=between.base_url)
    assert outcome.code == "incomplete_list"
    assert "do not fit together" in outcome.message or "changed while it was read" in outcome.message
    assert not outcome.changed
    assert sorted(listed(simulator)) == imeis(9)
    assert set(between.seen) == {"GET"}


@pytest.mark.parametrize("state", ["present", "absent", "exact"])
def test_two_tasks_at_once_do_not_lose_each_others_work(simulator: Simulator, module: Module, state: str) -> None:
    put(simulator, imeis(12))
    simulator.quirks(latency=0.02)
    parts = [imeis(20, 26), imeis(26, 32)] if state == "present" else [imeis(0, 12, 4), imeis(1, 12, 4)]
    if state == "exact":
        parts = [imeis(12)[::-1], imeis(3, 15)]
    running = [module.start(NAME, devices=part, state=state, batch_size=3) for part in parts]
    for process in running:
        outcome = process.wait()
        assert not outcome.failed, outcome.message
    now = listed(simulator)
    if state == "present":
        assert now[:12] == imeis(12)
        assert sorted(now[12:]) == imeis(20, 32)
    elif state == "absent":
        assert now == [device for device in imeis(12) if device not in parts[0] + parts[1]]
    else:
        assert now in parts
