# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The record with which a run ends: what the modules reported for each device. In doubt, nothing is known."""

from __future__ import annotations

import contextlib
import datetime
import os
import typing as t

from .._candidates.rows import GONE
from .._plan.incomplete import DONE_BEFORE, stays
from .._plan.outcomes import MOVED
from .account_apply import BEFORE
from .documents import Json
from .history import enter
from .record import RunAccount, RunPart, RunRecord, RunRow, timestamp
from .record_values import failure_of, ids_of, not_sent, results_of, summary_of, text
from .run_mark import folder_of
from .run_options import RecordOptions
from .run_words import left_after

UNCHANGED = "unchanged"


class _Reports(t.NamedTuple):
    """The reports of an account.

    :param folder: where they are.
    :param place: where they will be; see C(hand_out).
    """

    folder: str
    place: str

    @classmethod
    def of(cls, options: RecordOptions, account: RunAccount, record: RunRecord) -> _Reports:
        place = os.path.join(options.reports, account.account)
        return cls(folder_of(place, record.mark), place)


def ended_record(record: RunRecord, options: RecordOptions, now: datetime.datetime) -> RunRecord:
    """The same record, with the results that the modules reported for each device."""
    given = {text(entry.get("account")): entry for entry in options.accounts}
    accounts = [
        _settled(account, given.get(account.account), _Reports.of(options, account, record))
        for account in record.accounts
    ]
    ended = record._replace(accounts=accounts, ended=timestamp(now))
    return ended._replace(
        status="failed" if ended.failures else "incomplete" if left_after(ended, options.journal) else "done"
    )


def hand_out(options: RecordOptions, record: RunRecord) -> None:
    """Move the reports of a run that has ended to where readers find those of the last run. The record has it all."""
    for account in record.accounts:
        folder, place = _Reports.of(options, account, record)
        if folder != place:
            with contextlib.suppress(OSError):
                for name in os.listdir(folder):
                    os.replace(os.path.join(folder, name), os.path.join(place, name))
                os.rmdir(folder)


def lost_record(options: RecordOptions, now: datetime.datetime) -> RunRecord:
    """A replacement for the record from the start of the run, which is gone."""
    names = dict.fromkeys(text(entry.get("account")) for entry in options.accounts)
    reason = "The record that the run began with is gone, so the results for the devices are unknown; see {}."
    accounts = [
        RunAccount(name, [], failure=failure_of(reason.format(os.path.join(options.reports, name))))
        for name in names
        if name
    ]
    run = options.run or enter(None, None, now, "").run
    return RunRecord(run, options.kind, timestamp(now), None, "", "running", accounts)


def _settled(account: RunAccount, entry: t.Mapping[str, t.Any] | None, reports: _Reports) -> RunAccount:
    """The account with its results. The record is written whatever was reported. In doubt, nothing is known."""
    try:
        return _done(account, entry, reports)
    except Exception as error:  # pylint: disable=broad-exception-caught
        reason = f"The results for the devices could not be recorded ({type(error).__name__}), so they are unknown; see"
        return account._replace(failure=failure_of(f"{reason} {reports.place}."))


def _done(account: RunAccount, entry: t.Mapping[str, t.Any] | None, reports: _Reports) -> RunAccount:
    if account.failure:
        return account
    if entry is None or (entry.get("failed") and not (entry.get("failure") or "parts" in entry)):
        why = str((entry or {}).get("msg") or "the run ended before that").rstrip(".")
        ended = failure_of(f"The task of this account ended without a result: {why}.")
        return account._replace(parts=[_reported(part, reports) for part in account.parts], failure=ended)
    # In check mode, the task only planned. It has no parts, and nothing was begun.
    results = _results(entry)
    # With parts, these have the failures. Without, the account failed before its first part.
    failure = failure_of(entry["failure"]) if entry.get("failure") and "parts" not in entry else None
    not_begun = not_sent(failure) if failure else {"outcome": "skipped", "reason": "not started"}
    parts: list[RunPart] = []
    for part in account.parts:
        result = results.get(part.list or "")
        unlicensed = _unlicensed(parts) if part.kind == "removal_candidates" else frozenset()
        done = _with_each(part, not_begun, unlicensed) if result is None else _part(part, result, reports, unlicensed)
        parts.append(done)
        if part.kind == "removal_candidates" and result is not None:
            # The state at the time of the plan may differ from the state at the time of the write.
            parts[-1] = parts[-1]._replace(before=ids_of(os.path.join(reports.folder, BEFORE)))
    return account._replace(parts=parts, failure=failure)


def _reported(part: RunPart, reports: _Reports) -> RunPart:
    """A part of an account whose process was killed. A part that was finished by then has its report."""
    results, unread = results_of(os.path.join(reports.folder, f"apply-{part.list}.csv"))
    return part if unread else _part(part, {"summary": summary_of(results.values())}, reports)


def _results(entry: t.Mapping[str, t.Any]) -> dict[str, Json]:
    """The results of the modules, by the name of the list. A part that was not begun has none.

    :raises TypeError: this is not what the module returned.
    """
    found: dict[str, Json] = {}
    parts = entry.get("parts", [])
    if not isinstance(parts, list):
        raise TypeError
    for result in parts:
        found[result["list"]] = result
    return found


def _unlicensed(parts: t.Iterable[RunPart]) -> frozenset[str]:
    """The devices from which these parts have removed a FOTA license, or may have."""
    rows = (row for part in parts if part.kind == "fota" for row in part.devices)
    return frozenset(
        row["device_id"]
        for row in rows
        if row["outcome"] == "removed" or (row["outcome"] == "unknown" and row["planned"] == "removed")
    )


def _missing(missing: dict[str, str], row: RunRow, unlicensed: t.Container[str]) -> dict[str, str]:
    """The outcome of a planned device of which its part reported nothing.

    :param missing: that of all such devices of the part.
    :param unlicensed: those that may have left the removal candidate list with the FOTA license that the run removed.
    """
    if row["device_id"] not in unlicensed or row["planned"] != "removed" or missing.get("outcome") != "skipped":
        return missing
    if missing["reason"] == DONE_BEFORE:
        return {"outcome": "removed", "reason": GONE}
    return {
        "outcome": "unknown",
        "reason": f"{missing['reason'].rstrip('.')}; ThingSpace may have taken it off the list with its FOTA license",
    }


def _with_each(part: RunPart, result: dict[str, str], unlicensed: t.Container[str] = ()) -> RunPart:
    """A part of which all devices have the same result."""
    rows = [{**row, **_missing(result, row, unlicensed)} for row in part.devices]
    return part._replace(devices=rows, summary=summary_of(rows))


def _part(part: RunPart, result: Json, reports: _Reports, unlicensed: t.Container[str] = ()) -> RunPart:
    """A part that was begun, with the outcome of each of its devices."""
    name = f"apply-{part.list}.csv"
    reported, unread = results_of(os.path.join(reports.folder, name)) if "summary" in result else ({}, "")
    failure = failure_of(result["failure"]) if result.get("failure") else None
    if (unread or "summary" not in result) and _may_have_written(result):
        failure = failure or failure_of("The results for the devices are unknown.")
        missing = {
            "outcome": "unknown",
            "reason": f"see {os.path.join(reports.place, name)}: {unread}" if unread else failure.message,
        }
    elif failure:
        missing = not_sent(failure)
    else:
        # When the part was carried out, nothing was left to do about it, according to the plan that was checked there.
        # On the candidate list, 'unchanged' refers to a place on it.
        same = "skipped" if part.kind == "removal_candidates" else UNCHANGED
        missing = {"outcome": same, "reason": DONE_BEFORE} if "summary" in result else {}
    rows = [{**row, **reported.pop(row["device_id"], _missing(missing, row, unlicensed))} for row in part.devices]
    left = list(_still_left(part.left or (), reported))
    more = {device: found for device, found in reported.items() if found["outcome"] != UNCHANGED}
    rows += [{"device_id": device, "planned": "", **found} for device, found in more.items()]
    if not failure and "summary" not in result:
        # A killed module reports nothing, so it is not known what it sent.
        failure = failure_of(result.get("msg") or "A module ended without a result.")
    return part._replace(devices=rows, summary=summary_of(rows), failure=failure or part.failure, left=left or None)


def _still_left(left: t.Iterable[Json], reported: dict[str, dict[str, str]]) -> t.Iterator[Json]:
    """The devices that the plan left and the run did not send, as they are now.

    :param reported: the result of each device that the plan does not change. These are taken from it.
    """
    for row in left:
        device = row["device_id"]
        found = reported.get(device)
        if found is None:
            yield row
        elif stays(found, row["outcome"]):
            yield {"device_id": device, "outcome": found["outcome"], "reason": reported.pop(device)["reason"]}


def _may_have_written(result: Json) -> bool:
    """Whether a module without known rows may have changed devices. It may, unless its own result denies that."""
    if "summary" not in result:
        return bool(result.get("changed")) or failure_of(result.get("failure")).code == "internal_error"
    counts = result["summary"]
    return not isinstance(counts, dict) or any(counts.get(name) != 0 for name in (*MOVED, "unknown", "failed"))
