# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of accounts, as the module makes it of what each account returned in check mode."""

from __future__ import annotations

import csv
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.modules import fleet_plan
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei
from ansible_collections.thingspace.licensing.tests.support.module_runner import Run, runner

Json = dict[str, t.Any]

OTHER = "0000123456-00009"
CLOSED = {"name": "holidays", "until": "2199-01-01"}
UNREADABLE = {"name": "holidays", "until": "soon"}


class Plan:
    """Runs the module on accounts that get licenses."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.folder, self.run = folder, run
        self.dest = folder / "plan"

    def entry(self, count: int = 2, name: str = ACCOUNT, **more: t.Any) -> Json:
        """What an account returned, with its report."""
        reports = self.folder / name
        reports.mkdir(exist_ok=True)
        rows = [(imei(number), "assigned", "") for number in range(count)]
        with (reports / "plan-fota.csv").open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([("device_id", "outcome", "reason"), *rows])
        plan = {"state": "exact", "assign": count, "remove": 0, "unchanged": 0, "digest": "d" * 64}
        part = {"kind": "fota", "list": "fota", "api_version": "v3", "result": {"plan": plan}}
        fixed = {"account": name, "wanted": "w", "file": "fleet.yml", "reports": str(reports)}
        return {**fixed, "parts": [part], **more}

    def __call__(self, *entries: Json, **options: t.Any) -> Json:
        return self.run(accounts=list(entries), **{"dest": str(self.dest), **options})

    def refused(self, *entries: Json, **options: t.Any) -> str:
        """The problems of what is refused. Nothing is written."""
        before = sorted(self.folder.rglob("*"))
        failure = self(*entries, **options)["failure"]
        assert failure["code"] == "invalid_options"
        assert sorted(self.folder.rglob("*")) == before
        return str(failure["message"])


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Plan:
    return Plan(tmp_path, runner(fleet_plan.main, None, monkeypatch, capsys))


@pytest.mark.parametrize("report", [None, "device_id,outcome,reason\n"])
def test_changes_whose_devices_nobody_can_see_are_no_plan(plan: Plan, report: str | None) -> None:
    entry = plan.entry()
    path = Path(entry["reports"]) / "plan-fota.csv"
    path.unlink()
    if report is not None:
        path.write_text(report, encoding="utf-8")
    made = plan(entry, plan.entry(name=OTHER))
    assert [account["status"] for account in made["accounts"]] == ["error", "changes"]
    assert str(path) in made["own"][ACCOUNT]["text"]
    assert made["accounts"][0]["blocked"]["code"] == "file_unreadable"


@pytest.mark.parametrize(
    ("entry", "code", "message"),
    [
        ({"failure": {"code": "login_refused", "message": "No."}, "msg": "No."}, "login_refused", "No."),
        ({"msg": "The task was killed."}, "failed", "The task was killed."),
        ({"failure": "odd", "msg": "It is odd."}, "failed", "It is odd."),
    ],
)
def test_an_account_without_a_plan_does_not_stop_the_others(plan: Plan, entry: Json, code: str, message: str) -> None:
    made = plan({"account": ACCOUNT, **entry}, plan.entry(name=OTHER), state="applying")
    assert made["accounts"][0]["blocked"] == {"code": code, "message": message}
    assert [own["red"] for own in made["own"].values()] == [True, False]
    assert (made["status"], made["next"]) == ("error", "apply")
    together = plan({"account": ACCOUNT, **entry}, plan.entry(name=OTHER), state="applying", any_errors_fatal=True)
    assert together["failure"]["code"] == code


@pytest.mark.parametrize("odd", ["nord/west", "S\u00fcd", f"{ACCOUNT} ", "a\nb", "-x", "x" * 65, ".."])
def test_a_name_that_no_record_can_have(plan: Plan, odd: str) -> None:
    """It is told before anything is written, whether or not the account has a plan."""
    entries = [plan.entry(name=OTHER), {**plan.entry(), "account": odd}, {"account": odd, "msg": "No file names it."}]
    for entry in entries[1:]:
        failure = plan(entries[0], entry)["failure"]
        assert failure["code"] == "invalid_account"
        assert "which is not an account name" in failure["message"]
        assert not plan.dest.exists()


def test_entries_that_are_no_accounts(plan: Plan) -> None:
    """All of them are told at once."""
    message = plan.refused({"x": 1}, {"account": "a"}, plan.entry(), plan.entry())
    assert "each entry of 'accounts' needs an 'account'" in message
    assert "the entry of account a has neither 'parts' nor a 'failure'" in message
    assert f"the account {ACCOUNT} is there 2 times" in message


def test_a_freeze_window_of_an_account(plan: Plan) -> None:
    """Holds back that account only. One that cannot be read stops the plan, because nobody knows what it holds back."""
    entries = (plan.entry(freeze=[CLOSED]), plan.entry(name=OTHER))
    made = plan(*entries, state="applying")
    assert [account["blocked"] and account["blocked"]["code"] for account in made["accounts"]] == ["frozen", None]
    assert "'until'" in plan.refused(plan.entry(freeze=[UNREADABLE]), state="applying")
    for window in (CLOSED, UNREADABLE):
        ignoring = plan(plan.entry(freeze=[window]), ignore_freeze=True)
        assert ignoring["accounts"][0]["blocked"] is None


def test_an_approved_plan_is_not_written_over(plan: Plan) -> None:
    """A plan that differs is written to another place, where its page says that it is not the approved one."""
    made = plan(plan.entry())
    approved = made["files"]["json"]
    assert "must not be written over" in plan.refused(plan.entry(3), approved=approved)
    other = plan(plan.entry(3), approved=approved, dest=str(plan.folder / "other"))
    assert other["failure"]["code"] == "plan_changed"
    document = json.loads((plan.folder / "other" / "plan.json").read_text(encoding="utf-8"))
    assert document["totals"]["assign"] == 3
    assert "This is not the approved plan." in (plan.folder / "other" / "plan.md").read_text(encoding="utf-8")
    before = Path(approved).read_bytes()
    by_digest = plan(plan.entry(3), approved=json.loads(before)["digest"])
    assert (by_digest["failure"]["code"], Path(approved).read_bytes()) == ("plan_changed", before)
    same = plan(plan.entry(), approved=approved, dest=str(plan.folder / "same"), state="applying")
    assert ("failure" in same, same["approved"], same["digest"]) == (False, True, made["digest"])


def test_a_plan_that_is_shown(plan: Plan) -> None:
    made = plan(plan.entry(), show=True)
    page = Path(made["files"]["markdown"]).read_text(encoding="utf-8").splitlines()
    assert made["lines"][: len(page)] == page
    assert made["lines"][len(page)] == "Status: changes"
    assert plan(plan.entry(), show=True, dest="")["lines"][0] == "Status: changes"


def test_accounts_whose_hosts_are_gone(plan: Plan) -> None:
    """They are named, also to a host that goes on although Ansible calls it gone. Another host may have planned one."""
    for dropped, gone in (([OTHER], [OTHER]), ([ACCOUNT], []), ([ACCOUNT, OTHER], [OTHER])):
        made = plan(plan.entry(), state="applying", dropped=dropped)
        assert [name for name, own in made["own"].items() if own["red"]] == gone
        assert made["own"][ACCOUNT]["goes_on"]
        assert all(f"Not planned: {OTHER}." in made["own"][name]["text"] for name in gone)
        fatal = plan(plan.entry(), state="applying", dropped=dropped, any_errors_fatal=True)
        assert ("failure" in fatal) is bool(gone)
    for state in ("planned", "applying"):
        path = plan.folder / f"{state}.status"
        assert "There is no plan." in plan(state=state, dropped=[OTHER], status_file=str(path))["failure"]["message"]
        assert path.read_text(encoding="utf-8").strip() == "error"


@pytest.mark.parametrize("state", ["planned", "applying"])
def test_the_status_replaces_nothing_but_a_status(plan: Plan, state: str) -> None:
    """Such as a fleet file, or the approved plan. The file of a temporary name is empty."""
    path = plan.folder / "word"
    for content in (
        "sesame\n",
        f"{chr(10) * 100}990000000000001\n",
        "account: 0000123456-00001\n",
        '{"digest": "x"}',
        "imei\n990000000000001\n",
    ):
        path.write_text(content, encoding="utf-8")
        assert "is no status file" in plan.refused(plan.entry(), state=state, status_file=str(path))
        assert path.read_text(encoding="utf-8") == content
    path.unlink()
    for place in (plan.dest / "plan.json", plan.dest / "run.json", plan.folder / "journal.db"):
        options = {"status_file": str(place), "journal": str(plan.folder / "journal.db")}
        assert "is the place of another file" in plan.refused(plan.entry(), state=state, **options)
    for content in ("", "changes\n"):
        path.write_text(content, encoding="utf-8")
        assert "failure" not in plan(plan.entry(), state=state, status_file=str(path))
        assert path.read_text(encoding="utf-8") == "changes\n"
