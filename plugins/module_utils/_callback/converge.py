# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Converge the listener of a service: the flow of C(callback), from options to result."""

from __future__ import annotations

import dataclasses
import typing as t

from .._client.fault import Mask
from .._errors import LicensingError
from .._module import Context, Result
from .._plan.answer import settle_one
from .._text.diff import text_diff
from .api import CallbackApi, Listener
from .options import Job, read_job, url_secrets

RESENDS = 2
"""How often a write is sent again if reading shows that a lost one had no effect. A write replaces, so this is safe."""


REPORTS = "CarrierService"
"""The service whose callbacks the receiver takes."""

_ANONYMOUS = (
    "The listener has no user name or no password. The receiver of this collection refuses reports without them, so "
    "they are lost. Set 'callback_username' and 'callback_password' to what the receiver expects."
)


def run(context: Context) -> Result:
    """Read, compare in memory, write what differs, and report without passwords."""
    job, problems = read_job(context.params)
    context.secrets.remember(job.callback_password, *url_secrets(job.url))
    mask = context.secrets.mask
    api = CallbackApi(context.connect(problems), job.account)
    before = api.listener(job.service)
    after = wanted(job, before)
    now, failure = after, None
    if after and after != before and after.service == REPORTS and not (after.username and after.password):
        context.warn(_ANONYMOUS)
    if before != after and not context.check_mode:
        now, failure = _carry_out(api, job.service, before, after)
    nothing = {"account": job.account, "service": job.service, "url": None, "username": None}
    values: dict[str, t.Any] = {"callback": now.as_result(job.account, mask) if now else nothing}
    if context.diff_mode:
        values["diff"] = _diff(job, before, now, mask)
    return Result(values, now != before, failure)


def wanted(job: Job, before: Listener | None) -> Listener | None:
    """The wanted listener. Unset options keep the current value, and an empty string means no value."""
    if job.state == "absent":
        return None
    held = before or Listener(job.service, "", "", "")
    user, password, update = job.callback_username, job.callback_password, job.update_password
    if password is None or (before is not None and update == "on_create"):
        password = held.password
    username = held.username if user is None else user
    return dataclasses.replace(held, url=job.url or "", username=username, password=password)


def _carry_out(
    api: CallbackApi, service: str, before: Listener | None, after: Listener | None
) -> tuple[Listener | None, LicensingError | None]:
    """Write; returns what is registered afterward, and the error if that is not the wanted listener.

    :raises LicensingError: C(outcome_unknown), the result could not be read.
    """
    now = before

    def write() -> None:
        if after is None:
            api.remove(service)
        else:
            api.register(after)

    def read_back(lost: LicensingError) -> bool:
        nonlocal now
        try:
            now = api.listener(service)
        except LicensingError as error:
            raise LicensingError(
                f"It is unknown whether the listener of {service} was changed. {lost.message} It could not be read "
                f"back, either: {error.message} Run again: a listener already in the wanted state is not touched.",
                code="outcome_unknown",
            ) from None
        return now == after

    failure = settle_one(write, read_back, RESENDS)
    if failure is None:
        return after, None
    if failure.in_doubt:
        failure.add(" Reading back shows a different listener. Run again.")
    return now, failure


def _diff(job: Job, before: Listener | None, after: Listener | None, mask: Mask) -> dict[str, str]:
    """The listener before and after. Of a password, it shows only whether there is one and whether it changes."""
    title = f"{job.account}: listener of {job.service}"
    same = before is None or after is None or before.password == after.password
    secret = "(set)" if same or not before or not before.password else "(changed)"
    return text_diff(title, _lines(before, "(set)", mask), _lines(after, secret, mask))


def _lines(listener: Listener | None, secret: str, mask: Mask) -> str:
    if listener is None:
        return ""
    password = secret if listener.password else "(none)"
    return f"url: {mask(listener.url)}\nusername: {mask(listener.username) or '(none)'}\npassword: {password}\n"
