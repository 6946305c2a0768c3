# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes host variables, and what is cached."""

from __future__ import annotations

import json

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.row import device_row
from ansible_collections.thingspace.licensing.plugins.plugin_utils._inventory_record import (
    Record,
    host_variables,
    make_record,
    merged,
    pack,
    unpack,
)

ROW = device_row(
    {
        "deviceIds": [{"kind": "imei", "id": "1"}, {"kind": "unheard-of", "id": "9"}],
        "extendedAttributes": [{"key": "SkuNumber", "value": "x"}],
    }
)


def test_licenses() -> None:
    assert make_record("a", ROW, {"1": "then"})["fota_assigned_at"] == "then"
    assert [make_record("a", ROW, held)["fota_license"] for held in ({"1": ""}, {"2": ""}, None)] == [True, False, None]
    assert make_record("a", device_row({}), {"1": ""})["fota_license"] is None, "licenses are held by IMEI"
    part = [make_record("a", ROW, held, whole=False)["fota_license"] for held in ({"1": ""}, {"2": ""})]
    assert part == [True, None], "a list of a part of the account says nothing about the others"


def test_variables() -> None:
    variables = host_variables(make_record("a", ROW, None))
    assert variables["thingspace_imei"] == "1"
    assert variables["thingspace_eid"] is None
    assert "thingspace_attributes" not in variables
    assert "9" not in variables.values(), "the name of a variable is never ThingSpace's"
    assert host_variables(make_record("a", ROW, None, attributes=True))["thingspace_attributes"] == {"SkuNumber": "x"}


def licensed(account: str, held: bool | None, **ids: str) -> Record:
    row = device_row({"deviceIds": [{"kind": kind, "id": text} for kind, text in ids.items()]})
    return make_record(account, row, None if held is None else {ids["imei"]: account} if held else {})


@pytest.mark.parametrize("first", [True, False, None])
@pytest.mark.parametrize("second", [True, False, None])
def test_a_device_of_two_accounts_is_one_device(first: bool | None, second: bool | None) -> None:
    both = [licensed("a", first, imei="1", iccid="2"), licensed("b", second, imei="1", iccid="2")]
    (one,), repeated = merged(both)
    assert (one["account"], one["accounts"], repeated) == ("a", ["a", "b"], 0)
    known = {True, False} & {first, second}
    assert one["fota_license"] is (max(known) if known else None)
    assert one["fota_assigned_at"] == ("a" if first else "b" if second else None)


def test_a_device_that_one_account_lists_twice_is_one_device() -> None:
    records, repeated = merged([licensed(account, None, imei="1") for account in "abab"])
    assert ([record["accounts"] for record in records], repeated) == ([["a", "b"]], 2)


def test_a_phone_number_belongs_to_its_account() -> None:
    rows = [("a", "51"), ("a", "52"), ("b", "52"), ("b", "53"), ("c", "54"), ("c", "55"), ("c", "56")]
    kept, repeated = merged([licensed(account, None, imei="1", mdn=mdn) for account, mdn in rows])
    assert repeated == 0
    assert [(one["mdn"], one["accounts"]) for one in kept] == [
        ("51", ["a", "b", "c"]),
        ("52", ["a", "b", "c"]),
        ("56", ["c"]),
    ]


def test_lines_that_share_some_ids_stay_apart() -> None:
    records = [licensed("a", None, imei="1", iccid="2"), licensed("b", None, imei="1", iccid="3")]
    records += [licensed("b", None, imei="1"), *(make_record(one, device_row({}), None) for one in "ab")]
    kept, repeated = merged(records)
    assert (len(kept), repeated) == (5, 0)
    assert [record["account"] for record in kept] == ["a", "b", "b", "a", "b"]


def test_packing() -> None:
    records = [make_record("a", ROW, {"1": "then"}, attributes=True), make_record("b", device_row({}), None)]
    assert unpack(pack(records)) == records


@pytest.mark.parametrize("text", [None, 7, "", "{", "[]", '[["account"], [["a"]]]', "[" * 100_000])
def test_what_is_no_text_of_this_release(text: object) -> None:
    assert unpack(text) is None


def test_a_row_that_is_too_short() -> None:
    fields, (row,) = json.loads(pack([make_record("a", ROW, None)]))
    assert unpack(json.dumps([fields, [row[:-1]]])) is None
