# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lists that reverse a run, as the module writes them."""

from __future__ import annotations

import contextlib
import functools
import json
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet import account
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.account_parts import (
    Part,
    PartPlan,
    RunOptions,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record import checksum
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.stores import open_store
from ansible_collections.thingspace.licensing.plugins.module_utils._module import Result
from ansible_collections.thingspace.licensing.plugins.module_utils._undo import from_run
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.candidates import (
    candidates_part,
    digest_in_order,
    restore,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.changes import CANDIDATES, parts_of
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.history import Later
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.reversal import undoing_of
from ansible_collections.thingspace.licensing.plugins.modules import fleet_undo
from ansible_collections.thingspace.licensing.tests.support import postgres
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.module_runner import OMIT, Run, runner
from ansible_collections.thingspace.licensing.tests.support.records import RUN, run_record

Json = dict[str, t.Any]


def part(kind: str, *rows: tuple[int, str], **more: t.Any) -> Json:
    """A part of a run; rows are device and outcome."""
    devices = [
        {"device_id": imei(number), "outcome": outcome, "planned": outcome, "reason": "", "request_id": ""}
        for number, outcome in rows
    ]
    fixed = {"kind": kind, "sku": "", "id_kind": "imei", "lifetime": False, "action": "exact", "summary": {}}
    return {**fixed, "api_version": "v2", "devices": devices, **more}


RECORD: Json = {
    **RUN,
    "accounts": [
        {
            "account": ACCOUNT,
            "parts": [
                part("fota", (1, "assigned"), (2, "removed")),
                part(
                    "removal_candidates",
                    (2, "removed"),
                    (3, "removed"),
                    before=[imei(1), imei(2), imei(3), imei(4)],
                    after=[imei(1), imei(4)],
                ),
                part("simsec", (1, "assigned"), sku="SIMSec-IoT"),
            ],
        },
        {"account": "another", "parts": []},
    ],
}
LIVE = [imei(1), imei(4)]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.delenv("THINGSPACE_JOURNAL", raising=False)
    (tmp_path / "run.json").write_text(json.dumps({**RECORD, "checksum": checksum(RECORD)}), encoding="utf-8")
    options = {"run": str(tmp_path / "run.json"), "dest": str(tmp_path)}
    return runner(fleet_undo.main, None, monkeypatch, capsys, **options)


def listed(folder: Path, name: str) -> list[str]:
    return (folder / ACCOUNT / f"{name}.txt").read_text(encoding="ascii").split()


def test_all_lists_and_what_stays(run: Run, tmp_path: Path) -> None:
    made = run(accounts=[ACCOUNT])
    assert (made["changed"], made["run"]) == (False, RECORD["run"])
    (found,) = made["accounts"]
    assert [(one["list"], one["state"], one["count"]) for one in found["parts"]] == [
        ("undo-fota-take", "absent", 1),
        ("undo-fota-give", "present", 1),
    ]
    assert listed(tmp_path, "undo-fota-take") == [imei(1)]
    assert listed(tmp_path, "undo-fota-give") == [imei(2)]
    assert listed(tmp_path, "undo-candidates-returning") == [imei(2), imei(3)]
    stays = (tmp_path / ACCOUNT / "cannot.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[:5] for line in stays[1:]] == [["simsec", "SIMSec-IoT", imei(1), "assigned", "no_journal"]]


def test_the_list_at_the_time_of_the_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """By then a license that was not given back is missing, and a list that somebody changed is left alone."""
    record = run_record(RECORD)
    undoing = undoing_of(record, record.accounts[0], Later(), None, told=never)
    assert undoing.given == [imei(2)]
    shown = restore(ACCOUNT, parts_of(undoing.run, CANDIDATES), LIVE, {imei(3)}, Later())
    assert shown.devices == [imei(1), imei(2), imei(4)]
    assert shown.devices is not None
    assert [(one.device_id, one.code) for one in shown.left] == [(imei(3), "not_licensed")]
    about = candidates_part(undoing.run, [], digest_in_order(shown.devices))
    context = t.cast(t.Any, types.SimpleNamespace(params={}))
    run_options = RunOptions("reports", None, wait=False, require_listener=None, retries={}, account=ACCOUNT)
    part = from_run._part(about, undoing, run_options, planning=False)
    read = from_run.Read(undoing, Later(), "", [])
    now: Json = {"live": LIVE, "unlicensed": {imei(2), imei(3)}}
    monkeypatch.setattr(from_run, "_live", lambda *_given: now["live"])
    monkeypatch.setattr(from_run, "_unlicensed", lambda *_given: now["unlicensed"])
    restored = functools.partial(from_run._restored, context, part, read, run_options)
    assert restored() == [imei(1), imei(4)]
    now["unlicensed"] = {imei(3)}
    assert restored() == shown.devices
    for changed in ({"live": [*LIVE, imei(7)]}, {"live": LIVE, "unlicensed": set[str]()}):
        now.update(changed)
        with pytest.raises(LicensingError) as failed:
            restored()
        assert failed.value.code == "list_changed"


def test_reading_alone(run: Run, tmp_path: Path) -> None:
    made = run(dest=OMIT, _ansible_check_mode=True)
    assert [one["account"] for one in made["accounts"]] == [ACCOUNT, "another"]
    assert run(accounts=["none"])["accounts"] == []
    assert not (tmp_path / ACCOUNT).exists()


def test_bad_input(run: Run, tmp_path: Path) -> None:
    """All of it at once."""
    failure = run(run=str(tmp_path), dest=str(tmp_path / "none"))["failure"]
    assert failure["problem_count"] == 2


def looked_at(rows: t.Mapping[str, str], digest: str) -> Result:
    devices = [{"device_id": device, "outcome": outcome} for device, outcome in rows.items()]
    return Result({"plan": {"digest": digest}, "devices": devices})


@pytest.mark.parametrize("digest", ["planned", "another"])
def test_two_parts_of_one_list_change_what_was_planned_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, digest: str
) -> None:
    """A count alone would let another device through."""
    parts = [
        Part("fota", name, {"account": ACCOUNT, "state": state}, {"step": ""}, {"devices": [imei(1), imei(2)]})
        for name, state in (("take", "absent"), ("give", "present"))
    ]
    rows = {imei(1): "skipped", imei(2): "unchanged"}
    monkeypatch.setattr(from_run, "plan_part", lambda _context, _part: looked_at(rows, digest))
    context = t.cast(t.Any, types.SimpleNamespace(params={}))
    plans = {name: PartPlan("planned", 1) for name in ("take", "give")}
    bound = functools.partial(from_run._bound, context, parts, plans)
    if digest == "another":
        with pytest.raises(LicensingError) as failed:
            bound()
        assert failed.value.code == "plan_changed"
        return
    take, give = bound()
    assert (take, give.ready, give.bound) == (parts[0], {"devices": [imei(1)]}, False)
    assert from_run._bound(context, parts[:1], plans) == parts[:1], "one part is bound by its digest"


def test_an_undo_does_not_only_wait() -> None:
    """It would carry out its parts instead."""
    params = {"account": ACCOUNT, "only_wait": True, "planned": {"account": ACCOUNT, "parts": []}}
    places = {"reports": "reports", "journal": None, "wait": True, "require_listener": None}
    retries = {"retry_failed": False, "retry_unknown": False}
    given = {**RunOptions._field_defaults, **params, **places, **retries}
    context = t.cast(t.Any, types.SimpleNamespace(params=given, check_mode=False))
    refused = account.run(context, from_run.from_run)
    assert refused.failure is not None
    assert "'only_wait' is not for an undo" in refused.failure.message


def test_a_run_that_goes_on_is_not_undone(run: Run, tmp_path: Path) -> None:
    """Neither planned, nor carried out, nor are its lists written."""
    going, place = {**RECORD, "status": "running", "ended": None}, postgres.emptied()
    (tmp_path / "run.json").write_text(json.dumps({**going, "checksum": checksum(going)}), encoding="utf-8")
    warnings: list[str] = []
    options = RunOptions("/lists/a", place, wait=True, require_listener=None, retries={})
    options = options._replace(account=ACCOUNT, undo_run=str(tmp_path / "run.json"))
    planning, applying = (
        t.cast(t.Any, types.SimpleNamespace(check_mode=check, warn=warnings.append, told=never))
        for check in (True, False)
    )
    with contextlib.closing(open_store(place, write=True, told=never)) as store, store.account_lock(ACCOUNT, 1, "FOTA"):
        for context in (planning, applying):
            with pytest.raises(LicensingError) as caught:
                from_run._read(context, options._replace(mark="the undo"))
            assert caught.value.code == "run_in_progress"
        assert run(accounts=[ACCOUNT], journal=place)["failure"]["code"] == "run_in_progress"
        assert (warnings, (tmp_path / ACCOUNT).exists()) == ([], False)
    assert from_run._read(planning, options) is not None
    assert len(warnings) == 1
    assert "has no end" in str(run(accounts=[ACCOUNT], journal=place)["warnings"])
