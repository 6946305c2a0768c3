# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What a row about a device says of its license, whatever the call and the version. Pure.

Sources: the pages that list devices, the models of the public SDK ("If a device has never been upgraded, the
upgradeTime will be 01/01/1900 0:0:0"), and the page about subscriptions: after an upgrade, a license cannot be removed.
"""

from __future__ import annotations

import re
import typing as t

from .._client.answers import text, truth
from .._client.fault import Mask, one_line
from .._plan.answer import Action

_NEVER = re.compile(r"\s*|0?1/0?1/1900(?!\d).*|(?:1900|0001)-01-01(?!\d).*")
"""The documented form, and the same moment in the form of other times."""

_TIME = re.compile(r"\d{4}-\d\d-\d\d(?!\d).*|\d{1,2}/\d{1,2}/\d{4}(?!\d).*")

INELIGIBLE = "FOTA does not serve this device (fotaEligible is false)"
LOCKED = "its firmware was upgraded ({}), so that its license can never be removed"


class Facts(t.NamedTuple):
    """A device. Anything that is None was not said, or not in a usable form.

    :param upgraded_at: when its firmware was last upgraded, in ThingSpace's form; empty if it never was.
    :param protocol: empty if it was not said.
    """

    licensed: bool | None
    eligible: bool | None
    upgraded_at: str | None
    protocol: str = ""

    def refusal(self, action: Action) -> str | None:
        """Why ThingSpace would refuse an action for the device; empty if it would not, None if that is not known."""
        if action == "assign":
            return None if self.eligible is None else "" if self.eligible else INELIGIBLE
        return self.upgraded_at and LOCKED.format(self.upgraded_at)


def facts_of(row: t.Mapping[str, t.Any], mask: Mask) -> Facts:
    """Read a row."""
    said = row.get("upgradeTime")
    upgraded = said if isinstance(said, str) and (_NEVER.fullmatch(said) or _TIME.fullmatch(said)) else None
    return Facts(
        truth(row.get("licenseAssigned")),
        truth(row.get("fotaEligible")),
        "" if upgraded is not None and _NEVER.fullmatch(upgraded) else upgraded and one_line(upgraded, mask),
        one_line(text(row, ("protocol", "distributionType")), mask),
    )
