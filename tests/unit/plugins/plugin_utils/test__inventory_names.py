# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Host names: preferred, safe, and each one's own."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.row import device_row
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.plugin_utils._inventory_names import (
    host_names,
    preference_problems,
)
from ansible_collections.thingspace.licensing.plugins.plugin_utils._inventory_record import Record, make_record


def device(site: str | None = None, number: str | None = None, **ids: str) -> Record:
    value: dict[str, t.Any] = {"deviceIds": [{"kind": kind, "id": text} for kind, text in ids.items()]}
    if site is not None:
        value["customFields"] = [{"key": "site", "value": site}]
    if number is not None:
        value["extendedAttributes"] = [{"key": "DeviceId", "value": number}]
    return make_record("a", device_row(value), None)


def test_the_first_preference_that_a_device_has() -> None:
    records = [device("Bonn", imei="1", iccid="11"), device(imei="2", iccid="12"), device("", imei="3")]
    assert host_names(records, ["custom_fields.site", "iccid"]) == (["Bonn", "12", "3"], 0)


def test_a_name_of_two_belongs_to_none_of_them_in_whatever_order() -> None:
    records = [device(imei="1", iccid="11"), device(imei="1", iccid="12"), device(imei="3", iccid="13")]
    for order in itertools.permutations(range(3)):
        named = host_names([records[place] for place in order], ["imei"])
        assert dict(zip(order, named.names, strict=True)) == {0: "11", 1: "12", 2: "3"}
        assert named.shared == 2


def test_an_id_of_one_device_may_be_the_name_of_another() -> None:
    records = [device("2", imei="1"), device(imei="2", iccid="12")]
    assert host_names(records, ["custom_fields.site", "imei"]).names == ["2", "12"]


@pytest.mark.parametrize(
    ("site", "name"),
    [
        ("Bonn 1", "Bonn_1"),
        ("{{ lookup('pipe', 'id') }}", "lookup_pipe_id"),
        ("../../etc", "etc"),
        ("a:b,c!d&e[1]", "a_b_c_d_e_1"),
        ("-v", "v"),
        ("Z\u00e4hler", "Z_hler"),
        ("\u6771\u4eac", "1"),
        ("localhost", "1"),
        ("127.0.0.1", "1"),
        ("all", "1"),
        ("group", "1"),
        ("x" * 200, "x" * 128),
    ],
)
def test_a_name_is_safe(site: str, name: str) -> None:
    assert host_names([device(site, imei="1")], ["custom_fields.site"], {"group"}).names == [name]


def test_a_device_without_an_id_is_told_by_its_internal_one() -> None:
    assert host_names([device(number="7"), device(imei="1")], ["imei"]).names == ["device-7", "1"]


def test_a_device_whose_ids_all_belong_to_others_as_well_has_a_name() -> None:
    records = [device(imei=one, iccid=other) for one in "12" for other in "67"] + [device(imei="1")]
    for order in itertools.permutations(range(5)):
        named = host_names([records[place] for place in order], ["imei"])
        assert dict(zip(order, named.names, strict=True)) == {0: "1_6", 1: "1_7", 2: "2_6", 3: "2_7", 4: "1"}


def test_devices_that_nothing_tells_apart() -> None:
    with pytest.raises(LicensingError, match="2 devices have no id of their own") as caught:
        host_names([device(imei="1"), device(imei="1")], ["imei"])
    assert caught.value.code == "bad_answer"


def test_preferences() -> None:
    assert preference_problems(["imei", "custom_fields.a b"]) == []
    assert len(preference_problems(["imie", "custom_fields."])) == 2
    assert len(preference_problems([])) == 1
