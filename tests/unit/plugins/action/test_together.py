# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The actions of the modules that speak for all hosts of a play: only where the hosts go together."""

from __future__ import annotations

import importlib
import types
import typing as t

import pytest

from ansible_collections.thingspace.licensing.tests.support.controller import import_plugin

_together = import_plugin("plugin_utils._together")
RESULT = {"changed": True, "status": "changes"}


def outcome(name: str, strategy: str | None, hosts: int) -> dict[str, t.Any]:
    """What the action returns for the task of a play as Ansible loads it."""
    data = {
        "name": "p",
        "hosts": "all",
        "gather_facts": False,
        "tasks": [{"block": [{"ansible.builtin.meta": "noop"}]}],
    }
    loader = importlib.import_module("ansible.parsing.dataloader").DataLoader()
    play_class = importlib.import_module("ansible.playbook.play").Play
    play = play_class.load({**data, **({"strategy": strategy} if strategy else {})}, loader=loader)
    task = play.tasks[0].block[0]
    found = import_plugin(f"action.{name}").ActionModule
    action = found.__new__(found)
    action._task, action._connection = task, types.SimpleNamespace(has_native_async=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_together.ActionBase, "run", lambda *_args: {})
        patch.setattr(found, "_execute_module", lambda _self, **_options: dict(RESULT))
        variables = {"ansible_play_hosts_all": [str(number) for number in range(hosts)]}
        return t.cast("dict[str, t.Any]", action.run(task_vars=variables))


@pytest.mark.parametrize("name", ["fleet_plan", "fleet_undo_plan"])
@pytest.mark.parametrize("strategy", [None, "linear", "debug", "ansible.builtin.linear"])
def test_hosts_that_go_together(name: str, strategy: str | None) -> None:
    assert outcome(name, strategy, 3).items() >= RESULT.items()


@pytest.mark.parametrize("name", ["fleet_plan", "fleet_undo_plan"])
@pytest.mark.parametrize("strategy", ["free", "host_pinned", "ansible.builtin.free", "somebody.elses.strategy"])
def test_hosts_that_do_not(name: str, strategy: str) -> None:
    refused = outcome(name, strategy, 2)
    assert refused["failed"] is True
    assert f"its strategy is '{strategy}'" in refused["msg"]
    assert refused["failure"]["code"] == "invalid_options"
    assert outcome(name, strategy, 1).items() >= RESULT.items()
