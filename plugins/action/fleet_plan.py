# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module, if the hosts of the play go together, with the variables for the command that it prints."""

from __future__ import annotations

from ansible_collections.thingspace.licensing.plugins.plugin_utils._commands import PlanAction
from ansible_collections.thingspace.licensing.plugins.plugin_utils._direct import loaded


class ActionModule(PlanAction):
    """The action that Ansible takes for the module of the same name."""

    module = loaded("fleet_plan")
