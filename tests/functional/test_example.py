# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example repository does what it says: its pipelines are run as they stand, with the collection from a tarball."""

from __future__ import annotations

import json
import shlex
import typing as t
from pathlib import Path

import jsonschema
import pytest
import yaml

from ansible_collections.thingspace.licensing.tests.support.harness import (
    Receiver,
    Simulator,
    imeis,
    plain_environment,
)
from ansible_collections.thingspace.licensing.tests.support.installed import build, install
from ansible_collections.thingspace.licensing.tests.support.pipelines import EXAMPLE, GitHub, GitLab, Machine
from ansible_collections.thingspace.licensing.tests.support.simulated import CHECKOUT

CREDENTIALS = ("CLIENT_ID", "CLIENT_SECRET", "USERNAME", "PASSWORD")
SECRETS = {f"{prefix}_{name}": "not-secret" for prefix in ("THINGSPACE", "LEASING") for name in CREDENTIALS}
LIFETIME, FLEX = "SIMSec-IoT-Lt", "SIMSec-IoT"
METERS, KIOSKS = imeis(10, 20), imeis(20, 24)
SECOND, THIRD = ([str(int(device) + offset) for device in imeis(40)] for offset in (100_000_000, 200_000_000))
ACTIONS = {"actions/checkout@v5", "actions/setup-python@v6", "actions/upload-artifact@v4"}


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the collection of the tarball is installed."""
    folder = tmp_path_factory.mktemp("tarball")
    return install(build(folder), folder / "collections").parents[5]


@pytest.fixture
def simulator(start_simulator: t.Callable[..., Simulator]) -> Simulator:
    """It holds what the example says, and lasts as long as several jobs in a row on a busy machine."""
    return start_simulator("--seed-file", str(EXAMPLE / "simulator.json"), "--max-seconds", "900")


@pytest.fixture
def machine(tmp_path: Path, collections: Path, simulator: Simulator) -> t.Iterator[Machine]:
    """A runner whose ThingSpace is the simulator, with the receiver beside it."""
    simulator.quirks(simsec_delay=0.05)
    state = tmp_path / "the state"
    state.mkdir()
    environment = plain_environment(
        tmp_path / "home",
        LICENSING_STATE=str(state),
        THINGSPACE_BASE_URL=simulator.base_url,
        THINGSPACE_RUNTIME_DIR=str(tmp_path / "runtime"),
        ANSIBLE_LOCAL_TEMP=str(tmp_path / "local"),
        ANSIBLE_REMOTE_TEMP=str(tmp_path / "remote"),
    )
    kept = {
        name: value for name, value in environment.items() if name not in ("ANSIBLE_COLLECTIONS_PATH", "PYTHONPATH")
    }
    receiver = Receiver(tmp_path, state / "journal.db", simulator, account="0000123456-00002")
    yield Machine(tmp_path, collections, kept)
    receiver.stop()


def assert_as_wanted(simulator: Simulator) -> None:
    """All three accounts hold what the fleet files say."""
    held = [{one["device_id"] for one in account["licenses"]} for account in simulator.state()["accounts"]]
    assert held == [{*imeis(1, 3), *METERS, *KIOSKS}, {SECOND[0], SECOND[2], SECOND[30]}, set(THIRD[:3])]
    assert simulator.state()["accounts"][0]["candidates"] == KIOSKS
    assert simulator.holders(LIFETIME, 1) == {SECOND[0], SECOND[2]}
    assert simulator.holders(FLEX, 1) == set(SECOND[10:13])


def merge(machine: Machine, head: str) -> None:
    """Let GitHub say that this was the last commit of the pull request that was merged."""
    (machine.folder / "head").write_text(head, encoding="utf-8")


def edit(machine: Machine, number: int, old: str, new: str) -> None:
    """Change the fleet file of an account."""
    path = machine.repository / "fleet" / f"0000123456-{number:05}.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_github_from_a_pull_request_to_drift(machine: Machine, simulator: Simulator) -> None:
    github = GitHub(machine, SECRETS)
    head = "a" * 40
    jobs = github("pull_request", "refs/pull/7/merge", head)
    assert {name: job.code for name, job in jobs.items()} == {"plan": 0}, jobs
    assert simulator.writes() == []
    comment = (machine.folder / "comment.md").read_text(encoding="utf-8")
    kept = machine.artifacts / f"pull_request-{head}"
    plan = json.loads((kept / "plan.json").read_text(encoding="utf-8"))
    assert plan["totals"] == {"assign": 14 + 2 + 5 - 5 + 3, "remove": 1, "add": 4, "move": 0}, plan["totals"]
    assert plan["digest"] in comment
    assert comment == machine.summary.read_text(encoding="utf-8")
    assert "these licenses can never be removed" in comment
    assert sorted(path.name for path in kept.iterdir()) == ["plan.html", "plan.json", "plan.md"]
    merge(machine, head)
    jobs = github("push")
    assert {name: job.code for name, job in jobs.items()} == {"apply": 0}, jobs
    assert_as_wanted(simulator)
    assert (machine.artifacts / "apply").is_dir()
    simulator.forget_requests()
    jobs = github("schedule")
    assert {name: job.code for name, job in jobs.items()} == {"drift": 0}, jobs
    edit(machine, 1, ', "990000000000002"', "")
    drifted = github("schedule")
    assert {name: job.code for name, job in drifted.items()} == {"drift": 2}, drifted
    assert "1 to remove" in machine.summary.read_text(encoding="utf-8")
    assert simulator.writes() == []
    assert github.used == ACTIONS
    assert machine.calls("pip") == [["install", "--requirement", "requirements.txt"]] * 4
    assert [call[:2] for call in machine.calls("ansible-galaxy")] == [["collection", "install"]] * 4


def test_github_when_the_approved_plan_cannot_be_applied(machine: Machine, simulator: Simulator) -> None:
    """Nothing is written without one that fits."""
    github = GitHub(machine, SECRETS)
    head = "b" * 40
    assert github("pull_request", "refs/pull/8/merge", head)["plan"].code == 0
    merge(machine, "null")
    assert github("push")["apply"].code != 0, "a push without a pull request"
    merge(machine, head)
    edit(machine, 3, '      - "990000200000002"\n', "")
    assert github("push")["apply"].code == 3
    assert simulator.writes() == []


def test_github_with_a_new_plan_of_main(machine: Machine, simulator: Simulator) -> None:
    """It is approved by its digest, on main alone."""
    github = GitHub(machine, SECRETS)
    assert github("workflow_dispatch", "refs/heads/other", approved="c" * 64) == {}
    planned = github("workflow_dispatch")
    assert {name: job.code for name, job in planned.items()} == {"plan": 0}, planned
    plan = json.loads((machine.artifacts / f"workflow_dispatch-{'f' * 40}" / "plan.json").read_text(encoding="utf-8"))
    assert simulator.writes() == []
    applied = github("workflow_dispatch", approved=plan["digest"])
    assert {name: job.code for name, job in applied.items()} == {"apply": 0}, applied
    assert_as_wanted(simulator)


def test_github_when_a_limit_stops_the_plan(machine: Machine, simulator: Simulator) -> None:
    """The job fails, and those who approve see why."""
    edit(machine, 1, "max_removals: 5", "max_removals: 0")
    jobs = GitHub(machine, SECRETS)("pull_request", "refs/pull/9/merge", "d" * 40)
    assert jobs["plan"].code == 3, jobs
    assert "Stopped by a limit" in (machine.folder / "comment.md").read_text(encoding="utf-8")
    assert "0000123456-00001" in machine.summary.read_text(encoding="utf-8")


def test_gitlab_from_a_merge_request_to_drift(machine: Machine, simulator: Simulator) -> None:
    gitlab = GitLab(machine, SECRETS)
    jobs, manual = gitlab("merge_request_event", "change")
    assert ({name: job.code for name, job in jobs.items()}, manual) == ({"plan": 0}, []), jobs
    assert "# License plan: Changes" in jobs["plan"].output
    assert simulator.writes() == []
    jobs, manual = gitlab("push")
    assert ({name: job.code for name, job in jobs.items()}, manual) == ({"plan": 0, "apply": 0}, ["apply"]), jobs
    assert_as_wanted(simulator)
    assert gitlab("push", "change") == ({}, [])
    edit(machine, 1, ', "990000000000002"', "")
    jobs, manual = gitlab("schedule")
    assert ({name: job.code for name, job in jobs.items()}, manual) == ({"drift": 2}, []), jobs
    assert "**1 to remove** in 1 of 3 accounts." in jobs["drift"].output


def test_checks_before_a_commit(machine: Machine, collections: Path, simulator: Simulator) -> None:
    """Without credentials; the schema that editors take is the one of the collection."""
    text = (EXAMPLE / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    hook = yaml.safe_load(text)["repos"][0]["hooks"][0]["entry"]
    where = machine.checkout()
    (where / "collections").symlink_to(collections)
    assert machine.shell(hook, where, {}).returncode == 0
    files = sorted((where / "fleet").glob("*.yml"))
    assert len(files) == 3
    for path in files:
        told = path.read_text(encoding="utf-8")
        line = next(line for line in told.splitlines() if "yaml-language-server" in line)
        schema = json.loads((path.parent / line.partition("$schema=")[2]).read_text(encoding="utf-8"))
        jsonschema.validate(yaml.safe_load(told), schema)
        path.write_text(told.replace("fota: true", "fota: maybe"), encoding="utf-8")
    refused = machine.shell(hook, where, {})
    assert refused.returncode != 0
    assert all(str(path.relative_to(where)) in refused.stdout for path in files), refused.stdout
    assert shlex.split(hook)[0] == "ansible"
    assert simulator.requests() == []


def first_block(readme: str, section: str) -> list[str]:
    """The lines of the first commands in a section."""
    block = readme.partition(section)[2].partition("```console\n")[2].partition("```")[0]
    return [line.strip() for line in block.strip().splitlines()]


def test_the_start_that_its_readme_describes(machine: Machine, simulator: Simulator) -> None:
    """Existing accounts become the repository, and the first plan is empty."""
    readme = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    # The virtual environment is the test's, and so is pip in it.
    installing = [line.replace("python -m pip", "pip") for line in first_block(readme, "## Try it")[1:]]
    lines = first_block(readme, "## Start")
    # The credentials come from the test, and the simulator's receiver has made the state already.
    commands = [*installing, *(line for line in lines if not line.startswith("export "))]
    assert (len(lines), len(commands)) == (4, 4)
    for path in sorted((machine.repository / "fleet").rglob("*.*")):
        path.unlink()
    where = machine.checkout()
    done = machine.shell("\n".join(commands), where, SECRETS, "-e")
    assert done.returncode == 0, done.stdout
    assert json.loads((where / "plan" / "plan.json").read_text(encoding="utf-8"))["status"] == "no_change"
    assert len(list((where / "fleet").glob("*.yml"))) == 3
    assert simulator.writes() == []


def test_everything_is_in_the_tarball(collections: Path) -> None:
    shipped = collections / "ansible_collections" / "thingspace" / "licensing" / "docs" / "example"
    names = {path.relative_to(EXAMPLE) for path in EXAMPLE.rglob("*") if path.is_file()}
    assert {path.relative_to(shipped) for path in shipped.rglob("*") if path.is_file()} == names
    assert Path(".github/workflows/licensing.yml") in names


def test_the_collection_is_pinned_to_a_release_that_has_all_this() -> None:
    """And is not older than the release that it ships with."""
    wanted = yaml.safe_load((EXAMPLE / "requirements.yml").read_text(encoding="utf-8"))["collections"]
    galaxy = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text(encoding="utf-8"))
    assert [entry["name"] for entry in wanted] == [f"{galaxy['namespace']}.{galaxy['name']}"]
    pinned, ours = ([int(part) for part in version.split(".")] for version in (wanted[0]["version"], galaxy["version"]))
    assert pinned >= max(ours, [0, 4, 0])
    environment = CHECKOUT / "extensions" / "aap" / "execution_environment" / "requirements.yml"
    (other,) = yaml.safe_load(environment.read_text(encoding="utf-8"))["collections"]
    assert other["version"] == f">={wanted[0]['version']}", "both say the same"
