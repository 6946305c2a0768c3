# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""How somebody who starts a run sets an option of the modules: in the fleet file, or by a variable of the playbook.

Messages of modules name their own options. This is the one place that turns these names into what the reader can set.
"""

from __future__ import annotations

import re
import typing as t

from .._error_codes import Code
from .._options import FOTA_LICENSE_SPEC, REMOVAL_CANDIDATES_SPEC, SIMSEC_LICENSE_SPEC
from .._plan.incomplete import retries_of

Caller = t.Literal["files", "survey", "undo"]
"""What says what is wanted, and so who reads messages: who keeps fleet files, answers a survey, or undoes a run."""

IN_FILES = {
    **dict.fromkeys(("lifetime_consent", "lifetime_elsewhere", "retry_failed", "retry_unknown"), "simsec"),
    "foreseen_refusals": "fota",
    "unlicensed": "removal_candidates",
}
"""The options of messages that a fleet file sets, each with its section."""

_OPTIONS = {*FOTA_LICENSE_SPEC, *REMOVAL_CANDIDATES_SPEC, *SIMSEC_LICENSE_SPEC}
_ROLE = {
    name: f"fleet_licensing_{name}"
    for name in (
        "journal_new",
        "require_journal",
        "require_listener",
        "retry_unknown",
        "settle_time",
        "wait",
        "wait_timeout",
    )
}
_JOURNAL = {"journal": "fleet_journal"}
_SURVEY = {
    "account": "license_account",
    "column": "license_column",
    "devices_column": "license_column",
    "license": "license_product",
    "mode": "license_mode",
    "sku": "license_product",
    **{
        name: f"license_{name}"
        for name in (
            *("kind", "state", "max_changes", "lifetime_consent", "lifetime_elsewhere"),
            *("retry_failed", "retry_unknown", "wait", "require_listener"),
        )
    },
}
_PLAN = {name: f"fleet_{name}" for name in ("journal_new", "retry_failed", "retry_unknown")}

VARIABLES: dict[Caller, dict[str, str]] = {
    "files": {**_ROLE, **_JOURNAL, **_PLAN, "devices_column": "column", "devices_delimiter": "delimiter"},
    "survey": {**_ROLE, **_JOURNAL, "journal_new": "fleet_journal_new", **_SURVEY},
    "undo": {**_ROLE, **_JOURNAL},
}
"""The variable that sets an option, for each caller; or the key of a set of devices in a fleet file."""

SURVEY_VARIABLES = frozenset({name for name in _SURVEY.values() if name.startswith("license_")} | {"license_devices"})
"""The variables of the playbook license_devices that begin with C(license_)."""

_VALUES = {
    **dict.fromkeys(("journal_new", "retry_failed", "retry_unknown", "wait"), "true"),
    "journal": "PATH",
    "require_listener": "false",
    "unlicensed": "warn",
    "foreseen_refusals": "skip",
}
"""The value that an advice gives an option."""

NO_APPROVAL: dict[Code, tuple[str, ...]] = {
    "lifetime_consent": ("Check the devices.", "If they are right, set {lifetime_consent}."),
    "lifetime_without_journal": ("Set the journal: {journal}.",),
    "journal_behind": (
        "If there is a newer journal, restore it.",
        "If you know which devices hold the other licenses, set {lifetime_elsewhere}.",
        "If there was no journal before: {journal_new}.",
    ),
    "no_listener": (
        "Start a receiver, and register it with the module callback (docs/callbacks.md).",
        "If there is a listener that ThingSpace does not list, or if the account's count is enough for you: "
        "{require_listener}.",
    ),
    "not_licensed": ("List only licensed devices.", "To list the others all the same, set {unlicensed}."),
    "refusal_foreseen": ("Leave these devices out.", "To change only the others, set {foreseen_refusals}."),
    "pool_exhausted": ("Buy licenses, free some, or list fewer devices.",),
}
"""What stops a plan despite any approval, by code, and what to do about it, in sentences.

An option in braces is one to set. A sentence about an option that the caller cannot set is left out.
"""

_NAMED = re.compile(r"'([a-z_]+)((?:: [^'\n]*)?)'")
_ADVISED = re.compile(r"\b[Ss]et '([a-z_]+)")
_SENTENCES = re.compile(r"(?<=\.) ")


def how_to_set(caller: Caller, option: str) -> str:
    """How the caller sets an option; empty if the caller cannot."""
    variable, value = VARIABLES[caller].get(option), _VALUES.get(option)
    if variable:
        return f"-e {variable}={value}" if value else f"'{variable}'"
    if caller != "files" or option not in IN_FILES:
        return ""
    return f"'{option}{f': {value}' if value else ''}' under '{IN_FILES[option]}' in the fleet file"


def in_terms_of(caller: Caller, text: str) -> str:
    """A message of a module, with the names that the caller can set.

    An advice to set an option that the caller cannot set is left out, unless it is all that a line says.
    """
    if caller == "survey":
        text = text.replace("devices_text", "license_devices")
    if "'" not in text:
        return text
    return "\n".join(_line(caller, line) for line in text.split("\n"))


def without_approval(code: str, reason: str, caller: Caller) -> str:
    """The message of a plan that is stopped for this reason, with what to do about it if no approval helps.

    :param reason: the module's reason; its own advice starts with what was not done.
    """
    sentences = NO_APPROVAL.get(t.cast(Code, code))
    if sentences is None:
        return reason
    ways = [(sentence, re.findall(r"\{(\w+)\}", sentence)) for sentence in sentences]
    told = [
        in_terms_of(caller, sentence).format_map({name: how_to_set(caller, name) for name in options})
        for sentence, options in ways
        if all(how_to_set(caller, name) for name in options)
    ]
    why = reason.partition(" Nothing was ")[0].rstrip()
    return " ".join([why, "No approval lets this through.", *told])


def to_send_again(rows: t.Iterable[t.Mapping[str, str]], caller: Caller) -> str:
    """How to send devices again; empty if none of them can be."""
    found = retries_of(rows)
    named = [how_to_set(caller, option) for option in found if option in VARIABLES[caller]]
    if not named:
        return ""
    keys = " and ".join(f"'{option}: true'" for option in found)
    in_file = f", or {keys} under 'simsec' in the fleet file" if caller == "files" else ""
    return f"To send them again: {' '.join(named)}{in_file}."


def forgotten(rows: t.Iterable[t.Mapping[str, str]], caller: Caller) -> str:
    """What to check if the approved plan changes these devices and the current one does not; empty otherwise."""
    named = [how_to_set(caller, option) for option in retries_of(rows) if option in VARIABLES[caller]]
    return f"If the approved plan was made with {' and '.join(named)}, give that to apply, too." if named else ""


def _line(caller: Caller, line: str) -> str:
    sentences = _SENTENCES.split(line)
    kept = [one for one in sentences if not any(_is_foreign(caller, option) for option in _ADVISED.findall(one))]
    return _NAMED.sub(lambda found: _renamed(caller, found), " ".join(kept or sentences))


def _is_foreign(caller: Caller, option: str) -> bool:
    """Whether only a task of a license module can set an option, and the caller has none."""
    return option in _OPTIONS and option not in VARIABLES[caller] and (caller != "files" or option not in IN_FILES)


def _renamed(caller: Caller, found: re.Match[str]) -> str:
    option, value = found.groups()
    if caller == "files" and option in IN_FILES:
        return found[0]
    variable = VARIABLES[caller].get(option)
    return f"'{variable}{value}'" if variable else found[0]
