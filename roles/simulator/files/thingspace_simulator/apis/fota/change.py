# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Assigning and removing licenses: a per-device answer in one reply (assign and remove pages)."""

from __future__ import annotations

from collections.abc import Callable

from ...http.messages import Reply
from ...world.account import Account
from ...world.candidates import candidates_of
from ...world.device import Device, is_imei
from .. import errors
from ..call import Call
from .dialects import Words, written
from .request import BAD_DEVICE, body_of, devices_in, licensed_account_of

PREEXISTING = "Device license preexisting"  # v2 and v3 assign pages
NOT_ATTACHED = "No license attached to device"  # v1 and v2 remove pages
UPGRADED = "License removal not allowed for devices that have ever upgraded firmware."  # campaign flow for v1
BAD_IMEI = "Invalid Device IMEI."  # campaign flow for v1
UNKNOWN = {"does_not_exist": "Device does not exist.", "not_found": "Device Not Found."}  # v2 assign page
EXHAUSTED = "Not enough licenses available."  # what happens is not documented, the text is ours


def assign(call: Call) -> Reply:
    """Attach a license to each device that has none."""
    account = licensed_account_of(call)
    ids = devices_in(call, body_of(call))
    _refuse_whole(call, account, ids)
    quirks = call.world.quirks
    if quirks.word("exhausted") == "reject":
        wanted = {imei for imei in ids if imei in account.devices and imei not in account.licenses}
        if len(wanted) > account.free:
            raise errors.fota(EXHAUSTED)
    now = call.world.clock.now_ms()
    accept = quirks.word("unknown_device") == "accept"

    def one(imei: str) -> tuple[bool, str]:
        if imei not in account.devices and not (accept and is_imei(imei)):
            return _unknown(call, imei)
        if imei in account.licenses:
            return True, PREEXISTING
        if account.free == 0:
            return False, EXHAUSTED
        account.devices.setdefault(imei, Device(imei))
        account.attach(imei, now)
        return True, "Success"

    return _answer(call, account, ids, "Assign", one)


def remove(call: Call) -> Reply:
    """Take the license of each device back, except from those that have ever upgraded."""
    account = licensed_account_of(call)
    ids = devices_in(call, body_of(call))
    _refuse_whole(call, account, ids)
    removed: list[str] = []

    def one(imei: str) -> tuple[bool, str]:
        if imei not in account.devices and call.world.quirks.word("unknown_device") != "accept":
            return _unknown(call, imei)
        if imei not in account.licenses:
            return False, NOT_ATTACHED
        if account.devices[imei].upgraded:
            return False, UPGRADED
        account.detach(imei)
        removed.append(imei)
        return True, "Success"

    reply = _answer(call, account, ids, "Remove", one)
    if call.world.quirks.word("candidates_unassigned") == "drop":
        candidates_of(account).drop(removed, call.world.clock.now_ms())
    return reply


def _unknown(call: Call, imei: str) -> tuple[bool, str]:
    """Return the reason for an id that the account does not own."""
    return False, UNKNOWN[call.world.quirks.word("unknown_device_reason")] if is_imei(imei) else BAD_IMEI


def _refuse_whole(call: Call, account: Account, ids: list[str]) -> None:
    """Refuse the whole request for one bad id, where a quirk says so."""
    quirks = call.world.quirks
    if quirks.word("bad_device") == "reject" and not all(is_imei(imei) for imei in ids):
        raise errors.fota(BAD_DEVICE)
    if quirks.word("unknown_device") == "reject" and any(is_imei(i) and i not in account.devices for i in ids):
        raise errors.fota(BAD_DEVICE)


def _answer(call: Call, account: Account, ids: list[str], action: str, one: Callable[[str], tuple[bool, str]]) -> Reply:
    """Do it device by device, in the order given, and write the answer."""
    quirks = call.world.quirks
    words = Words(call.route.version, quirks)
    moment = written(call.world.clock.now_ms(), quirks)
    rows = [words.row(imei, action, *one(imei), moment) for imei in ids]
    counts = words.counts(len(ids), len(account.licenses), account.total)
    return Reply(data={"accountName": account.name, **counts, "deviceList": rows})
