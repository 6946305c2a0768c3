# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module simsec_license over an account that lives in memory."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client import client, stop
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec import wait as simsec_wait
from ansible_collections.thingspace.licensing.plugins.modules import simsec_license
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, Clock
from ansible_collections.thingspace.licensing.tests.support.module_runner import Run, runner
from ansible_collections.thingspace.licensing.tests.support.simsec_space import FLEX, TOKENS, Space


@pytest.fixture
def space(monkeypatch: pytest.MonkeyPatch) -> Space:
    space = Space()
    monkeypatch.setattr(client, "Transport", space.play)
    monkeypatch.delenv("THINGSPACE_JOURNAL", raising=False)
    return space


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    (tmp_path / "journals").mkdir()
    return tmp_path / "journals" / "j.db"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Waiting takes no time."""
    clock = Clock()
    monkeypatch.setattr(stop.Stop, "sleep", lambda stop, seconds: clock.sleep(seconds))
    monkeypatch.setattr(simsec_wait.Waiting.__init__, "__defaults__", (clock.sleep, clock, None))
    return clock


@pytest.fixture
def always() -> dict[str, t.Any]:
    """Options of each run; a file of tests may have its own."""
    return {"sku": FLEX}


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    space: Space,
    journal: Path,
    clock: Clock,
    always: dict[str, t.Any],
) -> Run:
    assert (space.asked, clock.slept) == (0, [])
    defaults = {"account": ACCOUNT, "journal": str(journal), "retries": 0, "report": "all", **TOKENS, **always}
    return runner(simsec_license.main, None, monkeypatch, capsys, **defaults)
