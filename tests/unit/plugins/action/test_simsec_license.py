# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of simsec_license: the module's result as it is, and lines about the progress beside it."""

from __future__ import annotations

import contextlib
import threading
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._confirmation import Confirmation
from ansible_collections.thingspace.licensing.plugins.module_utils._journal import open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal_rows import Scope
from ansible_collections.thingspace.licensing.tests.unit.plugins.controller import import_plugin
from ansible_collections.thingspace.licensing.tests.unit.plugins.fakes import ACCOUNT, imei, imeis

simsec_license = import_plugin("action.simsec_license")
SCOPE = Scope(ACCOUNT, "SIMSec-IoT", "imei")
RESULT = {"changed": True, "summary": {"accepted": 4}, "devices": [], "failed": False}


class Stage:
    """What surrounds the action: a module that goes on until C(looks) looks into the journal are over."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
        self.path = path
        self.shown: list[str] = []
        self.looks = 0
        self.patience = 0.5
        self.steps: list[t.Callable[[], None]] = []
        self.async_wraps: list[bool] = []
        self.threads = threading.active_count()
        self.looked = threading.Event()
        self.task = types.SimpleNamespace(
            args={"account": ACCOUNT, "sku": SCOPE.sku, "journal": str(path), "wait": True},
            check_mode=False,
            async_val=0,
            action="thingspace.licensing.simsec_license",
            diff=False,
        )
        self.connection = types.SimpleNamespace(transport="local", has_native_async=False)
        monkeypatch.delenv("THINGSPACE_JOURNAL", raising=False)
        monkeypatch.setattr(simsec_license, "FIRST", 0.001)
        monkeypatch.setattr(simsec_license, "LONGEST", 0.001)
        monkeypatch.setattr(simsec_license, "display", types.SimpleNamespace(display=self.shown.append))
        real = simsec_license._line

        def line(*args: t.Any) -> str:
            self.looks += 1
            try:
                return str(real(*args))
            finally:
                self.looked.set()

        monkeypatch.setattr(simsec_license, "_line", line)

    def execute_module(self, *, task_vars: dict[str, t.Any], wrap_async: bool) -> dict[str, t.Any]:
        """Play the module: each step, and then two looks at what it did."""
        assert task_vars["inventory_hostname"] == "north"
        self.async_wraps.append(wrap_async)
        for step in self.steps:
            step()
            for _look in range(2):
                self.looked.clear()
                self.looked.wait(self.patience)
        return dict(RESULT)

    def run(self) -> dict[str, t.Any]:
        """Run the action."""
        action = simsec_license.ActionModule.__new__(simsec_license.ActionModule)
        action._task = t.cast(t.Any, self.task)
        action._connection = t.cast(t.Any, self.connection)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(simsec_license.ActionBase, "run", lambda *_args: {"inherited": True})
            patch.setattr(
                simsec_license.ActionModule, "_execute_module", lambda _self, **options: self.execute_module(**options)
            )
            result: dict[str, t.Any] = action.run(task_vars={"inventory_hostname": "north"})
        assert threading.active_count() == self.threads, "nothing goes on afterwards"
        assert result == {**RESULT, "inherited": True}
        return result

    @contextlib.contextmanager
    def journal(self) -> t.Iterator[t.Any]:
        """The journal as the module or the receiver opens it."""
        opened = open_journal(str(self.path), write=True)
        yield opened
        opened.close()

    def send(self) -> None:
        """Four devices are accepted."""
        with self.journal() as opened:
            run = opened.begin_run(SCOPE, "assign", 0)
            opened.accepted(opened.intend(run, SCOPE, "assign", imeis(4), "1-234"), "r1")

    def confirm(self, number: int, status: t.Literal["success", "failed"] = "success") -> None:
        """A device is reported on."""
        with self.journal() as opened:
            opened.confirm([Confirmation("r1", (("imei", imei(number)),), status, "")])


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stage:
    stage = Stage(monkeypatch, tmp_path / "j.db")
    stage.send()
    return stage


def nothing() -> None:
    """A while in which nothing happens."""


def test_a_line_for_every_change(stage: Stage) -> None:
    stage.steps = [
        nothing,
        stage.send,
        nothing,
        lambda: stage.confirm(0),
        nothing,
        lambda: stage.confirm(1, "failed"),
        nothing,
    ]
    # The repetition of the request is the one that is reported on: the last of that id.
    stage.run()
    assert [line.rsplit(" (", 1)[0] for line in stage.shown] == [
        "[north] SIMSec-IoT: 4 devices that were sent earlier are not confirmed yet",
        "[north] SIMSec-IoT: 0 of 4 devices confirmed, 4 pending",
        "[north] SIMSec-IoT: 1 of 4 devices confirmed, 3 pending",
        "[north] SIMSec-IoT: 1 of 4 devices confirmed, 1 failed, 2 pending",
    ]


def test_a_task_that_only_waits_for_an_earlier_one(stage: Stage) -> None:
    stage.steps = [nothing, nothing]
    stage.run()
    assert stage.looks > 0
    assert [line.rsplit(" (", 1)[0] for line in stage.shown] == [
        "[north] SIMSec-IoT: 4 devices that were sent earlier are not confirmed yet"
    ]


@pytest.mark.parametrize(
    ("args", "task", "connection"),
    [
        ({"wait": False}, {}, {}),
        ({"wait": "no"}, {}, {}),
        ({"wait": "perhaps"}, {}, {}),
        ({"wait": []}, {}, {}),
        ({"journal": None}, {}, {}),
        ({"journal": 7}, {}, {}),
        ({}, {"check_mode": True}, {}),
        ({}, {"async_val": 60}, {}),
        ({}, {}, {"transport": "ssh"}),
    ],
)
def test_when_nothing_is_looked_at(
    stage: Stage, args: dict[str, t.Any], task: dict[str, t.Any], connection: dict[str, t.Any]
) -> None:
    stage.task.args.update(args)
    stage.task.__dict__.update(task)
    stage.connection.__dict__.update(connection)
    stage.patience, stage.steps = 0.02, [nothing]
    stage.run()
    assert (stage.looks, stage.shown) == (0, [])
    assert stage.async_wraps == [bool(stage.task.async_val)]


def test_the_journal_of_the_environment(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THINGSPACE_JOURNAL", str(stage.path))
    del stage.task.args["journal"]
    stage.steps = [stage.send]
    stage.run()
    assert "0 of 4 devices confirmed" in stage.shown[-1]


@pytest.mark.parametrize("content", [None, b"no journal at all" * 1000])
def test_a_journal_that_cannot_be_read_shows_nothing(stage: Stage, content: bytes | None) -> None:
    stage.path.unlink()
    if content is not None:
        stage.path.write_bytes(content)
    stage.steps = [nothing, nothing]
    stage.run()
    assert stage.looks > 0
    assert stage.shown == []
    assert stage.path.exists() is (content is not None)


def test_a_module_that_fails_ends_the_watching(stage: Stage) -> None:
    def broken() -> None:
        raise ConnectionError("gone")

    stage.steps = [broken]
    with pytest.raises(ConnectionError):
        stage.run()
    assert threading.active_count() == stage.threads
