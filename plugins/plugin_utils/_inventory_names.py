# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change without notice.

"""Host names of devices: as the user prefers, safe in a pattern, and unique."""

from __future__ import annotations

import re
import typing as t
from collections import Counter

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.row import KINDS
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError, Problem

from ._inventory_record import Record

CUSTOM = "custom_fields."
WHOLE = "all ids"
LONGEST = 128

RESERVED = frozenset({"all", "ungrouped", "localhost", "127.0.0.1"})
"""Names with a meaning in Ansible. A custom field must not turn a device into the controller."""

_ODD = re.compile(r"[^A-Za-z0-9_.-]+")


class Names(t.NamedTuple):
    """The names, in the order of the records.

    :param shared: how many devices do not have the preferred name because another device has the same name.
    """

    names: list[str]
    shared: int


def preference_problems(preferences: t.Sequence[str]) -> list[Problem]:
    """Problems with the option C(hostname)."""
    known = ", ".join(KINDS)
    wrong = [name for name in preferences if name not in KINDS and not (name.startswith(CUSTOM) and name != CUSTOM)]
    problems = [
        Problem(f"'hostname' has '{name}'; each must be one of {known} or {CUSTOM}<name of a custom field>.")
        for name in wrong
    ]
    return problems if preferences else [Problem("'hostname' is empty. Leave it out to take the IMEI.")]


def host_names(records: t.Sequence[Record], preferences: t.Sequence[str], reserved: t.Collection[str] = ()) -> Names:
    """A name for each device: the first of the preferences, and then of its ids, that no other device has.
    If other devices have each of its ids, the name is all of its ids together.

    If two devices have the same name, both continue with their next one, so the order of the list does not matter.

    :param reserved: names of groups.
    :raises LicensingError: some devices have no unique name.
    """
    names: dict[int, str] = {}
    taken = {*RESERVED, *reserved}
    left: t.Collection[int] = range(len(records))
    shared: set[int] = set()
    for place, preference in enumerate([*preferences, *(kind for kind in KINDS if kind not in preferences), "", WHOLE]):
        found = {index: _safe(_value(records[index], preference)) for index in left}
        counts = Counter(found.values())
        fresh = {index: name for index, name in found.items() if name and counts[name] == 1 and name not in taken}
        if place < len(preferences):
            shared.update(index for index, name in found.items() if name and counts[name] > 1)
        names.update(fresh)
        taken.update(fresh.values())
        left = [index for index in left if index not in fresh]
        if not left:
            return Names([names[index] for index in range(len(records))], len(shared))
    raise LicensingError(
        f"{len(left)} devices have no id of their own (account {records[next(iter(left))]['account']}), so they cannot "
        "be hosts. Leave them out with a filter such as 'group'.",
        code="bad_answer",
    )


def _value(record: Record, preference: str) -> str | None:
    """The name of a device by one preference. The empty preference means the internal id."""
    if preference == WHOLE:
        return "_".join(record[kind] for kind in KINDS if record[kind])
    if not preference:
        return (record["attributes"] or {}).get("DeviceId") and f"device-{record['attributes']['DeviceId']}"
    if preference.startswith(CUSTOM):
        return t.cast("str | None", record["custom_fields"].get(preference[len(CUSTOM) :]))
    return t.cast("str | None", record[preference])


def _safe(value: str | None) -> str:
    """A name without characters that have a meaning in patterns, paths, or templates."""
    if not value:
        return ""
    if value.isalnum() and value.isascii() and len(value) <= LONGEST:
        return value
    return _ODD.sub("_", value)[:LONGEST].strip("_.-")
