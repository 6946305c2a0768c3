# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The differences between the versions of the Software Management API: paths and field names.

Sources: the reference pages of v1, v2, and v3, which contradict the SDK in places. Every spelling from there works, in
the order given here. If two paths are documented, the second is tried if the first is unknown.
"""

from __future__ import annotations

from .._client.client import segments
from .._thingspace.api_versions import ApiVersion, ListForm


def path(version: ApiVersion, *parts: str) -> str:
    """Return a path of this version."""
    return "/fota/" + version + segments(*parts)


def list_path(version: ApiVersion, form: ListForm, account: str, cursor: str) -> str:
    """The path of the page of licensed devices that begins at a cursor."""
    start = path(version, "licenses", account)
    return start + (segments("index", cursor) if form == "index" else "?lastSeenDeviceId=" + segments(cursor)[1:])


TOTAL = ("totalLicenses", "totalLicense")
ASSIGNED = ("assignedLicenses",)
USED = ("licUsedCount",)
PAGE_SIZE = ("maxPageSize",)
REASON = ("Reason", "resultReason", "reason")
SUBSCRIBED = ("licenseCount",)
SUBSCRIBED_USED = ("licenseUsedCount",)
