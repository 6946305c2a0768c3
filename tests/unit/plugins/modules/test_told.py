# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules that wait for a database that never answers. After a signal, they end within seconds and say why."""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import threading
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._journal import waiting
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT
from ansible_collections.thingspace.licensing.tests.support.module_runner import runner

MODULES = "ansible_collections.thingspace.licensing.plugins.modules."
DEVICES = {"account": ACCOUNT, "devices": ["990000000000000"]}
TASKS: dict[str, dict[str, t.Any]] = {
    "fota_license": DEVICES,
    "simsec_license": {**DEVICES, "sku": "SIMSec-IoT"},
    "simsec_license_info": {"account": ACCOUNT, "journal_only": True},
    "simsec_journal": {"prune_days": 5},
    "fleet_plan": {"accounts": [], "approved": "0" * 64},
    "fleet_run": {"state": "started", "plan": "plan.json", "accounts": [], "reports": "reports", "dest": "run"},
    "fleet_undo": {"run": "latest"},
    "fleet_report": {"accounts": [], "dest": "report"},
}


@pytest.fixture
def silent() -> t.Iterator[socket.socket]:
    """A server that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_a_signal_ends_the_wait(
    name: str,
    silent: socket.socket,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(waiting, "GRACE", 0.3)
    run = runner(importlib.import_module(MODULES + name).main, None, monkeypatch, capsys)
    taken: list[socket.socket] = []

    def end() -> None:
        taken.append(silent.accept()[0])
        # It waits for the answer to what it says first.
        assert taken[0].recv(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end, daemon=True).start()
    begun = time.monotonic()
    address = f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/d?connect_timeout=300"
    result = run(**TASKS[name], journal=address)
    assert time.monotonic() - begun < 60, result
    assert "did not answer within" in json.dumps(result), result
    assert not result["changed"] if name != "fleet_report" else "failure" not in result
    if name != "fleet_report":
        assert result["failure"]["code"] == "journal_unreachable"
    for one in taken:
        one.close()
