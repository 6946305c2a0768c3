# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The kinds of device id that licenses go by, and how long an id of each is. Pure."""

from __future__ import annotations

import typing as t

Kind = t.Literal["imei", "iccid"]

KINDS: tuple[Kind, ...] = t.get_args(Kind)

KIND: Kind = "imei"
"""The one that is meant where none is named, and the only one that FOTA licenses go by."""

LENGTHS: dict[Kind, tuple[int, int, str]] = {
    "imei": (15, 15, "an IMEI has 15 digits"),
    "iccid": (18, 20, "an ICCID has 18 to 20 digits"),
}
"""Digits at least, digits at most, and how that is told."""
