# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a page of licensed devices says about devices for which it was not read."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.page import Page
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.shown import Shown
from ansible_collections.thingspace.licensing.tests.support.fakes import imei

FIRST, LATER = [1, 3], [7, 9]


def shown(later: list[int]) -> Shown:
    """The first page, and one after device 5."""
    devices = [(imei(number), "") for number in later]
    pages = Shown(lambda _cursor: Page(devices, None, None, True, "", None), [imei(number) for number in FIRST])
    pages.page(imei(5))
    return pages


@pytest.mark.parametrize(
    ("licensed", "later", "unlike"),
    [
        ((1, 3, 7, 9), LATER, None),
        ((1, 3, 9), LATER, 7),
        ((3, 7, 9), LATER, 1),
        ((1, 3, 7, 8, 9), LATER, 8),
        ((1, 2, 3, 7, 9), LATER, 2),
        ((1, 3, 4, 5, 7, 9, 10), LATER, None),
        ((1, 3, 7, 8, 9), [9, 7], None),
        ((1, 3, 6, 7, 8), [4, 7, 8], 4),
        ((1, 3, 4, 6, 7, 8), [4, 7, 8], None),
        ((1, 3, 6), [], None),
    ],
    ids=str,
)
def test_only_an_ordered_page_after_its_position_shows_who_is_not_on_it(
    licensed: tuple[int, ...], later: list[int], unlike: int | None
) -> None:
    """Device 5 is the position, so the page begins after it."""
    devices = [imei(number) for number in range(12)]
    devices.append("99000000000000")  # nobody knows where a list has an id of another length
    found = shown(later).unlike(devices, {*devices[12:], *(imei(number) for number in licensed)})
    assert found == ("" if unlike is None else imei(unlike))
