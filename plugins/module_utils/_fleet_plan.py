# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Writing a plan, and comparing one with the approved: the flow of C(fleet_plan)."""

from __future__ import annotations

import csv
import datetime
import json
import os
import re
import typing as t

from ._errors import LicensingError, OptionsError, Problem
from ._fleet_plan_document import (
    FORMAT,
    Document,
    checksum,
    failed_account,
    make_account,
    make_document,
    recomputed,
    remains_of,
)
from ._fleet_plan_html import as_html
from ._fleet_plan_markdown import as_markdown
from ._fleet_plan_summary import as_summary
from ._module import Context, Result

UNCHANGED = "unchanged"


def run(context: Context) -> Result:
    """Put the plans of the accounts together, write them, and hold them against the approved one."""
    params = context.params
    problems = [problem for entry in params["accounts"] for problem in _problems(entry)]
    approved = _approved(params["approved"], problems)
    if problems:
        raise OptionsError(problems)
    created = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    document = make_document([_account(entry) for entry in params["accounts"]], created)
    files = _write(params["dest"], document) if params["dest"] else {}
    values = {
        "status": document["status"],
        "digest": document["digest"],
        "totals": document["totals"],
        "summary": as_summary(document),
        "accounts": [{key: one[key] for key in ("account", "status", "digest")} for one in document["accounts"]],
        "files": files,
    }
    return Result(values, failure=_difference(document, approved) if approved else None)


def _problems(entry: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
    if not isinstance(entry.get("account"), str):
        yield Problem("each entry of 'accounts' needs an 'account'.")
    elif "failure" not in entry and "wanted" not in entry:
        yield Problem(f"the entry of account {entry['account']} has neither 'wanted' nor a 'failure'.")


def _account(entry: t.Mapping[str, t.Any]) -> Document:
    if entry.get("failure"):
        return failed_account(entry["account"], entry["failure"])
    parts = list(_parts(entry))
    rows = [_changing(os.path.join(str(entry.get("reports") or ""), f"plan-{name}.csv")) for _part, name in parts]
    made = [part for part, _name in parts]
    return make_account(entry["account"], str(entry.get("file", "")), str(entry["wanted"]), made, rows)


def _parts(entry: t.Mapping[str, t.Any]) -> t.Iterator[tuple[Document, str]]:
    """The parts of an account's plan, each with the name of its list."""
    for kind in ("fota", "removal_candidates"):
        result = entry.get(kind)
        if isinstance(result, dict) and "plan" in result:
            yield {"kind": kind, "result": result}, kind
    for result in entry.get("simsec") or []:
        if isinstance(result, dict) and "plan" in result:
            pool = result["item"]
            name = pool["remove_list"] if result["plan"]["state"] == "absent" else pool["list"]
            yield {"kind": "simsec", "sku": pool["sku"], "lifetime": pool.get("lifetime"), "result": result}, name


def _changing(path: str) -> list[Document]:
    """The rows of a report in which something changes."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        return [
            {name: row.get(name) or "" for name in ("device_id", "outcome", "reason")}
            for row in rows
            if row.get("outcome") != UNCHANGED or str(row.get("reason", "")).startswith("moved")
        ]


def _approved(given: str | None, problems: list[Problem]) -> Document | str | None:
    """The approved plan: a digest, or a plan file whose content fits its digest."""
    if given is None:
        return None
    if re.fullmatch(r"[0-9a-fA-F]{64}", given.strip()):
        return given.strip().lower()
    try:
        with open(given, encoding="utf-8") as stream:
            document = json.load(stream)
        if document.get("format") != FORMAT:
            why = f"it is of format {document.get('format')}, this release reads {FORMAT}"
        elif recomputed(document) != document["digest"] or checksum(document) != document["checksum"]:
            why = "its content does not fit its digest: it was changed after it was made"
        else:
            return t.cast(Document, document)
    except OSError as error:
        why = f"{error.strerror or error}; name a plan file or a digest of 64 hexadecimal digits"
    except (ValueError, KeyError, TypeError, AttributeError):
        why = "it is no plan file"
    problems.append(Problem(f"'approved' {given[:200]} cannot be used: {why}.", "plan_file_invalid"))
    return None


def _difference(document: Document, approved: Document | str) -> LicensingError | None:
    """Why this is not the approved plan, naming the accounts that differ where they are known."""
    digest = approved if isinstance(approved, str) else approved["digest"]
    if digest == document["digest"] or document["status"] == "no_change":
        return None
    named = ""
    if not isinstance(approved, str):
        # What was carried out of it already is no difference, so that a run that failed half-way can be repeated.
        before = {one["account"]: one for one in approved["accounts"]}
        now = {one["account"]: one for one in document["accounts"]}
        other = sorted({*before} ^ {*now})
        other += [name for name, one in now.items() if name in before and not remains_of(one, before[name])]
        if not other:
            return None
        named = f" These accounts differ: {', '.join(other[:20])}{', ...' if len(other) > 20 else ''}."
    return LicensingError(
        f"The approved plan {digest[:12]}... is not the plan that would be carried out now, {document['digest']}: the "
        f"fleet files or the accounts changed since it was approved.{named} Nothing was written. Make a new plan, and "
        "have that one approved.",
        code="plan_changed",
        digest=document["digest"],
    )


def _write(dest: str, document: Document) -> dict[str, str]:
    texts = {
        "json": json.dumps(document, indent=1, sort_keys=True) + "\n",
        "markdown": as_markdown(document),
        "html": as_html(document),
    }
    endings = {"json": "plan.json", "markdown": "plan.md", "html": "plan.html"}
    files = {kind: os.path.join(dest, name) for kind, name in endings.items()}
    try:
        os.makedirs(dest, exist_ok=True)
        for kind, path in files.items():
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(texts[kind])
    except OSError as error:
        raise LicensingError(
            f"The plan could not be written to {dest}: {error.strerror or error}.", code="report_unwritable"
        ) from None
    return files
