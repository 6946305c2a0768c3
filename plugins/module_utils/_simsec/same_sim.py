# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""SIMs that two ids name, so that a task would assign a license to them twice.

ThingSpace accepts each of the ids that C(other_ids) knows.
"""

from __future__ import annotations

import typing as t

from .._devices.made_up import are_made_up
from .._devices.same_device import other_ids
from .._journal.journal import Journal
from .._journal.rows import Scope
from .._journal.status import fold
from .._text.lists import first, many
from .._thingspace.id_kinds import IMEI_UNIT

_NAMED = 20
"""How many pairs a warning names."""


def lifetime_reasons(
    journal: Journal, scope: Scope, devices: t.Sequence[str], beside: t.Iterable[str] = ()
) -> dict[str, str]:
    """Why devices do not get a lifetime license: another id of the same SIM has it, or is to get it.

    :param beside: other devices that are to get it.
    """
    why = "it seems to be {}, which holds this lifetime license or is to hold it: only a check digit or zeros differ"
    return {device: why.format(other) for device, other in same_sims(journal, scope, devices, beside).items()}


def twice_text(journal: Journal, scope: Scope, devices: t.Sequence[str]) -> str:
    """What to warn about if devices would get two removable licenses, one by each id; empty if none would."""
    same = same_sims(journal, scope, devices)
    if not same:
        return ""
    return (
        f"Both ids of {many(len(same), 'pair')} seem to name one device, and only a check digit or zeros differ: "
        f"{first(same.items(), _NAMED, tell=' and '.join)}. Each id gets a license. Name each device once."
    )


def same_sims(journal: Journal, scope: Scope, devices: t.Sequence[str], beside: t.Iterable[str] = ()) -> dict[str, str]:
    """The devices that another id names already, each with that id: one that may hold the license according to the
    journal, or an earlier one of these.

    :param devices: to which the license would be assigned.
    :param beside: further ids that are known, which may show that somebody made them up.
    """
    spelled = {device: other_ids(scope.kind, device) for device in devices}
    asked = sorted({other for others in spelled.values() for other in others})
    taken = _holders(journal, scope, asked)
    found: dict[str, str] = {}
    for device, others in spelled.items():
        same = next((other for other in others if other in taken), "")
        if same:
            found[device] = same
        else:
            taken.add(device)
    return found if scope.kind == "iccid" or not found else _of_one_unit(journal, scope, found, [*devices, *beside])


def _holders(journal: Journal, scope: Scope, devices: t.Sequence[str]) -> set[str]:
    """Those that may hold the license according to the journal."""
    return {device for device, attempts in journal.attempts(scope, devices).items() if fold(attempts).may_hold}


def _of_one_unit(
    journal: Journal, scope: Scope, found: t.Mapping[str, str], devices: t.Iterable[str]
) -> dict[str, str]:
    """Without ids that somebody made up."""
    known: dict[str, set[str]] = {device[:IMEI_UNIT]: set() for device in found}
    siblings = [unit + digit for unit in sorted(known) for digit in "0123456789"]
    for device in (*_holders(journal, scope, siblings), *devices):
        if device[:IMEI_UNIT] in known:
            known[device[:IMEI_UNIT]].add(device)
    return {device: same for device, same in found.items() if not are_made_up(known[device[:IMEI_UNIT]])}
