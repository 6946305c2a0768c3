# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The plan of an undo over accounts: what differs from the plan of fleet files. For C(fleet_plan) with C(undo_run)."""

from __future__ import annotations

import csv
import datetime
import os
import typing as t

from .._errors import OptionsError, Problem
from .._fleet.all_runs import find_run, in_journal
from .._fleet.documents import Failure, Json
from .._fleet.freeze import FreezeWindow
from .._fleet.limits import on_ice
from .._fleet.plan import Plans, Texts
from .._fleet.plan_account import PlanAccount
from .._fleet.plan_document import PlanDocument, UndoneRun
from .._fleet.plan_make import make_account, planned_parts, within_a_sku
from .._fleet.plan_options import PlanOptions
from .._fleet.plan_part import PlanRow, PlanRows
from .._fleet.record import RunRecord
from .._fleet.record_read import CODE
from .._plan.outcomes import write_csv
from .changes import Left
from .history import history_of, place_problems
from .undo import LEFT_FILE


class UndoPlans(Plans):
    """How the plan of an undo is made."""

    files: t.ClassVar[t.Mapping[str, str]] = {"json": "undo.json", "markdown": "undo.md", "html": "undo.html"}
    bases = "the accounts, the journal or the later runs"

    writes_another = False  # The approved file may be the one that would be written over. It stays the approved one.

    def __init__(self) -> None:
        self._record: RunRecord
        self._history: str | None = None
        self._all_known = False

    def problems(self, options: PlanOptions) -> t.Iterator[Problem]:
        """Everything that is wrong with the options, and with the record."""
        run, journal, told = str(options.undo_run), options.journal, options.told
        self._history, wrong = options.history, list[Problem]()
        try:
            self._record = find_run(run, journal, told)
            self._history = history_of(self._record, self._history, run)
            self._all_known = bool(self._history) or in_journal(self._record, journal, told)
        except OptionsError as error:
            wrong = [Problem(text, error.code) for text in error.details["problems"]]
        yield from place_problems(options.dest, run, self._history)
        yield from wrong
        if not wrong and all(entry.get("left_out") for entry in options.accounts):
            named = ", ".join(account.account for account in self._record.accounts[:20]) or "no account"
            yield Problem(f"The run {self._record.run} concerns {named}, and none of the accounts of this play.", CODE)

    @property
    def history(self) -> str | None:
        """The directory with the records of all runs, to which that of the undo belongs, too."""
        return self._history

    def account(self, entry: t.Mapping[str, t.Any]) -> PlanAccount:
        """The plan of an account that has one."""
        parts, rows = planned_parts(entry, "undo")
        freed: dict[tuple[str, str], int] = {}
        for number, part in enumerate(parts):
            pool = (str(part["kind"]), str(part.get("sku") or ""))
            result, rows[number] = _with_freed(part["result"], rows[number], freed.get(pool, 0))
            freed[pool] = freed.get(pool, 0) + (result["plan"].get("remove") or 0)
            parts[number] = {**part, "result": result}
        made = make_account(entry["account"], "", self._record.checksum, parts, rows, "undo")
        # A part predicts the pool without the other parts.
        alone = [part._replace(licenses=None, free=None) for part in made.parts]
        left = _left(str(entry.get("reports") or ""))
        notes = [str(note) for note in entry.get("notes") or []]
        incomplete = entry.get("incomplete") or []
        return within_a_sku(made._replace(parts=alone, incomplete=incomplete, left=left, notes=notes), "undo")

    def blocked(
        self, account: PlanAccount, windows: t.Sequence[FreezeWindow], now: datetime.datetime, *, approved: bool
    ) -> Failure | None:
        """Why an account must not be changed now.

        A part that the pool stops does not keep the others from being carried out.
        """
        ice = on_ice(account, windows, now, "Undo the run after that.")
        if account.status == "error":
            return account.failure
        over = [failure for failure in account.failures if failure.code == "guard_tripped" and not approved]
        return ice or next(iter(over), None)

    def document(
        self, _options: PlanOptions, accounts: list[PlanAccount], created: str, over: Failure | None
    ) -> PlanDocument:
        """The plan of all accounts, with the run that it reverses."""
        accounts = [account._replace(left=account.left or [], notes=account.notes or []) for account in accounts]
        document = PlanDocument(
            created,
            accounts,
            {},
            failure=over,
            undoes=UndoneRun(*(getattr(self._record, name) for name in UndoneRun._fields)),
            left=sum(len(account.left or ()) for account in accounts),
            later_runs_known=self._all_known,
        )
        return document.sealed()

    def write(self, dest: str, document: PlanDocument, texts: Texts) -> dict[str, str]:
        """Write the files of the plan, and the changes that stay as the run left them."""
        files = super().write(dest, document, texts)
        files["csv"] = os.path.join(dest, LEFT_FILE)
        rows = [(account.account, *row.values()) for account in document.accounts for row in account.left or ()]
        write_csv(files["csv"], ("account", *Left._fields), rows)
        return files


def _with_freed(result: Json, rows: t.Iterable[PlanRow], freed: int) -> tuple[Json, t.Iterable[PlanRow]]:
    """A part that only the pool stops, as it will be after the earlier parts have freed licenses."""
    failure = result.get("failure") or {}
    guards = failure.get("guards") or []
    short = sum(guard["planned"] - guard["allowed"] for guard in guards if guard["guard"] == "pool")
    if failure.get("code") != "pool_exhausted" or len(guards) != 1 or short > freed:
        return result, rows
    allowed = {key: value for key, value in result.items() if key not in ("failure", "failed", "msg")}
    return allowed, (
        {**row, "outcome": "assigned", "reason": ""} if row["outcome"] == "skipped" else row for row in rows
    )


def _left(reports: str) -> PlanRows:
    path = os.path.join(reports, LEFT_FILE)
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", newline="") as stream:
        return [{name: row.get(name) or "" for name in Left._fields} for row in csv.DictReader(stream)]
