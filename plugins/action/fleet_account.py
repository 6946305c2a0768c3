# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module and shows its progress."""

from __future__ import annotations

from ansible_collections.thingspace.licensing.plugins.plugin_utils._direct import loaded
from ansible_collections.thingspace.licensing.plugins.plugin_utils._progress import ProgressAction

_LICENSES = ("_candidates.converge", "_fota.converge", "_simsec.converge")
_JOURNAL = ("_fleet.kept", "_fleet.losing", "_journal.stores")


class ActionModule(ProgressAction):
    """The action that Ansible takes for the module of the same name."""

    # It runs once for each account.
    module = loaded("fleet_account", *_LICENSES, *_JOURNAL)
