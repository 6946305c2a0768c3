# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Switches for everything the public documents contradict each other about.

The first choice of each is the default. A number or a truth value takes no list of choices.
"""

from __future__ import annotations

from typing import Any

from .fields import Choice, Flag, Kind, Number

KNOWN: dict[str, Choice | Flag | Number] = {
    # How the FOTA host reports a session that is gone: not documented; five siblings do it differently.
    "session_error": Choice(("uws_400", "m2m_400", "m2m_403", "diagnostics_401", "cloud_connector_401")),
    # The reference pages say /index/{id}, the SDKs say ?lastSeenDeviceId=.
    "v2_list": Choice(("both", "index", "query")),
    "v3_list": Choice(("both", "index", "query")),
    # The v2 and v3 pages call lastSeenDeviceId a required query, the SDKs an optional one.
    "list_cursor": Choice(("optional", "required")),
    "v3_total": Choice(("totalLicenses", "totalLicense", "absent")),
    # "mixed": Reason on assign, resultReason on remove, as one published set of examples has it.
    "v3_reason": Choice(("Reason", "resultReason", "mixed")),
    # "both": licCount counts the devices of the request, licTotalCount the pool.
    "v3_count": Choice(("both", "licCount", "licTotalCount")),
    # updatedTime, recentAttemptTime, nextAttemptTime of each device: in the SDK's model only.
    "v3_device_times": Flag(False),
    # The request line of v3 assign says /firmware/licenses/, its curl /licenses/.
    "firmware_path": Flag(False),
    "v1_cursor": Choice(("integer", "string")),
    "time_format": Choice(("iso", "go")),
    # "documented": v1 and v3 LicenseAssignSuccess, v2 Success.
    "success_status": Choice(("documented", "long", "short")),
    # "Device does not exist." is in the v2 example, "Device Not Found." in the v2 table.
    "unknown_device_reason": Choice(("does_not_exist", "not_found")),
    # Not documented: the answer when the pool is empty, for a malformed and for a foreign device id.
    "exhausted": Choice(("per_device", "reject")),
    "bad_device": Choice(("per_device", "reject")),
    "unknown_device": Choice(("per_device", "reject", "accept")),
    # License calls are "for MRC accounts only"; what an event-only account gets is not documented.
    "event_only": Choice(("reject", "empty")),
    "max_devices_per_request": Number(0, 0, 10_000_000),
    "page_size": Number(1000, 1, 1_000_000),
    # Removal candidates. The read page of v2 has a query, its curl /cancel/index/{startIndex}.
    "v2_candidates": Choice(("both", "query", "index")),
    "candidates_page": Number(1000, 1, 1_000_000),
    # Not documented: reading an empty list from its beginning, which is past its end as well.
    "candidates_empty": Choice(("empty", "error")),
    # "The total number of devices on the list", says the SDK of v1; the example has one page.
    "candidates_count": Choice(("total", "page")),
    # The example creates a list, so its answer may name the devices of the request or of the list.
    "candidates_answer": Choice(("request", "list")),
    # Not documented: devices without a license, those that are listed already or named twice.
    "candidates_unlicensed": Choice(("accept", "reject", "drop")),
    "candidates_repeated": Choice(("ignore", "append", "reject")),
    # Whether the service looks at the count in the body, which v2 has, is not documented.
    "candidates_body_count": Choice(("ignore", "check")),
    # Most devices in one create request; 0 is none. No limit is documented.
    "candidates_limit": Number(0, 0, 10_000_000),
    # Not documented: whether a device leaves the list with its license, by a remove call or by eviction.
    "candidates_unassigned": Choice(("keep", "drop")),
    "evicted_candidates": Choice(("drop", "keep")),
    # The order among devices that are not listed and were assigned in the same moment is not documented.
    "eviction_ties": Choice(("imei", "reverse", "shuffled")),
    # SIM-Secure: seconds until the result; documented is only that it comes later.
    "simsec_delay": Number(1.0, 0, 86_400, whole=False),
    # Not documented: when licenseAssigned moves, and whether the reasons to say no come at once or by callback.
    "simsec_counts": Choice(("completion", "acceptance")),
    "simsec_exhausted": Choice(("callback", "reject")),
    "simsec_checks": Choice(("callback", "sync")),
    "simsec_reassign": Choice(("success", "failed")),
    # The unassign page wants a body, the SDKs send none. "accept": takes it, and nothing happens.
    "simsec_bodyless": Choice(("reject", "accept")),
    # Errors of security calls: as all connectivity management has them, or the SDK's SecurityResult.
    "security_errors": Choice(("m2m", "security")),
    # In the SDK only. "check": refuses one that breaks its pattern; "require": unassign must have one, too.
    "x_request_id": Choice(("ignore", "check", "require")),
    # Marked required, but the text wants it only from a user of several accounts.
    "account_name": Choice(("required", "optional")),
    # Seconds between the four attempts to deliver a callback.
    "callback_interval": Number(300, 0, 86_400, whole=False),
    "callback_copies": Number(1, 1, 10),
    # Every n-th message is lost on its way; 0 is none.
    "callback_loss": Number(0, 0, 1_000_000),
    "callback_kinds": Choice(("mixed", "lower", "upper")),
    "callback_status": Choice(("Failed", "Failure")),
    # What deviceResponse holds after a SIM-Secure success is not documented.
    "callback_response": Choice(("empty", "keyed")),
    # "first": goes on with the URL and password of the first attempt, as was seen after registering anew.
    "callback_listener": Choice(("current", "first")),
    # "odd": one license less than purchased minus assigned, as in the documented example.
    "available": Choice(("computed", "odd")),
    "device_page": Number(2000, 1, 1_000_000),
    # The SDK says that only a query for one device has extendedAttributes; users read them in lists.
    "device_attributes": Choice(("list", "single")),
    # Documented for requests of another kind with one device only.
    "request_status": Choice(("never", "single", "any")),
    "status_words": Choice(("Failed", "Failure")),
    # expiresIn in the login answer: claimed by two third parties with different values.
    "login_expires_in": Choice(("absent", "3600", "1800")),
    "new_login_ends_old_session": Flag(False),
    # Requests in a sliding second; beyond that 429. Published limits do not exist.
    "rate_limit": Number(0, 0, 1_000_000),
    "retry_after": Choice(("seconds", "date", "none", "nonsense", "huge")),
    # Seconds added to every API request.
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
