# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""JSON objects that have each name once. Of two values, other programs may show another one than we read."""

from __future__ import annotations

import collections
import typing as t

from .visible import visible

_SHOWN = 60


class TwiceError(ValueError):
    """An object has a name twice. Its text says which one, and is not a whole sentence."""


def once(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    """An object, as C(object_pairs_hook).

    :raises TwiceError: a name is there twice.
    """
    made = dict(pairs)
    if len(made) < len(pairs):
        ((name, _count),) = collections.Counter(name for name, _value in pairs).most_common(1)
        raise TwiceError(
            f"it has '{visible(name)[:_SHOWN]}' twice in one object, so it was edited, or merged from two files; use "
            "it as it was written"
        )
    return made
