# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fields of answers whose types differ from the documents."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.fields import number, text


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"a": 3}, 3),
        ({"a": "3"}, 3),
        ({"a": " 3 ", "b": 5}, 3),
        ({"a": "", "b": 5}, 5),
        ({"a": 0, "b": 5}, 0),
        ({"a": None, "b": 5}, 5),
        ({"a": "many", "b": 5}, 5),
        ({"a": True, "b": 5}, 5),
        ({"a": [], "b": {}}, None),
        ({"a": float("inf"), "b": float("nan")}, None),
        ({"a": float("-inf"), "b": 10**13}, None),
        ({}, None),
    ],
)
def test_number(value: dict[str, t.Any], found: int | None) -> None:
    assert number(value, ("a", "b")) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [({"a": "x"}, "x"), ({"a": 7}, "7"), ({"a": None, "b": "y"}, "y"), ({"a": "", "b": "y"}, ""), ({}, "")],
)
def test_text(value: dict[str, t.Any], found: str) -> None:
    assert text(value, ("a", "b")) == found
