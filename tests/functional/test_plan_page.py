# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages of a plan and of a run in a real browser, with values from somebody who means harm."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.functional.test_report_page import (
    BROWSER,
    HOSTILE,
    Page,
    check,
    measured,
)
from ansible_collections.thingspace.licensing.tests.support.harness import ACCOUNT, Json, Module

MANY = 1200
# No other characters are possible, and no longer name.
OTHERS = ["W" * 64, *(f"0000999999-{number:05}" for number in range(1, len(HOSTILE)))]
STOPPED = "not sent: the plan was stopped; it would be "


@pytest.fixture
def hostile(tmp_path: Path) -> Json:
    """The options of a plan in which whatever can be named is named by an enemy."""
    lists = tmp_path / "lists"
    (lists / ACCOUNT).mkdir(parents=True)

    def rows(name: str, *found: tuple[str, str, str]) -> None:
        with (lists / ACCOUNT / f"plan-{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([("device_id", "outcome", "reason"), *found])

    removed = [(value, "skipped", f"{STOPPED}removed") for value in HOSTILE]
    assigned = [(f"99000000000{number:04}", "skipped", f"{STOPPED}assigned") for number in range(MANY)]
    rows("fota", *assigned, *removed)
    rows("simsec", *((value, "failed", value) for value in HOSTILE))
    limits = {"code": "guard_tripped", "message": HOSTILE[0]}
    pool = {"total": 5000, "assigned": 3000, "available": 2000}
    counts = {"state": "exact", "assign": MANY, "remove": len(HOSTILE), "digest": "d"}
    fota = {"plan": counts, "failure": limits, "licenses": pool}
    simsec = {"plan": {"state": "present", "assign": 0, "incomplete": len(HOSTILE)}, "licenses": None}
    return {
        "accounts": [
            {
                "account": ACCOUNT,
                "file": HOSTILE[4],
                "wanted": "w",
                "sets": [{"name": value, "count": 5} for value in HOSTILE],
                "reports": str(lists / ACCOUNT),
                "parts": [
                    {"kind": "fota", "list": "fota", "result": fota},
                    {"kind": "simsec", "list": "simsec", "sku": HOSTILE[1], "id_kind": "imei", "result": simsec},
                ],
            },
            *(
                {"account": name, "failure": {"code": "api_rejected", "message": value}}
                for name, value in zip(OTHERS, HOSTILE, strict=True)
            ),
        ],
        "account": None,
        "dest": str(tmp_path / "plan"),
    }


def test_nothing_in_the_pages_is_markup(hostile: Json, module: Module) -> None:
    made = module("fleet_plan", **hostile)
    assert not made.failed, made.message
    files = made.result["files"]
    page = Page(Path(files["html"]).read_text(encoding="utf-8"))
    links = [element for element in page.elements if element[0] == "a"]
    page.elements = [element for element in page.elements if element[0] != "a"]
    check(page)
    ids = {attributes["id"] for _tag, attributes in page.elements if "id" in attributes}
    assert links
    assert {attributes["href"] for _tag, attributes in links} <= {f"#{name}" for name in ids}, "the contents list"
    text = Path(files["markdown"]).read_text(encoding="utf-8")
    assert len(re.findall("^#(?!#)", text, re.M)) == 1
    for line in text.splitlines():
        assert not re.search(r"(?<!\\)<(?!/?details>|/?summary>)", line), line
        assert not re.search(r"(?<!\\)\[", line), line


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_a_plan_in_a_browser(hostile: Json, module: Module, tmp_path: Path) -> None:
    """Nothing is wider than a phone but in what scrolls, and what an approver must know is there."""
    made = module("fleet_plan", **hostile)
    assert not made.failed, made.message
    for seen in measured(Path(made.result["files"]["html"]), tmp_path):
        assert seen["wide"] == []
        assert seen["page"] <= seen["width"]
        assert set(seen["tags"]).isdisjoint({"script", "img", "iframe"})
        text = " ".join(seen["text"].split())
        for told in (
            *HOSTILE[:5],
            "1,200 to assign, 10 to remove in 1 of 11 accounts",
            "Pools, if this plan is applied",
            "3,000",
            "4,190",
            "The plan exceeds a limit",
            "An approval lets this through",
            f"approved={made.result['digest']}",
            "Remove: 8 of 10 shown",
            "Assign: 991 of 1,200 shown",
        ):
            assert told in text, told
        assert text.index("Remove: 8 of 10") < text.index("Assign: 991 of 1,200")


@pytest.mark.parametrize("name", ["plan.html", "plan.md"])
def test_a_template_that_fails_changes_no_file(hostile: Json, module: Module, tmp_path: Path, name: str) -> None:
    first = module("fleet_plan", **hostile)
    before = {path: path.read_bytes() for path in (tmp_path / "plan").iterdir()}
    own = tmp_path / "own"
    own.mkdir()
    (own / name).write_text("one\n{{ no_such_value }}", encoding="utf-8")
    failed = module("fleet_plan", **{**hostile, "accounts": hostile["accounts"][1:]}, templates=str(own))
    assert failed.code == "template_failed"
    assert f"{name}, line 2 in {own}" in failed.message
    assert {path: path.read_bytes() for path in (tmp_path / "plan").iterdir()} == before
    (own / name).write_text("Mine: {{ headline }}", encoding="utf-8")
    made = module("fleet_plan", **hostile, templates=str(own))
    assert made.result["digest"] == first.result["digest"]
    assert (tmp_path / "plan" / name).read_text(encoding="utf-8") == "Mine: No plan for some accounts"
    assert module("fleet_plan", **hostile, templates=str(tmp_path / "none")).code == "invalid_options"


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_a_run_in_a_browser(hostile: Json, module: Module, tmp_path: Path) -> None:
    """As it begins: what is planned, and that nobody knows its outcome yet."""
    plan = module("fleet_plan", **hostile).result["files"]["json"]
    accounts = [
        {"account": ACCOUNT, "blocked": None},
        {"account": OTHERS[0], "blocked": {"code": "x", "message": " ".join(HOSTILE[:2])}},
    ]
    places = {"account": None, "reports": str(tmp_path / "lists"), "dest": str(tmp_path / "apply")}
    begun = module("fleet_run", state="started", plan=plan, accounts=accounts, **places)
    assert not begun.failed, begun.message
    for seen in measured(Path(begun.result["files"]["html"]), tmp_path):
        assert seen["wide"] == []
        assert seen["page"] <= seen["width"]
        assert set(seen["tags"]).isdisjoint({"script", "img", "iframe"})
        text = " ".join(seen["text"].split())
        for told in (*HOSTILE[:2], "Not ended", "Result unknown: 1,000 of 1,210 shown", "planned: assigned"):
            assert told in text, told
