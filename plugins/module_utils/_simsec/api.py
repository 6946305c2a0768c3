# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The operations of the SIM-Secure license API: assign, unassign, read the account's counts and a request's status."""

from __future__ import annotations

import typing as t

from .._client.answers import Reader, number
from .._client.client import Client, segments
from .._client.fault import Mask, one_line
from .._client.sender import EachTime
from .._errors import ApiError
from .._journal.confirmation import fault_in
from .._plan.answer import Action
from .._plan.plan import Pool
from .._text.lists import many

LICENSE_PATH = "/m2m/v1/devices/license/actions/assign"
"""POST assigns and DELETE unassigns ("Assign SIM-Secure licenses", "Unassign flex licenses")."""

_COUNT = Reader("count the SIM-Secure licenses")


class SkuSubscription(t.TypedDict):
    """The licenses of one SKU, as C(simsec_license_info) returns them. A value that ThingSpace omits is None."""

    sku: str
    license_type: str
    purchased: int | None
    assigned: int | None
    available: int | None


class SimsecApi:
    """License operations on one account."""

    def __init__(self, client: Client, account: str) -> None:
        self._client = client
        self.account = account
        self.max_concurrency = client.max_concurrency
        self.progress = client.progress

    def not_counted(self, seconds: float) -> None:
        """Do not count these seconds toward the deadline, because waiting has its own limit."""
        self._client.not_counted(seconds)

    def change(
        self,
        action: Action,
        sku: str,
        kind: str,
        devices: t.Sequence[str],
        x_request_id: str,
        each_time: EachTime,
    ) -> str:
        """Request that a license is assigned to devices or removed from them; returns the id of the accepted request.

        :param each_time: see C(EachTime).
        :raises LicensingError: the whole request failed; C(in_doubt) says whether it may have taken effect.
        """
        body = {
            "accountName": self.account,
            "skuNumber": sku,
            "devices": [{"deviceIds": [{"id": device, "kind": kind.upper()}]} for device in devices],
        }
        headers = {"X-Request-ID": x_request_id}
        what = f"{action} the {sku} licenses of {many(len(devices), 'device')}"
        send = self._client.post if action == "assign" else self._client.delete
        request_id = send(what, LICENSE_PATH, body, headers, each_time).get("requestId")
        if not isinstance(request_id, str) or not one_line(request_id):
            raise ApiError(
                f"The answer to '{what}' has no 'requestId', so it is not known whether it was accepted.",
                code="bad_answer",
                status=200,
                in_doubt=True,
            )
        return one_line(request_id, self._client.mask)

    def subscriptions(self) -> list[SkuSubscription]:
        """C(POST /accounts/subscriptions/actions/list): the account's SIM-Secure licenses by SKU, sorted."""
        asked = {"accountName": self.account}
        value = self._client.query(_COUNT.what, "/m2m/v1/accounts/subscriptions/actions/list", asked)
        rows = _COUNT.rows(value, "subscriptionList", _names_sku, optional=bool(value.get("accountName")))
        return sorted((_subscription(row, self._client.mask) for row in rows), key=lambda row: row["sku"])

    def request_status(self, request_id: str) -> tuple[str, str] | None:
        """The status of a request for one device: in lower case, and as ThingSpace spells it.

        C(GET /accounts/{account}/requests/{requestId}/status) is documented only for other operations. A refusal
        therefore says nothing about the request.

        :returns: None if ThingSpace does not return a status for this request. Empty if the answer names another one,
            or has a fault.
        """
        path = segments("m2m", "v1", "accounts", self.account, "requests", request_id, "status")
        try:
            value = self._client.get("ask for the status of the request", path)
        except ApiError:
            return None
        if value.get("requestId") not in (None, "", request_id) or fault_in(value):
            return "", ""
        status = one_line(value.get("status"), self._client.mask)
        return status.lower(), status


def _names_sku(row: t.Any) -> bool:
    return isinstance(row, dict) and bool(row.get("skuNumber"))


def rows_of(subscriptions: t.Iterable[SkuSubscription], sku: str) -> list[SkuSubscription]:
    """All rows of a SKU, in any spelling. Usually there is one, but if there are more, all of them count."""
    return [row for row in subscriptions if row["sku"].strip().casefold() == sku.casefold()]


def pool_of(subscriptions: t.Iterable[SkuSubscription], sku: str) -> Pool | None:
    """The pool of a SKU, if it has one. What ThingSpace calls available counts, even if it is not the difference.

    The rows of a SKU count together, because nothing tells them apart. What one of them lacks is unknown.
    """
    rows = rows_of(subscriptions, sku)
    if not rows:
        return None
    numbers = [(row["purchased"], row["assigned"], row["available"]) for row in rows]
    total, assigned, available = map(_sum, zip(*numbers, strict=True))
    return Pool(total, assigned, available)


def proof_of(subscriptions: t.Iterable[SkuSubscription], sku: str) -> int | None:
    """The assigned licenses of a SKU, if their number can prove what happened to requests.

    Of several rows, any may be missing at times, which would look like licenses that came or went. So they prove
    nothing.
    """
    rows = rows_of(subscriptions, sku)
    return rows[0]["assigned"] if len(rows) == 1 else None


def assigned_of(subscriptions: t.Sequence[SkuSubscription]) -> dict[str, int | None]:
    """The assigned licenses of each SKU; None if they are unknown."""
    pools = {row["sku"]: pool_of(subscriptions, row["sku"]) for row in subscriptions}
    return {sku: pool.assigned if pool else None for sku, pool in pools.items()}


def _sum(numbers: t.Iterable[int | None]) -> int | None:
    found = list(numbers)
    return None if None in found else sum(number or 0 for number in found)


def _subscription(row: t.Mapping[str, t.Any], mask: Mask) -> SkuSubscription:
    return {
        "sku": one_line(row["skuNumber"], mask),
        "license_type": one_line(row.get("licenseType"), mask),
        "purchased": number(row, ("licensePurchased",)),
        "assigned": number(row, ("licenseAssigned",)),
        "available": number(row, ("licenseAvailable",)),
    }
