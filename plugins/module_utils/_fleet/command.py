# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The command lines that a plan and a run end with, for copying."""

from __future__ import annotations

import json
import os
import re
import shlex
import typing as t

from .._text.addresses import passwords_in

# The shell refuses the command if the variable is not set.
_FROM_ENVIRONMENT = 'THINGSPACE_JOURNAL="${THINGSPACE_JOURNAL:?set it to the address of the journal}"'

_IDS = re.compile(r"\d{14,}(?:[\s,;]+\d{14,})*[\s,;]*")
_PLAIN_IN_YAML = re.compile(r"[./~][\w /.@+-]*[\w/]")
"""Paths with blanks, which mean the same without quotes."""

LONG = 2000
"""Characters of a value from which on it is in a file, and not on the command line."""

FILE = "variables.json"
"""The name of that file, beside the plan."""

COMMAND_SPEC: dict[str, t.Any] = {
    "playbook": {"type": "str", "required": True},
    "inventory": {"type": "list", "elements": "str", "default": []},
    "limit": {"type": "str"},
    "repeat": {"type": "list", "elements": "str", "default": []},
    "variables": {"type": "dict", "default": {}},
}


def long_values(given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The variables that are too long for a command line.

    :param given: as in C(COMMAND_SPEC).
    """
    return {name: value for name, value in given["variables"].items() if len(_assigned(name, value)) > LONG}


def command_of(given: t.Mapping[str, t.Any], *, file: str = "", **more: str) -> str:
    """The command line of a playbook. It takes the address of a journal from the environment if that has a password, or
    if the task took it from there, too.

    :param given: as in C(COMMAND_SPEC). A variable without a value is left out.
    :param file: has the C(long_values); empty if there is no file.
    :param more: further variables.
    """
    long = long_values(given) if file else {}
    words = ["ansible-playbook"]
    for source in given["inventory"]:
        # Ansible names its default inventory even if there is none.
        if "," in source or os.path.exists(source):
            words += ["-i", shlex.quote(source)]
    words += ["--limit", shlex.quote(given["limit"])] if given["limit"] else []
    words.append(given["playbook"])
    words += ["-e", shlex.quote(f"@{file}")] if long else []
    for name, value in {**given["variables"], **more}.items():
        if name in long:
            continue
        if name.endswith("journal") and (passwords_in(str(value)) if value else os.environ.get("THINGSPACE_JOURNAL")):
            words.insert(0, _FROM_ENVIRONMENT)
        elif value not in (None, "", [], {}):
            words += ["-e", shlex.quote(_assigned(name, value))]
    return " ".join(words)


def _assigned(name: str, value: t.Any) -> str:
    """A variable and its value. Without double quotes if possible, because Ansible shows these with backslashes."""
    if isinstance(value, (bool, int)):
        return f"{name}={str(value).lower()}"
    ids = [value] if isinstance(value, str) else value
    if isinstance(ids, list) and all(isinstance(one, str) and _IDS.fullmatch(one) for one in ids):
        value = ",".join(re.findall(r"\d+", ",".join(ids)))
    if isinstance(value, str) and not set(value) & set(" \t\n'\"\\={}"):
        return f"{name}={value}"
    if isinstance(value, str) and _PLAIN_IN_YAML.fullmatch(value):
        return f"{{{name}: {value}}}"
    return json.dumps({name: value})
