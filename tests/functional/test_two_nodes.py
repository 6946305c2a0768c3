# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two nodes that share nothing but the journal and the repository: each continues what the other one began."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.fleets import Fleet, Ran, imeis, licensed, named, seeded
from ansible_collections.thingspace.licensing.tests.support.harness import Simulator


@pytest.fixture
def nodes(tmp_path: Path, simulator: Simulator) -> tuple[Fleet, Fleet]:
    """Two machines, each with a home, directories, and shared state of its own."""
    simulator.state(accounts=seeded(2))
    made = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        fleet = Fleet(tmp_path / name, simulator)
        fleet.environment["ANSIBLE_PIPELINING"] = "1"
        made.append(fleet)
    first, second = made
    return first, second


def forget(node: Fleet) -> None:
    """A container ends, and what it wrote with it."""
    for name in ("plan", "apply", "check", "undo", "again"):
        shutil.rmtree(node.folder / name, ignore_errors=True)
        assert not (node.folder / name).exists()


def run_of(ran: Ran) -> str:
    return str(ran.record["run"])


def test_a_run_on_one_node_is_undone_on_another(
    nodes: tuple[Fleet, Fleet], simulator: Simulator, tmp_path: Path
) -> None:
    """By its name, or as the latest one, with no files; the undo is no run that "latest" would mean."""
    first, second = nodes
    journal = {"fleet_journal": str(tmp_path / "journal.db")}
    for node in nodes:
        node.write(1, {"ids": imeis(1, 13), "fota": True})
        node.write(2, {"ids": imeis(2, 12), "fota": True})
    before = [licensed(simulator, number) for number in (1, 2)]
    # A plan creates no journal; it keeps the plan in one that exists.
    planned = second.plan(**journal)
    assert not Path(journal["fleet_journal"]).exists()
    applied = first.apply(approved=planned.plan["digest"], **journal)
    assert applied.returncode == 0, applied.text
    after = [licensed(simulator, number) for number in (1, 2)]
    assert after != before
    name = run_of(applied)
    forget(first)
    simulator.forget_requests()
    missing = second("undo", "check", "--check", run=f"{name}x", **journal)
    assert missing.returncode != 0
    assert f"{name} (apply, done, {named(1)}, {named(2)})" in missing.text.replace("\n", " ")
    foreseen = second("undo", "check", "--check", run="latest", **journal)
    assert foreseen.returncode == 0, foreseen.text
    assert f"-e run={name}" in foreseen.text
    assert simulator.writes() == []
    digest = foreseen.text.partition("Digest: ")[2][:64]
    forget(second)
    # Approved on one node and carried out on the other, by the digest alone.
    undone = first("undo", "undo", run="latest", approved=digest, **journal)
    assert undone.returncode == 0, undone.text
    assert [licensed(simulator, number) for number in (1, 2)] == before
    simulator.forget_requests()
    # Of a host, it is the latest run of its account.
    host = {"hosts": {"second": {"fleet_licensing_account": named(2)}}}
    (second.folder / "hosts.json").write_text(json.dumps({"thingspace_accounts": host}), encoding="utf-8")
    unapproved = ("-i", "hosts.json", "-e", "fleet_require_approval=false")
    again = second("undo", "again", *unapproved, run="latest", **journal)
    assert again.returncode == 0, again.text
    assert run_of(undone) in (again.dest / "undo.md").read_text(encoding="utf-8")
    assert simulator.writes() == []
    assert [licensed(simulator, number) for number in (1, 2)] == before
