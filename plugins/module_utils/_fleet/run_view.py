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
from .plan_document import Document
from .plan_words import meaning, title_of

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


def pages_of(document: Document, folder: str | None = None) -> dict[str, str]:
    """The pages of a run, by file name.

    :param folder: directory with templates of the user.
    :raises LicensingError: C(missing_library), C(template_failed).
    """
    return render(TEMPLATES, TEMPLATES, run_view(document), folder)


def written(document: Document, path: str, folder: str | None = None) -> tuple[dict[str, str], LicensingError | None]:
    """Write the pages of a run beside its record, which is whole whatever happens here.

    :param path: the record.
    :return: the files by their format, and why they are not those of the user, or not there.
    """
    failure: LicensingError | None = None
    files: dict[str, str] = {}
    try:
        try:
            pages = pages_of(document, folder)
        except LicensingError as error:
            if error.code != "template_failed":
                raise
            failure, pages = error, pages_of(document)
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


def run_view(document: Document) -> View:
    """What the pages of a run show."""
    accounts = [_account(account, number) for number, account in enumerate(document["accounts"], 1)]
    parts = [part for account in document["accounts"] for part in account["parts"]]
    rows = [row for part in parts for row in part["devices"]]
    undone = [row for row in rows if not is_done(row)]
    stops = [stop for account in accounts for stop in account["stops"]]
    running = document["status"] == "running"
    whole = not (running or undone or stops)
    return {
        "title": f"{'Undo run' if document['kind'] == 'undo' else 'Run'} {document['run']}",
        "headline": "Not ended" if running else "Done as planned" if whole else "Not everything became as planned",
        "status": "no_change" if whole else "incomplete",
        "running": running,
        "started": document["started"],
        "ended": document["ended"] or "",
        "digest": document["plan"],
        "licenses": _counts(part for part in parts if part["kind"] != "removal_candidates"),
        "entries": _counts(part for part in parts if part["kind"] == "removal_candidates"),
        "for_life": _counts(part for part in parts if part["lifetime"])["assigned"],
        "undone": len(undone),
        "outcomes": [
            {"words": word, "count": count}
            for name, word in UNDONE.items()
            if (count := sum(row["outcome"] == name for row in undone))
        ],
        "stops": stops,
        "links": [(account["anchor"], account["name"]) for account in accounts],
        "accounts": accounts,
    }


def _account(account: Document, number: int) -> View:
    parts = [_part(part) for part in account["parts"]]
    stops = [{"where": account["account"], **_failure(account["failure"])}] if "failure" in account else []
    stops += [{"where": f"{account['account']}, {part['title']}", **part["stop"]} for part in parts if part["stop"]]
    return {"name": account["account"], "anchor": f"account-{number}", "stops": stops, "parts": parts}


def _part(part: Document) -> View:
    found = [("undone", name, word) for name, word in UNDONE.items()]
    found += [("done", name, word) for name, word in DONE.items()]
    rows: dict[tuple[str, str], list[Document]] = {(kind, name): [] for kind, name, _word in found}
    for row in part["devices"]:
        rows["done" if is_done(row) else "undone", row["outcome"]].append(row)
    shares = share([len(some) for some in rows.values()], MAX_ROWS)
    groups = [
        {"word": word, "count": len(some), "rows": some[:most], "reasons": any(row["reason"] for row in some[:most])}
        for (_kind, _name, word), some, most in zip(found, rows.values(), shares, strict=True)
        if some
    ]
    words = ", ".join(f"{group['count']:,} {str(group['word']).lower()}" for group in groups)
    stop = _failure(part["failure"]) if "failure" in part else None
    return {"title": title_of(part), "words": words, "for_life": part["lifetime"], "stop": stop, "groups": groups}


def _failure(failure: Document) -> View:
    return {"words": meaning(failure["code"]), "message": failure["message"], "code": failure["code"]}


def _counts(parts: t.Iterable[Document]) -> dict[str, int]:
    counts = dict.fromkeys(("assigned", "removed", "added"), 0)
    for part in parts:
        for row in part["devices"]:
            if row["outcome"] in counts:
                counts[row["outcome"]] += 1
    return counts
