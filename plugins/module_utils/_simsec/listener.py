# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Check for a listener that receives the results of SIM-Secure requests, before the first request is sent.

ThingSpace reports to the listener of C(CarrierService). Without a listener, the reports are lost, and only the count
of the account can show results.
"""

from __future__ import annotations

import typing as t

from .._client.client import Client
from .._errors import LicensingError
from .._module import Context
from .._plan.plan import Pool
from .._text.lists import many
from .job import Job
from .plan import SimsecPlan

SERVICE = "CarrierService"
CODE: t.Final = "no_listener"

_COUNTED = (
    " So the task waits until the account's count of assigned licenses confirms the requests. It does so if it changes "
    "by as much as all of them together, and nobody else changes it."
)

_TO_REGISTER = (
    "To receive them, start a receiver, and register it for the account with a task of thingspace.licensing.callback, "
    "with the user name and the password that it expects (docs/callbacks.md)."
)


def require_listener(context: Context, client: Client, job: Job, plan: SimsecPlan, pool: Pool) -> bool:
    """Check for a listener before sending or waiting. Without a listener, warn or refuse.

    Lifetime licenses need a listener, and so does waiting if the account's count cannot show the results. If the check
    fails, that counts as no listener.

    :returns: whether there is a listener, or no need for one.
    :raises LicensingError: C(no_listener); nothing was sent.
    """
    waits = job.wait or job.waits_later
    pending = sum(one.outcome == "accepted" and not one.overdue for one in plan.decisions.values())
    if not plan.sent and not (job.wait and pending):
        return True
    missing = _missing(context, client, job.wish.account)
    if not missing:
        return True
    countable = bool(job.journal) and pool.assigned is not None
    binds = job.wish.sku.lifetime and bool(plan.plan.assign)
    needed = job.require_listener
    if needed is None:
        needed = binds or (waits and not countable)
    lost = _lost(job, len(plan.sent) or pending)
    if not needed:
        counted = _COUNTED if waits and countable else ""
        context.warn(f"{missing} {lost}{counted} {_TO_REGISTER}")
        return False
    why = f"{job.wish.sku.number} is a lifetime license" if binds else "'wait' waits for these reports"
    why = "'require_listener' requires one" if job.require_listener else why
    advice = (
        f"It is needed because {why}. {_TO_REGISTER} Nothing was sent. "
        "If there is a listener that ThingSpace does not list, or if the account's count is enough for you, set "
        "'require_listener: false'."
    )
    raise LicensingError(f"{missing} {lost} {advice}", code=CODE, advice=advice)


def _lost(job: Job, devices: int) -> str:
    """What nobody would learn.

    :param devices: how many are sent or waiting.
    """
    results = f"the results of {many(devices, 'device')} for {job.wish.sku.number}"
    return (
        f"ThingSpace reports {results} only to that listener. Without one, these reports are lost, and nobody can ask "
        "for them later."
    )


def _missing(context: Context, client: Client, account: str) -> str:
    """Why there may be no listener, as a sentence; empty if there is one. A task asks once for each account."""
    key = ("listener", account)
    if key not in context.learned:
        context.learned[key] = _asked(client, account)
    return t.cast(str, context.learned[key])


def _asked(client: Client, account: str) -> str:
    # A module compiles what it imports, each time. A task that sends nothing does not need this.
    from .._callback.api import CallbackApi  # pylint: disable=import-outside-toplevel

    try:
        if CallbackApi(client, account).has_listener(SERVICE):
            return ""
    except LicensingError as error:
        return f"It could not be found out whether a listener of {SERVICE} is registered for {account}: {error.message}"
    return f"No listener of {SERVICE} is registered for the account {account}."
