# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change without notice.

"""Read the options of an inventory file: evaluate templates, and find all problems at once.

ansible-core stops at the first invalid option and quotes it, which may reveal a secret. This module quotes no values.
"""

from __future__ import annotations

import difflib
import os
import typing as t

from ansible import errors
from ansible.errors import AnsibleError, AnsibleRequiredOptionError

from ansible_collections.thingspace.licensing.plugins.module_utils._client.connection import CONNECTION_SPEC
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import Problem

Options = dict[str, t.Any]
Definitions = t.Mapping[str, t.Mapping[str, t.Any]]

EXPRESSIONS = ("compose", "groups", "keyed_groups")
"""Options that are evaluated for each host, not once."""

_PATHS = ("ca_path", "runtime_dir")
_STAND_INS: Options = {"str": "unusable", "list": []}
# Newer releases have a separate error for the value 'omit'.
_Omitted: t.Any = getattr(errors, "AnsibleValueOmittedError", ())


def unknown_options(given: t.Mapping[str, t.Any], definitions: Definitions) -> list[Problem]:
    """Options that do not exist. ansible-core would ignore them, and a misspelled filter would select every device."""
    problems = []
    for name in given:
        if name not in definitions and name != "plugin":
            close = difflib.get_close_matches(str(name), definitions, 1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            problems.append(Problem(f"'{name}' is not an option of this inventory plugin.{hint}"))
    return problems


def evaluated(given: t.Mapping[str, t.Any], template: t.Callable[[t.Any], t.Any]) -> tuple[Options, list[Problem]]:
    """The options with their templates evaluated."""
    options: Options = {}
    problems = []
    for name, value in given.items():
        if name in EXPRESSIONS:
            options[name] = value
            continue
        try:
            options[name] = template(value)
        except _Omitted:
            continue
        except Exception as error:  # pylint: disable=broad-exception-caught
            # Its text may quote the template and its values.
            text = f"The template of '{name}' cannot be evaluated ({type(error).__name__})."
            problems.append(Problem(text))
    return options, problems


def mistyped(options: Options, definitions: Definitions, check: t.Callable[[str], t.Any]) -> list[Problem]:
    """Options and environment variables of a wrong type. Each is replaced, so that the others can be checked.

    :param check: gets the value of an option from ansible-core.
    """
    problems = []
    for name, definition in definitions.items():
        try:
            check(name)
        except AnsibleRequiredOptionError:
            options[name] = []
        except AnsibleError:
            kind, choices = definition.get("type", "str"), definition.get("choices")
            rule = f"one of {', '.join(map(str, choices))}" if choices else f"a value of the type {kind}"
            problems.append(Problem(f"'{name}' must be {rule}."))
            default = definition.get("default")
            options[name] = _STAND_INS.get(kind) if default is None else default
    return problems


def blank_paths(options: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Paths that are an empty text, which ansible-core would treat as the current directory."""
    blank = {}
    for name in _PATHS:
        value = options.get(name)
        if value is None:
            value = os.environ.get(f"THINGSPACE_{name.upper()}")
        if value is not None and not str(value):
            blank[name] = ""
    return blank


def plain(value: t.Any) -> t.Any:
    """A value without the tags that ansible-core adds to texts. Keys are texts."""
    if isinstance(value, str):
        return "".join(value)
    if isinstance(value, t.Mapping):
        return {"".join(str(key)): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    return value


SECRETS = tuple(name for name, spec in CONNECTION_SPEC.items() if spec.get("no_log"))
