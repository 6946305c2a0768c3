# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Which devices the sets of a fleet file mean: listed inline, in a CSV file, or selected from those of the account."""

from __future__ import annotations

import os
import typing as t

from .._devices.file import Layout, read_cells
from .._devices.filter import DeviceFilter, filter_from
from .._devices.ids import clean, problem, show
from .._errors import LicensingError, Problem
from .._text.lists import many
from .._thingspace.id_kinds import KINDS
from .account_parts import LICENSES
from .option_names import in_terms_of
from .read import DeviceSet, FleetAccount
from .schema import SELECT
from .yaml import Value

if t.TYPE_CHECKING:
    from .._devices.api import DeviceApi
    from .._devices.row import DeviceRow

CODE: t.Final = "fleet_file_invalid"

_HARDWARE = ("iccid", "imei", "eid", "meid", "esn")
"""The kinds of ids that are not numbers of a subscriber, in the order in which they are shown."""


class Named(t.NamedTuple):
    """A device, and where it is listed.

    :param line: in the fleet file or the CSV file; None if ThingSpace returned it.
    :param also: the ids of the other kind that ThingSpace returned with it, so that both name one SIM.
    """

    device: str
    path: str
    line: int | None
    also: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The location, for messages."""
        return self.path if self.line is None else f"{self.path}, line {self.line}"


class Unnamed(t.NamedTuple):
    """A device that a set selects, and that no request can name. It is wanted, and not as wanted.

    :param key: the same for all lines of the device.
    :param shown: what ThingSpace calls it, for people.
    :param why: why that does not name it.
    """

    one: DeviceSet
    key: str
    shown: str
    why: str


class Selection(t.NamedTuple):
    """What ThingSpace lists for a set.

    :param named: the devices that can be licensed; C(unnamed), the others.
    :param note: what an approver must know about it; empty if there is nothing.
    """

    named: list[Named]
    unnamed: list[Unnamed]
    note: str


class Listing(t.Protocol):
    """Lists the devices of an account."""

    def __call__(self, account: str) -> DeviceApi:
        """The device list of this account."""


def written_down(
    account: FleetAccount, one: DeviceSet, notes: list[str] | None = None
) -> tuple[list[Named], list[Problem]]:
    """The devices of a set that are known without asking ThingSpace.

    :param notes: notes about how a file was read are added to this list.
    """
    if one.ids is not None:
        entries: list[tuple[int, t.Any]] = [(line, _plain(value)) for line, value in one.ids]
        path = account.path
    elif one.file is not None:
        path = os.path.join(os.path.dirname(account.path), one.file)
        outside = _outside(os.path.dirname(account.path), path)
        if outside:
            return [], [Problem(f"{one.where}: 'file' of '{one.name}' is '{show(one.file)}', {outside}", CODE)]
        try:
            content = read_cells(path, Layout(one.column, one.kind, one.delimiter))
            entries = [(cell.line, cell.text) for cell in content.cells]
            if notes is not None:
                notes += content.notes
        except LicensingError as error:
            return [], [Problem(f"{one.where}: {in_terms_of('files', error.message)}", error.code)]
        if not entries:
            return [], [Problem(f"{one.where}: the file {path} of '{one.name}' names no device.", CODE)]
    else:
        return [], []
    named: list[Named] = []
    problems: list[Problem] = []
    for line, given in entries:
        if isinstance(given, Value):
            problems.append(Problem(f"{path}, line {line}: an id must be a text in quotes, not {_said(given)}.", CODE))
            continue
        device = given if given.isdigit() else clean(given)
        wrong = problem(device, one.kind)
        if wrong:
            problems.append(Problem(f"{path}, line {line}: {_bad(device, wrong)}.", "invalid_devices"))
        else:
            named.append(Named(device, path, line))
    return named, problems


def filter_of(one: DeviceSet) -> tuple[DeviceFilter, list[Problem]]:
    """The properties by which ThingSpace lists the devices of a set."""
    given = {**dict.fromkeys(SELECT), "device_id": None, "kind": "imei", **(one.select or {})}
    filters, problems = filter_from(given)
    found = [Problem(f"{one.where}: {problem.text}", problem.code) for problem in problems]
    if not (found or filters.body()):
        found.append(Problem(f"{one.where}: 'select' is empty; it would select the whole account.", CODE))
    return filters, found


def selected(account: FleetAccount, one: DeviceSet, listing: Listing) -> Selection:
    """The devices that ThingSpace lists for a set.

    :raises LicensingError: the list could not be read, or is not complete.
    """
    filters, _problems = filter_of(one)
    rows = listing(account.name).rows(filters)
    strays = sum(map(filters.contradicted_by, rows))
    if strays:
        raise LicensingError(
            f"{one.where}: {strays} of the {len(rows)} devices that ThingSpace returned for '{one.name}' do not look "
            "like what was asked for, so they are not used. Look at them with device_info, or name the devices.",
            code="bad_answer",
        )
    # A device with two lines appears in the list twice.
    named: dict[str, Named] = {}
    unnamed: dict[str, Unnamed] = {}
    for row in rows:
        device = row.ids.get(one.kind, "")
        wrong = problem(device, one.kind)
        if wrong is None:
            others = tuple(row.ids[kind] for kind in KINDS if kind != one.kind and row.ids.get(kind))
            also = (*named[device].also, *others) if device in named else others
            named[device] = Named(device, f"{one.where} ('select')", None, also)
        else:
            odd = _unnamed(one, row, wrong)
            unnamed.setdefault(odd.key, odd)
    return Selection([*named.values()], [*unnamed.values()], _note(account, one, len(rows), len(unnamed)))


def _unnamed(one: DeviceSet, row: DeviceRow, wrong: str) -> Unnamed:
    device, kind = row.ids.get(one.kind, ""), one.kind.upper()
    if device:
        return Unnamed(one, device, show(device), f"{kind} {show(device)} {wrong}")
    other = next((f"{known.upper()} {row.ids[known]}" for known in _HARDWARE if row.ids.get(known)), "no id")
    return Unnamed(one, row.identity, show(other), f"ThingSpace gives no {kind} for it")


def _note(account: FleetAccount, one: DeviceSet, count: int, unnamed: int) -> str:
    what = f"'select' of {quoted(one.name)} selects"
    if not count:
        return f"{what} no device."
    if not unnamed:
        return ""
    them, one_of_them = ("it", "it") if unnamed == 1 else ("them", "one of them")
    stay = " or ".join(f"a {name}" for kind, name in LICENSES.items() if one.wants(kind) and account.is_exact(kind))
    exact = f" Any other device may be {one_of_them}, so no device that the fleet file does not name loses {stay}."
    return (
        f"{what} {many(unnamed, 'device')} without a usable {one.kind.upper()}. No request can name {them}."
        f"{exact if stay else ''}"
    )


def quoted(name: str) -> str:
    """The name of a set, for a sentence."""
    return f"'{show(name)}'"


def new_listing(client: t.Any) -> Listing:
    """Lists devices with this client."""
    from .._devices.api import PAGE_SIZE, DeviceApi  # pylint: disable=import-outside-toplevel

    return lambda account: DeviceApi(client, account, PAGE_SIZE, personal=False)


def _outside(folder: str, path: str) -> str:
    """Why a list is not read; empty if its place is allowed. Fleet files must not give read access to other files."""
    base = os.path.realpath(folder)
    try:
        inside = os.path.commonpath([base, os.path.realpath(path)]) == base
    except ValueError:
        inside = False
    return (
        "" if inside else "outside of the directory of the fleet file. Put the list beside the fleet file or below it."
    )


def _bad(device: str, wrong: str) -> str:
    """A bad id and its problem. If it is mostly not digits, it is not shown: it may be a secret of another file."""
    if not device or 2 * sum(map(str.isdigit, device)) > len(device):
        return f"'{show(device)}' {wrong}"
    return "a row that looks like no id, and is not shown; an id has digits only"


def _plain(value: Value) -> t.Any:
    return value.text if value.kind in ("text", "other") else value


def _said(value: Value) -> str:
    if value.kind == "whole":
        return f"the number {show(value.text)} (a number loses its leading zeros)"
    return value.said
