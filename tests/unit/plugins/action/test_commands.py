# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command that a plan or a run ends with repeats what its caller set, and no secret."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.thingspace.licensing.tests.support.controller import import_plugin

_commands = import_plugin("plugin_utils._commands")
Values = dict[str, t.Any]

EXTRA: Values = {
    "fleet": "fleet/",
    "fleet_licensing_wait": "{{ true }}",
    "fleet_licensing_max_changes": 3,
    "fleet_licensing_ignore_freeze": True,
    "fleet_licensing_mode": "plan",
    "fleet_licensing_approved": "x",
    "fleet_licensing_prices": {"FOTA": "1.20"},
    "thingspace_client_secret": "secret",
    "license_password": "secret",
}
IN_INVENTORY: Values = {"fleet_licensing_show": True, "fleet_licensing_settle_time": 9, "fleet_journal": "j.db"}
AROUND: Values = {"ansible_inventory_sources": ["hosts"], "ansible_limit": "a"}


@pytest.mark.parametrize(
    ("module", "found"),
    [
        (
            "fleet_plan",
            ["fleet_journal", "fleet", "fleet_licensing_ignore_freeze", "fleet_licensing_max_changes"],
        ),
        ("fleet_run", ["fleet_journal", "fleet"]),
    ],
)
def test_what_the_caller_set_is_repeated(monkeypatch: pytest.MonkeyPatch, module: str, found: list[str]) -> None:
    monkeypatch.setattr(_commands, "load_extra_vars", lambda _loader: EXTRA)
    kind = import_plugin(f"action.{module}").ActionModule
    action = kind.__new__(kind)
    template = types.SimpleNamespace(template=lambda value: value == "{{ true }}" or value)
    how = {
        "playbook": "p",
        "repeat": ["fleet_journal", "fleet", "fleet_(history|dest)"],
        "variables": {"fleet_dest": "d"},
    }
    action._task = types.SimpleNamespace(args={action.command: how, "show": True})
    action._templar, action._loader = template, None
    monkeypatch.setattr(_commands.DirectAction, "run", lambda self, *_args: dict(self._task.args))
    done = action.run(task_vars={**EXTRA, **IN_INVENTORY, **AROUND, "fleet_dest": "other"})
    assert done["show"] is True
    command = done[action.command]
    assert (command["inventory"], command["limit"], command["playbook"]) == (["hosts"], "a", "p")
    assert list(command["variables"]) == [*found, "fleet_licensing_wait", "fleet_dest"]
    assert (command["variables"]["fleet_dest"], command["variables"]["fleet_licensing_wait"]) == ("d", True)
    action._task.args = {action.command: {**how, "inventory": ["mine"], "limit": ""}}
    assert {
        name: action.run(task_vars=AROUND)[action.command][name] for name in ("inventory", "limit", "variables")
    } == {
        "inventory": ["mine"],
        "limit": "",
        "variables": {"fleet_dest": "d"},
    }
    action._task.args = {"show": False}
    assert action.run(task_vars=AROUND) == {"show": False}
