# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What the SKUs of SIM-Secure mean, above all which of them can never be removed.

Source: "Assign SIM-Secure licenses" and "Unassign flex licenses" of the security API reference.
"""

from __future__ import annotations

import functools
import re
import typing as t
import unicodedata

from .._errors import Problem


class Sku(t.NamedTuple):
    """A kind of license.

    :param lifetime: stays with the SIM for good.
    :param doubt: why it is taken for one that does where it is to be assigned, though nothing says so; or empty.
    """

    number: str
    name: str
    lifetime: bool
    doubt: str = ""


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
_FLEXIBLE = frozenset({"flex", "flexible", "bundle", "monthly", "mrc", "recurring", "subscription", "tiered"})
"""Words of a license type by which a license can be removed; all of them come from documented types and SKUs."""

_LOOK_ALIKE = str.maketrans(
    "\u0430\u0435\u0456\u04cf\u043e\u0440\u0441\u0442\u0131\u03b1\u03b5\u03b9\u03bf\u03c1\u03c4", "aeilopctiaeiopt"
)
"""Cyrillic, Turkish and Greek letters that look like those of the words for life."""

_ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def sku_of(number: str, license_types: t.Iterable[str] = ()) -> Sku:
    """The meaning of a SKU. This alone decides what is a license for life.

    It is one if its name says so or any of the types that the account gives it, whatever else is known of the SKU.

    :param license_types: of every row that the account has of the SKU.
    """
    known = KNOWN.get(number) or Sku(number, "unknown", False)
    return known._replace(lifetime=known.lifetime or any(says_lifetime(text) for text in (number, *license_types)))


def as_assigned(sku: Sku, license_types: t.Sequence[str]) -> Sku:
    """The SKU as it is taken for where devices get it: what is not certainly flexible binds them for life.

    A documented SKU is flexible unless a license type says something else; of any other, a type has to say that it is.

    :param sku: from C(sku_of), with the same license types.
    """
    if sku.lifetime:
        return sku
    named = [text for text in license_types if text.strip()]
    strange = [text for text in named if not says_flexible(text)]
    if strange:
        doubt = f"its license type in the account is '{strange[0]}', which does not say that it is flexible"
    elif sku.number not in KNOWN and not named:
        doubt = "it is not a documented SKU, and the account has no license type that says that it is flexible"
    elif sku.number not in KNOWN and _HINT.search(sku.number):
        doubt = "it is not a documented SKU, and its name may speak of a license for life"
    else:
        return sku
    return sku._replace(lifetime=True, doubt=doubt)


_HINT = re.compile(r"(?:[a-z]Lt|LT)(?![A-Za-z])|one.?time|perm(?![a-z])", re.IGNORECASE)
"""What a name may end a word with that is for life; C(in doubt) is said of a few that are not."""


def says_flexible(text: str) -> bool:
    """Whether a license type says that the license can be removed, and nothing else."""
    words = frozenset(re.findall("[a-z]+", text.lower())) if text.isascii() else frozenset[str]()
    return bool(words & _FLEXIBLE) and not _HINT.search(text) and not says_lifetime(text)


@functools.lru_cache(maxsize=1000)
def says_lifetime(text: str) -> bool:
    """Whether a SKU's name or license type speaks of a license for life, also in letters that only look like it."""
    plain = unicodedata.normalize("NFKD", text).casefold().translate(_LOOK_ALIKE)
    plain = "".join(char for char in plain if not unicodedata.combining(char) and unicodedata.category(char) != "Cf")
    words = re.split(r"[^a-z]+", plain)
    # Letters that stand alone may be a word that was spaced out.
    spaced = "".join(word if len(word) == 1 else f" {word} " for word in words).split()
    return "lt" in words or any(part in word for word in (*words, *spaced) for part in _FOR_LIFE)


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
    return [Problem(f"'sku' is '{shown}', which is invalid. Known SKUs: {', '.join(KNOWN)}.", "invalid_sku")]


def sku_warnings(sku: Sku) -> list[str]:
    """Say that a SKU is not a documented one, and what it is taken for."""
    if sku.number in KNOWN:
        return [f"{sku.number} is taken for a lifetime license: {sku.doubt}."] if sku.doubt else []
    taken = "a lifetime license" if sku.lifetime else "a license that can be removed"
    taken += f": {sku.doubt}" if sku.doubt else ""
    return [
        f"The SKU '{sku.number}' is not one of the documented ones ({', '.join(KNOWN)}); it is sent as it is and taken "
        f"for {taken}."
    ]
