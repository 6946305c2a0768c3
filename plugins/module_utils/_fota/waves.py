# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Execute a FOTA plan in waves. Each wave except the last is read back and judged before the next one is sent."""

from __future__ import annotations

import typing as t

from .._errors import LicensingError
from .._plan.answer import Action
from .._plan.outcomes import Row
from .._plan.plan import Plan, Pool
from .._plan.waves import AS_WANTED, cut, judge, why_left_out
from .._swm.licenses import FotaApi
from .apply import apply_plan
from .holders import read_back
from .lookup import Job
from .miscount import after_a_wave
from .rows import Applied, Judged, kept_for_ever, rows_of

NOT_TRUE = "ThingSpace's answer said that it is as wanted; reading back shows that it is not"

UNSEEN = "ThingSpace's answer said that it was {}; reading back does not show that{}"

Warn = t.Callable[[str], None]


def apply_in_waves(job: Job, plan: Plan, pool: Pool, api: FotaApi, warn: Warn) -> Applied:
    """Execute a plan on ThingSpace, in waves if the task requests them. Every device gets a row, whatever happens."""
    parts = cut(plan, job.waves)
    wanted = job.wanted.devices
    if len(parts) < 2:
        applied = apply_plan(plan, wanted, pool, api, job.batch_size)
        _warn_of_count(applied, warn)
        return applied
    tried: list[Row] = []
    stopped: LicensingError | None = None
    for part in parts:
        applied = apply_plan(part, _touched(part), pool, api, job.batch_size)
        _warn_of_count(applied, warn)
        rows, stopped = applied.rows, applied.stopped
        left = plan.changes - len(tried) - len(rows)
        if left and stopped is None:
            rows, pool, stopped = _read_back(part, rows, pool, api, warn)
            stopped = stopped or judge(job.waves, [*tried, *rows], left)
        tried += rows
        if stopped is not None:
            break
    results: dict[str, Judged] = {row.device_id: (row.outcome, row.reason) for row in tried}
    if stopped is not None:
        for part in parts:
            for device in (*part.remove, *part.assign):
                results.setdefault(device, ("skipped", why_left_out(stopped)))
    return Applied(rows_of(plan, wanted, results), stopped)


def _warn_of_count(applied: Applied, warn: Warn) -> None:
    if applied.miscounted:
        warn(applied.miscounted)


def _touched(part: Plan) -> tuple[str, ...]:
    """The devices of a part that count as named. The others are those that an exact run removes."""
    return part.remove if part.state == "absent" else part.assign


def _corrected(row: Row, part_only: str) -> Row:
    """The row of a device whose answer the account does not confirm.

    Neither is proof: the list may be late, or be that of a part of the account. If the answer said that nothing was
    changed, nothing of ours can show late.

    :param part_only: why the list may not have every license; empty if it has.
    """
    if row.outcome != "unchanged":
        why = f": {part_only}" if part_only else ""
        return row._replace(outcome="unknown", reason=UNSEEN.format(row.outcome, why))
    return row if part_only else row._replace(outcome="failed", reason=NOT_TRUE)


def _read_back(
    part: Plan, rows: list[Row], pool: Pool, api: FotaApi, warn: Warn
) -> tuple[list[Row], Pool, LicensingError | None]:
    """Compare the answers of a wave with the account; returns the corrected rows and the current pool.

    The first page of a long list is enough if its count of assigned licenses matches the answers. Otherwise only the
    devices themselves show whether the wave failed or someone else changed licenses in the meantime.

    :returns: also an error if the account could not be read.
    """
    expected = pool.moved(*(sum(row.outcome == name for row in rows) for name in ("assigned", "removed")))
    try:
        page = api.page()
        total = pool.total if page.total is None else page.total
        if page.more and page.assigned is not None and page.assigned == expected.assigned:
            return rows, pool._replace(total=total, assigned=page.assigned), None
        action: Action = "remove" if part.remove else "assign"
        held, count, _unsure = read_back(api, action, [*part.remove, *part.assign], page, plan=part)
    except LicensingError as error:
        error.add(before="The canary wave could not be read back: ")
        return rows, expected, error
    removed = set(part.remove).difference(kept_for_ever(rows))
    amiss = {row.device_id for row in rows if (row.device_id in held) == (row.device_id in removed)}
    part_only = (api.partial.told if api.partial else api.doubt) if part.assign else ""
    seen = [_corrected(row, part_only) if row.outcome in AS_WANTED and row.device_id in amiss else row for row in rows]
    if seen == rows and count is not None and expected.assigned is not None and count != expected.assigned:
        warn(after_a_wave(count, expected.assigned))
    return seen, pool._replace(total=total, assigned=count), None
