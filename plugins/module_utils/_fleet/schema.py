# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What a fleet file may say: one table, from which files are checked and the published JSON schema is made."""

from __future__ import annotations

import typing as t

from .._options import DELIMITERS, FOTA_LICENSE_SPEC, REMOVAL_CANDIDATES_SPEC, Spec
from .._thingspace.api_versions import API_VERSION, API_VERSIONS, CANDIDATES_VERSION, CANDIDATES_VERSIONS
from .._thingspace.id_kinds import KIND, KINDS, LENGTHS
from .._thingspace.id_kinds import Kind as IdKind

Kind = t.Literal[
    "text", "place", "bool", "whole", "amount", "amounts", "ids", "texts", "map", "list", "counts", "fields"
]


class Field(t.NamedTuple):
    """A field of a mapping.

    :param kind: C(place) is the name of a column, or its number from 1; C(amount) is a number or a share like V(5%),
        C(amounts) a list of them; C(ids) a list of device ids;
        C(texts) one of choices;
        C(counts) a mapping of names to numbers; C(fields) a mapping of names to texts; C(map) and C(list) have
        fields of their own.
    :param help: what it means.
    :param fields: of a C(map), or of each entry of a C(list).
    :param ref: the name of a list's entries in the JSON schema.
    :param filled: whether a list or a mapping must not be empty.
    :param needs: the field beside it without which it means nothing.
    """

    kind: Kind
    help: str
    required: bool = False
    choices: tuple[str, ...] = ()
    fields: t.Mapping[str, Field] | None = None
    ref: str = ""
    filled: bool = False
    needs: str = ""


Table = t.Mapping[str, Field]


def _choices(spec: Spec, name: str) -> tuple[str, ...]:
    """The choices of the option of a module that a field is handed to."""
    return tuple(spec[name]["choices"])


_GUARDS: dict[str, Field] = {
    "max_changes": Field("whole", "How many devices a run may touch."),
    "max_removals": Field("amount", "How many devices a run may take away from, as a number or a share like 5%."),
}
_WAVES: dict[str, Field] = {
    "waves": Field(
        "amounts",
        "How many devices are done first, and then in all, before the others: numbers, or shares like 5%.",
        filled=True,
    ),
    "max_failures": Field(
        "amount",
        "How many devices of the waves so far may not be as wanted, as a number or a share like 5%. The default is 0.",
        needs="waves",
    ),
}
_RESERVE = Field("whole", "How many licenses must stay free.")
_STATE = Field(
    "text",
    "exact: nobody else holds a license; present: others are left alone. The default is exact.",
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
        "What it means that a device is a removal candidate.",
        choices=_choices(FOTA_LICENSE_SPEC, "removal_candidates"),
    ),
}

SIMSEC: dict[str, Field] = {
    "state": _STATE._replace(
        help="exact: what the journal knows to hold a license that is not wanted any more, loses it; present: it keeps "
        "it. The default is exact."
    ),
    **_GUARDS,
    "reserve": _RESERVE,
    **_WAVES,
    "retry_failed": Field("bool", "Whether devices whose request failed are sent again."),
    "retry_unknown": Field(
        "bool", "Whether devices are sent again of whose request nobody knows what came of it, or not any more."
    ),
    "lifetime_consent": Field("counts", "For each lifetime SKU, how many devices a run may bind for life."),
    "lifetime_elsewhere": Field(
        "counts", "For each lifetime SKU, how many licenses are known to be assigned that the journal does not know of."
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
    "name": Field("text", "Why nothing is to change; it stands in messages.", required=True),
    "from": Field("text", "When it begins, like 2026-12-20 or 2026-12-20 18:00."),
    "until": Field("text", "When it ends; a day alone is meant whole."),
    "days": Field("texts", "Only on these days of the week.", choices=DAYS, filled=True),
    "hours": Field("text", "Only at these hours, like 18:00-06:00, which belong to the day on which they begin."),
    "timezone": Field("text", "Whose time is meant, like Europe/Berlin. The default is UTC."),
    "what": Field(
        "text",
        "all: nothing is changed; removals: nothing is changed if licenses would be taken away. The default is all.",
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
    "name": Field("text", "What this set of devices is called in messages.", required=True),
    "ids": Field("ids", "The devices, each id in quotes.", filled=True),
    "file": Field("text", "A CSV file with the devices, relative to the fleet file, in its directory or below."),
    "column": Field(
        "place", "The column of the file that holds the ids: its name, or its number from 1.", needs="file"
    ),
    "delimiter": Field(
        "text",
        "What separates the columns of the file, where that is not clear.",
        choices=tuple(DELIMITERS),
        needs="file",
    ),
    "select": Field("map", "The devices that ThingSpace lists with these properties.", fields=SELECT, filled=True),
    "kind": Field("text", f"What the ids are. The default is {KIND}.", choices=KINDS),
    "fota": Field("bool", "They hold a FOTA license."),
    "simsec": Field("text", "The SKU of the SIM-Secure license that they hold."),
    "removal_candidate": Field(
        "bool", "They lose the FOTA license first when the subscription shrinks, in this order."
    ),
    "protected": Field("bool", "They may never be removal candidates."),
}

ACCOUNT: dict[str, Field] = {
    "account": Field("text", "The billing account, in quotes, like 0000123456-00001.", required=True),
    "fota": Field(
        "map",
        "How FOTA licenses are managed. Without this and without a set that wants one, they are left alone.",
        fields=FOTA,
    ),
    "simsec": Field("map", "How SIM-Secure licenses are managed.", fields=SIMSEC),
    "removal_candidates": Field("map", "How the removal candidate list is managed.", fields=CANDIDATES),
    "freeze": Field("list", "Times in which the account is left as it is.", fields=FREEZE, ref="freeze", filled=True),
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
"""A file of several accounts; a file of one account is that account itself."""

SOURCES = ("ids", "file", "select")
"""Exactly one of these names the devices of a set."""

PURPOSES = ("fota", "simsec", "removal_candidate", "protected")
"""At least one of these says what a set is for."""

WHOLE_MAX = 999_999_999
AMOUNT = r"(?:0|[1-9][0-9]{0,8}|(?:100(?:\.0+)?|[0-9]{1,2}(?:\.[0-9]+)?)%)"
"""A whole number, or a share."""


def json_schema() -> dict[str, t.Any]:
    """The published JSON schema; of the newest draft that editors know well."""
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
