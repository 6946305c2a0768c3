# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What the pages of a plan show: plain values, the same for HTML, for Markdown, and for the templates of a user."""

from __future__ import annotations

import collections
import os
import typing as t

from .._pages.plan import PARTS, TEMPLATES
from .._pages.render import MAX_ROWS, View, render, share
from .._pages.undo import TEMPLATES as UNDO_TEMPLATES
from .._plan.incomplete import STOPPED
from .account_parts import PartKind
from .documents import Failure
from .option_names import Caller, to_send_again
from .plan_account import PlanAccount
from .plan_document import PlanDocument, UndoneRun
from .plan_part import IDLE, TITLES, PlanPart, PlanRow, PlanRows
from .plan_words import (
    LET_THROUGH,
    counts_of,
    coverage,
    headline,
    in_waves,
    in_words,
    is_helped,
    meaning,
    not_as_wanted,
    of_accounts,
    once_more,
    status_of,
    title_of,
    totals_in_words,
    worth_telling,
)

WORDS = {"remove": "Remove", "add": "Add", "assign": "Assign", "move": "Move"}
"""Removals come first: they are what an approver must see."""

_DONE = {"removed": "remove", "added": "add", "assigned": "assign"}

STAYS = {"assigned": "assigned", "removed": "removed", "added": "added to the list", "moved": "moved on the list"}

Approval = t.Literal["open", "approved", "differs"]


def pages_of(
    document: PlanDocument,
    approval: Approval = "open",
    folder: str | None = None,
    *,
    cost: View | None = None,
    command: str = "",
) -> dict[str, str]:
    """The pages of a plan, by file name.

    :param approval: whether somebody approved this plan, or another one.
    :param folder: directory with templates of the user.
    :param cost: what the plan costs, from C(cost_view).
    :param command: the command that applies the plan; empty if it is not known.
    :raises LicensingError: C(missing_library), C(template_failed).
    """
    own = UNDO_TEMPLATES if document.undoes else TEMPLATES
    view = plan_view(document, approval, cost=cost, command=command)
    return render({**PARTS, **TEMPLATES, **own}, own, view, folder)


def plan_view(
    document: PlanDocument,
    approval: Approval = "open",
    *,
    cost: View | None = None,
    command: str = "",
) -> View:
    """What the pages of a plan show."""
    nothing = "nothing to undo" if document.undoes else "not managed"
    accounts, parts = document.accounts, document.parts
    frozen = [account.account for account in accounts if account.frozen is not None]
    shown = [account_view(account, number, nothing, document.caller) for number, account in enumerate(accounts, 1)]
    stops = [{"where": "The whole run", **failure_view(document.failure)}] if document.failure else []
    stops += [stop for account in shown for stop in account["stops"]]
    let_through = approval == "approved" and bool(stops) and all(stop["approvable"] for stop in stops)
    for account, made in zip(accounts, shown, strict=True) if let_through else ():
        if made["stops"]:
            made |= {"status": "changes", "status_words": _and_left(LET_THROUGH.lower(), account)}
    return {
        "title": "License plan",
        "status": "changes" if let_through else document.status,
        "headline": (LET_THROUGH if let_through else headline(document)) + _frozen(frozen, len(accounts)),
        "created": document.created,
        "digest": document.digest,
        "approval": approval,
        "totals": totals_in_words(parts),
        "of_accounts": of_accounts(document),
        "licenses": counts_of(parts, listed=False),
        "entries": counts_of(parts, listed=True),
        "for_life": sum(part.plan.assign or 0 for part in parts if part.lifetime),
        "left": document.incomplete,
        "not_as_wanted": not_as_wanted(document.incomplete) if document.incomplete else "",
        "frozen": frozen,
        "stops": stops,
        "let_through": let_through,
        "approvable": all(stop["approvable"] for stop in stops if stop["planned"]),
        "helped": is_helped(document),
        "covers": coverage(document),
        "again": once_more(document),
        "cost": cost,
        "command": command,
        "pools": list(_pools(accounts)),
        "kinds": list(TITLES.values()),
        "accounts": shown,
        **(_undo(document, document.undoes) if document.undoes else {}),
    }


def _undo(document: PlanDocument, run: UndoneRun) -> View:
    """What the pages of an undo's plan show besides."""
    about = {"title": f"Undo of the run {run.run}", "run": run._asdict()}
    return {**about, "stay": document.left, "later_runs_known": document.later_runs_known}


def account_view(account: PlanAccount, number: int, nothing: str, caller: Caller = "files") -> View:
    """What the pages show of an account.

    :param nothing: what is said where it has no part of some kind.
    """
    left = account.incomplete or []
    failed = account.status == "error"
    parts = [part_view(part, caller) for part in sorted(account.parts, key=_removals_first) if worth_telling(part)]
    name = account.account
    failure = failure_view(account.failure, planned=not failed) if account.failure else None
    stops = [{"where": name, **failure}] if failure else []
    stops += [{"where": f"{name}, {part['title']}", **stop} for part in parts for stop in part["stops"]]
    # What stops a part keeps its account from being changed. Of an undo, it keeps only the part.
    alone = caller == "undo" and not failed
    for stop in stops:
        bound = not stop["approvable"] if alone else any(not one["approvable"] for one in stops)
        stop["uncovered"] = ("part" if alone else "account") if bound else ""
    notes, stays = account.notes or [], _stays(account.left or [])
    return {
        "name": name,
        "anchor": f"account-{number}",
        "file": os.path.basename(account.file),
        "sets": account.sets or [],
        "status": account.status,
        "status_words": _and_left(status_of(account), account),
        "cells": [_cell(account, kind, "unknown" if failed else nothing) for kind in TITLES],
        "stops": stops,
        "failure": failure,
        "frozen": account.frozen or "",
        "left": left_view(left, len(left), caller),
        "notes": notes,
        "stays": stays,
        "parts": parts,
        "told": bool(parts or left or account.status != "no_change" or notes or stays["count"]),
    }


def _and_left(status: str, account: PlanAccount) -> str:
    count = account.incomplete_count
    return status + (f", {count:,} not as wanted" if count else "")


def _stays(rows: PlanRows) -> View:
    """The changes of a run that its undo leaves, with the reasons."""
    counts = collections.Counter(row["code"].replace("_", " ") for row in rows)
    shown = [
        {**row, "license": title_of(t.cast(PartKind, row["kind"]), row["sku"]), "done": STAYS[row["done"]]}
        for row in rows[:MAX_ROWS]
    ]
    words = ", ".join(f"{count:,} {code}" for code, count in sorted(counts.items()))
    return {"count": len(rows), "words": words, "rows": shown}


def part_view(part: PlanPart, caller: Caller = "files") -> View:
    """What the pages show of a part of an account."""
    return {
        "title": title_of(part.kind, part.sku, part.id_kind),
        "words": in_words(part.plan.by_change),
        "for_life": part.lifetime,
        "stops": [failure_view(part.failure)] if part.failure else [],
        "waves": in_waves(part),
        "note": part.note or "",
        "missing": part.missing or "",
        "left": left_view(part.incomplete, part.plan.incomplete, caller),
        "groups": list(_groups(part)),
        "count": len(part.devices),
    }


def failure_view(failure: Failure, *, planned: bool = True) -> View:
    """Why something is stopped, in words, and whether an approval helps.

    :param planned: whether there is a plan that somebody could approve.
    """
    approvable = planned and failure.approvable
    words = {"words": meaning(failure.code), "message": failure.message, "code": failure.code}
    return {**words, "planned": planned, "approvable": approvable, "uncovered": ""}


def left_view(rows: PlanRows, count: int, caller: Caller) -> View:
    """The devices that are not as wanted and stay so."""
    words = not_as_wanted(count) if count else ""
    advice = to_send_again(rows, caller)
    return {"count": count, "words": words, "advice": advice, "listed": len(rows), "rows": rows[:MAX_ROWS]}


def _groups(part: PlanPart) -> t.Iterator[View]:
    """The devices of a part by what is done to them."""
    rows: dict[str, PlanRows] = {name: [] for name in WORDS}
    for row in part.devices:
        rows[_kind(row, part)].append(row)
    for (name, found), most in zip(rows.items(), share([len(one) for one in rows.values()], MAX_ROWS), strict=True):
        if found:
            shown = [{"device_id": row["device_id"], "reason": _why(row)} for row in found[:most]]
            reasons = any(row["reason"] for row in shown)
            yield {"kind": name, "word": WORDS[name], "count": len(found), "rows": shown, "reasons": reasons}


def _kind(row: PlanRow, part: PlanPart) -> str:
    """What is done to a device. If the plan is stopped, the reason says it."""
    stopped = row["outcome"] == "skipped"
    word = row["reason"].rpartition("it would be ")[2] if stopped else row["outcome"]
    if word in _DONE:
        return _DONE[word]
    if part.listed:
        return "move"
    return "remove" if part.action == "absent" else "assign"


def _why(row: PlanRow) -> str:
    """The reason for a device, without saying for each that the plan is stopped: the part says it once."""
    return "" if row["outcome"] == "skipped" and row["reason"].startswith(STOPPED) else row["reason"]


def _removals_first(part: PlanPart) -> tuple[bool, bool]:
    return part.listed, not part.plan.remove


def _cell(account: PlanAccount, kind: str, nothing: str) -> str:
    mine = [part for part in account.parts if part.kind == kind]
    busy = {part.sku for part in mine if part.plan.changes}
    # A SKU has a part for each kind of id and each direction.
    texts = dict.fromkeys(
        f"{part.sku} {in_words(part.plan.by_change)}{' for life' if part.lifetime and part.plan.assign else ''}".strip()
        for part in mine
        if part.plan.changes or part.sku not in busy
    )
    return "; ".join(texts) or nothing


def _pools(accounts: t.Iterable[PlanAccount]) -> t.Iterator[View]:
    """Each pool that changes, before the plan and if all of it is applied, whatever stops it.

    A SKU has a part for each kind of id and each direction. All of them draw from one pool.
    """
    for account in accounts:
        pools: dict[str, list[PlanPart]] = {}
        for part in account.parts:
            if not part.listed and part.status not in IDLE:
                pools.setdefault(title_of(part.kind, part.sku), []).append(part)
        for name, parts in pools.items():
            known = [part for part in parts if part.held is not None and part.free is not None]
            if known:
                counts = counts_of(parts, listed=False)
                more = counts["assign"] - counts["remove"]
                held = max(part.held or 0 for part in known)
                free = min(part.free or 0 for part in known)
                total = next((part.licenses["total"] for part in known if part.licenses), None)
                about = {"account": account.account, "license": name, "total": total, **counts}
                after = {"held_after": held + more, "free_after": free - more}
                yield {**about, "held": held, "free": free, **after, "short": max(0, more - free)}


def _frozen(names: t.Sequence[str], accounts: int) -> str:
    if not names:
        return ""
    if len(names) == accounts == 1:
        return "; the account is frozen"
    return f"; {len(names):,} of {accounts:,} accounts {'is' if len(names) == 1 else 'are'} frozen"
