# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module."""

from __future__ import annotations

from ansible_collections.thingspace.licensing.plugins.plugin_utils._direct import DirectAction, loaded


class ActionModule(DirectAction):
    """The action that Ansible takes for the module of the same name."""

    module = loaded("simsec_journal")
