# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task starts with what most tasks need. Ansible compiles every file that a module imports, each time."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

MODULE_UTILS = "ansible_collections.thingspace.licensing.plugins.module_utils."

CLIENT = ("_client.login", "_client.login_guard", "_client.pieces", "_client.lease", "_text.clear_address")
"""Needed to log in, to read a long list, or to share a database."""

RARE = {
    "session": (*CLIENT, "_journal"),
    "fota_license_info": (*CLIENT, "_journal", "_devices.file"),
    "fota_license": (*CLIENT, "_journal", "_devices.file", "_devices.text", "_fota.apply", "_swm.candidates"),
    "simsec_license": (*CLIENT, "_journal.postgresql", "_devices.file", "_devices.api", "_callback", "_receiver"),
    "fleet_account": (*CLIENT, "_journal", "_simsec.converge", "_fota.converge", "_candidates.converge", "_undo"),
}
"""What a module must not import before it needs it."""


@pytest.mark.parametrize("module", RARE)
def test_what_few_tasks_need_is_imported_late(module: str) -> None:
    name = f"ansible_collections.thingspace.licensing.plugins.modules.{module}"
    code = f"import sys, {name}\nprint(*sys.modules, sep='\\n')"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    loaded = {one.removeprefix(MODULE_UTILS) for one in ran.stdout.split() if one.startswith(MODULE_UTILS)}
    assert "_module" in loaded
    assert not [one for one in sorted(loaded) if any(f"{one}.".startswith(f"{rare}.") for rare in RARE[module])]
