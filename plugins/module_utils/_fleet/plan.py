# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Writes a plan, and compares it with the approved one: the flow of C(fleet_plan)."""

from __future__ import annotations

import collections
import csv
import datetime
import json
import os
import typing as t

from .._errors import LicensingError, OptionsError, Problem
from .._module import Context, Result
from .._pages.render import templates_problems
from .._plan.outcomes import as_it_was
from .._text.files import write
from .approval import difference, read_approved
from .freeze import read_windows
from .limits import over_a_sku, over_the_run, read_run_limits, why_not
from .plan_document import (
    COUNTS,
    Document,
    failed_account,
    incomplete_of,
    judged_account,
    make_account,
    make_document,
)
from .plan_summary import as_remaining, as_summary, awaited
from .plan_view import Approval, pages_of
from .status import tell

UNCHANGED = "unchanged"
FILES = {"json": "plan.json", "markdown": "plan.md", "html": "plan.html"}


def run(context: Context) -> Result:
    """Combine the plans of the accounts, write them, and compare them with the approved plan."""
    params = context.params
    limits, wrong = read_run_limits(params)
    problems = [Problem(text) for text in wrong] + list(_problems(params["accounts"]))
    windows, wrong = read_windows([] if params["ignore_freeze"] else params["freeze"])
    problems += [Problem(text) for text in wrong]
    problems += templates_problems(params["templates"])
    approved = read_approved(params["approved"], problems)
    if params["dest"] and not isinstance(approved, str) and _same(params["approved"], params["dest"]):
        text = "'dest' is where the approved plan is, which must not be written over. Name another directory."
        problems.append(Problem(text))
    if problems:
        raise OptionsError(problems)
    now = datetime.datetime.now(datetime.timezone.utc)
    accounts: list[Document] = []
    blocked: dict[str, Document | None] = {}
    for entry in params["accounts"]:
        account = _account(entry, entry.get("reports") or os.path.join(params["reports"] or "", entry["account"]))
        account["freeze"] = entry.get("freeze") or []
        own = [*windows, *read_windows(entry.get("freeze") or [])[0]]
        own = [] if params["ignore_freeze"] else own
        why = why_not(account, own, now, approved=approved is not None)
        if why and why["code"] == "frozen":
            account["frozen"] = why["message"]
        accounts.append(account)
        blocked[account["account"]] = why
    over = over_the_run(accounts, limits)
    document = make_document(accounts, now.strftime("%Y-%m-%d %H:%M UTC"), over)
    changed = difference(document, approved) if approved else None
    approval: Approval = "open" if not approved else "differs" if changed else "approved"
    # A template that fails leaves all files as they were.
    texts = texts_of(document, pages_of(document, approval, params["templates"])) if params["dest"] else {}
    files = write_files(params["dest"], FILES, texts) if texts else {}
    values = {
        "status": document["status"],
        "digest": document["digest"],
        "totals": document["totals"],
        "incomplete": document["incomplete"],
        "awaited": awaited(document),
        "remaining": as_remaining(document),
        "summary": as_summary(document),
        "accounts": [
            {
                **{key: account[key] for key in ("account", "status", "digest")},
                "incomplete": incomplete_of(account),
                "blocked": blocked[account["account"]],
            }
            for account in document["accounts"]
        ],
        "over": over if approved is None else None,
        "files": files,
    }
    if values["remaining"] and changed is None:
        context.warn(values["remaining"])
    if params["status_file"]:
        tell(params["status_file"], _word(document, changed, approved=approved is not None))
    return Result(values, failure=changed)


def _problems(entries: t.Sequence[t.Mapping[str, t.Any]]) -> t.Iterator[Problem]:
    for entry in entries:
        if not isinstance(entry.get("account"), str):
            yield Problem("each entry of 'accounts' needs an 'account'.")
        elif "failure" not in entry and "wanted" not in entry:
            yield Problem(f"the entry of account {entry['account']} has neither 'wanted' nor a 'failure'.")
    counts = collections.Counter(str(entry.get("account")) for entry in entries)
    for name, count in counts.items():
        if count > 1:
            yield Problem(
                f"the account {name} is there {count} times. Two hosts of the inventory may mean the same account: "
                "look at their 'fleet_licensing_account'."
            )


def _account(entry: t.Mapping[str, t.Any], reports: str) -> Document:
    """The plan of an account.

    :param reports: directory with the predicted rows of each device.
    """
    if entry.get("failure"):
        return failed_account(entry["account"], entry["failure"])
    parts = list(_parts(entry))
    rows = [changing(os.path.join(reports, f"plan-{part['list']}.csv")) for part in parts]
    account = make_account(entry["account"], str(entry.get("file", "")), str(entry["wanted"]), parts, rows)
    if entry.get("sets"):
        account["sets"] = entry["sets"]
    if entry.get("incomplete"):
        account = judged_account({**account, "incomplete": entry["incomplete"]})
    for part in account["parts"]:
        # Nobody should approve changes without the devices that change.
        if any(part["plan"].get(name) for name in COUNTS) and not (part["devices"] or part["incomplete"]):
            path = os.path.join(reports, f"plan-{part['list']}.csv")
            text = f"The plan changes devices, and {path}, which names them, is missing or empty."
            return failed_account(entry["account"], {"code": "file_unreadable", "message": text})
    over = over_a_sku(account["parts"])
    return judged_account({**account, "failure": over}) if over else account


def _parts(entry: t.Mapping[str, t.Any]) -> t.Iterator[Document]:
    """The parts of an account's plan, each with the name of its list."""
    versions, limits = entry.get("api_versions") or {}, entry.get("limits") or {}
    for kind in ("fota", "removal_candidates"):
        result = entry.get(kind)
        if isinstance(result, dict) and "plan" in result:
            yield {
                "kind": kind,
                "list": kind,
                "api_version": versions.get(kind),
                **(limits.get(kind) or {}),
                "result": result,
            }
    for result in entry.get("simsec") or []:
        if isinstance(result, dict) and "plan" in result:
            pool = result["item"]
            name = pool["remove_list"] if result["plan"]["state"] == "absent" else pool["list"]
            about = {
                key: pool.get(key) for key in ("sku", "reserve", "lifetime_consent", "max_changes", "max_removals")
            }
            # The account may know more about an undocumented SKU than its name shows.
            about["lifetime"] = result.get("lifetime", pool.get("lifetime"))
            yield {"kind": "simsec", "list": name, "id_kind": pool.get("kind"), **about, "result": result}


def changing(path: str) -> list[Document]:
    """The rows of a report in which something changes or is not as wanted."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        return [
            {name: as_it_was(row.get(name) or "") for name in ("device_id", "outcome", "reason", "request_id")}
            for row in rows
            if row.get("outcome") != UNCHANGED or str(row.get("reason", "")).startswith("moved")
        ]


def _word(document: Document, difference: LicensingError | None, *, approved: bool) -> str:
    """The status in one word. An account without a plan comes first, because it may be why the plan differs.

    The changes of an approved plan are about to be made, so the status says whether everything will be as wanted then.
    C(fleet_run) makes it worse if a change fails.
    """
    status = str(document["status"])
    if difference is not None and status != "error":
        return difference.code
    return "incomplete" if approved and document["incomplete"] and status != "error" else status


def _same(approved: str | None, dest: str) -> bool:
    return bool(approved) and os.path.realpath(approved or "") == os.path.realpath(os.path.join(dest, FILES["json"]))


def texts_of(document: Document, pages: t.Mapping[str, str]) -> dict[str, str]:
    """The texts of the files of a plan, by their format."""
    formats = {"html": "html", "md": "markdown"}
    shown = {formats[name.rpartition(".")[2]]: text for name, text in pages.items()}
    return {"json": json.dumps(document, indent=1, sort_keys=True) + "\n", **shown}


def write_files(dest: str, names: t.Mapping[str, str], texts: t.Mapping[str, str]) -> dict[str, str]:
    """Write the forms of a plan to a directory. Returns the path of each.

    :param names: the file name of each form.
    :raises LicensingError: C(report_unwritable).
    """
    files = {kind: os.path.join(dest, name) for kind, name in names.items()}
    try:
        os.makedirs(dest, exist_ok=True)
        for kind, path in files.items():
            write(path, texts[kind])
    except OSError as error:
        raise LicensingError(
            f"The plan could not be written to {dest}: {error.strerror or error}.", code="report_unwritable"
        ) from None
    return files
