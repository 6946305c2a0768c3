# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The job template with the survey, as AWX runs it: a run like any other, from pasted lists, and from answers that mean
no good."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.thingspace.licensing.tests.support.aap import AAP, Controller, Job
from ansible_collections.thingspace.licensing.tests.support.harness import (
    ACCOUNT,
    Json,
    Receiver,
    Simulator,
    imei,
    imeis,
)
from ansible_collections.thingspace.licensing.tests.support.postgres import new_journal
from ansible_collections.thingspace.licensing.tests.support.simulated import LISTENER

MANY = 20_000
FLEX = "SIMSec-IoT"
PLAN, RUN = "Show the plan", "Show the run"
FOREVER = {"name": "for good", "from": "2020-01-01", "until": "2090-01-01"}


def survey() -> Json:
    """The shipped questions, each with its default."""
    text = (AAP / "configuration" / "controller_templates.yml").read_text(encoding="utf-8")
    templates = yaml.safe_load(text)["controller_templates"]
    questions = next(one for one in templates if one["playbook"] == "license_devices.yml")["survey_spec"]["spec"]
    return {question["variable"]: question["default"] for question in questions}


def told(job: Job, task: str) -> str:
    """The page that the task shows, and the last lines."""
    return "\n".join(job.messages(task)[0])


@pytest.fixture
def controller(tmp_path: Path, simulator: Simulator) -> Controller:
    return Controller(tmp_path, simulator, [ACCOUNT])


@pytest.fixture
def launch(controller: Controller) -> t.Callable[..., Job]:
    """Launch the job template with answers; the other questions keep their defaults."""

    def launch(check: bool = False, limit: str = "", extra: Json | None = None, **answers: t.Any) -> Job:
        assert set(answers) <= set(survey())
        given = {**survey(), "license_account": ACCOUNT, **answers}
        return controller.launch("license_devices", given, check=check, limit=limit, **(extra or {}))

    return launch


def test_check_then_run_what_was_approved(launch: t.Callable[..., Job], simulator: Simulator, tmp_path: Path) -> None:
    pasted = f'\ufeffIMEI;Site\r\n{imei(1)};Bonn\r\n\r\n="{imei(2)}";Kiel\r\n'
    kept = {"fleet_dest": str(tmp_path / "kept")}
    checked = launch(license_devices=pasted, extra=kept)
    assert checked.returncode == 0, checked.stdout
    assert simulator.writes() == []
    digest = checked.artifacts["thingspace_plan_digest"]
    assert checked.artifacts["thingspace_plan_status"] == "changes"
    assert "FOTA licenses 2 to assign" in checked.artifacts["thingspace_plan_summary"]
    plan = told(checked, PLAN)
    for text in ("Status: changes", f"| {imei(1)} |", f"| {imei(2)} |"):
        assert text in plan, plan
    assert plan.count(f" -e license_mode=run -e approved={digest}") == 2, "in the page and after it"
    run = {"license_mode": "run", "approved": f" {digest}\n"}
    other = launch(license_devices=pasted + imei(3), **run)
    assert "plan_changed" in other.stdout
    forced = launch(license_devices=pasted, check=True, **run)
    assert (forced.returncode, simulator.writes()) == (0, [])
    done = launch(license_devices=pasted, **run)
    assert done.returncode == 0, done.stdout
    assert simulator.licensed() == {imei(1), imei(2)}
    for text in ("Status: done", f"| {imei(1)} |", f"| {imei(2)} |", f"Digest: {digest}"):
        assert text in told(done, RUN)
    again = launch(license_devices=pasted, license_mode="run", approved=str(tmp_path / "kept" / "plan.json"))
    assert (again.returncode, "Nothing to do: no device was sent." in told(again, PLAN)) == (0, True), again.stdout
    taken = launch(
        license_devices=f"{imei(2)}, {imei(5)}", license_state="absent", license_kind="iccid", license_mode="run"
    )
    assert taken.returncode == 0, taken.stdout
    assert simulator.licensed() == {imei(1)}


def test_what_was_done_can_be_undone(
    launch: t.Callable[..., Job], controller: Controller, simulator: Simulator, tmp_path: Path
) -> None:
    """A survey leaves a record, and what can be taken back is taken back, after somebody approved its plan."""
    simulator.quirks(simsec_delay=0.05)
    history, journal = tmp_path / "history", tmp_path / "journal.db"
    extra: Json = {"fleet_history": str(history), "fleet_journal": str(journal), "license_wait": True}
    receiver = Receiver(tmp_path, journal, simulator)
    try:
        for sku in ("FOTA", FLEX):
            done = launch(license_devices=" ".join(imeis(1, 3)), license_product=sku, license_mode="run", extra=extra)
            assert done.returncode == 0, done.stdout
            assert "Status: done" in told(done, RUN)
        assert simulator.licensed() == simulator.holders(FLEX) == set(imeis(1, 3))
        for record in sorted(history.glob("*.json")):
            assert [account["account"] for account in json.loads(record.read_bytes())["accounts"]] == [ACCOUNT]
            about: Json = {"fleet_dest": str(tmp_path / "undo"), "fleet_licensing_show": True, **extra}
            answers = {"run": str(record)}
            planned = controller.launch("undo", answers, check=True, **about)
            assert planned.returncode == 0, planned.stdout
            (digest,) = set(re.findall(r"-e approved=(\w{64})", planned.stdout))
            assert "not_approved" in controller.launch("undo", {**answers, "approved": "0" * 64}, **about).stdout
            undone = controller.launch("undo", {**answers, "approved": digest}, **about)
            assert undone.returncode == 0, undone.stdout
    finally:
        receiver.stop()
    assert simulator.licensed() == simulator.holders(FLEX) == set()


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ({"fleet_licensing_freeze": [FOREVER]}, "frozen"),
        ({"fleet_licensing_max_changes": 1}, "guard_tripped"),
        ({"fleet_licensing_require_approval": True}, "not_approved"),
    ],
)
def test_what_holds_for_every_run_holds_here(
    launch: t.Callable[..., Job], simulator: Simulator, extra: Json, code: str
) -> None:
    job = launch(license_devices=" ".join(imeis(3)), license_mode="run", extra=extra)
    assert (job.returncode, code in job.stdout) == (2, True), job.stdout
    assert simulator.writes() == []
    if code == "frozen":
        answers = {"license_mode": "run", "fleet_licensing_ignore_freeze": "true"}
        emergency = launch(license_devices=" ".join(imeis(3)), extra=extra, **answers)
        assert (emergency.returncode, simulator.licensed()) == (0, set(imeis(3))), emergency.stdout


@pytest.mark.parametrize("blank", ["", None])
def test_blank_answers_count_as_unset(
    launch: t.Callable[..., Job], controller: Controller, simulator: Simulator, tmp_path: Path, blank: str | None
) -> None:
    controller.database = str(tmp_path / "journal.db")
    unset = dict.fromkeys(("license_wait", "license_max_changes", "license_column", "license_state"), blank)
    known = {name: value for name, value in unset.items() if name in survey()}
    job = launch(
        license_devices=imei(0),
        license_product=FLEX,
        license_mode="run",
        extra={name: value for name, value in unset.items() if name not in known},
        **known,
    )
    assert job.returncode == 0, job.stdout
    assert [write["sku"] for write in simulator.writes()] == [FLEX]
    labeled = launch(license_devices=f"IMEI: {imei(1)}\r\n{imei(2)}\r\n{imei(3)}", license_mode="run")
    assert "line 1: 'IMEI: " in labeled.stdout
    assert simulator.licensed() == set()


def test_sim_secure_and_the_limits(launch: t.Callable[..., Job], controller: Controller, simulator: Simulator) -> None:
    """Nobody is bound for life by leaving a question as it was, and nothing is sent that no other job would know of."""
    devices = " ".join(imeis(3))
    for most in (2, 0):
        limit = launch(license_devices=devices, license_max_changes=most, license_mode="run")
        assert (limit.returncode, "guard_tripped" in limit.stdout) == (2, True), limit.stdout
        assert f"'license\\_max\\_changes' allows {most}" in told(limit, RUN)
        assert "nothing to reverse" in told(limit, RUN)
    assert simulator.writes() == []
    flexible = {"license_devices": devices, "license_product": FLEX, "license_mode": "run"}
    refused = launch(**flexible)
    assert (refused.returncode, "journal_required" in refused.stdout) == (2, True), refused.stdout
    assert simulator.writes() == []
    with new_journal() as url:
        controller.database = url.replace("postgres@", "postgres:s3cr3t-word@")
        for _node in range(2):
            launched = launch(**flexible)
            assert launched.returncode == 0, launched.stdout
            assert "s3cr3t-word" not in launched.told
    assert [write["sku"] for write in simulator.writes()] == [FLEX], "the job on the other node knows what was sent"


@pytest.mark.parametrize("sku", ["SIMSec-IoT-Lt", FLEX])
def test_nobody_is_bound_for_life_twice(
    launch: t.Callable[..., Job], simulator: Simulator, tmp_path: Path, sku: str
) -> None:
    """Whether its name or only the account says what the SKU is."""
    skus = [{"sku": sku, "license_type": "Lifetime"}]
    simulator.state(accounts=[{"name": ACCOUNT, "devices": 5, "skus": skus, "callbacks": [LISTENER]}])
    lifetime = {"license_devices": " ".join(imeis(3)), "license_product": sku, "license_mode": "run"}
    journal = {"fleet_journal": str(tmp_path / "the journal.db")}
    for extra in ({}, {"fleet_journal": ""}):
        without = launch(license_lifetime_consent=3, extra=extra, **lifetime)
        assert (without.returncode, "journal_required" in without.stdout) == (2, True), without.stdout
    refused = launch(extra=journal, **lifetime)
    assert "set 'license_lifetime_consent" in refused.stdout, "0 is what the survey has"
    assert simulator.writes() == []
    for _time in range(2):
        done = launch(license_lifetime_consent=3, extra=journal, **lifetime)
        assert done.returncode == 0, done.stdout
    taken = launch(extra=journal, license_state="absent", **lifetime)
    assert (taken.returncode, "lifetime_not_removable" in taken.stdout) == (2, True), taken.stdout
    assert [write["sku"] for write in simulator.writes()] == [sku]


def test_a_host_that_is_another_account(launch: t.Callable[..., Job], simulator: Simulator) -> None:
    extra = {"fleet_licensing_account": "0000999999-00001"}
    job = launch(license_devices=imei(1), license_mode="run", extra=extra)
    assert (job.returncode, f"the host {ACCOUNT} is the account 0000999999-00001" in job.stdout) == (2, True)
    assert simulator.writes() == []


COMMAND = "{{ lookup('ansible.builtin.pipe', 'touch here') }}"
HOSTILE: dict[str, tuple[Json, str]] = {
    "devices": ({"license_devices": f"{imei(1)}\n{COMMAND}\n990000\n"}, "license_devices, line 2:"),
    "account": ({"license_account": COMMAND}, "Set license_account to an account like"),
    "path": ({"license_account": "../0000123456-00001"}, "Set license_account to an account like"),
    "group": ({"license_account": "all"}, "invalid_account"),
    "product": ({"license_product": f"FOTA {COMMAND}"}, "invalid_sku"),
    "state": ({"license_state": "exact"}, "'license_state' is 'exact', which is none of: present, absent."),
    "number": ({"license_max_changes": "9" * 5000 + " "}, "which is not a whole number of devices"),
    "column": ({"license_column": COMMAND}, "there is no column"),
    "approved": ({"approved": "/etc/passwd"}, "cannot be used"),
    "approved nowhere": ({"approved": "../../../no/plan.json"}, "neither a digest nor a plan file that exists"),
    "nothing": ({"license_devices": "  \n "}, "'license_devices' names no device."),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_answers_that_mean_no_good(
    launch: t.Callable[..., Job], simulator: Simulator, tmp_path: Path, case: str
) -> None:
    answers, told = HOSTILE[case]
    job = launch(**{"license_devices": f"{imei(1)}\n{imei(2)}", "license_mode": "run", **answers})
    assert job.returncode == 2, job.stdout
    assert told in job.stdout
    assert simulator.writes() == []
    assert not list(tmp_path.rglob("here"))


def test_relaunch_on_failed_hosts_does_the_rest(launch: t.Callable[..., Job], simulator: Simulator) -> None:
    answers = {"license_devices": " ".join(imeis(4)), "license_mode": "run"}
    simulator.faults({"action": "status", "status": 400, "operation": "fota_assign", "times": 0})
    failed = launch(**answers)
    assert failed.failed_hosts == [ACCOUNT]
    assert all(f"| {device} |" in told(failed, RUN) for device in imeis(4))
    simulator.clear_faults()
    relaunched = launch(limit=",".join(failed.failed_hosts), **answers)
    assert relaunched.returncode == 0, relaunched.stdout
    assert simulator.licensed() == set(imeis(4))


def test_a_mode_that_is_neither_is_refused(launch: t.Callable[..., Job], simulator: Simulator) -> None:
    refused = launch(license_devices=imei(1), license_mode="Run ")
    assert (refused.returncode, "which is none of: check, run" in refused.stdout) == (2, True), refused.stdout
    assert simulator.writes() == []


def test_twenty_thousand_pasted_devices(launch: t.Callable[..., Job], simulator: Simulator) -> None:
    """Neither the list nor its rows flood the log."""
    simulator.state(accounts=[{"name": ACCOUNT, "devices": MANY, "subscription": {"license_count": MANY}}])
    pasted = "\n".join(imeis(MANY))
    assert len(pasted) < 500_000, "what the survey lets through"
    job = launch(license_devices=pasted, license_max_changes=MANY, license_mode="run")
    assert job.returncode == 0, job.stdout
    assert len(simulator.licensed()) == MANY
    said = told(job, RUN)
    assert f"{MANY:,} assigned" in said
    assert said.count("\n| 990") < 100
    assert job.event_bytes < 150_000
    assert len(json.dumps(job.artifacts)) < 500
