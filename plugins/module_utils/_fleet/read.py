# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Turns the values of a fleet file into accounts and sets of devices. Every problem has its file and line."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._devices.ids import show
from .._errors import Problem
from .._plan.waves import size_problems
from .._thingspace.id_kinds import KIND, Kind
from .account_parts import LicenseKind, PartKind
from .schema import ACCOUNT, AMOUNT, FILE, FREEZE, PURPOSES, SOURCES, Field, Table
from .yaml import Value, printable

_KINDS = {"text": "text", "bool": "bool", "whole": "whole", "ids": "list", "texts": "list", "list": "list"}
_WANTED = {
    "text": "a text in quotes",
    "bool": "true or false",
    "whole": "a whole number",
    "amount": "a number like 20 or a percentage like 5%",
    "place": "a name in quotes, or a number from 1",
    "amounts": "a list of numbers like 20 and percentages like 5%",
    "ids": "a list of ids in quotes",
    "texts": "a list of texts",
    "list": "a list",
    "map": "a mapping",
    "counts": "a mapping of names to numbers",
    "fields": "a mapping of names to texts",
}

_NESTED = {("amounts", "list"), ("counts", "dict"), ("fields", "dict")}
"""Kinds of fields that contain values, with the kind that their own value has in the file."""

Fields = dict[str, t.Any]


@dataclasses.dataclass
class DeviceSet:
    """Devices that hold the same licenses.

    :param where: file and line, for messages.
    :param simsec_where: file and line of C(simsec).
    :param ids: as written in the file, with their lines; None if they come from elsewhere.
    :param select: the properties by which ThingSpace lists them.
    """

    name: str
    where: str
    ids: list[tuple[int, Value]] | None
    file: str | None
    column: str | None
    select: Fields | None
    kind: Kind
    fota: bool
    simsec: str | None
    removal_candidate: bool
    protected: bool
    delimiter: str | None = None
    simsec_where: str = ""

    def wants(self, kind: LicenseKind) -> bool:
        """Whether its devices hold this kind of license."""
        return bool(getattr(self, kind))


@dataclasses.dataclass
class FleetAccount:
    """What a fleet file says about an account. A part that it does not mention is None."""

    name: str
    path: str
    where: str
    fota: Fields | None
    simsec: Fields | None
    removal_candidates: Fields | None
    freeze: list[Fields]
    devices: list[DeviceSet]

    @property
    def selects(self) -> bool:
        """Whether ThingSpace must be asked for devices."""
        return any(one.select is not None for one in self.devices)

    def manages(self, part: PartKind) -> bool:
        """Whether this kind of license, or the list, is managed: there are settings for it, or a set wants it."""
        purpose = "removal_candidate" if part == "removal_candidates" else part
        return getattr(self, part) is not None or any(getattr(one, purpose) for one in self.devices)

    def is_exact(self, kind: LicenseKind) -> bool:
        """Whether devices lose this kind of license if no set wants it."""
        return self.manages(kind) and (getattr(self, kind) or {}).get("state", "exact") == "exact"


def read_accounts(path: str, root: Value) -> tuple[list[FleetAccount], list[Problem]]:
    """The accounts of a file, and all problems with their form."""
    reader = _Reader(path)
    if root.kind == "dict" and "accounts" in root.fields:
        made = reader.table(root, FILE, "the file")
        entries = root.fields["accounts"].items if made else ()
    else:
        entries = (root,)
    accounts = [reader.account(entry) for entry in entries]
    return [account for account in accounts if account is not None], reader.problems


class _Reader:
    """Reads one file."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.problems: list[Problem] = []

    def _wrong(self, line: int, text: str) -> None:
        self.problems.append(Problem(f"{self._path}, line {line}: {printable(text)}", "fleet_file_invalid"))

    def account(self, value: Value) -> FleetAccount | None:
        """One account, as far as it can be read."""
        made = self.table(value, ACCOUNT, "an account")
        if made is None:
            return None
        sets = [self._device_set(entry) for entry in made.get("devices", ())]
        windows = [self.table(entry, FREEZE, "a freeze window") for entry in made.get("freeze", ())]
        if "account" not in made:
            return None
        return FleetAccount(
            made["account"],
            self._path,
            f"{self._path}, line {value.line}",
            fota=made.get("fota"),
            simsec=made.get("simsec"),
            removal_candidates=made.get("removal_candidates"),
            freeze=[one for one in windows if one is not None],
            devices=[one for one in sets if one is not None],
        )

    def _device_set(self, value: Value) -> DeviceSet | None:
        field = ACCOUNT["devices"].fields or {}
        made = self.table(value, field, "a set of devices")
        if made is None:
            return None
        sources = [source for source in SOURCES if source in value.fields]
        if len(sources) != 1:
            found = f"it has {' and '.join(sources)}" if sources else "it has none of them"
            self._wrong(value.line, f"a set of devices needs exactly one of ids, file and select; {found}.")
        if not any(made.get(name) for name in PURPOSES):
            text = "this set says nothing about its devices: give it fota, simsec, removal_candidate or protected."
            self._wrong(value.line, text)
        name = made.get("name", "")
        ids = [(item.line, item) for item in made["ids"]] if "ids" in made else None
        return DeviceSet(
            name=name,
            where=f"{self._path}, line {value.line}",
            ids=ids,
            kind=made.get("kind", KIND),
            file=made.get("file"),
            column=made.get("column"),
            delimiter=made.get("delimiter"),
            select=made.get("select"),
            simsec=made.get("simsec"),
            simsec_where=f"{self._path}, line {value.fields['simsec'].line}" if "simsec" in made else "",
            fota=made.get("fota", False),
            removal_candidate=made.get("removal_candidate", False),
            protected=made.get("protected", False),
        )

    def table(self, value: Value, fields: Table, what: str) -> Fields | None:
        """The fields of a mapping; None if it is not a mapping."""
        if value.kind != "dict":
            hint = "; write {} for the defaults" if value.kind == "null" and what[0] == "'" else ""
            self._wrong(value.line, f"{what} is a mapping ('key: value' lines), not {value.said}{hint}.")
            return None
        made: Fields = {}
        for name, given in value.fields.items():
            field = fields.get(name)
            if field is None:
                self._wrong(given.line, f"'{show(name)}' is unknown in {what}. Known are {', '.join(fields)}.")
                continue
            known, read = self._field(name, field, given)
            if known:
                made[name] = read
        for name, field in fields.items():
            if field.required and name not in value.fields:
                self._wrong(value.line, f"{what} lacks '{name}'.")
            if name in value.fields and field.needs and field.needs not in value.fields:
                self._wrong(value.fields[name].line, f"'{name}' goes with '{field.needs}'.")
        return made

    def _field(self, name: str, field: Field, value: Value) -> tuple[bool, t.Any]:
        """Whether the value is of the right kind, and its meaning."""
        if field.filled and value.kind in ("list", "dict") and not (value.items or value.fields):
            self._wrong(value.line, f"'{name}' is empty.")
            return False, None
        if (field.kind, value.kind) in _NESTED or field.kind == "map":
            return self._nested(name, field, value)
        if field.kind == "amount" and value.kind in ("whole", "text"):
            good = re.fullmatch(AMOUNT, value.text.strip()) is not None
        elif field.kind == "place" and value.kind == "whole":
            good = re.fullmatch("[1-9][0-9]{0,3}", value.text) is not None
        elif field.kind == "place":
            good = value.kind == "text" and bool(value.text.strip())
        else:
            good = value.kind == _KINDS.get(field.kind) and (value.kind != "text" or bool(value.text.strip()))
        if good and field.kind == "whole":
            # A leading zero would make it octal, and an underscore is for programmers.
            good = re.fullmatch("0|[1-9][0-9]{0,8}", value.text) is not None
        if not good:
            hint = "; a number loses its leading zeros" if field.kind == "text" and value.kind == "whole" else ""
            said = self._said(value)
            self._wrong(value.line, f"'{name}' is {said}; it must be {_WANTED[field.kind]}{hint}.")
            return False, None
        if field.choices and value.kind != "list" and value.text not in field.choices:
            self._wrong(value.line, f"'{name}' is '{show(value.text)}'; it must be one of {', '.join(field.choices)}.")
            return False, None
        return self._converted(name, field, value)

    def _converted(self, name: str, field: Field, value: Value) -> tuple[bool, t.Any]:
        """The meaning of a value of the right kind. Entries of a list may still be of the wrong kind."""
        if field.kind == "whole":
            return True, int(value.text)
        if field.kind == "bool":
            return True, value.text.lower() in ("true", "yes", "on")
        if field.kind == "texts":
            entries = [self._field(name, field._replace(kind="text", filled=False), item) for item in value.items]
            return all(good for good, _text in entries), [text for _good, text in entries]
        return True, value.items if value.kind == "list" else value.text.strip()

    def _nested(self, name: str, field: Field, value: Value) -> tuple[bool, t.Any]:
        """A value that contains others, as far as they can be read."""
        if field.kind == "map":
            made = self.table(value, field.fields or {}, f"'{name}'")
            return made is not None, made
        if field.kind == "amounts":
            return self._sizes(name, value)
        inner = Field("whole" if field.kind == "counts" else "text", "")
        pairs = {key: self._field(f"{name}.{show(key)}", inner, given) for key, given in value.fields.items()}
        return True, {key: read for key, (good, read) in pairs.items() if good}

    def _sizes(self, name: str, value: Value) -> tuple[bool, list[str] | None]:
        """The sizes of waves."""
        entries = [self._field(f"{name}[{place}]", Field("amount", ""), item) for place, item in enumerate(value.items)]
        if not all(good for good, _read in entries):
            return False, None
        sizes = [read for _good, read in entries]
        for wrong in size_problems(sizes):
            self._wrong(value.line, f"'{name}' {wrong}.")
        return True, sizes

    @staticmethod
    def _said(value: Value) -> str:
        if value.kind == "text":
            return f"'{show(value.text)}'" if value.text.strip() else "empty"
        return f"the number {show(value.text)}" if value.kind == "whole" else value.said
