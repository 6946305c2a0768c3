# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Makes the plan of an account from what C(fleet_account) returned for it in check mode, and from its reports."""

from __future__ import annotations

import csv
import os
import typing as t

from .._plan.incomplete import as_left_over, is_left_over
from .._plan.outcomes import as_it_was
from .._simsec.missing import missing_text
from .._text.lists import many
from .._thingspace.id_kinds import KIND
from .account_parts import COUNTS
from .documents import Failure, Json
from .limits import over_a_sku
from .option_names import Caller, in_terms_of, without_approval
from .plan_account import PlanAccount
from .plan_part import PlanCounts, PlanLimits, PlanPart, PlanRow, PlanRows

_AMISS = frozenset({"devices_failed", "outcome_unknown", "unconfirmed"})


def planned_parts(entry: t.Mapping[str, t.Any], caller: Caller) -> tuple[list[Json], list[t.Iterable[PlanRow]]]:
    """The parts of an account that have a plan, and the devices of each, read one by one."""
    parts: list[Json] = []
    for part in entry["parts"]:
        if "plan" in part["result"]:
            # The account may know more about an undocumented SKU than its name shows.
            lifetime = part["result"].get("lifetime", part.get("lifetime"))
            parts.append({**part, "lifetime": lifetime})
    return parts, [changing(report_of(entry, part["list"]), caller) for part in parts]


def report_of(entry: t.Mapping[str, t.Any], name: str) -> str:
    """The report of a part, with the predicted result for each device."""
    return os.path.join(str(entry.get("reports") or ""), f"plan-{name}.csv")


def changing(path: str, caller: Caller) -> t.Iterator[PlanRow]:
    """The rows of a report in which something changes or is not as wanted, with reasons in terms of the caller."""
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row.get("outcome") != "unchanged" or str(row.get("reason", "")).startswith("moved"):
                read = {
                    name: as_it_was(row.get(name) or "") for name in ("device_id", "outcome", "reason", "request_id")
                }
                yield {**read, "reason": in_terms_of(caller, read["reason"])} if read["reason"] else read


def make_account(
    name: str,
    file: str,
    wanted: str,
    parts: t.Sequence[Json],
    rows: t.Sequence[t.Iterable[PlanRow]],
    caller: Caller = "files",
) -> PlanAccount:
    """The plan of one account.

    :param wanted: digest of the wanted state in its fleet file.
    :param parts: for each part its kind, SKU, and the result of its module in check mode.
    :param rows: for each part the devices that change, and those that are not as wanted.
    """
    made = [_part(part, changing, caller) for part, changing in zip(parts, rows, strict=True)]
    return PlanAccount(name, file, wanted, made).judged()


def failed_account(name: str, failure: t.Mapping[str, t.Any]) -> PlanAccount:
    """An account without a plan, because planning failed."""
    reason = Failure(str(failure.get("code") or "failed"), str(failure.get("message") or ""))
    return PlanAccount(name, "", "", [], "error", failure=reason)


def within_a_sku(account: PlanAccount, caller: Caller = "files") -> PlanAccount:
    """The account, with its failure if its parts together exceed what there is of a SKU."""
    return account._replace(failure=over_a_sku(account.parts, caller)).judged()


def _part(part: t.Mapping[str, t.Any], rows: t.Iterable[PlanRow], caller: Caller) -> PlanPart:
    result = part["result"]
    plan = result.get("plan") or {}
    failure = result.get("failure")
    # Devices that an earlier run left not as wanted are no reason to stop, because nothing is done about them.
    amiss = failure if failure and failure["code"] in _AMISS else None
    failure = None if amiss else failure
    pool = result.get("licenses") or {}
    devices: PlanRows = []
    incomplete: PlanRows = []
    for row in rows:
        if is_left_over(row):
            incomplete.append(as_left_over(row))
        else:
            devices.append(_row(row, plan.get("state")))
    # If nothing stops the plan, it predicts the pool.
    more = 0 if failure else (plan.get("assign") or 0) - (plan.get("remove") or 0)
    # The module counts them. A failure about single devices leaves at least one of them.
    left = max(plan.get("incomplete") or 0, len(incomplete), 1 if amiss else 0)
    missing = plan.get("missing") or 0
    sku = part.get("sku") or ""
    counts = {name: plan[name] for name in (*COUNTS, "unchanged", "waves") if name in plan}
    return PlanPart(
        kind=part["kind"],
        sku=sku,
        id_kind=part.get("id_kind") or KIND,
        api_version=part.get("api_version") or "",
        list=part["list"],
        lifetime=bool(part.get("lifetime")),
        action=plan["state"],
        plan=PlanCounts(plan.get("digest"), left + missing, **counts),
        licenses=result.get("licenses"),
        held=None if pool.get("assigned") is None else pool["assigned"] - more,
        free=None if pool.get("available") is None else pool["available"] + more,
        limits=PlanLimits(*map(part.get, PlanLimits._fields)),
        devices=devices,
        incomplete=incomplete,
        missing=missing_text(sku, missing) if missing else None,
        note=" ".join([*([str(amiss["message"])] if amiss else []), *_kept(plan)]) or None,
        failure=_failure(failure, caller) if failure else None,
    )


def _kept(plan: Json) -> t.Iterator[str]:
    """Which licenses stay that an exact part would remove, and how many devices may stay as they are."""
    count = plan.get("locked") or 0
    if count:
        yield (
            f"{many(count, 'device')} that nobody names will hold a license for ever, because the firmware was "
            f"upgraded. {'It is' if count == 1 else 'They are'} left alone."
        )
    if plan.get("unforeseen"):
        yield (
            f"For {many(plan['unforeseen'], 'device')}, it could not be foreseen whether ThingSpace would refuse the "
            "change. What it refuses stays as it is."
        )


def _failure(failure: t.Mapping[str, t.Any], caller: Caller) -> Failure:
    # The module's advice is for its own task. Here, the whole plan is approved.
    why = str(failure["message"]).removesuffix(failure.get("advice", "")).rstrip()
    return Failure(failure["code"], without_approval(failure["code"], why, caller), failure.get("guards"))


def _row(row: PlanRow, state: str | None) -> PlanRow:
    """A device of a part. If ThingSpace would only accept the request at first, the row shows the final outcome."""
    outcome, reason = row["outcome"], row["reason"]
    if outcome == "accepted" and not reason:
        outcome = "removed" if state == "absent" else "assigned"
    return {"device_id": row["device_id"], "outcome": outcome, "reason": reason}
