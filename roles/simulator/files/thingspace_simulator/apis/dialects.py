# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the versions of the software-management API differ.

Sources: license status, assign and remove pages of v1, v2 and v3. A quirk decides where those and the SDKs
disagree about v3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..quirks import Quirks
from ..world.clock import go_style, iso

VERSIONS = ("v1", "v2", "v3")


def written(moment_ms: int, quirks: Quirks) -> str:
    """Return a time in the form that the quirk chooses. The pages show both."""
    return go_style(moment_ms) if quirks.word("time_format") == "go" else iso(moment_ms)


@dataclass(frozen=True)
class Dialect:
    """The words of one version."""

    total: str  # of a license list, or absent
    pool: str  # total of an assign or remove answer, or both
    reasons: Mapping[str, tuple[str, ...]]  # by action: Assign or Remove
    long_status: bool  # LicenseAssignSuccess rather than Success
    number_cursor: bool = False
    page_size: int | None = None  # maxPageSize of a license list
    device_times: bool = False

    def totals(self, total: int, used: int) -> dict[str, Any]:
        """Return the counts of a license list."""
        return {**({} if self.total == "absent" else {self.total: total}), "assignedLicenses": used}

    def paging(self, more: bool, last: str) -> dict[str, Any]:
        """Return cursor and page size of a license list."""
        size = {} if self.page_size is None else {"maxPageSize": self.page_size}
        return {"hasMoreData": more, "lastSeenDeviceId": int(last) if self.number_cursor else last, **size}

    def counts(self, touched: int, used: int, total: int) -> dict[str, int]:
        """Return the counts of an assign or remove answer."""
        if self.pool == "both":
            return {"licCount": touched, "licUsedCount": used, "licTotalCount": total}
        return {self.pool: total, "licUsedCount": used}

    def row(self, imei: str, action: str, good: bool, reason: str, moment: str) -> dict[str, str]:
        """Return the result of one device. LicenseAssignFailed is a guess, by analogy with LicenseRemoveFailed."""
        if self.long_status:
            status = f"License{action}{'Success' if good else 'Failed'}"
        else:
            status = "Success" if good else "Failure"
        row = {"deviceId": imei, "status": status, **dict.fromkeys(self.reasons[action], reason)}
        if self.device_times:
            row.update(dict.fromkeys(("updatedTime", "recentAttemptTime", "nextAttemptTime"), moment))
        return row


def dialect(version: str, quirks: Quirks) -> Dialect:
    """Return the words of a version, with the quirks as they are now."""
    style, size = quirks.word("success_status"), quirks.count("page_size")
    long_status = style == "long" or (style == "documented" and version != "v2")
    if version == "v1":  # its page calls the cursor an integer
        reasons = {"Assign": ("Reason",), "Remove": ("Reason",)}
        return Dialect("totalLicenses", "licCount", reasons, long_status, quirks.word("v1_cursor") == "integer")
    if version == "v2":
        reasons = {"Assign": ("resultReason",), "Remove": ("resultReason",)}
        return Dialect("totalLicense", "licTotalCount", reasons, long_status, page_size=size)
    word = quirks.word("v3_reason")
    mixed = {"Assign": ("Reason",), "Remove": ("resultReason",)}
    names = ("Reason", "resultReason") if word == "both" else (word,)
    return Dialect(
        quirks.word("v3_total"),
        quirks.word("v3_count"),
        mixed if word == "mixed" else dict.fromkeys(mixed, names),
        long_status,
        page_size=size,
        device_times=quirks.flag("v3_device_times"),
    )
