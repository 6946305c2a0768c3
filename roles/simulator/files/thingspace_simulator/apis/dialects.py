# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the versions of the software-management API differ.

Sources: license status, assign and remove pages of v1, v2 and v3. A quirk decides where those and the SDKs
disagree about v3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..quirks import Quirks
from ..world.clock import go_style, iso


@dataclass(frozen=True)
class Dialect:
    """The words of one version."""

    total: str  # of a license list
    pool: str  # total of an assign or remove answer
    reason: str
    long_status: bool  # LicenseAssignSuccess rather than Success
    cursor_is_number: bool
    page_size: bool  # maxPageSize is part of a license list


_TABLE = {
    "v1": Dialect("totalLicenses", "licCount", "Reason", True, True, False),
    "v2": Dialect("totalLicense", "licTotalCount", "resultReason", False, False, True),
    "v3": Dialect("v3_total", "v3_count", "v3_reason", True, False, True),
}
VERSIONS = tuple(_TABLE)


def written(moment_ms: int, quirks: Quirks) -> str:
    """Return a time in the form that the quirk chooses. The pages show both."""
    return go_style(moment_ms) if quirks.word("time_format") == "go" else iso(moment_ms)


class Words:
    """A dialect with the quirks of this moment applied."""

    def __init__(self, version: str, quirks: Quirks) -> None:
        self._version = version
        self._dialect = _TABLE[version]
        self._quirks = quirks

    def totals(self, total: int, used: int) -> dict[str, Any]:
        """Return the counts of a license list."""
        name = self._dialect.total
        if self._version == "v3":
            name = self._quirks.word("v3_total")
        return {**({} if name == "absent" else {name: total}), "assignedLicenses": used}

    def paging(self, more: bool, last: str) -> dict[str, Any]:
        """Return cursor and page size of a license list. The v1 page calls the cursor an integer."""
        number = self._dialect.cursor_is_number and self._quirks.word("v1_cursor") == "integer"
        paging: dict[str, Any] = {"hasMoreData": more, "lastSeenDeviceId": int(last) if number else last}
        if self._dialect.page_size:
            paging["maxPageSize"] = self._quirks.count("page_size")
        return paging

    def counts(self, touched: int, used: int, total: int) -> dict[str, int]:
        """Return the counts of an assign or remove answer."""
        name = self._dialect.pool
        if self._version == "v3":
            name = self._quirks.word("v3_count")
        if name == "both":
            return {"licCount": touched, "licUsedCount": used, "licTotalCount": total}
        return {name: total, "licUsedCount": used}

    def row(self, imei: str, action: str, good: bool, reason: str, moment: str) -> dict[str, str]:
        """Return the result of one device. ``action`` is Assign or Remove."""
        row = {"deviceId": imei, "status": self._status(action, good), self._reason(action): reason}
        if self._version == "v3" and self._quirks.flag("v3_device_times"):
            row.update(dict.fromkeys(("updatedTime", "recentAttemptTime", "nextAttemptTime"), moment))
        return row

    def _status(self, action: str, good: bool) -> str:
        """Return the status word. LicenseAssignFailed is a guess, by analogy with LicenseRemoveFailed."""
        style = self._quirks.word("success_status")
        if style == "long" or (style == "documented" and self._dialect.long_status):
            return f"License{action}{'Success' if good else 'Failed'}"
        return "Success" if good else "Failure"

    def _reason(self, action: str) -> str:
        """Return the name of the reason field."""
        if self._version != "v3":
            return self._dialect.reason
        word = self._quirks.word("v3_reason")
        if word == "mixed":
            return "Reason" if action == "Assign" else "resultReason"
        return word
