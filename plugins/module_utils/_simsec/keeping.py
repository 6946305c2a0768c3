# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Keeping the journal: the flow of C(simsec_journal), which moves it or gives a move up, deletes what is not needed any
more, or lets a copy take its place.
"""

from __future__ import annotations

import contextlib
import datetime
import typing as t

from .._client.stop import Told
from .._errors import LicensingError, OptionsError, Problem
from .._journal.clock import ago
from .._journal.facts import prune
from .._journal.file import PATIENCE
from .._journal.give_up import give_up
from .._journal.move import move
from .._journal.postgresql_settle import settle_here
from .._journal.stores import open_store
from .._module import Context, Result
from .._text.addresses import is_database, without_passwords

_LEAST_DAYS = 2
"""A report can belong to a request of the last hour, and people look at yesterday's."""


_ALONE = ("new_home", "give_up_move")
"""Options for a task of its own."""


def run(context: Context) -> Result:
    """Settle a copy, or give a move up; or move, then prune."""
    journal, source, days = (context.params[name] for name in ("journal", "from_journal", "prune_days"))
    alone = [name for name in _ALONE if context.params[name]]
    if problems := list(_problems(journal, source, days, alone)):
        raise OptionsError(problems)
    values: dict[str, t.Any] = {"place": without_passwords(journal)}
    changed, check, patience = False, context.check_mode, context.patience(PATIENCE)
    if "new_home" in alone:
        return Result(values, changed=settle_here(journal, told=context.told, patience=patience, check=check))
    if "give_up_move" in alone:
        values["given_up"] = give_up(journal, told=context.told, patience=patience, check=check)
        return Result(values, changed=bool(values["given_up"]))
    if source:
        moved = move(source, journal, told=context.told, patience=patience, check=check)
        values["moved"] = {"identity": moved.identity, "rows": moved.rows, "from": without_passwords(source)}
        changed = moved.changed
    if days is not None:
        # What would be moved is still at its old place.
        place = source if check and changed else journal
        values["pruned"] = _prune(place, days, check=check, told=context.told, patience=patience)
        changed = changed or any(values["pruned"].values())
    return Result(values, changed=changed)


def _prune(place: str, days: int, *, check: bool, told: Told, patience: float) -> dict[str, int]:
    with contextlib.closing(open_store(place, write=False, told=told, patience=patience)) as store:
        if store.missing:
            raise LicensingError(f"There is no journal at {store.name}.", code="journal_unusable")
        if check:
            return prune(store, ago(datetime.timedelta(days=days)), check=True)
    with contextlib.closing(open_store(place, write=True, told=told, patience=patience)) as store:
        return prune(store, ago(datetime.timedelta(days=days)), check=False)


def _problems(journal: str | None, source: str | None, days: int | None, alone: t.Sequence[str]) -> t.Iterator[Problem]:
    others = [name for name, value in (("from_journal", source), ("prune_days", days)) if value is not None]
    if not journal:
        yield Problem("'journal' is missing. Set it, or THINGSPACE_JOURNAL.")
    if not alone and not others:
        text = "There is nothing to do: set 'from_journal', 'prune_days', 'new_home', or 'give_up_move'."
        yield Problem(f"{text} For the status, use simsec_license_info.")
    if alone and len([*alone, *others]) > 1:
        yield Problem(f"{' and '.join([*alone, *others])} contradict each other. Use a task for each of them.")
    if "new_home" in alone and journal and not is_database(journal):
        yield Problem(f"'new_home' is for a database. Beside a file, {journal}.id says which journal is there.")
    if source == "":
        yield Problem("'from_journal' is empty. Name the journal that is to be moved.")
    if days is not None and days < _LEAST_DAYS:
        yield Problem(f"'prune_days' is {days}; it must be {_LEAST_DAYS} or more.")
