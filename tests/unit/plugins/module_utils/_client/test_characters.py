# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Characters that no field may hold."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.characters import character_problems


@pytest.mark.parametrize("value", ["it's", "a<b", "a\\b"])
def test_forbidden_characters_are_named_and_the_value_is_not(value: str) -> None:
    (found,) = character_problems("group", value)
    assert found.text.startswith("'group' holds")
    assert value not in found.text


@pytest.mark.parametrize("value", ["", "plain", 'a"b>c&d%e/f', "Zürich ü"])
def test_everything_else_is_let_through(value: str) -> None:
    assert character_problems("group", value) == []
