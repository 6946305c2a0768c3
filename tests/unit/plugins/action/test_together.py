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

_direct = import_plugin("plugin_utils._direct")
RESULT = {"changed": True, "status": "changes"}


def outcome(strategy: str | None, hosts: int, *, batch: int | None = None) -> dict[str, t.Any]:
    """What the action returns for the task of a play as Ansible loads it.

    :param batch: how many of the hosts the play goes through at a time; all of them by default.
    """
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
    found = import_plugin("action.fleet_plan").ActionModule
    action = found.__new__(found)
    action._task, action._connection = task, types.SimpleNamespace(has_native_async=False, transport="ssh")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_direct.ActionBase, "run", lambda *_args: {})
        patch.setattr(found, "_execute_module", lambda _self, **_options: dict(RESULT))
        named = [str(number) for number in range(hosts)]
        variables = {"ansible_play_hosts_all": named, "ansible_play_hosts": named, "ansible_play_batch": named[:batch]}
        return t.cast("dict[str, t.Any]", action.run(task_vars=variables))


@pytest.mark.parametrize("strategy", [None, "linear", "debug", "ansible.builtin.linear"])
def test_hosts_that_go_together(strategy: str | None) -> None:
    assert outcome(strategy, 3).items() >= RESULT.items()


@pytest.mark.parametrize("strategy", ["free", "host_pinned", "ansible.builtin.free", "somebody.elses.strategy"])
def test_hosts_that_do_not(strategy: str) -> None:
    refused = outcome(strategy, 2)
    assert refused["failed"] is True
    assert f"its strategy is '{strategy}'" in refused["msg"]
    assert refused["failure"]["code"] == "invalid_options"
    assert outcome(strategy, 1).items() >= RESULT.items()


@pytest.mark.parametrize(("batch", "apart"), [(1, True), (2, True), (3, False), (9, False)])
def test_hosts_in_batches(batch: int, apart: bool) -> None:
    """A play with C(serial) would have one plan, and one set of limits, for each batch."""
    result = outcome("linear", 3, batch=batch)
    assert result.get("failed", False) is apart
    assert ("Remove 'serial'" in result.get("msg", "")) is apart
    assert result.get("failure", {"code": None})["code"] == ("invalid_options" if apart else None)
