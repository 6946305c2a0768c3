# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Importing parts of the controller into a process that tests modules, too."""

from __future__ import annotations

import contextlib
import importlib
import types
import typing as t

PLUGINS = "ansible_collections.thingspace.licensing.plugins."
HOOKS = {"is_controller", "get_controller_serialize_map", "import_controller_module"}


def import_part(name: str) -> t.Any:
    """Import a module of the controller. That changes how modules of the same process warn (from ansible-core 2.19);
    it is taken back at once, for the sake of the tests of modules.
    """
    module_utils = importlib.import_module("ansible.module_utils")
    with contextlib.suppress(ImportError):
        importlib.import_module("ansible.module_utils._internal")
    internal = getattr(module_utils, "_internal", types.SimpleNamespace())
    before = dict(vars(internal))
    found = importlib.import_module(name)
    for hook in HOOKS & before.keys():
        setattr(internal, hook, before[hook])
    return found


def import_plugin(name: str) -> t.Any:
    """Import a plugin of this collection that runs on the controller."""
    return import_part(PLUGINS + name)
