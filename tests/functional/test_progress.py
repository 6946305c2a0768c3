# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a task is: what ansible-playbook shows meanwhile, what AWX sees of it, and what is left behind."""

from __future__ import annotations

import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.functional.conftest import Start
from ansible_collections.thingspace.licensing.tests.support.harness import (
    ACCOUNT,
    Json,
    Module,
    Playbook,
    Receiver,
    Simulator,
    imeis,
    plain_environment,
)

SOON = {"THINGSPACE_PROGRESS_INTERVAL": "0.005"}
LINE = re.compile(r"^\[(\S+)\] (.*) \(\d+ s\)$", re.M)
PATIENCE = 60
SKU = "SIMSec-IoT"


@pytest.fixture
def simulator(start_simulator: Start) -> Simulator:
    """An account with 3,000 devices, 1,000 of them licensed, and no haste."""
    return start_simulator("--devices", "3000", "--licensed", "1000", "--licenses", "4000", "--latency", "0.1")


def play(simulator: Simulator, *tasks: Json, **more: t.Any) -> list[Json]:
    """A play whose connection options stand in the action group."""
    group = {
        "base_url": simulator.base_url,
        **dict.fromkeys(("client_id", "client_secret", "username", "password"), "not-secret"),
        "max_concurrency": 1,
    }
    defaults = {"group/thingspace.licensing.all": group}
    return [{"hosts": "estate", "gather_facts": False, "module_defaults": defaults, "tasks": list(tasks), **more}]


def task(module: str, *, keywords: Json | None = None, **options: t.Any) -> Json:
    """A task of a play."""
    return {f"thingspace.licensing.{module}": {"account": ACCOUNT, **options}, **(keywords or {})}


def apply(folder: Path, devices: list[str], *, keywords: Json | None = None, **options: t.Any) -> Json:
    """A task that licenses devices from a file, 250 at a time."""
    path = folder / "devices.csv"
    path.write_text("\n".join(devices) + "\n", encoding="utf-8")
    given = {"devices_file": str(path), "batch_size": 250, "report": "none", **options}
    return task("fota_license", keywords=keywords, **given)


def lines(process: subprocess.CompletedProcess[str], host: str = "localhost") -> list[str]:
    """What was shown of a host's progress, without its time."""
    assert "Traceback" not in process.stdout + process.stderr, process.stderr
    assert not LINE.search(process.stdout), "programs may read the standard output"
    return [text for name, text in LINE.findall(process.stderr) if name == host]


def numbers(found: list[str], what: str) -> list[int]:
    """The first number of the lines about one step."""
    return [int(line.split(": ")[1].split()[0].replace(",", "")) for line in found if what in line]


def test_reading_and_sending(simulator: Simulator, playbook: Playbook) -> None:
    """Three thousand devices in nine batches, four of them unknown to ThingSpace."""
    devices = [*imeis(3000), *imeis(900_000, 900_004)]
    ran = playbook(
        play(simulator, apply(playbook.folder, devices, state="exact", foreseen_refusals="ignore")), env=SOON
    )
    assert ran.returncode == 2
    assert "4 of 3,004 devices" in ran.stdout
    found = lines(ran)
    sent = numbers(found, "of 2,004 assignments sent")
    assert 2 <= len(sent) <= 10, "only what has changed"
    assert sent == sorted(set(sent))
    assert found[-1] == "FOTA: 2,004 of 2,004 assignments sent, 4 failed"


def test_check_mode_shows_the_reading(simulator: Simulator, playbook: Playbook) -> None:
    simulator.quirks(page_size=100)
    ran = playbook(play(simulator, apply(playbook.folder, imeis(1000), lookup="list")), "--check", env=SOON)
    assert ran.returncode == 0, ran.stdout
    found = lines(ran)
    assert 2 <= len(found) <= 11
    assert found[-1] == "FOTA: 1,000 of 1,000 licensed devices read"
    assert simulator.writes() == []


def test_a_short_task_shows_nothing(simulator: Simulator, playbook: Playbook) -> None:
    seconds = {"THINGSPACE_PROGRESS_INTERVAL": str(PATIENCE)}
    ran = playbook(play(simulator, apply(playbook.folder, imeis(3000))), env=seconds)
    assert ran.returncode == 0, ran.stdout
    assert simulator.count("fota_assign") == 8
    assert lines(ran) == []


@pytest.mark.parametrize(
    ("keywords", "env"),
    [
        ({"no_log": True}, SOON),
        ({"async": 30, "poll": 1}, SOON),
        ({}, {"THINGSPACE_PROGRESS_INTERVAL": "0"}),
    ],
)
def test_tasks_of_which_nothing_is_shown(
    simulator: Simulator, playbook: Playbook, keywords: Json, env: dict[str, str]
) -> None:
    if "async" in keywords and " " in sys.executable:
        pytest.skip("ansible-core runs no asynchronous task by a Python whose path has a space")
    env = {**env, "ANSIBLE_ASYNC_DIR": str(playbook.folder / "jobs")}
    ran = playbook(play(simulator, apply(playbook.folder, imeis(3000), keywords=keywords)), env=env)
    assert ran.returncode == 0, ran.stdout
    assert "changed=1" in ran.stdout
    assert len(simulator.licensed()) == 3000
    assert lines(ran) == []


def test_every_item_of_a_loop(simulator: Simulator, playbook: Playbook) -> None:
    keywords = {"loop": ["present", "absent"]}
    both = apply(playbook.folder, imeis(3000), state="{{ item }}", keywords=keywords)
    ran = playbook(play(simulator, both), env=SOON)
    assert ran.returncode == 0, ran.stdout
    found = lines(ran)
    assert "FOTA: 2,000 of 2,000 assignments sent" in found
    assert found[-1] == "FOTA: 3,000 of 3,000 removals sent"


def test_two_forks_do_not_mix(simulator: Simulator, playbook: Playbook) -> None:
    names = {"account0": "0000123456-00001", "account1": "0000123456-00002"}
    simulator.state(accounts=[{"name": name, "devices": 2000, "licenses": 0} for name in names.values()])
    state = simulator.state()["accounts"]
    counts = {"account0": 2000, "account1": 1500}
    options = {
        host: [device["imei"] for device in account["devices"][: counts[host]]]
        for host, account in zip(names, state, strict=True)
    }
    for host, devices in options.items():
        (playbook.folder / f"{host}.csv").write_text("\n".join(devices) + "\n", encoding="utf-8")
    path = f"{playbook.folder}/{{{{ inventory_hostname }}}}.csv"
    one = task("fota_license", devices_file=path, batch_size=250, report="none")
    one["thingspace.licensing.fota_license"]["account"] = "{{ names[inventory_hostname] }}"
    ran = playbook(play(simulator, one, vars={"names": names}), env=SOON, hosts=2)
    assert ran.returncode == 0, ran.stdout
    for host, count in counts.items():
        found = lines(ran, host)
        assert len(found) >= 2
        assert found[-1] == f"FOTA: {count:,} of {count:,} assignments sent"
        assert len(numbers(found, f"of {count:,} assignments sent")) == len([line for line in found if "sent" in line])


@pytest.mark.parametrize(
    ("modules", "subjects"),
    [
        (("fota_license_info", "device_info"), ["FOTA", "Device list"]),
        (("swm_removal_candidates_info", "fleet_files"), ["FOTA", "Device list"]),
        (("fleet_export",), ["FOTA"]),
        (("fleet_account",), ["Device list", "FOTA"]),
        (("fleet_account_info",), ["Device list", "FOTA"]),
    ],
)
def test_modules_that_read(
    simulator: Simulator, playbook: Playbook, modules: tuple[str, ...], subjects: list[str]
) -> None:
    simulator.quirks(page_size=100)
    everything = {"name": "all", "select": {"state": "active"}, "fota": True}
    fleet = playbook.folder / "fleet.yml"
    fleet.write_text(json.dumps({"account": ACCOUNT, "devices": [everything]}), encoding="utf-8")
    (playbook.folder / "exported").mkdir()
    tasks = {
        "fota_license_info": task("fota_license_info", report="none"),
        "device_info": task("device_info", page_size=500, report="none"),
        "swm_removal_candidates_info": task("swm_removal_candidates_info", report="none", shrink_to=500),
        "fleet_files": {"thingspace.licensing.fleet_files": {"src": [str(fleet)]}},
        "fleet_export": task("fleet_export", dest=str(playbook.folder / "exported")),
        "fleet_account_info": task("fleet_account_info", dest=str(playbook.folder)),
        "fleet_account": task(
            "fleet_account", src=[str(fleet)], reports=str(playbook.folder), keywords={"check_mode": True}
        ),
    }
    ran = playbook(play(simulator, *(tasks[module] for module in modules)), env=SOON)
    assert ran.returncode == 0, ran.stdout
    found = [line for line in lines(ran) if not line.startswith("Removal candidates: 0 ")]
    told = [line.split(":")[0] for line in found]
    assert list(dict.fromkeys(told)) == subjects
    assert told.count("FOTA") >= 2
    if "Device list" in subjects:
        assert "FOTA: 1,000 of 1,000 licensed devices read" in found
        assert "Device list: 3,000 devices read" in found


def test_rewriting_the_removal_candidates(simulator: Simulator, playbook: Playbook) -> None:
    one = task("swm_removal_candidates", devices=imeis(0, 500), state="exact", batch_size=50, report="none")
    ran = playbook(play(simulator, one), env=SOON)
    assert ran.returncode == 0, ran.stdout
    found = lines(ran)
    assert len(numbers(found, "of 500 devices written")) >= 2
    assert found[-1] == "Removal candidates: 500 devices read", "the list is read again in the end"


def test_sending_sim_secure_and_waiting(simulator: Simulator, playbook: Playbook, tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    receiver = Receiver(tmp_path, journal, simulator)
    path = tmp_path / "sims.csv"
    path.write_text("\n".join(imeis(1000)) + "\n", encoding="utf-8")
    options: Json = {"devices_file": str(path), "batch_size": 100, "report": "none", "journal": str(journal)}
    try:
        ran = playbook(play(simulator, task("simsec_license", sku=SKU, wait=True, **options)), env=SOON)
    finally:
        receiver.stop()
    assert ran.returncode == 0, ran.stdout
    found = lines(ran)
    assert len(numbers(found, "of 1,000 assignments sent")) >= 2
    assert found[-1] == f"{SKU}: 1,000 of 1,000 devices confirmed"


def test_a_file_of_the_users_own(simulator: Simulator, module: Module) -> None:
    path = module.folder / "progress.json"
    path.write_text("of yesterday", encoding="utf-8")
    devices = [*imeis(2000), *imeis(900_000, 900_004)]
    outcome = module(devices=devices, batch_size=250, progress_file=str(path), foreseen_refusals="ignore")
    assert outcome.code == "devices_failed"
    state = json.loads(path.read_text(encoding="utf-8"))
    assert (state["done"], state["of"], state["failed"], state["ended"]) == (1004, 1004, 4, True)
    # Neither that it cannot be written nor that it is nonsense is a reason to fail.
    for nowhere in ("/proc/none/progress.json", str(module.folder)):
        assert module(devices=imeis(2000), progress_file=nowhere).code is None


def test_a_module_that_is_killed_leaves_nothing_behind(simulator: Simulator, playbook: Playbook) -> None:
    pid, wrapper = playbook.folder / "pid", playbook.folder / "python"
    wrapper.write_text(f'#!/bin/sh\necho $$ > "{pid}"\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    wrapper.chmod(0o700)
    simulator.faults({"operation": "fota_assign", "action": "stall", "seconds": PATIENCE, "after": 4})
    plays = play(simulator, apply(playbook.folder, imeis(3000)), vars={"ansible_python_interpreter": str(wrapper)})
    with concurrent.futures.ThreadPoolExecutor() as pool:
        running = pool.submit(playbook, plays, env=SOON)
        end = time.monotonic() + PATIENCE
        while not simulator.faults()[0]["fired"]:
            assert time.monotonic() < end
            assert not running.done(), running.result().stdout
            time.sleep(0.05)
        assert len(list(playbook.folder.rglob("progress.json"))) == 1
        os.kill(int(pid.read_text(encoding="ascii")), signal.SIGKILL)
        ran = running.result()
    simulator.clear_faults()
    assert ran.returncode == 2, ran.stdout
    assert lines(ran)[-1] == "FOTA: 1,000 of 2,000 assignments sent"
    assert list(playbook.folder.rglob("progress.json*")) == []


def test_what_awx_sees(simulator: Simulator, tmp_path: Path) -> None:
    """AWX runs jobs with ansible-runner and shows the text of its events."""
    project = tmp_path / "job" / "project"
    project.mkdir(parents=True)
    book = play(simulator, apply(tmp_path, imeis(3000)), hosts="localhost", connection="local")
    book[0]["vars"] = {"ansible_python_interpreter": sys.executable}
    (project / "apply.yml").write_text(json.dumps(book), encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    runner = subprocess.Popen(
        [sys.executable, "-m", "ansible_runner", "run", "-j", "-p", "apply.yml", str(project.parent)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env=plain_environment(tmp_path / "home", PATH=path, PYTHONUNBUFFERED="1", **SOON),
    )
    assert runner.stdout is not None
    # Warnings are text.
    said = (json.loads(line) for line in runner.stdout if line.startswith("{"))
    events: list[Json] = []
    sent: list[int] = []
    try:
        for event in said:
            events.append(event)
            if "assignments sent" in event["stdout"]:
                sent.append(simulator.count("fota_assign"))
    finally:
        runner.kill()
        runner.wait(10)
    kinds = [event["event"] for event in events]
    assert kinds[-2:] == ["runner_on_ok", "playbook_on_stats"], events[-1]
    told = [LINE.findall(event["stdout"]) for event in events if event["event"] == "verbose"]
    assert told[-1] == [("localhost", "FOTA: 2,000 of 2,000 assignments sent")]
    assert sent[0] < 8, "while the job was running"
    assert 2 <= len(told) <= 16, "one event a line"
