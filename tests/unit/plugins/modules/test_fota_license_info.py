# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module fota_license_info."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.modules import fota_license_info
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, FakeThingSpace, imei, imeis
from ansible_collections.thingspace.licensing.tests.support.module_runner import OMIT, Run, runner


class Account(FakeThingSpace):
    """An account with a subscription."""

    def get(self, operation: str, path: str) -> dict[str, t.Any]:
        """List, or the subscription."""
        if path == f"/fota/v3/subscriptions/{ACCOUNT}":
            self.log.append("subscription")
            return {"purchaseType": "TS-HFOTA-MRC", "licenseCount": 100, "licenseUsedCount": 25, "updateTime": "now"}
        return super().get(operation, path)


@pytest.fixture
def space() -> Account:
    return Account(imeis(25), total=100, page_size=10)


@pytest.fixture
def run(space: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(fota_license_info.main, space, monkeypatch, capsys)


SUBSCRIPTION = {
    "purchase_type": "TS-HFOTA-MRC",
    "license_count": 100,
    "license_used_count": 25,
    "update_time": "now",
}
POOL = {"total": 100, "assigned": 25, "available": 75}


@pytest.mark.parametrize("check_mode", [False, True])
def test_everything(run: Run, space: Account, check_mode: bool) -> None:
    result = run(account=ACCOUNT, _ansible_check_mode=check_mode)
    assert result["changed"] is False
    assert (result["subscription"], result["licenses"]) == (SUBSCRIPTION, POOL)
    assert result["devices"] == [{"device_id": device, "assigned_at": "then"} for device in imeis(25)]
    assert space.log == ["subscription", "list", "list", "list"]


def test_only_the_pool(run: Run, space: Account) -> None:
    result = run(account=ACCOUNT, pool_only=True)
    assert (result["subscription"], result["licenses"], result["devices"]) == (SUBSCRIPTION, POOL, [])
    assert space.log == ["subscription"]


def test_report_to_a_file_only(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    result = run(account=ACCOUNT, report="none", devices_report=str(path))
    assert result["devices"] == []
    lines = path.read_text().splitlines()
    assert (len(lines), lines[:2]) == (26, ["device_id,assigned_at", f"{imei(0)},then"])


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"account": OMIT}, "invalid_options"),
        ({"api_version": "v9"}, "invalid_options"),
        ({"report": "changed"}, "invalid_options"),
        ({"account": "../x"}, "invalid_account"),
        ({"devices_report": "/none/x"}, "report_unwritable"),
    ],
)
def test_bad_input(run: Run, space: Account, options: dict[str, t.Any], code: str) -> None:
    result = run(**{"account": ACCOUNT, **options})
    assert (result["failed"], result["failure"]["code"]) == (True, code)
    assert space.log == []
