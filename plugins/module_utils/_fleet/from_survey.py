# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reads what a survey wants: a list of devices, as typed into a form, and one license that they get or lose."""

from __future__ import annotations

import hashlib
import typing as t

from .._devices.ids import show
from .._devices.wanted import wanted_devices
from .._errors import OptionsError, Problem
from .._module import Context
from .._simsec.skus import sku_of, sku_problems
from .._thingspace.api_versions import API_VERSION
from .._thingspace.id_kinds import KIND, KINDS
from .account_parts import LIMITS, Options, Part, RunOptions, Wanted
from .option_names import SURVEY_VARIABLES

FOTA = "FOTA"
"""The name of the license that has no SKU, in the form."""

_STATES = ("present", "absent")
_MODES = ("check", "run")
_OF_A_REPORT = "license_report_"
"""Variables of another role may be in the same inventory."""

_NUMBERS = ("max_changes", "lifetime_consent", "lifetime_elsewhere")
_DIGITS = 12


def from_survey(context: Context, run: RunOptions) -> Wanted:
    """Read the devices that somebody typed. This asks ThingSpace nothing.

    :raises OptionsError: with every problem of the answers.
    """
    survey = run.survey or {}
    given = {
        name: text.strip() for name, text in survey.items() if isinstance(text, str) and text.strip() and name != "mode"
    }
    license_, state = given.get("license", FOTA), given.get("state", "present")
    # FOTA licenses have only one kind of id, whatever the form says.
    kind = KIND if license_ == FOTA else given.get("kind", KIND)
    problems = list(_of_the_playbook(survey, run.account))
    problems += [
        Problem(f"'{name}' is '{show(value)}', which is none of: {', '.join(choices)}.")
        for name, value, choices in (("state", state, _STATES), ("kind", kind, KINDS))
        if value not in choices
    ]
    numbers, wrong = _numbers(given)
    problems += wrong
    problems += _license_problems(license_)
    # As it was typed: the first column of a table may be empty.
    text = {"devices_text": survey["devices"] or "", "devices_column": given.get("column")}
    named, wrong = wanted_devices(text, kind if kind in KINDS else KIND)
    problems += wrong
    if not problems and not named.devices:
        problems.append(Problem("'license_devices' names no device.", "invalid_devices"))
    if problems:
        raise OptionsError(problems)
    run.make_folder()
    if context.check_mode:
        for warning in named.warnings:
            context.warn(warning)
    part = _part(license_, state, kind, numbers, run)
    part = part._replace(ready={"devices": named.devices}, needed=True)
    said = "\n".join([license_, kind, state, *named.devices])
    about: Options = {"file": "", "freeze": [], "sets": []}
    return Wanted(run.account, hashlib.sha256(said.encode()).hexdigest(), [part], about, [])


def _of_the_playbook(survey: t.Mapping[str, t.Any], account: str) -> t.Iterator[Problem]:
    """What is wrong with the variables of the playbook as such. A mistyped limit would be no limit."""
    named = survey["account"]
    if named is not None and named != account:
        yield Problem(
            f"'license_account' is '{show(named)}'. In the inventory, the host {show(named)} is the account {account} "
            f"(fleet_licensing_account), or this is a group. Set it to one account, the right one.",
        )
    mode = survey["mode"] or ""
    if mode.strip() and mode not in _MODES:
        yield Problem(f"'mode' is '{show(mode)}', which is none of: {', '.join(_MODES)}.")
    unknown = {name for name in survey["variables"] or () if not name.startswith(_OF_A_REPORT)} - SURVEY_VARIABLES
    if unknown:
        yield Problem(
            f"The playbook license_devices has no variable {', '.join(sorted(unknown))}. Its variables are "
            f"{', '.join(sorted(SURVEY_VARIABLES))}. Correct the name. Rename a variable of your inventory that is "
            "meant for something else.",
        )


def _license_problems(license_: str) -> list[Problem]:
    if license_ == FOTA:
        return []
    if license_.upper() == FOTA:
        return [Problem(f"'license' is '{show(license_)}'; it is spelled '{FOTA}'.", "invalid_sku")]
    return sku_problems(license_)


def _numbers(given: t.Mapping[str, str]) -> tuple[dict[str, int], list[Problem]]:
    """The answers that are numbers, and what is wrong with them."""
    found: dict[str, int] = {}
    problems = []
    for name in _NUMBERS:
        text = given.get(name, "")
        if text.isdecimal() and len(text) <= _DIGITS:
            found[name] = int(text)
        elif text:
            problems.append(Problem(f"'{name}' is '{show(text)}', which is not a whole number of devices."))
    if not found.get("lifetime_consent"):
        # A form has 0 for nobody.
        found.pop("lifetime_consent", None)
    return found, problems


def _part(license_: str, state: str, kind: str, numbers: dict[str, int], run: RunOptions) -> Part:
    limits = {**dict.fromkeys(LIMITS), "max_changes": numbers.get("max_changes")}
    if license_ == FOTA:
        options = {"state": state, "max_changes": limits["max_changes"], **run.common(run.account, "fota")}
        return Part("fota", "fota", options, {**limits, "api_version": API_VERSION}, {})
    options = {"state": state, "sku": license_, "kind": kind, **numbers}
    name = f"simsec-{license_}-{kind}" + ("" if state == "present" else "-remove")
    consent = numbers.get("lifetime_consent")
    about = {"sku": license_, "id_kind": kind, "lifetime": sku_of(license_).lifetime, "lifetime_consent": consent}
    given = {**options, **run.simsec(options), **run.common(run.account, name)}
    return Part("simsec", name, given, {**limits, **about, "reserve": None}, {})
