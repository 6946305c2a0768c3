# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Writes a plan, and compares it with the approved one: the flow of C(fleet_plan)."""

from __future__ import annotations

import datetime
import functools
import itertools
import json
import os
import typing as t

from .._errors import LicensingError, OptionsError, Problem
from .._module import Context, Result
from .._text.canonical import pieces
from .._text.files import write
from .._text.own import with_own
from .approval import difference, never_carried_out, read_plan, undone_since
from .command import FILE, command_of, long_values
from .documents import Failure, Json, as_json
from .freeze import FreezeWindow
from .kept_plans import keep_plan
from .limits import over_the_run, why_not
from .option_names import Caller
from .plan_account import PlanAccount
from .plan_document import PlanDocument
from .plan_end import End, PlanResult, dropped, shown
from .plan_make import failed_account, make_account, planned_parts, report_of, within_a_sku
from .plan_options import PlanOptions, read_plan_options
from .plan_view import Approval, pages_of
from .plan_words import as_remaining, as_summary, awaited, coverage, hopeless, once_more
from .rest import rest_of, undone_of
from .status import tell
from .undone import Undos

Texts: t.TypeAlias = "t.Mapping[str, str | t.Iterable[str]]"
"""The text of each file of a plan by its format, at once or in pieces."""


_GONE = {"goes_on": False, "foreseen": False, "red": True}


class Plans:
    """How the plan of accounts is made of the plans of each. An undo does some of this its own way."""

    files: t.ClassVar[t.Mapping[str, str]] = {"json": "plan.json", "markdown": "plan.md", "html": "plan.html"}
    bases = "what is wanted or the accounts"
    writes_another = True
    """Whether a plan is written that is not the approved one."""

    def problems(self, options: PlanOptions) -> t.Iterator[Problem]:
        """Everything that is wrong with the options of this kind of plan."""
        if options.writes_over(self.files["json"]):
            text = (
                "'dest' is where the approved plan is, which must not be written over. Name another directory (for the "
                "playbooks and AWX, the variable 'fleet_dest')."
            )
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
        sets, incomplete, notes = (entry.get(name) or None for name in ("sets", "incomplete", "notes"))
        account = account._replace(sets=sets, incomplete=incomplete, notes=notes)
        for part in account.parts:
            # Nobody should approve changes without the devices that change.
            if part.plan.changes and not (part.devices or part.incomplete):
                path = report_of(entry, part.list)
                text = f"The plan changes devices, and {path}, which names them, is missing or empty."
                return failed_account(entry["account"], {"code": "file_unreadable", "message": text})
        return within_a_sku(account, caller)

    def blocked(
        self, account: PlanAccount, windows: t.Sequence[FreezeWindow], now: datetime.datetime, *, approved: bool
    ) -> Failure | None:
        """Why an account must not be changed now."""
        return why_not(account, windows, now, approved=approved)

    def document(
        self, options: PlanOptions, accounts: list[PlanAccount], created: str, over: Failure | None
    ) -> PlanDocument:
        """The plan of all accounts."""
        document = PlanDocument(created, accounts, {}, failure=over).sealed()
        return self.undos(options).bound(document) if sum(document.totals.values()) else document

    def undos(self, options: PlanOptions) -> Undos:
        """What looks for undos of plans."""
        return Undos(self.history or options.history, options.journal, options.told)

    def write(self, dest: str, _document: PlanDocument, texts: Texts) -> dict[str, str]:
        """Write the files of the plan. Returns their paths by format."""
        return write_files(dest, self.files, texts)


def run(context: Context, plans: Plans) -> Result:
    """Combine the plans of the accounts, write them, and compare them with the approved plan."""
    options, problems = read_plan_options(context)
    problems += plans.problems(options)
    if problems:
        raise OptionsError(problems)
    now = datetime.datetime.now(datetime.timezone.utc)
    approved = options.approved
    accounts: list[PlanAccount] = []
    blocked: dict[str, Failure | None] = {}
    end = End(options)
    for entry, own in zip(options.accounts, options.own, strict=True):
        if entry.get("left_out"):
            continue
        account = plans.account(entry) if "parts" in entry else failed_account(entry["account"], _failure(entry))
        why = plans.blocked(account, [*options.windows, *own], now, approved=approved is not None)
        ice = why.message if why and why.code == "frozen" else None
        accounts.append(account._replace(freeze=entry.get("freeze") or [], frozen=ice))
        blocked[account.account] = why
    over = over_the_run(accounts, options.limits)
    document = plans.document(options, accounts, now.strftime("%Y-%m-%d %H:%M UTC"), over)
    changed = _difference(options, plans, document, approved) if approved else None
    if changed is not None and (not plans.writes_another or _keeps(options, plans, approved)):
        options = options._replace(dest=None)
    if approved and changed is None:
        document = rest_of(approved, document)
    why_not_apply = hopeless(document)
    command, long = ("", {}) if why_not_apply else _command(options, document.digest)
    files = _write(
        options, plans, document, "differs" if changed else "approved" if approved else "open", command, long
    )
    remaining = as_remaining(document)
    missing = dropped(options.gone)
    for warning in (
        missing.message if missing else "",
        remaining if changed is None else "",
        once_more(document) if approved is None and options.applying else "",
    ):
        if warning:
            context.warn(warning)
    if options.status_file:
        nobody = options.gone and not options.accounts
        tell(options.status_file, "error" if nobody else _word(document, changed, approved=approved is not None))
    result = PlanResult(
        status=document.status,
        digest=document.digest,
        totals=document.totals,
        incomplete=document.incomplete,
        approved=approved is not None,
        check_mode=options.check_mode,
        awaited=awaited(document),
        remaining=remaining,
        summary=as_summary(document),
        over=over if approved is None else None,
        files=files,
        left=document.left or 0,
        history=plans.history or "",
        command=command,
    )
    red = end.red(result)
    reasons = end.reasons(document.accounts, result.over)
    shown_accounts = [
        end.account(one, blocked[one.account], red if one in reasons else "") for one in document.accounts
    ]
    shown_accounts += [_left_out(entry) for entry in options.accounts if entry.get("left_out")]
    failure = changed or end.stopped(result, (blocked[one.account] for one in document.accounts))
    _keep(context, options, document, begins=failure is None and end.step(result) == "apply")
    # The message of a failure is not to drown in the plan.
    shown_page = files.get("markdown") if options.show and not failure else None
    lines = (
        []
        if failure
        else [*shown(shown_page), *end.lines(result, once_more(document), why_not_apply, coverage(document))]
    )
    values = {**as_json(result), "red": red, **_told(shown_accounts, options.gone, missing), "lines": lines}
    if not failure:
        # Nothing follows a plan that was stopped, even if a play ignores errors.
        values["next"] = end.step(result)
    return Result(values, failure=failure)


def _keeps(options: PlanOptions, plans: Plans, approved: PlanDocument | str | None) -> bool:
    """Whether the approved plan is where this one would be written. It must not turn into one that nobody approved."""
    try:
        found = read_plan(os.path.join(options.dest or "", plans.files["json"]))
    except LicensingError:
        return False
    return found.digest == (approved.digest if isinstance(approved, PlanDocument) else approved)


def _command(options: PlanOptions, digest: str) -> tuple[str, Json]:
    """The command that applies a plan, and the variables that it reads from a file; empty if nobody says which."""
    if not options.how:
        return "", {}
    long = long_values(options.how) if options.dest else {}
    file = os.path.realpath(os.path.join(options.dest or "", FILE)) if long else ""
    return command_of(options.how, file=file, approved=digest), long


def _write(
    options: PlanOptions, plans: Plans, document: PlanDocument, approval: Approval, command: str, variables: Json
) -> dict[str, str]:
    """Write the files of a plan. A template that fails leaves all files as they were.

    :param variables: for the command.
    """
    if not options.dest:
        return {}
    pages = pages_of(document, approval, options.templates, cost=options.cost(document), command=command)
    files = plans.write(options.dest, document, texts_of(document, pages))
    if variables:
        files |= write_files(options.dest, {"variables": FILE}, {"variables": json.dumps(variables)})
    return files


def _difference(
    options: PlanOptions, plans: Plans, document: PlanDocument, approved: PlanDocument | str
) -> LicensingError | None:
    digest = approved if isinstance(approved, str) else approved.digest
    undos, changes = plans.undos(options), sum(document.totals.values())
    undo = undos.last(digest) if changes or document.undoes else None
    if undo is not None:
        return undone_since(document, digest, undo)
    begun = functools.partial(undone_of, directory=undos.directory, journal=options.journal, told=options.told)
    found = difference(document, approved, plans.bases, begun)
    # That later runs changed all devices looks like a run that was undone completely.
    if found is None and document.undoes and not changes and digest != document.digest and not undos.knows(digest):
        return never_carried_out(document, digest)
    return found


def _keep(context: Context, options: PlanOptions, document: PlanDocument, *, begins: bool) -> None:
    """Keep the plan in the journal. Without that, it can be applied as well, but not continued by its digest alone.

    :param begins: whether it is carried out now.
    """
    try:
        keep_plan(document, options.journal, options.told, begins=begins)
    except LicensingError as error:
        context.warn(f"The plan is not kept in the journal, so that it needs its file to be continued. {error.message}")


def _told(accounts: list[Json], gone: list[str], missing: Failure | None) -> Json:
    """What is told about each account, also to hosts that Ansible calls gone and that go on all the same."""
    told = with_own(accounts)
    if missing:
        told["own"].update((account, {**_GONE, "text": missing.message}) for account in gone)
    return told


def _left_out(entry: t.Mapping[str, t.Any]) -> Json:
    """An account that has nothing to do with this plan."""
    about = {"account": entry["account"], "status": "no_change", "digest": "", "incomplete": 0, "blocked": None}
    return {**about, "goes_on": True, "foreseen": False, "red": False, "text": entry["left_out"]}


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
