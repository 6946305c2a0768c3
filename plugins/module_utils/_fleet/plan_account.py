# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The plan of one account: its parts, and one digest over what is approved."""

from __future__ import annotations

import typing as t

from .documents import Failure, Json, rows_of
from .plan_part import PlanPart, PlanRow, PlanRows, PlanStatus, digest_of, worst

Stays = t.Annotated[list[PlanRow], rows_of("kind", "sku", "device_id", "done", "code", "reason")]
"""For an undo, the changes of the run that stay."""


class PlanAccount(t.NamedTuple):
    """The plan of an account.

    :param file: the fleet file; empty if there is none.
    :param wanted: digest of what is wanted.
    :param digest: over the digests of its parts and the rest of its content; empty if there is no plan.
    :param failure: why there is no plan, or which limit of a SKU its parts exceed together.
    :param incomplete: devices that are not as wanted and belong to no part.
    :param freeze: freeze windows, as in the fleet file; C(frozen), the sentence about the one that applies now.
    :param sets: the name and size of each set of the fleet file.
    :param left: for an undo, the changes that stay, and why.
    :param notes: what to know before it is carried out.
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
        return self._replace(parts=parts, status=worst(statuses))

    def sealed(self) -> PlanAccount:
        """The same account with its digests: of each part over its whole content, and of the account over those."""
        if self.status == "error":
            # The reason why there is no plan may have other words next time.
            return self._replace(digest="")
        parts = [part._replace(digest=digest_of(part, "digest")) for part in self.parts]
        # Not part of what is approved: where the fleet file is, the names of its sets, and freeze windows.
        left_out = ("digest", "file", "freeze", "frozen", "sets")
        return self._replace(parts=parts, digest=digest_of(self, *left_out, parts=[part.digest for part in parts]))
