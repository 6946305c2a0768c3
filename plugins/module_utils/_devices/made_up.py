# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""IMEIs that somebody made up, as for test fleets and examples: only the last digit differs, which is a check digit."""

from __future__ import annotations

import typing as t

from .._thingspace.id_kinds import IMEI_UNIT

_RUN = 3
"""So many that follow each other were counted, and are not one IMEI and typing errors of it."""
_MOST = 5
"""More spellings of one IMEI than this are unlikely, too."""


def are_made_up(devices: t.Collection[str]) -> bool:
    """Whether IMEIs with the same first 14 digits are made up. Otherwise, they are spellings of one IMEI.

    :param devices: all of these digits that are known.
    """
    last = sorted({int(device[IMEI_UNIT:]) for device in devices})
    return len(last) > _MOST or (len(last) >= _RUN and last[-1] - last[0] == len(last) - 1)
