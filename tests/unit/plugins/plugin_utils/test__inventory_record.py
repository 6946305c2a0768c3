# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes host variables, and what is cached."""

from __future__ import annotations

import json

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._device_row import device_row
from ansible_collections.thingspace.licensing.plugins.plugin_utils._inventory_record import (
    host_variables,
    make_record,
    pack,
    unpack,
)

ROW = device_row(
    {
        "deviceIds": [{"kind": "imei", "id": "1"}, {"kind": "unheard-of", "id": "9"}],
        "extendedAttributes": [{"key": "SkuNumber", "value": "x"}],
    }
)


def test_licences() -> None:
    assert make_record("a", ROW, {"1": "then"})["fota_assigned_at"] == "then"
    assert [make_record("a", ROW, held)["fota_license"] for held in ({"1": ""}, {"2": ""}, None)] == [True, False, None]
    assert make_record("a", device_row({}), {"1": ""})["fota_license"] is None, "licences are held by IMEI"


def test_variables() -> None:
    variables = host_variables(make_record("a", ROW, None))
    assert variables["thingspace_imei"] == "1"
    assert variables["thingspace_eid"] is None
    assert "thingspace_attributes" not in variables
    assert "9" not in variables.values(), "the name of a variable is never ThingSpace's"
    assert host_variables(make_record("a", ROW, None, attributes=True))["thingspace_attributes"] == {"SkuNumber": "x"}


def test_packing() -> None:
    records = [make_record("a", ROW, {"1": "then"}, attributes=True), make_record("b", device_row({}), None)]
    assert unpack(pack(records)) == records


@pytest.mark.parametrize("text", [None, 7, "", "{", "[]", '[["account"], [["a"]]]', "[" * 100_000])
def test_what_is_no_text_of_this_release(text: object) -> None:
    assert unpack(text) is None


def test_a_row_that_is_too_short() -> None:
    fields, (row,) = json.loads(pack([make_record("a", ROW, None)]))
    assert unpack(json.dumps([fields, [row[:-1]]])) is None
