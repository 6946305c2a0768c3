# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records are written from what was done, whatever ThingSpace said and whatever fails while they are written."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet import record_keep
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.documents import as_json
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_part import PlanPart
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record_read import read_record
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.moved import Mark, set_mark
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.stores import open_store
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.outcomes import OUTCOMES, write_csv
from ansible_collections.thingspace.licensing.plugins.module_utils._report.history import read_history
from ansible_collections.thingspace.licensing.plugins.module_utils._text.visible import visible
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.candidates import restore
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.changes import CANDIDATES, parts_of
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.history import Later
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.reversal import undoing_of
from ansible_collections.thingspace.licensing.plugins.modules import fleet_run, fleet_undo
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.module_runner import OMIT, Run, runner
from ansible_collections.thingspace.licensing.tests.support.plans import Json, account, part, plan, resealed
from ansible_collections.thingspace.licensing.tests.support.records import run_record

OTHER = "0000123456-00009"
GOOD, GONE = imei(1), imei(2)
ODD: dict[str, t.Any] = {
    "14 digits": "99000000000000",
    "20 letters": "abcdefghijklmnopqrst",
    "empty": "",
    "control characters": "\x1b[31m\x00\r\n\x85",
    "lone surrogate": "99000000000000\ud800",
    "10,000 characters": "9" * 10_000,
    "number": 99000000000000,
    "null": None,
    "formula": "=1+1",
    "truth": True,
    "list": ["x"],
    "dictionary": {"x": 1},
}


def row(device: t.Any, outcome: t.Any = "assigned", reason: t.Any = "", request_id: t.Any = "") -> Json:
    return {"device_id": device, "outcome": outcome, "reason": reason, "request_id": request_id}


def planned_part(kind: str, rows: list[Json]) -> PlanPart:
    """A part of a plan that changes these devices. A plan has texts only."""
    (made,) = account(part(kind, assign=1)).parts
    names = ("device_id", "outcome", "reason")
    return made._replace(
        devices=[{name: "" if one[name] is None else str(one[name]) for name in names} for one in rows]
    )


def done(outcome: str) -> Json:
    """The result of a part that changed one device."""
    return {"changed": True, "summary": {**dict.fromkeys(OUTCOMES, 0), outcome: 1}}


def returned(entry: Json) -> Json:
    """What fleet_account returned for an account, with its parts as a list. A part that is skipped is not in it."""
    parts = entry["parts"]
    if not isinstance(parts, dict):
        return entry
    named = [{**part, "list": name} if isinstance(part, dict) else part for name, part in parts.items()]
    return {**entry, "parts": [part for part in named if not (isinstance(part, dict) and "skipped" in part)]}


class Told:
    """All that is told to the module on one run of one account, and of another one that has nothing odd."""

    def __init__(self) -> None:
        self.planned: Json = {"fota": [row(GOOD)], "removal_candidates": [row(GONE, "removed")]}
        self.reported: Json = {"fota": [row(GOOD)], "removal_candidates": [row(GONE, "removed")]}
        self.before: list[t.Any] = [GONE, GOOD]
        self.planned_before: list[t.Any] = [GONE, GOOD]
        self.blocked: t.Any = None
        self.entry: Json = {
            "account": ACCOUNT,
            "failure": None,
            "parts": {"fota": done("assigned"), "removal_candidates": done("removed")},
        }


class Records:
    """Runs the module on a directory of its own."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.folder, self.run = folder, run
        self.lists = folder / "lists" / ACCOUNT
        self.mark = ""
        for name in (ACCOUNT, OTHER):
            (folder / "lists" / name).mkdir(parents=True)

    def report(self, name: str, rows: list[Json], account: str = ACCOUNT) -> None:
        texts = [["" if value is None else str(value) for value in one.values()] for one in rows]
        write_csv(self.path(name, account), tuple(row("")), texts)

    def path(self, name: str, account: str = ACCOUNT) -> str:
        """A file of a plan, or of the run that began last."""
        folder = self.folder / "lists" / account
        if self.mark and name.startswith("apply-"):
            folder /= f"run-{self.mark}"
            folder.mkdir(exist_ok=True)
        return str(folder / name)

    def listed(self, name: str, devices: list[t.Any]) -> None:
        write_csv(self.path(name), ("device_id",), [["" if one is None else str(one)] for one in devices])

    def begin(self, told: Told) -> Json:
        parts = [planned_part(kind, rows) for kind, rows in told.planned.items()]
        others = [planned_part("fota", [row(imei(9))])]
        accounts = [account(name=ACCOUNT, parts=parts), account(name=OTHER, parts=others)]
        (self.folder / "plan.json").write_text(json.dumps(as_json(plan(*accounts))), encoding="utf-8")
        self.listed("before-candidates.csv", told.planned_before)
        going = [{"account": ACCOUNT, "blocked": told.blocked}, {"account": OTHER, "blocked": None}]
        begun = self.run(state="started", plan=str(self.folder / "plan.json"), accounts=going)
        self.mark = begun.get("mark", "")
        return begun

    def write(self, told: Told) -> None:
        """What the modules leave."""
        for kind, rows in told.reported.items():
            self.report(f"apply-{kind}.csv", rows)
        self.listed("apply-before-candidates.csv", told.before)
        self.report("apply-fota.csv", [row(imei(9))], OTHER)

    def end(self, told: Told, **options: t.Any) -> Json:
        other = {"account": OTHER, "parts": {"fota": done("assigned")}}
        return self.run(state="ended", accounts=[returned(told.entry), returned(other)], **options)

    def whole(self, told: Told) -> Json:
        begun = self.begin(told)
        assert "failure" not in begun, begun
        assert self.record["status"] == "running"
        self.write(told)
        return self.end(told, run=begun["run"])

    @property
    def record(self) -> Json:
        """The record, which both places have."""
        record = read_record(str(self.folder / "run.json"))
        assert read_record(str(self.folder / "history" / f"{record.run}.json")) == record
        return record.to_json()

    def outcomes(self, account: int = 0, part: int = 0) -> dict[str, str]:
        rows = self.record["accounts"][account]["parts"][part]["devices"]
        return {one["device_id"]: one["outcome"] for one in rows}


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Records:
    places = {"dest": str(tmp_path), "history": str(tmp_path / "history"), "reports": str(tmp_path / "lists")}
    return Records(tmp_path, runner(fleet_run.main, None, monkeypatch, capsys, **places))


def _planned(field: str) -> t.Callable[[Told, t.Any], None]:
    def put(told: Told, odd: t.Any) -> None:
        told.planned["fota"].append({**row(imei(3)), field: odd})

    return put


def _reported(field: str) -> t.Callable[[Told, t.Any], None]:
    def put(told: Told, odd: t.Any) -> None:
        told.reported["fota"].append({**row(imei(3)), field: odd})

    return put


def _of_entry(*path: str) -> t.Callable[[Told, t.Any], None]:
    def put(told: Told, odd: t.Any) -> None:
        where = told.entry
        for name in path[:-1]:
            where[name] = where.get(name) or {}
            where = where[name]
        where[path[-1]] = odd

    return put


PLACES: dict[str, t.Callable[[Told, t.Any], None]] = {
    **{f"plan, {name}": _planned(name) for name in ("device_id", "outcome", "reason")},
    **{f"report, {name}": _reported(name) for name in row("")},
    "the list of the plan": lambda told, odd: told.planned_before.insert(0, odd),
    "the list at the write": lambda told, odd: told.before.insert(0, odd),
    "a candidate taken off": lambda told, odd: told.reported["removal_candidates"].append(row(odd, "removed")),
    "failure of a part": _of_entry("parts", "removal_candidates", "failure"),
    "code of a part": _of_entry("parts", "removal_candidates", "failure", "code"),
    "message of a part": _of_entry("parts", "removal_candidates", "failure", "message"),
    "failure of the account": _of_entry("failure"),
    "message of the account": _of_entry("failure", "message"),
    "result of a part": _of_entry("parts", "removal_candidates"),
    "summary of a part": _of_entry("parts", "removal_candidates", "summary"),
    "results of the parts": _of_entry("parts"),
}


@pytest.mark.slow
@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("place", PLACES)
def test_no_value_keeps_a_record_from_being_written_and_read(
    records: Records, place: str, odd: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Told()
    PLACES[place](told, ODD[odd])
    ended = records.whole(told)
    assert "failure" not in ended, ended
    record = records.record
    assert record["status"] in ("done", "incomplete", "failed")
    assert records.outcomes(1) == {imei(9): "assigned"}
    assert records.outcomes()[GOOD] in ("assigned", "unknown")
    assert "failure" in record["accounts"][0] or records.outcomes()[GOOD] == "assigned"
    history = read_history(str(records.folder / "history"))
    assert ([run["run"] for run in history.runs], history.unreadable) == ([record["run"]], [])
    undo = runner(fleet_undo.main, None, monkeypatch, capsys, run=str(records.folder / "run.json"))
    made = undo(dest=str(records.folder / "lists"), history=str(records.folder / "history"))
    assert "failure" not in made, made
    assert (records.lists / "undo-fota-take.txt").read_text(encoding="ascii").split()[0] == GOOD
    for path in records.lists.glob("undo-*.txt"):
        assert all(len(device) == 15 for device in path.read_text(encoding="ascii").split())


@pytest.mark.parametrize("odd", [name for name in ODD if name not in ("empty", "null")])
def test_what_can_be_no_id_is_kept_and_cannot_be_undone(records: Records, odd: str) -> None:
    told = Told()
    told.reported["fota"].append(row(ODD[odd], "removed"))
    told.before.insert(1, ODD[odd])
    told.reported["removal_candidates"].append(row(ODD[odd], "removed"))
    records.whole(told)
    kept = next(device for device in records.outcomes() if device != GOOD)
    assert (records.outcomes()[kept], records.outcomes(part=1)[kept]) == ("removed", "removed")
    assert kept[:14] == visible(str(ODD[odd]))[:14]
    assert records.record["accounts"][0]["parts"][1]["before"] == [GONE, kept, GOOD]
    record = run_record(records.record)
    undoing = undoing_of(record, record.accounts[0], Later(), None, told=never)
    assert [one.code for one in undoing.left].count("no_device_id") == 2
    restored = restore(ACCOUNT, parts_of(undoing.run, CANDIDATES), [GOOD], (), Later())
    assert restored.devices == [GONE, GOOD]


def test_a_list_that_holds_what_can_be_no_id_is_left_alone(records: Records) -> None:
    """To write it without that would take it off."""
    told = Told()
    told.before.append("odd")
    records.whole(told)
    record = run_record(records.record)
    undoing = undoing_of(record, record.accounts[0], Later(), None, told=never)
    restored = restore(ACCOUNT, parts_of(undoing.run, CANDIDATES), [GOOD, "odd"], (), Later())
    assert (restored.devices, {one.code for one in restored.left}) == (None, {"list_changed"})


def test_before_is_what_was_there_at_the_write(records: Records) -> None:
    told = Told()
    told.before = [GONE, imei(7), GOOD]
    records.whole(told)
    assert records.record["accounts"][0]["parts"][1]["before"] == [GONE, imei(7), GOOD]


def test_before_of_an_earlier_run_is_not_taken_for_this_ones(records: Records) -> None:
    told = Told()
    records.listed("apply-before-candidates.csv", [imei(7)])
    begun = records.begin(told)
    records.report("apply-fota.csv", told.reported["fota"])
    records.end(told, run=begun["run"])
    assert records.record["accounts"][0]["parts"][1]["before"] is None


def _make_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


LOST: dict[str, t.Callable[[Path], object]] = {
    "missing": Path.unlink,
    "a directory": _make_directory,
    "empty": lambda path: path.write_bytes(b""),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\x00" * 1000),
    "something else": lambda path: path.write_text('a,b\n"' + "x" * 200_000, encoding="utf-8"),
}


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("failed", [False, True])
def test_a_report_of_one_account_is_lost(records: Records, lost: str, failed: bool) -> None:
    """Its devices are in doubt, and never called unsent; the other account is as it was."""
    told = Told()
    if failed:
        told.entry["parts"]["fota"]["failure"] = {"code": "report_unwritable", "message": "The disk is full."}
    begun = records.begin(told)
    records.write(told)
    LOST[lost](Path(records.path("apply-fota.csv")))
    ended = records.end(told, run=begun["run"])
    assert "failure" not in ended
    assert records.outcomes()[GOOD] == "unknown"
    assert (records.outcomes(part=1), records.outcomes(1)) == ({GONE: "removed"}, {imei(9): "assigned"})
    first, second = ended["accounts"]
    assert (first["complete"], second["complete"], ended["status"]) == (False, True, "failed")


def test_a_report_is_lost_and_nothing_was_sent(records: Records) -> None:
    told = Told()
    told.entry["parts"]["fota"] = {
        "changed": False,
        "summary": {**dict.fromkeys(OUTCOMES, 0), "skipped": 1},
        "failure": {"code": "guard_tripped", "message": "Too many."},
    }
    begun = records.begin(told)
    records.write(told)
    Path(records.path("apply-fota.csv")).unlink()
    records.end(told, run=begun["run"])
    assert records.outcomes() == {GOOD: "skipped"}


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ({"changed": False, "failure": {"code": "invalid_options", "message": "x"}}, "skipped"),
        ({"changed": True, "failure": {"code": "connection_failed", "message": "x"}}, "unknown"),
        ({"changed": False, "failure": {"code": "internal_error", "message": "x"}}, "unknown"),
        ({"rc": 137, "msg": "MODULE FAILURE"}, "unknown"),
        ({"skipped": True}, "skipped"),
    ],
)
def test_a_module_without_a_summary(records: Records, result: Json, outcome: str) -> None:
    told = Told()
    told.entry["parts"]["fota"] = result
    begun = records.begin(told)
    records.end(told, run=begun["run"])
    assert records.outcomes() == {GOOD: outcome}


@pytest.mark.parametrize(
    ("entry", "outcome", "failed"), [({}, "skipped", False), ({"failed": True, "msg": "Timed out."}, "unknown", True)]
)
def test_a_task_without_parts(records: Records, entry: Json, outcome: str, failed: bool) -> None:
    """In check mode it succeeds and sends nothing. If it ended without a result, nothing is known."""
    begun = records.begin(Told())
    records.run(state="ended", run=begun["run"], accounts=[{"account": ACCOUNT, **entry}])
    assert records.outcomes() == {GOOD: outcome}
    assert ("failure" in records.record["accounts"][0]) is failed


STOP = {"code": "no_listener", "message": "Nobody listens. Nothing was sent."}


def _stopped_by_the_plan(records: Records, told: Told) -> list[Json]:
    """It must not be changed, so that no task carries it out."""
    told.blocked = STOP
    return []


def _failed_before_its_first_part(_records: Records, told: Told) -> list[Json]:
    return [{"account": ACCOUNT, "failed": True, "msg": STOP["message"], "failure": STOP}]


@pytest.mark.parametrize("stop", [_stopped_by_the_plan, _failed_before_its_first_part])
@pytest.mark.parametrize("others", [True, False])
def test_every_planned_device_of_an_account_that_was_stopped_has_a_row(
    records: Records, stop: t.Callable[[Records, Told], list[Json]], others: bool
) -> None:
    """It was not sent, with the reason of the stop. Only what others did can be undone."""
    told = Told()
    entries = stop(records, told)
    begun = records.begin(told)
    records.report("apply-fota.csv", [row(imei(9))], OTHER)
    if others:
        entries.append(returned({"account": OTHER, "parts": {"fota": done("assigned")}}))
    else:
        entries.append({"account": OTHER, "failed": True, "failure": STOP})
    how: Json = {"playbook": "undo", "inventory": [], "limit": None, "repeat": [], "variables": {}}
    ended = records.run(state="ended", run=begun["run"], accounts=entries, how_to_undo=how)
    assert (records.outcomes(), records.outcomes(part=1)) == ({GOOD: "skipped"}, {GONE: "skipped"})
    parts = records.record["accounts"][0]["parts"]
    assert {one["reason"] for part in parts for one in part["devices"]} == {f"not sent: {STOP['message']}"}
    assert {one["planned"] for part in parts for one in part["devices"]} == {"assigned", "removed"}
    assert ended["accounts"][0]["summary"] == {"skipped": 2}
    assert (ended["status"], ended["own"][ACCOUNT]["red"]) == ("failed", True)
    count = 2 if others else 3
    assert f"{count} skipped." in ended["remaining"]
    assert any(line.startswith("To undo: ") for line in ended["lines"]) is others
    for path in ended["files"].values():
        page = Path(path).read_text(encoding="utf-8")
        assert "no device of this account" not in page
        assert page.count("Remove the cause") == 1
        assert ("nothing to reverse" in page) is not others
        assert f"Not done: {count} devices" in page
        assert GOOD in page
    assert (
        f"<dd>{count}" in Path(ended["files"]["html"]).read_text(encoding="utf-8").partition("Not as planned")[2][:60]
    )
    for line in (ended["remaining"], *ended["lines"]):
        assert ("Remove the cause, and plan again." in line) is line.startswith("Not everything")


def test_an_account_whose_process_was_killed(records: Records) -> None:
    """The parts that had ended have their reports; the others are in doubt."""
    told = Told()
    begun = records.begin(told)
    records.report("apply-fota.csv", told.reported["fota"])
    other = returned({"account": OTHER, "parts": {}})
    ended = records.run(state="ended", run=begun["run"], accounts=[other])
    assert (records.outcomes(), records.outcomes(part=1)) == ({GOOD: "assigned"}, {GONE: "unknown"})
    assert records.record["accounts"][0]["failure"]["message"].endswith("without a result: the run ended before that.")
    assert records.outcomes(1) == {imei(9): "skipped"}
    assert [account["complete"] for account in ended["accounts"]] == [False, False]


@pytest.mark.parametrize("damage", ["{", "[]", '{"run": "x"}', None])
def test_the_record_that_the_run_began_with_is_gone(records: Records, damage: str | None) -> None:
    """From one place: the other has it. From both: that is told of every account."""
    told = Told()
    begun = records.begin(told)
    records.write(told)
    places = [records.folder / "run.json", records.folder / "history" / f"{begun['run']}.json"]
    for gone, known in ((places[:1], True), (places[1:], True), (places, False)):
        for path in gone:
            path.unlink()
            if damage:
                path.write_text(damage, encoding="utf-8")
        ended = records.end(told, run=begun["run"])
        assert (ended["run"], records.record["run"]) == (begun["run"], begun["run"])
        assert [account["account"] for account in records.record["accounts"]] == [ACCOUNT, OTHER]
        if known:
            assert records.outcomes() == {GOOD: "assigned"}
        else:
            assert ended["status"] == "failed"
            assert all("unknown; see" in account["failure"]["message"] for account in records.record["accounts"])
            assert read_record(str(records.folder / "run.json")).lost, "an undo must not call it unchanged"


def test_a_run_whose_record_could_not_be_read_again_does_not_begin(records: Records) -> None:
    """Whatever it is that cannot be read: without it, nothing could be undone."""
    records.begin(Told())
    path = records.folder / "plan.json"
    plan = json.loads(path.read_text(encoding="utf-8"))
    plan["accounts"][0]["account"] = "nord/west"
    path.write_text(json.dumps(resealed(plan)), encoding="utf-8")
    before = sorted((records.folder / "history").iterdir())
    going = [{"account": "nord/west", "blocked": None}, {"account": OTHER, "blocked": None}]
    refused = records.run(state="started", plan=str(path), accounts=going)
    assert refused["failure"]["code"] == "report_unwritable"
    assert "Nothing was sent." in refused["msg"]
    assert sorted((records.folder / "history").iterdir()) == before


@pytest.mark.parametrize("place", ["history", "dest", "both"])
def test_a_full_disk_after_the_writes(records: Records, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What can be written is, what cannot is as it was, and what came of it is told all the same."""
    told = Told()
    begun = records.begin(told)
    records.write(told)
    real = record_keep.write

    def full(path: str, text: t.Iterable[str], mode: int, *, new: bool) -> None:
        folder = records.folder / ("history" if place == "history" else "")
        if place == "both" or os.path.samefile(os.path.dirname(path), folder):
            raise OSError(28, "No space left on device")
        real(path, text, mode, new=new)

    monkeypatch.setattr(record_keep, "write", full)
    ended = records.end(told, run=begun["run"])
    assert (ended["failure"]["code"], ended["status"]) == ("report_unwritable", "done")
    states = {
        "history": read_record(str(records.folder / "history" / f"{begun['run']}.json")).status,
        "dest": read_record(str(records.folder / "run.json")).status,
    }
    assert states == {name: "running" if place in (name, "both") else "done" for name in states}


@pytest.mark.parametrize("state", ["leaving", "moved"])
def test_the_journal_moves_while_the_run_goes_on(records: Records, state: str) -> None:
    """The files have the end of the run, and nobody says that nothing was sent."""
    told, journal, run = Told(), str(records.folder / "j.db"), records.run
    records.run = lambda **options: run(**options, journal=journal)
    begun = records.begin(told)
    records.write(told)
    with contextlib.closing(open_store(journal, write=True, told=never)) as store, store.writing() as db:
        set_mark(db, Mark(t.cast(t.Any, state), "elsewhere"))
    ended = records.end(told, run=begun["run"])
    assert (ended["failure"]["code"], ended["status"], records.record["status"]) == ("journal_moved", "done", "done")
    assert "Nothing was sent." not in ended["failure"]["message"]
    assert f"whole in {records.folder / 'run.json'}" in ended["failure"]["message"]
    assert "Done as planned" in (records.folder / "run.md").read_text(encoding="utf-8")
    assert (records.folder / "lists" / ACCOUNT / "apply-fota.csv").exists()


def test_a_template_that_fails(records: Records) -> None:
    """At the start, no run begins. At the end, the record is whole, and the built-in page takes its place."""
    own = records.folder / "own"
    own.mkdir()
    told, run = Told(), records.run
    records.run = lambda **options: run(**options, templates=str(own))
    (own / "run.html").write_text("{{ nothing }}", encoding="utf-8")
    failure = records.begin(told)["failure"]
    assert (failure["code"], failure["message"][-17:]) == ("template_failed", "Nothing was sent.")
    assert [path for path in records.folder.rglob("*") if path.suffix in (".json", ".html")] == [
        records.folder / "plan.json",
        own / "run.html",
    ]
    (own / "run.html").write_text("Mine: {{ headline if running else nothing }}", encoding="utf-8")
    begun = records.begin(told)
    assert Path(begun["files"]["html"]).read_text(encoding="utf-8") == "Mine: Not ended"
    records.write(told)
    ended = records.end(told)
    assert (ended["failure"]["code"], ended["status"]) == ("template_failed", "done")
    assert "The record of the run is whole" in ended["failure"]["message"]
    assert "Done as planned" in (records.folder / "run.html").read_text(encoding="utf-8")
    assert read_record(str(records.folder / "run.json")).status == "done"


def test_prices_are_those_of_the_reader(records: Records) -> None:
    """Wrong ones are refused before anything is sent."""
    told = Told()
    begun = records.begin(told)
    going = [{"account": ACCOUNT, "blocked": None}]
    refused = records.run(
        state="started", plan=str(records.folder / "plan.json"), accounts=going, prices={"FOTA": "-1"}
    )
    assert refused["failure"]["code"] == "invalid_options"
    records.write(told)
    ended = records.end(told, run=begun["run"], prices={"FOTA": "1.10"}, currency="EUR")
    page = Path(ended["files"]["markdown"]).read_text(encoding="utf-8")
    assert "**Assigned licenses cost 2.20 EUR more a month.**" in page
    assert "prices" not in records.record


def test_a_later_run_does_not_change_what_a_command_undoes(records: Records) -> None:
    """Without a journal, the next run in the directory replaces the record there."""
    how = {"playbook": "thingspace.licensing.undo", "variables": {"fleet_dest": "undo"}}

    def named() -> tuple[str, str]:
        told = Told()
        begun = records.begin(told)
        records.write(told)
        lines = records.end(told, run=begun["run"], how_to_undo=how)["lines"]
        (command,) = [line for line in lines if line.startswith("To undo: ")]
        (file,) = [word.removeprefix("run=") for word in shlex.split(command) if word.startswith("run=")]
        return begun["run"], file

    runs = [named(), named()]
    assert [read_record(file).run for _run, file in runs] == [run for run, _file in runs]


def test_a_page_that_cannot_be_written(records: Records) -> None:
    told = Told()
    records.begin(told)
    (records.folder / "run.md").unlink()
    (records.folder / "run.md").mkdir()
    records.write(told)
    ended = records.end(told)
    assert (ended["failure"]["code"], ended["status"]) == ("report_unwritable", "done")
    assert read_record(str(records.folder / "run.json")).status == "done"


@pytest.mark.parametrize("place", ["history", "dest"])
def test_a_run_that_cannot_leave_a_record_does_not_begin(records: Records, place: str) -> None:
    (records.folder / "file").write_text("", encoding="utf-8")
    told = Told()
    with contextlib.ExitStack() as stack:
        run = records.run
        records.run = lambda **options: run(**{**options, place: str(records.folder / "file")})
        stack.callback(setattr, records, "run", run)
        begun = records.begin(told)
    assert begun["failure"]["code"] == "report_unwritable"
    assert [path for path in records.folder.rglob("*.json") if path.name != "plan.json"] == []


def test_the_record_of_a_run_in_a_copied_directory_names_what_was_there(records: Records) -> None:
    told = Told()
    first, second = (records.begin(told)["run"] for _run in range(2))
    assert records.record["seen"] == {}
    (records.folder / "history" / ".order").unlink()
    third = records.begin(told)["run"]
    assert first.split("-")[2] == second.split("-")[2] != third.split("-")[2]
    assert records.record["seen"] == {first.split("-")[2]: 2}


def test_two_runs_in_one_directory(records: Records) -> None:
    """The one that began first does not end the other one's record."""
    told = Told()
    first = records.begin(told)
    records.write(told)
    second = records.begin(told)
    records.write(told)
    ended = records.end(told, run=first["run"])
    assert (ended["run"], records.record["run"], records.record["status"]) == (first["run"], second["run"], "running")
    assert read_record(ended["path"]).status == "done"
    records.end(told, run=second["run"])
    assert records.record["status"] == "done"
    history = read_history(str(records.folder / "history"))
    assert [run["run"] for run in history.runs] == [second["run"], first["run"]]
    assert records.record["beside"] == [first["run"]]
    marks = [read_record(str(path)).mark for path in (records.folder / "history").glob("2*.json")]
    assert {*marks} == {first["mark"], second["mark"]}
    assert first["mark"] != second["mark"]
    records.begin(told)
    assert records.record["beside"] == []


def test_runs_in_one_directory_have_their_own_reports(records: Records) -> None:
    """What the second one found done is not what the first one did. The files without a run are of the last one."""
    told, late = Told(), Told()
    late.reported = {"fota": [row(GOOD, "unchanged")], "removal_candidates": [row(GONE, "unchanged")]}
    late.before = [GOOD]
    first = records.begin(told)
    records.write(told)
    second = records.begin(told)
    records.write(late)
    by_run = {}
    for begun in (first, second):
        assert "failure" not in records.end(told, run=begun["run"])
        record = read_record(str(records.folder / "history" / f"{begun['run']}.json")).to_json()
        fota, candidates = record["accounts"][0]["parts"]
        by_run[begun["run"]] = (fota["summary"]["assigned"], candidates["summary"]["removed"], candidates["before"])
    assert by_run == {first["run"]: (1, 1, [GONE, GOOD]), second["run"]: (0, 0, [GOOD])}
    assert "unchanged" in (records.lists / "apply-fota.csv").read_text(encoding="utf-8")
    assert list(records.lists.glob("run-*")) == []


def test_a_plan_that_another_run_replaced(records: Records) -> None:
    """The record would say what the other run was about to do."""
    told = Told()
    records.begin(told)
    going = [{"account": name, "blocked": None, "digest": "0" * 64} for name in (ACCOUNT, OTHER)]
    begun = records.run(state="started", plan=str(records.folder / "plan.json"), accounts=going)
    assert begun["failure"]["code"] == "plan_changed"
    assert len(list((records.folder / "history").glob("*.json"))) == 1


def test_a_run_of_which_nothing_is_known(records: Records) -> None:
    """Nothing is made of nothing."""
    ended = records.run(state="ended", accounts=[], dest=str(records.folder / "none"))
    assert ended["failure"]["code"] == "run_file_invalid"
    assert not (records.folder / "none").exists()


def test_without_a_history(records: Records) -> None:
    told = Told()
    records.run(state="ended", accounts=[told.entry], history=OMIT)
    assert read_record(str(records.folder / "run.json")).status == "failed"


@pytest.mark.parametrize("before", ["changes", "incomplete", "error", "plan_changed", None])
@pytest.mark.parametrize("outcome", [*OUTCOMES, "something else"])
def test_the_word_of_a_run_is_of_what_was_done(records: Records, outcome: str, before: str | None) -> None:
    """Not of what its plan foresaw: what was skipped, failed, is unknown or only accepted is left."""
    told, word = Told(), records.folder / "word"
    told.reported["fota"] = [row(GOOD, outcome)]
    begun = records.begin(told)
    records.write(told)
    if before:
        word.write_text(f"{before}\n", encoding="ascii")
    ended = records.end(told, run=begun["run"], status_file=str(word))
    done = outcome in ("assigned", "removed", "added", "unchanged")
    assert ended["accounts"][0]["complete"] is done
    assert (ended["remaining"] == "") is done
    assert ("apply the same plan again" in ended["remaining"]) is (outcome == "accepted")
    found = word.read_text(encoding="ascii").strip() if word.exists() else None
    assert found == (before if done or before not in ("changes", None) else "incomplete")
    again = records.end(told, run=begun["run"], status_file=OMIT)
    assert again["accounts"] == ended["accounts"]


@pytest.mark.parametrize("left", [0, 1])
@pytest.mark.parametrize("before", ["changes", "error", None])
def test_the_word_of_a_run_is_of_what_its_plan_leaves(records: Records, before: str | None, left: int) -> None:
    """Also where nobody approved that."""
    word = records.folder / "word"
    if before:
        word.write_text(f"{before}\n", encoding="ascii")
    rows = [row(GOOD, "failed")] * left
    made = plan(account(part(incomplete=left), name=ACCOUNT, rows=[rows]))
    (records.folder / "plan.json").write_text(json.dumps(as_json(made)), encoding="utf-8")
    options = {"plan": str(records.folder / "plan.json"), "accounts": [], "status_file": str(word)}
    assert "failure" not in records.run(state="started", **options)
    found = word.read_text(encoding="ascii").strip() if word.exists() else None
    assert found == (before if not left or before == "error" else "incomplete")


def test_what_somebody_else_did_is_done(records: Records) -> None:
    told, word = Told(), records.folder / "word"
    told.planned["removal_candidates"].append(row(imei(3), "removed"))
    begun = records.begin(told)
    records.write(told)
    ended = records.end(told, run=begun["run"], status_file=str(word))
    assert records.outcomes(part=1)[imei(3)] == "skipped"
    assert (ended["accounts"][0]["complete"], word.exists()) == (True, False)


OUTCOME = {"assigned": "done", "failed": "incomplete"}


@pytest.mark.parametrize("fail_on", ["error", "guard_tripped", "incomplete", "changes"])
@pytest.mark.parametrize("outcome", OUTCOME)
def test_the_last_lines_and_whether_the_run_is_red(records: Records, outcome: str, fail_on: str) -> None:
    told = Told()
    told.reported["fota"] = [row(GOOD, outcome)]
    begun = records.begin(told)
    assert begun["lines"] == []
    records.write(told)
    ended = records.end(told, run=begun["run"], fail_on=fail_on)
    status, *left, page, record, digest = ended["lines"]
    assert status == f"Status: {OUTCOME[outcome]}"
    assert OUTCOME[outcome] == ended["status"] == records.record["status"]
    for path in ended["files"].values():
        assert f"{status}. Started" in Path(path).read_text(encoding="utf-8")
    assert (page, record) == (f"Run: {ended['files']['markdown']}", f"Record: {ended['path']}")
    assert digest == f"Digest: {records.record['plan']}"
    assert left == ([] if outcome == "assigned" else [ended["remaining"].removesuffix(f" See {ended['path']}.")])
    red = outcome == "failed" and fail_on in ("incomplete", "changes")
    assert [own["red"] for own in ended["own"].values()] == [red, red]
    assert ended["own"][OTHER]["text"].startswith("Not everything is as wanted. " if red else "1 assigned.")


def test_what_the_plan_left_is_not_as_wanted_after_the_run(records: Records) -> None:
    """Although the run did all that was planned."""
    told = Told()
    records.begin(told)
    path = records.folder / "plan.json"
    changed = json.loads(path.read_text(encoding="utf-8"))
    left = [{"device_id": imei(7), "outcome": "unchanged", "reason": "it holds two licenses"}]
    changed["accounts"][1]["incomplete"] = left
    path.write_text(json.dumps(resealed(changed)), encoding="utf-8")
    going = [{"account": ACCOUNT, "blocked": None}, {"account": OTHER, "blocked": None}]
    begun = records.run(state="started", plan=str(path), accounts=going)
    records.mark = begun["mark"]
    records.write(told)
    ended = records.end(told, run=begun["run"], fail_on="incomplete")
    assert ended["remaining"] == ""
    assert ended["lines"][0] == "Status: incomplete"
    assert ended["lines"][1].startswith("1 device is not as wanted")
    assert ended["lines"][1] in ended["own"][ACCOUNT]["text"]
    assert all(own["red"] for own in ended["own"].values())


@pytest.mark.parametrize(
    ("planned", "reported", "stays"),
    [
        ("skipped", "skipped", ["skipped"]),
        ("failed", "failed", ["failed"]),
        ("accepted", "accepted", ["accepted"]),
        ("accepted", None, ["accepted"]),
        ("failed", "skipped", ["skipped"]),
        ("accepted", "unchanged", []),
        # It may have been sent.
        ("skipped", "unknown", None),
        ("skipped", "failed", None),
        ("accepted", "assigned", None),
    ],
)
def test_what_a_part_was_planned_to_leave(
    records: Records, planned: str, reported: str | None, stays: list[str] | None
) -> None:
    """It is no device of the run, which was as planned, unless something else became of it."""
    told = Told()
    records.begin(told)
    path = records.folder / "plan.json"
    changed = json.loads(path.read_text(encoding="utf-8"))
    part_ = changed["accounts"][0]["parts"][0]
    part_["incomplete"] = [{"device_id": imei(7), "outcome": planned, "reason": "It was so."}]
    part_["plan"]["incomplete"] = 1
    path.write_text(json.dumps(resealed(changed)), encoding="utf-8")
    going = [{"account": ACCOUNT, "blocked": None}, {"account": OTHER, "blocked": None}]
    begun = records.run(state="started", plan=str(path), accounts=going)
    records.mark = begun["mark"]
    if reported:
        told.reported["fota"].append(row(imei(7), reported, "It is so."))
    records.write(told)
    ended = records.end(told, run=begun["run"])
    made = records.record["accounts"][0]["parts"][0]
    assert [one["outcome"] for one in made.get("left", [])] == (stays or [])
    assert records.outcomes().get(imei(7)) == (None if stays is not None else reported)
    as_planned = stays is not None or reported == "assigned"
    assert (ended["accounts"][0]["complete"], ended["remaining"] == "") == (as_planned, as_planned)
    assert ended["status"] == "incomplete"
    for file in ended["files"].values():
        page = Path(file).read_text(encoding="utf-8")
        assert ("Done as planned" in page) is as_planned
        assert "1 device is not as wanted, which this plan does not change." in page
        assert ("Not as wanted, and left so by the plan" in page) is bool(stays)
        assert (imei(7) in page) is (reported != "unchanged")


def test_an_account_that_failed_is_red_and_says_why(records: Records) -> None:
    told = Told()
    told.entry["parts"]["fota"]["failure"] = {"code": "login_refused", "message": "Who are you?"}
    ended = records.whole(told)
    first, second = ended["own"][ACCOUNT], ended["own"][OTHER]
    assert (first["red"], second["red"], second["text"]) == (True, False, "1 assigned.")
    assert "Who are you?" in first["text"]


def test_the_page_of_a_run_is_shown_on_request(records: Records) -> None:
    told = Told()
    begun = records.begin(told)
    records.write(told)
    ended = records.end(told, run=begun["run"], show=True)
    page = Path(ended["files"]["markdown"]).read_text(encoding="utf-8").splitlines()
    assert ended["lines"][: len(page)] == page
    assert ended["lines"][len(page)] == "Status: done"


def test_accounts_stop_together_only_on_request(records: Records) -> None:
    """Each run has a place of its own for it, which goes at its end."""
    told = Told()
    assert records.begin(told)["stop_together"] == ""
    records.write(told)
    options = {"state": "started", "plan": str(records.folder / "plan.json"), "any_errors_fatal": True}
    runs = [records.run(**options, accounts=[{"account": ACCOUNT, "blocked": None}]) for _run in range(2)]
    places = [Path(run["stop_together"]) for run in runs]
    assert len(set(places)) == 2
    for place in places:
        place.mkdir()
    records.end(told, run=runs[1]["run"])
    assert [place.exists() for place in places] == [True, False]
