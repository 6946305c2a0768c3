# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The eviction forecast: what the module foresees is what the simulator then does."""

from __future__ import annotations

import csv
import random
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import (
    ACCOUNT,
    Json,
    Module,
    Simulator,
    imei,
    imeis,
)

INFO = "swm_removal_candidates_info"
DAYS = [f"2024-02-{day:02d}T08:00:00.{day:03d}Z" for day in range(1, 29)]


def some_account(chance: random.Random) -> Json:
    """Devices of which some hold a license, many since the same moment, and a list of any of them."""
    devices = imeis(chance.randint(4, 24))
    held = chance.sample(devices, chance.randint(1, len(devices)))
    days = chance.sample(DAYS, chance.choice([1, 2, 4, 20]))
    listed = chance.sample(devices, chance.randint(0, len(devices) // 2))
    if listed and chance.random() < 0.3:
        listed.append(listed[0])
    return {
        "name": ACCOUNT,
        "devices": devices,
        "licenses": [{"device_id": device, "assigned_at": chance.choice(days)} for device in held],
        "candidates": listed,
    }


def evicted(simulator: Simulator, account: Json, shrink_to: int, ties: str) -> list[str]:
    """Who loses the license when the subscription really shrinks."""
    simulator.state(accounts=[account], quirks={"eviction_ties": ties})
    answer = simulator.control("POST", "subscription", {"account": ACCOUNT, "license_count": shrink_to})
    lost = [row["device_id"] for row in answer["evicted"]]
    held = {row["device_id"] for row in account["licenses"]}
    assert simulator.licensed() == held.difference(lost)
    return lost


def sure(account: Json, count: int) -> set[str]:
    """Of the first ``count``, who goes whatever the order of those of one moment is; spelled out once more."""
    times = {row["device_id"]: row["assigned_at"] for row in account["licenses"]}
    listed = [device for device in dict.fromkeys(account["candidates"]) if device in times]
    others = sorted((time, device) for device, time in times.items() if device not in listed)
    left = count - len(listed)
    whole = {day for day in times.values() if sum(time <= day for time, _device in others) <= left}
    return {*listed[:count], *(device for time, device in others if time in whole)}


@pytest.mark.parametrize("time_format", ["iso", "go"])
def test_what_is_foreseen_is_what_happens(simulator: Simulator, module: Module, time_format: str) -> None:
    for seed in range(14 if time_format == "iso" else 4):
        chance = random.Random(seed)
        account = some_account(chance)
        held = len(account["licenses"])
        shrink_to = chance.randint(0, held + 2) if seed % 4 else chance.randint(0, held - 1)
        pages = {"page_size": chance.randint(1, 9), "candidates_page": chance.randint(1, 9)}
        simulator.state(accounts=[account], quirks={**pages, "time_format": time_format})
        outcome = module(INFO, shrink_to=shrink_to, api_version=chance.choice(["v1", "v2"]))
        assert not outcome.failed, outcome.message
        seen, where = outcome.result["forecast"], f"seed {seed}: {held} to {shrink_to}"
        rows, tied = seen["devices"], seen["tied"]
        foreseen = [row["device_id"] for row in rows]
        assert foreseen == evicted(simulator, account, shrink_to, "imei"), where
        assert [row["place"] for row in rows] == list(range(1, len(rows) + 1))
        assert len(rows) == seen["evicted"] == max(0, held - shrink_to)
        listed = [row["device_id"] for row in rows if row["reason"] == "listed"]
        assert listed == foreseen[: len(listed)]
        assert set(listed) == set(foreseen) & set(account["candidates"])
        assert (seen["from_list"], seen["beyond_list"]) == (len(listed), len(rows) - len(listed))
        certain = {row["device_id"] for row in rows if row["certain"]}
        assert certain == sure(account, len(rows)) & set(foreseen), where
        assert seen["certain"] == (len(certain) == len(rows)) == (not tied)
        for ties in ("reverse", "shuffled"):
            lost = evicted(simulator, account, shrink_to, ties)
            assert certain <= set(lost) <= {*foreseen, *tied}, f"{where}, {ties}"
            assert lost[: len(listed)] == listed
        without = set(account["candidates"]) - {row["device_id"] for row in account["licenses"]}
        assert set(seen["without_license"]) == without
        assert ("would lose it only for holding it longest" in outcome.warnings) == bool(seen["beyond_list"]), where
        assert ("to lose a license" in outcome.warnings) == bool(tied), where
        assert ("without a license" in outcome.warnings) == bool(without), where
        assert outcome.result["licenses"]["assigned"] == held
        assert outcome.result["candidates"] == account["candidates"]
    assert simulator.writes() == []


def test_a_list_as_long_as_the_cut_and_one_too_short(simulator: Simulator, module: Module) -> None:
    licenses = [{"device_id": imei(n), "assigned_at": DAYS[9 - n]} for n in range(10)]
    account = {"name": ACCOUNT, "devices": 10, "licenses": licenses, "candidates": [imei(1), imei(9), imei(4)]}
    simulator.state(accounts=[account])
    enough = module(INFO, shrink_to=7).result
    assert [row["device_id"] for row in enough["forecast"]["devices"]] == [imei(1), imei(9), imei(4)]
    assert enough["forecast"]["certain"]
    assert "warnings" not in enough
    short = module(INFO, shrink_to=6)
    last = short.result["forecast"]["devices"][-1]
    assert last == {
        "place": 4,
        "device_id": imei(8),
        "reason": "oldest",
        "assigned_at": DAYS[1],
        "certain": True,
        "upgraded": False,
    }
    assert "only 3 of them are on the removal candidate list" in short.warnings


def test_where_upgraded_devices_keep_their_license(simulator: Simulator, module: Module) -> None:
    """Pages contradict each other about that. So the forecast names them, and nothing else goes in another way."""
    upgraded = {imei(8), imei(3)}
    licenses = [{"device_id": imei(number), "assigned_at": DAYS[9 - number]} for number in range(10)]
    devices = [{"imei": imei(number), "upgraded": imei(number) in upgraded} for number in range(10)]
    account = {"name": ACCOUNT, "devices": devices, "licenses": licenses, "candidates": imeis(2, 5)}
    simulator.state(accounts=[account], quirks={"eviction_upgraded": "keep"})
    seen = module(INFO, shrink_to=5).result["forecast"]
    named = {row["device_id"] for row in seen["devices"] if row["upgraded"]}
    assert (named, seen["upgraded"]) == (upgraded, 2)
    simulator.control("POST", "subscription", {"account": ACCOUNT, "license_count": 5})
    gone = {*imeis(10)} - simulator.licensed()
    foreseen = {row["device_id"] for row in seen["devices"]}
    assert foreseen - gone == upgraded
    assert len(gone - foreseen) == len(upgraded)


def test_a_large_account_in_a_report(start_simulator: t.Callable[..., Simulator], tmp_path: Path) -> None:
    simulator = start_simulator("--devices", "2500")
    module = Module(tmp_path, simulator)
    chance = random.Random(5)
    licenses = [{"device_id": device, "assigned_at": chance.choice(DAYS)} for device in imeis(2500)]
    candidates = chance.sample(imeis(2500), 1100)
    account = {"name": ACCOUNT, "devices": 2500, "licenses": licenses, "candidates": candidates}
    simulator.state(accounts=[account], quirks={"candidates_page": 333, "page_size": 777})
    report = tmp_path / "eviction.csv"
    try:
        outcome = module(INFO, shrink_to=1000, report="none", devices_report=str(report))
    finally:
        module.close()
    seen = outcome.result["forecast"]
    assert (seen["devices"], seen["tied"], outcome.result["candidates"]) == ([], [], [])
    assert (seen["from_list"], seen["beyond_list"]) == (1100, 400)
    with report.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    lost = evicted(simulator, account, 1000, "imei")
    assert [row["device_id"] for row in rows[:1500]] == lost
    assert [row["reason"] for row in rows] == ["listed"] * 1100 + ["oldest"] * 400
    assert {row["device_id"] for row in rows if row["certain"] == "yes"} == sure(account, 1500) & set(lost)
    chosen = {row["device_id"] for row in rows if row["certain"] == "yes"}
    assert chosen <= set(evicted(simulator, account, 1000, "shuffled"))


def test_wishes_that_make_no_sense(simulator: Simulator, module: Module, tmp_path: Path) -> None:
    for options, code in (
        ({"shrink_to": -1}, "invalid_options"),
        ({"shrink_to": "many"}, "invalid_options"),
        ({"api_version": "v3"}, "invalid_options"),
        ({"devices_report": str(tmp_path / "none" / "report.csv")}, "report_unwritable"),
    ):
        assert module(INFO, **t.cast(Json, options)).code == code
    assert simulator.requests() == []


@pytest.mark.parametrize("operation", ["candidates_list", "fota_list"])
def test_a_forecast_from_half_a_list_is_none(simulator: Simulator, module: Module, operation: str) -> None:
    account = {"name": ACCOUNT, "devices": 10, "licenses": 10, "candidates": imeis(8)}
    simulator.state(accounts=[account], quirks={"candidates_page": 3, "page_size": 3})
    for action, code in (("status", "server_error"), ("html", "bad_answer"), ("empty_page", "incomplete_list")):
        simulator.clear_faults()
        simulator.faults({"action": action, "operation": operation, "after": 1, "times": 0})
        outcome = module(INFO, shrink_to=1, retries=1)
        assert outcome.code == code, outcome.message
        assert "forecast" not in outcome.result
        assert "candidates" not in outcome.result
