# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fleets from the device list: complete or an error, filtered as asked, and without personal data."""

from __future__ import annotations

import csv
import typing as t

import pytest

from ansible_collections.thingspace.licensing.tests.functional.conftest import Start
from ansible_collections.thingspace.licensing.tests.support.harness import (
    ACCOUNT,
    Json,
    Module,
    Simulator,
    imei,
    imeis,
)

LIST = "device_list"


def listed(result: Json) -> list[str]:
    return [row["imei"] for row in result["devices"]]


@pytest.fixture
def large(start_simulator: Start, tmp_path: t.Any) -> t.Iterator[Module]:
    """An account with 4,500 devices: three pages."""
    modules = Module(tmp_path, start_simulator("--devices", "4500"))
    yield modules
    modules.close()


@pytest.mark.parametrize("attributes", ["list", "single"])
def test_every_page_of_a_large_account(large: Module, attributes: str) -> None:
    large.simulator.quirks(device_attributes=attributes)
    outcome = large("device_info")
    assert listed(outcome.result) == imeis(4500)
    assert outcome.result["count"] == 4500
    statuses = [request["status"] for request in large.simulator.requests(LIST)]
    # By time of adding, the first answer shows that there is nothing else to page by.
    assert statuses == ([202, 202, 200] if attributes == "list" else [202, 202, 202, 200])
    assert not outcome.changed
    assert large.simulator.writes() == []


def test_a_large_account_in_a_file_that_licenses_it(large: Module) -> None:
    path = large.folder / "fleet.csv"
    outcome = large("device_info", report="none", devices_report=str(path))
    assert (outcome.result["count"], outcome.result["devices"]) == (4500, [])
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["imei"] for row in rows] == imeis(4500)
    assert rows[0]["iccid"] == "89148000000000000000"
    plan = large("fota_license", devices_file=str(path), check=True, report="none")
    assert plan.result["summary"]["assigned"] == 4500


FIELDS: list[Json] = [
    {"state": "active", "groups": ["meters"], "custom_fields": {"CustomField1": "north"}},
    {"state": "suspend", "groups": ["meters", "spare"], "custom_fields": {"CustomField1": "south"}},
    {"state": "pre-active", "service_plan": "m2m_5G", "created_at": "2026-01-15T12:00:00Z"},
    {"state": "active", "groups": [], "created_at": "2026-02-15T12:00:00.500Z", "iccid": "89148999999999999999"},
    {},
]


@pytest.fixture
def fleet(simulator: Simulator) -> None:
    devices = [{"imei": imei(number), **fields} for number, fields in enumerate(FIELDS)]
    simulator.state(accounts=[{"name": ACCOUNT, "devices": devices}])


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("attributes", ["list", "single"])
@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"group": "meters"}, [0, 1]),
        ({"group": "none"}, []),
        ({"state": "active"}, [0, 3, 4]),
        ({"state": "active", "group": "meters"}, [0]),
        ({"service_plan": "m2m_5G"}, [2]),
        ({"custom_fields": {"CustomField1": "south"}}, [1]),
        ({"created_after": "2026-01-01"}, [2, 3]),
        ({"created_after": "2026-01-01", "created_before": "2026-01-31T12:00:00+01:00"}, [2]),
        ({"created_before": "2025-12-31"}, [0, 1, 4]),
        ({"device_id": imei(1)}, [1]),
        ({"device_id": "89148999999999999999", "kind": "iccid"}, [3]),
        ({"device_id": imei(59)}, []),
    ],
)
def test_filters(simulator: Simulator, module: Module, options: Json, found: list[int], attributes: str) -> None:
    simulator.quirks(device_attributes=attributes, device_page=2)
    outcome = module("device_info", **options)
    assert not outcome.failed, outcome.message
    assert sorted(listed(outcome.result)) == [imei(number) for number in found]
    assert outcome.result["count"] == len(found)
    assert outcome.warnings == ""


@pytest.mark.usefixtures("fleet")
def test_a_row_holds_everything_but_personal_data(simulator: Simulator, module: Module) -> None:
    (row,) = module("device_info", device_id=imei(1)).result["devices"]
    assert row["iccid"] == "89148000000000000001"
    assert row["mdn"]
    assert row["eid"] is None
    assert (row["state"], row["groups"], row["custom_fields"]) == (
        "suspend",
        ["meters", "spare"],
        {"CustomField1": "south"},
    )
    assert row["attributes"]["SkuNumber"]
    assert "PrimaryPlaceOfUse" not in str(row)
    assert "Simulated User" not in str(row)
    (full,) = module("device_info", device_id=imei(1), include_personal_data=True).result["devices"]
    assert full["attributes"]["PrimaryPlaceOfUseCity"] == "Springfield"


def body(*numbers: int, more: bool = True, cursor: int | None = None) -> Json:
    devices = [
        {
            "deviceIds": [{"id": imei(number), "kind": "imei"}],
            "createdAt": "2017-01-01T00:00:00Z",
            "extendedAttributes": [{"key": "DeviceId", "value": str(cursor)}] if cursor else [],
        }
        for number in numbers
    ]
    return {"hasMoreData": more, "devices": devices}


CONTRADICTIONS: dict[str, Json] = {
    "a cursor that does not advance": body(0, 1, cursor=7),
    "an empty page with more to come": body(),
    "a device twice": body(0, 0, cursor=7),
    "more devices at one moment than a page holds": body(0, 1),
}


@pytest.mark.parametrize("name", list(CONTRADICTIONS))
def test_a_contradiction_that_stays_is_an_error(simulator: Simulator, module: Module, name: str) -> None:
    answer = {"action": "status", "status": 202, "operation": LIST, "times": 0, "body": CONTRADICTIONS[name]}
    simulator.faults(answer)
    outcome = module("device_info")
    assert outcome.code == "incomplete_list"
    assert "devices" not in outcome.result, "a short list is never returned"
    assert simulator.count(LIST) <= 8


@pytest.mark.parametrize("name", ["an empty page with more to come", "a device twice"])
def test_the_second_reading_heals(simulator: Simulator, module: Module, name: str) -> None:
    simulator.quirks(device_page=25)
    fault = {"action": "status", "status": 202, "operation": LIST, "after": 1, "body": CONTRADICTIONS[name]}
    simulator.faults(fault)
    assert listed(module("device_info").result) == imeis(60)
    assert simulator.count(LIST) == 5


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("after", [0, 2])
def test_faults_on_the_way_cost_only_requests(simulator: Simulator, module: Module, status: int, after: int) -> None:
    headers = {"Retry-After": "0"}
    simulator.faults({"action": "status", "status": status, "operation": LIST, "after": after, "headers": headers})
    outcome = module("device_info", page_size=25)
    assert listed(outcome.result) == imeis(60)
    assert outcome.result["requests"]["retried"] == 1
    assert simulator.count(LIST) == 4


@pytest.mark.parametrize("action", ["reset", "truncate", "html", "empty", "array"])
def test_a_broken_answer_is_read_again_or_an_error(simulator: Simulator, module: Module, action: str) -> None:
    simulator.faults({"action": action, "operation": LIST, "after": 1})
    outcome = module("device_info", page_size=25, retries=2)
    assert outcome.code == "bad_answer" if outcome.failed else listed(outcome.result) == imeis(60)
    assert outcome.failed == (action in ("html", "empty", "array"))


def test_a_filter_that_thingspace_ignores_is_warned_of(simulator: Simulator, module: Module) -> None:
    ignored = {**body(0, 1, more=False), "hasMoreData": False}
    ignored["devices"][0]["groupNames"] = ["other"]
    simulator.faults({"action": "status", "status": 200, "operation": LIST, "body": ignored})
    outcome = module("device_info", group="meters")
    assert outcome.result["count"] == 2
    assert "1 of the 2 devices" in outcome.warnings


def test_bad_input_is_told_at_once(simulator: Simulator, module: Module) -> None:
    outcome = module("device_info", group="", state="it's", created_after="soon", page_size=0, account="/")
    assert outcome.result["failure"]["problem_count"] == 5
    assert simulator.requests() == []
