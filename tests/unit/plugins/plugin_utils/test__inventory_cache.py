# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept is used as a whole, or not at all."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.row import device_row
from ansible_collections.thingspace.licensing.plugins.plugin_utils._inventory_cache import DamagedCache, entry, known
from ansible_collections.thingspace.licensing.plugins.plugin_utils._inventory_record import Record, make_record

ROW = device_row({"deviceIds": [{"kind": "imei", "id": "1"}], "groupNames": ["\udcff"]})
RECORDS: list[Record] = [make_record("a", ROW, {"1": "then"}), make_record("b", device_row({}), None)]
KEPT = entry("asked", RECORDS)


def test_what_is_whole_is_used() -> None:
    assert known(lambda: json.loads(json.dumps(KEPT)), "asked") == RECORDS
    assert known(lambda: KEPT, "something else") is None
    assert known(lambda: None, "asked") is None


def test_nothing_that_was_changed_is_used() -> None:
    for field, text in KEPT.items():
        others: list[t.Any] = [None, 7, [], {}, "", text[:-1], text + " ", text[:20] + "x" + text[21:]]
        for other in others:
            with pytest.raises(DamagedCache):
                known(lambda value={**KEPT, field: other}: value, "asked")  # type: ignore[misc]
        with pytest.raises(DamagedCache):
            known(lambda left=field: {name: KEPT[name] for name in KEPT if name != left}, "asked")  # type: ignore[misc]


@pytest.mark.parametrize("kept", [0, "", "x", [], [KEPT], {}, True])
def test_what_is_no_entry(kept: object) -> None:
    with pytest.raises(DamagedCache):
        known(lambda: kept, "asked")


@pytest.mark.parametrize(
    "error", [KeyError("x"), ValueError(), OSError(13, "no"), RecursionError(), AttributeError("x")]
)
def test_whatever_a_cache_plugin_raises(error: Exception) -> None:
    def read() -> t.NoReturn:
        raise error

    with pytest.raises(DamagedCache):
        known(read, "asked")


def test_devices_of_another_release() -> None:
    fields, rows = json.loads(KEPT["devices"])
    with pytest.raises(DamagedCache):
        known(lambda: {**KEPT, "devices": json.dumps([fields[:-1], [row[:-1] for row in rows]])}, "asked")
