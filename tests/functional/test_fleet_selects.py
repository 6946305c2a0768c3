# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A selected device that no request can name is wanted and not as wanted, and no license is lost because of it.

Nor is one lost because a mistyped property selects no device.
"""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.fleets import (
    BUNDLE,
    FLEX,
    Fleet,
    imeis,
    licensed,
    named,
    seeded,
)
from ansible_collections.thingspace.licensing.tests.support.harness import Json, Module, Outcome, Receiver, Simulator

MARK = "1-0123456789012345"
FIRST, SECOND, THIRD = imeis(1, 1, 4)
NASTY = "<b>|`3569\u202e`" + "x" * 500
METERS = {"select": {"group": "meters"}}
WANTED = {**METERS, "fota": True, "simsec": FLEX}

ODD: dict[str, list[Json]] = {
    "an IMEISV": [{"kind": "imei", "id": THIRD[:14] + "07"}],
    "no check digit": [{"kind": "imei", "id": THIRD[:14]}],
    "a number": [{"kind": "imei", "id": int(THIRD[:14])}],
    "marks": [{"kind": "imei", "id": f"{THIRD[:6]} {THIRD[6:]}"}],
    "other digits": [{"kind": "imei", "id": "".join(chr(0x660 + int(digit)) for digit in THIRD)}],
    "empty": [{"kind": "imei", "id": ""}],
    "another kind only": [{"kind": "meid", "id": "A0000011223344"}],
    "no id": [],
    "anything": [{"kind": "imei", "id": NASTY}],
}


def row(*ids: Json) -> Json:
    """A device of the group."""
    return {"deviceIds": [*ids], "groupNames": ["meters"]}


def by(device: str) -> Json:
    """A device of the group that ThingSpace names as everybody does."""
    return row({"kind": "imei", "id": device})


def _told(outcome: Outcome) -> Json:
    """What Ansible passes on of a result. It shows the warnings."""
    return {name: value for name, value in outcome.result.items() if name != "warnings"}


class Meters:
    """An account of which devices of a group are wanted, and whatever ThingSpace lists for that."""

    def __init__(self, folder: Path, module: Module, simulator: Simulator) -> None:
        self.folder = folder
        self._module = module
        self._simulator = simulator
        self._file = folder / "fleet.yml"
        self._common = {"src": [str(self._file)], "journal": str(folder / "journal.db")}

    def wants(self, *sets: Json, **more: Json) -> None:
        """Write the fleet file."""
        devices = [{"name": f"set {place}", **one} for place, one in enumerate(sets)]
        self._file.write_text(json.dumps({"account": named(1), "devices": devices, **more}), encoding="utf-8")

    def listed(self, *rows: Json) -> None:
        """What ThingSpace lists from now on."""
        self._simulator.clear_faults()
        body = {"hasMoreData": False, "devices": [*rows]}
        self._simulator.faults(
            {"operation": "device_list", "action": "status", "status": 200, "times": 0, "body": body}
        )

    def holds(self, licenses: dict[str, list[str]]) -> None:
        """Assign SIM-Secure licenses by SKU, confirmed in the journal."""
        journal = self.folder / "journal.db"
        receiver = Receiver(self.folder, journal, self._simulator, account=named(1))
        try:
            for sku, devices in licenses.items():
                given = {"account": named(1), "sku": sku, "devices": devices, "journal": str(journal)}
                assert not self._module("simsec_license", wait=True, wait_timeout=30, **given).failed
        finally:
            receiver.stop()
        self._simulator.forget_requests()

    def run(self, **options: t.Any) -> Outcome:
        """Plan or apply the account."""
        given = {**self._common, "reports": str(self.folder / "reports"), **options}
        return self._module("fleet_account", account=named(1), **given)

    def plan(self) -> tuple[Outcome, Outcome]:
        """The plan of the account, and the whole plan of it."""
        planned = self.run(check=True)
        entry = {"account": named(1), "failure": planned.result["failure"]} if planned.failed else _told(planned)
        dest = str(self.folder / "plan")
        return planned, self._module("fleet_plan", account=None, accounts=[entry], dest=dest, fail_on="incomplete")

    def apply(self, planned: Outcome) -> Outcome:
        """Carry the plan out."""
        return self.run(planned=_told(planned), mark=MARK)

    def lists(self) -> tuple[Json, dict[str, list[str]]]:
        """What C(fleet_files) says of the account, and the lists that it writes."""
        made = self._module("fleet_files", account=None, dest=str(self.folder), **self._common).result["accounts"][0]
        return made, {name: Path(path).read_text(encoding="ascii").split() for name, path in made["lists"].items()}

    def page(self, kind: str) -> str:
        """A page of the plan."""
        return (self.folder / "plan" / f"plan.{kind}").read_text(encoding="utf-8")

    @property
    def document(self) -> Json:
        """The account in the plan file."""
        return t.cast(Json, json.loads(self.page("json"))["accounts"][0])


@pytest.fixture
def meters(tmp_path: Path, simulator: Simulator, module: Module) -> Meters:
    simulator.quirks(simsec_delay=0)
    simulator.state(accounts=seeded(1, a1={"licenses": [FIRST, SECOND, THIRD]}))
    made = Meters(tmp_path, module, simulator)
    made.wants(WANTED)
    return made


@pytest.fixture
def held(meters: Meters) -> Meters:
    """Each device holds both licenses."""
    meters.holds({FLEX: [FIRST, SECOND, THIRD]})
    return meters


@pytest.mark.parametrize("odd", list(ODD))
def test_a_device_that_cannot_be_named_is_not_as_wanted_and_loses_nothing(
    held: Meters, simulator: Simulator, odd: str
) -> None:
    held.listed(by(FIRST), by(SECOND), row(*ODD[odd]))
    planned, plan = held.plan()
    assert (plan.result["status"], plan.result["incomplete"]) == ("incomplete", 1)
    assert "devices not as wanted: 1" in plan.result["red"]
    assert sum(plan.result["totals"].values()) == 0
    (left,) = held.document["incomplete"]
    assert left["outcome"] == "skipped"
    assert left["reason"].startswith("selected by 'set 0', but no request can name it: ")
    assert len(left["device_id"]) <= 40
    assert len(left["reason"]) < 250
    told = "'select' of 'set 0' selects 1 device without a usable IMEI. No request can name it."
    assert held.document["notes"][0].startswith(told)
    assert "loses a FOTA license or a SIM-Secure license." in held.document["notes"][0]
    assert told in planned.warnings
    for page in (held.page("md"), held.page("html")):
        assert "selects 1 device without a usable IMEI" in page
        assert "no request can name it" in page
        assert "<b>" not in page
        assert "\u202e" not in page
    assert not held.apply(planned).failed
    assert simulator.writes() == []
    assert licensed(simulator, 1) == {FIRST, SECOND, THIRD}
    entry, lists = held.lists()
    assert (entry["fota"]["state"], lists[f"simsec-{FLEX}-imei-remove"]) == ("present", [])


def test_what_thingspace_called_it(held: Meters) -> None:
    """The row says it, also if that is an id of another kind; a device that several sets select has one row."""
    odd = {"kind": "imei", "id": THIRD[:14] + "07"}
    sim = {"kind": "iccid", "id": "89148000000000000001"}
    held.listed(by(FIRST), row(odd), row(odd, sim), row({"kind": "mdn", "id": "5551234567"}, sim))
    held.wants({**METERS, "fota": True}, {**METERS, "simsec": FLEX})
    held.plan()
    rows = {one["device_id"]: one["reason"] for one in held.document["incomplete"]}
    assert list(rows) == [odd["id"], "ICCID 89148000000000000001"]
    assert "selected by 'set 0', 'set 1', but" in rows[odd["id"]]
    assert "has 16 digits, an IMEI has 15 digits (this may be an IMEISV)" in rows[odd["id"]]
    assert "ThingSpace gives no IMEI for it" in rows["ICCID 89148000000000000001"]


def test_what_does_not_depend_on_the_device_goes_on(meters: Meters, simulator: Simulator) -> None:
    """Devices get their licenses, a move is completed, and the other kind of license loses what nobody wants."""
    new = imeis(1, 5, 6)[0]
    meters.holds({FLEX: [FIRST, SECOND, THIRD], BUNDLE: [new]})
    meters.wants({**METERS, "simsec": FLEX}, {"ids": [FIRST, new], "fota": True})
    meters.listed(by(FIRST), by(new), row({"kind": "imei", "id": THIRD[:14]}))
    entry, lists = meters.lists()
    assert entry["fota"]["state"] == "exact"
    assert lists[f"simsec-{BUNDLE}-imei-remove"] == [new]
    assert lists[f"simsec-{FLEX}-imei-remove"] == []
    assert "loses a SIM-Secure license." in entry["notes"][0]
    planned, plan = meters.plan()
    parts = {part["list"]: part["plan"] for part in meters.document["parts"]}
    assert [(parts["fota"][name]) for name in ("assign", "remove")] == [1, 2]
    assert parts[f"simsec-{FLEX}-imei"]["assign"] == 1
    assert (plan.result["status"], plan.result["incomplete"]) == ("changes", 1)
    assert not meters.apply(planned).failed
    assert licensed(simulator, 1) == {FIRST, new}


def test_devices_that_can_be_named_are_exact(held: Meters, simulator: Simulator) -> None:
    held.listed(by(FIRST), by(SECOND))
    planned, plan = held.plan()
    assert (plan.result["status"], plan.result["totals"]["remove"]) == ("changes", 2)
    assert "notes" not in held.document or held.document["notes"] is None
    assert not held.apply(planned).failed
    assert licensed(simulator, 1) == {FIRST, SECOND}


@pytest.mark.parametrize("kind", ["fota", "simsec"])
def test_a_selection_without_a_device_removes_no_license(held: Meters, simulator: Simulator, kind: str) -> None:
    licenses: Json = {"fota": True} if kind == "fota" else {"simsec": FLEX}
    held.wants({**METERS, **licenses}, {"ids": [FIRST], **licenses})
    held.listed()
    planned, plan = held.plan()
    assert planned.code == "empty_exact"
    title = {"fota": "FOTA license", "simsec": "SIM-Secure license"}[kind]
    assert "'select' of 'set 0' selects no device. With 'state: exact', 2 devices that no set names" in planned.message
    assert f"would lose their {title}" in planned.message
    assert plan.result["status"] == "error"
    for page in (held.page("md"), held.page("html")):
        assert "selects no device" in page
    assert simulator.writes() == []
    # An empty set is meant if it is not there, and nothing is removed with state present.
    held.wants({"ids": [FIRST], **licenses})
    assert held.plan()[1].result["totals"]["remove"] == 2
    held.wants({**METERS, **licenses}, {"ids": [FIRST], **licenses}, **{kind: {"state": "present"}})
    assert held.plan()[1].result["status"] == "no_change"


def test_a_selection_without_a_device_that_costs_none_its_license(held: Meters) -> None:
    """The pages say it, whatever changes besides: also if all devices of the group are moved to another SKU."""
    held.listed()
    held.wants(WANTED, {"ids": [FIRST, SECOND, THIRD], "fota": True, "simsec": BUNDLE})
    _planned, plan = held.plan()
    assert (plan.result["status"], plan.result["totals"]["assign"]) == ("changes", 3)
    assert held.document["notes"] == ["'select' of 'set 0' selects no device."]
    held.wants(WANTED, {"ids": [FIRST, SECOND, THIRD], "fota": True, "simsec": FLEX})
    _planned, plan = held.plan()
    assert plan.result["status"] == "no_change"
    for page in (held.page("md"), held.page("html")):
        assert "selects no device" in page


@pytest.mark.parametrize("left", [[], [row({"kind": "imei", "id": SECOND[:14]})]], ids=["none", "odd"])
def test_candidates_that_are_not_selected_stay_on_the_list(
    meters: Meters, simulator: Simulator, left: list[Json]
) -> None:
    """The list is written as a whole, so nothing is written if one of them is missing or cannot be named."""
    meters.wants({**METERS, "removal_candidate": True})
    meters.listed(by(FIRST), by(SECOND))
    assert not meters.apply(meters.plan()[0]).failed
    simulator.forget_requests()
    meters.listed(*left)
    planned, plan = meters.plan()
    assert (planned.code, plan.result["status"]) == ("empty_exact", "error")
    assert "would leave the removal candidate list" in planned.message
    assert simulator.writes() == []
    meters.listed(*left, by(FIRST), by(SECOND))
    planned, plan = meters.plan()
    assert not planned.failed
    assert plan.result["totals"]["remove"] == 0


def test_no_candidate_is_added_while_nobody_knows_who_is_protected(meters: Meters, simulator: Simulator) -> None:
    """A mistyped group protects no device, and the devices that it means may be among the candidates."""
    vip = {**METERS, "protected": True}
    meters.wants({"ids": [FIRST], "removal_candidate": True}, vip)
    meters.listed(by(SECOND))
    assert not meters.apply(meters.plan()[0]).failed
    simulator.forget_requests()
    meters.listed()
    assert meters.plan()[1].result["status"] == "no_change", "nothing is added, so nothing can be wrong"
    meters.wants({"ids": [FIRST, SECOND], "removal_candidate": True}, vip)
    planned, plan = meters.plan()
    assert (planned.code, plan.result["status"]) == ("empty_exact", "error")
    assert "'select' of 'set 1' selects no device." in planned.message
    assert "1 device would be put on the removal candidate list" in planned.message
    assert simulator.writes() == []


def test_a_fleet_file_that_wants_only_what_is_not_selected(meters: Meters, simulator: Simulator) -> None:
    """The failure says which set selects no device."""
    meters.listed()
    meters.wants({**METERS, "fota": True})
    planned, _plan = meters.plan()
    assert planned.code == "empty_exact"
    assert "'select' of 'set 0' selects no device." in planned.message
    assert simulator.writes() == []


def test_the_playbooks(tmp_path: Path, simulator: Simulator) -> None:
    """They end as told, and an apply leaves the device its license."""
    fleet = Fleet(tmp_path, simulator)
    simulator.state(accounts=seeded(1, a1={"licenses": [FIRST, SECOND]}))
    fleet.write(1, {**METERS, "fota": True})
    body = {"hasMoreData": False, "devices": [by(FIRST), row({"kind": "imei", "id": SECOND[:14] + "07"})]}
    simulator.faults({"operation": "device_list", "action": "status", "status": 200, "times": 0, "body": body})
    plan = fleet.plan(fleet_fail_on="incomplete")
    assert (plan.returncode, plan.plan["status"], plan.plan["incomplete"]) == (2, "incomplete", 1), plan.text
    applied = fleet.apply(fleet_fail_on="incomplete")
    assert applied.returncode == 2, applied.text
    assert "1 device is not as wanted" in applied.text
    assert simulator.writes() == []
    assert licensed(simulator, 1) == {FIRST, SECOND}
