# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of all licenses of an account is the plan that the license modules make of each."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.fleets import (
    BUNDLE,
    FLEX,
    LIFETIME,
    imeis,
    named,
    seeded,
)
from ansible_collections.thingspace.licensing.tests.support.harness import Json, Module, Outcome, Simulator

MARK = "1-0123456789012345"


class Account:
    """One account: its fleet file, and plans of what it wants."""

    def __init__(self, folder: Path, module: Module) -> None:
        self.reports = folder / "reports"
        self.journal = str(folder / "journal.db")
        self._file = folder / "fleet.yml"
        self._lists = folder / "lists"
        self._module = module

    def wants(self, *devices: Json, **more: Json) -> None:
        """Write the fleet file."""
        sets = [{"name": f"set {place}", **one} for place, one in enumerate(devices)]
        self._file.write_text(json.dumps({"account": named(1), "devices": sets, **more}), encoding="utf-8")

    def listed(self) -> Json:
        """Write what is wanted as lists. Returns what C(fleet_files) says of the account."""
        self._lists.mkdir()
        options = {"src": [str(self._file)], "dest": str(self._lists), "journal": self.journal}
        made = self._module("fleet_files", account=None, **options)
        return t.cast(Json, made.result["accounts"][0])

    def plan(self, **options: t.Any) -> Outcome:
        """Plan all of it in one process."""
        return self.run(check=True, **options)

    def apply(self, planned: Outcome, **options: t.Any) -> Outcome:
        """Carry out a plan in one process."""
        # Ansible shows warnings, and passes on the rest.
        told = {name: value for name, value in planned.result.items() if name != "warnings"}
        return self.run(planned=told, mark=MARK, **options)

    def run(self, **options: t.Any) -> Outcome:
        """Run the module with these options."""
        given = {"src": [str(self._file)], "reports": str(self.reports), "journal": self.journal, **options}
        return self._module("fleet_account", account=named(1), **given)

    def look(self, name: str, devices: str, **options: t.Any) -> Json:
        """What a license module plans by itself."""
        given = {"account": named(1), "devices_file": self.path(devices), "report": "none", **options}
        return self._module(name, check=True, **given).result

    def path(self, name: str) -> str:
        """The path of a list."""
        return str(self._lists / named(1) / f"{name}.txt")

    def assign(self, sku: str, *devices: str) -> None:
        """Assign SIM-Secure licenses, known to the journal."""
        given = {"account": named(1), "sku": sku, "devices": list(devices), "journal": self.journal}
        assert self._module("simsec_license", **given).changed

    def report(self, name: str) -> list[str]:
        """The lines of a report."""
        return (self.reports / named(1) / f"plan-{name}.csv").read_text(encoding="utf-8").splitlines()


def parts(planned: Outcome) -> dict[str, Json]:
    """The result of the license module for each part, by the part's name."""
    return {part["list"]: part["result"] for part in planned.result["parts"]}


@pytest.fixture
def account(tmp_path: Path, simulator: Simulator, module: Module) -> Account:
    simulator.quirks(simsec_delay=0)
    simulator.state(accounts=seeded(1))
    return Account(tmp_path, module)


def test_what_the_modules_plan(account: Account, simulator: Simulator) -> None:
    """Digests, counts, pools and failures are theirs, at the same requests but for logging in; nothing is written."""
    account.assign(FLEX, *imeis(1, 3))
    account.assign(BUNDLE, *imeis(1, 3, 5))
    account.wants(
        {"ids": imeis(1, 4, 12), "fota": True, "simsec": FLEX},
        {"ids": imeis(1, 12, 14), "fota": True, "removal_candidate": True},
        {"ids": imeis(1, 15, 17), "simsec": LIFETIME},
        {"ids": imeis(1, 5, 6), "protected": True},
        fota={"max_removals": "10%", "reserve": 2},
        simsec={"lifetime_consent": {LIFETIME: 2}, "max_changes": 50, "waves": [1], "max_failures": "5%"},
    )
    simulator.forget_requests()
    planned = account.plan(wait=True)
    sent = simulator.operations()
    assert simulator.writes() == []
    result = planned.result
    assert planned.changed
    wanted = account.listed()
    expected = {"wanted": wanted["digest"], "reports": str(account.reports / named(1))}
    expected |= {name: wanted[name] for name in ("account", "file", "freeze", "sets")}
    assert {name: result[name] for name in expected} == expected
    simulator.forget_requests()
    journal = {"journal": account.journal, "wait": True}
    files = {"state": "exact", "protected_file": account.path("protected")}
    limits = {"max_changes": 50, "waves": [1], "max_failures": "5%", **journal}
    present, gone = f"simsec-{FLEX}-imei", f"simsec-{FLEX}-imei-remove"
    for_life, bundle = f"simsec-{LIFETIME}-imei", f"simsec-{BUNDLE}-imei-remove"
    looks = {
        "fota": account.look("fota_license", "fota", state="exact", max_removals="10%", reserve=2),
        "removal_candidates": account.look("swm_removal_candidates", "candidates", unlicensed="ignore", **files),
        present: account.look("simsec_license", present, sku=FLEX, **limits),
        for_life: account.look("simsec_license", for_life, sku=LIFETIME, lifetime_consent=2, **limits),
        gone: account.look("simsec_license", gone, sku=FLEX, state="absent", **limits),
        bundle: account.look("simsec_license", bundle, sku=BUNDLE, state="absent", **limits),
    }
    alone = simulator.operations()
    names = ("plan", "summary", "licenses", "failure", "candidate_count", "lifetime")
    found = {name: _only(one, names) for name, one in parts(planned).items()}
    # The advice is for a task of the module.
    stopped = looks["fota"]["failure"]
    stopped["message"] = stopped["message"].removesuffix(f" {stopped['advice']}")
    assert found == {name: _only(one, names) for name, one in looks.items()}
    assert list(found) == list(looks)
    assert found["fota"]["failure"]["code"] == "guard_tripped"
    shown = [(part["kind"], part["sku"], part["id_kind"]) for part in result["parts"] if "sku" in part]
    assert shown == [("simsec", sku, "imei") for sku in (FLEX, LIFETIME, FLEX, BUNDLE)]
    assert alone.count("callback_list") > 1, "each module asks whether somebody listens, the plan asks once"
    assert sorted(sent) == sorted([one for one in alone if one != "callback_list"] + ["callback_list"])
    assert result["requests"]["sent"] == len(sent)
    assert sum(line.split(",")[1] == "skipped" for line in account.report("fota")) > 0
    assert len(account.report("removal_candidates")) == 1 + 2
    assert len(account.report(bundle)) == 1 + 2


def test_devices_that_are_sent_at_once(account: Account, simulator: Simulator) -> None:
    """Without waves there is nothing to wait for: a plan needs no journal, and foresees no confirmation."""
    account.wants({"ids": imeis(1, 4), "fota": True, "simsec": FLEX})
    pool = f"simsec-{FLEX}-imei"
    forgetful = account.plan(wait=True, journal=None)
    assert not forgetful.failed, forgetful.message
    assert "Without 'fleet_journal'" in forgetful.warnings
    simulator.quirks(simsec_delay=600)
    account.assign(FLEX, *imeis(1, 3))
    assert parts(account.plan(wait=True))[pool]["plan"]["assign"] == 1
    outcomes = [line.split(",")[:2] for line in account.report(pool)[1:]]
    assert outcomes == [[device, "accepted"] for device in imeis(1, 4)]
    account.listed()
    alone = account.look("simsec_license", pool, sku=FLEX, journal=account.journal)
    assert parts(account.plan(wait=True))[pool]["summary"] == alone["summary"]


@pytest.mark.parametrize("wait", [True, False])
def test_nobody_listens(account: Account, simulator: Simulator, wait: bool) -> None:
    """The plan says what carrying it out would say, for all of it by one request."""
    simulator.state(accounts=seeded(1, a1={"callbacks": []}))
    sets = [{"ids": imeis(1, 2), "simsec": FLEX}, {"ids": imeis(1, 2, 4), "simsec": LIFETIME}]
    account.wants(*sets, simsec={"lifetime_consent": {LIFETIME: 2}})
    simulator.forget_requests()
    planned = account.plan(wait=wait)
    assert not planned.failed, "a plan that is stopped is a plan all the same"
    found = {name: one.get("failure", {}).get("code") for name, one in parts(planned).items()}
    assert found == {
        f"simsec-{FLEX}-imei": None,
        f"simsec-{LIFETIME}-imei": "no_listener",
    }
    assert "No listener" in planned.warnings
    assert ("account's count" in planned.warnings) is wait
    assert simulator.count("callback_list") == 1
    allowed = account.plan(wait=wait, require_listener=False)
    assert [one.get("failure") for one in parts(allowed).values()] == [None, None]
    assert simulator.writes() == []


def test_why_there_is_no_plan(account: Account, simulator: Simulator) -> None:
    """All SKUs that stand in the way are told at once, and what the module says of them."""
    other = "ACME-Lifetime"
    account.wants({"ids": imeis(1, 2), "fota": True, "simsec": LIFETIME}, {"ids": imeis(1, 2, 4), "simsec": other})
    failed = account.plan()
    assert failed.code == "lifetime_consent"
    assert failed.result["failure"]["planned"] == 2
    assert failed.message.count("lifetime license") == 2
    assert other in failed.message
    simulator.state(accounts=seeded(1, a1={"active": False}))
    simulator.forget_requests()
    assert "Inactive account" in account.plan().message
    assert "subscriptions_list" not in simulator.operations()


def test_a_license_for_life_is_not_taken_away(account: Account, simulator: Simulator) -> None:
    """The account knows more of a SKU than its name tells: that is no reason to plan nothing."""
    pool = {"sku": "ACME-9", "license_type": "Flexible", "purchased": 20}
    simulator.state(accounts=seeded(1, a1={"skus": [pool]}))
    account.assign("ACME-9", *imeis(1, 3))
    simulator.state(accounts=seeded(1, a1={"skus": [{**pool, "license_type": "Lifetime"}]}))
    account.wants({"ids": imeis(1, 1, 2), "fota": True}, simsec={"state": "exact"})
    planned = account.plan()
    assert not planned.failed, planned.message
    fota, simsec = parts(planned).values()
    assert fota["plan"]["remove"] == 9
    assert simsec["failure"]["code"] == "lifetime_not_removable"
    assert "plan" not in simsec


@pytest.mark.parametrize("managed", [True, False])
def test_a_listed_device_that_loses_its_license(account: Account, simulator: Simulator, managed: bool) -> None:
    """Is no reason for a warning if the same plan takes it off the list."""
    listed = imeis(1, 1)
    simulator.state(accounts=seeded(1, a1={"candidates": listed}))
    account.wants({"ids": imeis(1, 1, 10), "fota": True}, **({"removal_candidates": {}} if managed else {}))
    for done in (planned := account.plan(), account.apply(planned)):
        assert not done.failed, done.message
        assert ("of no use without one" in done.warnings) is not managed
    assert simulator.state()["accounts"][0]["candidates"] == ([] if managed else listed)


def test_diff(account: Account) -> None:
    """Of each license that changes."""
    account.wants({"ids": imeis(1, 12), "fota": True}, {"ids": imeis(1, 2), "removal_candidate": True})
    assert len(account.plan(diff=True).result["diff"]) == 2


def test_a_plan_is_carried_out_once(account: Account, simulator: Simulator) -> None:
    """From the fleet file itself, and only the parts that change something."""
    account.wants({"ids": imeis(1, 12), "fota": True, "simsec": FLEX}, {"ids": imeis(1, 2), "removal_candidate": True})
    planned = account.plan()
    done = account.apply(planned)
    assert (done.failed, done.changed) == (False, True), done.message
    assert [(part["list"], part["changed"]) for part in done.result["parts"]] == [
        ("fota", True),
        ("removal_candidates", True),
        (f"simsec-{FLEX}-imei", True),
    ]
    assert done.result["parts"][0]["summary"]["assigned"] == 2
    written = [path.name for path in (account.reports / named(1)).glob(f"run-{MARK}/apply-*.csv")]
    assert len(written) == 4
    writes = len(simulator.writes())
    again = account.plan()
    assert (again.changed, account.apply(again).result["parts"]) == (False, [])
    assert len(simulator.writes()) == writes


@pytest.mark.parametrize("unassigned", ["keep", "drop"])
def test_a_device_that_loses_its_license_and_its_place(account: Account, simulator: Simulator, unassigned: str) -> None:
    """Whether ThingSpace itself takes it off the list is not documented. Either way, the plan is carried out."""
    simulator.quirks(candidates_unassigned=unassigned)
    simulator.state(accounts=seeded(1, a1={"candidates": imeis(1, 3)}))
    account.wants({"ids": imeis(1, 1, 10), "fota": True}, {"ids": imeis(1, 2, 5), "removal_candidate": True})
    planned = account.plan()
    counts = {"add": 2, "remove": 2, "move": 0}
    assert counts.items() <= parts(planned)["removal_candidates"]["plan"].items()
    done = account.apply(planned)
    assert not done.failed, done.message
    summary = done.result["parts"][1]["summary"]
    assert (summary["added"], summary["removed"]) == (2, 2)
    folder = account.reports / named(1) / f"run-{MARK}"
    assert (folder / "apply-before-candidates.csv").read_text(encoding="utf-8").split()[1:] == imeis(1, 3)
    rows = (folder / "apply-removal_candidates.csv").read_text(encoding="utf-8").splitlines()
    went = "when it lost its FOTA license" if unassigned == "drop" else "not named"
    assert [went in row for row in rows if row.startswith(imeis(1, 1)[0])] == [True]
    state = simulator.state()["accounts"][0]
    assert {one["device_id"] for one in state["licenses"]} == set(imeis(1, 1, 10))
    assert state["candidates"] == imeis(1, 2, 5)
    assert not account.plan().changed


def test_a_fleet_file_that_was_changed_after_the_plan(account: Account, simulator: Simulator) -> None:
    """Nothing is sent, also not what both want."""
    both = {"ids": imeis(1, 12), "fota": True, "simsec": FLEX}
    account.wants(both)
    planned = account.plan()
    account.wants(both, {"ids": imeis(1, 12, 13), "fota": True})
    simulator.forget_requests()
    failed = account.apply(planned)
    assert (failed.code, failed.changed) == ("plan_changed", False)
    assert "Nothing was sent. Plan again." in failed.message
    assert simulator.requests() == []
    account.wants(both)
    assert account.apply(planned).changed


@pytest.mark.parametrize(
    "planned",
    [
        {},
        {"account": named(2), "parts": []},
        {"account": named(1)},
        {"account": named(1), "parts": 5},
        {"account": named(1), "parts": [{"list": "fota"}]},
        {"account": named(1), "parts": [{"list": "fota", "result": {"plan": 5}}]},
    ],
)
def test_what_is_no_plan(account: Account, simulator: Simulator, planned: Json) -> None:
    """It is said what is missing, and ThingSpace is not asked."""
    account.wants({"select": {"state": "active"}, "fota": True})
    failed = account.run(planned=planned, mark=MARK)
    assert failed.code == "invalid_options"
    assert "what this module returned in check mode" in failed.message
    assert simulator.requests() == []


def _only(result: Json, names: t.Iterable[str]) -> Json:
    return {name: result[name] for name in names if name in result}
