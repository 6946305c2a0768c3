# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which modules run in a fork, and where; what a packed module is told and costs."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.controller import PLUGINS, import_plugin

_direct = import_plugin("plugin_utils._direct")
MODULES = sorted(path.stem for path in (Path(__file__).resolve().parents[4] / "plugins" / "modules").glob("[!_]*.py"))


@pytest.mark.parametrize("name", MODULES)
def test_each_module_has_an_action_that_runs_it(name: str) -> None:
    action = import_plugin(f"action.{name}").ActionModule
    assert issubclass(action, _direct.DirectAction)
    assert action.module.__name__ == f"{PLUGINS}modules.{name}"


@pytest.mark.parametrize(
    ("given", "other"),
    [
        ({}, False),
        ({"isolated": 1}, True),
        ({"no_site": 1}, True),
        ({"ignore_environment": 1}, True),
        ({"no_user_site": 1}, True),
        ({"no_user_site": 1, "user_site": "/nowhere"}, False),
    ],
)
def test_flags_of_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: dict[str, t.Any], other: bool) -> None:
    flags = {**dict.fromkeys(("isolated", "no_site", "ignore_environment", "no_user_site"), 0), **given}
    monkeypatch.setattr(_direct.site, "getusersitepackages", lambda: flags.get("user_site", str(tmp_path)))
    monkeypatch.setattr(_direct, "sys", types.SimpleNamespace(flags=types.SimpleNamespace(**flags)))
    assert _direct._has_other_flags() is other


def test_a_module_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong with a library, ansible-playbook goes on, and the packed module tells."""

    def broken(_name: str) -> t.NoReturn:
        raise AttributeError("an old library")

    monkeypatch.setattr(_direct.importlib, "import_module", broken)
    assert _direct.loaded("session") is None


def test_what_a_module_imports_late_is_there_in_every_fork() -> None:
    """Or it is packed, if that cannot be loaded."""
    assert _direct.loaded("fleet_account", "_fleet.halt") is not None
    assert _direct.loaded("fleet_account", "_fleet.no_such_file") is None
    late = import_plugin("action.fleet_account")
    for name in (*late._LICENSES, *late._JOURNAL):
        assert f"{PLUGINS}module_utils.{name}" in sys.modules


def test_a_core_that_nobody_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_direct, "core_version", "2.99.1")
    assert _direct.loaded("session") is None


@pytest.mark.parametrize(
    ("interpreter", "same"),
    [
        (sys.executable, True),
        (os.path.realpath(sys.executable), os.path.realpath(sys.executable) == sys.executable),
        ("/usr/bin/env python3", False),
        ("python3", False),
        ("auto", False),
        ("", False),
        (None, False),
    ],
)
def test_which_python(interpreter: t.Any, same: bool) -> None:
    """The same program in another environment would find other libraries."""
    assert _direct._is_this_python(interpreter) is same


def test_the_controller_of_a_worker_is_its_playbook() -> None:
    """In a process of its own, as Ansible's workers are; without one it is the process itself."""
    assert _direct.controller() == os.getpid()
    fork = multiprocessing.get_context("fork")
    told = fork.SimpleQueue()
    worker = fork.Process(target=lambda: told.put(_direct.controller()))
    worker.start()
    assert told.get() == os.getpid()
    worker.join(30)


def test_the_controller_that_is_gone_is_named_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its module then sends nothing, whatever adopted the worker."""
    gone = types.SimpleNamespace(pid=os.getppid() + 1)
    monkeypatch.setattr(_direct.multiprocessing, "parent_process", lambda: gone)
    assert _direct.controller() == gone.pid


@pytest.mark.parametrize("before", [True, False])
def test_nothing_is_collected_while_ansible_packs_the_module(monkeypatch: pytest.MonkeyPatch, before: bool) -> None:
    """Also when the task fails, the process is left as it was."""
    meanwhile: list[bool] = []

    def execute(**_arguments: t.Any) -> t.NoReturn:
        meanwhile.append(gc.isenabled())
        raise OSError

    action = object.__new__(_direct.DirectAction)
    action._task = types.SimpleNamespace(async_val=0, args={}, no_log=False)
    action._connection = types.SimpleNamespace(transport="ssh", has_native_async=False)
    action._execute_module = execute
    monkeypatch.setattr(_direct.ActionBase, "run", lambda *_arguments: {})
    enabled = gc.isenabled()
    try:
        (gc.enable if before else gc.disable)()
        with pytest.raises(OSError):
            action.run()
        assert meanwhile == [False]
        assert gc.isenabled() is before
    finally:
        (gc.enable if enabled else gc.disable)()
