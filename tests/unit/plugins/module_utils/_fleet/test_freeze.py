# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Freeze windows: which time is in which window, and when it ends."""

from __future__ import annotations

import datetime
import typing as t
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.freeze import (
    FreezeWindow,
    frozen,
    read_window,
)


def window(**settings: t.Any) -> FreezeWindow:
    made, wrong = read_window({"name": "quiet", **settings})
    assert wrong == []
    assert made is not None
    return made


def utc(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc)


def until(now: str, *windows: FreezeWindow, removing: bool = True) -> str | None:
    found = frozen(windows, utc(now), removing=removing)
    return found.until.astimezone(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M") if found else None


# 2026-12-18 is a Friday.
@pytest.mark.parametrize(
    ("settings", "now", "end"),
    [
        ({"from": "2026-12-20", "until": "2027-01-02"}, "2026-12-19 23:59", None),
        ({"from": "2026-12-20", "until": "2027-01-02"}, "2026-12-20 00:00", "2027-01-03 00:00"),
        ({"from": "2026-12-20", "until": "2027-01-02"}, "2027-01-02 23:59", "2027-01-03 00:00"),
        ({"from": "2026-12-20", "until": "2027-01-02"}, "2027-01-03 00:00", None),
        ({"from": "2026-12-20 18:30", "until": "2026-12-21T06:00"}, "2026-12-21 05:59", "2026-12-21 06:00"),
        (
            {"from": "2026-12-20", "until": "2026-12-21", "timezone": "Europe/Berlin"},
            "2026-12-19 23:30",
            "2026-12-21 23:00",
        ),
        ({"days": ["sat", "sun"]}, "2026-12-18 23:59", None),
        ({"days": ["sat", "sun"]}, "2026-12-19 10:00", "2026-12-21 00:00"),
        ({"days": ["sat", "sun"], "until": "2026-12-19"}, "2026-12-19 10:00", "2026-12-20 00:00"),
        ({"hours": "18:00-06:00"}, "2026-12-18 17:59", None),
        ({"hours": "18:00-06:00"}, "2026-12-18 18:00", "2026-12-19 06:00"),
        ({"hours": "18:00-06:00"}, "2026-12-18 05:59", "2026-12-18 06:00"),
        ({"hours": "18:00-06:00", "days": ["fri"]}, "2026-12-18 05:59", None),
        ({"hours": "18:00-06:00", "days": ["fri"]}, "2026-12-19 05:59", "2026-12-19 06:00"),
        ({"hours": "00:00-24:00", "days": ["fri"]}, "2026-12-18 12:00", "2026-12-19 00:00"),
    ],
)
def test_when_a_window_holds_and_ends(settings: dict[str, t.Any], now: str, end: str | None) -> None:
    assert until(now, window(**settings)) == end


def test_windows_that_follow_each_other_end_together() -> None:
    chain = [
        window(days=["fri"]),
        window(hours="00:00-08:00"),
        window(**{"from": "2026-12-19 08:00", "until": "2026-12-20"}),
    ]
    assert until("2026-12-18 12:00", *chain) == "2026-12-21 08:00"


def test_a_window_that_has_no_end_is_told_all_the_same() -> None:
    assert until("2026-12-18 12:00", window(**{"from": "2026-12-01"})) == "9999-12-31 23:59"
    assert until("2026-12-18 12:00", window(**{"from": "2026-12-01", "until": "2036-01-01"})) == "2036-01-02 00:00"


def test_removals_alone() -> None:
    only = window(days=["fri"], what="removals")
    assert until("2026-12-18 12:00", only) == "2026-12-19 00:00"
    assert until("2026-12-18 12:00", only, removing=False) is None


@given(st.integers(0, 2 * 365 * 24 * 60))
def test_the_end_is_the_first_time_without(minutes: int) -> None:
    windows = [window(hours="22:00-03:00", days=["mon", "wed", "sun"], timezone="Europe/Berlin"), window(days=["tue"])]
    here = utc("2026-01-01 00:00") + datetime.timedelta(minutes=minutes)
    found = frozen(windows, here, removing=True)
    if found is None:
        assert all(one.ends(here) is None for one in windows)
    else:
        assert found.until > here
        assert frozen(windows, found.until, removing=True) is None
        assert frozen(windows, found.until - datetime.timedelta(seconds=1), removing=True) is not None


def test_everything_that_is_wrong_is_told() -> None:
    made, wrong = read_window(
        {
            "from": "20.12.2026",
            "until": "2026-13-01",
            "days": ["Friday"],
            "hours": "6-18",
            "timezone": "Middle/Earth",
            "what": "some",
        }
    )
    assert made is None
    assert len(wrong) == 7
    assert read_window({"name": "never"})[1] == [
        "it lacks all of 'from', 'until', 'days' and 'hours', and would never end"
    ]
    assert "not after" in read_window({"name": "x", "from": "2026-12-20", "until": "2026-12-19"})[1][0]


def _not_found(name: str) -> t.NoReturn:
    raise zoneinfo.ZoneInfoNotFoundError(name)


def test_without_time_zone_data_the_message_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"name": "nights", "hours": "00:00-24:00", "timezone": "Europe/Berlin"}
    assert read_window(settings)[1] == []
    monkeypatch.setattr(zoneinfo, "ZoneInfo", _not_found)
    monkeypatch.setattr(zoneinfo, "available_timezones", set)
    (wrong,) = read_window(settings)[1]
    assert "no time zone data on this machine" in wrong
    assert "pip install tzdata" in wrong
    monkeypatch.undo()
    assert "is not known here" in read_window({**settings, "timezone": "Europe/Nowhere"})[1][0]
