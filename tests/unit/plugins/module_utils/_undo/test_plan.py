# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of an undo, as it is written for approval."""

from __future__ import annotations

import csv
import json
import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record import checksum
from ansible_collections.thingspace.licensing.plugins.modules import fleet_plan
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei
from ansible_collections.thingspace.licensing.tests.support.module_runner import OMIT, Run, runner
from ansible_collections.thingspace.licensing.tests.support.records import RUN

Json = dict[str, t.Any]

SHORT = {"guard": "pool", "planned": 3, "allowed": 1}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    (tmp_path / "run.json").write_text(json.dumps({**RUN, "checksum": checksum(RUN)}), encoding="utf-8")
    options = {"undo_run": str(tmp_path / "run.json"), "dest": str(tmp_path / "undo")}
    return runner(fleet_plan.main, None, monkeypatch, capsys, **options)


def result(folder: Path, step: str, outcome: str, count: int, **more: t.Any) -> Json:
    """What the FOTA module returned in check mode, and its report."""
    reason = "not sent: the plan was stopped; it would be assigned" if outcome == "skipped" else ""
    rows = [(imei(number), outcome, reason) for number in range(count)]
    name = f"undo-fota-{step}"
    with (folder / f"plan-{name}.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("device_id", "outcome", "reason"), *rows])
    counts = {"assign": count, "remove": 0} if step == "give" else {"assign": 0, "remove": count}
    plan = {"state": "present" if step == "give" else "absent", **counts, "unchanged": 0, "digest": "d" * 64}
    return {"kind": "fota", "list": name, "api_version": "v3", "result": {"plan": plan, **more}}


def entry(folder: Path, *parts: Json) -> Json:
    return {"account": ACCOUNT, "wanted": "", "reports": str(folder), "parts": list(parts), "notes": ["A note."]}


@pytest.mark.parametrize(
    ("guards", "status"),
    [
        ([SHORT], "changes"),
        ([{**SHORT, "allowed": 0}], "guard_tripped"),
        ([SHORT, {"guard": "max_changes", "planned": 3, "allowed": 1}], "guard_tripped"),
    ],
)
def test_a_pool_that_the_parts_before_fill(run: Run, tmp_path: Path, guards: list[Json], status: str) -> None:
    """Two licenses are taken away, so two of the three that go back need not be free yet."""
    take = result(tmp_path, "take", "removed", 2)
    failure = {"code": "pool_exhausted", "message": "too few", "guards": guards}
    give = result(tmp_path, "give", "skipped", 3, failed=True, failure=failure)
    made = run(accounts=[entry(tmp_path, take, give)])
    document = json.loads((tmp_path / "undo" / "undo.json").read_text(encoding="utf-8"))
    assert (made["status"], made["totals"]["assign"], made["totals"]["remove"]) == (status, 3, 2)
    outcomes = {row["outcome"] for row in document["accounts"][0]["parts"][1]["devices"]}
    assert outcomes == {"assigned" if status == "changes" else "skipped"}


def test_the_digest_and_what_is_written(run: Run, tmp_path: Path) -> None:
    take = result(tmp_path, "take", "removed", 2)
    left = "kind,sku,device_id,done,code,reason\nsimsec,SIMSec-IoT-Lt,990000000000009,assigned,lifetime,*for life*\n"
    (tmp_path / "cannot.csv").write_text(left, encoding="utf-8")
    made = run(accounts=[entry(tmp_path, take), {"account": "b", "failure": {"code": "x", "message": "Why."}}])
    assert (made["status"], made["left"]) == ("error", 1)
    text = (tmp_path / "undo" / "undo.md").read_text(encoding="utf-8")
    assert "# Undo of the run 20261121T215143Z-1a2b3c4d: No plan for some accounts" in text
    assert "**2 to remove** in 1 of 2 accounts." in text
    assert "**1 change of the run is not undone.**" in text
    assert "| SIM-Secure licenses SIMSec-IoT-Lt | 990000000000009 | assigned | \\*for life\\* |" in text
    assert "A note." in text
    assert "Why." in text
    page = (tmp_path / "undo" / "undo.html").read_text(encoding="utf-8")
    for told in ("Undo of the run 2026", "1 change of the run is not undone", "<td>*for life* <small>", "A note."):
        assert told in page
    listed = (tmp_path / "undo" / "cannot.csv").read_text(encoding="utf-8").splitlines()
    assert listed[1] == f"{ACCOUNT},{left.splitlines()[1]}"
    approved = str(tmp_path / "undo" / "undo.json")
    before = Path(approved).read_bytes()
    for given in (approved, made["digest"]):
        assert run(accounts=[entry(tmp_path, take)], approved=given)["failure"]["code"] == "plan_changed"
    assert Path(approved).read_bytes() == before
    limited = {"accounts": [entry(tmp_path, take)], "max_changes": "1"}
    assert run(**limited)["status"] == "guard_tripped"
    assert run(**limited, state="applying")["failure"]["code"] == "guard_tripped"
    assert "failure" not in run(**limited, state="applying", approved=approved)
    other = result(tmp_path, "take", "removed", 3)
    differs = run(accounts=[entry(tmp_path, other)], approved=approved)["failure"]
    assert (differs["code"], f"These accounts differ: {ACCOUNT}." in differs["message"]) == ("plan_changed", True)


def test_accounts_that_the_run_did_not_concern(run: Run, tmp_path: Path) -> None:
    """They are shown and are no part of the plan. If there are no others, the wrong run was named."""
    other = {"account": "other", "left_out": "The run did not concern this account."}
    alone = run(accounts=[entry(tmp_path, result(tmp_path, "take", "removed", 2))])
    made = run(accounts=[entry(tmp_path, result(tmp_path, "take", "removed", 2)), other])
    assert made["digest"] == alone["digest"]
    assert made["accounts"][1]["status"] == "no_change"
    shown = made["own"]["other"]
    assert (shown["goes_on"], shown["red"], shown["text"]) == (True, False, other["left_out"])
    assert run(accounts=[other])["failure"]["code"] == "run_file_invalid"


def test_the_check_mode_of_an_undo_is_its_plan(run: Run, tmp_path: Path) -> None:
    """It stops for nothing, and says what would be done and how much is not undone."""
    left = f"kind,sku,device_id,done,code,reason\nfota,,{imei(9)},assigned,later_run,why\n"
    (tmp_path / "cannot.csv").write_text(left, encoding="utf-8")
    entries = [entry(tmp_path, result(tmp_path, "take", "removed", 2))]
    options = {"state": "applying", "require_approval": True, "how_to_apply": {"playbook": "undo"}}
    foreseen = run(accounts=entries, _ansible_check_mode=True, **options)
    assert (foreseen["next"], foreseen["check_mode"], foreseen["own"][ACCOUNT]["foreseen"]) == ("idle", True, True)
    assert foreseen["lines"][0] == "Status: changes"
    assert "Changes of the run that are not undone: 1." in foreseen["lines"]
    assert foreseen["lines"][-1] == f"To apply: ansible-playbook undo -e approved={foreseen['digest']}"
    assert run(accounts=entries, **options)["failure"]["code"] == "not_approved"
    done = run(accounts=entries, approved=foreseen["digest"], **options)
    assert (done["next"], "failure" in done) == ("apply", False)


def test_whether_later_runs_are_known(run: Run, tmp_path: Path) -> None:
    for history in (OMIT, str(tmp_path)):
        run(accounts=[entry(tmp_path, result(tmp_path, "take", "removed", 2))], history=history)
        plan = json.loads((tmp_path / "undo" / "undo.json").read_text(encoding="utf-8"))
        assert plan["later_runs_known"] == (history is not OMIT)
        # An approver reads it on the page only.
        warned = "Later runs are not known" in (tmp_path / "undo" / "undo.md").read_text(encoding="utf-8")
        assert warned == (history is OMIT)


def test_freeze_windows(run: Run, tmp_path: Path) -> None:
    """Hold an account whatever is approved, and only those that have something to do; the plan stays the same."""
    window = {"name": "inventory", "until": "2199-01-01"}
    take = result(tmp_path, "take", "removed", 2)
    entries = [entry(tmp_path, take), {**entry(tmp_path), "account": "idle"}]
    free = run(accounts=entries)
    everywhere = run(accounts=entries, freeze=[window], approved=free["digest"])
    own = run(accounts=[{**entries[0], "freeze": [{**window, "what": "removals"}]}, entries[1]])
    assert free["digest"] == everywhere["digest"] == own["digest"]
    for made, codes in ((free, [None, None]), (everywhere, ["frozen", None]), (own, ["frozen", None])):
        assert [one["blocked"] and one["blocked"]["code"] for one in made["accounts"]] == codes
    text = (tmp_path / "undo" / "undo.md").read_text(encoding="utf-8")
    assert re.search("'inventory': licenses are not removed until [0-9-]+ 00:00 UTC. Undo the run after that.", text)
    give = result(tmp_path, "give", "assigned", 2)
    kind = run(accounts=[{**entry(tmp_path, give), "freeze": [{**window, "what": "removals"}]}])
    assert kind["accounts"][0]["blocked"] is None
    wrong = run(accounts=[{**entries[0], "freeze": [{"name": "x"}]}], freeze=[{"until": "2199-01-01"}])["failure"]
    assert wrong["problem_count"] == 2


def test_bad_input(run: Run, tmp_path: Path) -> None:
    """All of it at once, and nothing is written."""
    failure = run(undo_run=str(tmp_path / "none"), accounts=[{"x": 1}, {"account": "a"}], max_changes="-1")["failure"]
    assert failure["problem_count"] == 4
    assert run(accounts=[])["failure"]["code"] == "run_file_invalid"
    (tmp_path / "link").symlink_to(tmp_path)
    for dest, told in (("link", "and replace it by its own"), ("undo", "keeps the records of all runs")):
        message = run(accounts=[entry(tmp_path)], dest=str(tmp_path / dest), history=str(tmp_path / "undo"))["msg"]
        assert told in message
    assert not (tmp_path / "undo").exists()
