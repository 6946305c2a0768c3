# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What follows a plan: the next step, the last lines that a person sees, and whether the run is red."""

from __future__ import annotations

import typing as t

from .._error_codes import Code
from .._errors import LicensingError
from .._text.lists import few, said_once
from .documents import Failure, Json, as_json
from .plan_account import PlanAccount
from .plan_options import PlanOptions
from .plan_part import PlanStatus
from .plan_words import not_as_wanted, totals_in_words

FAIL_ON: dict[str, tuple[str, ...]] = {
    "error": (),
    "guard_tripped": ("guard_tripped",),
    "incomplete": ("guard_tripped", "incomplete"),
    "changes": ("guard_tripped", "incomplete", "changes"),
}
"""For each value of C(fail_on), the statuses with which a plan is red. Without a plan, an account always is."""

INCOMPLETE = ("incomplete", "changes")
"""The values of C(fail_on) with which a run is red if something is not as wanted afterward."""

MAX_LINES = 1000

Step = t.Literal["show", "idle", "wait", "apply"]


class PlanResult(t.NamedTuple):
    """What C(fleet_plan) returns about a plan besides its accounts.

    :param awaited: devices that an earlier run sent, and that wait for their confirmation.
    :param over: limits of the whole run that an unapproved plan exceeds.
    :param left: of an undo, how many changes stay as the run left them.
    :param command: applies the plan; empty if that is not known, or if an approval does not help.
    """

    status: PlanStatus
    digest: str
    totals: dict[str, int]
    incomplete: int
    approved: bool
    check_mode: bool
    awaited: int
    remaining: str
    summary: str
    over: Failure | None
    files: dict[str, str]
    left: int
    history: str
    command: str = ""


class End:
    """How a plan ends."""

    def __init__(self, options: PlanOptions) -> None:
        self._options = options

    def step(self, plan: PlanResult) -> Step:
        """What the role does next."""
        if not self._options.applying:
            return "show"
        if self._options.check_mode:
            return "idle"
        if sum(plan.totals.values()):
            return "apply"
        return "wait" if self._options.wait and plan.awaited and not self._options.undo_run else "idle"

    def account(self, account: PlanAccount, blocked: Failure | None, red: str) -> Json:
        """An account of the plan, as the role shows it.

        :param blocked: why the account must not be changed now.
        :param red: why the whole plan is red; empty if it is not.
        """
        changes = any(part.plan.changes for part in account.parts)
        about = {"account": account.account, "status": account.status, "digest": account.digest}
        stops = blocked is not None and (self._options.carries_out or account.status == "error")
        texts = [f"{blocked.code}: {blocked.message}"] if blocked else []
        texts += [] if blocked else [_words(account)]
        return {
            **about,
            "incomplete": account.incomplete_count,
            "blocked": blocked and as_json(blocked),
            "goes_on": blocked is None,
            "foreseen": self._options.check_mode and self._options.applying and changes and blocked is None,
            "red": stops or bool(red),
            "text": " ".join([*texts, *([red] if red and not stops else [])]),
        }

    def lines(self, plan: PlanResult, again: str = "", hopeless: str = "", covers: str = "") -> list[str]:
        """The status, the totals, the files, and how to apply the plan.

        :param again: that the plan was carried out before, and undone; empty if it was not.
        :param hopeless: why the plan is not to be applied; empty if it may be.
        :param covers: which accounts an approval covers; empty if all.
        """
        changes = sum(plan.totals.values())
        left = f"Changes of the run that are not undone: {plan.left:,}." if plan.left else ""
        files = [f"Plan: {plan.files['markdown']}"] if plan.files else []
        status: str = plan.status
        nothing, how, partly = "", "", ""
        if self._options.carries_out:
            status = _word(plan) + (" (check mode: nothing was written)" if self._options.check_mode else "")
            nothing = "" if changes else "Nothing to do: no device was sent."
        elif changes:
            partly = covers
            how = hopeless or (f"To apply: {plan.command}" if plan.command else "")
        over = [f"{plan.over.message} An approval lets it through."] if plan.over else []
        about = [
            nothing,
            again,
            left,
            *over,
            plan.remaining if self._options.carries_out else "",
            *files,
            f"Digest: {plan.digest}",
            partly,
            how,
        ]
        return [line for line in [f"Status: {status}", *plan.summary.splitlines(), *about] if line]

    def red(self, plan: PlanResult) -> str:
        """Why the run must end red although there is a plan of every account; empty if it need not."""
        page = plan.files.get("markdown", "")
        fail_on = self._options.fail_on
        if self._options.carries_out:
            wrong = _word(plan) == "incomplete" and fail_on in INCOMPLETE
            return f"Not everything is as wanted. {plan.remaining}{f' See {page}.' if page else ''}" if wrong else ""
        bad = plan.status in FAIL_ON[fail_on]
        if bad or (plan.incomplete and fail_on == "incomplete"):
            left = f" (devices not as wanted: {plan.incomplete})" if plan.incomplete else ""
            return f"The status of the plan is {plan.status}{left}{f', see {page}' if page else ''}."
        return ""

    def reasons(self, accounts: t.Sequence[PlanAccount], over: Failure | None) -> t.Sequence[PlanAccount]:
        """The accounts for which the run is red, if it is. A limit of the run is exceeded by all of them together."""
        fail_on = self._options.fail_on
        wrong: t.Collection[str] = () if self._options.carries_out else FAIL_ON[fail_on]
        found = [one for one in accounts if one.status in wrong or (one.incomplete_count and fail_on in INCOMPLETE)]
        return accounts if over or not found else found

    def stopped(self, plan: PlanResult, blocked: t.Iterable[Failure | None]) -> LicensingError | None:
        """Why nothing of the plan may be carried out.

        :param blocked: for each account why it must not be changed.
        """
        missing = dropped(self._options.gone)
        if missing and not self._options.accounts:
            return LicensingError(f"{missing.message} There is no plan.", code="invalid_options")
        if not self._options.carries_out:
            return None
        if self._options.without_plan:
            named = ", ".join(self._options.without_plan[:20])
            text = (
                f"The plan does not cover all hosts of the play, but its limits apply to all of them. These have no "
                f"plan: {named}. Run the role for every host of the play. Nothing was written."
            )
            return LicensingError(text, code="invalid_options")
        stops = [plan.over] if plan.over else []
        if self._options.any_errors_fatal:
            stops += filter(None, [*blocked, missing])
        if stops:
            text = said_once([*(stop.message for stop in stops), "Nothing was written."])
            if plan.over:
                text += f" If it is right, have exactly this plan approved: {plan.digest}."
            guards: Json = {} if stops[0].guards is None else {"guards": stops[0].guards}
            return LicensingError(text, code=t.cast(Code, stops[0].code), digest=plan.digest, **guards)
        if self._options.require_approval and not plan.approved and self.step(plan) == "apply":
            text = (
                f"The plan needs an approval. Nothing was written. Look at it, and then approve exactly this plan: "
                f"-e approved={plan.digest}."
            )
            return LicensingError(text, code="not_approved", digest=plan.digest)
        return None


def dropped(accounts: t.Sequence[str]) -> Failure | None:
    """That accounts are missing in the plan. Ansible does not say why a host is gone."""
    if not accounts:
        return None
    text = (
        f"Not planned: {few(accounts, 20)}. Their hosts failed, could not be reached, or left the play before. Nothing "
        "is done in these accounts."
    )
    return Failure("invalid_options", text)


def shown(path: str | None) -> list[str]:
    """The lines of a page, for jobs whose files do not outlive them."""
    if path is None:
        return []
    with open(path, encoding="utf-8") as stream:
        lines = [line.rstrip("\n") for line in stream]
    return lines if len(lines) <= MAX_LINES else [*lines[:MAX_LINES], "..."]


def _word(plan: PlanResult) -> str:
    """The status of an apply that had nothing to carry out, or did not carry it out because of check mode."""
    if plan.status == "error" or plan.incomplete:
        return "error" if plan.status == "error" else "incomplete"
    return "foreseen" if sum(plan.totals.values()) else "no_change"


def _words(account: PlanAccount) -> str:
    """What is done to an account."""
    left = account.incomplete_count
    changes = any(part.plan.changes for part in account.parts)
    texts = [f"{totals_in_words(account.parts)}." if changes else "Nothing to do."]
    return " ".join([*texts, *([not_as_wanted(left)] if left else [])])
