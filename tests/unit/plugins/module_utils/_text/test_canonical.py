# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON in pieces."""

from __future__ import annotations

import hashlib
import json
import typing as t
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._text import canonical
from ansible_collections.thingspace.licensing.plugins.module_utils._text.canonical import SLICE, digest, pieces

TEXTS = st.text() | st.text('"\\,\n{}[]:', max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner) | st.dictionaries(st.integers(), inner),
    max_leaves=30,
)


def at_once(value: t.Any) -> str:
    """What all digests of plans and records are made of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


@given(VALUES, st.sampled_from([1, 2, SLICE]))
def test_the_pieces_are_the_text_of_the_value(value: t.Any, size: int) -> None:
    with mock.patch.object(canonical, "SLICE", size):
        found = "".join(pieces(value))
        assert digest(value) == hashlib.sha256(at_once(value).encode()).hexdigest()
    assert found.replace("\n", "") == at_once(value)
    assert at_once(json.loads(found)) == at_once(json.loads(at_once(value))), "no line break is inside a string"


@pytest.mark.parametrize("accounts", [1, 3, 2 * SLICE])
def test_no_piece_holds_many_devices_and_each_has_its_line(accounts: int) -> None:
    count = 6 * SLICE // accounts
    devices = [{"device_id": f"{number:015}", "outcome": "assigned", "reason": "},\n{"} for number in range(count)]
    document = {"accounts": [{"parts": [{"devices": devices, "sku": ""}]}] * accounts, "format": 2}
    found = list(pieces(document))
    assert max(piece.count("device_id") for piece in found) <= SLICE
    lines = "".join(found).splitlines()
    assert [line.count("device_id") for line in lines if "device_id" in line] == [1] * count * accounts
