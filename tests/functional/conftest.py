# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the functional tests. Each test has a simulator, a runtime directory and a home of its own."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import Module, Playbook, Simulator

Start = t.Callable[..., Simulator]


@pytest.fixture
def start_simulator(tmp_path: Path) -> t.Iterator[Start]:
    """Start simulators with options of their own; they end with the test."""
    started: list[Simulator] = []

    def start(*arguments: str) -> Simulator:
        folder = tmp_path / f"simulator{len(started)}"
        folder.mkdir()
        started.append(Simulator(folder, *arguments))
        return started[-1]

    yield start
    logs = []
    for simulator in started:
        logs.append(simulator.log())
        simulator.stop()
    assert "Traceback" not in "".join(logs), logs


@pytest.fixture
def simulator(start_simulator: Start) -> Simulator:
    """An account with 60 devices and 60 licenses, none of them assigned."""
    return start_simulator("--devices", "60")


@pytest.fixture
def heard(simulator: Simulator) -> None:
    """Somebody is registered who hears what becomes of SIM-Secure requests; the journal learns nothing by that."""
    simulator.listen()


@pytest.fixture
def module(tmp_path: Path, simulator: Simulator) -> t.Iterator[Module]:
    """Runs modules against C(simulator)."""
    modules = Module(tmp_path, simulator)
    yield modules
    modules.close()


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    """Runs ansible-playbook."""
    return Playbook(tmp_path)
