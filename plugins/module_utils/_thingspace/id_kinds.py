# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The kinds of device ids that licenses use, and the length of each. Pure."""

from __future__ import annotations

import typing as t

Kind = t.Literal["imei", "iccid"]

KINDS: tuple[Kind, ...] = t.get_args(Kind)

KIND: Kind = "imei"
"""The default, and the only kind that FOTA licenses use."""

LENGTHS: dict[Kind, tuple[int, int, str]] = {
    "imei": (15, 15, "an IMEI has 15 digits"),
    "iccid": (18, 20, "an ICCID has 18 to 20 digits"),
}
"""Minimum and maximum number of digits, and the text about them."""

IMEI_UNIT = 14
"""The digits of an IMEI that name the device, and that no two devices share (3GPP TS 23.003, 6.2.1).

The check digit follows, or in an IMEISV the version of the software.
"""
