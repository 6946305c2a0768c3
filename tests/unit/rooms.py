# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rooms of the two packages that have some, and which room may import from which.

A new room, or a new arrow between two rooms, is one line here.
"""

from __future__ import annotations

from pathlib import Path

from ansible_collections.thingspace.licensing.tests.unit.imports import Room, Tree

_CHECKOUT = Path(__file__).resolve().parents[2]

# The floors of plugins/module_utils, from the ground up; a room imports from floors below its own.
_GROUND = ("_errors.py", "_error_codes.py", "_text")
_PLANNING = ("_client", "_plan")
_RECORDS = ("_journal", "_swm", "_module.py")
_ALL_BELOW_DEVICES = (*_GROUND, "_options.py", "_progress.py", "_thingspace", *_PLANNING, *_RECORDS)
_ALL_BELOW_LICENSES = (*_ALL_BELOW_DEVICES, "_callback", "_devices")
_ALL_BELOW_REPORT = (*_ALL_BELOW_LICENSES, "_account.py", "_pages", "_candidates", "_fota", "_simsec")

MODULE_UTILS = Tree(
    folder=_CHECKOUT / "plugins" / "module_utils",
    package="ansible_collections.thingspace.licensing.plugins.module_utils",
    rule="plugins/module_utils is sent to the host that runs a module and imports nothing else of the collection",
    never=("ansible_collections",),
    rooms={
        "_error_codes.py": Room("`_error_codes.py` is a list and imports no other file"),
        "_errors.py": Room("`_errors.py` is the ground and imports nothing but the codes", ("_error_codes.py",)),
        "_options.py": Room("`_options.py` is the ground and imports nothing but facts", ("_errors.py", "_thingspace")),
        "_progress.py": Room("`_progress.py` is the ground and imports no other file"),
        "_text": Room("`_text` is the ground and imports no other room"),
        "_thingspace": Room("`_thingspace` holds facts of the API, each in one place, and imports no other room"),
        "_client": Room("`_client` knows no license", (*_GROUND, "_progress.py")),
        "_plan": Room(
            "`_plan` knows no API and no AnsibleModule",
            (*_GROUND, "_progress.py"),
            never=("ansible", "requests", "http", "urllib"),
        ),
        "_journal": Room(
            "`_journal` knows no API and no HTTP", (*_GROUND, "_client", "_plan"), never=("ansible", "requests", "http")
        ),
        "_swm": Room(
            "`_swm` knows the Software Management API and nothing above requests", (*_GROUND, "_thingspace", *_PLANNING)
        ),
        "_module.py": Room(
            "`_module.py` is the shell of every module and knows no license",
            (*_GROUND, "_account.py", "_options.py", "_progress.py", "_client", "_journal"),
        ),
        "_pages": Room("`_pages` lays out what it is given and knows no license", _GROUND),
        "_account.py": Room("`_account.py` knows the name of an account and nothing else", _GROUND),
        "_session.py": Room("`_session.py` is the module that logs in and out", (*_GROUND, "_client", "_module.py")),
        "_devices": Room("`_devices` says which devices are meant and knows no license", _ALL_BELOW_DEVICES),
        "_callback": Room("`_callback` knows the listener and no license", _ALL_BELOW_DEVICES),
        "_receiver": Room(
            "`_receiver` knows no client; no other room imports it, because it alone needs aiohttp",
            (*_GROUND, "_journal"),
        ),
        "_candidates": Room("`_candidates` knows no other kind of license", (*_ALL_BELOW_LICENSES, "_account.py")),
        "_fota": Room(
            "`_fota` knows no other kind of license, but may ask whether a device is on the removal list",
            (*_ALL_BELOW_LICENSES, "_account.py", "_candidates"),
        ),
        "_simsec": Room("`_simsec` knows no other kind of license", (*_ALL_BELOW_LICENSES, "_account.py")),
        "_report": Room("`_report` tells what was read and changes nothing", _ALL_BELOW_REPORT),
        "_fleet": Room("`_fleet` does not know how a run is undone", (*_ALL_BELOW_REPORT, "_report")),
        "_undo": Room("`_undo` stands on top of everything else", (*_ALL_BELOW_REPORT, "_report", "_fleet")),
    },
)

_FLOOR = ("fields.py", "quirks.py")
_PARTS = (*_FLOOR, "world", "http", "background")

SIMULATOR = Tree(
    folder=_CHECKOUT / "roles" / "simulator" / "files" / "thingspace_simulator",
    package="thingspace_simulator",
    rule="the simulator needs Python's standard library and nothing else",
    standard_library_only=True,
    rooms={
        "__init__.py": Room("`__init__.py` holds the name and the version and imports nothing"),
        "fields.py": Room("`fields.py` knows kinds of values and not what they are for"),
        "quirks.py": Room("`quirks.py` is a table of kinds", ("fields.py",)),
        "lifetime.py": Room("`lifetime.py` knows the process and not what runs in it"),
        "http": Room("`http` knows no account, no clock and no quirk", ("__init__.py", "fields.py")),
        "world": Room("`world` knows no request and no reply", _FLOOR, never=("http",)),
        "background": Room("`background` knows no endpoint", (*_FLOOR, "world")),
        "apis": Room("`apis` knows no control", _PARTS),
        "simulation.py": Room("`simulation.py` holds the parts and answers nothing", _PARTS),
        "controls": Room("`controls` answers no API", ("__init__.py", *_PARTS, "apis", "simulation.py")),
        "service.py": Room(
            "`service.py` leads a request to its reply and knows no socket",
            (*_PARTS, "apis", "controls", "simulation.py"),
            never=("socket", "ssl", "http"),
        ),
        "cli.py": Room(
            "`cli.py` starts the simulator and answers nothing itself",
            ("__init__.py", *_FLOOR, "world", "http", "lifetime.py", "service.py"),
        ),
        "__main__.py": Room("`__main__.py` finds the package and starts the command line", ("cli.py",)),
    },
)

TREES = (MODULE_UTILS, SIMULATOR)
