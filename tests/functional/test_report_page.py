# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report in a real browser, with values from somebody who means harm: they are text, and nothing else happens."""

from __future__ import annotations

import csv
import html.parser
import json
import os
import re
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._report.data import (
    AccountData,
    Device,
    WantedLicenses,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._report.stored import store
from ansible_collections.thingspace.licensing.tests.support.harness import ACCOUNT, Json, Module

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 90

HOSTILE = (
    "<script>document.title = 'owned'</script>",
    '" onload="document.title = 1',
    "</style><h1>owned</h1>",
    "</title></head><body onload=alert(1)>",
    "<img src=x onerror=alert(1)>",
    "=HYPERLINK(1)",
    "@SUM(1)",
    "\u202egnp.exe",
    "W" * 400,
    "| a | b |\n# heading `code` [x](http://a)",
)


@pytest.fixture
def hostile(tmp_path: Path, module: Module) -> Json:
    """The options of a report in which whatever can be named is named by an enemy."""
    devices = [str(990_000_000_000_000 + number) for number in range(len(HOSTILE))]
    data = AccountData(
        ACCOUNT,
        shrink_to=4,
        fota_pool={"total": 40, "assigned": 10, "available": 30},
        fota=dict.fromkeys(devices, "2020-01-01T00:00:00Z"),
        upgrades_unread="".join(HOSTILE),
        candidates=devices,
        devices=[Device(device, "", value, value) for device, value in zip(devices, HOSTILE, strict=True)],
        subscriptions=[{"sku": value, "purchased": 5, "assigned": 2, "available": 3} for value in HOSTILE],
        journal={},
        wanted=WantedLicenses(HOSTILE[0], dict.fromkeys(devices[1:]), {"FOTA": True}, None, None, {}),
    )
    store(data, str(tmp_path / "account.json"))
    one: Json = {"account": ACCOUNT, "data_file": str(tmp_path / "account.json")}
    failing = [{"account": value, "failure": {"code": value, "message": value}} for value in HOSTILE]
    history = tmp_path / "history"
    history.mkdir()
    (history / "'\"><script>alert(1)<!--.json").write_text("{}", encoding="utf-8")
    return {
        "accounts": [one, *failing],
        "account": None,
        "dest": str(tmp_path / "report"),
        "title": "".join(HOSTILE[:4]),
        "currency": HOSTILE[0],
        "prices": dict.fromkeys([*HOSTILE, "FOTA"], "0.50"),
        "reclaim_states": list(HOSTILE),
        "history": str(history),
    }


class Page(html.parser.HTMLParser):
    """The elements of a page, each with its attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def check(page: Page) -> None:
    """Nothing is there but what the report is made of, and the values are text."""
    tags = {tag for tag, _attributes in page.elements}
    assert tags.isdisjoint({"script", "img", "iframe", "object", "link", "form", "base"})
    names = {name for tag, attributes in page.elements for name in attributes if tag != "a"}
    assert not any(name.startswith("on") or name in ("href", "src", "style", "srcdoc") for name in names), names
    links = [attributes for tag, attributes in page.elements if tag == "a"]
    assert all(link.keys() == {"href"} and re.fullmatch("#[a-z]+", link["href"] or "") for link in links), links
    assert [tag for tag, _attributes in page.elements].count("h1") == 1
    for value in HOSTILE[:7]:
        assert value in page.text
    assert "\\u202egnp.exe" in page.text
    assert "\u202e" not in page.text


def test_nothing_in_the_html_is_markup(hostile: Json, module: Module) -> None:
    made = module("fleet_report", **hostile)
    assert not made.failed, made.message
    page = Page(Path(made.result["files"]["html"]).read_text(encoding="utf-8"))
    check(page)
    assert ("meta", "default-src 'none'; style-src 'unsafe-inline'") in [
        (tag, attributes.get("content")) for tag, attributes in page.elements
    ]


def test_nothing_in_the_other_files_is_a_formula_or_markup(hostile: Json, module: Module) -> None:
    files = module("fleet_report", **hostile).result["files"]
    with Path(files["csv"]).open(encoding="utf-8", newline="") as stream:
        cells = [cell for row in csv.reader(stream) for cell in row]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
    assert {"'=HYPERLINK(1)", "'@SUM(1)"} <= set(cells)
    text = Path(files["markdown"]).read_text(encoding="utf-8")
    for line in text.splitlines():
        assert not re.search(r"(?<!\\)<(?!/?details>|/?summary>)", line), line
        assert not re.search(r"(?<!\\)\[", line), line
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows
    assert len(re.findall("^#(?!#)", text, re.M)) == 1
    document = json.loads(Path(files["json"]).read_text(encoding="utf-8"))
    assert [row["state"] for row in document["tables"]["candidates"]["rows"]][5] == "=HYPERLINK(1)"


# Runs beside the page, not in it: the page's own rule allows no script.
MEASURE = """
const out = [];
for (const width of [360, 1280]) {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width:${width}px;height:4000px;border:0`;
  frame.srcdoc = PAGE;
  const loaded = new Promise(resolve => frame.onload = resolve);
  document.body.append(frame);
  await loaded;
  const inner = frame.contentDocument;
  const either = () => [...inner.querySelectorAll(".either")].map(one =>
    ["figure", "table"].filter(name => one.querySelector(name).checkVisibility()).join(" and "));
  const folded = either();
  for (const fold of inner.querySelectorAll("details")) fold.open = true;
  const wide = [...inner.querySelectorAll("body *")].filter(one => {
    const box = one.getBoundingClientRect();
    const scrolled = one.closest(".wide");
    return (box.right > width + 1 || box.left < -1) && (!scrolled || scrolled === one);
  }).map(one => one.outerHTML.slice(0, 200));
  const bars = [...inner.querySelectorAll("svg[role=img]")].map(one => ({
    told: one.getAttribute("aria-label"),
    width: one.getBoundingClientRect().width,
    height: one.getBoundingClientRect().height,
    parts: [...one.querySelectorAll("rect")].map(part =>
      [part.getAttribute("class"), part.getBoundingClientRect().width])
  }));
  const numbers = [...inner.querySelectorAll("th.number, td.number")].filter(one => one.checkVisibility())
    .map(one => inner.defaultView.getComputedStyle(one).textAlign);
  out.push({width, wide, bars, folded, open: either(), numbers: [...new Set(numbers)],
    title: inner.title, page: inner.documentElement.scrollWidth,
    text: inner.body.innerText, tags: [...new Set([...inner.querySelectorAll("*")].map(one => one.localName))]});
}
document.getElementById("out").textContent = JSON.stringify(out);
"""


def measured(page: Path, folder: Path) -> list[Json]:
    """What the browser makes of a page at the width of a phone and of a screen."""
    text = json.dumps(page.read_text(encoding="utf-8")).replace("<", "\\u003c")
    book = folder / "measure.html"
    script = f"const PAGE = {text};\n(async () => {{{MEASURE}}})();"
    book.write_text(
        f'<!doctype html><meta charset="utf-8"><body><pre id="out"></pre><script>{script}</script>', "utf-8"
    )
    command = [
        str(BROWSER),
        *FLAGS,
        f"--user-data-dir={folder / 'browser'}",
        "--virtual-time-budget=20000",
        "--dump-dom",
    ]
    environment = {**os.environ, "HOME": str(folder)}
    done = subprocess.run(
        [*command, book.as_uri()],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=environment,
    )
    found = re.search(r'<pre id="out">(.+?)</pre>', done.stdout, re.S)
    assert found, done.stdout[:2000] + done.stderr[-2000:]
    return t.cast("list[Json]", json.loads(html.unescape(found[1])))


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_hostile_values_in_a_browser(hostile: Json, module: Module, tmp_path: Path) -> None:
    """They are text, no element is wider than a phone but in what scrolls, and the charts show the numbers."""
    made = module("fleet_report", **hostile)
    for seen in measured(Path(made.result["files"]["html"]), tmp_path):
        assert seen["wide"] == []
        assert seen["page"] <= seen["width"]
        assert seen["title"].startswith("<script>document.title = 'owned'</script>")
        assert set(seen["tags"]).isdisjoint({"script", "img", "iframe"})
        for value in HOSTILE[:7]:
            assert value in seen["text"]
        bars = {chart["told"]: chart for chart in seen["bars"]}
        pool = bars[f"{ACCOUNT} FOTA: 10 assigned, 30 free"]
        ((assigned, quarter), (free, rest)) = pool["parts"]
        assert (assigned, free) == ("c1", "c0")
        assert pool["height"] > 10
        assert quarter == pytest.approx(pool["width"] / 4, abs=0.5)
        assert rest == pytest.approx(pool["width"] * 3 / 4, abs=0.5)
        drift = bars[f"{ACCOUNT} FOTA: 9 as wanted, 0 not wanted but left alone, 0 missing, 1 extra, 0 unknown"]
        assert [part[1] for part in drift["parts"]] == pytest.approx(
            [drift["width"] * 0.9, drift["width"] * 0.1], abs=0.5
        )
        unneeded = "0 can be removed, 9 wanted by the fleet files, 0 can never be removed"
        assert f"{ACCOUNT} FOTA: {unneeded}, 1 unknown whether it can be removed" in bars
        assert seen["numbers"] == ["right"]
        # The third chart has columns, and its table is folded.
        on_phone = seen["width"] == 360
        assert on_phone or next(chart["height"] for told, chart in bars.items() if told.startswith("FOTA lic")) > 100
        both = "figure" if on_phone else "figure and table"
        assert seen["folded"] == [both, both, "figure", both, both, both]
        assert seen["open"] == [both, both, "table" if on_phone else both, both, both, both]


def test_bad_options_are_told_at_once(hostile: Json, module: Module, tmp_path: Path) -> None:
    """And nothing is written, neither the report nor the history."""
    entries = [*hostile["accounts"][:1], {"account": ACCOUNT, "reports": "work", "fota": {}}, {"failed": True}]
    wrong = {"accounts": entries, "prices": {"FOTA": "-1"}, "idle_days": 0, "formats": []}
    refused = module("fleet_report", **{**hostile, **wrong})
    assert refused.code == "invalid_options"
    for told in (
        "twice",
        "fota, reports for",
        "fleet_account_info reads",
        "needs an 'account'",
        "not a price",
        "'idle_days'",
        "'formats'",
    ):
        assert told in refused.message
    assert not (tmp_path / "report").exists()
    assert [path.suffix for path in (tmp_path / "history").iterdir()] == [".json"]


def test_places_that_cannot_be_written(hostile: Json, module: Module, tmp_path: Path) -> None:
    """Of the two, the report is there when only the history cannot be kept."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    for dest in ("file", "file/report"):
        assert module("fleet_report", **{**hostile, "dest": str(tmp_path / dest)}).code == "report_unwritable"
    made = module("fleet_report", **{**hostile, "history": str(tmp_path / "file")})
    assert made.code == "report_unwritable"
    assert "The report itself was" in made.message
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == [
        "report.csv",
        "report.html",
        "report.json",
        "report.md",
    ]
