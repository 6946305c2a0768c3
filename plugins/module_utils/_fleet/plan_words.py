# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The sentences about a plan, the same on every page and in the summary."""

from __future__ import annotations

import typing as t

from .._error_codes import CODES
from .._text.lists import are, many
from .account_parts import COUNTS
from .plan_document import TITLES, Document

HEADLINES = {
    "no_change": "Nothing to do",
    "incomplete": "Not as wanted, and this plan does not change that",
    "changes": "Changes",
    "guard_tripped": "Stopped by a limit",
    "error": "No plan for some accounts",
}

NOT_TO_APPROVE = "Stopped; an approval does not help"

APPROVABLE = "guard_tripped"
"""The only code of a plan that an approval lets through."""

WORDS = {"assign": "assign", "remove": "remove", "add": "add to the list", "move": "move on the list"}


def headline(thing: Document) -> str:
    """The status of a plan, or of one of its accounts, in words."""
    stopped = thing["status"] == "guard_tripped" and any(code != APPROVABLE for code in _codes(thing))
    return NOT_TO_APPROVE if stopped else HEADLINES[thing["status"]]


def _codes(thing: Document) -> t.Iterator[str]:
    """Why a plan, or any of its accounts and parts, is stopped."""
    if "failure" in thing:
        yield thing["failure"]["code"]
    for inner in (*thing.get("accounts", ()), *thing.get("parts", ())):
        yield from _codes(inner)


def meaning(code: str) -> str:
    """What a code says, in plain words."""
    known: t.Mapping[str, str] = t.cast("t.Mapping[str, str]", CODES)
    return known.get(code, "It failed.").partition(" Nothing was ")[0]


def in_words(plan: t.Mapping[str, t.Any]) -> str:
    """What a part does, in a few words."""
    parts = [f"{plan[name]:,} to {word}" for name, word in WORDS.items() if plan.get(name)]
    return ", ".join(parts) or "nothing to do"


def counts_of(parts: t.Iterable[Document], *, listed: bool) -> dict[str, int]:
    """How many licenses are assigned and removed, or how many entries of removal candidate lists are changed."""
    mine = [part["plan"] for part in parts if (part["kind"] == "removal_candidates") is listed]
    return {name: sum(plan.get(name) or 0 for plan in mine) for name in COUNTS}


def totals_in_words(accounts: t.Iterable[Document]) -> str:
    """What a plan does: licenses, and apart from them the entries of removal candidate lists."""
    parts = [part for account in accounts for part in account["parts"]]
    licenses, entries = counts_of(parts, listed=False), counts_of(parts, listed=True)
    if not any(entries.values()):
        return in_words(licenses)
    on_list = f"removal candidates: {in_words(entries)}"
    return f"{in_words(licenses)}; {on_list}" if any(licenses.values()) else on_list


def not_as_wanted(count: int) -> str:
    """The sentence that this many devices stay not as wanted."""
    return f"{many(count, 'device')} {are(count)} not as wanted, which this plan does not change."


def status_of(account: Document) -> str:
    """The status of one account."""
    return "no plan" if account["status"] == "error" else headline(account).lower()


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


def worth_telling(part: Document) -> bool:
    """Whether there is anything to say about a part."""
    return part["status"] != "no_change" or "note" in part
