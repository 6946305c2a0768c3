# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Device identifiers in requests: kind and id (device identifier pages, SIM-Secure pages)."""

from __future__ import annotations

from typing import Any

from . import errors

# The kinds that the simulator knows devices by, with their greatest length; an IMEI may be shorter than 15.
LENGTHS = {"imei": 15, "iccid": 20}
_MIN_LENGTH = 3
Ids = tuple[tuple[str, str], ...]


def read_id(given: Any) -> tuple[str, str]:
    """Return kind (lower case) and id of one identifier; no check digit, as no document mentions one."""
    given = given if isinstance(given, dict) else {}
    kind, value = given.get("kind"), given.get("id")
    if not isinstance(kind, str) or kind.lower() not in LENGTHS:
        raise errors.m2m("INPUT_INVALID.Device.Kind.Invalid", f"The device identifier kind {kind} is not valid.")
    kind = kind.lower()
    digits = isinstance(value, str) and value.isascii() and value.isdigit()
    if not (digits and _MIN_LENGTH <= len(str(value)) <= LENGTHS[kind]):
        raise errors.m2m("INPUT_INVALID.Device.Identifier.Invalid", f"The device identifier {value} is not valid.")
    return kind, str(value)


def read_ids(entry: Any, limit: int = 0) -> Ids:
    """Return the identifiers of one device."""
    given = entry.get("deviceIds") if isinstance(entry, dict) else None
    if not isinstance(given, list) or not given:
        raise errors.m2m("INPUT_INVALID.Device.Identifier.Invalid", "A device has no identifier.")
    if limit and len(given) > limit:
        raise errors.m2m("INPUT_INVALID.Device.Identifier.Invalid", f"A device has more than {limit} identifiers.")
    return tuple(read_id(one) for one in given)
