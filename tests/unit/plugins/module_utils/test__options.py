# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that are numbers have a range."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils import _options


@pytest.mark.parametrize(
    ("ranges", "name", "value", "rule"),
    [
        (_options.FOTA_LICENSE_RANGES, "batch_size", 10_001, "it must be between 1 and 10000"),
        (_options.REMOVAL_CANDIDATES_RANGES, "batch_size", 100_001, "it must be between 1 and 100000"),
        (_options.SIMSEC_LICENSE_RANGES, "batch_size", 0, "it must be between 1 and 100"),
        (_options.SIMSEC_LICENSE_RANGES, "settle_time", -1.0, "it cannot be negative"),
    ],
)
def test_ranges(ranges: _options.Ranges, name: str, value: float, rule: str) -> None:
    good = {one: lowest for one, (lowest, _highest) in ranges.items()}
    assert _options.out_of_range(good, ranges) == []
    (problem,) = _options.out_of_range({**good, name: value}, ranges)
    assert problem.text == f"'{name}' is {value}; {rule}."


def test_the_largest_value_and_none() -> None:
    assert _options.out_of_range({"a": 5, "b": None}, {"a": (1, 5), "b": (0, None)}) == []
