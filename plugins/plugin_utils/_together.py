# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change without notice.

"""The shared part of actions with a module for all hosts of a play, which must run together."""

from __future__ import annotations

import typing as t

from ansible_collections.thingspace.licensing.plugins.plugin_utils._direct import DirectAction

LINEAR = frozenset({"linear", "debug", "mitogen_linear"})
"""Names of the strategies in which every host finishes a task before the next one begins."""


class TogetherAction(DirectAction):
    """The action of a module that runs once for all hosts of the play."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module, unless each host of the play would run it separately at a different time."""
        message = _why_apart(strategy_of(self._task), task_vars or {})
        if message:
            return {"failed": True, "msg": message, "failure": {"code": "invalid_options", "message": message}}
        return super().run(tmp, task_vars)


def _why_apart(strategy: str, variables: t.Mapping[str, t.Any]) -> str:
    """Why the hosts of the play do not run the task together; empty if they do."""
    if strategy.rpartition(".")[2] not in LINEAR and len(variables.get("ansible_play_hosts_all", ())) > 1:
        return (
            "The play does not go through its hosts together, and the plan with its limits is one over all "
            f"of them: its strategy is '{strategy or 'unknown'}'. Set 'strategy: linear' in the play. "
            "ANSIBLE_STRATEGY or ansible.cfg may say otherwise. Nothing was written."
        )
    if set(variables.get("ansible_play_hosts", ())) - set(variables.get("ansible_play_batch", ())):
        return (
            "The play has 'serial', but there is one plan with its limits for all accounts. Remove 'serial'. "
            "Nothing was written."
        )
    return ""


def strategy_of(task: t.Any) -> str:
    """The strategy of the play of a task; empty if it cannot be found, which does not count as linear.

    No variable contains it. A task knows the block around it, and the outermost block knows its play.
    """
    part = task
    while part is not None:
        play = getattr(part, "_play", None)
        if play is not None:
            return str(play.strategy or "")
        part = getattr(part, "_parent", None)
    return ""
