# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the pages of a report show of three accounts of different sizes."""

from __future__ import annotations

import datetime
import re
import typing as t
import xml.etree.ElementTree as ET

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._report.charts import MAX_BARS, columns
from ansible_collections.thingspace.licensing.plugins.module_utils._report.data import (
    AccountData,
    Device,
    ReadFailure,
    WantedLicenses,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._report.document import Tables, make_document
from ansible_collections.thingspace.licensing.plugins.module_utils._report.history import History
from ansible_collections.thingspace.licensing.plugins.module_utils._report.html import as_html
from ansible_collections.thingspace.licensing.plugins.module_utils._report.lines import lines_of
from ansible_collections.thingspace.licensing.plugins.module_utils._report.markdown import as_markdown
from ansible_collections.thingspace.licensing.plugins.module_utils._report.reclaim import Rules
from ansible_collections.thingspace.licensing.plugins.module_utils._report.section import ReportSettings, section_of

Json = dict[str, t.Any]
TODAY = datetime.date(2026, 11, 21)
ONE, TWO, THREE = (f"0000123456-0000{number}" for number in (1, 2, 3))


def account(
    name: str, devices: int, held: int, total: int, wanted: int, *, span: int, exact: bool = True
) -> AccountData:
    """The first devices hold a license, assigned evenly over so many days; the last ones are wanted to hold one."""
    ids = [f"{name[-1]}{number:05}" for number in range(devices)]
    when = [(TODAY - datetime.timedelta(number % span)).isoformat() + "T12:00:00Z" for number in range(held)]
    named = [*ids[: held - 5], *ids[held : held + wanted]]
    return AccountData(
        name,
        fota_pool={"total": total, "assigned": held, "available": total - held},
        fota=dict(zip(ids, when, strict=False)),
        subscriptions=[{"sku": "SIMSec-IoT", "purchased": 40, "assigned": 0, "available": 40}],
        candidates=ids[:2],
        devices=[Device(device, "", "active", "") for device in ids],
        wanted=WantedLicenses("f.yml", dict.fromkeys(named), {"FOTA": exact, "simsec": False}, None, None, {}),
    )


def made(accounts: t.Iterable[AccountData]) -> Json:
    rules = Rules(TODAY, frozenset())
    run = {"started": "2026-11-20T10:20:30Z", "kind": "apply", "status": "done", "accounts": 3, "accounts_failed": 0}
    sections, tables = [], Tables()
    for data in accounts:
        lines = lines_of(data, rules)
        tables.add(data.name, lines)
        sections.append(section_of(data, lines, ReportSettings(rules, {}, History([], {}, []))))
    plain = {"title": "t", "created": "2026-11-21 00:00:00 UTC", "currency": "", "csv": None, "idle_days": None}
    return make_document(sections, tables, [{**run, "summary": {"assigned": 7}}], [], reclaim_states=[], **plain)


@pytest.fixture(scope="module")
def document() -> Json:
    small = account(ONE, 300, 200, 209, 46, span=90)
    large = account(TWO, 2000, 1890, 2600, 55, span=180, exact=False)
    third = account(THREE, 120, 50, 100, 6, span=300)
    third.failures.append(ReadFailure("the device list", "request_refused", "Not now."))
    return made([small, large, third])


@pytest.fixture(scope="module")
def page(document: Json) -> str:
    return as_html(document)


def figure(page: str, caption: str) -> dict[str, tuple[str, dict[str, float]]]:
    """By the label of each piece, its note and the lengths by color."""
    found = re.search(rf"<figure><figcaption>{caption}.*?</figure>", page)
    assert found
    bars: dict[str, tuple[str, dict[str, float]]] = {}
    for piece in ET.fromstring(found[0]).iterfind("div"):
        label, note = (span.text or "" for span in piece.iterfind("p/span"))
        bars[label] = (note, {rect.attrib["class"]: float(rect.attrib["width"]) for rect in piece.iterfind("svg/rect")})
    return bars


def table(page: str, section: str) -> list[list[ET.Element]]:
    """The cells of the first table of a section."""
    found = re.search(r"<table.*?</table>", page[page.index(f'<section id="{section}">') :])
    assert found
    return [list(row) for row in ET.fromstring(found[0]).iterfind(".//tr")]


def texts(rows: list[list[ET.Element]]) -> list[list[str]]:
    return [[cell.text or "" for cell in row] for row in rows]


def test_the_pool_that_runs_dry_first_stands_out(document: Json, page: str) -> None:
    """It is the first figure, with a color of its own, and the first thing that Markdown says."""
    first = re.search(r'<dl class="tiles"><div class="(\w*)"><dt>(.*?)</dt><dd>(.*?) <small>(.*?):', page)
    assert first
    assert first.groups() == ("bad", "First pool to run dry", "3 days", f"FOTA of {ONE}")
    assert page.count('<div class="bad">') == 1
    assert "\n**First pool to run dry: 3 days.** FOTA of" in as_markdown(document)[:200].replace("\\", "")
    later = as_html(made([account(ONE, 200, 90, 200, 0, span=90)]))
    assert '<dl class="tiles"><div class=""><dt>First pool to run dry</dt><dd>110 days' in later


def test_the_soonest_comes_first(document: Json, page: str) -> None:
    """In the chart, in the table, and in Markdown. A pool without a date comes last."""
    bars = figure(page, "Days until a pool is empty")
    assert [label for label in bars if label.endswith("FOTA")] == [f"{name} FOTA" for name in (ONE, THREE, TWO)]
    assert bars[f"{ONE} FOTA"][0].startswith("3 days: at this rate empty about 24 November 2026")
    assert bars[f"{ONE} SIMSec-IoT"][0].startswith("unknown: ")
    rows = texts(table(page, "runway"))
    assert [row[2] for row in rows] == ["days", "3", "50", "64", "", "", ""]
    assert [f"{row[0]} {row[1]}" for row in rows[1:]] == list(bars)
    told = re.findall(r"^\| (\S+) \| FOTA \| [\d,]+ of", as_markdown(document).replace("\\", ""), re.M)
    assert told == [ONE, THREE, TWO]


@pytest.mark.parametrize(
    ("caption", "lengths"),
    [
        ("Assigned and free licenses", {f"{ONE} FOTA": 209, f"{TWO} FOTA": 2600, f"{THREE} SIMSec-IoT": 40}),
        ("Days until", {f"{ONE} FOTA": 3, f"{THREE} FOTA": 50, f"{TWO} FOTA": 64}),
        ("Devices by what", {f"{ONE} FOTA": 246, f"{TWO} FOTA": 1945, f"{THREE} FOTA": 56}),
        ("Licenses of devices", {f"{ONE} FOTA": 5, f"{THREE} FOTA": 5}),
    ],
)
def test_bars_of_a_chart_have_one_scale(page: str, caption: str, lengths: dict[str, int]) -> None:
    bars = figure(page, caption)
    drawn = {label: sum(bars[label][1].values()) for label in lengths}
    whole = max(lengths.values())
    assert drawn == pytest.approx({label: 1000 * count / whole for label, count in lengths.items()}, abs=0.1)


def test_devices_that_are_left_alone_are_in_the_drift_bar(page: str) -> None:
    note, lengths = figure(page, "Devices by what")[f"{TWO} FOTA"]
    assert note == "1,940 devices wanted: 55 missing, 5 not wanted but left alone"
    assert lengths == pytest.approx({"c1": 1885 / 1.945, "c4": 5 / 1.945, "c2": 55 / 1.945}, abs=0.1)
    assert '"/></svg>not wanted but left alone</li>' in page


def test_each_kind_of_reclaimable_license_has_its_color() -> None:
    """Of one of the five, ThingSpace says nothing. It does not count as one that can be removed."""
    data = account(ONE, 300, 200, 209, 46, span=90)
    extra = list(data.fota or ())[-5:]
    data.fota_upgrades = {**dict.fromkeys(data.fota or (), ""), extra[1]: "2026-01-01T00:00:00Z"}
    del data.fota_upgrades[extra[0]]
    document = made([data])
    page = as_html(document)
    note, lengths = figure(page, "Licenses of devices")[f"{ONE} FOTA"]
    assert note.startswith("3 of 5 can be removed: ")
    assert lengths == pytest.approx({"c5": 600, "c4": 200, "c7": 200}, abs=0.1)
    assert '"/></svg>unknown whether it can be removed</li>' in page
    assert "<dd>3 <small>and 0 that the fleet files want, 1 that can never be removed; 1 unknown</small></dd>" in page
    told = "It is unknown whether 1 FOTA license can be removed."
    assert told in page
    assert told in as_markdown(document)
    assert "at least 1 never to be removed" in as_markdown(document)


def test_columns_have_axes() -> None:
    shown = columns("Title", ["2026-01-01", "2026-01-08", "2026-01-15"], [0, 1700, 850], "assigned")
    assert re.findall(r"<span>([\d,]+)</span>", shown) == ["0", "500", "1,000", "1,500", "2,000"]
    assert re.findall(r'd="M0 ([\d.]+)H1000"', shown) == ["75.0", "50.0", "25.0", "0.0"]
    assert re.findall(r'y="([\d.]+)"', shown) == ["15.0", "57.5"], "on the scale of the axis"
    assert re.findall(r"<span>(\d{4}-\d\d-\d\d)</span>", shown) == ["2026-01-01", "2026-01-08", "2026-01-15"]
    for counts in ([0], [1, 1], [7, 100]):
        assert columns("Title", ["day"] * len(counts), counts, "assigned").count("<span>day</span>") == len(counts)


def test_devices_without_any_license(page: str) -> None:
    """Those that are wanted to hold one count as well: 46, 55, and 6 of them."""
    assert [row[3] for row in texts(table(page, "devices"))] == ["without any license", "100", "110", "70"]


@pytest.mark.parametrize("section", ["pools", "runway", "drift", "reclaimable", "runs", "devices"])
def test_numbers_are_aligned_to_the_right(page: str, section: str) -> None:
    head, *rows = table(page, section)
    numbers = [cell for row in rows for cell in row if re.fullmatch(r"[\d,.]+", cell.text or "")]
    assert numbers
    assert {cell.get("class") for cell in numbers} == {"number"}
    assert {cell.text for cell in head if cell.get("class")} == {cell.get("data-th") for cell in numbers}


def test_no_raw_codes(page: str) -> None:
    """Neither codes nor names of fields nor times for machines. The JSON document has them."""
    body = re.sub(r"<[^>]*>", " ", page[page.index("<main>") :])
    assert "the device list : Not now." in body
    assert "2026-11-20 10:20" in body
    assert not re.search(r"[a-z]_[a-z]|\dT\d\d:", body)


def test_the_contents_lead_to_the_sections(page: str) -> None:
    links = re.findall(r'<li><a href="#(\w+)">([^<]+)</a></li>', page)
    assert links == re.findall(r'<section id="(\w+)"><h2>([^<]+)</h2>', page)
    assert len(links) == 9


def test_a_table_that_is_longer_than_its_chart_is_folded() -> None:
    few = account(ONE, 60, 50, 100, 6, span=50)
    names = [f"0000123456-{number:05}" for number in range(MAX_BARS + 3)]
    page = as_html(made(account(name, 60, 50, 100, 6, span=50) for name in names))
    assert re.search(r"And \d+ more, see the table\.</p></figure><details><summary>The whole table \(46\)", page)
    assert len(figure(page, "Devices by what")) == MAX_BARS
    assert "The whole table" not in as_html(made([few]))
