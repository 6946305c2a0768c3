# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which licenses count as reclaimable, and why."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._report.reclaim import Rules, reclaim

RULES = Rules(datetime.date(2026, 11, 21), frozenset({"deactive"}))
IDLE = Rules(datetime.date(2026, 11, 21), frozenset({"deactive"}), 90)
USED: dict[str, t.Any] = {"state": "active", "last_connected": "", "locked": "", "wanted": False, "extra": False}


@pytest.mark.parametrize(
    ("rules", "facts", "expected"),
    [
        (RULES, {}, ("", "")),
        (RULES, {"state": ""}, ("", "")),
        (RULES, {"state": "suspend"}, ("", "")),
        (RULES, {"state": "Deactive"}, ("now", "the device is Deactive")),
        (RULES, {"state": None}, ("now", "not a device of the account")),
        (RULES, {"extra": True}, ("now", "not wanted by the fleet files")),
        (RULES, {"extra": True, "state": "deactive"}, ("now", "the device is deactive; not wanted by the fleet files")),
        (
            RULES,
            {"wanted": True, "state": "deactive"},
            ("wanted", "the device is deactive; but the fleet files want it"),
        ),
        (
            RULES,
            {"locked": "bound for life", "state": "deactive"},
            ("locked", "the device is deactive; bound for life"),
        ),
        (
            RULES,
            {"locked": None, "state": "deactive"},
            ("unknown", "the device is deactive; ThingSpace does not say whether the firmware was upgraded"),
        ),
        (RULES, {"locked": None}, ("", "")),
        (
            RULES,
            {"locked": None, "wanted": True, "state": "deactive"},
            ("wanted", "the device is deactive; but the fleet files want it"),
        ),
        (RULES, {"last_connected": "2019-01-01T00:00:00Z"}, ("", "")),
        (IDLE, {"last_connected": "2026-08-23T23:59:59Z"}, ("now", "not connected for 90 days or more")),
        (IDLE, {"last_connected": "2026-08-24T00:00:00Z"}, ("", "")),
        (IDLE, {"last_connected": "2026-08-24T01:00:00+02:00"}, ("now", "not connected for 90 days or more")),
        (IDLE, {"last_connected": "some day"}, ("", "")),
        (IDLE, {"last_connected": "", "state": "suspend"}, ("", "")),
    ],
)
def test_reclaim(rules: Rules, facts: dict[str, t.Any], expected: tuple[str, str]) -> None:
    assert reclaim(rules, **{**USED, **facts}) == expected
