# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What differs between the versions of the Software Management API: paths and field names, nothing else.

Sources: the reference pages of v1, v2 and v3, which contradict the SDK in places. Every spelling seen anywhere is
understood, in the order given here; where two paths are documented, the second is tried when the first is unknown.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._client.client import segments
from .._thingspace.api_versions import LIST_FORMS, ApiVersion


@dataclasses.dataclass(frozen=True)
class Dialect:
    """One API version.

    :param list_paths: makers of the path of a list page, from account and cursor; the first is tried first.
    """

    version: ApiVersion
    list_paths: tuple[t.Callable[[str, str], str], ...]

    def path(self, *parts: str) -> str:
        """A path of this version."""
        return "/fota/" + self.version + segments(*parts)


def _dialect(version: ApiVersion, *forms: str) -> Dialect:
    def by_index(account: str, cursor: str) -> str:
        return f"/fota/{version}" + segments("licenses", account, "index", cursor)

    def by_query(account: str, cursor: str) -> str:
        return f"/fota/{version}" + segments("licenses", account) + "?lastSeenDeviceId=" + segments(cursor)[1:]

    known = {"index": by_index, "query": by_query}
    return Dialect(version, tuple(known[form] for form in forms))


DIALECTS: dict[ApiVersion, Dialect] = {version: _dialect(version, *forms) for version, forms in LIST_FORMS.items()}

TOTAL = ("totalLicenses", "totalLicense")
ASSIGNED = ("assignedLicenses",)
USED = ("licUsedCount",)
PAGE_SIZE = ("maxPageSize",)
REASON = ("Reason", "resultReason", "reason")
SUBSCRIBED = ("licenseCount",)
SUBSCRIBED_USED = ("licenseUsedCount",)
