# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Which devices are not as wanted and stay so, whatever the plan does. Only this module decides that.

A device is as wanted if a report or list says so, and planned if the plan sends it. Everything else is incomplete: a
request that failed, is unknown, waits for its confirmation, or is not expected to get one, and any new case.
"""

from __future__ import annotations

import typing as t

STOPPED = "not sent: the plan was stopped; it would be "
"""The start of the reason for a device that the plan would change if no limit stopped it."""

_DECIDED = frozenset({"send", "unchanged"})
AWAITED = "sent earlier, and waiting for confirmation"
"""The reason for a device whose confirmation is predicted without sending it."""

_OPTIONS = ("retry_failed", "retry_unknown")
_FORESEEN = frozenset({"assigned", "removed", "added"})
_DONE = _FORESEEN | {"unchanged"}
DONE_BEFORE = "someone else has already done it"
"""The reason in a record for a device that was already done when its part was carried out."""


def left_over(outcomes: t.Iterable[str]) -> int:
    """How many devices a plan leaves not as wanted, by the decision about each: C(send) or an outcome."""
    return sum(outcome not in _DECIDED for outcome in outcomes)


def is_left_over(row: t.Mapping[str, str]) -> bool:
    """The same for a row of a check mode report. Nothing was sent there, so any request id is from an earlier run."""
    outcome, reason = row["outcome"], row["reason"]
    if outcome == "unchanged":
        return False
    if outcome == "skipped":
        return not reason.startswith(STOPPED)
    if outcome == "accepted":
        return bool(reason or row.get("request_id"))
    return outcome not in _FORESEEN or reason == AWAITED or bool(row.get("request_id"))


def as_left_over(row: t.Mapping[str, str]) -> dict[str, str]:
    """The row as a plan shows it: with the current state and not the state after a success."""
    waits = row["outcome"] in _FORESEEN
    outcome, reason = ("accepted", row["reason"] or "not confirmed yet") if waits else (row["outcome"], row["reason"])
    return {"device_id": row["device_id"], "outcome": outcome, "reason": reason}


def stays(row: t.Mapping[str, str], planned: str) -> bool:
    """Whether a device that the plan left not as wanted is still so, and the run has not sent it.

    :param row: what the run reported of it.
    :param planned: its outcome in the plan.
    """
    return row["outcome"] in ("skipped", planned)


def is_done(row: t.Mapping[str, str]) -> bool:
    """Whether a device reached the planned state according to the record. Accepted or unknown ones did not."""
    return row["outcome"] in _DONE or (row["outcome"], row["reason"]) == ("skipped", DONE_BEFORE)


def is_on_its_way(row: t.Mapping[str, str]) -> bool:
    """Whether the request for this device was sent and waits for confirmation, so that nothing must be sent again."""
    return row["outcome"] == "accepted" and not retries_of([row])


def retries_of(rows: t.Iterable[t.Mapping[str, str]]) -> list[str]:
    """The options that would send any of the devices again, whatever they are called where the reason is read."""
    found = {option for row in rows for option in _OPTIONS if f"{option}: true'" in row["reason"]}
    return [option for option in _OPTIONS if option in found]
