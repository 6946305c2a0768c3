# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reads what a fleet file wants of an account, right where that is planned or carried out."""

from __future__ import annotations

import typing as t

from .._errors import OptionsError
from .._module import Context
from .account_parts import LICENSES, Lists, PartKind, RunOptions, Wanted, parts_of
from .accounts import read_fleet, resolved
from .files import account_entry
from .read import FleetAccount
from .wanted import WantedAccount


def from_files(context: Context, run: RunOptions) -> Wanted:
    """Read the fleet file of the account, and ask ThingSpace for the devices that it selects.

    :raises OptionsError: with every problem of the file.
    :raises LicensingError: ThingSpace or the journal cannot be read.
    """
    fleet, problems = read_fleet(run.src or [], [run.account], alone=True)
    if problems:
        raise OptionsError(problems)
    run.make_folder()
    ((account, wanted),) = resolved(context, fleet)
    entry, lists = account_entry(context, account, wanted, warn=context.check_mode)
    return Wanted(
        account.name,
        entry["digest"],
        list(parts_of(entry, lists, run)),
        {name: entry[name] for name in ("file", "freeze", "sets", "notes")},
        [*wanted.unnamed_rows(), *_kept(context, entry, lists, run)] if context.check_mode else [],
        _emptied(account, wanted),
        [*dict.fromkeys(device.one.name for device in wanted.unnamed if device.one.removal_candidate)],
        [one.name for one in wanted.empty if one.protected],
    )


def _emptied(account: FleetAccount, wanted: WantedAccount) -> dict[PartKind, list[str]]:
    """The sets that select no device, by what would be lost because of it."""
    found: dict[PartKind, list[str]] = {
        kind: [one.name for one in wanted.empty if one.wants(kind)] for kind in LICENSES if account.is_exact(kind)
    }
    found["removal_candidates"] = [one.name for one in wanted.empty if one.removal_candidate]
    return {kind: names for kind, names in found.items() if names}


def _kept(context: Context, entry: dict[str, t.Any], lists: Lists, run: RunOptions) -> list[dict[str, str]]:
    if not (run.journal and entry["simsec"]):
        return []
    # A module compiles what it imports, each time. Many fleets have no journal.
    from .kept import kept  # pylint: disable=import-outside-toplevel

    return kept(entry, lists, run, context.told)
