# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What the SKUs of SIM-Secure mean, above all which of them can never be taken back.

Source: "Assign SIM-Secure licenses" and "Unassign flex licenses" of the security API reference.
"""

from __future__ import annotations

import functools
import re
import typing as t
import unicodedata

from ._errors import Problem


class Sku(t.NamedTuple):
    """A kind of licence.

    :param lifetime: stays with the SIM for good.
    """

    number: str
    name: str
    lifetime: bool


KNOWN: dict[str, Sku] = {
    sku.number: sku
    for sku in (
        Sku("SIMSec-IoT-Lt", "lifetime", True),
        Sku("SIMSec-IoT", "flex", False),
        Sku("TS-BUNDLE-KTO-SIMSEC-MRC", "flex bundle", False),
        Sku("TSS-IOT-INTLG-TIERED-SIMSEC", "tiered (Intelligence bundle)", False),
    )
}

_FOR_LIFE = ("life", "permanent", "perpetual")

_ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def sku_of(number: str, license_types: t.Iterable[str] = ()) -> Sku:
    """The meaning of a SKU. This alone decides what is a license for life.

    It is one if its name says so or any of the types that the account gives it, whatever else is known of the SKU.

    :param license_types: of every row that the account has of the SKU.
    """
    known = KNOWN.get(number) or Sku(number, "unknown", False)
    return known._replace(lifetime=known.lifetime or any(says_lifetime(text) for text in (number, *license_types)))


@functools.lru_cache(maxsize=1000)
def says_lifetime(text: str) -> bool:
    """Whether a SKU's name or license type speaks of a license for life."""
    words = re.split(r"[^a-z]+", unicodedata.normalize("NFKC", text).casefold())
    return "lt" in words or any(part in word for word in words for part in _FOR_LIFE)


def sku_problems(number: str) -> list[Problem]:
    """Refuse what can be no SKU, and a known one in a spelling that ThingSpace would not know."""
    if number in KNOWN:
        return []
    for known in KNOWN:
        if number.strip().lower() == known.lower():
            return [Problem(f"'sku' is '{number}'; ThingSpace spells it '{known}'.", "invalid_sku")]
    if _ALLOWED.fullmatch(number):
        return []
    shown = "".join(char if char.isprintable() else "?" for char in number)[:60]
    return [Problem(f"'sku' is '{shown}', which can be none. Known are {', '.join(KNOWN)}.", "invalid_sku")]


def sku_warnings(sku: Sku) -> list[str]:
    """Say that a SKU is not a documented one, and what it is taken for."""
    if sku.number in KNOWN:
        return []
    taken = "a lifetime licence" if sku.lifetime else "a licence that can be taken back"
    return [
        f"The SKU '{sku.number}' is not one of the documented ones ({', '.join(KNOWN)}); it is sent as it is and taken "
        f"for {taken}."
    ]
