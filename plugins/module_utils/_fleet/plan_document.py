# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The plan of a whole run over accounts: what each part would do, and one digest over everything."""

from __future__ import annotations

import typing as t

from .._errors import LicensingError
from .._text.canonical import digest
from .._thingspace.api_versions import ApiVersion
from .._thingspace.id_kinds import Kind
from .account_parts import COUNTS, Action, PartKind
from .documents import Failure, Json, as_json, read, rows_of, wrong_in
from .option_names import Caller

FORMAT = 2
"""Version of the plan file. In format 1, digests covered less than a plan shows."""

PlanStatus = t.Literal["no_change", "incomplete", "changes", "guard_tripped", "error"]
_STATUSES: tuple[PlanStatus, ...] = t.get_args(PlanStatus)
"""In this order, the worse status comes later."""

IDLE = ("no_change", "incomplete")
"""With these statuses, there is nothing to do."""

TITLES: dict[PartKind, str] = {
    "fota": "FOTA licenses",
    "removal_candidates": "Removal candidates",
    "simsec": "SIM-Secure licenses",
}

PlanRow = dict[str, str]
"""A device with its C(outcome) and C(reason). Plans have millions of them, so they stay as they are in the file."""

PlanRows = t.Annotated[list[PlanRow], rows_of("device_id", "outcome", "reason")]
Stays = t.Annotated[list[PlanRow], rows_of("kind", "sku", "device_id", "done", "code", "reason")]
"""For an undo, the changes of the run that stay."""


class PlanCounts(t.NamedTuple):
    """How many devices a part changes and leaves. A kind of license that cannot be added or moved has None for that.

    :param digest: binds the module that carries the part out; None if the module did not list the current state.
    :param incomplete: devices that are not as wanted and that the part does not change.
    :param waves: after how many devices each wave ends.
    """

    digest: str | None
    incomplete: int = 0
    unchanged: int | None = None
    assign: int | None = None
    remove: int | None = None
    add: int | None = None
    move: int | None = None
    waves: list[int] | None = None

    @property
    def by_change(self) -> dict[str, int]:
        """The number of devices for each kind of change."""
        return {name: getattr(self, name) or 0 for name in COUNTS}

    @property
    def changes(self) -> bool:
        """Whether anything changes."""
        return any(self.by_change.values())


class PlanLimits(t.NamedTuple):
    """The limits of a part in the fleet file. A share is a text, such as C(5%)."""

    reserve: int | None
    lifetime_consent: int | None
    max_changes: int | None
    max_removals: int | str | None


class PlanPart(t.NamedTuple):
    """What is planned for one kind of license, SKU, and kind of id.

    :param list: the name of the list of its devices, unique in the account.
    :param action: the C(state) of its module.
    :param plan: the numbers.
    :param licenses: the pool as the module returned it; None if there is none.
    :param held: how many of its licenses are assigned before the plan; None if nobody knows.
    :param free: how many are available before the plan.
    :param devices: those that change; C(incomplete), those that are not as wanted.
    :param missing: the sentence about licenses that nobody knows the devices of.
    :param note: what an earlier run left, or nobody can change; it is no reason to stop.
    :param failure: why nothing of it is carried out.
    """

    kind: PartKind
    sku: str
    id_kind: Kind
    api_version: ApiVersion | t.Literal[""]
    list: str
    lifetime: bool
    action: Action
    plan: PlanCounts
    licenses: Json | None
    held: int | None
    free: int | None
    limits: PlanLimits
    devices: PlanRows
    incomplete: PlanRows
    status: PlanStatus = "no_change"
    digest: str = ""
    missing: str | None = None
    note: str | None = None
    failure: Failure | None = None

    @property
    def listed(self) -> bool:
        """Whether it changes the removal candidate list, and no licenses."""
        return self.kind == "removal_candidates"

    @property
    def true_status(self) -> PlanStatus:
        """The status that follows from its content."""
        if self.failure is not None:
            return "guard_tripped"
        return "changes" if self.plan.changes else "incomplete" if self.plan.incomplete else "no_change"

    @property
    def carried_out(self) -> PlanPart:
        """What it does to which devices and under which limits: everything except predictions and notes."""
        plan = self.plan._replace(unchanged=None, incomplete=0)
        bare = self._replace(plan=plan, licenses=None, held=None, free=None, incomplete=[], note=None, missing=None)
        return bare._replace(digest="")


class PlanAccount(t.NamedTuple):
    """The plan of an account.

    :param file: the fleet file; empty if there is none.
    :param wanted: digest of what is wanted.
    :param digest: over the digests of its parts and the rest of its content; empty if there is no plan.
    :param failure: why there is no plan, or which limit of a SKU its parts exceed together.
    :param incomplete: devices that are not as wanted and belong to no part.
    :param freeze: freeze windows, as in the fleet file; C(frozen), the sentence about the one that applies now.
    :param sets: the name and size of each set of the fleet file.
    :param left: for an undo, the changes that stay, and why; C(notes), what to know before it is carried out.
    """

    account: str
    file: str
    wanted: str
    parts: list[PlanPart]
    status: PlanStatus = "no_change"
    digest: str = ""
    failure: Failure | None = None
    incomplete: PlanRows | None = None
    freeze: list[Json] | None = None
    frozen: str | None = None
    sets: list[Json] | None = None
    left: Stays | None = None
    notes: list[str] | None = None

    @property
    def failures(self) -> list[Failure]:
        """Why it, or a part of it, is stopped."""
        found = [self.failure, *(part.failure for part in self.parts)]
        return [failure for failure in found if failure is not None]

    @property
    def incomplete_rows(self) -> PlanRows:
        """The named devices that are not as wanted, and that the plan does not change."""
        return [*(row for part in self.parts for row in part.incomplete), *(self.incomplete or ())]

    @property
    def incomplete_count(self) -> int:
        """How many devices these are. A part may know only their number."""
        return sum(part.plan.incomplete for part in self.parts) + len(self.incomplete or ())

    def judged(self) -> PlanAccount:
        """The same account with the statuses that follow from it."""
        parts = [part._replace(status=part.true_status) for part in self.parts]
        statuses: list[PlanStatus] = [part.status for part in parts]
        statuses += [] if self.failure is None else ["guard_tripped" if parts else "error"]
        statuses += ["incomplete"] if self.incomplete_count else []
        return self._replace(parts=parts, status=_worst(statuses))

    def sealed(self) -> PlanAccount:
        """The same account with its digests: of each part over its whole content, and of the account over those."""
        if self.status == "error":
            # The reason why there is no plan may have other words next time.
            return self._replace(digest="")
        parts = [part._replace(digest=_digest(part, "digest")) for part in self.parts]
        # Not part of what is approved: where the fleet file is, the names of its sets, and freeze windows.
        left_out = ("digest", "file", "freeze", "frozen", "sets")
        return self._replace(parts=parts, digest=_digest(self, *left_out, parts=[part.digest for part in parts]))


class UndoneRun(t.NamedTuple):
    """The run that an undo reverses, as its record describes it.

    :param plan: the digest of its plan.
    """

    run: str
    kind: str
    started: str
    ended: str | None
    status: str
    plan: str


class UndonePlan(t.NamedTuple):
    """What happened to a plan before it was made once more.

    :param run: a run that carried it out, the last one.
    :param by: the run that undid that one.
    """

    run: str
    by: str


class PlanDocument(t.NamedTuple):
    """The plan of a run.

    :param created: the time, for people; it is not part of the digest.
    :param totals: how many devices change, for each kind of change.
    :param incomplete: how many devices are not as wanted and not changed.
    :param digest: what is approved.
    :param checksum: over the whole file.
    :param failure: limits of the whole run that it exceeds.
    :param again: the undo of the same plan, if it is made again after that. An approval from before does not cover it.
    :param approved: the digest of the approved plan, if this is only the rest of that. It is not part of its digest.
    :param undoes: for an undo, the run; C(left), how many changes stay; C(later_runs_known), whether all are known.
    """

    created: str
    accounts: list[PlanAccount]
    totals: dict[str, int]
    incomplete: int = 0
    status: PlanStatus = "no_change"
    digest: str = ""
    checksum: str = ""
    failure: Failure | None = None
    undoes: UndoneRun | None = None
    left: int | None = None
    later_runs_known: bool | None = None
    again: UndonePlan | None = None
    approved: str | None = None
    format: int = FORMAT

    @property
    def caller(self) -> Caller:
        """What says what is wanted. Only accounts of fleet files have a file."""
        if self.undoes is not None:
            return "undo"
        return "files" if any(account.file for account in self.accounts) else "survey"

    @property
    def parts(self) -> list[PlanPart]:
        """The parts of all accounts."""
        return [part for account in self.accounts for part in account.parts]

    @property
    def failures(self) -> list[Failure]:
        """Why the run, or anything of it, is stopped."""
        own = [] if self.failure is None else [self.failure]
        return own + [failure for account in self.accounts for failure in account.failures]

    @property
    def incomplete_rows(self) -> PlanRows:
        """The named devices of all accounts that are not as wanted, and that the plan does not change."""
        return [row for account in self.accounts for row in account.incomplete_rows]

    def sealed(self) -> PlanDocument:
        """The same plan with everything that follows from its content: statuses, totals, and digests, bottom up.

        This is the only way to get a digest, for a new plan and for one that is read. Any previous values in these
        fields are ignored. The digest covers everything that is not explicitly left out, so it covers new fields, too.
        """
        accounts = sorted((one.judged().sealed() for one in self.accounts), key=lambda one: one.account)
        statuses = [one.status for one in accounts]
        statuses += ["guard_tripped"] if self.failure else []
        made = self._replace(
            accounts=accounts,
            totals={name: sum(part.plan.by_change[name] for one in accounts for part in one.parts) for name in COUNTS},
            incomplete=sum(one.incomplete_count for one in accounts),
            status=_worst(statuses),
        )
        # Not approved: when the plan was made, and how it compares with limits of the run, which depend on who runs it.
        left_out = ("digest", "checksum", "created", "status", "failure", "approved")
        named = [[one.account, one.digest] for one in accounts]
        made = made._replace(digest=_digest(made, *left_out, accounts=named))
        return made._replace(checksum=_digest(made, "checksum"))

    @classmethod
    def from_json(cls, value: t.Any) -> PlanDocument:
        """Read it. Whether its digests fit, C(sealed) shows.

        :raises LicensingError: C(plan_file_invalid), with the first thing that is wrong, which is not a whole sentence.
        """
        wrong = ""
        if isinstance(value, dict) and (value.get("format") != FORMAT or isinstance(value["format"], (bool, float))):
            found = str(value.get("format"))[:20]
            old = ". Make a new plan with this release, and have that one approved" if found == "1" else ""
            wrong = f"it is of format {found}, this release reads {FORMAT}{old}"
        elif why := next(wrong_in(cls, value, "the plan", others=False), ""):
            wrong = f"it is not a plan file: {why}"
        elif len({account["account"] for account in value["accounts"]}) < len(value["accounts"]):
            wrong = "it has an account twice"
        if wrong:
            raise LicensingError(wrong, code="plan_file_invalid")
        return read(cls, value)


def _worst(statuses: t.Iterable[PlanStatus]) -> PlanStatus:
    return max(statuses, key=_STATUSES.index, default="no_change")


def _digest(record: t.Any, *left_out: str, **more: t.Any) -> str:
    """SHA-256 over a part, an account, or a plan in the form of its file.

    :param left_out: members that are not part of it.
    :param more: other values of members.
    """
    return digest({**{name: one for name, one in as_json(record).items() if name not in left_out}, **more})
