# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Writes the plan of an undo over accounts for approval, and compares it with the approved one: the flow of
C(fleet_undo_plan).
"""

from __future__ import annotations

import csv
import datetime
import os
import typing as t

from .._errors import LicensingError, OptionsError, Problem
from .._fleet.account_parts import LIMITS
from .._fleet.approval import difference, read_approved
from .._fleet.freeze import Window, read_windows
from .._fleet.limits import on_ice, over_a_sku, over_the_run, read_run_limits
from .._fleet.plan import changing, texts_of, write_files
from .._fleet.plan_document import Document, failed_account, judged_account, make_account, make_document, sealed
from .._fleet.record import CODE, read_record
from .._module import Context, Result
from .._pages.render import templates_problems
from .._plan.outcomes import write_csv
from .changes import Left
from .history import place_problems
from .plan_view import pages_of
from .undo import LEFT_FILE

BASES = "the accounts, the journal or the later runs"


def run(context: Context) -> Result:
    """Combine the accounts, write the plan, and compare it with the approved one and the limit."""
    params = context.params
    problems = [problem for entry in params["accounts"] for problem in _problems(entry)]
    limits, wrong_limits = read_run_limits(params)
    problems += map(Problem, wrong_limits)
    problems += place_problems(params["dest"], params["run"], params["history"])
    windows, wrong = read_windows(params["freeze"])
    own = [read_windows(entry.get("freeze") or []) for entry in params["accounts"]]
    if params["ignore_freeze"]:
        windows, own = [], [([], texts) for _windows, texts in own]
    problems += [Problem(text) for text in [*wrong, *(text for _windows, texts in own for text in texts)]]
    problems += templates_problems(params["templates"])
    approved = read_approved(params["approved"], problems)
    try:
        record = read_record(params["run"])
    except OptionsError as error:
        problems += [Problem(text, error.code) for text in error.details["problems"]]
    else:
        if not params["accounts"]:
            named = ", ".join(account["account"] for account in record["accounts"][:20]) or "no account"
            text = f"The run {record['run']} concerns {named}, and none of the accounts of this play."
            problems.append(Problem(text, CODE))
    if problems:
        raise OptionsError(problems)
    frozen = {account["account"]: account.get("freeze") or [] for account in record["accounts"]}
    accounts = [
        {**_account(entry, record["checksum"]), "freeze": frozen.get(entry["account"], [])}
        for entry in params["accounts"]
    ]
    now = datetime.datetime.now(datetime.timezone.utc)
    blocked = {
        account["account"]: _blocked(account, [*windows, *more], now, approved=bool(approved))
        for account, (more, _texts) in zip(accounts, own, strict=True)
    }
    document = _document(record, accounts, now, params["history"])
    over = over_the_run(document["accounts"], limits)
    failure = difference(document, approved, BASES) if approved else _too_much(document, over)
    # The approved file may be the one that would be overwritten. It stays the approved one.
    other = bool(approved and failure)
    texts: dict[str, str] = {}
    if params["dest"] and not other:
        texts = texts_of(document, pages_of(document, "approved" if approved else "open", params["templates"]))
    files = _write(params["dest"], document, texts) if texts else {}
    values = {name: document[name] for name in ("status", "digest", "totals", "left")}
    values["accounts"] = [
        {**{key: one[key] for key in ("account", "status", "digest")}, "blocked": blocked[one["account"]]}
        for one in document["accounts"]
    ]
    return Result({**values, "files": files}, failure=failure)


def _problems(entry: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
    if not isinstance(entry.get("account"), str):
        yield Problem("each entry of 'accounts' needs an 'account'.")
    elif "failure" not in entry and not isinstance(entry.get("results"), list):
        yield Problem(f"the entry of account {entry['account']} has neither 'results' nor a 'failure'.")


def _account(entry: t.Mapping[str, t.Any], record: str) -> Document:
    if entry.get("failure"):
        return {**failed_account(entry["account"], entry["failure"]), "left": [], "notes": []}
    reports = str(entry.get("reports") or "")
    results = [result for result in entry["results"] if isinstance(result, dict) and "plan" in result]
    rows = [changing(os.path.join(reports, f"plan-{result['item']['list']}.csv")) for result in results]
    freed: dict[tuple[str, str], int] = {}
    parts: list[Document] = []
    for number, given in enumerate(results):
        pool = (str(given["item"]["kind"]), str(given["item"].get("sku") or ""))
        result, rows[number] = _with_freed(given, rows[number], freed.get(pool, 0))
        freed[pool] = freed.get(pool, 0) + (result["plan"].get("remove") or 0)
        about = {name: given["item"].get(name) for name in ("id_kind", "api_version", "list", *LIMITS)}
        parts.append({"kind": pool[0], "sku": pool[1], **about, "result": result})
    made = make_account(entry["account"], "", record, parts, rows)
    # A part predicts the pool without the other parts.
    made["parts"] = [{**part, "licenses": None, "free": None} for part in made["parts"]]
    over = over_a_sku(made["parts"])
    made = judged_account({**made, "failure": over}) if over else made
    return {**made, "left": _left(reports), "notes": [str(note) for note in entry.get("notes") or []]}


def _blocked(
    account: Document, windows: t.Sequence[Window], now: datetime.datetime, *, approved: bool
) -> Document | None:
    """Why an account must not be changed now. The plan says if it is frozen.

    A part that the pool stops does not keep the others from being carried out.
    """
    ice = on_ice(account, windows, now, "Undo the run after that.")
    if ice:
        account["frozen"] = ice["message"]
    if account["status"] == "error":
        return t.cast(Document, account["failure"])
    failures = [thing["failure"] for thing in (account, *account["parts"]) if "failure" in thing]
    over = [failure for failure in failures if failure["code"] == "guard_tripped" and not approved]
    return ice or next(iter(over), None)


def _with_freed(result: Document, rows: list[Document], freed: int) -> tuple[Document, list[Document]]:
    """A part that only the pool stops, as it will be after the earlier parts have freed licenses."""
    failure = result.get("failure") or {}
    guards = failure.get("guards") or []
    short = sum(guard["planned"] - guard["allowed"] for guard in guards if guard["guard"] == "pool")
    if failure.get("code") != "pool_exhausted" or len(guards) != 1 or short > freed:
        return result, rows
    allowed = {key: value for key, value in result.items() if key not in ("failure", "failed", "msg")}
    return allowed, [
        {**row, "outcome": "assigned", "reason": ""} if row["outcome"] == "skipped" else row for row in rows
    ]


def _left(reports: str) -> list[Document]:
    path = os.path.join(reports, LEFT_FILE)
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", newline="") as stream:
        return [{name: row.get(name) or "" for name in Left._fields} for row in csv.DictReader(stream)]


def _document(record: Document, accounts: list[Document], now: datetime.datetime, history: str | None) -> Document:
    document = make_document(accounts, now.strftime("%Y-%m-%d %H:%M UTC"))
    about = {name: record[name] for name in ("run", "kind", "started", "ended", "status", "plan")}
    left = sum(len(account["left"]) for account in accounts)
    return sealed({**document, "undoes": about, "left": left, "later_runs_known": bool(history)})


def _too_much(document: Document, over: Document | None) -> LicensingError | None:
    """The failure of an undo that exceeds limits of the run and is not approved."""
    if over is None:
        return None
    return LicensingError(
        f"{over['message']} Nothing was undone. If it is right, approve exactly this one: {document['digest']}.",
        code=over["code"],
        guards=over["guards"],
        digest=document["digest"],
    )


def _write(dest: str, document: Document, texts: t.Mapping[str, str]) -> dict[str, str]:
    files = write_files(dest, {"json": "undo.json", "markdown": "undo.md", "html": "undo.html"}, texts)
    files["csv"] = os.path.join(dest, LEFT_FILE)
    rows = [(account["account"], *row.values()) for account in document["accounts"] for row in account["left"]]
    write_csv(files["csv"], ("account", *Left._fields), rows)
    return files
