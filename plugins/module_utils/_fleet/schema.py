# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The fields of a fleet file. This one table is the source of the checks and of the published JSON schema."""

from __future__ import annotations

import typing as t

from .._options import DELIMITERS, FOTA_LICENSE_SPEC, REMOVAL_CANDIDATES_SPEC, Spec
from .._thingspace.api_versions import API_VERSION, API_VERSIONS, CANDIDATES_VERSION, CANDIDATES_VERSIONS
from .._thingspace.id_kinds import KIND, KINDS, LENGTHS
from .._thingspace.id_kinds import Kind as IdKind

FieldKind = t.Literal[
    "text", "place", "bool", "whole", "amount", "amounts", "ids", "texts", "map", "list", "counts", "fields"
]


class Field(t.NamedTuple):
    """A field of a mapping.

    :param kind: C(place) is the name of a column, or its number from 1; C(amount) is a number or a percentage,
        C(amounts) a list of them; C(ids) is a list of device ids; C(texts) is a list of choices; C(counts) is a mapping
        of names to numbers, C(fields) a mapping of names to texts; C(map) and C(list) have fields of their own.
    :param help: its meaning.
    :param fields: the fields of a C(map), or of each entry of a C(list).
    :param ref: the name of the entries of a list in the JSON schema.
    :param filled: whether a list or a mapping must not be empty.
    :param needs: the other field that this one depends on.
    """

    kind: FieldKind
    help: str
    required: bool = False
    choices: tuple[str, ...] = ()
    fields: t.Mapping[str, Field] | None = None
    ref: str = ""
    filled: bool = False
    needs: str = ""


Table = t.Mapping[str, Field]


def _choices(spec: Spec, name: str) -> tuple[str, ...]:
    """The choices of the module option that gets the value of a field."""
    return tuple(spec[name]["choices"])


_GUARDS: dict[str, Field] = {
    "max_changes": Field("whole", "How many devices a run may change."),
    "max_removals": Field("amount", "How many removals a run may make, as a number or a percentage like 5%."),
}
_WAVES: dict[str, Field] = {
    "waves": Field(
        "amounts",
        "How many devices in total are done after each wave, before the rest: numbers, or percentages like 5%.",
        filled=True,
    ),
    "max_failures": Field(
        "amount",
        "How many devices of the waves so far may miss the wanted state: a number, or a percentage like 5%. "
        "The default is 0.",
        needs="waves",
    ),
}
_RESERVE = Field("whole", "How many licenses must stay free.")
_STATE = Field(
    "text",
    "exact: no other device holds a license; present: other devices are left alone. The default is exact.",
    choices=("exact", "present"),
)

FOTA: dict[str, Field] = {
    "api_version": Field("text", f"Version of the API. The default is {API_VERSION}.", choices=API_VERSIONS),
    "state": _STATE,
    **_GUARDS,
    "reserve": _RESERVE,
    **_WAVES,
    "removal_candidates": Field(
        "text",
        "What to do about devices that are removal candidates.",
        choices=_choices(FOTA_LICENSE_SPEC, "removal_candidates"),
    ),
    "foreseen_refusals": Field(
        "text",
        "What to do about devices whose change ThingSpace would refuse. The default is skip.",
        choices=_choices(FOTA_LICENSE_SPEC, "foreseen_refusals"),
    ),
}

SIMSEC: dict[str, Field] = {
    "state": _STATE._replace(
        help="exact: devices that the journal shows as licensed but no set wants lose their license; present: they "
        "keep it. The default is exact."
    ),
    **_GUARDS,
    "reserve": _RESERVE,
    **_WAVES,
    "retry_failed": Field("bool", "Whether devices whose request failed are sent again."),
    "retry_unknown": Field(
        "bool", "Whether devices are sent again if the result of their request is unknown or no longer expected."
    ),
    "lifetime_consent": Field("counts", "For each lifetime SKU, how many devices may get a license in one run."),
    "lifetime_elsewhere": Field(
        "counts", "For each lifetime SKU, how many licenses are known to be assigned outside the journal."
    ),
}

CANDIDATES: dict[str, Field] = {
    "api_version": Field(
        "text", f"Version of the API. The default is {CANDIDATES_VERSION}.", choices=CANDIDATES_VERSIONS
    ),
    **_GUARDS,
    "unlicensed": Field(
        "text", "What to do about devices without a license.", choices=_choices(REMOVAL_CANDIDATES_SPEC, "unlicensed")
    ),
}

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

FREEZE: dict[str, Field] = {
    "name": Field("text", "Why nothing may change. Messages show it.", required=True),
    "from": Field("text", "When it starts, like 2026-12-20 or 2026-12-20 18:00."),
    "until": Field("text", "When it ends. A date alone means the whole day."),
    "days": Field("texts", "Only on these days of the week.", choices=DAYS, filled=True),
    "hours": Field("text", "Only at these hours, like 18:00-06:00. They belong to the day on which they start."),
    "timezone": Field("text", "The time zone, like Europe/Berlin. The default is UTC."),
    "what": Field(
        "text",
        "all: nothing changes; removals: nothing changes if the plan removes licenses. The default is all.",
        choices=("all", "removals"),
    ),
}

SELECT: dict[str, Field] = {
    "group": Field("text", "Only devices of this device group."),
    "state": Field("text", "Only devices in this state, like active."),
    "service_plan": Field("text", "Only devices with this service plan."),
    "custom_fields": Field("fields", "Only devices whose custom fields have these values."),
    "created_after": Field("text", "Only devices that were added at this time or later."),
    "created_before": Field("text", "Only devices that were added at this time or earlier."),
}

DEVICES: dict[str, Field] = {
    "name": Field("text", "The name of this set of devices in messages.", required=True),
    "ids": Field("ids", "The devices, each id in quotes.", filled=True),
    "file": Field("text", "A CSV file with the devices, relative to the fleet file, in its directory or below."),
    "column": Field(
        "place", "The column of the file that holds the ids: its name, or its number from 1.", needs="file"
    ),
    "delimiter": Field(
        "text",
        "The separator between the columns of the file, if it is not clear.",
        choices=tuple(DELIMITERS),
        needs="file",
    ),
    "select": Field("map", "The devices that ThingSpace lists with these properties.", fields=SELECT, filled=True),
    "kind": Field("text", f"The kind of the ids. The default is {KIND}.", choices=KINDS),
    "fota": Field("bool", "Whether they hold a FOTA license."),
    "simsec": Field("text", "The SKU of the SIM-Secure license that they hold."),
    "removal_candidate": Field(
        "bool", "Whether they lose their FOTA license first, in this order, when the subscription shrinks."
    ),
    "protected": Field("bool", "Whether they must never be removal candidates."),
}

ACCOUNT: dict[str, Field] = {
    "account": Field("text", "The billing account, in quotes, like 0000123456-00001.", required=True),
    "fota": Field(
        "map",
        "How FOTA licenses are managed. Without this and without a set with fota, they are left alone.",
        fields=FOTA,
    ),
    "simsec": Field("map", "How SIM-Secure licenses are managed.", fields=SIMSEC),
    "removal_candidates": Field("map", "How the removal candidate list is managed.", fields=CANDIDATES),
    "freeze": Field("list", "Times when the account must not change.", fields=FREEZE, ref="freeze", filled=True),
    "devices": Field(
        "list",
        "Sets of devices, and the licenses that each of them holds.",
        required=True,
        fields=DEVICES,
        ref="devices",
    ),
}

FILE: dict[str, Field] = {
    "accounts": Field("list", "The accounts.", required=True, fields=ACCOUNT, ref="account", filled=True)
}
"""A file with several accounts. A file with one account is that account itself."""

SOURCES = ("ids", "file", "select")
"""Exactly one of these lists the devices of a set."""

PURPOSES = ("fota", "simsec", "removal_candidate", "protected")
"""A set needs at least one of these."""

WHOLE_MAX = 999_999_999
AMOUNT = r"(?:0|[1-9][0-9]{0,8}|(?:100(?:\.0+)?|[0-9]{1,2}(?:\.[0-9]+)?)%)"
"""A whole number, or a percentage."""


def json_schema() -> dict[str, t.Any]:
    """The published JSON schema, in the newest draft that editors support well."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A fleet file of thingspace.licensing",
        "if": {"required": ["accounts"]},
        "then": _object(FILE),
        "else": {"$ref": "#/definitions/account"},
        "definitions": {"account": _object(ACCOUNT), "devices": _device_set(), "freeze": _object(FREEZE)},
    }


def _device_set() -> dict[str, t.Any]:
    says = [{"properties": {name: {"const": True}}, "required": [name]} for name in PURPOSES if name != "simsec"]
    ids = {kind: {"properties": {"ids": {"items": {"pattern": pattern}}}} for kind, pattern in _id_patterns()}
    return {
        **_object(DEVICES),
        "oneOf": [{"required": [source]} for source in SOURCES],
        "anyOf": [{"required": ["simsec"]}, *says],
        "if": {"properties": {"kind": {"const": "iccid"}}, "required": ["kind"]},
        "then": ids["iccid"],
        "else": ids["imei"],
    }


def _id_patterns() -> t.Iterator[tuple[IdKind, str]]:
    for kind, (least, most, _rule) in LENGTHS.items():
        yield kind, f"^[0-9]{{{least if least == most else f'{least},{most}'}}}$"


def _object(fields: Table) -> dict[str, t.Any]:
    made: dict[str, t.Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _property(field) for name, field in fields.items()},
    }
    required = [name for name, field in fields.items() if field.required]
    needs = {name: [field.needs] for name, field in fields.items() if field.needs}
    return {
        **made,
        **({"required": required} if required else {}),
        **({"dependencies": needs} if needs else {}),
    }


def _property(field: Field) -> dict[str, t.Any]:
    filled = {"minProperties" if field.kind == "map" else "minItems": 1} if field.filled else {}
    return {"description": field.help, **_type(field), **filled}


def _type(field: Field) -> dict[str, t.Any]:
    text: dict[str, t.Any] = {"type": "string", "pattern": r"\S"}
    whole: dict[str, t.Any] = {"type": "integer", "minimum": 0, "maximum": WHOLE_MAX}
    amount: dict[str, t.Any] = {"oneOf": [whole, {"type": "string", "pattern": f"^{AMOUNT}$"}]}
    if field.kind == "place":
        return {"oneOf": [{"type": "integer", "minimum": 1, "maximum": 9999}, text]}
    if field.choices:
        one = {"enum": list(field.choices)}
        return {"type": "array", "items": one} if field.kind == "texts" else one
    if field.kind == "list":
        return {"type": "array", "items": {"$ref": f"#/definitions/{field.ref}"}}
    simple: dict[str, dict[str, t.Any]] = {
        "text": text,
        "bool": {"type": "boolean"},
        "whole": whole,
        "amount": amount,
        "amounts": {"type": "array", "items": amount},
        "ids": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "counts": {"type": "object", "additionalProperties": whole},
        "fields": {"type": "object", "additionalProperties": text},
    }
    return _object(field.fields or {}) if field.kind == "map" else simple[field.kind]
