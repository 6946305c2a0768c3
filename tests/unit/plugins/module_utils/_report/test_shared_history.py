# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The history of all nodes in the journal, beside that of a directory, which some jobs may have and others not."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.all_runs import keep_record, runs_of
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record import RunRecord
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record_keep import write_record
from ansible_collections.thingspace.licensing.plugins.module_utils._report.history import (
    KEPT_DAYS,
    earlier,
    read_history,
    remember,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._report.shared_history import share, with_shared
from ansible_collections.thingspace.licensing.tests.support import journals
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.records import run_account

ONE, TWO = "0000123456-00001", "0000123456-00002"
COUNTS = {"total": 10, "assigned": 3, "available": 7, "missing": 0, "extra": None, "unknown": 0, "reclaimable": 1}


@pytest.fixture(params=journals.STORES)
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return journals.place(request.param, tmp_path)


def record(run: str, *accounts: str, **more: t.Any) -> RunRecord:
    part = {"kind": "fota", "action": "exact", "devices": [], "summary": {"assigned": len(accounts)}}
    made = [run_account({"account": account, "parts": [part]}) for account in accounts]
    fixed = RunRecord(f"{run}-a", "apply", f"2026-01-{run}T00:00:00Z", None, "", "running", made)
    return fixed._replace(**more).signed()


def keep(journal: str, *records: RunRecord) -> None:
    with runs_of(journal, write=True, told=never) as runs:
        assert runs is not None
        for one in records:
            keep_record(runs, one)


def test_runs_of_the_accounts_newest_first(journal: str, tmp_path: Path) -> None:
    """Each once, and as it ended."""
    keep(journal, record("01", ONE), record("03", ONE, TWO, status="done"), record("04", TWO))
    folder = str(tmp_path / "history")
    for one in (record("03", ONE, TWO), record("02", ONE)):
        write_record(folder, f"{one.run}.json", one)
    history = with_shared(read_history(folder), journal, [ONE], told=never)
    shown = [(run["run"], run["status"], run["summary"]) for run in history.runs]
    assert shown == [
        ("03-a", "done", {"assigned": 4}),
        ("02-a", "running", {"assigned": 1}),
        ("01-a", "running", {"assigned": 1}),
    ]
    assert history.unreadable == []


def test_counts_of_days_from_any_node(journal: str, tmp_path: Path) -> None:
    """The last report of a day counts, and days that only a directory has stay."""
    keep(journal)
    folder, key, day = str(tmp_path), (ONE, "FOTA"), "2026-02-03"
    remember(folder, read_history(None), "2026-02-01", {key: {**COUNTS, "assigned": 1}})
    remember(folder, read_history(folder), "2026-02-02", {key: {**COUNTS, "assigned": 0}})
    for when, assigned in (("2026-02-02", 2), (day, 8), (day, 3)):
        share(journal, when, {key: {**COUNTS, "assigned": assigned}, (TWO, "FOTA"): COUNTS}, told=never)
    history = with_shared(read_history(folder), journal, [ONE], told=never)
    assert [(row["day"], row["assigned"]) for row in history.pools[key]] == [
        ("2026-02-01", 1),
        ("2026-02-02", 2),
        (day, 3),
    ]
    assert [row["day"] for row in earlier(history, key, day)] == ["2026-02-01", "2026-02-02"]
    assert (TWO, "FOTA") not in history.pools
    assert history.pools[key][-1] == {"day": day, **COUNTS}


def test_old_counts_are_forgotten(journal: str) -> None:
    keep(journal)
    share(journal, "2020-01-01", {(ONE, "FOTA"): COUNTS}, told=never)
    share(journal, "2026-01-01", {(ONE, "SIMSec-IoT"): COUNTS}, told=never)
    assert list(with_shared(read_history(None), journal, [ONE], told=never).pools) == [(ONE, "SIMSec-IoT")]
    assert KEPT_DAYS < 6 * 365


def test_a_report_creates_no_file(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    share(str(path), "2026-01-01", {(ONE, "FOTA"): COUNTS}, told=never)
    assert with_shared(read_history(None), str(path), [ONE], told=never) == ([], {}, [])
    assert not path.exists()


@pytest.mark.parametrize("counts", ["", "[]", '{"total": "9"}', '{"total": 1.5}', "null"])
def test_what_cannot_be_read_is_named(journal: str, counts: str) -> None:
    """And the rest is shown."""
    keep(journal, record("01", ONE), record("02", TWO))
    share(journal, "2026-01-01", {(ONE, "FOTA"): COUNTS, (TWO, "FOTA"): COUNTS}, told=never)
    with runs_of(journal, write=True, told=never) as runs:
        assert runs is not None
        with runs._store.writing() as db:
            db.execute("UPDATE license_pool SET counts = ? WHERE account = ?", (counts, ONE))
            db.execute("UPDATE document_piece SET content = '' WHERE document = 1")
    history = with_shared(read_history(None), journal, [ONE, TWO], told=never)
    assert [run["run"] for run in history.runs] == ["02-a"]
    assert list(history.pools) == [(TWO, "FOTA")]
    assert [name for name, _why in history.unreadable] == ["01-a", f"pools of {ONE}"]


def test_a_journal_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_text("something else", encoding="ascii")
    ((name, why),) = with_shared(read_history(None), str(tmp_path / "journal.db"), [ONE], told=never).unreadable
    assert name == "journal"
    assert "is not a journal" in why
