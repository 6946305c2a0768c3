# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""For how many of an account's licenses the list of a version speaks. Pure.

Sources: licenses are bought for an account and work with any protocol (subscription page), but the pages of v2 count
them "for HTTP devices", and v1 filters its devices by the other protocols. So the list of a version, and the count on
it, may be those of a part of the account. The subscription has the account's number of licenses in use.
"""

from __future__ import annotations

import typing as t

from .._thingspace.api_versions import API_VERSIONS, ApiVersion


class Reach(t.NamedTuple):
    """What the list of licensed devices has of the account.

    :param listed: licenses that it counts or has.
    :param in_use: licenses that the account has in use.
    :param unread: why that could not be read, so that the list counts as whole; empty if it could.
    """

    version: ApiVersion
    listed: int
    in_use: int
    unread: str = ""

    @property
    def elsewhere(self) -> int:
        """How many licenses are in use that the list does not have."""
        return max(0, self.in_use - self.listed)

    @property
    def partial(self) -> bool:
        """Whether a device that the list does not have may hold a license all the same."""
        return self.elsewhere > 0

    @property
    def told(self) -> str:
        """Say it, as the beginning of a sentence."""
        return f"{self.version} lists only {self.listed:,} of the {self.in_use:,} licenses that this account has in use"

    @property
    def doubt(self) -> str:
        """What to tell if it is not known whether the list has all; empty if it is."""
        what = f"Whether {self.version} lists all licenses that this account has in use could not be found out"
        return f"{what}: {self.unread}" if self.unread else ""

    def elsewhere_among(self, versions: t.Iterable[ApiVersion] = API_VERSIONS) -> str:
        """Where the others may be listed: advice at the end of a sentence."""
        others = [f"'api_version: {one}'" for one in reversed([*versions]) if one != self.version]
        return f"try {' or '.join(others)}"
