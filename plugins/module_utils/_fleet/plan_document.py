# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The plan of a whole run over accounts: what each part would do, and one digest over everything."""

from __future__ import annotations

import typing as t

from .._plan.incomplete import as_left_over, is_left_over, is_on_its_way
from .._simsec.missing import missing_text
from .._text.canonical import digest
from .._thingspace.id_kinds import KIND
from .account_parts import COUNTS, PartKind
from .status import without_approval

FORMAT = 2
"""Version of the plan file. In format 1, digests covered less than a plan shows."""

PlanStatus = t.Literal["no_change", "incomplete", "changes", "guard_tripped", "error"]
_STATUSES: tuple[PlanStatus, ...] = t.get_args(PlanStatus)
"""In this order, the worse status comes later."""

IDLE = ("no_change", "incomplete")
"""With these statuses, there is nothing to do."""

Document = dict[str, t.Any]

TITLES: dict[PartKind, str] = {
    "fota": "FOTA licenses",
    "removal_candidates": "Removal candidates",
    "simsec": "SIM-Secure licenses",
}

_AMISS = frozenset({"devices_failed", "outcome_unknown", "unconfirmed"})

_FREE_IN_DOCUMENT = frozenset({"digest", "checksum", "created", "status", "failure"})
"""Not approved: when the plan was made, and how it compares with limits of the run, which depend on who runs it."""

_ADDED_UP = frozenset({"accounts", "totals", "left", "incomplete"})

_FREE_IN_ACCOUNT = frozenset({"digest", "file", "freeze", "frozen", "sets"})
"""Not part of what is approved: where the fleet file is, the names of its sets, and freeze windows."""

_NOTES_OF_PART = frozenset({"digest", "licenses", "held", "free", "note", "incomplete", "missing"})
_NOTES_OF_PLAN = frozenset({"unchanged", "incomplete"})
"""Numbers that may differ if a part of the account is already done."""


def make_document(accounts: t.Sequence[Document], created: str, failure: Document | None = None) -> Document:
    """Combine the plans of the accounts.

    :param accounts: one for each account, from C(make_account) or C(failed_account).
    :param created: the time, for people; it is not part of the digest.
    :param failure: limits of the whole run that it exceeds.
    """
    document: Document = {
        "format": FORMAT,
        "created": created,
        "accounts": list(accounts),
        **({"failure": failure} if failure else {}),
    }
    return sealed(document)


def sealed(document: Document) -> Document:
    """The document with everything that follows from its content: statuses, totals, and all digests, bottom up.

    This is the only way to get a digest, for a new plan and for one that is read. Any previous values in these fields
    are ignored. The digest covers everything that is not explicitly left out, so it covers new fields, too.
    """
    judged = (judged_account(account) for account in document["accounts"])
    accounts = sorted(map(_sealed_account, judged), key=lambda account: str(account["account"]))
    made = {**document, "accounts": accounts}
    made["totals"] = {name: sum(part["plan"].get(name) or 0 for part in _parts(accounts)) for name in COUNTS}
    made["incomplete"] = sum(map(incomplete_of, accounts))
    statuses = [account["status"] for account in accounts]
    made["status"] = _worst([*statuses, *(["guard_tripped"] if "failure" in document else [])])
    named = [[account["account"], account["digest"]] for account in accounts]
    made["digest"] = digest({**_without(made, _FREE_IN_DOCUMENT), "accounts": named})
    return {**made, "checksum": _checksum(made)}


def is_sealed(document: Document) -> bool:
    """Whether a plan file contains exactly the values that follow from its content."""
    return bool(sealed(document)["checksum"] == document.get("checksum") == _checksum(document))


def judged_account(account: Document) -> Document:
    """The plan of an account with the statuses that follow from it. Its digests are those of the sealed document."""
    parts = [{**part, "status": _status_of(part)} for part in account["parts"]]
    if "failure" in account and not parts:
        return {**account, "parts": [], "status": "error"}
    statuses = [part["status"] for part in parts]
    more: list[PlanStatus] = ["guard_tripped"] if "failure" in account else []
    more += ["incomplete"] if incomplete_of(account) else []
    status = _worst([*statuses, *more])
    return {**account, "parts": parts, "status": status}


def incomplete_of(account: Document) -> int:
    """How many devices of an account are not as wanted and not changed by its plan."""
    parts = sum(part["plan"].get("incomplete") or 0 for part in account["parts"])
    return parts + len(account.get("incomplete") or [])


def make_account(
    name: str, file: str, wanted: str, parts: t.Sequence[Document], rows: t.Sequence[t.Iterable[Document]]
) -> Document:
    """The plan of one account.

    :param wanted: digest of the wanted state in its fleet file.
    :param parts: for each part its kind, SKU, and the result of its module in check mode.
    :param rows: for each part the devices that change, and those that are not as wanted.
    """
    made = [_part(part, changing) for part, changing in zip(parts, rows, strict=True)]
    return judged_account({"account": name, "file": file, "wanted": wanted, "parts": made})


def failed_account(name: str, failure: t.Mapping[str, t.Any]) -> Document:
    """An account without a plan, because planning failed."""
    reason = {"code": str(failure.get("code") or "failed"), "message": str(failure.get("message") or "")}
    return {"account": name, "file": "", "wanted": "", "status": "error", "parts": [], "failure": reason, "digest": ""}


def remains_of(now: Document, before: Document) -> bool:
    """Whether the plan of an account is what another one leaves to do: each part is unchanged, or gone.

    That alone does not show that it was done: see C(not_done).

    :param now: a plan that was just made.
    :param before: one whose digests were computed again.
    """
    if now["digest"] == before["digest"] or (now["status"] in IDLE and before["status"] in ("error", *IDLE)):
        return True
    if "error" in (now["status"], before["status"]) or now["wanted"] != before["wanted"]:
        return False
    if "failure" in now and now["failure"]["code"] != before.get("failure", {}).get("code"):
        return False
    planned = [_carried_out(part) for part in before["parts"]]
    return all(part["status"] in IDLE or _carried_out(part) in planned for part in now["parts"])


def not_done(now: Document, before: Document) -> list[Document]:
    """The devices that another plan changes but this one leaves not as wanted.

    A request that was sent and is waiting for its confirmation counts as carried out.

    :param now: the plan of an account, for which C(remains_of) is true.
    :param before: the other one.
    """
    parts = {part["list"]: {row["device_id"] for row in part["devices"]} for part in before["parts"]}
    losing = {row["device_id"] for part in before["parts"] if part["action"] == "absent" for row in part["devices"]}
    losing -= {row["device_id"] for row in before.get("incomplete") or []}
    losing -= {row["device_id"] for part in now["parts"] for row in part["devices"]}
    sent = {row["device_id"] for row in left_of(now) if is_on_its_way(row)}
    rows = [
        row for part in now["parts"] for row in part["incomplete"] if row["device_id"] in parts.get(part["list"], ())
    ]
    rows += [row for row in now.get("incomplete") or [] if row["device_id"] in losing]
    return [row for row in rows if row["device_id"] not in sent]


def left_of(account: Document) -> list[Document]:
    """The listed devices of an account that are not as wanted."""
    return [*(row for part in account["parts"] for row in part["incomplete"]), *(account.get("incomplete") or [])]


def same_run(now: Document, before: Document) -> bool:
    """Whether two plans agree in everything except their accounts. For an undo, that includes the reversed run."""
    names = _FREE_IN_DOCUMENT | _ADDED_UP
    return digest(_without(now, names)) == digest(_without(before, names))


def _part(part: t.Mapping[str, t.Any], rows: t.Iterable[Document]) -> Document:
    result = part["result"]
    plan = result.get("plan") or {}
    failure = result.get("failure")
    # Devices that an earlier run left not as wanted are no reason to stop, because nothing is done about them.
    amiss = failure if failure and failure["code"] in _AMISS else None
    failure = None if amiss else failure
    pool = result.get("licenses") or {}
    devices: list[Document] = []
    incomplete: list[dict[str, str]] = []
    for row in rows:
        if is_left_over(row):
            incomplete.append(as_left_over(row))
        else:
            devices.append(_row(row, plan.get("state")))
    # If nothing stops the plan, it predicts the pool.
    more = 0 if failure else (plan.get("assign") or 0) - (plan.get("remove") or 0)
    made: Document = {
        "kind": part["kind"],
        "sku": part.get("sku") or "",
        "id_kind": part.get("id_kind") or KIND,
        "api_version": part.get("api_version") or "",
        "list": part["list"],
        "lifetime": bool(part.get("lifetime")),
        "action": plan.get("state") or "",
        "plan": {name: plan.get(name) for name in (*COUNTS, "unchanged", "digest", "waves") if name in plan},
        "licenses": result.get("licenses"),
        "held": None if pool.get("assigned") is None else pool["assigned"] - more,
        "free": None if pool.get("available") is None else pool["available"] + more,
        "limits": {name: part.get(name) for name in ("reserve", "lifetime_consent", "max_changes", "max_removals")},
        "devices": devices,
        "incomplete": incomplete,
    }
    # The module counts them. A failure about single devices leaves at least one of them.
    left = max(plan.get("incomplete") or 0, len(made["incomplete"]), 1 if amiss else 0)
    missing = plan.get("missing") or 0
    made["plan"]["incomplete"] = left + missing
    if missing:
        made["missing"] = missing_text(made["sku"], missing)
    if amiss:
        made["note"] = str(amiss["message"])
    if failure:
        # The module's advice is for its own task. Here, the whole plan is approved.
        why = str(failure["message"]).removesuffix(failure.get("advice", "")).rstrip()
        replaced = {"message": without_approval(failure["code"], why)}
        made["failure"] = {**{key: failure[key] for key in ("code", "guards") if key in failure}, **replaced}
    return made


def _row(row: Document, state: str | None) -> Document:
    """A device of a part. If ThingSpace would only accept the request at first, the row shows the final outcome."""
    outcome, reason = row["outcome"], row["reason"]
    if outcome == "accepted" and not reason:
        outcome = "removed" if state == "absent" else "assigned"
    return {"device_id": row["device_id"], "outcome": outcome, "reason": reason}


def _status_of(part: Document) -> PlanStatus:
    changing = any(part["plan"].get(name) for name in COUNTS)
    if "failure" in part:
        return "guard_tripped"
    return "changes" if changing else "incomplete" if part["plan"].get("incomplete") else "no_change"


def _sealed_account(account: Document) -> Document:
    """The digests of an account: of each part over its whole content, and of the account over those."""
    if account["status"] == "error":
        # The reason why there is no plan may have other words next time.
        return {**account, "digest": ""}
    parts = [{**part, "digest": digest(_without(part, {"digest"}))} for part in account["parts"]]
    bound = {**_without(account, _FREE_IN_ACCOUNT), "parts": [part["digest"] for part in parts]}
    return {**account, "parts": parts, "digest": digest(bound)}


def _worst(statuses: t.Iterable[str]) -> PlanStatus:
    return max(t.cast("t.Iterable[PlanStatus]", statuses), key=_STATUSES.index, default="no_change")


def _carried_out(part: Document) -> str:
    """What a part does to which devices and under which limits: everything except predictions and notes."""
    return digest({**_without(part, _NOTES_OF_PART), "plan": _without(part["plan"], _NOTES_OF_PLAN)})


def _parts(accounts: t.Iterable[Document]) -> t.Iterator[Document]:
    for account in accounts:
        yield from account["parts"]


def _checksum(document: Document) -> str:
    return digest(_without(document, {"checksum"}))


def _without(value: Document, names: t.AbstractSet[str]) -> Document:
    return {key: one for key, one in value.items() if key not in names}
