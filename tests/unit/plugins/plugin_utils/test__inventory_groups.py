# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Groups that every device gets."""

from __future__ import annotations

import re

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.row import device_row
from ansible_collections.thingspace.licensing.plugins.plugin_utils._inventory_groups import (
    GroupNames,
    prefix_problems,
)
from ansible_collections.thingspace.licensing.plugins.plugin_utils._inventory_record import Record, make_record


def safe(name: str) -> str:
    return re.sub("[^A-Za-z0-9_]", "_", name)


def device(*groups: str, state: str = "Pre-Active", licensed: bool | None = None) -> Record:
    carrier = {"state": state, "servicePlan": "5G" if state else None}
    value = {"deviceIds": [{"kind": "IMEI", "id": "1"}], "groupNames": groups, "carrierInformations": [carrier]}
    return make_record("0-1", device_row(value), None if licensed is None else {"1": "then"} if licensed else {})


def test_every_kind_of_group() -> None:
    names = GroupNames("x_", safe)
    assert names.of(device("a b", "c")) == [
        "x_account_0_1",
        "x_state_pre_active",
        "x_plan_5G",
        "x_group_a_b",
        "x_group_c",
    ]
    assert names.of(device(licensed=True))[-1] == "x_license_fota"
    assert names.of(device(licensed=False))[-1] == "x_license_none"
    assert names.of(device(state="")) == ["x_account_0_1"]
    assert names.shared() == {}


def test_a_device_of_several_accounts_is_in_the_groups_of_all() -> None:
    record = {**device(state=""), "accounts": ["0-1", "0-2"]}
    assert GroupNames("", safe).of(record) == ["account_0_1", "account_0_2"]


def test_names_that_fall_together_are_told() -> None:
    names = GroupNames("", safe)
    names.of(device("a b", "a-b", "c"))
    assert names.shared() == {"group_a_b": ["a b", "a-b"]}


@pytest.mark.parametrize(
    ("prefix", "good"), [("", True), ("a_1", True), ("1a", False), ("a-", False), ("\u00e4", False)]
)
def test_a_prefix(prefix: str, good: bool) -> None:
    assert (prefix_problems(prefix) == []) is good
