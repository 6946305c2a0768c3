# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a software-management call says: the account in its path, its body, and the devices it names."""

from __future__ import annotations

import re
from typing import Any

from ...world.account import Account
from .. import errors
from ..call import Call

BAD_DEVICE = "Invalid device id format"  # Error Messages page
UNREADABLE = "Input binding error"  # Error Messages page


def account_of(call: Call) -> Account:
    """Return the account in the path; the errors are those of the Error Messages pages."""
    name = call.names["account"]
    account = call.world.accounts.get(name)
    if account is None:
        if not re.fullmatch(r"[0-9]{10}-[0-9]{5}", name):
            raise errors.fota("Invalid account name format")
        raise errors.fota(f"UWS verification failure (Could not find account {name})")
    if not account.active:
        raise errors.fota("Inactive account")
    return account


def licensed_account_of(call: Call) -> Account:
    """Return the account for a license call: such calls are for MRC accounts only (license status pages)."""
    account = account_of(call)
    if not account.has_pool and call.world.quirks.word("event_only") == "reject":
        # What an event-only account gets is not documented; this text is ours.
        raise errors.fota("Account has no MRC subscription")
    return account


def body_of(call: Call) -> dict[str, Any]:
    """Return the body of the request, an object (Error Messages page)."""
    try:
        given = call.request.json() if call.request.body.strip() else None
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise errors.fota(UNREADABLE)
    return given


def devices_in(call: Call, given: dict[str, Any]) -> list[str]:
    """Return the ids that the body names; the errors are those of the Error Messages page."""
    ids = given.get("deviceList")
    if ids is None or ids == []:
        raise errors.fota("Device list is empty")
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise errors.fota(UNREADABLE)
    check_size(ids, call.world.quirks.count("max_devices_per_request"))
    return list(ids)


def check_size(ids: list[str], limit: int) -> None:
    """Refuse more devices than a quirk allows. No limit is documented, the text is ours."""
    if limit and len(ids) > limit:
        raise errors.fota(f"Device list exceeds {limit} devices")
