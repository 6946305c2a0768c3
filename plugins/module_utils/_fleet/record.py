# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The record of a run: the planned change of each device, and its result."""

from __future__ import annotations

import datetime
import typing as t

from .._account import account_problems
from .._plan.outcomes import MAY_HAVE_MOVED, OUTCOMES
from .._simsec.skus import sku_problems
from .._text.canonical import digest
from .._text.quantities import read_quantity
from .._thingspace.api_versions import ApiVersion
from .._thingspace.id_kinds import Kind
from .account_parts import Action, PartKind
from .documents import Failure, Json, as_json, is_count, like
from .option_names import Caller
from .plan_part import PlanRows
from .run_mark import MARK

FORMAT = 1
"""Version of the record."""

Planned = t.Literal["", "assigned", "removed", "added"]
PLANNED: tuple[Planned, ...] = t.get_args(Planned)


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
DIGEST = "[0-9a-f]{64}"
RunKind = t.Literal["apply", "undo"]
RunRow = dict[str, str]
"""A device with its C(planned) change, C(outcome), C(reason), and C(request_id). Records have millions of them, so they
stay as they are in the file.
"""

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
    :param left: the devices that the plan left not as wanted, and that were not sent; absent if there are none.
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
    left: PlanRows | None = None

    def may_have_changed(self, row: RunRow) -> bool:
        """Whether the run may have changed one of its devices."""
        # On the removal candidate list, only the place may have changed.
        placed = self.kind == "removal_candidates" and row["outcome"] == "unchanged"
        return placed or row["outcome"] in MAY_HAVE_MOVED


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
    :param plan: the digest of its plan; empty if the record from its start is gone.
    :param approved: the digest of the approved plan, if its own is only the rest of that.
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
    plan: t.Annotated[str, like(f"({DIGEST})?")]
    status: t.Literal["running", "done", "incomplete", "failed"]
    accounts: list[RunAccount]
    beside: list[str] | None = None
    seen: t.Annotated[dict[str, int], _are_counts] | None = None
    mark: t.Annotated[str, like(MARK.pattern)] | None = None
    remaining: str | None = None
    undoes: str | None = None
    history: str | None = None
    source: t.Literal["survey"] | None = None
    approved: t.Annotated[str, like(DIGEST)] | None = None
    checksum: str = ""
    format: int = FORMAT

    @property
    def caller(self) -> Caller:
        """What said what is wanted."""
        return "undo" if self.kind == "undo" else self.source or "files"

    @property
    def lost(self) -> bool:
        """Whether it replaces a record that was gone when the run ended. Then nobody knows what the run changed."""
        return not self.plan and not self.parts

    @property
    def parts(self) -> list[RunPart]:
        """The parts of all accounts."""
        return [part for account in self.accounts for part in account.parts]

    @property
    def failures(self) -> list[Failure]:
        """Why any of it was stopped, or failed."""
        found = [*(account.failure for account in self.accounts), *(part.failure for part in self.parts)]
        return [failure for failure in found if failure is not None]

    @property
    def reversible(self) -> bool:
        """Whether it may have changed anything that an undo would look at."""
        return any(part.may_have_changed(row) for part in self.parts for row in part.devices)

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
