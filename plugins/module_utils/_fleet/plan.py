# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Writes a plan, and compares it with the approved one: the flow of C(fleet_plan)."""

from __future__ import annotations

import collections
import datetime
import functools
import itertools
import os
import typing as t

from .._errors import LicensingError, OptionsError, Problem
from .._module import Context, Result
from .._pages.render import View, templates_problems
from .._text.canonical import pieces
from .._text.files import write
from .approval import difference, read_approved
from .documents import Failure, Json, as_json
from .freeze import Window, read_windows
from .kept_plans import keep_plan
from .limits import over_the_run, read_run_limits, why_not
from .option_names import Caller
from .plan_document import PlanAccount, PlanDocument
from .plan_end import End, PlanResult, shown
from .plan_make import failed_account, make_account, planned_parts, report_of, within_a_sku
from .plan_view import Approval, pages_of
from .plan_words import as_remaining, as_summary, awaited
from .rest import undone_of
from .status import tell

Texts: t.TypeAlias = "t.Mapping[str, str | t.Iterable[str]]"
"""The text of each file of a plan by its format, at once or in pieces."""


class Plans:
    """How the plan of accounts is made of the plans of each. An undo does some of this its own way."""

    files: t.ClassVar[t.Mapping[str, str]] = {"json": "plan.json", "markdown": "plan.md", "html": "plan.html"}
    bases = "what is wanted or the accounts"
    writes_another = True
    """Whether a plan is written that is not the approved one."""

    def problems(self, context: Context) -> t.Iterator[Problem]:
        """Everything that is wrong with the options of this kind of plan."""
        params = context.params
        if params["dest"] and params["approved"] and self._same(params["approved"], params["dest"]):
            text = "'dest' is where the approved plan is, which must not be written over. Name another directory."
            yield Problem(text)

    @property
    def history(self) -> str | None:
        """The directory with the records of all runs, if the plan knows it."""
        return None

    def account(self, entry: t.Mapping[str, t.Any]) -> PlanAccount:
        """The plan of an account that has one."""
        file = str(entry.get("file", ""))
        caller: Caller = "files" if file else "survey"
        parts, rows = planned_parts(entry, caller)
        account = make_account(entry["account"], file, str(entry["wanted"]), parts, rows, caller)
        account = account._replace(sets=entry.get("sets") or None, incomplete=entry.get("incomplete") or None)
        for part in account.parts:
            # Nobody should approve changes without the devices that change.
            if part.plan.changes and not (part.devices or part.incomplete):
                path = report_of(entry, part.list)
                text = f"The plan changes devices, and {path}, which names them, is missing or empty."
                return failed_account(entry["account"], {"code": "file_unreadable", "message": text})
        return within_a_sku(account, caller)

    def blocked(
        self, account: PlanAccount, windows: t.Sequence[Window], now: datetime.datetime, *, approved: bool
    ) -> Failure | None:
        """Why an account must not be changed now."""
        return why_not(account, windows, now, approved=approved)

    def document(self, accounts: list[PlanAccount], created: str, over: Failure | None) -> PlanDocument:
        """The plan of all accounts."""
        return PlanDocument(created, accounts, {}, failure=over).sealed()

    def write(self, dest: str, _document: PlanDocument, texts: Texts) -> dict[str, str]:
        """Write the files of the plan. Returns their paths by format."""
        return write_files(dest, self.files, texts)

    def _same(self, approved: str, dest: str) -> bool:
        return os.path.realpath(approved) == os.path.realpath(os.path.join(dest, self.files["json"]))


def run(context: Context, plans: Plans) -> Result:
    """Combine the plans of the accounts, write them, and compare them with the approved plan."""
    params = context.params
    limits, wrong = read_run_limits(params)
    problems = [Problem(text) for text in wrong] + list(_problems(params["accounts"]))
    given = (params["freeze"], *(entry.get("freeze") or [] for entry in params["accounts"]))
    found = [read_windows([] if params["ignore_freeze"] else one) for one in given]
    problems += [Problem(text) for _windows, wrong in found for text in wrong]
    windows, *own = [one for one, _wrong in found]
    problems += templates_problems(params["templates"])
    cost_of = _costs(params, problems)
    approved = read_approved(params["approved"], params["journal"], problems, context.told)
    problems += plans.problems(context)
    if problems:
        raise OptionsError(problems)
    now = datetime.datetime.now(datetime.timezone.utc)
    accounts: list[PlanAccount] = []
    blocked: dict[str, Failure | None] = {}
    end = End(params, check_mode=context.check_mode)
    for entry, more in zip(params["accounts"], own, strict=True):
        if entry.get("left_out"):
            continue
        account = plans.account(entry) if "parts" in entry else failed_account(entry["account"], _failure(entry))
        why = plans.blocked(account, [*windows, *more], now, approved=approved is not None)
        ice = why.message if why and why.code == "frozen" else None
        accounts.append(account._replace(freeze=entry.get("freeze") or [], frozen=ice))
        blocked[account.account] = why
    over = over_the_run(accounts, limits)
    document = plans.document(accounts, now.strftime("%Y-%m-%d %H:%M UTC"), over)
    changed = _difference(context, plans, document, approved) if approved else None
    if changed is not None and not plans.writes_another:
        params = {**params, "dest": None}
    approval: Approval = "open" if not approved else "differs" if changed else "approved"
    # A template that fails leaves all files as they were.
    files: dict[str, str] = {}
    _keep(context, document)
    if params["dest"]:
        command = end.command(document.digest)
        pages = pages_of(document, approval, params["templates"], cost=cost_of(document), command=command)
        files = plans.write(params["dest"], document, texts_of(document, pages))
    remaining = as_remaining(document)
    if remaining and changed is None:
        context.warn(remaining)
    if params["status_file"]:
        tell(params["status_file"], _word(document, changed, approved=approved is not None))
    result = PlanResult(
        status=document.status,
        digest=document.digest,
        totals=document.totals,
        incomplete=document.incomplete,
        approved=approved is not None,
        check_mode=context.check_mode,
        awaited=awaited(document),
        remaining=remaining,
        summary=as_summary(document),
        over=over if approved is None else None,
        files=files,
        left=document.left or 0,
        history=plans.history or "",
    )
    red = end.red(result)
    shown_accounts = [end.account(one, blocked[one.account], red) for one in document.accounts]
    shown_accounts += [_left_out(entry) for entry in params["accounts"] if entry.get("left_out")]
    failure = changed or end.stopped(result, (blocked[one.account] for one in document.accounts))
    # The message of a failure is not to drown in the plan.
    shown_page = files.get("markdown") if params["show"] and not failure else None
    lines = [] if failure else [*shown(shown_page), *end.lines(result)]
    values = {**as_json(result), "next": end.step(result), "red": red, "accounts": shown_accounts, "lines": lines}
    return Result(values, failure=failure)


def _difference(
    context: Context, plans: Plans, document: PlanDocument, approved: PlanDocument | str
) -> LicensingError | None:
    begun = functools.partial(undone_of, journal=context.params["journal"], told=context.told)
    return difference(document, approved, plans.bases, begun)


def _keep(context: Context, document: PlanDocument) -> None:
    """Keep the plan in the journal. Without that, it can be applied as well, but not continued by its digest alone."""
    try:
        keep_plan(document, context.params["journal"], context.told)
    except LicensingError as error:
        context.warn(f"The plan is not kept in the journal, so that it needs its file to be continued. {error.message}")


def _costs(params: t.Mapping[str, t.Any], problems: list[Problem]) -> t.Callable[[PlanDocument], View | None]:
    """What says what a plan costs, by the prices of the reader."""
    if not params["prices"]:
        return lambda _document: None
    # A module compiles what it imports, each time. Few plans have prices.
    from .cost import costs, planned  # pylint: disable=import-outside-toplevel

    cost = costs(params, problems)
    return lambda document: cost(planned(document), sum(one.status == "error" for one in document.accounts))


def _left_out(entry: t.Mapping[str, t.Any]) -> Json:
    """An account that has nothing to do with this plan."""
    about = {"account": entry["account"], "status": "no_change", "digest": "", "incomplete": 0, "blocked": None}
    return {**about, "foreseen": False, "red": False, "text": entry["left_out"]}


def _problems(entries: t.Sequence[t.Mapping[str, t.Any]]) -> t.Iterator[Problem]:
    for entry in entries:
        if not isinstance(entry.get("account"), str):
            yield Problem("each entry of 'accounts' needs an 'account'.")
        elif not ("parts" in entry or "left_out" in entry) and not ("failure" in entry or "msg" in entry):
            yield Problem(f"the entry of account {entry['account']} has neither 'parts' nor a 'failure'.")
    counts = collections.Counter(str(entry.get("account")) for entry in entries)
    for name, count in counts.items():
        if count > 1:
            yield Problem(
                f"the account {name} is there {count} times. Two hosts of the inventory may mean the same account: "
                "look at their 'fleet_licensing_account'."
            )


def _failure(entry: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
    """Why an account has no plan. A task that was killed or timed out has only a message."""
    failure = entry.get("failure")
    return failure if isinstance(failure, dict) else {"code": "failed", "message": str(entry.get("msg") or "")}


def _word(document: PlanDocument, difference: LicensingError | None, *, approved: bool) -> str:
    """The status in one word. An account without a plan comes first, because it may be why the plan differs.

    The changes of an approved plan are about to be made, so the status says whether everything will be as wanted then.
    C(fleet_run) makes it worse if a change fails.
    """
    if document.status == "error":
        return "error"
    if difference is not None:
        return difference.code
    return "incomplete" if approved and document.incomplete else document.status


def texts_of(document: PlanDocument, pages: t.Mapping[str, str]) -> Texts:
    """The texts of the files of a plan, by their format."""
    formats = {"html": "html", "md": "markdown"}
    shown = {formats[name.rpartition(".")[2]]: text for name, text in pages.items()}
    return {"json": itertools.chain(pieces(as_json(document)), ["\n"]), **shown}


def write_files(dest: str, names: t.Mapping[str, str], texts: Texts) -> dict[str, str]:
    """Write the forms of a plan to a directory. Returns the path of each.

    :param names: the file name of each form.
    :raises LicensingError: C(report_unwritable).
    """
    files = {kind: os.path.join(dest, name) for kind, name in names.items()}
    try:
        os.makedirs(dest, exist_ok=True)
        for kind, path in files.items():
            write(path, texts[kind])
    except OSError as error:
        raise LicensingError(
            f"The plan could not be written to {dest}: {error.strerror or error}.", code="report_unwritable"
        ) from None
    return files
