# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prices of a plan are those of its reader, and an approval covers the plan until it is undone."""

from __future__ import annotations

import datetime
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.all_runs import runs_of
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record import timestamp
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record_keep import Places
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.outcomes import write_csv
from ansible_collections.thingspace.licensing.plugins.modules import fleet_plan, fleet_run
from ansible_collections.thingspace.licensing.tests.support import journals
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei
from ansible_collections.thingspace.licensing.tests.support.module_runner import Run, runner
from ansible_collections.thingspace.licensing.tests.support.plans import Json, part
from ansible_collections.thingspace.licensing.tests.support.records import run_record


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Writes the plan of an account in which two devices get a FOTA license."""
    rows = [(imei(number), "assigned", "", "") for number in (1, 2)]
    write_csv(str(tmp_path / "plan-fota.csv"), ("device_id", "outcome", "reason", "request_id"), rows)
    entry = {"account": ACCOUNT, "wanted": "w", "reports": str(tmp_path), "parts": [part(assign=2)]}
    return runner(fleet_plan.main, None, monkeypatch, capsys, accounts=[entry], dest=str(tmp_path / "plan"))


def test_what_is_approved_does_not_depend_on_prices(plan: Run, tmp_path: Path) -> None:
    def written(**options: t.Any) -> tuple[Json, str]:
        made = plan(**options)
        document = json.loads((tmp_path / "plan" / "plan.json").read_text(encoding="utf-8"))
        return {**document, "created": "", "checksum": "", "again": made["digest"]}, page.read_text(encoding="utf-8")

    page = tmp_path / "plan" / "plan.md"
    (free, without), (priced, shown) = written(), written(prices={"FOTA": "1.20"}, currency="EUR")
    assert free == priced
    assert "**If applied: assigned licenses cost 2.40 EUR more a month.**" in shown
    assert "cost" not in without.lower()
    assert "EUR" not in without


def test_bad_prices_are_told_at_once_and_nothing_is_written(plan: Run, tmp_path: Path) -> None:
    refused = plan(prices={"FOTA": "-1", "SIMSec-IoT": "1,20"}, templates="/no/such", max_changes="many")
    assert refused["failure"]["code"] == "invalid_options"
    for told in ("-1 for FOTA", "1,20 for SIMSec-IoT", "'templates'", "max_changes"):
        assert told in refused["msg"]
    assert not (tmp_path / "plan").exists()


def test_an_approval_from_before_an_undo_covers_nothing_after_it(plan: Run, tmp_path: Path) -> None:
    """Neither as a digest nor as a file. The plan that is made again has another digest, and says why."""
    history, approved = tmp_path / "history", tmp_path / "approved.json"
    places = Places(str(tmp_path), str(history), None)
    start = datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc)

    def ran(kind: str, digest: str, seconds: int, undoes: str | None = None) -> str:
        now = start + datetime.timedelta(seconds=seconds)
        times: Json = {"started": timestamp(now), "ended": timestamp(now)}
        name = places.enter(now, digest).run
        about: Json = {"run": name, "kind": kind, "plan": digest, "undoes": undoes, "status": "done", "accounts": []}
        places.begin(run_record({**about, **times}))
        return name

    def applied(given: str) -> Json:
        return plan(state="applying", history=str(history), approved=given, require_approval=True)

    first = plan(history=str(history))
    (tmp_path / "plan" / "plan.json").rename(approved)
    assert applied(first["digest"])["next"] == "apply"
    run = ran("apply", first["digest"], 0)
    assert applied(first["digest"])["next"] == "apply"
    by = ran("undo", "c" * 64, 1, undoes=run)
    for given in (first["digest"], str(approved)):
        refused = applied(given)
        assert (refused["failure"]["code"], refused["failure"]["undone_by"]) == ("plan_changed", by)
        assert run in refused["msg"]
    again = plan(history=str(history))
    assert again["digest"] == refused["failure"]["digest"] != first["digest"]
    assert [line for line in again["lines"] if run in line and by in line]
    assert applied(again["digest"])["next"] == "apply"
    # Who does not know of the undo makes the plan that is refused.
    assert plan()["digest"] == first["digest"]
    unapproved = plan(state="applying", history=str(history))
    assert [text for text in unapproved["warnings"] if by in str(text)]


@pytest.mark.parametrize("store", ["directory", *journals.STORES])
def test_an_approval_is_spent_by_the_undo_of_a_run_that_went_on_with_it(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first run was killed, the second one did the rest, and that was undone: the work is not done once more."""
    where: Json = {"history": str(tmp_path / "history")}
    if store != "directory":
        where = {"journal": journals.place(store, tmp_path)}
    plan, run = (runner(module.main, None, monkeypatch, capsys) for module in (fleet_plan, fleet_run))
    lists, approved, dest = tmp_path / "lists", tmp_path / "approved.json", tmp_path / "plan"
    (lists / ACCOUNT).mkdir(parents=True)

    def planned(devices: int, **options: t.Any) -> Json:
        rows = [(imei(number), "assigned", "", "") for number in range(1, devices + 1)]
        write_csv(str(tmp_path / "plan-fota.csv"), ("device_id", "outcome", "reason", "request_id"), rows)
        entry = {"account": ACCOUNT, "wanted": "w", "reports": str(tmp_path), "parts": [part(assign=devices)]}
        options = {"state": "applying", "require_approval": True, **options} if options else {}
        return plan(accounts=[entry], dest=str(dest), **where, **options)

    def begun(made: Json) -> str:
        options = {"dest": str(tmp_path / "run"), "reports": str(lists), "accounts": made["accounts"], **where}
        return str(run(state="started", plan=str(dest / "plan.json"), kind="apply", **options)["run"])

    if "journal" in where:
        with runs_of(where["journal"], write=True, told=journals.never):
            pass
    first = planned(3)
    (dest / "plan.json").rename(approved)
    ways = [str(approved), *([first["digest"]] if "journal" in where else [])]
    begun(planned(3, approved=str(approved)))
    for given in ways:
        assert planned(2, approved=given)["next"] == "apply"
    went_on = begun(planned(2, approved=str(approved)))
    for given in ways:
        assert planned(1, approved=given)["next"] == "apply"
    with runs_of(where.get("journal"), write=True, told=journals.never) as runs:
        places = Places(str(tmp_path), where.get("history"), runs)
        now = datetime.datetime.now(datetime.timezone.utc)
        about: Json = {"run": places.enter(now, "").run, "kind": "undo", "plan": "", "undoes": went_on, "accounts": []}
        times: Json = {"started": timestamp(now), "ended": timestamp(now), "status": "done"}
        places.begin(run_record({**about, **times}))
    for given in ways:
        refused = planned(2, approved=given)
        assert (refused["failure"]["code"], refused["failure"]["undone_by"]) == ("plan_changed", about["run"])
        assert went_on in refused["msg"]
    fresh = planned(2)
    assert planned(2, approved=fresh["digest"])["next"] == "apply"
