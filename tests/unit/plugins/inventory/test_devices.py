# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin's documentation agrees with the modules', and with the code."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.thingspace.licensing.plugins.doc_fragments import _api_version, _connection
from ansible_collections.thingspace.licensing.plugins.module_utils._client.connection import CONNECTION_SPEC
from ansible_collections.thingspace.licensing.plugins.module_utils._devices.filter import FILTER_SPEC
from ansible_collections.thingspace.licensing.plugins.module_utils._options import FOTA_VERSION_SPEC
from ansible_collections.thingspace.licensing.plugins.modules import device_info
from ansible_collections.thingspace.licensing.plugins.plugin_utils._inventory_record import FIELDS
from ansible_collections.thingspace.licensing.tests.support.controller import import_plugin

devices = import_plugin("inventory.devices")
OPTIONS: dict[str, t.Any] = yaml.safe_load(devices.DOCUMENTATION)["options"]


def test_every_connection_option_has_its_variable() -> None:
    variables = yaml.safe_load(_connection.ModuleDocFragment.PLUGIN)["options"]
    assert variables == {name: {"env": [{"name": f"THINGSPACE_{name.upper()}"}]} for name in CONNECTION_SPEC}
    assert set(yaml.safe_load(_connection.ModuleDocFragment.DOCUMENTATION)["options"]) == set(variables)


def test_filters_are_those_of_device_info() -> None:
    assert FILTER_SPEC.keys() - OPTIONS.keys() == {"device_id", "kind"}
    assert (
        "thingspace.licensing._api_version" in yaml.safe_load(devices.DOCUMENTATION)["extends_documentation_fragment"]
    )
    spec = FOTA_VERSION_SPEC["api_version"]
    documented = yaml.safe_load(_api_version.ModuleDocFragment.DOCUMENTATION)["options"]["api_version"]
    assert {name: documented[name] for name in spec} == spec


def test_variables_are_the_fields_of_device_info() -> None:
    returned = yaml.safe_load(device_info.RETURN)["devices"]["contains"]
    assert set(FIELDS) == {"account", "accounts", *returned, "fota_license", "fota_assigned_at"}


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("thingspace.yml", True),
        ("thingspace.yaml", True),
        ("fleet.thingspace.yml", True),
        ("mythingspace.yml", False),
        ("thingspace.json", False),
        ("missing.thingspace.yml", False),
    ],
)
def test_names_of_files(tmp_path: Path, name: str, taken: bool) -> None:
    path = tmp_path / name
    if not name.startswith("missing"):
        path.write_text("", encoding="utf-8")
    assert devices.InventoryModule().verify_file(str(path)) is taken


def test_examples_are_files_for_the_plugin() -> None:
    examples = list(yaml.safe_load_all(devices.EXAMPLES))
    assert len(examples) == 3
    shared = {
        "strict",
        "compose",
        "groups",
        "keyed_groups",
        "cache",
        "cache_plugin",
        "cache_connection",
        "cache_timeout",
    }
    for example in examples:
        assert example["plugin"] == devices.InventoryModule.NAME
        assert set(example) <= {*OPTIONS, *CONNECTION_SPEC, *shared}
