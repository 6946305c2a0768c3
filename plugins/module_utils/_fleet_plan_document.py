# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The plan of a whole run over accounts: what each part of it would do, and one digest over everything."""

from __future__ import annotations

import hashlib
import json
import typing as t

FORMAT = 1
"""Version of the plan file."""

Status = t.Literal["no_change", "changes", "guard_tripped", "error"]
Document = dict[str, t.Any]

TITLES = {"fota": "FOTA licences", "removal_candidates": "Removal candidates", "simsec": "SIM-Secure licences"}

_AMISS = frozenset({"devices_failed", "outcome_unknown", "unconfirmed"})

COUNTS = ("assign", "remove", "add", "move")


def make_document(accounts: t.Sequence[Document], created: str, failure: Document | None = None) -> Document:
    """Put the plans of the accounts together.

    :param accounts: one for each account, from C(make_account) or C(failed_account).
    :param created: the time, for people; no part of the digest.
    :param failure: limits of the whole run that it exceeds.
    """
    ordered = sorted(accounts, key=lambda account: str(account["account"]))
    statuses = {account["status"] for account in ordered} | ({"guard_tripped"} if failure else set())
    worst: tuple[Status, ...] = ("error", "guard_tripped", "changes")
    totals = {name: sum(part["plan"].get(name) or 0 for part in _parts(ordered)) for name in COUNTS}
    document: Document = {
        "format": FORMAT,
        "created": created,
        "status": next((status for status in worst if status in statuses), "no_change"),
        "totals": totals,
        "accounts": ordered,
        **({"failure": failure} if failure else {}),
    }
    document["digest"] = digest_of(document)
    return {**document, "checksum": checksum(document)}


def checksum(document: Document) -> str:
    """SHA-256 over a whole plan file: its texts and totals are what people approve by."""
    return _sha({key: value for key, value in document.items() if key != "checksum"})


def make_account(
    name: str, file: str, wanted: str, parts: t.Sequence[Document], rows: t.Sequence[t.Sequence[Document]]
) -> Document:
    """The plan of one account.

    :param wanted: digest of what its fleet file wants.
    :param parts: for each part its kind, SKU and the result of its module in check mode.
    :param rows: for each part the devices that change.
    """
    made = [_part(part, changing) for part, changing in zip(parts, rows, strict=True)]
    statuses = [part["status"] for part in made]
    worst: tuple[Status, ...] = ("guard_tripped", "changes")
    status = next((one for one in worst if one in statuses), "no_change")
    account: Document = {"account": name, "file": file, "wanted": wanted, "status": status, "parts": made}
    return {**account, "digest": _sha({"wanted": wanted, "parts": [_bound(part) for part in made], "account": name})}


def failed_account(name: str, failure: t.Mapping[str, t.Any]) -> Document:
    """An account whose plan could not be made."""
    told = {"code": str(failure.get("code") or "failed"), "message": str(failure.get("message") or "")}
    return {"account": name, "file": "", "wanted": "", "status": "error", "parts": [], "failure": told, "digest": ""}


def digest_of(document: Document) -> str:
    """SHA-256 over what the accounts want and what they are, as the digests of their parts have it."""
    return _sha(
        {"format": document["format"], "accounts": [[one["account"], one["digest"]] for one in document["accounts"]]}
    )


def recomputed(document: Document) -> str:
    """The digest that the content of a plan file amounts to, whatever digests stand in it."""
    accounts = []
    for account in document["accounts"]:
        bound = [_bound(part) for part in account["parts"]]
        own = {"wanted": account["wanted"], "parts": bound, "account": account["account"]}
        accounts.append([account["account"], _sha(own) if account["status"] != "error" else ""])
    return _sha({"format": document["format"], "accounts": accounts})


def remains_of(now: Document, before: Document) -> bool:
    """Whether the plan of an account is what another one leaves to do: each part as it was there, or done."""
    if now["status"] == "no_change" or now["digest"] == before["digest"]:
        return True
    if "error" in (now["status"], before["status"]) or now["wanted"] != before["wanted"]:
        return False
    planned = [_bound(part) for part in before["parts"]]
    return all(part["status"] == "no_change" or _bound(part) in planned for part in now["parts"])


def _part(part: t.Mapping[str, t.Any], rows: t.Sequence[Document]) -> Document:
    result = part["result"]
    plan = result.get("plan") or {}
    failure = result.get("failure")
    # Devices that an earlier run left amiss are no reason to stop: nothing is done about them.
    amiss = failure if failure and failure["code"] in _AMISS else None
    failure = None if amiss else failure
    pool = result.get("licenses") or {}
    # Where nothing stops the plan, the pool is foreseen as it will be.
    more = 0 if failure else (plan.get("assign") or 0) - (plan.get("remove") or 0)
    changing = sum(plan.get(name) or 0 for name in COUNTS)
    status: Status = "guard_tripped" if failure else "changes" if changing else "no_change"
    made: Document = {
        "kind": part["kind"],
        "sku": part.get("sku") or "",
        "id_kind": part.get("id_kind") or "imei",
        "api_version": part.get("api_version") or "",
        "list": part["list"],
        "lifetime": bool(part.get("lifetime")),
        "action": plan.get("state") or "",
        "status": status,
        "plan": {name: plan.get(name) for name in (*COUNTS, "unchanged", "digest", "waves") if name in plan},
        "licenses": result.get("licenses"),
        "held": None if pool.get("assigned") is None else pool["assigned"] - more,
        "free": None if pool.get("available") is None else pool["available"] + more,
        "limits": {name: part.get(name) for name in ("reserve", "lifetime_consent", "max_changes", "max_removals")},
        "devices": [_row(row, plan.get("state")) for row in rows],
    }
    if amiss:
        made["note"] = str(amiss["message"])
    if failure:
        # What the module advises is for its own task: here the whole plan is what is approved.
        told = {"message": str(failure["message"]).removesuffix(failure.get("advice", "")).rstrip()}
        made["failure"] = {**{key: failure[key] for key in ("code", "guards") if key in failure}, **told}
    return made


def _row(row: Document, state: str | None) -> Document:
    """A device of a part; what ThingSpace would only accept at first is told by what it leads to."""
    if row["outcome"] == "accepted" and not row["reason"]:
        return {**row, "outcome": "removed" if state == "absent" else "assigned"}
    return row


def _bound(part: t.Mapping[str, t.Any]) -> list[t.Any]:
    """What an approval of a part is bound to."""
    counts = [part["plan"].get(name) for name in (*COUNTS, "digest")]
    return [part["kind"], part["sku"], part["action"], *counts, part["devices"]]


def _parts(accounts: t.Iterable[Document]) -> t.Iterator[Document]:
    for account in accounts:
        yield from account["parts"]


def _sha(value: t.Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
