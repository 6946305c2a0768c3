# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What a row about a device says of its license, whatever the call and the version. Pure.

Sources: the pages that list devices, the models of the public SDK ("If a device has never been upgraded, the
upgradeTime will be 01/01/1900 0:0:0"), and the page about subscriptions: after an upgrade, a license cannot be removed.
"""

from __future__ import annotations

import datetime
import re
import typing as t

from .._client.answers import text, truth
from .._client.fault import Mask, one_line
from .._plan.answer import Action

_NO_DATES = (
    datetime.date(1900, 1, 1),  # documented, as 01/01/1900 0:0:0
    datetime.date(1970, 1, 1),  # a guess: zero seconds of Unix time
    datetime.date(1, 1, 1),  # a guess: the first moment of .NET and Go
)
"""What stands for no date. Another time zone may move it by a day. Year 0, as in 0000-00-00, is a guess, too."""

_DAY = datetime.timedelta(days=1)
_DATE = re.compile(
    r"(?:(\d{4})[-/](\d\d?)[-/](\d\d?)|(\d\d?)[-/](\d\d?)[-/](\d{4}))"
    r"(?:(?:T|\s+)\d\d?:\d\d?(?::\d\d?(?:[.,]\d+)?)?(?:\s*[AP]M)?)?"
    r"(?:\s*(?:Z|UTC|GMT|(?:AK|[ECHMP])[DS]T|[+-]\d\d(?::?\d\d)?))*",
    re.IGNORECASE,
)
"""A date, alone or with a time of day and a zone. With other words, it may be the date of anything, such as of a failed
upgrade."""

INELIGIBLE = "FOTA does not serve this device (fotaEligible is false)"
UNKNOWN = "ThingSpace does not know this device ({})"
UNPROVEN = UNKNOWN + ", and a few requests did not show that it holds no license; 'lookup: list' shows it"
_NEVER_REMOVED = re.compile(r"\bremoval not allowed for devices that have ever upgraded", re.IGNORECASE)
_NO_DEVICE = re.compile(r"\bdevice (?:does not exist|not found)|\binvalid device imei", re.IGNORECASE)
_NEVER_ASSIGNED = re.compile(r"\bdevice not eligible for service", re.IGNORECASE)
LOCKED = "its firmware was upgraded ({}), so that its license can never be removed"


def says_locked(refusal: str) -> bool:
    """Whether ThingSpace's refusal of a removal is the one of the campaign flow of v1: the license stays for ever."""
    return bool(_NEVER_REMOVED.search(refusal))


def says_unknown(refusal: str) -> bool:
    """Whether a documented reason says that FOTA does not know a device. This proves nothing about its license."""
    return bool(_NO_DEVICE.search(refusal))


def says_of_a_device(refusal: str) -> bool:
    """Whether a refusal has a documented reason that lies in a device, even if it is the refusal of a whole request."""
    return bool(_NEVER_REMOVED.search(refusal) or _NEVER_ASSIGNED.search(refusal))


class Facts(t.NamedTuple):
    """A device. Anything that is None was not said, or not in a usable form.

    :param upgraded_at: when its firmware was last upgraded, in ThingSpace's form; empty if it never was.
    :param protocol: empty if it was not said.
    :param unknown: why ThingSpace calls it unknown; empty if it does not.
    """

    licensed: bool | None
    eligible: bool | None
    upgraded_at: str | None
    protocol: str = ""
    unknown: str = ""

    def refusal(self, action: Action) -> str | None:
        """Why ThingSpace would refuse an action for the device; empty if it would not, None if that is not known."""
        if self.unknown:
            return (UNKNOWN if action == "assign" else UNPROVEN).format(self.unknown)
        if action == "assign":
            return None if self.eligible is None else "" if self.eligible else INELIGIBLE
        return self.upgraded_at and LOCKED.format(self.upgraded_at)


def facts_of(row: t.Mapping[str, t.Any], mask: Mask) -> Facts:
    """Read a row."""
    return Facts(
        truth(row.get("licenseAssigned")),
        truth(row.get("fotaEligible")),
        _upgraded_at(row.get("upgradeTime"), mask),
        one_line(text(row, ("protocol", "distributionType")), mask),
    )


def _upgraded_at(said: t.Any, mask: Mask) -> str | None:
    """As C(Facts.upgraded_at). An upgrade that is older than Unix time or in the future is not a usable one."""
    if not isinstance(said, str):
        return None
    found = _DATE.fullmatch(said.strip())
    if found is None:
        return None if said.strip() else ""
    year, one, other = (int(part) for part in (found.group(1, 2, 3) if found[1] else found.group(6, 4, 5)))
    if year == 0:
        return ""
    date = _date(year, one, other) or _date(year, other, one)
    if date is None:
        return None
    if any(abs(date - none) <= _DAY for none in _NO_DATES):
        return ""
    tomorrow = datetime.datetime.now(datetime.timezone.utc).date() + _DAY
    return one_line(said, mask) if max(_NO_DATES) < date <= tomorrow else None


def _date(year: int, month: int, day: int) -> datetime.date | None:
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None
