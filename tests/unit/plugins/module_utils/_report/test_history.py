# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run records and the counts of earlier reports: what is not what it should be is left out, and that is told."""

from __future__ import annotations

import hashlib
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._report.history import (
    POOLS,
    earlier,
    read_history,
    remember,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._text.former_names import FORMER_NAMES

KEY = ("0000123456-00001", "FOTA")
COUNTS = {
    "total": 10,
    "assigned": 4,
    "available": 6,
    "missing": 1,
    "extra": None,
    "unknown": 0,
    "reclaimable": 2,
}


def record(run: str, *parts: dict[str, t.Any], **fields: t.Any) -> dict[str, t.Any]:
    content = {
        "format": 1,
        "run": run,
        "kind": "apply",
        "started": run,
        "ended": None,
        "plan": "",
        "status": "done",
        "accounts": [{"account": KEY[0], "parts": list(parts)}],
        **fields,
    }
    return sealed(content)


def sealed(content: dict[str, t.Any]) -> dict[str, t.Any]:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return {**content, "checksum": hashlib.sha256(text.encode()).hexdigest()}


def test_runs_newest_first_with_their_outcomes(tmp_path: Path) -> None:
    fota = {"kind": "fota", "summary": {"assigned": 10, "failed": 1, "unchanged": 99}}
    simsec = {"kind": "simsec", "summary": {"assigned": 5, "unknown": 2}, "failure": {"code": "x", "message": "y"}}
    entries = {"kind": "removal_candidates", "summary": {"removed": 2, "unchanged": 1}}
    for run in ("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"):
        (tmp_path / f"{run[:10]}.json").write_text(json.dumps(record(run, fota, simsec, entries)), encoding="utf-8")
    history = read_history(str(tmp_path))
    assert [run["run"][:10] for run in history.runs] == ["2026-11-21", "2026-11-20"]
    assert history.runs[0]["summary"] == {"assigned": 15, "failed": 1, "unknown": 2, "candidates removed": 2}
    assert (history.runs[0]["accounts"], history.runs[0]["accounts_failed"]) == (1, 1)
    assert history.runs[0]["ended"] == ""
    assert history.unreadable == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (json.dumps({**record("r"), "status": "failed"}), "does not fit its checksum"),
        (json.dumps(sealed({**record("r"), "format": 2})), "it is of format 2, this release reads 1"),
        (json.dumps(sealed({"format": 1})), "it is not a run record"),
        ("[1]", "it is not a run record"),
        ("{", "it is not a run record"),
        ('{"run": "r", "run": "r"}', "it has 'run' twice in one object"),
        ("[" * 100_000, "it is not a run record"),
        ("\udcff", "it is not a run record"),
    ],
)
def test_a_record_that_is_none(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "a.json").write_bytes(text.encode(errors="surrogateescape"))
    (tmp_path / "b.json").write_text(json.dumps(record("b")), encoding="utf-8")
    history = read_history(str(tmp_path))
    assert [run["run"] for run in history.runs] == ["b"]
    ((name, told),) = history.unreadable
    assert name == "a.json"
    assert why in told


def test_counts_of_a_day_are_kept_once(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    for day, assigned in (("2026-11-19", 1), ("2026-11-20", 2), ("2026-11-20", 3)):
        history = read_history(str(folder))
        remember(str(folder), history, day, {KEY: {**COUNTS, "assigned": assigned}})
    remember(str(folder), read_history(str(folder)), "2026-11-20", {("other", "FOTA"): COUNTS})
    history = read_history(str(folder))
    assert [(row["day"], row["assigned"]) for row in history.pools[KEY]] == [("2026-11-19", 1), ("2026-11-20", 3)]
    assert [row["day"] for row in earlier(history, KEY, "2026-11-20")] == ["2026-11-19"]
    assert history.pools["other", "FOTA"] == [{"day": "2026-11-20", **COUNTS}]
    remember(str(folder), history, "2029-12-31", {KEY: COUNTS})
    assert [row["day"] for row in read_history(str(folder)).pools[KEY]] == ["2029-12-31"]
    assert [path.name for path in folder.iterdir()] == [POOLS], "and no temporary file is left"


def test_lines_of_earlier_releases_are_read_and_written_anew(tmp_path: Path) -> None:
    remember(str(tmp_path), read_history(str(tmp_path)), "2026-11-19", {KEY: COUNTS})
    path = tmp_path / POOLS
    new = path.read_text(encoding="utf-8")
    written = json.loads(new)
    assert (written["license"], written[FORMER_NAMES["license"]]) == (KEY[1], KEY[1]), "an older release reads it, too"
    path.write_text(new.replace('"license"', f'"{FORMER_NAMES["license"]}"'), encoding="utf-8")
    history = read_history(str(tmp_path))
    assert (history.pools, history.unreadable) == ({KEY: [{"day": "2026-11-19", **COUNTS}]}, [])
    remember(str(tmp_path), history, "2026-11-20", {KEY: COUNTS})
    assert path.read_text(encoding="utf-8") == new + new.replace("2026-11-19", "2026-11-20")


def test_lines_that_are_broken_are_left_out_and_told(tmp_path: Path) -> None:
    remember(str(tmp_path), read_history(str(tmp_path)), "2026-11-20", {KEY: COUNTS})
    path = tmp_path / POOLS
    good = path.read_text(encoding="utf-8")
    bad = ["{", "[]", good.replace('"2026-11-20"', '"soon"').strip(), good.replace(": 4,", ': "4",').strip()]
    path.write_text(good + "\n".join(bad), encoding="utf-8")
    history = read_history(str(tmp_path))
    assert history.pools == {KEY: [{"day": "2026-11-20", **COUNTS}]}
    assert history.unreadable == [(POOLS, "4 of its lines cannot be read, and are left out")]


def test_a_directory_that_is_none(tmp_path: Path) -> None:
    assert read_history(str(tmp_path / "none")) == ([], {}, [])
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(LicensingError) as caught:
        remember(str(tmp_path / "file"), read_history(None), "2026-11-20", {KEY: COUNTS})
    assert caught.value.code == "report_unwritable"
