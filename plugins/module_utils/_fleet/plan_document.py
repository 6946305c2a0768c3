# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The plan of a whole run over accounts: what each part would do, and one digest over everything."""

from __future__ import annotations

import typing as t

from .._errors import LicensingError
from .account_parts import COUNTS
from .documents import Failure, read, wrong_in
from .option_names import Caller
from .plan_account import PlanAccount
from .plan_part import PlanPart, PlanRows, PlanStatus, digest_of, worst

FORMAT = 2
"""Version of the plan file. In format 1, digests covered less than a plan shows."""


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
            status=worst(statuses),
        )
        # Not approved: when the plan was made, and how it compares with limits of the run, which depend on who runs it.
        left_out = ("digest", "checksum", "created", "status", "failure", "approved")
        named = [[one.account, one.digest] for one in accounts]
        made = made._replace(digest=digest_of(made, *left_out, accounts=named))
        return made._replace(checksum=digest_of(made, "checksum"))

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
