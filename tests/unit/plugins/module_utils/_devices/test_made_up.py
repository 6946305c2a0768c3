# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IMEIs that only the last digit distinguishes: made up, or one IMEI and what is written for it."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.made_up import are_made_up

UNIT = "99000000000007"


@pytest.mark.parametrize(
    ("last", "made_up"),
    [
        ("7", False),
        ("70", False),
        ("78", False),
        ("703", False),
        ("7035", False),
        ("70358", False),
        ("703581", True),
        ("012", True),
        ("789", True),
        ("0123456789", True),
        ("0124", False),
    ],
)
def test_are_made_up(last: str, made_up: bool) -> None:
    assert are_made_up({UNIT + digit for digit in last}) is made_up
