# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Which devices to list: the options, their validation, and the request fields that they become."""

from __future__ import annotations

import datetime
import re
import typing as t

from .._client.characters import character_problems
from .._errors import Problem
from .._options import Spec
from .._text.timestamps import format_time, parse_time
from .row import DeviceRow

FILTER_SPEC: Spec = {
    "device_id": {"type": "str"},
    "kind": {"type": "str", "choices": ["imei", "iccid", "mdn", "msisdn", "eid", "meid", "esn"], "default": "imei"},
    "group": {"type": "str"},
    "state": {"type": "str"},
    "service_plan": {"type": "str"},
    "custom_fields": {"type": "dict"},
    "created_after": {"type": "str"},
    "created_before": {"type": "str"},
}

_TEXTS = ("group", "state", "service_plan")
_TIMES = ("created_after", "created_before")

_IDS = {
    "imei": (r"[0-9]{14,16}", "14 to 16 digits"),
    "iccid": (r"[0-9]{18,20}", "18 to 20 digits"),
    "mdn": (r"[0-9]{10}", "10 digits"),
    "msisdn": (r"[0-9]{11}", "11 digits"),
    "eid": (r"[0-9]{1,32}", "up to 32 digits"),
    "meid": (r"[0-9A-Fa-f]{14}", "14 hexadecimal digits"),
    "esn": (r"[0-9]{11}", "11 digits"),
}


class DeviceFilter(t.NamedTuple):
    """Which devices are wanted. None, and no custom fields, match any device.

    :param device_id: (kind, id) of the only wanted device.
    """

    device_id: tuple[str, str] | None = None
    group: str | None = None
    state: str | None = None
    service_plan: str | None = None
    custom_fields: t.Mapping[str, str] = {}
    created_after: datetime.datetime | None = None
    created_before: datetime.datetime | None = None

    def body(self) -> dict[str, t.Any]:
        """The fields of the request."""
        fields = {
            "deviceId": self.device_id and {"id": self.device_id[1], "kind": self.device_id[0]},
            "groupName": self.group,
            "currentState": self.state,
            "servicePlan": self.service_plan,
            "customFields": [{"key": key, "value": value} for key, value in self.custom_fields.items()],
            "earliest": self.created_after and format_time(self.created_after),
            "latest": self.created_before and format_time(self.created_before),
        }
        return {name: value for name, value in fields.items() if value}

    def contradicted_by(self, row: DeviceRow) -> bool:
        """Whether a device does not match, according to its own row. Missing values count as a match."""
        return (
            _other(self.state, [row.state])
            or _other(self.group, row.groups)
            or any(_other(value, [row.custom_fields.get(key, "")]) for key, value in self.custom_fields.items())
            or self._misses(row.created_at)
        )

    def _misses(self, created_at: str) -> bool:
        """Whether a device was added at a time outside the wanted range."""
        if not (self.created_after or self.created_before):
            return False
        added = parse_time(created_at)
        return added is not None and bool(
            (self.created_after and added < self.created_after) or (self.created_before and added > self.created_before)
        )


def filter_from(params: t.Mapping[str, t.Any]) -> tuple[DeviceFilter, list[Problem]]:
    """Read the options. Returns them with all problems."""
    problems = [problem for option in _TEXTS for problem in _text_problems(option, params[option])]
    problems += _id_problems(params["kind"], params["device_id"])
    fields, field_problems = _custom_fields(params["custom_fields"] or {})
    times = {option: parse_time(params[option] or "") for option in _TIMES}
    for option, time in times.items():
        if params[option] is not None and time is None:
            text = f"'{option}' is not a time that can be understood. Write it like 2026-01-31 or 2026-01-31T12:00:00Z."
            problems.append(Problem(text))
    after, before = times["created_after"], times["created_before"]
    if after and before and after > before:
        problems.append(Problem("'created_after' is later than 'created_before', so there can be no such device."))
    device = (params["kind"], params["device_id"]) if params["device_id"] else None
    group, state, plan = (params[option] for option in _TEXTS)
    return DeviceFilter(device, group, state, plan, fields, after, before), [*problems, *field_problems]


def _other(wanted: str | None, said: t.Iterable[str]) -> bool:
    if not wanted:
        return False
    names = [name.casefold() for name in said if name]
    return bool(names) and wanted.casefold() not in names


def _text_problems(option: str, value: str | None) -> list[Problem]:
    if value is None:
        return []
    if not value.strip():
        # An empty variable must not turn a group into the whole account.
        return [Problem(f"'{option}' is empty. Leave it out if it does not matter.")]
    return character_problems(option, value)


def _id_problems(kind: str, device: str | None) -> list[Problem]:
    if device is None:
        return []
    pattern, rule = _IDS[kind]
    if re.fullmatch(pattern, device):
        return []
    return [Problem(f"'device_id' is not of the kind '{kind}', which has {rule}.", "invalid_devices")]


def _custom_fields(values: t.Mapping[str, t.Any]) -> tuple[dict[str, str], list[Problem]]:
    problems = []
    for key, value in values.items():
        name = f"custom_fields.{key}" if key.isidentifier() else "custom_fields"
        if not isinstance(value, (str, int, float)) or isinstance(value, bool) or not f"{value}".strip():
            problems.append(Problem(f"'{name}' needs a text as its value. Write it in quotes."))
        problems += character_problems(name, f"{key}{value}")
    return {key: f"{value}" for key, value in values.items()}, problems
