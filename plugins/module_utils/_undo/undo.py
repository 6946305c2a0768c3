# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The device lists that reverse a run: the flow of C(fleet_undo). It asks ThingSpace nothing."""

from __future__ import annotations

import contextlib
import csv
import os
import typing as t

from .._devices.ids import digest_of
from .._errors import OptionsError, Problem
from .._fleet.files import write_lists
from .._fleet.record import CODE, Document, read_record
from .._journal.clock import ago
from .._journal.file import PATIENCE
from .._journal.journal import open_journal
from .._journal.status import Attempt
from .._module import Context, Result
from .._plan.outcomes import report_path_problems, write_csv
from .._simsec.job import OVERDUE
from .._thingspace.api_versions import API_VERSION, CANDIDATES_VERSION
from .candidates import restore, returning
from .changes import (
    CANDIDATES,
    FOTA,
    Left,
    LicensePool,
    RunPart,
    changes_of,
    limits_of,
    parts_of,
    pool_of,
    without_odd_ids,
)
from .fota import FotaReversal, reverse_fota
from .history import Later, later_than, lies_ahead, place_problems
from .moves import Former
from .own_requests import RunWindow
from .simsec import Attempts, Reversal, reverse_simsec

Lists = dict[str, list[str]]

LEFT_FILE = "cannot.csv"
CANDIDATES_LIST = "undo-candidates"
RETURNING_LIST = "undo-candidates-returning"


def run(context: Context) -> Result:
    """Read the record and the later ones, decide about each device, and write the lists."""
    params = context.params
    problems = report_path_problems(os.path.join(params["dest"], LEFT_FILE), "dest") if params["dest"] else []
    problems += place_problems(params["plan_dest"], params["run"], params["history"])
    try:
        record = read_record(params["run"])
        # Later runs were considered when the plan was made. By now, this undo may be among them.
        history = params["history"] if params["stage"] == "plan" else None
        later = later_than(record, history)
    except OptionsError as error:
        problems += [Problem(text, error.code) for text in error.details["problems"]]
    if problems:
        raise OptionsError(problems)
    kept = record["accounts"]
    if params["accounts"] is not None:
        kept = [account for account in kept if account["account"] in params["accounts"]]
    values = {name: record[name] for name in ("run", "kind", "started", "ended", "status", "checksum")}
    values["check_mode"] = context.check_mode
    return Result({**values, "accounts": [_account(context, record, account, later) for account in kept]})


def _account(context: Context, record: Document, account: RunPart, later: Later) -> Document:
    """The result for an account. Writes its lists."""
    account, odd = without_odd_ids(account)
    fota = reverse_fota(account, later)
    simsec, left, former = _simsec(context, record, account, later)
    candidates = parts_of(account, CANDIDATES)
    lists: Lists = {}
    parts = [*_fota_parts(account, fota, lists), *_simsec_parts(context, account, simsec, former, lists)]
    left = [*odd, *fota.left, *left]
    if candidates and context.params["candidates"] is not None:
        restoration = restore(
            account["account"], candidates, context.params["candidates"], _unlicensed(context, fota.give), later
        )
        left += restoration.left
        if restoration.devices is not None:
            lists[CANDIDATES_LIST] = restoration.devices
            settings = {
                "kind": "removal_candidates",
                "state": "exact",
                "api_version": _version(candidates, CANDIDATES_VERSION),
                **limits_of(account, CANDIDATES),
            }
            parts.append({**settings, "list": CANDIDATES_LIST, "count": len(restoration.devices)})
    lists[RETURNING_LIST] = returning(candidates)
    # If the run changed nothing on the list, nobody needs to read it.
    listed = {"api_version": _version(candidates, CANDIDATES_VERSION), "returning": len(lists[RETURNING_LIST])}
    return {
        "account": account["account"],
        "parts": _write(context, account["account"], lists, parts, left),
        "removal_candidates": listed if changes_of(candidates) else None,
        "freeze": account.get("freeze") or [],
        "left": len(left),
        "notes": _notes(record, account, fota),
    }


def _fota_parts(account: RunPart, fota: FotaReversal, lists: Lists) -> t.Iterator[Document]:
    """Licenses are removed first, so that a full pool has some to assign."""
    version = _version(parts_of(account, FOTA), API_VERSION)
    for step, state, devices in (("take", "absent", fota.take), ("give", "present", fota.give)):
        if devices:
            name = f"undo-fota-{step}"
            lists[name] = devices
            yield {
                "kind": "fota",
                "state": state,
                "step": step,
                "api_version": version,
                "list": name,
                "count": len(devices),
                **limits_of(account, FOTA),
            }


def _simsec_parts(
    context: Context, account: RunPart, simsec: t.Mapping[LicensePool, Reversal], former: Former, lists: Lists
) -> t.Iterator[Document]:
    for step, state in (("take", "absent"), ("give", "present"), ("moved", "absent")):
        for pool, reversal in simsec.items():
            devices = getattr(reversal, step)
            if devices:
                name = f"undo-simsec-{pool.sku}-{pool.id_kind}-{step}"
                lists[name] = devices
                entry = {"kind": "simsec", "state": state, "step": step, "sku": pool.sku, "id_kind": pool.id_kind}
                instead = {}
                if state == "absent":
                    found = former.instead(pool, devices)
                    instead = {"replaced_by": list(_instead(context, account["account"], name, found, lists))}
                yield {**entry, "list": name, "count": len(devices), **limits_of(account, pool), **instead}


def _instead(
    context: Context, account: str, name: str, found: t.Mapping[LicensePool, list[str]], lists: Lists
) -> t.Iterator[Document]:
    """What devices held before the run and must hold again first, as the option of the task that carries that out."""
    folder = os.path.join(context.params["dest"] or "", account)
    for pool, devices in sorted(found.items()):
        other = f"{name}-after-{pool.sku}-{pool.id_kind}"
        lists[other] = devices
        path = os.path.join(folder, f"{other}.txt")
        bound = {"count": len(devices), "digest": digest_of(devices)}
        yield {"sku": pool.sku, "kind": pool.id_kind, "devices_file": path, **bound}


def _version(parts: t.Sequence[RunPart], otherwise: str) -> str:
    return next((part["api_version"] for part in parts if part["api_version"]), otherwise)


def _notes(record: Document, account: RunPart, fota: FotaReversal) -> list[str]:
    found = []
    if record["status"] == "running":
        found.append(
            "The run has no end: it was killed or is still in progress. Make sure that it is not. Everything that it "
            "had planned counts as done."
        )
    if lies_ahead(record):
        found.append(
            f"The run is of {record['started']}, which is in the future: the clock of this machine, or of the one that "
            "wrote the record, is or was wrong. The numbers of the runs show which came after it."
        )
    if fota.uncertain:
        found.append(
            f"The run does not know the result for {fota.uncertain} FOTA licenses. If one is as the run wanted it, "
            "either the run or someone else since then did that. These cases look the same, and both are undone."
        )
    if account.get("failure"):
        found.append(f"The run failed in this account: {account['failure']['message']}")
    return found


def _simsec(
    context: Context, record: Document, account: RunPart, later: Later
) -> tuple[dict[LicensePool, Reversal], list[Left], Former]:
    changes = {
        pool: changes_of(parts_of(account, pool))
        for pool in {pool_of(part) for part in account["parts"] if part["kind"] == "simsec"}
    }
    window = RunWindow(record["started"], record["ended"], ago(OVERDUE), record.get("mark") or "")
    if not changes:
        return {}, [], Former(window, {}, {})
    known = _attempts(context, account["account"], changes)
    confirmed = context.params["stage"] == "apply"
    found, left = reverse_simsec(account, window, known, later, confirmed=confirmed)
    return found, left, Former(window, changes, known or {})


def _attempts(
    context: Context, account: str, changes: t.Mapping[LicensePool, t.Mapping[str, t.Any]]
) -> dict[LicensePool, Attempts] | None:
    """Everything that the journal knows about the devices of the run, including licenses that the run did not change.

    If the run assigned something by one kind of id, also everything about devices of the other kind, because any of
    them may be the same SIM.

    :raises LicensingError: the journal cannot be read.
    """
    path = context.params["journal"]
    if not path:
        return None
    devices = {device for rows in changes.values() for device in rows}
    gained = {pool.id_kind for pool, rows in changes.items() if any(row.done == "assigned" for row in rows.values())}
    found: dict[LicensePool, dict[str, t.Sequence[Attempt]]] = {pool: {} for pool in changes}
    with contextlib.closing(open_journal(path, write=False, patience=PATIENCE)) as journal:
        for scope, device, attempts in journal.walk(account, None):
            if device in devices or gained - {scope.kind}:
                found.setdefault(LicensePool("simsec", scope.sku, scope.kind), {})[device] = attempts
    return dict(found)


def _unlicensed(context: Context, given: t.Sequence[str]) -> set[str]:
    """The devices without a FOTA license, according to the check of those that return to the list."""
    path = context.params["licensed"]
    if not path or not os.path.exists(path):
        return set()
    foreseen = set(given) if context.params["stage"] == "plan" else set()
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            rows = [(row["device_id"], row["outcome"]) for row in csv.DictReader(stream)]
    except (OSError, ValueError, KeyError, csv.Error):
        raise OptionsError([Problem(f"'licensed' {path} is not a report of fota_license.", CODE)]) from None
    return {device for device, outcome in rows if outcome != "unchanged" and device not in foreseen}


def _write(
    context: Context, account: str, lists: Lists, parts: list[Document], left: t.Sequence[Left]
) -> list[Document]:
    """Write the lists. Returns the remaining parts."""
    dest = context.params["dest"]
    if dest is None:
        return parts
    if context.params["stage"] == "plan":
        write_lists(dest, account, lists)
        write_csv(os.path.join(dest, account, LEFT_FILE), Left._fields, left)
        return parts
    # A second decision may only do less than what was shown.
    again = [part for part in parts if part.get("step") == "moved" or part["kind"] == "removal_candidates"]
    lists = {part["list"]: _shown(os.path.join(dest, account, part["list"]), lists[part["list"]]) for part in again}
    write_lists(dest, account, lists)
    return [{**part, "count": len(lists[part["list"]])} for part in again]


def _shown(path: str, devices: t.Sequence[str]) -> list[str]:
    """The devices in the list that was written before.

    :raises OptionsError: there is no list, so nothing was shown.
    """
    try:
        with open(f"{path}.txt", encoding="ascii") as stream:
            before = set(stream.read().split())
    except (OSError, ValueError):
        raise OptionsError([Problem(f"{path}.txt is missing: 'stage: apply' follows 'stage: plan'.")]) from None
    return [device for device in devices if device in before]
