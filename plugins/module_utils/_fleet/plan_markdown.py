# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""A plan as Markdown: short enough for a pull request or an approval notification, with totals first."""

from __future__ import annotations

import typing as t

from .._plan.incomplete import advice
from .._text.lists import are, many
from .._text.markdown import plain
from .plan_document import TITLES, Document, incomplete_of
from .status import NO_APPROVAL

MAX_ROWS = 50
"""Devices shown for each part. The plan file has all of them."""

HEADLINES = {
    "no_change": "Nothing to do",
    "incomplete": "Not as wanted, and this plan does not change that",
    "changes": "Changes",
    "guard_tripped": "Stopped by a limit",
    "error": "No plan for some accounts",
}

NOT_TO_APPROVE = "Stopped; an approval does not help"

FOR_LIFE = "For life: these licenses can never be removed."

WORDS = {"assign": "assign", "remove": "remove", "add": "add to the list", "move": "move on the list"}


def as_markdown(document: Document) -> str:
    """The whole plan."""
    lines = [f"# License plan: {headline(document)}", "", _totals(document), ""]
    lines += _failure(document)
    lines += ["| account | " + " | ".join(TITLES.values()) + " | status |", "|---|" + "---|" * (len(TITLES) + 1)]
    lines += [_row(account) for account in document["accounts"]]
    for account in document["accounts"]:
        lines += _account(account)
    lines += ["", f"Plan digest: `{document['digest']}`", ""]
    return "\n".join(lines)


def headline(thing: Document) -> str:
    """The status of a plan, or of one of its accounts, in words."""
    stopped = thing["status"] == "guard_tripped" and any(code in NO_APPROVAL for code in _codes(thing))
    return NOT_TO_APPROVE if stopped else HEADLINES[thing["status"]]


def _codes(thing: Document) -> t.Iterator[str]:
    """Why a plan, or any of its accounts and parts, is stopped."""
    if "failure" in thing:
        yield thing["failure"]["code"]
    for inner in (*thing.get("accounts", ()), *thing.get("parts", ())):
        yield from _codes(inner)


def in_words(plan: t.Mapping[str, t.Any]) -> str:
    """What a part does, in a few words."""
    parts = [f"{plan[name]} to {word}" for name, word in WORDS.items() if plan.get(name)]
    return ", ".join(parts) or "nothing to do"


def not_as_wanted(count: int) -> str:
    """The sentence that this many devices stay not as wanted."""
    return f"{many(count, 'device')} {are(count)} not as wanted, which this plan does not change."


def nothing(account: Document) -> str:
    """Why an account has no part of some kind."""
    return "unknown" if account["status"] == "error" else "not managed"


def status_of(account: Document) -> str:
    """The status of one account."""
    return "no plan" if account["status"] == "error" else headline(account).lower()


def _totals(document: Document) -> str:
    accounts = many(len(document["accounts"]), "account")
    left = f" **{not_as_wanted(document['incomplete'])}**" if document["incomplete"] else ""
    return f"**{in_words(document['totals'])}** in {accounts}.{left}"


def _row(account: Document) -> str:
    cells = []
    left = incomplete_of(account)
    status = status_of(account) + (f", {left:,} not as wanted" if left else "")
    for kind in TITLES:
        parts = [part for part in account["parts"] if part["kind"] == kind]
        cells.append(
            "; ".join(f"{plain(part['sku'])} {in_words(part['plan'])}".strip() for part in parts) or nothing(account)
        )
    return f"| {plain(account['account'])} | {' | '.join(cells)} | {status} |"


def title_of(part: Document) -> str:
    """The title of a part."""
    by = " by ICCID" if part["id_kind"] == "iccid" else ""
    return f"{TITLES[part['kind']]} {part['sku']}".strip() + by


def in_waves(part: Document) -> str:
    """The waves of a part; empty if everything is done at once."""
    *waves, last = part["plan"].get("waves") or [0]
    if not waves:
        return ""
    first, *others = (f"{count:,}" for count in waves)
    then = "".join(f", then up to {count}" for count in others)
    return f"In waves: {first} first{then}, then all {last:,}; each only if the one before went well."


def afterward(pool: Document | None) -> str:
    """What a plan leaves in a pool, as a sentence; empty if that is not known."""
    if not pool or pool.get("total") is None:
        return ""
    assigned, free = pool["assigned"], pool["available"]
    return f"Afterward {assigned} of {pool['total']} licenses {are(assigned)} assigned, {free} {are(free)} free."


def worth_telling(part: Document) -> bool:
    """Whether there is anything to say about a part."""
    return part["status"] != "no_change" or "note" in part


def _account(account: Document) -> t.Iterator[str]:
    if account["status"] == "no_change" and not any(map(worth_telling, account["parts"])):
        return
    yield from ("", f"## {plain(account['account'])}", "")
    yield from _failure(account)
    if "frozen" in account:
        yield from (f"**frozen**: {plain(account['frozen'])}", "")
    yield from _left_over(account.get("incomplete") or [], len(account.get("incomplete") or []))
    for part in account["parts"]:
        if worth_telling(part):
            yield from part_lines(part)


def part_lines(part: Document) -> t.Iterator[str]:
    """A part of an account's plan."""
    yield f"### {plain(title_of(part))}: {in_words(part['plan'])}"
    yield ""
    if part["lifetime"]:
        yield f"**{FOR_LIFE}**"
        yield ""
    yield from _failure(part)
    if in_waves(part):
        yield from (in_waves(part), "")
    if "note" in part:
        yield from (f"Left as they are: {plain(part['note'])}", "")
    if "missing" in part:
        yield from (f"**{plain(part['missing'])}**", "")
    yield from _left_over(part["incomplete"], part["plan"]["incomplete"])
    if afterward(part["licenses"]):
        yield from (afterward(part["licenses"]), "")
    rows = part["devices"]
    if rows:
        yield from ("<details><summary>Devices</summary>", "", "| device | what | why |", "|---|---|---|")
        for row in rows[:MAX_ROWS]:
            yield f"| {plain(row['device_id'])} | {plain(row['outcome'])} | {plain(row['reason'])} |"
        if len(rows) > MAX_ROWS:
            yield f"| ... | and {len(rows) - MAX_ROWS} more | see the plan file |"
        yield from ("", "</details>", "")


def _left_over(rows: t.Sequence[Document], count: int) -> t.Iterator[str]:
    """The devices that are not as wanted and stay so."""
    if not count:
        return
    yield from (f"**{not_as_wanted(count)}**", "")
    if advice(rows):
        yield from (advice(rows), "")
    if rows:
        yield from ("| device | what | why |", "|---|---|---|")
        for row in rows[:MAX_ROWS]:
            yield f"| {plain(row['device_id'])} | {plain(row['outcome'])} | {plain(row['reason'])} |"
        if len(rows) > MAX_ROWS:
            yield f"| ... | and {len(rows) - MAX_ROWS} more | see the plan file |"
        yield ""


def _failure(thing: Document) -> t.Iterator[str]:
    if "failure" in thing:
        yield from (f"**{plain(thing['failure']['code'])}**: {plain(thing['failure']['message'])}", "")
