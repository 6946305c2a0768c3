# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbooks that are called without what they need, or with empty variables: a clear word, and nothing done."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.fleets import Fleet, imeis, named, seeded
from ansible_collections.thingspace.licensing.tests.support.harness import Json, Simulator

HOSTS = ("-i", "hosts.json")
NOBODY = "There is no account. Set "


@pytest.fixture
def fleet(tmp_path: Path, simulator: Simulator) -> Fleet:
    """One account with a fleet file, and an inventory that names it."""
    simulator.state(accounts=seeded(1))
    fleet = Fleet(tmp_path, simulator)
    fleet.write(1, {"ids": imeis(1, 12), "fota": True})
    inventory: Json = {"thingspace_accounts": {"hosts": {named(1): {}}}}
    (fleet.folder / "hosts.json").write_text(json.dumps(inventory), encoding="utf-8")
    return fleet


FORGOTTEN: dict[str, tuple[str, tuple[str, ...], dict[str, str], str]] = {
    "plan of nothing": ("plan", (), {}, NOBODY + "fleet"),
    "apply of hosts": ("apply", HOSTS, {"approved": "a" * 64}, "Missing: fleet."),
    "undo of nothing": ("undo", (), {"fleet_dest": "undo"}, "Missing: run."),
    "undo of hosts": ("undo", HOSTS, {"run": "", "fleet_dest": ""}, "Missing: run."),
    "report of nothing": ("report", (), {"fleet_dest": "report"}, NOBODY + "fleet"),
    "export of nothing": ("export", (), {"fleet": "out"}, NOBODY + "accounts"),
    "export to nowhere": ("export", HOSTS, {"fleet": "", "accounts": ""}, "Missing: fleet."),
}


@pytest.mark.parametrize("case", FORGOTTEN)
def test_what_is_missing_is_asked_for(fleet: Fleet, simulator: Simulator, case: str) -> None:
    playbook, arguments, variables, told = FORGOTTEN[case]
    there = sorted(fleet.folder.rglob("*"))
    ran = fleet(playbook, "", *arguments, "-e", json.dumps(variables), fleet="", fleet_journal="")
    assert ran.returncode == 2, ran.text
    assert told in " ".join(ran.text.split())
    assert "undefined" not in ran.text
    assert sorted(fleet.folder.rglob("*")) == there
    assert simulator.requests() == []


@pytest.mark.parametrize("playbook", ["apply", "undo", "license_devices"])
def test_an_approved_plan_that_is_not_there(fleet: Fleet, simulator: Simulator, playbook: str) -> None:
    """Is refused before the accounts are planned, which may take long."""
    more = {"run": "latest", "license_account": named(1)}
    there = sorted(fleet.folder.rglob("*"))
    ran = fleet(playbook, "", *HOSTS, "-e", json.dumps(more), fleet_journal="", approved="plan/plan.jsn")
    assert ran.returncode == 2, ran.text
    assert "'approved' is plan/plan.jsn: neither a digest nor a plan file" in " ".join(ran.text.split())
    assert sorted(fleet.folder.rglob("*")) == there
    assert simulator.requests() == []


MISTYPED: dict[str, tuple[str, str]] = {
    "plan": ("fleet_licensing_max_change", "fleet_licensing_max_changes"),
    "apply": ("fleet_jurnal", "fleet_journal"),
    "undo": ("fleet_histroy", "fleet_history"),
    "report": ("license_report_fail_onn", "license_report_fail_on"),
    "export": ("fleet_overwrit", "fleet_overwrite"),
    "license_devices": ("fleet_dst", "fleet_dest"),
}


@pytest.mark.parametrize("playbook", MISTYPED)
def test_a_mistyped_variable_is_refused(fleet: Fleet, simulator: Simulator, playbook: str) -> None:
    """Ansible would ignore it, and a mistyped limit would be no limit. A variable of one's own is left alone."""
    name, meant = MISTYPED[playbook]
    more = {name: "1", "run": "latest", "approved": "a" * 64, "license_account": named(1), "fleet_owner": "me"}
    there = sorted(fleet.folder.rglob("*"))
    ran = fleet(playbook, "", *HOSTS, "-e", json.dumps(more), fleet_journal="")
    assert ran.returncode == 2, ran.text
    assert f"There is no variable '{name}'. Did you mean '{meant}'?" in " ".join(ran.text.split())
    assert "fleet_owner" not in ran.text
    assert sorted(fleet.folder.rglob("*")) == there
    assert simulator.requests() == []


def empty(*names: str) -> tuple[str, str]:
    return "-e", json.dumps(dict.fromkeys(names, ""))


def test_empty_variables_are_as_good_as_none(fleet: Fleet) -> None:
    common: dict[str, t.Any] = {"fleet_journal": ""}
    rest = empty("fleet_journal", "fleet_history", "fleet_status_file", "fleet_fail_on", "accounts", "max_changes")
    planned = fleet.plan(*rest, **common)
    assert (planned.returncode, planned.recap) == (0, {named(1): "ok"}), planned.text
    applied = fleet.apply(*rest, **common)
    assert applied.returncode == 0, applied.text
    assert sorted(path.name for path in (applied.dest / "history").iterdir())
    reported = fleet("report", "report", *rest, *empty("license_report_files"), **common)
    assert reported.returncode == 0, reported.text
    totals = json.loads((reported.dest / "report.json").read_text(encoding="utf-8"))["totals"]
    assert (totals["drift"], totals["licenses"]["assigned"]) == (None, 12), "no fleet file was compared"
    unapproved = (*empty("approved"), "-e", "fleet_require_approval=false")
    undone = fleet("undo", "undo", *rest, *unapproved, run="apply/run.json", **common)
    assert undone.returncode == 0, undone.text
    names = {"fleet", "hosts.json", "plan", "apply", "report", "undo"}
    assert {path.name for path in fleet.folder.iterdir()} == names


def test_a_checked_export_into_a_new_directory(fleet: Fleet) -> None:
    checked = fleet("export", "", *HOSTS, "--check", fleet="out")
    assert (checked.returncode, checked.recap) == (0, {named(1): "changed"}), checked.text
    assert not (fleet.folder / "out").exists()
