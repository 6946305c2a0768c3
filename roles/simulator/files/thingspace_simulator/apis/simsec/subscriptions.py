# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only thing that can be read about SIM-Secure: counts by SKU (subscription information page)."""

from __future__ import annotations

from typing import Any

from ...http.messages import ApiError, Reply
from ...quirks import Quirks
from ...world.skus import Sku, skus_of
from ..call import Call, Route
from ..m2m import account_of, body_of, text_of
from .request import check_header, in_form


def subscriptions(call: Call) -> Reply:
    """Answer with the counts of all SKUs or one; a SKU that the account does not have is an empty list."""
    try:
        check_header(call, required=False)
        given = body_of(call)
        account = account_of(call, given.get("accountName"))
        wanted = text_of(given, "skuNumber")
    except ApiError as error:
        raise in_form(call, error) from error
    rows = [_row(one, call.world.quirks) for one in skus_of(account).values() if wanted in (None, one.sku)]
    return Reply(data={"accountName": account.name, "subscriptionList": rows})


def _row(sku: Sku, quirks: Quirks) -> dict[str, Any]:
    """Return the counts of one SKU."""
    assigned = len(sku.licenses)
    if quirks.word("simsec_counts") == "acceptance":
        assigned = max(0, assigned + sku.pending)
    odd = 1 if quirks.word("available") == "odd" else 0
    return {
        "skuNumber": sku.sku,
        "licenseType": sku.license_type,
        "licensePurchased": sku.purchased,
        "licenseAssigned": assigned,
        "licenseAvailable": max(0, sku.purchased - assigned - odd),
        "extendedAttributes": [],
    }


ROUTES = (
    Route(
        "subscriptions_list",
        "POST",
        "/m2m/v1/accounts/subscriptions/actions/list",
        subscriptions,
    ),
)
