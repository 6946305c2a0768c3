# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The subscription, and the license list: pages of licensed devices in order of IMEI."""

from __future__ import annotations

from ...http.messages import Reply
from ...world.account import Account
from ...world.device import is_imei
from .. import errors
from ..call import Call
from .dialects import Words, written
from .request import account_of, licensed_account_of


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


def licenses(call: Call) -> Reply:
    """Answer with the devices whose IMEI is greater than the cursor, up to a page (license status pages)."""
    account = licensed_account_of(call)
    quirks = call.world.quirks
    cursor = _cursor(call, account)
    ids, more = account.licensed_after(cursor, quirks.count("page_size"))
    words = Words(call.route.version, quirks)
    held = account.licenses
    reply = {
        "accountName": account.name,
        **words.totals(account.total, len(held)),
        **words.paging(more, ids[-1] if ids else cursor),
        "deviceList": [{"deviceId": imei, "assignmentTime": written(held[imei], quirks)} for imei in ids],
    }
    return Reply(data=reply)


def _cursor(call: Call, account: Account) -> str:
    """Return the checked cursor: 0, or an IMEI of the account, licensed or not (Error Messages page)."""
    in_path = call.names.get("cursor")
    given = in_path if in_path is not None else call.request.query.get("lastSeenDeviceId")
    if given is None and call.world.quirks.word("list_cursor") == "optional":
        return "0"
    given = given or ""
    if given == "0":
        return given
    imei = given.zfill(15) if call.route.version == "v1" and given.isdigit() else given  # v1's is a number
    if imei in account.devices:
        return imei
    if in_path is not None and not is_imei(imei):
        raise errors.fota("Invalid device id format")
    raise errors.fota("LastSeenDeviceId Not Valid")
