# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Switches for everything that the public documents contradict each other about, or do not say.

The first choice of each switch is the default.
"""

from __future__ import annotations

from typing import Any

from .fields import Choice, Flag, Kind, Number

KNOWN: dict[str, Choice | Flag | Number] = {
    # How the FOTA host reports an expired session. Not documented; five sibling APIs do it in different ways.
    "session_error": Choice(("uws_400", "m2m_400", "m2m_403", "diagnostics_401", "cloud_connector_401")),
    # The reference pages say /index/{id}, the SDKs ?lastSeenDeviceId=.
    "v2_list": Choice(("both", "index", "query")),
    "v3_list": Choice(("both", "index", "query")),
    # The v2 pages count licenses "for HTTP devices", and v1 knows the other protocols; another page says that a license
    # works with any. "protocols": the lists of v1 and v2, and their counts, have only those devices.
    "license_lists": Choice(("account", "protocols")),
    # The v2 and v3 pages say that the query lastSeenDeviceId is required, the SDKs that it is optional.
    "list_cursor": Choice(("optional", "required")),
    # What a documented call gets that a server does not offer: the error page says 404 for a wrong endpoint or method
    # and 400 (900906) for a wrong context; gateways in general answer 405 for a wrong method.
    "missing_call": Choice(("404", "405", "400")),
    # Devices with their license: lists in all versions, and the v3 call for named devices. "none" is a server of a time
    # before them.
    "fota_devices": Choice(("all", "lists", "none")),
    "fota_device_page": Number(1000, 1, 1_000_000),
    # The SDK models mark every field but the id as optional.
    "fota_devices_lack": Choice(("nothing", "licenseAssigned", "fotaEligible", "upgradeTime")),
    # Seconds until licenseAssigned shows a change. Not documented; the assign call is synchronous.
    "license_flag_delay": Number(0, 0, 86_400, whole=False),
    # What the v3 call says about a device that the account does not have. Its models have requestStatus and
    # resultReason; no example shows them.
    "v3_lookup_unknown": Choice(("failure", "missing")),
    # The page says that an answer has at most 1,000 devices and a cursor. Not documented: more ids in a request.
    "v3_lookup_more": Choice(("page", "reject")),
    # upgradeTime is documented for the device lists, but not for the v3 call for named devices.
    "v3_lookup_upgrade_time": Flag(False),
    # The request lines show ?protocol=LWM2M, and the SDK sends that by default. "LWM2M": it is meant if none is given.
    "v3_protocol": Choice(("all", "LWM2M")),
    # Not documented: what the v3 call says about a device of another protocol than the one that is meant.
    "v3_lookup_protocol": Choice(("missing", "failure")),
    "v3_total": Choice(("totalLicenses", "totalLicense", "absent")),
    # The pages say Reason, the SDK models resultReason. "mixed": Reason on assign and resultReason on remove, as in one
    # published set of examples.
    "v3_reason": Choice(("both", "Reason", "resultReason", "mixed")),
    # The schemas call licCount the total. "both": it counts the devices of the request, and licTotalCount the pool, as
    # in one published example.
    "v3_count": Choice(("licCount", "both", "licTotalCount")),
    # updatedTime, recentAttemptTime and nextAttemptTime of each device: only in the SDK's model.
    "v3_device_times": Flag(False),
    # The request line of v3 assign says /firmware/licenses/, its curl example /licenses/.
    "firmware_path": Flag(False),
    "v1_cursor": Choice(("integer", "string")),
    "time_format": Choice(("iso", "go")),
    # "documented": LicenseAssignSuccess in v1 and v3, Success in v2.
    "success_status": Choice(("documented", "long", "short")),
    # The v2 example says "Device does not exist.", the v2 table "Device Not Found.".
    "unknown_device_reason": Choice(("does_not_exist", "not_found")),
    # Not documented: the answer for an empty pool, a malformed device id, and a device of another account.
    "exhausted": Choice(("per_device", "reject")),
    "bad_device": Choice(("per_device", "reject")),
    "unknown_device": Choice(("per_device", "reject", "accept")),
    # The reason for which a license is never removed is documented, but not whether a whole request can have it.
    "upgraded_device": Choice(("per_device", "reject")),
    # License calls are "for MRC accounts only". What an event-only account gets is not documented.
    "event_only": Choice(("reject", "empty")),
    "max_devices_per_request": Number(0, 0, 10_000_000),
    "page_size": Number(1000, 1, 1_000_000),
    # Removal candidates. The v2 page that reads them shows a query, its curl example /cancel/index/{startIndex}.
    "v2_candidates": Choice(("both", "query", "index")),
    "candidates_page": Number(1000, 1, 1_000_000),
    # Not documented: to read an empty list from its beginning, which is also past its end.
    "candidates_empty": Choice(("empty", "error")),
    # The SDK of v1 says "The total number of devices on the list". The example has one page.
    "candidates_count": Choice(("total", "page")),
    # The example creates a list, so its answer may name the devices of the request or of the list. "documented": the
    # request's, but the SDK of v1 calls the count "the total number of devices on the list".
    "candidates_answer": Choice(("documented", "request", "list")),
    # Not documented: devices without a license, and devices that are already listed or named twice.
    "candidates_unlicensed": Choice(("accept", "reject", "drop")),
    "candidates_repeated": Choice(("ignore", "append", "reject")),
    # Not documented: whether the service checks the count in a body of v2.
    "candidates_body_count": Choice(("ignore", "check")),
    # The most devices in one create request; 0 is no limit. No limit is documented.
    "candidates_limit": Number(0, 0, 10_000_000),
    # Not documented: whether a device that loses its license, by a remove call or by eviction, leaves the list.
    "candidates_unassigned": Choice(("keep", "drop")),
    "evicted_candidates": Choice(("drop", "keep")),
    # The subscription page says that a license cannot be removed after an upgrade, the cancel page excepts no device.
    "eviction_upgraded": Choice(("evict", "keep")),
    # Not documented: the order of unlisted devices that were assigned at the same time.
    "eviction_ties": Choice(("imei", "reverse", "shuffled")),
    # SIM-Secure: seconds until the result. The documents only say that it comes later.
    "simsec_delay": Number(1.0, 0, 86_400, whole=False),
    # Not documented: when licenseAssigned changes, and whether a refusal comes at once or by callback.
    "simsec_counts": Choice(("completion", "acceptance")),
    "simsec_exhausted": Choice(("callback", "reject")),
    "simsec_checks": Choice(("callback", "sync")),
    "simsec_reassign": Choice(("success", "failed")),
    # The unassign page requires a body, the SDKs send none. "accept": such a request is accepted and does nothing.
    "simsec_bodyless": Choice(("reject", "accept")),
    # The form of security errors: that of connectivity management, or the SDK's SecurityResult.
    "security_errors": Choice(("m2m", "security")),
    # Only in the SDK. "check": a malformed one is refused. "require": unassign must also have one.
    "x_request_id": Choice(("ignore", "check", "require")),
    # Marked as required, but the text requires it only from users with several accounts.
    "account_name": Choice(("required", "optional")),
    # Seconds between the four attempts to deliver a callback.
    "callback_interval": Number(300, 0, 86_400, whole=False),
    "callback_copies": Number(1, 1, 10),
    # Every n-th message is lost; 0 is none.
    "callback_loss": Number(0, 0, 1_000_000),
    "callback_kinds": Choice(("mixed", "lower", "upper")),
    "callback_status": Choice(("Failed", "Failure")),
    # Not documented: what deviceResponse contains after a SIM-Secure success.
    "callback_response": Choice(("empty", "keyed")),
    # "first": later attempts keep the URL and password of the first, as observed after a new registration.
    "callback_listener": Choice(("current", "first")),
    # "odd": one license less than purchased minus assigned, as in the documented example.
    "available": Choice(("computed", "odd")),
    "device_page": Number(2000, 1, 1_000_000),
    # The SDK says that only a query for one device has extendedAttributes. Users see them in lists.
    "device_attributes": Choice(("list", "single")),
    # Documented only for requests of another kind with one device.
    "request_status": Choice(("never", "single", "any")),
    "status_words": Choice(("Failed", "Failure")),
    # expiresIn in the login answer: two third parties report it, with different values.
    "login_expires_in": Choice(("absent", "3600", "1800")),
    "new_login_ends_old_session": Flag(False),
    # Requests in a sliding second; more get a 429. No limit is published.
    "rate_limit": Number(0, 0, 1_000_000),
    "retry_after": Choice(("seconds", "date", "none", "nonsense", "huge")),
    # Seconds added to each API request.
    "latency": Number(0, 0, 3600, whole=False),
}


class Quirks:
    """The switches as they stand now."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {name: kind.default for name, kind in KNOWN.items()}

    def word(self, name: str) -> str:
        """Return a word."""
        return str(self._values[name])

    def flag(self, name: str) -> bool:
        """Return a truth value."""
        return bool(self._values[name])

    def number(self, name: str) -> float:
        """Return a number."""
        return float(self._values[name])

    def count(self, name: str) -> int:
        """Return a whole number."""
        return int(self._values[name])

    def dump(self) -> dict[str, Any]:
        """Return all switches."""
        return dict(self._values)

    def merge(self, checked: dict[str, Any]) -> None:
        """Set some switches to values that are known to be valid."""
        self._values = {**self._values, **checked}


KINDS: dict[str, Kind] = {name: kind.from_text for name, kind in KNOWN.items()}
"""The kind of each switch. The value may be written as text."""
