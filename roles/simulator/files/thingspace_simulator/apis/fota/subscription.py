# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The account of a software-management call, and the subscription reply."""

from __future__ import annotations

import re

from ...http.messages import Reply
from ...quirks import Quirks
from ...world.account import Account
from ...world.clock import go_style, iso
from .. import errors
from ..call import Call


def written(moment_ms: int, quirks: Quirks) -> str:
    """Write a time in the form chosen; both are in the pages."""
    return go_style(moment_ms) if quirks.word("time_format") == "go" else iso(moment_ms)


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


def subscription(call: Call) -> Reply:
    """Answer with the subscription (subscription status pages, the same in all versions)."""
    account = account_of(call)
    reply = {
        "accountName": account.name,
        "purchaseType": account.purchase_type,
        "licenseCount": account.total,
        "licenseUsedCount": len(account.licenses),
        "updateTime": written(account.updated_ms, call.world.quirks),
    }
    return Reply(data=reply)
