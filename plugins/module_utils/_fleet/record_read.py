# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reads the record of a run from a file, with all that is wrong with it."""

from __future__ import annotations

import itertools
import json
import os
import stat
import typing as t

from .._devices.ids import show
from .._errors import OptionsError, Problem
from .._plan.outcomes import OUTCOMES, Outcome
from .._text.once import TwiceError, once
from .._thingspace.id_kinds import KIND
from .documents import Json, read, wrong_in
from .record import FORMAT, PLANNED, Planned, RunRecord, checksum

CODE: t.Final = "run_file_invalid"
MAX_BYTES = 512 * 1024 * 1024
"""A record of a million devices has less than 200 MB."""

_NONE = "it is not a run record"
_MOST = 20
"""The most mistakes that are reported. Whoever makes records must check the program, not each of a million rows."""


class _Row(t.NamedTuple):
    """What there is in a row, for its checks."""

    device_id: str
    planned: Planned
    outcome: Outcome
    reason: str
    request_id: str


def read_record(path: str) -> RunRecord:
    """A record in a file, whose content matches its checksum and can be used.

    :raises OptionsError: C(run_file_invalid), with all problems.
    """
    return record_in(lambda: _text(path), path)


def record_in(text: t.Callable[[], str], place: str) -> RunRecord:
    """A record whose content matches its checksum and can be used.

    :param text: reads its text; a C(ValueError) means that it is damaged.
    :param place: where it is, for messages.
    :raises OptionsError: C(run_file_invalid), with all problems.
    """
    try:
        document = json.loads(text(), parse_constant=_refuse, object_pairs_hook=once)
        wrong = _wrong(document)
    except OSError as error:
        wrong = [error.strerror or "it cannot be read"]
    except TwiceError as error:
        wrong = [str(error)]
    except (ValueError, RecursionError, MemoryError):
        wrong = [f"{_NONE}: it is not JSON, or was cut off"]
    if wrong:
        problems = [Problem(f"The run record {place[:500]} cannot be used: {why}.", CODE) for why in wrong]
        raise OptionsError(problems)
    return read(RunRecord, document)


def _text(path: str) -> str:
    # A device or a pipe may never end, and opening a pipe may never return.
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(0, "it is a directory" if stat.S_ISDIR(status.st_mode) else "it is not a regular file")
    if status.st_size > MAX_BYTES:
        raise OSError(0, f"it has {status.st_size} bytes, and no run record has more than {MAX_BYTES}")
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def _wrong(document: t.Any) -> list[str]:
    if not isinstance(document, dict) or "format" not in document or "run" not in document:
        return [_NONE]
    if document["format"] != FORMAT or isinstance(document["format"], bool):
        return [f"it is of format {str(document['format'])[:20]}, this release reads {FORMAT}"]
    if document.get("checksum") != checksum(document):
        return ["its content does not fit its checksum: it was changed after it was written"]
    found = itertools.chain(wrong_in(RunRecord, document, "the record", others=True), _contradictions(document))
    return list(itertools.islice(found, _MOST))


def why_unreadable(record: RunRecord) -> list[str]:
    """Why a record could not be read again, apart from the rows of its devices, which may be a million."""
    accounts = [
        account._replace(parts=[part._replace(devices=[]) for part in account.parts]) for account in record.accounts
    ]
    return _wrong(record._replace(accounts=accounts).signed().to_json())


def _refuse(constant: str) -> t.NoReturn:
    raise ValueError(constant)


def _contradictions(document: Json) -> t.Iterator[str]:
    """What is wrong with the devices, and between members. The members themselves may be wrong."""
    seen: set[str] = set()
    for number, account in _objects(document, "accounts"):
        where = f"account {number}"
        if str(account.get("account")) in seen:
            yield f"{where} is there twice"
        seen.add(str(account.get("account")))
        for place, part in _objects(account, "parts"):
            there = f"part {place} of {where}"
            if part.get("kind") == "simsec" and not part.get("sku"):
                yield f"{there} names no SKU"
            if part.get("kind") != "simsec" and part.get("id_kind") != KIND:
                yield f"{there} goes by IMEI"
            yield from _wrong_rows(part.get("devices"), there)


def _objects(value: Json, name: str) -> t.Iterator[tuple[int, Json]]:
    entries = value.get(name)
    for number, entry in enumerate(entries if isinstance(entries, list) else [], 1):
        if isinstance(entry, dict):
            yield number, entry


def _wrong_rows(rows: t.Any, where: str) -> t.Iterator[str]:
    seen: set[str] = set()
    for number, row in enumerate(rows if isinstance(rows, list) else [], 1):
        if not _is_row(row):
            yield from wrong_in(_Row, row, f"device {number} of {where}", others=True)
        elif row["device_id"] in seen:
            yield f"device {number} of {where}: {show(row['device_id'])} is named twice"
        else:
            seen.add(row["device_id"])


def _is_row(row: t.Any) -> bool:
    """The same in short: there may be a million."""
    return (
        isinstance(row, dict)
        and row.get("planned") in PLANNED
        and row.get("outcome") in OUTCOMES
        and all(isinstance(row.get(name), str) for name in ("device_id", "reason", "request_id"))
    )
