# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks as AWX runs them: plan, approval and apply, slices, relaunched jobs."""

from __future__ import annotations

import base64
import json
import typing as t
import urllib.parse
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.aap import Controller, Job
from ansible_collections.thingspace.licensing.tests.support.fleets import imeis, named
from ansible_collections.thingspace.licensing.tests.support.harness import Json, Simulator

MANY = 20_000
MAX_EVENT_BYTES = 250_000
MAX_EVENTS = 220


def seed(simulator: Simulator, count: int, devices: int = 20, **more: t.Any) -> None:
    """So many accounts with so many devices and licenses for them, ten of them assigned."""
    accounts = [
        {"name": named(number), "devices": devices, "licenses": 10, "subscription": {"license_count": devices}}
        for number in range(1, count + 1)
    ]
    simulator.state(accounts=accounts, **more)


def licensed(simulator: Simulator, number: int) -> int:
    """How many devices of an account hold a license."""
    return len(simulator.state()["accounts"][number - 1]["licenses"])


@pytest.fixture
def controller(tmp_path: Path, simulator: Simulator) -> Controller:
    seed(simulator, 3)
    made = Controller(tmp_path, simulator, [named(number) for number in range(1, 4)])
    for number in range(1, 4):
        made.write(named(number), {"ids": imeis(number, 12), "fota": True})
    return made


def plan(controller: Controller, **more: t.Any) -> Job:
    return controller.launch("plan", fleet="fleet", **more)


def test_report(controller: Controller, simulator: Simulator) -> None:
    """Nothing outlives the job but its output, which has the report."""
    made = controller.launch("report", fleet="fleet")
    assert made.returncode == 0, made.stdout
    assert "# License report" in made.stdout
    for number in (1, 2, 3):
        assert f"| {named(number)} | FOTA | 10 of 20 assigned" in made.stdout
        assert f"| {named(number)} | FOTA | 12 devices wanted: 2 missing |" in made.stdout
    assert simulator.writes() == []


def test_export(controller: Controller, simulator: Simulator) -> None:
    """The output has the files, as the container keeps none."""
    made = controller.launch("export", fleet=str(controller.folder / "export"), fleet_show=True)
    assert made.returncode == 0, made.stdout
    for number in (1, 2, 3):
        assert f'account: \\"{named(number)}\\"' in made.stdout
        assert imeis(number, 1)[0] in made.stdout
    assert simulator.writes() == []


def apply(controller: Controller, artifacts: Json, **more: t.Any) -> Job:
    """The apply job of a workflow: its own question was not answered, so that AWX passes the empty default."""
    return controller.launch("apply", {"approved": ""}, artifacts=artifacts, fleet="fleet", **more)


def test_plan_approval_apply_of_a_large_fleet(controller: Controller, simulator: Simulator) -> None:
    """What is passed on and shown stays small, and contains no secret."""
    secrets = {"client_secret": "s3cr3t-%/+&\"'word", "password": "pa55-{{ 7*7 }}-%/+&word"}
    seed(simulator, 2, MANY, credentials=secrets)
    controller.accounts = controller.accounts[:2]
    controller.inputs.update(secrets)
    (controller.project / "fleet" / "all.csv").write_text("\n".join(imeis(1, MANY)), encoding="utf-8")
    for path in (controller.project / "fleet").glob("*.yml"):
        path.unlink()
    controller.write(named(1), {"file": "all.csv", "fota": True}, fota={"max_changes": 100})
    controller.write(named(2), {"ids": imeis(2, 10), "fota": True})
    planned = plan(controller)
    assert planned.returncode == 0, planned.stdout
    assert simulator.writes() == []
    handed_on = planned.artifacts
    digest = handed_on["thingspace_plan_digest"]
    assert len(json.dumps(handed_on)) < 1500
    assert sorted(name for name in handed_on if not name.startswith("thingspace_plan_digest")) == [
        "thingspace_plan_status",
        "thingspace_plan_summary",
    ]
    assert handed_on["thingspace_plan_status"] == "guard_tripped"
    assert handed_on["thingspace_plan_summary"].splitlines() == [
        f"Stopped by a limit: {MANY - 10:,} to assign in 1 of 2 accounts.",
        f"{named(1)}: FOTA licenses {MANY - 10:,} to assign (stopped: guard_tripped)",
    ]
    shown = planned.messages("Show the plan")[0]
    assert f"Plan digest: `{digest}`" in shown
    assert shown[0] == "# License plan: Stopped by a limit"
    assert len(shown) < 120
    applied = apply(controller, handed_on)
    assert applied.returncode == 0, applied.stdout
    assert licensed(simulator, 1) == MANY
    for job in (planned, applied):
        assert len(job.events) <= MAX_EVENTS
        assert job.event_bytes <= MAX_EVENT_BYTES
        for secret in secrets.values():
            forms = (secret, urllib.parse.quote_plus(secret), json.dumps(secret)[1:-1])
            assert not any(form in job.told for form in forms)
            assert base64.b64encode(secret.encode()).decode() not in job.told
    simulator.forget_requests()
    again = apply(controller, handed_on)
    assert (again.returncode, simulator.writes()) == (0, [])


def test_nothing_is_applied_without_an_approval_or_with_an_old_one(
    controller: Controller, simulator: Simulator
) -> None:
    controller.accounts = controller.accounts[:2]
    refused = apply(controller, {})
    assert "Set 'approved' to the approved plan" in refused.stdout
    old = plan(controller).artifacts
    controller.write(named(2), {"ids": imeis(2, 15), "fota": True})
    changed = apply(controller, old)
    assert changed.returncode == 2
    assert "plan_changed" in changed.stdout
    hostile = controller.launch("apply", {"approved": "{{ lookup('pipe', 'touch here') }}"}, fleet="fleet")
    assert "plan_file_invalid" in hostile.stdout
    assert not list(controller.folder.rglob("here"))
    assert simulator.writes() == []
    checked = apply(controller, plan(controller).artifacts, check=True)
    assert (checked.returncode, simulator.writes()) == (0, [])


def test_drift_fails_and_tells(controller: Controller, simulator: Simulator) -> None:
    controller.accounts = controller.accounts[:1]
    drift: Json = {"fleet": "fleet", "fleet_fail_on": "changes"}
    job = controller.launch("plan", **drift)
    assert job.returncode == 2
    assert job.artifacts["thingspace_plan_status"] == "changes"
    assert "# License plan: Changes" in job.messages("Show the plan")[0]
    assert apply(controller, job.artifacts).returncode == 0
    simulator.forget_requests()
    quiet = controller.launch("plan", **drift)
    assert quiet.returncode == 0, quiet.stdout
    assert quiet.artifacts["thingspace_plan_summary"] == "Nothing to do in 1 account."
    assert apply(controller, quiet.artifacts).returncode == 0
    assert simulator.writes() == []


def test_slices_are_planned_and_applied_each_by_itself(controller: Controller, simulator: Simulator) -> None:
    """They hand on digests under names of their own, because those under the same name overwrite each other."""
    handed_on: Json = {}
    for number in (1, 2):
        job = plan(controller, of_slice=(number, 2))
        assert job.returncode == 0, job.stdout
        accounts = {1: "2 accounts", 2: "1 account"}[number]
        assert job.artifacts["thingspace_plan_summary"].startswith(
            f"Changes: {'4' if number == 1 else '2'} to assign in {accounts}."
        )
        handed_on.update(job.artifacts)
    assert len(json.dumps(handed_on)) < 1500
    assert len({value for name, value in handed_on.items() if "digest" in name}) == 2
    whole = apply(controller, handed_on)
    assert "plan_changed" in whole.stdout
    assert simulator.writes() == []
    for number in (1, 2):
        applied = apply(controller, handed_on, of_slice=(number, 2))
        assert applied.returncode == 0, applied.stdout
    assert [licensed(simulator, number) for number in range(1, 4)] == [12] * 3


def test_relaunch_on_failed_hosts(controller: Controller, simulator: Simulator) -> None:
    """A plan job plans those alone; an apply job that failed half-way needs a new plan, and writes nothing without."""
    controller.accounts = controller.accounts[:2]
    refusing = {"action": "status", "status": 400, "path": named(2), "body": "{}", "times": 1}
    simulator.faults(refusing)
    first = plan(controller)
    assert first.failed_hosts == [named(2)]
    assert first.artifacts["thingspace_plan_status"] == "error"
    second = plan(controller, limit=",".join(first.failed_hosts))
    assert second.returncode == 0, second.stdout
    assert second.artifacts["thingspace_plan_summary"].startswith("Changes: 2 to assign in 1 account.")
    simulator.faults({**refusing, "path": f"{named(2)}/assign", "times": 0})
    whole = plan(controller).artifacts
    half = apply(controller, whole)
    assert half.failed_hosts == [named(2)]
    told = {name: value for name, value in half.artifacts.items() if name.startswith("thingspace_run")}
    assert sorted(told) == ["thingspace_run", "thingspace_run_status", "thingspace_run_summary"]
    assert told["thingspace_run_status"] == "failed"
    first, second = told["thingspace_run_summary"].splitlines()
    assert first == f"{named(1)}: 2 assigned."
    assert second.startswith(f"{named(2)}: ")
    assert len(json.dumps(told)) < 1500
    assert [licensed(simulator, number) for number in (1, 2)] == [12, 10]
    simulator.clear_faults()
    simulator.forget_requests()
    assert "plan_changed" in apply(controller, whole, limit=named(2)).stdout
    assert simulator.writes() == []
