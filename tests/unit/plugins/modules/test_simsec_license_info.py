# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module simsec_license_info, over a scripted transport and a real journal."""

from __future__ import annotations

import csv
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client import client
from ansible_collections.thingspace.licensing.plugins.module_utils._devices.file import Layout, read_cells
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import Confirmation
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.plugins.modules import simsec_license_info
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, Script, imei, step
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.module_runner import Run, runner

PATH = "/m2m/v1/accounts/subscriptions/actions/list"
TOKENS = {"access_token": "the-access-token", "session_token": "the-session-token"}
FLEX, LIFETIME = "SIMSec-IoT", "SIMSec-IoT-Lt"
SCOPE = Scope(ACCOUNT, FLEX, "imei")


def counts(flex: int, lifetime: int = 0) -> dict[str, t.Any]:
    rows = [(FLEX, "Flexible", flex), (LIFETIME, "Lifetime", lifetime)]
    names = ("skuNumber", "licenseType", "licenseAssigned")
    common = {"licensePurchased": 10, "licenseAvailable": 5}
    return {"subscriptionList": [{**dict(zip(names, row, strict=True)), **common} for row in rows]}


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    script = Script(step("POST", PATH, 200, counts(2)))
    monkeypatch.setattr(client, "Transport", lambda _connection, _mask: script)
    monkeypatch.delenv("THINGSPACE_JOURNAL", raising=False)
    return script


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], script: Script) -> Run:
    return runner(simsec_license_info.main, None, monkeypatch, capsys, account=ACCOUNT, retries=0, **TOKENS)


@pytest.fixture
def journal(tmp_path: Path) -> str:
    """One device confirmed, one pending, one failed for a reason that a spreadsheet would calculate."""
    path = str(tmp_path / "j.db")
    opened = open_journal(path, write=True, told=never)
    opened.accepted(
        opened.intend(opened.begin_run(SCOPE, "assign", 0), SCOPE, "assign", [imei(n) for n in range(3)], "1-234"), "r1"
    )
    opened.confirm([Confirmation("r1", (("imei", imei(0)),), "success", "")])
    opened.confirm([Confirmation("r1", (("imei", imei(2)),), "failed", '=cmd|"/c calc"!A1, twice')])
    other = SCOPE._replace(account="0000123456-00002")
    opened.intend(opened.begin_run(other, "assign", 0), other, "assign", [imei(9)], "1-235")
    opened.close()
    return path


@pytest.mark.parametrize(("assigned", "difference"), [(0, [-1]), (1, []), (2, []), (5, [3])])
def test_drift(run: Run, script: Script, journal: str, assigned: int, difference: list[int]) -> None:
    script.steps = [step("POST", PATH, 200, counts(assigned))]
    result = run(journal=journal)
    assert [row["difference"] for row in result["drift"]] == difference
    assert result["changed"] is False


def test_exports(run: Run, journal: str, tmp_path: Path) -> None:
    files = [tmp_path / "standing.csv", tmp_path / "history.csv"]
    run(journal=journal, devices_report=str(files[0]), history_report=str(files[1]), report="none")
    tables = []
    for file in files:
        with file.open(newline="") as stream:
            tables.append(list(csv.DictReader(stream)))
    assert [row["state"] for row in tables[0]] == ["assigned", "pending", "failed"]
    assert [row["held"] for row in tables[0]] == ["yes", "unknown", "no"]
    assert [row["outcome"] for row in tables[1]] == ["success", "", "failed"]
    for table in tables:
        assert table[2]["reason"] == '\'=cmd|"/c calc"!A1, twice', "no spreadsheet calculates it"
        assert not any(cell[:1] in ("=", "+", "-", "@") for row in table for cell in row.values())
    content = read_cells(str(files[0]), Layout("device_id"))
    assert [cell for _line, cell in content.cells] == [imei(0), imei(1), imei(2)]


def test_a_missing_journal_counts_as_empty(run: Run, script: Script, tmp_path: Path) -> None:
    script.steps = [step("POST", PATH, 200, counts(0))]
    result = run(journal=str(tmp_path / "j.db"))
    assert (result["journal"], result["drift"], result["devices"]) == ([], [], [])
    assert "no journal at" in str(result["warnings"])
    assert list(tmp_path.iterdir()) == []


def test_a_lost_journal_is_an_error(run: Run, script: Script, journal: str) -> None:
    Path(journal).unlink()
    assert run(journal=journal)["failure"]["code"] == "journal_damaged"
    assert script.sent == []


@pytest.mark.parametrize(
    ("options", "code", "count"),
    [
        ({"sku": "simsec-iot"}, "invalid_sku", 1),
        ({"journal_only": True}, "invalid_options", 1),
        ({"devices_report": "x.csv", "history_report": "y.csv"}, "invalid_options", 2),
        ({"journal_only": True, "account": "/"}, "invalid_options", 2),
        ({"journal": "/none/j.db"}, "journal_unusable", 1),
        ({"history_report": "/none/x.csv", "account": "/"}, "invalid_options", 3),
    ],
)
def test_bad_input(run: Run, script: Script, options: dict[str, t.Any], code: str, count: int) -> None:
    result = run(**options)
    assert (result["failure"]["code"], result["failure"]["problem_count"]) == (code, count)
    assert script.sent == []
