# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report says is wanted of an account is what its fleet file says, wherever and however that names it."""

from __future__ import annotations

import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.row import device_row
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import OptionsError
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet import accounts
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.for_report import accounts_of, wanted_licenses
from ansible_collections.thingspace.licensing.plugins.module_utils._report.data import WantedLicenses
from ansible_collections.thingspace.licensing.tests.support.fleets import FLEX, imeis

ONE, TWO = "0000123456-00001", "0000123456-00002"
FILE = """
account: "{account}"
fota: {{state: present, api_version: v1}}
simsec: {{}}
devices:
  - {{name: all, ids: {all}, fota: true}}
  - {{name: sims, ids: ["{sim}"], kind: iccid, simsec: {sku}}}
  - {{name: last, ids: ["{last}"], simsec: {sku}, protected: true}}
"""


def text(account: str, number: int) -> str:
    devices = imeis(number, 3)
    return FILE.format(account=account, all=devices, sim=f"8914800000000000000{number}", last=devices[2], sku=FLEX)


def context(folder: Path, account: str = ONE) -> t.Any:
    return types.SimpleNamespace(params={"account": account, "src": [str(folder)]}, warn=lambda _text: None)


@pytest.mark.parametrize("name", [ONE, r"0000123456\u002d00001"])
@pytest.mark.parametrize("other", [text(TWO, 2), f"# not {ONE}\n{text(TWO, 2)}", "ids: ["])
def test_the_file_of_the_account(tmp_path: Path, name: str, other: str) -> None:
    """A file that does not mention the account is not read, unless no other file is about it."""
    (tmp_path / "a.yml").write_text(other, encoding="utf-8")
    (tmp_path / "b.yml").write_text(text(name, 1), encoding="utf-8")
    if name != ONE and other == "ids: [":
        with pytest.raises(OptionsError, match=r"a\.yml"):
            wanted_licenses(context(tmp_path))
        return
    one, two, three = imeis(1, 3)
    assert wanted_licenses(context(tmp_path)) == WantedLicenses(
        file=str(tmp_path / "b.yml"),
        fota={one: None, two: None, three: None},
        exact={"FOTA": False, "simsec": True},
        simsec={FLEX: {"iccid": {"89148000000000000001": None}, "imei": {three: None}}},
        candidates=None,
        protected={three: None},
        api_versions={"fota": "v1"},
    )


def test_a_device_that_cannot_be_named_makes_no_other_device_unwanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any other device may be it, so a report does not advise to take its license away, as a plan does not."""
    document = f'account: "{ONE}"\ndevices: [{{name: a, select: {{group: g}}, fota: true}}]\nsimsec: {{}}\n'
    (tmp_path / "a.yml").write_text(document, encoding="utf-8")
    for device, exact in ((imeis(1, 1)[0], True), (imeis(1, 1)[0] + "7", False)):
        row = device_row({"deviceIds": [{"kind": "imei", "id": device}]})
        found = types.SimpleNamespace(rows=lambda _filters, row=row: [row])
        monkeypatch.setattr(accounts, "new_listing", lambda _client, found=found: lambda _account: found)
        asked = context(tmp_path)
        asked.connect = lambda _problems: None
        assert wanted_licenses(asked).exact == {"FOTA": exact, "simsec": True}


def test_an_account_that_no_file_names(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(text(TWO, 2), encoding="utf-8")
    with pytest.raises(OptionsError, match=f"No fleet file names the account '{ONE}'"):
        wanted_licenses(context(tmp_path))
    assert accounts_of(context(tmp_path)) == {TWO}


def test_all_files_are_checked_together(tmp_path: Path) -> None:
    for name in (ONE, TWO):
        (tmp_path / f"{name}.yml").write_text(text(name, 1), encoding="utf-8")
        assert wanted_licenses(context(tmp_path, name)).file == str(tmp_path / f"{name}.yml")
    with pytest.raises(OptionsError, match=f"is in account {TWO}, and in account {ONE}") as refused:
        accounts_of(context(tmp_path))
    assert refused.value.code == "invalid_devices"
