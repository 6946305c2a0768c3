# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change without notice.

"""A device of the inventory as plain values, for host variables and for the cache."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.row import EXPORT_COLUMNS, KINDS, DeviceRow
from ansible_collections.thingspace.licensing.plugins.module_utils._text.visible import visible_all

FIELDS = (
    "account",
    "accounts",
    *EXPORT_COLUMNS,
    "attributes",
    "fota_license",
    "fota_assigned_at",
)
"""Each is a host variable, with C(thingspace_) in front."""

HARDWARE = ("imei", "iccid", "eid", "meid", "esn")
"""Kinds of ids that belong to a device and its SIM, not to an account."""

Record = dict[str, t.Any]
Licensed = t.Mapping[str, str]
"""Assignment time of each licensed device."""


def make_record(
    account: str, row: DeviceRow, licensed: Licensed | None, *, attributes: bool = False, whole: bool = True
) -> Record:
    """The record of a device.

    :param licensed: None if it is unknown which devices hold a license.
    :param whole: whether the others hold none. A version may not list all licenses of an account.
    :param attributes: whether to keep the attributes. A device without ids always keeps them, for its identification.
    """
    values = row.as_result()
    record = {name: values.get(name) for name in FIELDS}
    record["account"] = account
    record["accounts"] = [account]
    if row.ids and not attributes:
        record["attributes"] = None
    imei = row.ids.get("imei")
    if licensed is not None and imei and (whole or imei in licensed):
        record["fota_license"] = imei in licensed
        record["fota_assigned_at"] = licensed.get(imei)
    return record


def merged(records: list[Record]) -> tuple[list[Record], int]:
    """Each device once, and the number of records that repeat another record of the same account.

    Records of two accounts with the same IMEI and the same SIM are one device: a phone number belongs to its account.
    In one account, only records with identical ids are one device. The first record is kept, with all accounts that
    list the device, and with the license that it has in any of them.
    """
    known: dict[tuple[str | None, ...], list[Record]] = {}
    repeated = 0
    kept = []
    for record in records:
        ids = _ids(record, KINDS)
        hardware = _ids(record, HARDWARE)
        same = known.setdefault(hardware if any(hardware) else ids, []) if any(ids) else []
        one = next((one for one in same if _ids(one, KINDS) == ids), None)
        one = one or next((one for one in same if record["account"] not in one["accounts"]), None)
        if one is None:
            same.append(record)
            kept.append(record)
            continue
        if record["account"] in one["accounts"]:
            repeated += 1
        else:
            one["accounts"] = [*one["accounts"], record["account"]]
        if one["fota_license"] is None or (record["fota_license"] and not one["fota_license"]):
            one["fota_license"], one["fota_assigned_at"] = record["fota_license"], record["fota_assigned_at"]
    return kept, repeated


def _ids(record: Record, kinds: t.Iterable[str]) -> tuple[str | None, ...]:
    return tuple(record[kind] for kind in kinds)


def visible_records(records: list[Record]) -> list[Record]:
    """The records without control characters, which a terminal would obey, also those of a cache."""
    parts = (records[start : start + _TOGETHER] for start in range(0, len(records), _TOGETHER))
    return [record for part in parts for record in visible_all(part)]


_TOGETHER = 1000
"""How many records are searched at once. All of them would need the memory of their whole text."""


def host_variables(record: Record) -> dict[str, t.Any]:
    """The variables of a host. A value that was not requested is None."""
    return {"thingspace_" + name: value for name, value in record.items() if name != "attributes" or value is not None}


def pack(records: list[Record]) -> str:
    """Records as one text, which a cache can keep and compare as a whole."""
    return json.dumps([FIELDS, [[record[name] for name in FIELDS] for record in records]])


def unpack(text: t.Any) -> list[Record] | None:
    """Records from C(pack); None if the text is not from this release."""
    try:
        fields, rows = json.loads(text)
        if fields != list(FIELDS):
            return None
        return [dict(zip(FIELDS, row, strict=True)) for row in rows]
    except (TypeError, ValueError, RecursionError):
        return None
