# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The sentences about a plan, the same on every page, and a whole plan in at most a thousand bytes."""

from __future__ import annotations

import collections
import re
import typing as t

from .._error_codes import CODES
from .._plan.incomplete import is_on_its_way
from .._text.lists import are, few, many
from .._thingspace.id_kinds import KIND
from .account_parts import COUNTS, PartKind
from .again import REMOVE_THE_CAUSE, to_wait
from .option_names import to_send_again
from .plan_account import PlanAccount
from .plan_document import PlanDocument
from .plan_part import IDLE, TITLES, PlanPart

HEADLINES = {
    "no_change": "Nothing to do",
    "incomplete": "Not as wanted, and this plan does not change that",
    "changes": "Changes",
    "guard_tripped": "Stopped by a limit",
    "error": "No plan for some accounts",
}

NOT_TO_APPROVE = "Stopped; an approval does not help"

LET_THROUGH = "Changes beyond a limit, which are approved"

_OUTCOMES = 10
_NAMED = 20

MAX_BYTES = 1000
"""The limit for a whole summary. AWX keeps it with the job and passes it to later jobs."""

WORDS = {"assign": "assign", "remove": "remove", "add": "add to the list", "move": "move on the list"}


def headline(thing: PlanDocument | PlanAccount) -> str:
    """The status of a plan, or of one of its accounts, in words."""
    if thing.status != "guard_tripped" or not _binding(thing):
        return HEADLINES[thing.status]
    if isinstance(thing, PlanDocument):
        accounts = [account for account in thing.accounts if account.status != "no_change"]
        bound = sum(map(_binding, accounts))
        if 0 < bound < len(accounts):
            return f"{NOT_TO_APPROVE} in {bound:,} of {many(len(accounts), 'account')}"
    return NOT_TO_APPROVE


def is_helped(document: PlanDocument) -> bool:
    """Whether anything is carried out once the plan is approved.

    What stops a part keeps its account from being changed. Of an undo, it keeps only the part.
    """
    return any(_is_covered(document, account) for account in document.accounts)


def hopeless(document: PlanDocument) -> str:
    """Why somebody should make another plan, and not apply this one; empty if it is a good plan, or changes nothing."""
    changes = any(part.plan.changes for part in document.parts)
    return f"An approval does not help. {REMOVE_THE_CAUSE}" if changes and not is_helped(document) else ""


def coverage(document: PlanDocument) -> str:
    """Which accounts an approval covers, and what stays as it is all the same; empty if it covers all or nothing."""
    left = list(_not_covered(document))
    covered = sum(_is_covered(document, account) for account in document.accounts)
    if not left or not covered:
        return ""
    alone = sum(not _is_covered(document, account) and _binding(account) for account in document.accounts)
    accounts = f"{covered:,} of {many(covered + alone, 'account')}"
    return f"An approval covers {accounts}. Nothing is changed in {few(left, _NAMED)}. {REMOVE_THE_CAUSE}"


def _is_covered(document: PlanDocument, account: PlanAccount) -> bool:
    """Whether anything of the account is carried out once the plan is approved."""
    changing = [part for part in account.parts if part.plan.changes]
    if document.undoes is not None:
        return any(part.failure is None or part.failure.approvable for part in changing)
    return bool(changing) and not _binding(account)


def _not_covered(document: PlanDocument) -> t.Iterator[str]:
    """The accounts, and of an undo the parts, that an approval does not let through, each with the reason."""
    for account in document.accounts:
        if account.status == "error":
            yield f"{account.account} (no plan)"
        elif document.undoes is not None:
            for part in account.parts:
                if part.failure is not None and not part.failure.approvable:
                    yield f"{account.account}, {title_of(part.kind, part.sku, part.id_kind)} ({part.failure.code})"
        elif _binding(account):
            codes = dict.fromkeys(failure.code for failure in account.failures if not failure.approvable)
            yield f"{account.account} ({', '.join(codes)})"


def once_more(document: PlanDocument) -> str:
    """That the plan was carried out before, and undone; empty if it was not."""
    if document.again is None:
        return ""
    run, by = document.again
    return f"The run {run} carried out this very plan, and the run {by} undid it. This plan would do the same again."


def _binding(thing: PlanDocument | PlanAccount) -> bool:
    """Whether something stops it that no approval lets through."""
    return any(not failure.approvable for failure in thing.failures)


def meaning(code: str) -> str:
    """What a code says, in plain words."""
    known: t.Mapping[str, str] = t.cast("t.Mapping[str, str]", CODES)
    return known.get(code, "It failed.").partition(" Nothing was ")[0]


def in_words(changes: t.Mapping[str, int]) -> str:
    """How many devices change in which way, in a few words."""
    parts = [f"{changes[name]:,} to {word}" for name, word in WORDS.items() if changes[name]]
    return ", ".join(parts) or "nothing to do"


def counts_of(parts: t.Iterable[PlanPart], *, listed: bool) -> dict[str, int]:
    """How many licenses are assigned and removed, or how many entries of removal candidate lists are changed."""
    mine = [part.plan.by_change for part in parts if part.listed is listed]
    return {name: sum(changes[name] for changes in mine) for name in COUNTS}


def totals_in_words(parts: t.Sequence[PlanPart]) -> str:
    """What a plan does: licenses, and apart from them the entries of removal candidate lists.

    :param parts: of all accounts. Without any, no account has a plan, or none is managed.
    """
    if not parts:
        return "nothing planned"
    licenses, entries = counts_of(parts, listed=False), counts_of(parts, listed=True)
    if not any(entries.values()):
        return in_words(licenses)
    on_list = f"removal candidates: {in_words(entries)}"
    return f"{in_words(licenses)}; {on_list}" if any(licenses.values()) else on_list


def of_accounts(document: PlanDocument) -> str:
    """How many accounts a plan changes, of how many; just the number of all if it changes all or none.

    If it changes none, those without a plan do not count, because nobody knows whether there is anything to do.
    """
    count = sum(any(part.plan.changes for part in account.parts) for account in document.accounts)
    count = count or sum(account.status != "error" for account in document.accounts)
    every = many(len(document.accounts), "account")
    return f"{count:,} of {every}" if 0 < count < len(document.accounts) else every


def not_as_wanted(count: int) -> str:
    """The sentence that this many devices stay not as wanted."""
    return f"{many(count, 'device')} {are(count)} not as wanted, which this plan does not change."


def status_of(account: PlanAccount) -> str:
    """The status of one account."""
    return "no plan" if account.status == "error" else headline(account).lower()


def title_of(kind: PartKind, sku: str, id_kind: str = KIND) -> str:
    """The title of a part."""
    return f"{TITLES[kind]} {sku}".strip() + (" by ICCID" if id_kind == "iccid" else "")


def in_waves(part: PlanPart) -> str:
    """The waves of a part; empty if everything is done at once."""
    *waves, last = part.plan.waves or [0]
    if not waves:
        return ""
    first, *others = (f"{count:,}" for count in waves)
    then = "".join(f", then up to {count}" for count in others)
    return f"In waves: {first} first{then}, then all {last:,}; each only if the one before went well."


def worth_telling(part: PlanPart) -> bool:
    """Whether there is anything to say about a part."""
    return part.status != "no_change" or part.note is not None


def as_summary(document: PlanDocument) -> str:
    """The totals, then a line for each account with something to do, as long as there is room."""
    where = f"in {of_accounts(document)}."
    title = headline(document)
    if document.status == "no_change":
        return f"{title} {where}"
    left = f" {not_as_wanted(document.incomplete)}" if document.incomplete else ""
    lines = [f"{title}: {totals_in_words(document.parts)} {where}{left}"]
    busy = [account for account in document.accounts if account.status != "no_change"]
    for place, account in enumerate(busy):
        line = f"{_short(account.account)}: {_what(account)}"
        rest = f"... and {many(len(busy) - place, 'more account')}"
        if len("\n".join([*lines, line, rest]).encode()) > MAX_BYTES:
            return "\n".join([*lines, rest])
        lines.append(line)
    return "\n".join(lines)


def awaited(document: PlanDocument) -> int:
    """How many devices were sent by an earlier run and are waiting for their confirmation."""
    return sum(map(is_on_its_way, document.incomplete_rows))


def as_remaining(document: PlanDocument) -> str:
    """What a plan leaves not as wanted, and what to do about it; empty if there is nothing."""
    if not document.incomplete:
        return ""
    rows = document.incomplete_rows
    counts = collections.Counter(_short(row["outcome"]) for row in rows)
    waiting = awaited(document)
    texts = [
        not_as_wanted(document.incomplete),
        ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(counts.items())[:_OUTCOMES]) + "."
        if rows
        else "",
        f"{waiting:,} of them {are(waiting)} not confirmed yet. To wait, {to_wait(document.caller)}."
        if waiting
        else "",
        to_send_again(rows, document.caller),
    ]
    return " ".join(filter(None, texts))


def _what(account: PlanAccount) -> str:
    """What is done to an account, or why it has no plan."""
    if account.status == "error":
        return f"no plan ({', '.join(_short(failure.code) for failure in account.failures)})"
    parts = []
    for part in account.parts:
        if part.status not in IDLE:
            title = _short(part.sku or TITLES[part.kind])
            stopped = f" (stopped: {_short(part.failure.code)})" if part.failure else ""
            parts.append(f"{title} {in_words(part.plan.by_change)}{' FOR LIFE' if part.lifetime else ''}{stopped}")
    left = account.incomplete_count
    return "; ".join([*parts, *([f"{left:,} not as wanted"] if left else [])])


def _short(text: object) -> str:
    """A text on a single line."""
    line = re.sub(r"\s+", " ", str(text)).strip()
    return line if len(line) <= 64 else line[:61] + "..."
