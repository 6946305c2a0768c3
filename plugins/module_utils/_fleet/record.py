# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The record of a run: the planned change of each device, and its result. Reads a record from a file."""

from __future__ import annotations

import datetime
import itertools
import json
import os
import stat
import typing as t

from .._account import account_problems
from .._devices.ids import show
from .._errors import OptionsError, Problem
from .._plan.outcomes import OUTCOMES, Outcome
from .._simsec.skus import sku_problems
from .._text.canonical import digest
from .._text.once import TwiceError, once
from .._text.quantities import read_quantity
from .._thingspace.api_versions import ApiVersion
from .._thingspace.id_kinds import KIND, Kind
from .account_parts import Action, PartKind
from .documents import Failure, Json, as_json, is_count, like, read, wrong_in
from .option_names import Caller
from .run_mark import MARK

FORMAT = 1
"""Version of the record."""

CODE: t.Final = "run_file_invalid"
MAX_BYTES = 512 * 1024 * 1024
"""A record of a million devices has less than 200 MB."""

Planned = t.Literal["", "assigned", "removed", "added"]
PLANNED: tuple[Planned, ...] = t.get_args(Planned)

_NONE = "it is not a run record"
_MOST = 20
"""The most mistakes that are reported. Whoever makes records must check the program, not each of a million rows."""


def _is_sku(value: t.Any) -> bool:
    return isinstance(value, str) and (not value or not sku_problems(value))


def _is_account(value: t.Any) -> bool:
    return isinstance(value, str) and not account_problems(value)


def _are_counts(value: t.Any) -> bool:
    return isinstance(value, dict) and all(map(is_count, value.values()))


def _is_summary(value: t.Any) -> bool:
    return _are_counts(value) and all(name in OUTCOMES for name in value)


def _are_limits(value: t.Any) -> bool:
    fits = {"max_changes": is_count, "max_removals": lambda share: read_quantity(share) is not None}
    return isinstance(value, dict) and all(
        name in fits and (limit is None or fits[name](limit)) for name, limit in value.items()
    )


def _are_ids(value: t.Any) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(device, str) for device in value))


Time = t.Annotated[str, like(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")]
RunKind = t.Literal["apply", "undo"]
RunRow = dict[str, str]
"""A device with its C(planned) change, C(outcome), C(reason), and C(request_id). Records have millions of them, so they
stay as they are in the file.
"""


class _Row(t.NamedTuple):
    """What there is in a row, for its checks."""

    device_id: str
    planned: Planned
    outcome: Outcome
    reason: str
    request_id: str


RunRows = t.Annotated[list[RunRow], lambda value: isinstance(value, list)]
Summary = t.Annotated[dict[str, int], _is_summary]
Ids = list[str]
Devices = t.Annotated["Ids | None", _are_ids]
"""Null is a value of it. Unlike for a field that may be left out, it is kept."""


class RunPart(t.NamedTuple):
    """What a run did to one kind of license, SKU, and kind of id.

    :param action: the C(state) of its module.
    :param summary: how many devices have which outcome.
    :param list: the name of the list of its devices, unique in the account.
    :param limits: those of the fleet file when it was planned, which an undo honors; None in records before 0.6.
    :param before: the removal candidates before the run, and C(after) it, as ThingSpace returned them: it may list
        a device twice, or return invalid ids. None if nobody knows.
    """

    kind: PartKind
    sku: t.Annotated[str, _is_sku]
    id_kind: Kind
    lifetime: bool
    api_version: ApiVersion | t.Literal[""]
    action: Action
    summary: Summary
    devices: RunRows
    list: str | None = None
    limits: t.Annotated[Json, _are_limits] | None = None
    before: Devices = None
    after: Devices = None
    failure: Failure | None = None


class RunAccount(t.NamedTuple):
    """What a run did in an account.

    :param freeze: freeze windows, as in the fleet file.
    :param failure: why nothing was done, or why the results are not known.
    """

    account: t.Annotated[str, _is_account]
    parts: list[RunPart]
    freeze: list[Json] | None = None
    failure: Failure | None = None


class RunRecord(t.NamedTuple):
    """A run.

    :param ended: None while it is in progress, or if it was killed.
    :param plan: the digest of its plan.
    :param status: the one word for it, in the record, the log, the pages, and the report: failed if a part failed,
        incomplete if something else is not as wanted at the end. Records before 0.6 call that done.
    :param beside: unfinished runs that had started before; C(seen), see C(history.Place).
    :param mark: the start of the names of its requests; None in records before 0.6.
    :param remaining: what the plan left not as wanted, as a sentence.
    :param undoes: the run that it reverses.
    :param history: the directory with the records of all runs.
    :param source: what said what is wanted, if that was no fleet file.
    """

    run: t.Annotated[str, like(r"[0-9A-Za-z][0-9A-Za-z.-]{0,79}")]
    kind: RunKind
    started: Time
    ended: Time | None
    plan: t.Annotated[str, like(r"([0-9a-f]{64})?")]
    status: t.Literal["running", "done", "incomplete", "failed"]
    accounts: list[RunAccount]
    beside: list[str] | None = None
    seen: t.Annotated[dict[str, int], _are_counts] | None = None
    mark: t.Annotated[str, like(MARK.pattern)] | None = None
    remaining: str | None = None
    undoes: str | None = None
    history: str | None = None
    source: t.Literal["survey"] | None = None
    checksum: str = ""
    format: int = FORMAT

    @property
    def caller(self) -> Caller:
        """What said what is wanted."""
        return "undo" if self.kind == "undo" else self.source or "files"

    @property
    def parts(self) -> list[RunPart]:
        """The parts of all accounts."""
        return [part for account in self.accounts for part in account.parts]

    def to_json(self) -> Json:
        """As it is in a file."""
        made = as_json(self)
        for account in made["accounts"]:
            for part in account["parts"]:
                if part["kind"] == "removal_candidates":
                    # That nobody knows the list is in the record, too.
                    part.setdefault("before", None)
        return made

    def signed(self) -> RunRecord:
        """The record as it is written, with its checksum."""
        return self._replace(checksum=checksum(self.to_json()))


def timestamp(when: datetime.datetime) -> str:
    """A timestamp in the format of records."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def checksum(document: t.Mapping[str, t.Any]) -> str:
    """SHA-256 over a whole record except its checksum."""
    return digest({key: value for key, value in document.items() if key != "checksum"})


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
