# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reads fleet files as a whole: every file, every set, and all checks, before anything is requested or written."""

from __future__ import annotations

import contextlib
import os
import re
import typing as t

from .._account import account_problems
from .._devices.ids import show
from .._errors import LicensingError, OptionsError, Problem
from .._module import Context
from .._text.lists import first
from .devices import CODE, Listing, Named, Selection, filter_of, new_listing, selected, written_down
from .freeze import read_window
from .read import DeviceSet, FleetAccount, read_accounts
from .wanted import WantedAccount, check_account, check_all
from .yaml import YAML_IMPORT_ERROR, read_yaml

Contents = list[tuple[DeviceSet, list[Named]]]

_PLACE = re.compile(r"(.+?)(?:, line ([0-9]+))?: ")


class Fleet(t.NamedTuple):
    """The accounts of all files, with the devices that are known without asking ThingSpace."""

    accounts: list[tuple[FleetAccount, Contents]]
    notes: tuple[str, ...] = ()

    @property
    def selects(self) -> bool:
        """Whether ThingSpace must be asked for devices."""
        return any(account.selects for account, _contents in self.accounts)


def read_fleet(
    sources: t.Sequence[str], names: t.Sequence[str] | None, *, alone: bool = False
) -> tuple[Fleet, list[Problem]]:
    """Read fleet files and the CSV files that they name. Returns them with all problems, each file from top to bottom.

    :param sources: files, or directories with such files.
    :param names: the accounts to keep; None keeps all. All of them are checked in any case.
    :param alone: whether the other accounts were checked already, so that their devices are not read.
    """
    if YAML_IMPORT_ERROR:
        text = "The Python library PyYAML is missing; ansible-core brings it, so run this with Ansible's own Python."
        return Fleet([]), [Problem(text, "missing_library")]
    paths, problems, notes = files_of(sources)
    accounts: list[FleetAccount] = []
    for path in paths:
        try:
            found, wrong = read_accounts(path, read_yaml(path))
        except LicensingError as error:
            wrong = [Problem(error.message, error.code)]
        else:
            accounts += found
        problems += wrong
    fleet: list[tuple[FleetAccount, Contents]] = []
    for account in accounts:
        if alone and names is not None and account.name not in names:
            continue
        contents: Contents = []
        for one in account.devices:
            devices, wrong = written_down(account, one, notes)
            problems += wrong + (filter_of(one)[1] if one.select is not None else [])
            contents.append((one, devices))
        problems += [Problem(f"{account.where}: {wrong.text}", wrong.code) for wrong in account_problems(account.name)]
        problems += _window_problems(account)
        fleet.append((account, contents))
    problems += _checked(fleet, asked=False)[1]
    problems += _unknown(accounts, names)
    if names is not None:
        fleet = [(account, contents) for account, contents in fleet if account.name in names]
    return Fleet(fleet, tuple(notes)), _from_top_to_bottom(problems, paths)


def resolve(
    fleet: Fleet, listing: Listing | None
) -> tuple[list[tuple[FleetAccount, WantedAccount]], list[Problem], list[str]]:
    """Ask ThingSpace for the selected devices. Returns what is wanted, the problems, and the warnings.

    :raises LicensingError: a list could not be read.
    """
    warnings = list(fleet.notes)
    filled: list[tuple[FleetAccount, Contents]] = []
    selections: list[list[tuple[DeviceSet, Selection]]] = []
    for account, contents in fleet.accounts:
        sets: Contents = []
        found: list[tuple[DeviceSet, Selection]] = []
        for one, known in contents:
            selection = selected(account, one, listing) if one.select is not None and listing else None
            found += [(one, selection)] if selection else []
            sets.append((one, selection.named if selection else known))
        filled.append((account, sets))
        selections.append(found)
    accounts, problems = _checked(filled, asked=listing is not None)
    for (_account, wanted), found in zip(accounts, selections, strict=True):
        for one, selection in found:
            wanted.take(one, selection)
            warnings += [f"{one.where}: {selection.note}"] if selection.note else []
    return accounts, problems, warnings


def resolved(context: Context, fleet: Fleet, *, offline: bool = False) -> list[tuple[FleetAccount, WantedAccount]]:
    """Ask ThingSpace for the selected devices, unless C(offline), and return what is wanted of each account.

    :raises OptionsError: with all problems.
    :raises LicensingError: a list could not be read.
    """
    # Credentials are needed only if ThingSpace must be asked, so files can be checked anywhere.
    listing = new_listing(context.connect([])) if fleet.selects and not offline else None
    found, problems, warnings = resolve(fleet, listing)
    for warning in warnings:
        context.warn(warning)
    if problems:
        raise OptionsError(problems)
    return found


def _checked(
    fleet: t.Sequence[tuple[FleetAccount, Contents]], *, asked: bool
) -> tuple[list[tuple[FleetAccount, WantedAccount]], list[Problem]]:
    """Check each account, and all accounts against each other.

    :param asked: whether ThingSpace has returned the selected devices.
    """
    problems: list[Problem] = []
    found: list[tuple[FleetAccount, WantedAccount]] = []
    for account, contents in fleet:
        complete = asked or not account.selects
        wanted, wrong = check_account(account, contents, complete=complete)
        problems += wrong
        found.append((account, wanted))
    return found, [*problems, *check_all(found)]


def _from_top_to_bottom(problems: t.Iterable[Problem], paths: t.Sequence[str]) -> list[Problem]:
    """The problems in the order in which somebody goes through the fleet files. Those of other files come last."""
    order = {path: place for place, path in enumerate(paths)}

    def place(problem: Problem) -> tuple[int, int]:
        found = _PLACE.match(problem.text)
        return (order.get(found[1], len(order)), int(found[2] or 0)) if found else (len(order), 0)

    return sorted(problems, key=place)


def _window_problems(account: FleetAccount) -> t.Iterator[Problem]:
    for settings in account.freeze:
        for text in read_window(settings)[1]:
            yield Problem(f"{account.where}: the freeze window '{settings.get('name', '')}': {text}.", CODE)


def _unknown(accounts: t.Sequence[FleetAccount], names: t.Sequence[str] | None) -> t.Iterator[Problem]:
    if names is not None and not names:
        yield Problem("'accounts' is empty. Leave it out to have all accounts.", CODE)
    known = {account.name for account in accounts}
    for name in names or ():
        if name not in known:
            listed = ", ".join(sorted(known)[:20]) or "none"
            yield Problem(f"No fleet file names the account '{name[:60]}'. There are: {listed}.", CODE)


def places_of_account(folder: str, account: str) -> list[tuple[str, str]]:
    """The files of a directory that name an account, each with the place in it. One with problems may name it, too."""
    found = []
    for path in [] if YAML_IMPORT_ERROR else files_of([folder])[0]:
        # The next plan says what cannot be read.
        with contextlib.suppress(LicensingError, OSError):
            # A directory may have thousands of files of other accounts.
            accounts = read_accounts(path, read_yaml(path))[0] if _has(path, account) else []
            found += [(path, one.where) for one in accounts if one.name == account]
    return found


def _has(path: str, text: str) -> bool:
    with open(path, "rb") as stream:
        return text.encode() in stream.read()


def files_of(sources: t.Sequence[str]) -> tuple[list[str], list[Problem], list[str]]:
    """The files, the problems with them, and a note about files that are not read."""
    paths: list[str] = []
    problems: list[Problem] = []
    notes: list[str] = []
    for source in sources:
        if not os.path.isdir(source):
            paths.append(source)
            continue
        try:
            names = os.listdir(source)
        except OSError as error:
            problems.append(Problem(f"{source}: {error.strerror or 'it cannot be read'}.", CODE))
            continue
        found = _fleet_files(names)
        notes += _left_out(source)
        if not found:
            problems.append(Problem(f"{source}: the directory holds no fleet file (*.yml).", CODE))
        paths += [os.path.join(source, name) for name in found]
    if not sources:
        problems.append(Problem("'src' names no fleet file.", CODE))
    return paths, problems, notes


def _fleet_files(names: t.Iterable[str]) -> list[str]:
    return sorted(name for name in names if name.endswith((".yml", ".yaml")) and name[0] != ".")


def _left_out(source: str) -> list[str]:
    """A note about files in subdirectories. These may be anything, so they are not read, but they are mentioned."""
    found: list[str] = []
    for folder, folders, names in os.walk(source):
        folders[:] = sorted(name for name in folders if name[0] != ".")
        if folder != source:
            found += [os.path.relpath(os.path.join(folder, name), source) for name in _fleet_files(names)]
    if not found:
        return []
    named = first(found, 5, tell=show)
    return [f"{source}: files in subdirectories are not read: {named}. Name their directories in 'src', too."]
