# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The conditions for binding a device for life: a journal that contains every earlier lifetime license.

ThingSpace does not show which devices hold a license. Only the journal prevents a second license for the same device.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import LicensingError, OptionsError
from .._journal.inventory import device_rows
from .._journal.journal import Journal
from .._journal.lasting import is_lasting
from .._journal.status import NOTHING, DeviceStatus
from .._plan.plan import Pool
from .._text.lists import many
from .api import SkuSubscription, pool_of, rows_of
from .job import Job, never_removed
from .plan import SEND, SimsecPlan, decide
from .skus import as_assigned, sku_of


def with_license_types(job: Job, subscriptions: t.Sequence[SkuSubscription]) -> Job:
    """The job, with the SKU's meaning in the account. In doubt, it counts as lifetime, but may still be removed.

    :raises OptionsError: C(lifetime_not_removable).
    """
    number = job.wish.sku.number
    types = [row["license_type"] for row in rows_of(subscriptions, number)]
    sku = sku_of(number, types)
    if sku.lifetime and job.wish.action == "remove":
        raise OptionsError([never_removed(number)])
    # Without a row there is nothing to assign. That is reported later.
    if types and job.wish.action == "assign":
        sku = as_assigned(sku, types)
    return job._replace(wish=dataclasses.replace(job.wish, sku=sku))


def require_journal(job: Job, plan: SimsecPlan) -> None:
    """Refuse to bind devices for life if the next run would not know it.

    :raises LicensingError: C(lifetime_without_journal); nothing was sent.
    """
    if not _binds(job, plan) or job.lifetime_without_journal or (job.journal and is_lasting(job.journal)):
        return
    lacking = (
        f"the journal {job.journal} is a file in the container of this job of AWX, which ends with the job"
        if job.journal
        else "there is no 'journal'"
    )
    raise LicensingError(
        f"{job.wish.sku.number} is a lifetime license, and {lacking}. ThingSpace does not show which devices hold it, "
        "so the next run would assign it to the same devices again. Nothing was sent. Set 'journal' to a file that "
        "outlives this run, or to a database that all machines share. To assign it without a lasting record, set "
        "'lifetime_without_journal: true'.",
        code="lifetime_without_journal",
    )


def require_whole_journal(
    job: Job, plan: SimsecPlan, journal: Journal, subscriptions: t.Sequence[SkuSubscription]
) -> None:
    """Refuse to bind devices for life if the journal knows fewer licenses than the account counts.

    The journal counts each device that may hold the license: confirmed, accepted, or in doubt. Devices that it knows by
    the other kind of id may be devices of the task, so they count as assigned by other means. So do devices to which
    the same run assigns the license by the other kind of id before: in its plan, the journal does not know them yet.
    C(lifetime_elsewhere) is the known number of licenses that were assigned by other means.

    :raises LicensingError: C(journal_behind); nothing was sent.
    """
    if not _binds(job, plan) or not journal.path:
        return
    account, sku, elsewhere = job.wish.account, job.wish.sku.number, job.lifetime_elsewhere
    known = require_one_kind(job, journal)
    pool = pool_of(subscriptions, sku)
    counted = pool.assigned if pool else 0
    if counted is None:
        if elsewhere is None:
            raise _uncounted(account, sku)
        return
    if counted - known > (elsewhere or 0):
        raise _behind(account, sku, journal.path, (counted, known, elsewhere))


def require_one_kind(job: Job, journal: Journal) -> int:
    """Refuse to bind devices for life of which others may be the same SIMs, because the journal knows them by the other
    kind of id. See C(require_whole_journal).

    :returns: how many devices may hold the license according to the journal, by the task's kind of id.
    :raises LicensingError: C(journal_behind); nothing was sent.
    """
    known, others, coming = _known(journal, job)
    if others + coming > (job.lifetime_elsewhere or 0):
        raise _by_the_other_kind(job, journal.path, others, coming)
    return known


def require_filled_journal(
    job: Job, plan: SimsecPlan, journal: Journal, subscriptions: t.Sequence[SkuSubscription]
) -> None:
    """Refuse a journal without the account if that has lifetime licenses, because it may be the wrong one.

    C(journal_new) and C(lifetime_elsewhere) say that it is meant.

    :raises LicensingError: C(journal_behind); nothing was sent.
    """
    if not plan.sent or not journal.path or job.journal_new or job.lifetime_elsewhere is not None:
        return
    counted = sum(row["assigned"] or 0 for row in subscriptions if sku_of(row["sku"], [row["license_type"]]).lifetime)
    if counted and journal.is_new_to(job.wish.account):
        raise LicensingError(
            f"The journal {journal.path} knows nothing of the account {job.wish.account}, which counts "
            f"{many(counted, 'lifetime license')}. So it is new, or not the one that was used before. Nothing was "
            "sent. Name the right journal, or move it here with the module simsec_journal. If there was none before, "
            "set 'journal_new: true' once.",
            code="journal_behind",
            counted=counted,
            known=0,
        )


def new_journal_text(job: Job, plan: SimsecPlan, journal: Journal, pool: Pool) -> str:
    """What to warn about if the account has licenses of the SKU and the journal knows nothing of the account."""
    if not plan.plan.assign or not journal.path or not pool.assigned or not journal.is_new_to(job.wish.account):
        return ""
    return (
        f"The journal {journal.path} knows nothing of the account {job.wish.account}, which counts "
        f"{many(pool.assigned, 'license')} of {job.wish.sku.number}. Devices that hold one already get another "
        "request. If the account was licensed with a journal before, name that one."
    )


def _binds(job: Job, plan: SimsecPlan) -> bool:
    return job.wish.sku.lifetime and bool(plan.plan.assign)


def _known(journal: Journal, job: Job) -> tuple[int, int, int]:
    """How many devices may hold the license according to the journal: by the task's kind of id, and by the other; and
    how many others get it before, by the other kind.
    """
    known = 0
    others: dict[str, DeviceStatus] = {}
    for status, row in device_rows(journal, job.wish.account, job.wish.sku.number):
        if row.kind == job.scope.kind:
            known += status.may_hold
        else:
            others[row.device_id] = status
    coming = sum(
        decide(job.wish, status) is SEND and not status.may_hold
        for status in (others.get(device, NOTHING) for device in job.bound_before)
    )
    return known, sum(status.may_hold for status in others.values()), coming


def _by_the_other_kind(job: Job, path: str, others: int, coming: int) -> LicensingError:
    kind, sku = "ICCID" if job.scope.kind == "imei" else "IMEI", job.wish.sku.number
    found = []
    if others:
        found.append(f"the journal {path} knows of {many(others, f'{sku} license')} by {kind}")
    if coming:
        found.append(f"this plan assigns {many(coming, f'{sku} license')} by {kind}")
    there = " and ".join(found)
    # A plan keeps what comes before what was not sent.
    note = _note(job.lifetime_elsewhere)
    return LicensingError(
        f"{there[0].upper()}{there[1:]}, but this task lists its devices by {job.scope.kind.upper()}. They may be the "
        f"same SIMs, which would get the license again.{note} List the devices by {kind}. If none of those SIMs is in "
        f"this task, set 'lifetime_elsewhere: {others + coming}'. Nothing was sent.",
        code="journal_behind",
        known=others + coming,
    )


def _note(elsewhere: int | None) -> str:
    return "" if elsewhere is None else f" 'lifetime_elsewhere' explains {elsewhere} of them."


def _behind(account: str, sku: str, path: str, counts: tuple[int, int, int | None]) -> LicensingError:
    counted, known, elsewhere = counts
    beyond, note = counted - known, _note(elsewhere)
    return LicensingError(
        f"The account {account} counts {many(counted, f'assigned {sku} license')}, and the journal {path} knows of "
        f"{known}. The other {beyond} were assigned by other means, or this is an older copy or another journal."
        f"{note} The devices of this task may be among them and would get the license again. Nothing was "
        "sent. Restore the newest journal. If you know the others and none of their devices is in this task, set "
        f"'lifetime_elsewhere: {beyond}'.",
        code="journal_behind",
        counted=counted,
        known=known,
    )


def _uncounted(account: str, sku: str) -> LicensingError:
    return LicensingError(
        f"The account {account} does not show how many {sku} licenses are assigned, so it is unknown whether the "
        "journal is the newest one. Nothing was sent. If you are sure that it is, set 'lifetime_elsewhere' to the "
        "number of licenses that were assigned by other means, 0 if there are none.",
        code="journal_behind",
    )
