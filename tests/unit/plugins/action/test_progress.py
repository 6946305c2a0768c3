# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The actions: the module's result as it is, with a file to watch where that makes sense."""

from __future__ import annotations

import importlib
import os
import re
import threading
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.controller import PLUGINS, import_plugin

_progress = import_plugin("plugin_utils._progress")
PLUGIN_DIRECTORY = Path(__file__).resolve().parents[4] / "plugins"
RESULT = {"changed": True, "devices": [], "failed": False}
NAMES = sorted(path.stem for path in (PLUGIN_DIRECTORY / "action").glob("*.py") if "_progress" in path.read_text())


class Stage:
    """What surrounds an action: the task, the connection, and a module that tells of its options."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.folder = folder
        self.given: dict[str, t.Any] = {}
        self.async_wrap = False
        self.error: Exception | None = None
        self.task = types.SimpleNamespace(
            args={"account": "a"}, check_mode=False, async_val=0, no_log=False, environment=[{"LANG": "C"}]
        )
        self.environment: list[dict[str, str]] = []
        self.connection = types.SimpleNamespace(transport="local", has_native_async=False)
        self.threads = threading.active_count()
        monkeypatch.delenv(_progress.INTERVAL, raising=False)
        monkeypatch.setattr(_progress.constants, "DEFAULT_LOCAL_TMP", str(folder))

    def execute_module(
        self, *, module_args: dict[str, t.Any], task_vars: dict[str, t.Any], wrap_async: bool
    ) -> dict[str, t.Any]:
        """Play the module."""
        assert task_vars == {"inventory_hostname": "north"}
        self.given, self.async_wrap = module_args, wrap_async
        self.environment = self.task.environment
        if "progress_file" in module_args:
            Path(module_args["progress_file"]).write_text('{"text": "on my way"}', encoding="utf-8")
        if self.error is not None:
            raise self.error
        return dict(RESULT)

    def run(self, name: str = "fota_license") -> None:
        """Run an action."""
        found = import_plugin(f"action.{name}").ActionModule
        action = found.__new__(found)
        action._task, action._connection = self.task, self.connection
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_progress.ActionBase, "run", lambda *_args: {"inherited": True})
            patch.setattr(found, "_fork_for", lambda *_args: None)
            patch.setattr(found, "_execute_module", lambda _self, **options: self.execute_module(**options))
            assert action.run(task_vars={"inventory_hostname": "north"}) == {**RESULT, "inherited": True}


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stage:
    return Stage(monkeypatch, tmp_path)


def test_there_is_an_action_for_each_module_with_the_option() -> None:
    """By its documentation, which the sanity tests hold against the options."""
    documented = re.compile(r"^  - thingspace\.licensing\._progress$", re.MULTILINE)
    modules = (PLUGIN_DIRECTORY / "modules").glob("*.py")
    telling = [path.stem for path in modules if documented.search(path.read_text(encoding="utf-8"))]
    assert sorted(telling) == NAMES
    assert importlib.import_module(PLUGINS + "module_utils._options").PROGRESS_SPEC.keys() == {"progress_file"}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_gone_afterwards(stage: Stage, name: str) -> None:
    stage.run(name)
    assert stage.given["account"] == "a"
    assert Path(stage.given["progress_file"]).is_relative_to(stage.folder)
    assert list(stage.folder.iterdir()) == []
    assert stage.task.args == {"account": "a"}
    assert threading.active_count() == stage.threads, "nothing goes on afterward"


def test_a_file_that_the_user_named_stays(stage: Stage) -> None:
    path = stage.folder / "mine.json"
    stage.task.args["progress_file"] = str(path)
    stage.run()
    assert stage.given == {"account": "a", "progress_file": str(path)}
    assert [entry.name for entry in stage.folder.iterdir()] == ["mine.json"]


@pytest.mark.parametrize(
    ("task", "connection", "interval"),
    [
        ({"async_val": 60}, {}, None),
        ({"no_log": True}, {}, None),
        ({}, {"transport": "ssh"}, None),
        ({}, {}, "0"),
    ],
)
def test_when_nothing_is_watched(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    task: dict[str, t.Any],
    connection: dict[str, t.Any],
    interval: str | None,
) -> None:
    stage.task.__dict__.update(task)
    stage.connection.__dict__.update(connection)
    if interval is not None:
        monkeypatch.setenv(_progress.INTERVAL, interval)
    stage.run()
    assert stage.given == {"account": "a"}
    assert stage.async_wrap is bool(stage.task.async_val)


def test_without_a_place_for_a_file_the_module_runs_all_the_same(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_progress.constants, "DEFAULT_LOCAL_TMP", str(stage.folder / "missing"))
    stage.run()
    assert stage.given == {"account": "a"}


def test_a_module_that_fails_ends_the_watching(stage: Stage) -> None:
    stage.error = ConnectionError("gone")
    with pytest.raises(ConnectionError):
        stage.run()
    assert threading.active_count() == stage.threads
    assert list(stage.folder.iterdir()) == []


@pytest.mark.parametrize("given", [None, [], {}, {"LANG": "C"}, [{"LANG": "C"}]])
def test_a_module_is_told_of_its_controller(stage: Stage, given: t.Any) -> None:
    """Beside what the task gives it; without ansible-playbook it writes nothing more."""
    stage.task.environment = given
    for _item in range(2):
        stage.run()
        before = given if isinstance(given, list) else [given] if given else []
        assert stage.environment == [*before, {"THINGSPACE_LICENSING_CONTROLLER": str(os.getpid())}]
        assert stage.task.environment == given


@pytest.mark.parametrize(("task", "connection"), [({"async_val": 60}, {}), ({}, {"transport": "ssh"})])
def test_a_module_elsewhere_or_on_its_own_has_no_controller(
    stage: Stage, task: dict[str, t.Any], connection: dict[str, t.Any]
) -> None:
    vars(stage.task).update(task)
    vars(stage.connection).update(connection)
    stage.run()
    assert stage.environment == [{"LANG": "C"}]
