# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Refuses a plan by which a device would lose something while a set selects no device.

A mistyped property of C(select) does that.
"""

from __future__ import annotations

import typing as t

from .._errors import LicensingError
from .._module import Result
from .._text.lists import few, many
from .account_parts import LICENSES, Part, PartKind, Wanted
from .devices import quoted

_LOST: dict[PartKind, str] = {
    **{
        kind: f"With 'state: exact', {{}} that no set names would lose their {license_}"
        for kind, license_ in LICENSES.items()
    },
    "removal_candidates": "{} would leave the removal candidate list",
}


def refuse_emptied(wanted: Wanted, results: t.Sequence[Result]) -> None:
    """Refuse if a device that no set names would lose a license of such a kind, or its place on the removal candidates.

    The list is written as a whole. So it is also refused if one of the candidates cannot be named. And no device
    becomes a candidate while a set of protected devices is empty, because it may be meant to protect just that device.

    :param results: the plan of each part.
    :raises LicensingError: C(empty_exact). A fleet file says that an empty set is meant by not having it.
    """
    planned = [(part, result.values.get("plan") or {}) for part, result in zip(wanted.parts, results, strict=True)]
    for kind, lost in _LOST.items():
        names, unsure = wanted.emptied.get(kind, ()), wanted.unsure if kind == "removal_candidates" else ()
        count = sum(_removals(part, plan) for part, plan in planned if part.kind == kind)
        if count and (names or unsure):
            told = [selects_none(names)] if names else []
            if unsure:
                told.append(f"'select' of {few([*map(quoted, unsure)])} selects a device that no request can name.")
            raise _refused(wanted.account, " ".join(told), lost, count)
    added = sum(plan.get("add") or 0 for part, plan in planned if part.kind == "removal_candidates")
    if added and wanted.unguarded:
        told_of = f"{selects_none(wanted.unguarded)} What it selects is protected, and"
        raise _refused(wanted.account, told_of, "{} would be put on the removal candidate list", added)


def _refused(account: str, told: str, lost: str, count: int) -> LicensingError:
    return LicensingError(
        f"{told} {lost.format(many(count, 'device'))}, so nothing is planned for {account}. Correct 'select'. If it is "
        "right that there is no such device, take the set out of the fleet file.",
        code="empty_exact",
    )


def selects_none(names: t.Sequence[str]) -> str:
    """The sentence that these sets select no device."""
    return f"'select' of {few([*map(quoted, names)])} selects no device."


def _removals(part: Part, plan: t.Mapping[str, t.Any]) -> int:
    """How many devices that no set names lose their license by this part."""
    if not plan.get("remove") or part.kind != "simsec":
        return plan.get("remove") or 0
    named = {device for pool in part.ready["replaced_by"] for device in pool["devices"]}
    return sum(device not in named for device in part.ready["devices"])
