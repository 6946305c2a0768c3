# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Points in time in every documented notation."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._text.timestamps import format_time, parse_time


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-01-31", "2026-01-31T00:00:00Z"),
        ("2026-01-31T12:34", "2026-01-31T12:34:00Z"),
        ("2026-01-31T12:34:56", "2026-01-31T12:34:56Z"),
        ("2026-01-31T12:34:56Z", "2026-01-31T12:34:56Z"),
        ("2026-01-31t12:34:56z", "2026-01-31T12:34:56Z"),
        (" 2026-01-31 12:34:56+00:00 ", "2026-01-31T12:34:56Z"),
        ("2026-01-31T12:34:56 -0800", "2026-01-31T20:34:56Z"),
        ("2026-01-31T12:34:56+02", "2026-01-31T10:34:56Z"),
        ("2018-05-15T14:00:00-08:00Z", "2018-05-15T22:00:00Z"),
        ("2026-01-31T12:34:56.789Z", "2026-01-31T12:34:56.789000Z"),
        ("2026-01-31T12:34:56.1234567Z", "2026-01-31T12:34:56.123456Z"),
    ],
)
def test_what_is_understood(text: str, written: str) -> None:
    time = parse_time(text)
    assert time is not None
    assert format_time(time) == written
    assert parse_time(written) == time


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026",
        "2026-13-01",
        "2026-02-30",
        "31.01.2026",
        "2026-01-31T25:00",
        "20260131",
        "0001-01-01T00:00+23",
    ],
)
def test_what_is_not(text: str) -> None:
    assert parse_time(text) is None
