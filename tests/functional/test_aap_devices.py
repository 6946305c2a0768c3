# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The job template with the survey, as AWX runs it: pasted lists, and answers that mean no good."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.thingspace.licensing.tests.support.aap import AAP, Controller, Job
from ansible_collections.thingspace.licensing.tests.support.harness import ACCOUNT, Json, Simulator, imei, imeis
from ansible_collections.thingspace.licensing.tests.support.simulated import LISTENER

MANY = 20_000
SAYS = "Show what happened to each device"


def survey() -> Json:
    """The shipped questions, each with its default."""
    text = (AAP / "configuration" / "controller_templates.yml").read_text(encoding="utf-8")
    templates = yaml.safe_load(text)["controller_templates"]
    questions = next(one for one in templates if one["playbook"] == "license_devices.yml")["survey_spec"]["spec"]
    return {question["variable"]: question["default"] for question in questions}


@pytest.fixture
def launch(tmp_path: Path, simulator: Simulator) -> t.Callable[..., Job]:
    """Launch the job template with answers; the other questions keep their defaults."""
    controller = Controller(tmp_path, simulator, [ACCOUNT])

    def launch(check: bool = False, limit: str = "", extra: Json | None = None, **answers: t.Any) -> Job:
        assert set(answers) <= set(survey())
        given = {**survey(), "license_account": ACCOUNT, **answers}
        return controller.launch("license_devices", given, check=check, limit=limit, **(extra or {}))

    return launch


def test_check_then_run_what_was_approved(launch: t.Callable[..., Job], simulator: Simulator) -> None:
    pasted = f'\ufeffIMEI;Site\r\n{imei(1)};Bonn\r\n\r\n="{imei(2)}";Kiel\r\n'
    checked = launch(license_devices=pasted)
    assert checked.returncode == 0, checked.stdout
    said = checked.messages(SAYS)[0]
    assert said["mode"] == "check: nothing was sent"
    assert said["devices"] == [f"{imei(1)},assigned,", f"{imei(2)},assigned,"]
    assert simulator.writes() == []
    digest = checked.artifacts["thingspace_devices_digest"]
    assert said["digest"] == digest
    run = {"license_mode": "run", "approved": f" {digest}\n"}
    other = launch(license_devices=pasted + imei(3), **run)
    assert "plan_changed" in other.stdout
    forced = launch(license_devices=pasted, check=True, **run)
    assert (forced.returncode, simulator.writes()) == (0, [])
    done = launch(license_devices=pasted, **run)
    assert done.returncode == 0, done.stdout
    assert simulator.licensed() == {imei(1), imei(2)}
    assert done.artifacts["thingspace_devices_summary"]["assigned"] == 2
    taken = launch(license_devices=f"{imei(2)}, {imei(5)}", license_state="absent", license_mode="run")
    assert taken.returncode == 0, taken.stdout
    assert simulator.licensed() == {imei(1)}


@pytest.mark.parametrize("blank", ["", None])
def test_blank_answers_count_as_unset(launch: t.Callable[..., Job], simulator: Simulator, blank: str | None) -> None:
    unset = dict.fromkeys(("license_wait", "license_max_changes", "license_column", "license_state"), blank)
    known = {name: value for name, value in unset.items() if name in survey()}
    job = launch(
        license_devices=imei(0),
        license_product="SIMSec-IoT",
        license_mode="run",
        extra={name: value for name, value in unset.items() if name not in known},
        **known,
    )
    assert job.returncode == 0, job.stdout
    assert [write["sku"] for write in simulator.writes()] == ["SIMSec-IoT"]
    labeled = launch(license_devices=f"IMEI: {imei(1)}\r\n{imei(2)}\r\n{imei(3)}", license_mode="run")
    assert "line 1: 'IMEI: " in labeled.stdout
    assert simulator.licensed() == set()


def test_sim_secure_and_the_limits(launch: t.Callable[..., Job], simulator: Simulator) -> None:
    """Nobody is bound for life by leaving a question as it was."""
    devices = " ".join(imeis(3))
    for most in (2, 0):
        limit = launch(license_devices=devices, license_max_changes=most, license_mode="run")
        assert "guard_tripped" in limit.stdout
        assert limit.messages(SAYS)[0]["summary"] == {"skipped": 3}
    assert simulator.writes() == []
    flexible = launch(license_devices=devices, license_product="SIMSec-IoT", license_mode="run")
    assert flexible.returncode == 0, flexible.stdout
    assert [write["sku"] for write in simulator.writes()] == ["SIMSec-IoT"]


@pytest.mark.parametrize("sku", ["SIMSec-IoT-Lt", "SIMSec-IoT"])
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
        assert (without.returncode, "lifetime_without_journal" in without.stdout) == (2, True), without.stdout
    assert "lifetime_consent" in launch(extra=journal, **lifetime).stdout, "0 is what the survey has"
    assert simulator.writes() == []
    for _time in range(2):
        done = launch(license_lifetime_consent=3, extra=journal, **lifetime)
        assert done.returncode == 0, done.stdout
    assert [write["sku"] for write in simulator.writes()] == [sku]


def test_a_host_that_is_another_account(launch: t.Callable[..., Job], simulator: Simulator) -> None:
    extra = {"fleet_licensing_account": "0000999999-00001"}
    job = launch(license_devices=imei(1), license_mode="run", extra=extra)
    assert (job.returncode, f"the host {ACCOUNT} is the account 0000999999-00001" in job.stdout) == (2, True)
    assert simulator.writes() == []


COMMAND = "{{ lookup('ansible.builtin.pipe', 'touch here') }}"
HOSTILE: dict[str, tuple[Json, str]] = {
    "devices": ({"license_devices": f"{imei(1)}\n{COMMAND}\n990000\n"}, "devices_text, line 2:"),
    "account": ({"license_account": COMMAND}, "Set license_account to an account like"),
    "path": ({"license_account": "../0000123456-00001"}, "Set license_account to an account like"),
    "group": ({"license_account": "all"}, "invalid_account"),
    "product": ({"license_product": f"FOTA {COMMAND}"}, "invalid_sku"),
    "state": ({"license_state": "exact"}, "Set license_state to present or absent, not to 'exact'"),
    "column": ({"license_column": COMMAND}, "there is no column"),
    "approved": ({"approved": "../../../etc/passwd"}, "is not a plan digest"),
    "nothing": ({"license_devices": "  \n "}, "and license_devices to a list of devices"),
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
    assert len(failed.messages(SAYS)[0]["devices"]) == 4
    simulator.clear_faults()
    relaunched = launch(limit=",".join(failed.failed_hosts), **answers)
    assert relaunched.returncode == 0, relaunched.stdout
    assert simulator.licensed() == set(imeis(4))


def test_a_mode_that_is_not_run_is_check(launch: t.Callable[..., Job], simulator: Simulator) -> None:
    assert launch(license_devices=imei(1), license_mode="Run ").returncode == 0
    assert simulator.writes() == []


def test_twenty_thousand_pasted_devices(launch: t.Callable[..., Job], simulator: Simulator) -> None:
    """Neither the list nor its rows flood the log."""
    simulator.state(accounts=[{"name": ACCOUNT, "devices": MANY, "subscription": {"license_count": MANY}}])
    pasted = "\n".join(imeis(MANY))
    assert len(pasted) < 500_000, "what the survey lets through"
    job = launch(license_devices=pasted, license_max_changes=MANY, license_mode="run")
    assert job.returncode == 0, job.stdout
    assert len(simulator.licensed()) == MANY
    said = job.messages(SAYS)[0]
    assert (len(said["devices"]), said["more"], said["summary"]) == (100, MANY - 100, {"assigned": MANY})
    assert job.event_bytes < 150_000
    assert len(json.dumps(job.artifacts)) < 500
