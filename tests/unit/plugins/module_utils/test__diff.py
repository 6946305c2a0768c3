# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diff: bounded, and equal on both sides when nothing changes."""

from __future__ import annotations

from ansible_collections.thingspace.licensing.plugins.module_utils._diff import DIFF_LINES, device_diff
from ansible_collections.thingspace.licensing.tests.unit.plugins.fakes import imeis


def test_diff() -> None:
    found = device_diff("title", ["1", "2"], [])
    assert found == {"before_header": "title", "after_header": "title", "before": "1\n2\n", "after": ""}


def test_a_long_diff_says_how_much_is_left_out() -> None:
    lines = device_diff("title", [], imeis(DIFF_LINES + 7))["after"].splitlines()
    assert (len(lines), lines[-1]) == (DIFF_LINES + 1, "... and 7 more")
    assert len(device_diff("title", [], imeis(DIFF_LINES))["after"].splitlines()) == DIFF_LINES
