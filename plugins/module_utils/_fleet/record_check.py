# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The checks of a run record, so that code that uses it does not have to check again."""

from __future__ import annotations

import itertools
import re
import typing as t

from .._account import account_problems
from .._devices.ids import show
from .._plan.outcomes import OUTCOMES
from .._simsec.skus import sku_problems
from .._text.quantities import read_quantity
from .._thingspace.api_versions import API_VERSIONS
from .._thingspace.id_kinds import KIND, KINDS
from .account_parts import PartKind
from .run_mark import MARK

PLANNED = ("", "assigned", "removed", "added")

_MOST = 20
"""The most mistakes that are reported. Whoever makes records must check the program, not each of a million rows."""

_RUN = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,79}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_DIGEST = re.compile(r"([0-9a-f]{64})?")

Fits = t.Callable[[t.Any], bool]


def wrong_in(document: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """The problems with a record of the right format, up to a limit."""
    return itertools.islice(_record(document), _MOST)


def _text(value: t.Any) -> bool:
    return isinstance(value, str)


def _one_of(*values: str) -> Fits:
    return lambda value: isinstance(value, str) and value in values


def _like(pattern: re.Pattern[str]) -> Fits:
    return lambda value: isinstance(value, str) and bool(pattern.fullmatch(value))


def _or_none(fits: Fits) -> Fits:
    return lambda value: value is None or fits(value)


def _count(value: t.Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _failure(value: t.Any) -> bool:
    return isinstance(value, dict) and _text(value.get("code")) and _text(value.get("message"))


def _summary(value: t.Any) -> bool:
    return isinstance(value, dict) and all(name in OUTCOMES and _count(number) for name, number in value.items())


def _limits(value: t.Any) -> bool:
    fits = {"max_changes": _count, "max_removals": lambda share: read_quantity(share) is not None}
    return isinstance(value, dict) and all(
        name in fits and (limit is None or fits[name](limit)) for name, limit in value.items()
    )


def _ids(value: t.Any) -> bool:
    # As ThingSpace returned them: it may list a device twice, or return invalid ids.
    return isinstance(value, list) and all(_text(device) for device in value)


_TOP: dict[str, Fits] = {
    "run": _like(_RUN),
    "kind": _one_of("apply", "undo"),
    "started": _like(_TIME),
    "ended": _or_none(_like(_TIME)),
    "plan": _like(_DIGEST),
    "status": _one_of("running", "done", "failed"),
    "accounts": lambda value: isinstance(value, list),
}
_ACCOUNT: dict[str, Fits] = {
    "account": lambda value: _text(value) and not account_problems(value),
    "parts": lambda value: isinstance(value, list),
}
_PART: dict[str, Fits] = {
    "kind": _one_of(*t.get_args(PartKind)),
    "sku": lambda value: _text(value) and (not value or not sku_problems(value)),
    "id_kind": _one_of(*KINDS),
    "lifetime": lambda value: isinstance(value, bool),
    "api_version": _one_of(*API_VERSIONS, ""),
    "action": _one_of("exact", "present", "absent"),
    "summary": _summary,
    "devices": lambda value: isinstance(value, list),
}
_ROW: dict[str, Fits] = {
    "planned": _one_of(*PLANNED),
    "outcome": _one_of(*OUTCOMES),
    "reason": _text,
    "request_id": _text,
}
_MAY: dict[str, Fits] = {
    "failure": _failure,
    "freeze": lambda value: isinstance(value, list) and all(isinstance(window, dict) for window in value),
    "before": _or_none(_ids),
    "after": _or_none(_ids),
    "beside": _ids,
    "seen": lambda value: isinstance(value, dict) and all(map(_count, value.values())),
    "mark": _like(MARK),
    "remaining": _text,
    "undoes": _text,
    "history": _text,
    "limits": _limits,
}
"""Fields that may be missing."""


def _fields(value: t.Any, wanted: t.Mapping[str, Fits], where: str) -> t.Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where} is not a dictionary"
        return
    for name, fits in wanted.items():
        if name not in value:
            yield f"{where} has no '{name}'"
        elif not fits(value[name]):
            yield f"'{name}' of {where} is {_shown(value[name])}, which it cannot be"
    for name, fits in _MAY.items():
        if name in value and not fits(value[name]):
            yield f"'{name}' of {where} is {_shown(value[name])}, which it cannot be"


def _shown(value: t.Any) -> str:
    if isinstance(value, (list, dict)):
        return "such a list" if isinstance(value, list) else "such a dictionary"
    return f"'{show(value)}'" if isinstance(value, str) else str(value)[:40]


def _record(document: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    yield from _fields(document, _TOP, "the record")
    accounts = document.get("accounts")
    seen: set[str] = set()
    for number, account in enumerate(accounts if isinstance(accounts, list) else [], 1):
        where = f"account {number}"
        yield from _fields(account, _ACCOUNT, where)
        name = account.get("account") if isinstance(account, dict) else None
        if isinstance(name, str):
            if name in seen:
                yield f"{where} is there twice"
            seen.add(name)
        parts = account.get("parts") if isinstance(account, dict) else None
        for place, part in enumerate(parts if isinstance(parts, list) else [], 1):
            yield from _part(part, f"part {place} of {where}")


def _part(part: t.Any, where: str) -> t.Iterator[str]:
    yield from _fields(part, _PART, where)
    if not isinstance(part, dict) or not isinstance(part.get("devices"), list):
        return
    if part.get("kind") == "simsec" and not part.get("sku"):
        yield f"{where} names no SKU"
    if part.get("kind") != "simsec" and part.get("id_kind") != KIND:
        yield f"{where} goes by IMEI"
    seen: set[str] = set()
    for number, row in enumerate(part["devices"], 1):
        there = f"device {number} of {where}"
        yield from _fields(row, _ROW, there)
        device = row.get("device_id") if isinstance(row, dict) else None
        if not isinstance(device, str):
            yield f"{there}: '{show(str(device))}' is not an id"
        elif device in seen:
            yield f"{there}: {show(device)} is named twice"
        seen.add(str(device))
