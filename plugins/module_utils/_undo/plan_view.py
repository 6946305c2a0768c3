# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What the pages of an undo's plan show: the plan, the run that it reverses, and what stays as the run left it."""

from __future__ import annotations

import collections
import typing as t

from .._fleet.plan_document import TITLES, Document
from .._fleet.plan_view import Approval, plan_view
from .._pages.plan import PARTS, TEMPLATES
from .._pages.render import MAX_ROWS, View, render
from .._pages.undo import TEMPLATES as UNDO

DONE = {"assigned": "assigned", "removed": "removed", "added": "added to the list", "moved": "moved on the list"}


def pages_of(
    document: Document,
    approval: Approval = "open",
    folder: str | None = None,
    *,
    cost: View | None = None,
    command: str = "",
) -> dict[str, str]:
    """The pages of the plan of an undo, by file name.

    :raises LicensingError: C(missing_library), C(template_failed).
    """
    view = undo_view(document, approval, cost=cost, command=command)
    return render({**PARTS, **TEMPLATES, **UNDO}, UNDO, view, folder)


def undo_view(document: Document, approval: Approval = "open", *, cost: View | None = None, command: str = "") -> View:
    """What the pages of an undo's plan show."""
    view = plan_view(document, approval, "nothing to undo", cost=cost, command=command)
    accounts = [
        {**shown, "notes": account["notes"], "stays": _stays(account["left"])}
        for shown, account in zip(view["accounts"], document["accounts"], strict=True)
    ]
    accounts = [{**one, "told": one["told"] or bool(one["notes"] or one["stays"]["count"])} for one in accounts]
    about = {"title": f"Undo of the run {document['undoes']['run']}", "run": document["undoes"], "accounts": accounts}
    return {**view, **about, "stay": document["left"], "later_runs_known": document["later_runs_known"]}


def _stays(rows: t.Sequence[Document]) -> View:
    """The changes of the run that are not undone, with the reasons."""
    counts = collections.Counter(row["code"].replace("_", " ") for row in rows)
    shown = [
        {**row, "license": f"{TITLES[row['kind']]} {row['sku']}".strip(), "done": DONE[row["done"]]}
        for row in rows[:MAX_ROWS]
    ]
    words = ", ".join(f"{count:,} {code}" for code, count in sorted(counts.items()))
    return {"count": len(rows), "words": words, "rows": shown}
