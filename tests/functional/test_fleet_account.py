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

NOTHING: Json = {"state": "exact", "api_version": "v3", "count": 0}


class Account:
    """One account: its fleet file, the lists that are made of it, and plans of them."""

    def __init__(self, folder: Path, module: Module) -> None:
        self.dest = folder / "lists"
        self.dest.mkdir()
        self.lists = self.dest / named(1)
        self._file = folder / "fleet.yml"
        self._journal = str(folder / "journal.db")
        self._module = module

    def wants(self, *devices: Json, **more: Json) -> Json:
        """Write the fleet file, and make the lists."""
        sets = [{"name": f"set {place}", **one} for place, one in enumerate(devices)]
        self._file.write_text(json.dumps({"account": named(1), "devices": sets, **more}), encoding="utf-8")
        made = self._module(
            "fleet_files", account=None, src=[str(self._file)], dest=str(self.dest), journal=self._journal
        )
        return t.cast(Json, made.result["accounts"][0])

    def plan(self, wanted: Json, **options: t.Any) -> Outcome:
        """Plan all of it in one process."""
        given = {"wanted": wanted, "lists": str(self.lists), "journal": self._journal, **options}
        return self._module("fleet_account", account=None, check=True, **given)

    def look(self, name: str, devices: str, **options: t.Any) -> Json:
        """What a license module plans by itself."""
        given = {"account": named(1), "devices_file": str(self.lists / f"{devices}.txt"), "report": "none", **options}
        return self._module(name, check=True, **given).result

    def assign(self, sku: str, *devices: str) -> None:
        """Assign SIM-Secure licenses, known to the journal."""
        given = {"account": named(1), "sku": sku, "devices": list(devices), "journal": self._journal}
        assert self._module("simsec_license", **given).changed

    def report(self, name: str) -> list[str]:
        """The lines of a report."""
        return (self.lists / f"plan-{name}.csv").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def account(tmp_path: Path, simulator: Simulator, module: Module) -> Account:
    simulator.quirks(simsec_delay=0)
    simulator.state(accounts=seeded(1))
    return Account(tmp_path, module)


def test_what_the_modules_plan(account: Account, simulator: Simulator) -> None:
    """Digests, counts, pools and failures are theirs, at the same requests but for logging in; nothing is written."""
    account.assign(FLEX, *imeis(1, 3))
    account.assign(BUNDLE, *imeis(1, 3, 5))
    wanted = account.wants(
        {"ids": imeis(1, 4, 12), "fota": True, "simsec": FLEX},
        {"ids": imeis(1, 12, 14), "fota": True, "removal_candidate": True},
        {"ids": imeis(1, 15, 17), "simsec": LIFETIME},
        {"ids": imeis(1, 5, 6), "protected": True},
        fota={"max_removals": "10%", "reserve": 2},
        simsec={"lifetime_consent": {LIFETIME: 2}, "max_changes": 50, "waves": [1], "max_failures": "5%"},
    )
    simulator.forget_requests()
    planned = account.plan(wanted, wait=True)
    sent = simulator.operations()
    assert simulator.writes() == []
    result = planned.result
    assert planned.changed
    assert [result[name] for name in ("account", "wanted", "file")] == [
        wanted[name] for name in ("account", "digest", "file")
    ]
    simulator.forget_requests()
    journal = {"journal": str(account.dest.parent / "journal.db"), "wait": True}
    fota = account.look("fota_license", "fota", state="exact", max_removals="10%", reserve=2)
    files = {"state": "exact", "protected_file": str(account.lists / "protected.txt")}
    candidates = account.look("swm_removal_candidates", "candidates", unlicensed="ignore", **files)
    limits = {"max_changes": 50, "waves": [1], "max_failures": "5%", **journal}
    simsec = [
        account.look("simsec_license", f"simsec-{FLEX}-imei", sku=FLEX, **limits),
        account.look("simsec_license", f"simsec-{LIFETIME}-imei", sku=LIFETIME, lifetime_consent=2, **limits),
        account.look("simsec_license", f"simsec-{BUNDLE}-imei-remove", sku=BUNDLE, state="absent", **limits),
        account.look("simsec_license", f"simsec-{FLEX}-imei-remove", sku=FLEX, state="absent", **limits),
    ]
    alone = simulator.operations()
    names = ("plan", "summary", "licenses", "failure", "candidate_count", "lifetime")
    assert [_only(one, names) for one in (result["fota"], result["removal_candidates"])] == [
        _only(one, names) for one in (fota, candidates)
    ]
    assert result["fota"]["failure"]["code"] == "guard_tripped"
    items = {(one["item"]["sku"], one["item"]["state"]): _only(one, names) for one in result["simsec"]}
    pairs = ((FLEX, "present"), (LIFETIME, "present"), (BUNDLE, "absent"), (FLEX, "absent"))
    assert items == {pair: _only(one, names) for pair, one in zip(pairs, simsec, strict=True)}
    assert alone.count("callback_list") > 1, "each module asks whether somebody listens, the plan asks once"
    assert sorted(sent) == sorted([one for one in alone if one != "callback_list"] + ["callback_list"])
    assert result["requests"]["sent"] == len(sent)
    assert sum(line.split(",")[1] == "skipped" for line in account.report("fota")) > 0
    assert len(account.report("removal_candidates")) == 1 + 2
    assert len(account.report(f"simsec-{BUNDLE}-imei-remove")) == 1 + 2


def test_devices_that_are_sent_at_once(account: Account, simulator: Simulator) -> None:
    """Without waves there is nothing to wait for: a plan needs no journal, and foresees no confirmation."""
    wanted = account.wants({"ids": imeis(1, 4), "fota": True, "simsec": FLEX})
    forgetful = account.plan(wanted, wait=True, journal=None)
    assert not forgetful.failed, forgetful.message
    assert "Without 'journal'" in forgetful.warnings
    simulator.quirks(simsec_delay=600)
    account.assign(FLEX, *imeis(1, 3))
    assert account.plan(wanted, wait=True).result["simsec"][0]["plan"]["assign"] == 1
    outcomes = [line.split(",")[:2] for line in account.report(f"simsec-{FLEX}-imei")[1:]]
    assert outcomes == [[device, "accepted"] for device in imeis(1, 4)]
    alone = account.look(
        "simsec_license", f"simsec-{FLEX}-imei", sku=FLEX, journal=str(account.dest.parent / "journal.db")
    )
    assert account.plan(wanted, wait=True).result["simsec"][0]["summary"] == alone["summary"]


@pytest.mark.parametrize("wait", [True, False])
def test_nobody_listens(account: Account, simulator: Simulator, wait: bool) -> None:
    """The plan says what carrying it out would say, for all of it by one request."""
    simulator.state(accounts=seeded(1, a1={"callbacks": []}))
    sets = [{"ids": imeis(1, 2), "simsec": FLEX}, {"ids": imeis(1, 2, 4), "simsec": LIFETIME}]
    wanted = account.wants(*sets, simsec={"lifetime_consent": {LIFETIME: 2}})
    simulator.forget_requests()
    planned = account.plan(wanted, wait=wait)
    assert not planned.failed, "a plan that is stopped is a plan all the same"
    found = {one["item"]["sku"]: one.get("failure", {}).get("code") for one in planned.result["simsec"]}
    assert found == {FLEX: "no_listener" if wait else None, LIFETIME: "no_listener"}
    assert ("No listener" in planned.warnings) is not wait
    assert simulator.count("callback_list") == 1
    allowed = account.plan(wanted, wait=wait, require_listener=False)
    assert [one.get("failure") for one in allowed.result["simsec"]] == [None, None]
    assert simulator.writes() == []


def test_why_there_is_no_plan(account: Account, simulator: Simulator) -> None:
    """All SKUs that stand in the way are told at once, and what the module says of them."""
    other = "ACME-Lifetime"
    wanted = account.wants(
        {"ids": imeis(1, 2), "fota": True, "simsec": LIFETIME}, {"ids": imeis(1, 2, 4), "simsec": other}
    )
    failed = account.plan(wanted)
    assert failed.code == "lifetime_consent"
    assert failed.result["failure"]["planned"] == 2
    assert failed.message.count("lifetime license") == 2
    assert other in failed.message
    simulator.state(accounts=seeded(1, a1={"active": False}))
    simulator.forget_requests()
    assert "Inactive account" in account.plan(wanted).message
    assert "subscriptions_list" not in simulator.operations()


def test_a_license_for_life_is_not_taken_away(account: Account, simulator: Simulator) -> None:
    """The account knows more of a SKU than its name tells: that is no reason to plan nothing."""
    pool = {"sku": "ACME-9", "license_type": "Flexible", "purchased": 20}
    simulator.state(accounts=seeded(1, a1={"skus": [pool]}))
    account.assign("ACME-9", *imeis(1, 3))
    simulator.state(accounts=seeded(1, a1={"skus": [{**pool, "license_type": "Lifetime"}]}))
    planned = account.plan(account.wants({"ids": imeis(1, 1, 2), "fota": True}, simsec={"state": "exact"}))
    assert not planned.failed, planned.message
    assert planned.result["fota"]["plan"]["remove"] == 9
    assert [one["failure"]["code"] for one in planned.result["simsec"]] == ["lifetime_not_removable"]
    assert "plan" not in planned.result["simsec"][0]


def test_diff(account: Account) -> None:
    """Of each license that changes."""
    wanted = account.wants({"ids": imeis(1, 12), "fota": True}, {"ids": imeis(1, 2), "removal_candidate": True})
    assert len(account.plan(wanted, diff=True).result["diff"]) == 2


@pytest.mark.parametrize(
    ("wanted", "wrong"),
    [
        ({}, ["account", "digest", "simsec"]),
        ({"fota": "exact"}, ["fota"]),
        ({"simsec": [{"sku": FLEX}, 5]}, ["simsec[].sku", "simsec[].remove_list"]),
        ({"fota": {**NOTHING, "api_version": "v9", "reserve": "many"}}, ["v9", "many"]),
    ],
)
def test_what_is_no_wanted_account(account: Account, simulator: Simulator, wanted: Json, wrong: list[str]) -> None:
    """It is said what is wrong, and ThingSpace is not asked."""
    whole = {"account": named(1), "file": "fleet.yml", "digest": "0" * 64, "fota": None, "removal_candidates": None}
    failed = account.plan({**whole, "simsec": [], **wanted} if wanted else {})
    assert failed.code == "invalid_options"
    for word in wrong:
        assert word in failed.message
    assert simulator.requests() == []


def _only(result: Json, names: t.Iterable[str]) -> Json:
    return {name: result[name] for name in names if name in result}
