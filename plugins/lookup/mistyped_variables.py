# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup C(mistyped_variables)."""

from __future__ import annotations

DOCUMENTATION = r"""
name: mistyped_variables
short_description: Find mistyped variables of the playbooks
version_added: 0.6.0
author:
  - thingspace.licensing contributors (@thingspace)
description:
  - Looks for extra variables that are almost, but not quite, variables of the playbooks and roles of this collection,
    such as C(fleet_licensing_max_change). Ansible ignores a mistyped variable, and a mistyped limit is no limit.
  - Only extra variables (C(-e), and those of an AWX job) count, and only if their name begins with C(fleet_) or
    C(license_report_) and differs from a known name by about one letter, or is a limit of the run without
    C(licensing_). Names of your own may be anything else.
  - A name that another variable uses, and a name with a number at its end, is never mistyped.
options:
  _terms:
    description: The names to check. By default, those of the extra variables.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Check the names of variables
  ansible.builtin.assert:
    that: query('thingspace.licensing.mistyped_variables') | length == 0
"""

RETURN = r"""
_list:
  description: A sentence for each mistyped variable.
  type: list
  elements: str
"""

import difflib
import functools
import re
import typing as t
from pathlib import Path

import yaml
from ansible.plugins.lookup import LookupBase
from ansible.utils.vars import load_extra_vars

PLAYBOOK_VARIABLES = frozenset(
    f"fleet_{name}"
    for name in (
        *("dest", "fail_on", "history", "journal", "journal_new", "overwrite", "require_approval"),
        *("retry_failed", "retry_unknown", "show", "status_file"),
    )
)
"""The variables of the playbooks that begin with C(fleet_) and do not belong to a role."""

_ROLES = {"fleet_licensing_": "fleet_licensing", "license_report_": "license_report"}
_LIMIT = "max_"
_ALIKE = 0.85
"""The least likeness of a mistyped name, without its prefix. C(dst) is like C(dest), and C(test) is not."""

# They have other hosts' variables, or all of these once more.
_NOT_USED = {"hostvars", "vars", "groups"}


class LookupModule(LookupBase):
    """The lookup of this file."""

    def run(self, terms: t.Any, variables: t.Any = None, **_options: t.Any) -> list[str]:
        """See the documentation of the plugin."""
        # A lookup that is run has a loader.
        return mistyped(terms or load_extra_vars(t.cast(t.Any, self._loader)), variables or {})


def mistyped(extra: t.Iterable[str], variables: t.Mapping[str, t.Any]) -> list[str]:
    """A sentence for each of these names that is like a known one."""
    hints = ((name, meant(name)) for name in sorted(extra))
    return [
        f"There is no variable '{name}'. Did you mean '{close}'? If not, give yours another name."
        for name, close in hints
        if close and not _used(name, variables)
    ]


def meant(name: str) -> str:
    """The known name that this one is like; empty if it is known itself, or like none."""
    if name in known() or name[-1:].isdigit():
        return ""
    prefix = next((prefix for prefix in (*_ROLES, "fleet_") if name.startswith(prefix)), "")
    if not prefix:
        return ""
    others = {one.removeprefix(prefix): one for one in known() if one.startswith(prefix)}
    if prefix == "fleet_":
        others = {one.removeprefix(prefix): one for one in PLAYBOOK_VARIABLES}
        role = "fleet_licensing_"
        others |= {one.removeprefix(role): one for one in known() if one.startswith(role + _LIMIT)}
    close = difflib.get_close_matches(name.removeprefix(prefix), others, 1, _ALIKE)
    return others[close[0]] if close else ""


@functools.lru_cache(maxsize=1)
def known() -> frozenset[str]:
    """The variables of the playbooks and of both roles."""
    roles = Path(__file__).resolve().parents[2] / "roles"
    names = set(PLAYBOOK_VARIABLES)
    for role in _ROLES.values():
        text = (roles / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
        for entry in yaml.safe_load(text)["argument_specs"].values():
            names |= entry["options"].keys()
    return frozenset(names)


def _used(name: str, variables: t.Mapping[str, t.Any]) -> bool:
    """Whether another variable is made from it: then it is somebody's own."""
    word = re.compile(rf"\b{re.escape(name)}\b")
    return any(word.search(str(value)) for key, value in variables.items() if key not in _NOT_USED and key != name)
