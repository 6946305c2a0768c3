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
from .._fleet.freeze import Window
from .._fleet.limits import on_ice, over_a_sku
from .._fleet.plan import Plans, Texts, parts_of
from .._fleet.plan_document import Document, judged_account, make_account, make_document, sealed
from .._fleet.plan_view import Approval
from .._fleet.record import CODE, read_record
from .._pages.render import View
from .._plan.outcomes import write_csv
from .changes import Left
from .history import history_of, place_problems
from .plan_view import pages_of
from .undo import LEFT_FILE


class UndoPlans(Plans):
    """How the plan of an undo is made."""

    files: t.ClassVar[t.Mapping[str, str]] = {"json": "undo.json", "markdown": "undo.md", "html": "undo.html"}
    bases = "the accounts, the journal or the later runs"

    writes_another = False  # The approved file may be the one that would be written over. It stays the approved one.

    def __init__(self) -> None:
        self._record: Document = {}
        self._history: str | None = None

    def problems(self, params: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
        """Everything that is wrong with the options, and with the record."""
        yield from place_problems(params["dest"], params["undo_run"], params["history"])
        try:
            self._record = read_record(params["undo_run"])
            self._history = history_of(self._record, params["history"])
        except OptionsError as error:
            yield from (Problem(text, error.code) for text in error.details["problems"])
            return
        if all(entry.get("left_out") for entry in params["accounts"]):
            named = ", ".join(account["account"] for account in self._record["accounts"][:20]) or "no account"
            yield Problem(
                f"The run {self._record['run']} concerns {named}, and none of the accounts of this play.", CODE
            )

    @property
    def history(self) -> str | None:
        """The directory with the records of all runs, to which that of the undo belongs, too."""
        return self._history

    def account(self, entry: t.Mapping[str, t.Any]) -> Document:
        """The plan of an account that has one."""
        parts, rows = parts_of(entry)
        freed: dict[tuple[str, str], int] = {}
        for number, part in enumerate(parts):
            pool = (str(part["kind"]), str(part.get("sku") or ""))
            result, rows[number] = _with_freed(part["result"], rows[number], freed.get(pool, 0))
            freed[pool] = freed.get(pool, 0) + (result["plan"].get("remove") or 0)
            parts[number] = {**part, "result": result}
        made = make_account(entry["account"], "", self._record["checksum"], parts, rows)
        # A part predicts the pool without the other parts.
        made["parts"] = [{**part, "licenses": None, "free": None} for part in made["parts"]]
        over = over_a_sku(made["parts"])
        made = judged_account(
            {**made, **({"failure": over} if over else {}), "incomplete": entry.get("incomplete") or []}
        )
        left = _left(str(entry.get("reports") or ""))
        return {**made, "left": left, "notes": [str(note) for note in entry.get("notes") or []]}

    def blocked(
        self, account: Document, windows: t.Sequence[Window], now: datetime.datetime, *, approved: bool
    ) -> Document | None:
        """Why an account must not be changed now.

        A part that the pool stops does not keep the others from being carried out.
        """
        ice = on_ice(account, windows, now, "Undo the run after that.")
        if account["status"] == "error":
            return t.cast(Document, account["failure"])
        failures = [thing["failure"] for thing in (account, *account["parts"]) if "failure" in thing]
        over = [failure for failure in failures if failure["code"] == "guard_tripped" and not approved]
        return ice or next(iter(over), None)

    def document(self, accounts: list[Document], created: str, over: Document | None) -> Document:
        """The plan of all accounts, with the run that it reverses."""
        document = make_document([{"left": [], "notes": [], **account} for account in accounts], created, over)
        about = {name: self._record[name] for name in ("run", "kind", "started", "ended", "status", "plan")}
        left = sum(len(account["left"]) for account in document["accounts"])
        return sealed({**document, "undoes": about, "left": left, "later_runs_known": bool(self._history)})

    def pages(
        self, document: Document, approval: Approval, templates: str | None, *, cost: View | None, command: str
    ) -> dict[str, str]:
        """The pages of the plan, by file name."""
        return pages_of(document, approval, templates, cost=cost, command=command)

    def write(self, dest: str, document: Document, texts: Texts) -> dict[str, str]:
        """Write the files of the plan, and the changes that stay as the run left them."""
        files = super().write(dest, document, texts)
        files["csv"] = os.path.join(dest, LEFT_FILE)
        rows = [(account["account"], *row.values()) for account in document["accounts"] for row in account["left"]]
        write_csv(files["csv"], ("account", *Left._fields), rows)
        return files


def _with_freed(result: Document, rows: t.Iterable[Document], freed: int) -> tuple[Document, t.Iterable[Document]]:
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


def _left(reports: str) -> list[Document]:
    path = os.path.join(reports, LEFT_FILE)
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", newline="") as stream:
        return [{name: row.get(name) or "" for name in Left._fields} for row in csv.DictReader(stream)]
