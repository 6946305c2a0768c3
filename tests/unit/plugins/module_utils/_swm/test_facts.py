# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a row about a device says, and what it leaves open."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._swm.facts import INELIGIBLE, Facts, facts_of

TODAY = datetime.datetime.now(datetime.timezone.utc).date()
DAY = datetime.timedelta(days=1)


@pytest.mark.parametrize(
    ("said", "upgraded"),
    [
        ("01/01/1900 0:0:0", ""),
        ("1/1/1900 00:00:00", ""),
        ("1900-01-01T00:00:00Z", ""),
        ("0001-01-01T00:00:00Z", ""),
        (" 01/01/1900 0:0:0", ""),
        ("01-01-1900 00:00:00", ""),
        ("1900/01/01", ""),
        ("1/1/0001 12:00:00 AM", ""),
        ("01/01/0001", ""),
        ("0000-00-00", ""),
        ("0000-12-31T19:00:00-05:00", ""),
        ("1970-01-01T00:00:00Z", ""),
        ("01/01/1970 0:0:0", ""),
        ("1969-12-31T19:00:00-05:00", ""),
        ("1970-01-02T00:00:00+14:00", ""),
        ("1899-12-31T19:00:00-05:00", ""),
        ("12/31/1899 19:00:00", ""),
        ("31/12/1899", ""),
        ("", ""),
        (" ", ""),
        ("1970-01-03", "1970-01-03"),
        ("31/12/2020", "31/12/2020"),
        (f"{TODAY + DAY:%Y-%m-%d}T01:00:00+14:00", f"{TODAY + DAY:%Y-%m-%d}T01:00:00+14:00"),
        (f"{TODAY + 3 * DAY:%Y-%m-%d}", None),
        (f"{TODAY + 400 * DAY:%m/%d/%Y} 0:0:0", None),
        ("9999-12-31", None),
        ("1955-05-05", None),
        ("2021-13-32", None),
        ("2021-02-30", None),
        ("20210505", None),
        ("never", None),
        ("2018-03-02T19:50:06.000Z", "2018-03-02T19:50:06.000Z"),
        ("2018-03-02 19:50:06.534 +0000 UTC", "2018-03-02 19:50:06.534 +0000 UTC"),
        ("03/02/2018 19:50:06", "03/02/2018 19:50:06"),
        ("01/01/19000", None),
        ("yesterday", None),
        ("2018-03-02 7:50 PM EST", "2018-03-02 7:50 PM EST"),
        ("2018-05-15T14:00:00-08:00Z", "2018-05-15T14:00:00-08:00Z"),
        ("2018-03-02T19:50:06.534+0000", "2018-03-02T19:50:06.534+0000"),
        ("2025-11-29 <scheduled>", None),
        ("2025-11-29 failed", None),
        ("2025-11-29T10:00:00Z FAIL", None),
        ("2025-11-29 10:00 (pending)", None),
        ("2025-11-29T", None),
        ("01/01/1900 0:0:0 scheduled", None),
        (None, None),
        (0, None),
        (False, None),
    ],
)
def test_upgrades(said: t.Any, upgraded: str | None) -> None:
    facts = facts_of({"upgradeTime": said}, str)
    assert facts.upgraded_at == upgraded
    refusal = facts.refusal("remove")
    if upgraded:
        assert refusal is not None
        assert upgraded in refusal
    else:
        assert refusal == upgraded


@pytest.mark.parametrize(
    ("said", "refusal"),
    [(True, ""), ("true", ""), (False, INELIGIBLE), ("FALSE", INELIGIBLE), (None, None), (0, None), ("no", None)],
)
def test_eligibility(said: t.Any, refusal: str | None) -> None:
    assert facts_of({"fotaEligible": said}, str).refusal("assign") == refusal


def test_a_row_that_says_nothing() -> None:
    facts = facts_of({"deviceId": "1"}, str)
    assert facts == Facts(None, None, None)
    assert (facts.refusal("assign"), facts.refusal("remove")) == (None, None)


@pytest.mark.parametrize("name", ["protocol", "distributionType"])
def test_protocol(name: str) -> None:
    assert facts_of({name: "OMD-DM\n"}, str).protocol == "OMD-DM"
