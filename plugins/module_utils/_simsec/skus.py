# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The meaning of SIM-Secure SKUs, in particular which licenses can never be removed.

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

    :param lifetime: whether it stays with the SIM forever.
    :param doubt: why it counts as lifetime in an assignment although nothing says that it is; or empty.
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
"""Words of a license type that mean that the license can be removed. They come from documented types and SKUs."""

_LOOK_ALIKE = str.maketrans(
    "\u0430\u0435\u0456\u04cf\u043e\u0440\u0441\u0442\u0131\u03b1\u03b5\u03b9\u03bf\u03c1\u03c4", "aeilopctiaeiopt"
)
"""Cyrillic, Turkish, and Greek letters that look like letters of the lifetime words."""

_ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def sku_of(number: str, license_types: t.Iterable[str] = ()) -> Sku:
    """The meaning of a SKU. Only this decides what a lifetime license is.

    It is lifetime if its name or any of its license types in the account says so, even if the SKU is known as flexible.

    :param license_types: of all rows of the SKU in the account.
    """
    known = KNOWN.get(number) or Sku(number, "unknown", False)
    return known._replace(lifetime=known.lifetime or any(says_lifetime(text) for text in (number, *license_types)))


def as_assigned(sku: Sku, license_types: t.Sequence[str]) -> Sku:
    """The meaning of a SKU for assignments: a license that is not certainly flexible counts as lifetime.

    A documented SKU is flexible unless a license type says otherwise. Any other SKU needs a type that says so.

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
"""Parts of names that may mean lifetime. A few flexible SKUs match as well, and then count as in doubt."""


def says_flexible(text: str) -> bool:
    """Whether a license type clearly says that the license can be removed."""
    words = frozenset(re.findall("[a-z]+", text.lower())) if text.isascii() else frozenset[str]()
    return bool(words & _FLEXIBLE) and not _HINT.search(text) and not says_lifetime(text)


@functools.lru_cache(maxsize=1000)
def says_lifetime(text: str) -> bool:
    """Whether a SKU's name or license type says lifetime, even in letters that only look like it."""
    plain = unicodedata.normalize("NFKD", text).casefold().translate(_LOOK_ALIKE)
    plain = "".join(char for char in plain if not unicodedata.combining(char) and unicodedata.category(char) != "Cf")
    words = re.split(r"[^a-z]+", plain)
    # Single letters may be a word that is written with spaces.
    spaced = "".join(word if len(word) == 1 else f" {word} " for word in words).split()
    return "lt" in words or any(part in word for word in (*words, *spaced) for part in _FOR_LIFE)


def sku_problems(number: str, option: str = "sku") -> list[Problem]:
    """Refuse an invalid SKU, and a known one in a spelling that ThingSpace does not know.

    :param option: what it was given as.
    """
    if number in KNOWN:
        return []
    for known in KNOWN:
        if number.strip().lower() == known.lower():
            return [Problem(f"'{option}' is '{number}'; ThingSpace spells it '{known}'.", "invalid_sku")]
    if _ALLOWED.fullmatch(number):
        return []
    shown = "".join(char if char.isprintable() else "?" for char in number)[:60]
    return [Problem(f"'{option}' is '{shown}', which is invalid. Known SKUs: {', '.join(KNOWN)}.", "invalid_sku")]


def sku_warnings(sku: Sku) -> list[str]:
    """Say that a SKU is undocumented, and what it counts as."""
    if sku.number in KNOWN:
        return [f"{sku.number} is taken for a lifetime license: {sku.doubt}."] if sku.doubt else []
    taken = "a lifetime license" if sku.lifetime else "a license that can be removed"
    taken += f": {sku.doubt}" if sku.doubt else ""
    return [
        f"The SKU '{sku.number}' is not one of the documented ones ({', '.join(KNOWN)}); it is sent as it is and taken "
        f"for {taken}."
    ]
