# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What the pages of a run show, and the files of these pages beside the record."""

from __future__ import annotations

import os
import typing as t

from .._errors import LicensingError, defect
from .._pages.render import MAX_ROWS, View, render, share
from .._pages.run import TEMPLATES
from .._plan.incomplete import is_done
from .._text.files import write
from .again import of_a_run
from .documents import Failure
from .option_names import Caller, in_terms_of
from .plan_words import meaning, title_of
from .record import RunAccount, RunPart, RunRecord, RunRow

ACCEPTED = "Accepted as planned, and not confirmed yet"
"""The headline of a run that only lacks confirmations, and was not to wait for them."""

UNDONE = {
    "failed": "Failed",
    "unknown": "Result unknown",
    "accepted": "Accepted, and not confirmed yet",
    "skipped": "Not done",
}
"""What did not become as planned comes first: it is what somebody has to do something about."""

DONE = {
    "removed": "Removed",
    "added": "Added",
    "assigned": "Assigned",
    "unchanged": "Already so",
    "skipped": "Done by someone else",
}

LEFT = "Not as wanted, and left so by the plan"


class Extra(t.NamedTuple):
    """What the pages of a run show that is not in its record.

    :param undo: the command that shows what an undo of the run would do; empty if it is not known.
    :param cost: what the run costs; None without prices, or if no license was assigned or removed.
    :param journal: its journal, if there is one.
    """

    undo: str = ""
    cost: View | None = None
    journal: str | None = None


NOTHING = Extra()


def pages_of(record: RunRecord, folder: str | None = None, extra: Extra = NOTHING) -> dict[str, str]:
    """The pages of a run, by file name.

    :param folder: directory with templates of the user.
    :raises LicensingError: C(missing_library), C(template_failed).
    """
    return render(TEMPLATES, TEMPLATES, {**run_view(record, extra)}, folder)


def written(
    record: RunRecord, path: str, folder: str | None, extra: Extra
) -> tuple[dict[str, str], LicensingError | None]:
    """Write the pages of a run beside its record, which is whole whatever happens here.

    :param path: the record.
    :return: the files by their format, and why they are not those of the user, or not there.
    """
    failure: LicensingError | None = None
    files: dict[str, str] = {}
    try:
        try:
            pages = pages_of(record, folder, extra)
        except LicensingError as error:
            if error.code != "template_failed":
                raise
            failure, pages = error, pages_of(record, None, extra)
        for name, text in pages.items():
            kind = os.path.splitext(name)[1]
            files["markdown" if kind == ".md" else "html"] = os.path.splitext(path)[0] + kind
            write(os.path.splitext(path)[0] + kind, text)
    except LicensingError as error:
        failure = error
    except OSError as error:
        why = f"The page of the run could not be written beside {path}: {error.strerror or error}."
        failure = LicensingError(why, code="report_unwritable")
    except Exception as error:  # pylint: disable=broad-exception-caught
        failure = defect(error, "The run itself is over.")
    if failure is not None:
        failure.add(f" The record of the run is whole: {path}.")
    return files, failure


def run_view(record: RunRecord, extra: Extra = NOTHING) -> View:
    """What the pages of a run show."""
    accounts = [_account(account, number, record.caller) for number, account in enumerate(record.accounts, 1)]
    parts = record.parts
    undone = {name: sum(part["undone"][name] for account in accounts for part in account["parts"]) for name in UNDONE}
    stops = [stop for account in accounts for stop in account["stops"]]
    running = record.status == "running"
    amiss = stops or any(count for name, count in undone.items() if name != "accepted")
    whole = not (running or undone["accepted"] or amiss)
    ended = "Not everything became as planned" if amiss else "Done as planned" if whole else ACCEPTED
    return {
        "title": f"{'Undo run' if record.kind == 'undo' else 'Run'} {record.run}",
        "headline": "Not ended" if running else ended,
        "status": "no_change" if whole and not record.remaining else "incomplete",
        "word": record.status,
        "running": running,
        "started": record.started,
        "ended": record.ended or "",
        "digest": record.plan,
        "licenses": _counts(part for part in parts if part.kind != "removal_candidates"),
        "entries": _counts(part for part in parts if part.kind == "removal_candidates"),
        "for_life": _counts(part for part in parts if part.lifetime)["assigned"],
        "undone": sum(undone.values()),
        "waiting": undone["accepted"] + undone["unknown"],
        "left": record.remaining or "",
        "outcomes": [{"words": word, "count": undone[name]} for name, word in UNDONE.items() if undone[name]],
        "stops": stops,
        "again": of_a_run(record, extra.journal),
        "undo": extra.undo,
        "cost": extra.cost,
        "reversible": record.reversible,
        "links": [(account["anchor"], account["name"]) for account in accounts],
        "accounts": accounts,
    }


def _account(account: RunAccount, number: int, caller: Caller) -> View:
    parts = [_part(part, caller) for part in account.parts]
    stops = [{"where": account.account, **_failure(account.failure)}] if account.failure else []
    stops += [{"where": f"{account.account}, {part['title']}", **part["stop"]} for part in parts if part["stop"]]
    return {"name": account.account, "anchor": f"account-{number}", "stops": stops, "parts": parts}


def _part(part: RunPart, caller: Caller) -> View:
    words = {**{(False, name): word for name, word in UNDONE.items()}, **{(True, name): DONE[name] for name in DONE}}
    rows: dict[tuple[bool, str], list[RunRow]] = {kind: [] for kind in words}
    for row in part.devices:
        rows[is_done(row), row["outcome"]].append(row)
    shares = share([len(some) for some in rows.values()], MAX_ROWS)
    groups: list[View] = [
        {"word": words[kind], "count": len(some), "rows": [_row(row, caller, done=kind[0]) for row in some[:most]]}
        for (kind, some), most in zip(rows.items(), shares, strict=True)
        if some
    ]
    if part.left:
        left = [_row(row, caller, done=False) for row in part.left[:MAX_ROWS]]
        groups.append({"word": LEFT, "count": len(part.left), "rows": left})
    groups = [{**group, "reasons": any(row["reason"] for row in group["rows"])} for group in groups]
    return {
        "title": title_of(part.kind, part.sku, part.id_kind),
        "words": ", ".join(f"{group['count']:,} {group['word'].lower()}" for group in groups) or "nothing was done",
        "for_life": part.lifetime,
        "stop": _failure(part.failure) if part.failure else None,
        "undone": {name: len(rows[False, name]) for name in UNDONE},
        "groups": groups,
    }


def _row(row: RunRow, caller: Caller, *, done: bool) -> View:
    """A device, and why it is not as planned, or else what was planned."""
    planned = row.get("planned")
    meant = f"planned: {planned}" if planned and not done else ""
    return {"device_id": row["device_id"], "reason": in_terms_of(caller, row["reason"]) or meant}


def _failure(failure: Failure) -> View:
    return {"words": meaning(failure.code), "message": failure.message, "code": failure.code}


def _counts(parts: t.Iterable[RunPart]) -> dict[str, int]:
    summaries = [part.summary for part in parts]
    return {name: sum(one.get(name, 0) for one in summaries) for name in ("assigned", "removed", "added")}
