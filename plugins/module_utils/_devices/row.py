# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""One device of the device list, in our own terms."""

from __future__ import annotations

import functools
import re
import sys
import typing as t

from .._client.answers import truth

KINDS = ("imei", "iccid", "mdn", "msisdn", "imsi", "min", "eid", "meid", "esn")
"""The documented kinds of device id. Each is a key of every row, whether or not the device has such an id."""

EXPORT_COLUMNS = (
    *KINDS,
    "state",
    "service_plan",
    "groups",
    "custom_fields",
    "created_at",
    "connected",
    "last_connected_at",
)
"""The header line of a device report, which identifies it when it is read back. The inventory has these variables."""

_PERSONAL = (
    r"primaryplaceofuse|(first|last|middle|full|customer|contact|user|owner)_?name|title|address|street|phone|e-?mail"
    r"|contact|zip_?code|postal|birth|latitude|longitude"
)


class DeviceRow(t.NamedTuple):
    """A device.

    :param ids: the id of each kind (in lower case), as ThingSpace wrote it.
    :param attributes: extended attributes.
    """

    ids: dict[str, str]
    state: str
    service_plan: str
    groups: list[str]
    custom_fields: dict[str, str]
    created_at: str
    connected: bool | None
    last_connected_at: str
    attributes: dict[str, str | None]

    @property
    def cursor(self) -> str:
        """The internal device id (attribute C(DeviceId)); empty if ThingSpace did not return it."""
        return self.attributes.get("DeviceId") or ""

    @property
    def identity(self) -> str:
        """What distinguishes this device from others. Two lines may share an IMEI, so this consists of all ids."""
        ids = " ".join(f"{kind}={self.ids[kind]}" for kind in sorted(self.ids))
        return self.cursor or ids or f"created={self.created_at}"

    def texts(self) -> t.Iterator[str]:
        """All texts from ThingSpace, except device ids that are numbers."""
        yield from (text for text in self.ids.values() if not (text.isascii() and text.isdigit()))
        for part in (self.ids.keys(), *self[1:]):
            if isinstance(part, str):
                yield part
            elif isinstance(part, (list, t.KeysView)):
                yield from part
            elif isinstance(part, dict):
                yield from part
                yield from (text for text in part.values() if text)

    def with_texts(self, instead: t.Mapping[str, str]) -> DeviceRow:
        """The row with these texts replaced."""

        def other(part: t.Any) -> t.Any:
            if isinstance(part, list):
                return [other(text) for text in part]
            if isinstance(part, dict):
                return {other(key): other(text) for key, text in part.items()}
            return instead.get(part, part) if isinstance(part, str) else part

        return DeviceRow(*map(other, self))

    def as_result(self) -> dict[str, t.Any]:
        """The row of a result."""
        rest = self._asdict()
        del rest["ids"]
        return {**dict.fromkeys(KINDS), **self.ids, **rest}


@functools.lru_cache(maxsize=1000)
def is_personal(key: str) -> bool:
    """Whether an extended attribute is about a person."""
    return re.search(_PERSONAL, key, re.IGNORECASE) is not None


def device_row(value: t.Mapping[str, t.Any], *, personal: bool = False) -> DeviceRow:
    """The row for one entry of C(devices). Missing values are empty.

    Texts that many devices share are stored once.

    :param personal: whether to keep attributes that are about persons.
    """
    carrier = next(_objects(value, "carrierInformations"), {})
    ids: dict[str, str] = {}
    for entry in _objects(value, "deviceIds"):
        if entry.get("kind") and entry.get("id"):
            ids.setdefault(sys.intern(str(entry["kind"]).lower()), str(entry["id"]))
    return DeviceRow(
        ids=ids,
        state=sys.intern(_text(carrier, "state")),
        service_plan=sys.intern(_text(carrier, "servicePlan")),
        groups=[sys.intern(str(name)) for name in value.get("groupNames") or [] if name],
        custom_fields={key: _text(entry, "value") for key, entry in _pairs(value, "customFields")},
        created_at=_text(value, "createdAt"),
        connected=truth(value.get("connected")),
        last_connected_at=_text(value, "lastConnectionDate"),
        attributes={
            key: None if entry.get("value") is None else str(entry["value"])
            for key, entry in _pairs(value, "extendedAttributes")
            if personal or not is_personal(key)
        },
    )


def _pairs(value: t.Mapping[str, t.Any], field: str) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    return ((sys.intern(str(entry["key"])), entry) for entry in _objects(value, field) if entry.get("key"))


def _objects(value: t.Mapping[str, t.Any], field: str) -> t.Iterator[dict[str, t.Any]]:
    found = value.get(field)
    return (entry for entry in (found if isinstance(found, list) else []) if isinstance(entry, dict))


def _text(value: t.Mapping[str, t.Any], field: str) -> str:
    found = value.get(field)
    return "" if found is None else str(found)
