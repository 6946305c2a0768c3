# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The record of a run: what is about to be done, written before the first write, and what came of it, written after."""

from __future__ import annotations

import contextlib
import csv
import datetime
import os
import typing as t

from ._errors import LicensingError, OptionsError, Problem
from ._fleet_approval import read_plan
from ._fleet_plan_document import IDLE, Document
from ._fleet_record import FORMAT, read_record
from ._fleet_record_write import moment, write_record
from ._module import Context, Result
from ._outcomes import AMISS, OUTCOMES, as_it_was

NAME = "run.json"
UNCHANGED = "unchanged"


def run(context: Context) -> Result:
    """Write the record, at the beginning or at the end of a run."""
    params = context.params
    now = datetime.datetime.now(datetime.timezone.utc)
    if params["state"] == "started":
        document = _started(params, now)
        _forget(params["reports"], document)
    else:
        document = _ended(read_record(os.path.join(params["dest"], NAME)), params, now)
    path = _write(params, document)
    values = {
        "path": path,
        "run": document["run"],
        "status": document["status"],
        "accounts": [_told(account) for account in document["accounts"]],
    }
    return Result(values)


def _write(params: t.Mapping[str, t.Any], document: Document) -> str:
    """Write the record to both places; one of a run that cannot begin is not left behind. Returns its path in C(dest).

    :raises LicensingError: C(report_unwritable).
    """
    kept = write_record(params["history"], f"{document['run']}.json", document) if params["history"] else None
    try:
        return write_record(params["dest"], NAME, document)
    except LicensingError:
        if kept and document["status"] == "running":
            os.unlink(kept)
        raise


def _started(params: t.Mapping[str, t.Any], now: datetime.datetime) -> Document:
    """The record of what a plan is about to do; of every device, nothing is known yet."""
    plan = _plan(params["plan"])
    going = {entry["account"]: entry for entry in params["accounts"]}
    digest = str(plan.get("digest") or "")
    return {
        "format": FORMAT,
        "run": f"{now.strftime('%Y%m%dT%H%M%SZ')}-{digest[:8] or '00000000'}",
        "kind": params["kind"],
        "started": moment(now),
        "ended": None,
        "plan": digest,
        "status": "running",
        "accounts": [
            _planned(account, going[account["account"]], os.path.join(params["reports"], account["account"]))
            for account in plan["accounts"]
            if account["account"] in going
        ],
    }


def _forget(reports: str, document: Document) -> None:
    """Remove what an earlier run in the same place reported, so that it cannot be taken for what this one will."""
    for account in document["accounts"]:
        for part in account["parts"]:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(reports, account["account"], f"apply-{part['list']}.csv"))


def _plan(path: str) -> Document:
    try:
        return read_plan(path)
    except LicensingError as error:
        raise OptionsError([Problem(f"'plan' {path} cannot be read: {error.message}.", error.code)]) from None


def _planned(account: Document, entry: t.Mapping[str, t.Any], reports: str) -> Document:
    """An account as its plan has it; one that is not to be changed has its failure, and no parts."""
    if entry.get("blocked"):
        return {"account": account["account"], "failure": _failure(entry["blocked"]), "parts": []}
    parts = []
    for part in account["parts"]:
        if part["status"] in IDLE:
            continue
        made = {key: part[key] for key in ("kind", "sku", "id_kind", "lifetime", "api_version", "action", "list")}
        if part["kind"] == "removal_candidates":
            made["before"] = _lines(os.path.join(reports, "before-candidates.csv"))
        made["devices"] = [_foreseen(row, part["action"]) for row in part["devices"]]
        parts.append({**made, "summary": _summary(made["devices"])})
    return {"account": account["account"], "freeze": account.get("freeze") or [], "parts": parts}


def _foreseen(row: t.Mapping[str, str], action: str) -> Document:
    planned = row["outcome"]
    if planned in ("skipped", "accepted"):
        # A plan beyond a limit tells in its reason what would be done; without waiting, a request is only accepted.
        planned = "removed" if action == "absent" or row["reason"].endswith("removed") else "assigned"
    planned = planned if planned in ("assigned", "removed", "added") else ""
    return {"device_id": row["device_id"], "planned": planned, "outcome": "unknown", "reason": "", "request_id": ""}


def _ended(document: Document, params: t.Mapping[str, t.Any], now: datetime.datetime) -> Document:
    """The same record, with what the modules told about each device."""
    given = {entry["account"]: entry for entry in params["accounts"]}
    accounts = [
        _done(account, given.get(account["account"]), os.path.join(params["reports"], account["account"]))
        for account in document["accounts"]
    ]
    failed = any("failure" in thing for account in accounts for thing in (account, *account["parts"]))
    return {**document, "accounts": accounts, "ended": moment(now), "status": "failed" if failed else "done"}


def _done(account: Document, entry: t.Mapping[str, t.Any] | None, reports: str) -> Document:
    if "failure" in account:
        return account
    if entry is None:
        return {**account, "failure": {"code": "failed", "message": "The run ended before this account was done."}}
    results = _results(entry)
    parts = []
    for part in account["parts"]:
        report = os.path.join(reports, f"apply-{part['list']}.csv")
        parts.append(_part(part, results.get(part["list"]), report))
    failure = {"failure": _failure(entry["failure"])} if entry.get("failure") else {}
    return {**account, "parts": parts, **failure}


def _results(entry: t.Mapping[str, t.Any]) -> dict[str, Document]:
    """What the modules returned, by the name of the list; a task that was skipped returned nothing."""
    found: dict[str, Document] = {}
    for name in ("fota", "removal_candidates"):
        result = entry.get(name)
        if isinstance(result, dict) and not result.get("skipped"):
            found[name] = result
    for field in ("assigned", "removed", "undone"):
        for result in entry.get(field) or []:
            if isinstance(result, dict) and not result.get("skipped") and "item" in result:
                made_from = result["item"]["item"]
                found[made_from["remove_list" if field == "removed" else "list"]] = result
    return found


def _part(part: Document, result: Document | None, report: str) -> Document:
    """A part with the outcome of each of its devices."""
    if result is None:
        rows = [{**row, "outcome": "skipped", "reason": "not started"} for row in part["devices"]]
        return {**part, "devices": rows, "summary": _summary(rows)}
    told = {row["device_id"]: row for row in _rows(report)} if "summary" in result else {}
    failure = result.get("failure")
    if failure:
        missing = {"outcome": "skipped", "reason": f"not sent: {failure['message']}"}
    else:
        missing = {"outcome": "skipped", "reason": "it waits until another licence is confirmed"} if told else {}
    rows = [{**row, **told.pop(row["device_id"], missing)} for row in part["devices"]]
    rows += [{"planned": "", **row} for row in told.values() if row["outcome"] != UNCHANGED]
    done: Document = {**part, "devices": rows, "summary": _summary(rows)}
    if failure:
        done["failure"] = _failure(failure)
    elif "summary" not in result:
        # A module that was killed says nothing of its own; what it sent is not known.
        done["failure"] = {"code": "failed", "message": str(result.get("msg") or "A module ended without a result.")}
    return done


def _rows(path: str) -> t.Iterator[dict[str, str]]:
    if os.path.exists(path):
        with open(path, encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                yield {
                    name: as_it_was(row.get(name) or "") for name in ("device_id", "outcome", "reason", "request_id")
                }


def _told(account: Document) -> Document:
    """What people are told about an account: counts, and why it failed."""
    counts = _summary(row for part in account["parts"] for row in part["devices"])
    failures = [part["failure"]["message"] for part in account["parts"] if "failure" in part]
    if "failure" in account:
        failures.insert(0, f"{account['failure']['code']}: {account['failure']['message']}")
    return {
        "account": account["account"],
        "summary": {outcome: count for outcome, count in counts.items() if count},
        "failures": failures,
        "complete": not any(counts[outcome] for outcome in AMISS) and not failures,
    }


def _summary(rows: t.Iterable[t.Mapping[str, str]]) -> dict[str, int]:
    counts: dict[str, int] = dict.fromkeys(OUTCOMES, 0)
    for row in rows:
        counts[row["outcome"]] += 1
    return counts


def _failure(given: t.Mapping[str, t.Any]) -> Document:
    return {"code": str(given.get("code") or "failed"), "message": str(given.get("message") or "")}


def _lines(path: str) -> list[str] | None:
    """The devices of a list with a header; None if there is no such file."""
    try:
        with open(path, encoding="ascii") as stream:
            return stream.read().split()[1:]
    except OSError:
        return None
