# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What fleet_export makes of ids that no plan would accept."""

from __future__ import annotations

import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.wanted import wanted_devices
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet import export as fleet_export_module
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, FakeThingSpace, imei, imeis

ODD = ["99000000000000", "=1+1;\x1b[31mX", "9" * 16, f"{imei(7)}\n{imei(8)}", "imei", "A,B"]
GOOD = imeis(3)


def export(
    tmp_path: Path, held: list[str], candidates: list[str]
) -> tuple[dict[str, str], list[str], dict[str, t.Any]]:
    """The files, the warnings and the values of an export."""
    space = FakeThingSpace(held)
    space.candidates = candidates
    warnings: list[str] = []
    params = {"dest": str(tmp_path), "account": ACCOUNT, "api_version": "v3", "journal": None, "force": False}
    context = types.SimpleNamespace(
        params=params, check_mode=False, diff_mode=False, connect=lambda _problems: space, warn=warnings.append
    )
    values = fleet_export_module.run(t.cast("t.Any", context)).values
    files = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.*") if path.is_file()}
    return files, warnings, values


@pytest.mark.parametrize("odd", [*([one] for one in ODD), ODD])
def test_ids_that_no_plan_accepts_are_left_out_and_told(tmp_path: Path, odd: list[str]) -> None:
    files, warnings, values = export(tmp_path, [*GOOD, *odd], [GOOD[0], *odd])
    assert files["fota.csv"].split() == ["imei", *GOOD]
    assert files["removal-candidates.csv"].split() == ["imei", GOOD[0]]
    assert values["counts"] == {"fota": 3, "removal_candidates": 1}
    (warning,) = warnings
    assert f"{len(odd)} ids" in warning
    assert warning.isprintable()
    for name in ("fota", "removal-candidates"):
        path = tmp_path / ACCOUNT / f"{name}.csv"
        assert wanted_devices({"devices_file": str(path)})[1] == []
    # A plan of an exact list would take the licenses of those that cannot be named.
    assert "  state: present" in files[f"{ACCOUNT}.yml"]


def test_an_odd_id_is_named_in_the_warning(tmp_path: Path) -> None:
    (warning,) = export(tmp_path, [*GOOD, "=1+1;\x1b[31mX"], [])[1]
    assert "'=1+1;\\u001b[31mX'" in warning


def test_an_account_without_odd_ids_is_exact(tmp_path: Path) -> None:
    files, warnings, _values = export(tmp_path, GOOD, GOOD[:1])
    assert warnings == []
    assert "  state: exact" in files[f"{ACCOUNT}.yml"]


def test_odd_ids_of_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sims = {("SKU-1", "iccid"): ["89148000000000000001", "8914"], ("SKU-2", "imei"): ["=1"]}
    monkeypatch.setattr(fleet_export_module, "_simsec", lambda _context: sims)
    files, (warning,), _values = export(tmp_path, GOOD, [])
    assert files["SKU-1-iccid.csv"] == "iccid\n89148000000000000001\n"
    assert "SKU-2-imei.csv" not in files
    assert "'8914', '=1'" in warning
    assert files[f"{ACCOUNT}.yml"].count("state: exact") == 1, "FOTA alone"
