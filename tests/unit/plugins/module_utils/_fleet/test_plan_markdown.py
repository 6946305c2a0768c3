# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sentences of a plan."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_markdown import Document, afterward


@pytest.mark.parametrize(
    ("pool", "sentence"),
    [
        ({"total": 20, "assigned": 19, "available": 1}, "Afterward 19 of 20 licenses are assigned, 1 is free."),
        ({"total": 20, "assigned": 1, "available": 19}, "Afterward 1 of 20 licenses is assigned, 19 are free."),
        ({"total": None, "assigned": 1, "available": None}, ""),
        (None, ""),
    ],
)
def test_what_a_plan_leaves_in_a_pool(pool: Document | None, sentence: str) -> None:
    assert afterward(pool) == sentence
