# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The files of earlier runs and reports in the history directory: run records, and the pools of each day."""

from __future__ import annotations

import datetime
import json
import os
import typing as t

from .._errors import LicensingError
from .._text.canonical import digest
from .._text.files import PRIVATE, replacing
from .._text.former_names import renamed, with_former_names
from .._text.once import TwiceError, once
from .data import Json
from .text import visible

Key = tuple[str, str]
"""An account and a license."""

POOLS = "license-pools.jsonl"
"""One line for each day, account, and license: the counts of the last report of that day."""

RUN_FORMAT = 1
MAX_RUNS = 200
KEPT_DAYS = 800
COUNTS = ("total", "assigned", "available", "missing", "extra", "unknown", "reclaimable")


class _UnfitError(ValueError):
    """A run record that must not be shown, with the reason."""


class History(t.NamedTuple):
    """The content of the directory.

    :param runs: newest first.
    :param pools: lines of earlier days by account and license, oldest first.
    :param unreadable: bad files, or bad lines of a file, each with the reason.
    """

    runs: list[Json]
    pools: dict[Key, list[Json]]
    unreadable: list[tuple[str, str]]


def read_history(folder: str | None) -> History:
    """Read the directory. It counts as empty if it does not exist."""
    history = History([], {}, [])
    if not folder or not os.path.isdir(folder):
        return history
    names = sorted((name for name in os.listdir(folder) if name.endswith(".json") and name[0] != "."), reverse=True)
    for name in names[:MAX_RUNS]:
        try:
            with open(os.path.join(folder, name), encoding="utf-8") as stream:
                history.runs.append(shown_run(json.load(stream, object_pairs_hook=once)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            history.unreadable.append((visible(name), why_not(error)))
    history.runs.sort(key=lambda run: str(run["started"]), reverse=True)
    _read_pools(os.path.join(folder, POOLS), history)
    return history


def shown_run(record: Json) -> Json:
    """The part of a run record that the report shows.

    :raises _UnfitError: its content does not match its checksum, or it has another format.
    """
    if record["format"] != RUN_FORMAT:
        raise _UnfitError(f"it is of format {visible(record['format'])}, this release reads {RUN_FORMAT}")
    if digest({key: value for key, value in record.items() if key != "checksum"}) != record["checksum"]:
        raise _UnfitError("its content does not fit its checksum: it was changed after it was written")
    summary: dict[str, int] = {}
    failed = 0
    for account in record["accounts"]:
        failed += "failure" in account or any("failure" in part for part in account["parts"])
        for part in account["parts"]:
            # Entries of that list are no licenses.
            what = "candidates " if part["kind"] == "removal_candidates" else ""
            for outcome, count in part["summary"].items():
                if outcome != "unchanged" and count:
                    name = what + visible(outcome)
                    summary[name] = summary.get(name, 0) + int(count)
    shown = {key: visible(record[key]) for key in ("run", "kind", "started", "ended", "status")}
    return {**shown, "accounts": len(record["accounts"]), "accounts_failed": failed, "summary": summary}


def _read_pools(path: str, history: History) -> None:
    try:
        with open(path, encoding="utf-8") as stream:
            lines = stream.read().splitlines()
    except FileNotFoundError:
        return
    except (OSError, UnicodeError) as error:
        history.unreadable.append((POOLS, why_not(error)))
        return
    broken = 0
    for line in lines:
        try:
            value = json.loads(line)
            datetime.date.fromisoformat(value["day"])
            counts = {name: value.get(name) for name in COUNTS}
            if not all(count is None or isinstance(count, int) for count in counts.values()):
                raise ValueError(line)
            row = {"day": value["day"], **counts}
            history.pools.setdefault((str(value["account"]), str(renamed(value, "license"))), []).append(row)
        except (ValueError, KeyError, TypeError):
            broken += 1
    if broken:
        history.unreadable.append((POOLS, f"{broken} of its lines cannot be read, and are left out"))
    for rows in history.pools.values():
        rows.sort(key=lambda row: str(row["day"]))


def earlier(history: History, key: Key, day: str) -> list[Json]:
    """The counts of a pool before a day, oldest first."""
    return [row for row in history.pools.get(key, []) if row["day"] < day]


def remember(folder: str, history: History, day: str, pools: t.Mapping[Key, Json]) -> None:
    """Store today's counts of the pools in one step. They replace those of an earlier report on the same day.

    :raises LicensingError: C(report_unwritable).
    """
    oldest = (datetime.date.fromisoformat(day) - datetime.timedelta(KEPT_DAYS)).isoformat()
    rows = [
        (row["day"], *key, row)
        for key, known in history.pools.items()
        for row in known
        if row["day"] >= oldest and not (row["day"] == day and key in pools)
    ]
    rows += [(day, *key, {"day": day, **counts}) for key, counts in pools.items()]
    rows.sort(key=lambda row: row[:3])
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with replacing(os.path.join(folder, POOLS), PRIVATE) as stream:
            for _day, account, license, row in rows:
                stream.write(_line(account, license, row))
    except OSError as error:
        raise LicensingError(
            f"The history in {folder} could not be written: {error.strerror or error}. The report itself was.",
            code="report_unwritable",
        ) from None


def _line(account: str, license: str, row: Json) -> str:
    """A line for a pool. It has the former name beside the new one, because an older release drops lines without it."""
    return json.dumps(with_former_names({"account": account, "license": license, **row}), sort_keys=True) + "\n"


def why_not(error: Exception) -> str:
    """Why a record is left out."""
    if isinstance(error, OSError):
        return error.strerror or "it cannot be read"
    if isinstance(error, (_UnfitError, TwiceError)):
        return str(error)
    return "it is not a run record"
