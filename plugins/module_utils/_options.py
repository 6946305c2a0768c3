# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Argument specs that some modules share; those of all modules are in C(_client/connection.py).

A fragment in C(doc_fragments) names the specs that it documents.
"""

from __future__ import annotations

import itertools
import os
import typing as t

from ansible.module_utils.common.parameters import env_fallback

from ._errors import Problem
from ._thingspace.api_versions import API_VERSION, API_VERSIONS, CANDIDATES_VERSION, CANDIDATES_VERSIONS
from ._thingspace.id_kinds import KIND, KINDS

Spec = dict[str, dict[str, t.Any]]
Ranges = dict[str, "tuple[int, int | None]"]
"""Minimum and maximum of numeric options; None for no maximum."""


def chosen(params: t.Mapping[str, t.Any], *names: t.Iterable[str]) -> dict[str, t.Any]:
    """Some options with their values, for the value or function that has them as fields or arguments.

    :param names: the names of the options; a spec is one, too.
    """
    return {name: params[name] for some in names for name in some}


def out_of_range(params: t.Mapping[str, t.Any], ranges: Ranges) -> list[Problem]:
    """Problems with options that are out of range."""
    problems = []
    for name, (lowest, highest) in ranges.items():
        value = params[name]
        if value is not None and (value < lowest or (highest is not None and value > highest)):
            rule = "it cannot be negative" if highest is None else f"it must be between {lowest} and {highest}"
            problems.append(Problem(f"'{name}' is {value}; {rule}."))
    return problems


_WRITTEN = ("devices_report", "history_report", "before_file", "progress_file")
_READ = ("devices_file", "protected_file", "journal")
_BESIDE = {"journal": ("", "-wal", "-shm", "-journal", ".id", ".lock")}
"""What follows the name of each file that belongs to an option."""


def written_over(params: t.Mapping[str, t.Any]) -> list[Problem]:
    """Problems with files that the task would write over another one of its own, which is read then as if it were that.

    The next run would take a report for the wanted devices, or its previous list for the protected ones.
    """
    given = [name for name in (*_WRITTEN, *_READ) if params.get(name)]
    return [
        Problem(f"'{name}' would replace the file of '{other}', {params[other]}{end}. Name another file.")
        for name, other in itertools.combinations(given, 2)
        for end in _BESIDE.get(other, ("",))
        if name in _WRITTEN and _is_same(os.path.realpath(params[name]), os.path.realpath(params[other] + end))
    ]


def _is_same(one: str, other: str) -> bool:
    return one == other or (os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other))


ACCOUNT_SPEC: Spec = {"account": {"type": "str", "required": True}}

FOTA_VERSION_SPEC: Spec = {"api_version": {"type": "str", "choices": [*API_VERSIONS], "default": API_VERSION}}

DELIMITERS: dict[str, str] = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
"""The separators of columns in a file, by their names in options and fleet files."""

DEVICE_SPEC: Spec = {
    "devices": {"type": "list", "elements": "raw"},
    "devices_file": {"type": "path"},
    "devices_text": {"type": "str"},
    "devices_column": {"type": "str"},
    "devices_delimiter": {"type": "str", "choices": [*DELIMITERS]},
    "check_digit": {"type": "bool", "default": False},
}

DEVICE_CONSTRAINTS: dict[str, t.Any] = {
    "mutually_exclusive": [("devices", "devices_file", "devices_text")],
    "required_one_of": [("devices", "devices_file", "devices_text")],
}

WAVES_CONSTRAINTS: dict[str, t.Any] = {**DEVICE_CONSTRAINTS, "required_by": {"max_failures": ("waves",)}}
"""For modules that name devices and change them in waves."""

REPORT_SPEC: Spec = {
    "report": {"type": "str", "choices": ["changed", "failed", "all", "none"], "default": "changed"},
    "devices_report": {"type": "path"},
}

GUARD_SPEC: Spec = {
    "max_changes": {"type": "int"},
    "max_removals": {"type": "str"},
    "approved_plan": {"type": "str"},
    "expected_plan": {"type": "str"},
}

WAVES_SPEC: Spec = {
    "waves": {"type": "list", "elements": "str"},
    "max_failures": {"type": "str"},
}

RESERVE_SPEC: Spec = {"reserve": {"type": "int", "default": 0}}

PRICES_SPEC: Spec = {"prices": {"type": "dict"}, "currency": {"type": "str", "default": ""}}

CANDIDATES_VERSION_SPEC: Spec = {
    "api_version": {"type": "str", "choices": [*CANDIDATES_VERSIONS], "default": CANDIDATES_VERSION}
}

JOURNAL_SPEC: Spec = {"journal": {"type": "str", "fallback": (env_fallback, ["THINGSPACE_JOURNAL"])}}
"""A path or the address of a database. C(_module.py) completes the path, and masks the password of an address."""

PROGRESS_SPEC: Spec = {"progress_file": {"type": "path"}}

SIMSEC_KIND_SPEC: Spec = {"kind": {"type": "str", "choices": [*KINDS], "default": KIND}}

CONVERGE_SPEC: Spec = {**ACCOUNT_SPEC, **DEVICE_SPEC, **REPORT_SPEC, **GUARD_SPEC, **PROGRESS_SPEC}
"""For all modules that change what devices hold."""

FOTA_LICENSE_SPEC: Spec = {
    **CONVERGE_SPEC,
    **FOTA_VERSION_SPEC,
    **RESERVE_SPEC,
    **WAVES_SPEC,
    "state": {"type": "str", "choices": ["present", "absent", "exact"], "default": "present"},
    "lookup": {"type": "str", "choices": ["auto", "list", "devices", "direct"], "default": "auto"},
    "removal_candidates": {"type": "str", "choices": ["report", "keep", "ignore"], "default": "report"},
    "foreseen_refusals": {"type": "str", "choices": ["skip", "stop", "ignore"], "default": "skip"},
    "batch_size": {"type": "int", "default": 1000},
}
FOTA_LICENSE_RANGES: Ranges = {"batch_size": (1, 10_000)}

SIMSEC_LICENSE_SPEC: Spec = {
    **CONVERGE_SPEC,
    **RESERVE_SPEC,
    **WAVES_SPEC,
    **JOURNAL_SPEC,
    **SIMSEC_KIND_SPEC,
    "sku": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "replaced_by": {
        "type": "list",
        "elements": "dict",
        "options": {
            "sku": {"type": "str", "required": True},
            "kind": {"type": "str", "choices": [*KINDS]},
            "devices_file": {"type": "path"},
            "count": {"type": "int"},
            "digest": {"type": "str"},
        },
    },
    "lifetime_consent": {"type": "int"},
    "lifetime_elsewhere": {"type": "int"},
    "lifetime_without_journal": {"type": "bool", "default": False},
    "journal_new": {"type": "bool", "default": False},
    "retry_unknown": {"type": "bool", "default": False},
    "retry_failed": {"type": "bool", "default": False},
    "check_eligibility": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "float", "default": 600},
    "require_listener": {"type": "bool"},
    "settle_time": {"type": "float"},
    "request_id": {"type": "str"},
    "batch_size": {"type": "int", "default": 100},
}
SIMSEC_LICENSE_RANGES: Ranges = {"settle_time": (0, None), "batch_size": (1, 100)}
"""The batch size is from the public SDK's description. The documentation does not mention one."""

REMOVAL_CANDIDATES_SPEC: Spec = {
    **CONVERGE_SPEC,
    **CANDIDATES_VERSION_SPEC,
    "state": {"type": "str", "choices": ["present", "absent", "exact"], "default": "present"},
    "protected": {"type": "list", "elements": "raw"},
    "protected_file": {"type": "path"},
    "protected_column": {"type": "str"},
    "protected_delimiter": {"type": "str", "choices": [*DELIMITERS]},
    "unlicensed": {"type": "str", "choices": ["refuse", "warn", "ignore"], "default": "refuse"},
    "batch_size": {"type": "int", "default": 10000},
    "before_file": {"type": "path"},
}
REMOVAL_CANDIDATES_RANGES: Ranges = {"batch_size": (1, 100_000)}

REMOVAL_CANDIDATES_CONSTRAINTS: dict[str, t.Any] = {
    "mutually_exclusive": [*DEVICE_CONSTRAINTS["mutually_exclusive"], ("protected", "protected_file")],
    "required_one_of": DEVICE_CONSTRAINTS["required_one_of"],
    "required_by": {"protected_column": ("protected_file",), "protected_delimiter": ("protected_file",)},
}

# An unanswered question of a form is an empty text. So these are texts here, and the survey's reader reads the numbers.
SURVEY_SPEC: Spec = {
    "devices": {"type": "str", "required": True},
    **{
        name: {"type": "str"}
        for name in (
            *("column", "license", "kind", "state", "max_changes", "lifetime_consent", "lifetime_elsewhere"),
            *("account", "mode"),
        )
    },
    "variables": {"type": "list", "elements": "str"},
}
