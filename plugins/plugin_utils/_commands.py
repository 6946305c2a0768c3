# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change without notice.

"""The command that a plan or a run ends with repeats what its caller set: only Ansible knows that."""

from __future__ import annotations

import re
import typing as t

from ansible.utils.vars import load_extra_vars

from ansible_collections.thingspace.licensing.plugins.plugin_utils._direct import DirectAction
from ansible_collections.thingspace.licensing.plugins.plugin_utils._together import TogetherAction

_ROLE = "fleet_licensing_"

_NOT_TO_APPLY = ("approved", "currency", "dest", "fail_on", "how_to_apply", "mode", "prices", "show", "status_file")
"""Variables of the role that a playbook sets itself, or that change only what is told of a run."""

_TO_UNDO = (
    *("account", "any_errors_fatal", "freeze", "history", "journal", "require_journal", "require_listener"),
    *("settle_time", "templates", "wait", "wait_timeout"),
)
"""Variables of the role that the undo of a run needs, too. Its limits, and what it ignores, are its own."""

Values = dict[str, t.Any]


class CommandAction(DirectAction):
    """The action of a module that prints a command: it adds what the caller of this one set.

    :param command: the option that describes the command.
    """

    command: t.ClassVar[str]

    def run(self, tmp: str | None = None, task_vars: Values | None = None) -> Values:
        """Complete the option, and run the module."""
        how = self._task.args.get(self.command)
        if isinstance(how, dict):
            self._task.args = {**self._task.args, self.command: self._completed(how, task_vars or {})}
        return super().run(tmp, task_vars)

    def repeats(self, name: str) -> bool:
        """Whether the command repeats this variable if it is on the command line."""
        raise NotImplementedError

    def _completed(self, how: Values, task_vars: Values) -> Values:
        patterns = how.get("repeat") or ()
        names = [name for pattern in patterns for name in sorted(task_vars) if re.fullmatch(pattern, name)]
        names += filter(self.repeats, sorted(load_extra_vars(self._loader)))
        given = how.get("variables") or {}
        there = [name for name in names if name in task_vars and name not in given]
        found = {name: self._templar.template(task_vars[name]) for name in there}
        about = {"inventory": task_vars.get("ansible_inventory_sources") or [], "limit": task_vars.get("ansible_limit")}
        return {**about, **how, "variables": {**found, **given}}


class PlanAction(CommandAction, TogetherAction):
    """The action of C(fleet_plan)."""

    command = "how_to_apply"

    def repeats(self, name: str) -> bool:
        """Whether a plan depends on it, or what is carried out does."""
        return name.startswith(_ROLE) and name.removeprefix(_ROLE) not in _NOT_TO_APPLY


class RunAction(CommandAction):
    """The action of C(fleet_run)."""

    command = "how_to_undo"

    def repeats(self, name: str) -> bool:
        """Whether an undo depends on it."""
        return name.startswith(_ROLE) and name.removeprefix(_ROLE) in _TO_UNDO
