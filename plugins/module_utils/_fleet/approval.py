# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The approved plan, and whether the current plan is the same."""

from __future__ import annotations

import errno
import json
import os
import re
import typing as t

from .._client.stop import Told
from .._errors import LicensingError, Problem
from .._plan.incomplete import is_on_its_way
from .._text.lists import few
from .._text.once import TwiceError, once
from .kept_plans import kept_plan
from .option_names import Caller, forgotten
from .plan_account import PlanAccount
from .plan_document import PlanDocument, UndonePlan
from .plan_part import IDLE, PlanPart, PlanRows
from .rest import Undone, is_rest

_NAMED = 20
_CHANGED = "its content does not fit its digest: it was changed after it was made"


def read_approved(
    given: str | None, journal: str | None, problems: list[Problem], told: Told
) -> PlanDocument | str | None:
    """The approved plan: a plan file, or a plan that the journal keeps, whose content matches its digest; the digest
    alone if the plan is not kept; None if there is none.

    :param problems: problems are added to this list.
    :param told: whether the task must end soon.
    """
    if given is None:
        return None
    try:
        if re.fullmatch(r"[0-9a-fA-F]{64}", given.strip()):
            digest = given.strip().lower()
            return kept_plan(digest, journal, told) or digest
        return read_plan(given)
    except LicensingError as error:
        text = f"'approved' {given[:200]} cannot be used: {error.message.rstrip('.')}."
        problems.append(Problem(text, error.code))
        return None


def read_plan(path: str) -> PlanDocument:
    """A plan file whose digests all match when they are computed again from its content.

    :raises LicensingError: C(plan_file_invalid), with the reason, which is not a whole sentence.
    """
    try:
        # Reading a pipe would wait.
        if os.path.exists(path) and not os.path.isfile(path):
            raise OSError(errno.EINVAL, "It is not a file")
        with open(path, encoding="utf-8") as stream:
            document = PlanDocument.from_json(json.load(stream, object_pairs_hook=once))
        why = "" if document.sealed() == document else _CHANGED
    except OSError as error:
        why = f"{error.strerror or error}; name a plan file or a digest of 64 hexadecimal digits"
    except TwiceError as error:
        why = str(error)
    except (ValueError, RecursionError):
        why = "it is not a plan file"
    if why:
        raise LicensingError(why, code="plan_file_invalid")
    return document


def undone_since(document: PlanDocument, digest: str, undo: UndonePlan) -> LicensingError:
    """Why an approved plan is not carried out once more after it was undone.

    :param document: the plan as it is now.
    :param digest: of the approved plan.
    """
    return LicensingError(
        f"The approved plan {digest[:12]}..., or what was left of it, was carried out by the run {undo.run}, and the "
        f"run {undo.by} undid that. "
        "The approval is from before the undo, so it does not cover doing the same again. Nothing was written. If it "
        "is meant, make a new plan with the 'fleet_journal' or 'fleet_history' that shows the undo, and have that one "
        "approved. It has another digest.",
        code="plan_changed",
        digest=document.digest,
        undone_by=undo.by,
    )


def never_carried_out(document: PlanDocument, digest: str) -> LicensingError:
    """Why an approved undo is not done, although it has nothing to do any more.

    :param document: the plan as it is now.
    :param digest: of the approved plan.
    """
    return LicensingError(
        f"The approved plan {digest[:12]}... changes devices that later runs have changed since, and no record shows "
        "that it was carried out. Nothing is left that this undo may change, and nothing was written.",
        code="plan_changed",
        digest=document.digest,
    )


def difference(
    document: PlanDocument,
    approved: PlanDocument | str,
    bases: str = "the fleet files or the accounts",
    begun: t.Callable[[str], Undone] = lambda _digest: {},
) -> LicensingError | None:
    """Why this is not the approved plan. Names the accounts that differ, if they are known.

    With a plan file, an account without a plan now does not count as a difference, because nothing is done about it.

    :param bases: what a plan is made from.
    :param begun: what a run of the plan with this digest had begun and did not do.
    """
    digest = approved if isinstance(approved, str) else approved.digest
    if digest == document.digest:
        return None
    if not isinstance(approved, str) and (other := _of_another(document, approved)):
        text = f"The approved plan {digest[:12]}... {other} Nothing was written."
        return LicensingError(text, code="plan_changed", digest=document.digest)
    since = _since_digest(document) if isinstance(approved, str) else _since_file(document, approved, begun)
    if since is None:
        return None
    why, named = since
    advice = "Make a new plan, and have that one approved."
    if any(row["outcome"] == "unknown" for row in document.incomplete_rows):
        # A run that was killed may just have sent them.
        advice = (
            f"If requests were sent in the last minute, apply the same plan again in a minute. Otherwise, m{advice[1:]}"
        )
    return LicensingError(
        f"The approved plan {digest[:12]}... is not the plan that would be carried out now, {document.digest}: "
        f"{why or f'{bases} changed since it was approved.'}{named} Nothing was written. {advice}",
        code="plan_changed",
        digest=document.digest,
    )


def _of_another(document: PlanDocument, approved: PlanDocument) -> str:
    """What else the approved plan is a plan of; empty if both are plans of fleet files, or undo the same run."""
    run, meant = document.undoes and document.undoes.run, approved.undoes and approved.undoes.run
    if run == meant:
        return ""
    if run is None:
        return f"undoes the run {meant}, so only the playbook undo carries it out. Approve a plan of this playbook."
    what = f"undoes the run {meant}" if meant else "undoes no run"
    return f"{what}, and this is an undo of the run {run}. Plan it with --check, and approve that plan."


def _since_digest(document: PlanDocument) -> tuple[str, str] | None:
    """Why this is not the approved plan (empty if it is just another one), and what is known of it; None if it is done.

    If everything is as wanted, nothing is left to do. Otherwise nobody knows whether the plan was carried out.
    """
    if document.status not in IDLE:
        return "", ""
    rows = document.incomplete_rows
    left = [row for row in rows if not is_on_its_way(row)]
    count = document.incomplete - (len(rows) - len(left))
    if not left and count <= 0:
        return None
    why = "there is nothing to do, and a digest alone does not show whether the approved plan was carried out."
    return why, _left(left, count, document.caller)


def _since_file(
    document: PlanDocument, approved: PlanDocument, begun: t.Callable[[str], Undone]
) -> tuple[str, str] | None:
    """The same, for a whole plan file. Parts that are already applied do not count as differences, so that a run that
    failed halfway can be repeated.
    """
    before = {one.account: one for one in approved.accounts}
    now = {one.account: one for one in document.accounts}
    both = [name for name, one in now.items() if name in before and one.status != "error"]
    other = {*before} ^ {*now} | {name for name in both if not _remains_of(now[name], before[name], {})}
    if other & {*both}:
        # Only now, because few plans are continued.
        undone = begun(approved.digest)
        other -= {name for name in both if _remains_of(now[name], before[name], undone)}
    missed = {name: _not_done(now[name], before[name]) for name in both if name not in other}
    left = [row for rows in missed.values() for row in rows]
    if not other and not left:
        # Apart from their accounts, only an undo has more: the run that it reverses.
        same = (document.undoes, document.later_runs_known) == (approved.undoes, approved.later_runs_known)
        return None if same else ("", "")
    differing = sorted(other | {name for name, rows in missed.items() if rows})
    named = f" These accounts differ: {few(differing, _NAMED)}."
    why = (
        ""
        if other
        else "it changes devices that did not reach the planned state, and the current plan does not change them."
    )
    return why, named + _left(left, len(left), document.caller)


def _remains_of(now: PlanAccount, before: PlanAccount, undone: Undone) -> bool:
    """Whether the plan of an account is what another one leaves to do: each part is unchanged, gone, or a rest.

    That alone does not show that it was done: see C(_not_done).

    :param now: a plan that was just made.
    :param before: one whose digests were computed again.
    :param undone: what a run of that one had begun and did not do.
    """
    if now.digest == before.digest or (now.status in IDLE and before.status in ("error", *IDLE)):
        return True
    if "error" in (now.status, before.status) or now.wanted != before.wanted:
        return False
    if now.failure and now.failure.code != (before.failure and before.failure.code):
        return False
    return all(
        part.status in IDLE
        or any(_is_of(part, planned, undone.get((now.account, part.list), ())) for planned in before.parts)
        for part in now.parts
    )


def _is_of(part: PlanPart, planned: PlanPart, undone: t.Container[str]) -> bool:
    """Whether a part is a planned one, or the rest of it."""
    return part.carried_out == planned.carried_out or is_rest(part, planned, undone)


def _not_done(now: PlanAccount, before: PlanAccount) -> PlanRows:
    """The devices that another plan changes but this one leaves not as wanted.

    A request that was sent and is waiting for its confirmation counts as carried out.

    :param now: the plan of an account, for which C(_remains_of) is true.
    :param before: the other one.
    """
    parts = {part.list: {row["device_id"] for row in part.devices} for part in before.parts}
    losing = {row["device_id"] for part in before.parts if part.action == "absent" for row in part.devices}
    losing -= {row["device_id"] for row in before.incomplete or ()}
    losing -= {row["device_id"] for part in now.parts for row in part.devices}
    sent = {row["device_id"] for row in now.incomplete_rows if is_on_its_way(row)}
    rows = [row for part in now.parts for row in part.incomplete if row["device_id"] in parts.get(part.list, ())]
    rows += [row for row in now.incomplete or () if row["device_id"] in losing]
    return [row for row in rows if row["device_id"] not in sent]


def _left(rows: PlanRows, count: int, caller: Caller) -> str:
    """Devices that are not as wanted although they may have been planned, and what may have been forgotten."""
    if not count:
        return ""
    named = few(rows, _NAMED, lambda row: f"{row['device_id']} ({row['outcome']})")
    text = f" Not as wanted: {count}" + (f", {named}." if named else ".")
    return " ".join(filter(None, [text, forgotten(rows, caller)]))
