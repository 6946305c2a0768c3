# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The plan of an undo as Markdown: what is reversed first, then what is not, and why."""

from __future__ import annotations

import collections
import typing as t

from .._fleet.plan_document import TITLES, Document
from .._fleet.plan_markdown import HEADLINES, MAX_ROWS, in_words, part_lines, plain, status_of
from .._text.lists import many

DONE = {"assigned": "assigned", "removed": "removed", "added": "added to the list", "moved": "moved on the list"}


def as_markdown(document: Document) -> str:
    """The whole plan."""
    run = document["undoes"]
    until = f"to {run['ended']}" if run["ended"] else "without an end"
    lines = [f"# Undo of the run {plain(run['run'])}: {HEADLINES[document['status']].lower()}", ""]
    lines += [f"The run ({run['kind']}) was from {run['started']} {until}, its status is {run['status']}.", ""]
    if not document["later_runs_known"]:
        lines += ["**Later runs are not known: no history was given.** Their changes may be undone, too.", ""]
    stay = many(document["left"], "that stays as the run left it", "that stay as the run left them")
    left = f", **{stay}**" if document["left"] else ""
    lines += [
        f"**{in_words(document['totals'])}**{left}.",
        "",
        "| account | undone | stays | status |",
        "|---|---|---|---|",
    ]
    lines += [_row(account) for account in document["accounts"]]
    for account in document["accounts"]:
        lines += _account(account)
    lines += ["", f"Plan digest: `{document['digest']}`", ""]
    return "\n".join(lines)


def _row(account: Document) -> str:
    parts = [
        f"{TITLES[part['kind']]} {plain(part['sku'])}".strip() + f": {in_words(part['plan'])}"
        for part in account["parts"]
        if part["status"] != "no_change"
    ]
    return f"| {plain(account['account'])} | {'; '.join(parts)} | {len(account['left'])} | {status_of(account)} |"


def _account(account: Document) -> t.Iterator[str]:
    if account["status"] == "no_change" and not (account["left"] or account["notes"]):
        return
    yield from ("", f"## {plain(account['account'])}", "")
    if "failure" in account:
        yield f"**{plain(account['failure']['code'])}**: {plain(account['failure']['message'])}"
    if "frozen" in account:
        yield from (f"**frozen**: {plain(account['frozen'])}", "")
    for note in account["notes"]:
        yield from (plain(note), "")
    for part in account["parts"]:
        if part["status"] != "no_change":
            yield from part_lines(part)
    if account["left"]:
        yield from _left(account["left"])


def _left(rows: t.Sequence[Document]) -> t.Iterator[str]:
    counts = collections.Counter(row["code"] for row in rows)
    named = ", ".join(f"{count} {plain(code)}" for code, count in sorted(counts.items()))
    yield from (f"### Not undone: {named}", "", "| license | device | was | why it stays |", "|---|---|---|---|")
    for row in rows[:MAX_ROWS]:
        title = f"{TITLES[row['kind']]} {plain(row['sku'])}".strip()
        yield f"| {title} | {plain(row['device_id'])} | {DONE[row['done']]} | {plain(row['reason'])} |"
    if len(rows) > MAX_ROWS:
        yield f"| ... | and {len(rows) - MAX_ROWS} more | | see cannot.csv |"
    yield ""
