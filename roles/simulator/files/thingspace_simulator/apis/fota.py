# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""FOTA licenses in all versions: the subscription, the list of licensed devices, assign and remove.

Sources: subscription status, license status, assign, remove and Error Messages pages.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..http.messages import Reply
from ..world.account import Account
from ..world.device import is_imei
from .call import Call, fota_error
from .dialects import dialect, written

BAD_DEVICE = "Invalid device id format"  # Error Messages page
UNREADABLE = "Input binding error"  # Error Messages page
PREEXISTING = "Device license preexisting"  # v2 and v3 assign pages
NOT_ATTACHED = "No license attached to device"  # v1 and v2 remove pages
INELIGIBLE = "Device not eligible for service."  # campaign flow for v1
UPGRADED = "License removal not allowed for devices that have ever upgraded firmware."  # campaign flow for v1
BAD_IMEI = "Invalid Device IMEI."  # campaign flow for v1
UNKNOWN = {"does_not_exist": "Device does not exist.", "not_found": "Device Not Found."}  # v2 assign page
EXHAUSTED = "Not enough licenses available."  # what happens is not documented, so the text is ours


def subscription(call: Call) -> Reply:
    """Answer with the subscription, which is the same in all versions."""
    account = account_of(call)
    reply = {
        "accountName": account.name,
        "purchaseType": account.purchase_type,
        "licenseCount": account.total,
        "licenseUsedCount": len(account.licenses),
        "updateTime": written(account.updated_ms, call.world.quirks),
    }
    return Reply(data=reply)


def licenses(call: Call) -> Reply:
    """Answer with a page of the licensed devices whose IMEI is greater than the cursor."""
    account = licensed_account_of(call)
    quirks = call.world.quirks
    cursor = cursor_of(call, account)
    held = _listed(call, account)
    only = None if held is account.licenses else held
    ids, more = account.licensed_after(cursor, quirks.count("page_size"), only)
    words = dialect(call.route.version, quirks)
    reply = {
        "accountName": account.name,
        **words.totals(account.total, len(held)),
        **words.paging(more, ids[-1] if ids else cursor),
        "deviceList": [{"deviceId": imei, "assignmentTime": written(held[imei], quirks)} for imei in ids],
    }
    return Reply(data=reply)


def _listed(call: Call, account: Account) -> dict[str, int]:
    """Return the licenses that the list of this version has."""
    if call.world.quirks.word("license_lists") == "account" or call.route.version == "v3":
        return account.licenses
    http = call.route.version == "v2"
    devices = account.devices
    return {imei: when for imei, when in account.licenses.items() if (devices[imei].protocol == "HTTP") == http}


def cursor_of(call: Call, account: Account) -> str:
    """Return the checked cursor: 0, or an IMEI of the account, licensed or not."""
    in_path = call.names.get("cursor")
    given = in_path if in_path is not None else call.request.query.get("lastSeenDeviceId")
    if given is None and call.world.quirks.word("list_cursor") == "optional":
        return "0"
    given = given or ""
    if given == "0":
        return given
    imei = given.zfill(15) if call.route.version == "v1" and given.isdigit() else given  # a number in v1
    if imei in account.devices:
        return imei
    if in_path is not None and not is_imei(imei):
        raise fota_error("Invalid device id format")
    raise fota_error("LastSeenDeviceId Not Valid")


def assign(call: Call) -> Reply:
    """Attach a license to each device that has none."""
    account = licensed_account_of(call)
    ids = devices_in(call, body_of(call))
    _refuse_whole(call, account, ids)
    quirks = call.world.quirks
    if quirks.word("exhausted") == "reject":
        wanted = {imei for imei in ids if imei in account.devices and imei not in account.licenses}
        if len(wanted) > account.free:
            raise fota_error(EXHAUSTED)
    now = call.world.clock.now_ms()
    accept = quirks.word("unknown_device") == "accept"

    def one(imei: str) -> tuple[bool, str]:
        if imei not in account.devices and not (accept and is_imei(imei)):
            return False, unknown_reason(call, imei)
        if imei in account.licenses:
            return True, PREEXISTING
        if imei in account.devices and not account.devices[imei].eligible:
            return False, INELIGIBLE
        if account.free == 0:
            return False, EXHAUSTED
        account.add(imei)
        account.attach(imei, now)
        return True, "Success"

    return _answer(call, account, ids, "Assign", one)


def remove(call: Call) -> Reply:
    """Take the license away from each device, except from those that have ever upgraded."""
    account = licensed_account_of(call)
    ids = devices_in(call, body_of(call))
    _refuse_whole(call, account, ids)
    held = [account.devices[imei] for imei in ids if imei in account.licenses]
    if call.world.quirks.word("upgraded_device") == "reject" and any(device.upgraded for device in held):
        raise fota_error(UPGRADED)
    removed: list[str] = []
    now = call.world.clock.now_ms()

    def one(imei: str) -> tuple[bool, str]:
        if imei not in account.devices and call.world.quirks.word("unknown_device") != "accept":
            return False, unknown_reason(call, imei)
        if imei not in account.licenses:
            return False, NOT_ATTACHED
        if account.devices[imei].upgraded:
            return False, UPGRADED
        account.detach(imei, now)
        removed.append(imei)
        return True, "Success"

    reply = _answer(call, account, ids, "Remove", one)
    if call.world.quirks.word("candidates_unassigned") == "drop":
        account.candidates.drop(removed, now)
    return reply


def unknown_reason(call: Call, imei: str) -> str:
    """Say why an id is refused that is not a device of the account."""
    return UNKNOWN[call.world.quirks.word("unknown_device_reason")] if is_imei(imei) else BAD_IMEI


def _refuse_whole(call: Call, account: Account, ids: list[str]) -> None:
    """Refuse the whole request for one bad id where a quirk says so."""
    quirks = call.world.quirks
    if quirks.word("bad_device") == "reject" and not all(is_imei(imei) for imei in ids):
        raise fota_error(BAD_DEVICE)
    if quirks.word("unknown_device") == "reject" and any(is_imei(i) and i not in account.devices for i in ids):
        raise fota_error(BAD_DEVICE)


def _answer(call: Call, account: Account, ids: list[str], action: str, one: Callable[[str], tuple[bool, str]]) -> Reply:
    """Apply ``one`` to each device in the order given, and write the answer."""
    quirks = call.world.quirks
    words = dialect(call.route.version, quirks)
    moment = written(call.world.clock.now_ms(), quirks)
    rows = [words.row(imei, action, *one(imei), moment) for imei in ids]
    counts = words.counts(len(ids), len(account.licenses), account.total)
    return Reply(data={"accountName": account.name, **counts, "deviceList": rows})


def account_of(call: Call) -> Account:
    """Return the account in the path."""
    name = call.names["account"]
    account = call.world.accounts.get(name)
    if account is None:
        if not re.fullmatch(r"[0-9]{10}-[0-9]{5}", name):
            raise fota_error("Invalid account name format")
        raise fota_error(f"UWS verification failure (Could not find account {name})")
    if not account.active:
        raise fota_error("Inactive account")
    return account


def licensed_account_of(call: Call) -> Account:
    """Return the account for a license call. License calls are for MRC accounts only."""
    account = account_of(call)
    if not account.has_pool and call.world.quirks.word("event_only") == "reject":
        # What an event-only account gets is not documented, so the text is ours.
        raise fota_error("Account has no MRC subscription")
    return account


def body_of(call: Call) -> dict[str, Any]:
    """Return the body of the request, which must be an object."""
    try:
        given = call.request.json() if call.request.body.strip() else None
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise fota_error(UNREADABLE)
    return given


def devices_in(call: Call, given: dict[str, Any]) -> list[str]:
    """Return the ids that the body names."""
    ids = given.get("deviceList")
    if ids is None or ids == []:
        raise fota_error("Device list is empty")
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise fota_error(UNREADABLE)
    check_size(ids, call.world.quirks.count("max_devices_per_request"))
    return list(ids)


def check_size(ids: list[str], limit: int) -> None:
    """Refuse more devices than a quirk allows. No limit is documented, so the text is ours."""
    if limit and len(ids) > limit:
        raise fota_error(f"Device list exceeds {limit} devices")
