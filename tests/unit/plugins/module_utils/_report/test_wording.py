# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the figures of a report read."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._report.wording import pool_words, share_words


@pytest.mark.parametrize(
    ("some", "total", "words"),
    [
        (0, 40, "0%"),
        (1, 40, "3%"),
        (1, 5000, "under 1%"),
        (20, 40, "50%"),
        (4981, 4982, "over 99%"),
        (40, 40, "100%"),
        (41, 40, "103%"),
    ],
)
def test_only_all_is_100_percent_and_only_none_is_0(some: int, total: int, words: str) -> None:
    assert share_words(some, total) == words


def test_a_pool_with_a_free_license_is_not_full() -> None:
    pool = {"total": 4982, "assigned": 4981, "available": 1, "lifetime": False, "locked": 0, "locked_unknown": 0}
    assert pool_words(pool) == "4,981 of 4,982 assigned (over 99%), 1 free"
