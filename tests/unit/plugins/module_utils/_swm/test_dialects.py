# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between the versions of the API."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.fields import number, text
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.dialects import (
    ASSIGNED,
    DIALECTS,
    PAGE_SIZE,
    REASON,
    TOTAL,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._thingspace.api_versions import (
    API_VERSIONS,
    ApiVersion,
)


@pytest.mark.parametrize(
    ("version", "paths"),
    [
        ("v1", ["/fota/v1/licenses/a%2Fb/index/0"]),
        ("v2", ["/fota/v2/licenses/a%2Fb?lastSeenDeviceId=0", "/fota/v2/licenses/a%2Fb/index/0"]),
        ("v3", ["/fota/v3/licenses/a%2Fb/index/0", "/fota/v3/licenses/a%2Fb?lastSeenDeviceId=0"]),
    ],
)
def test_list_paths(version: ApiVersion, paths: list[str]) -> None:
    assert [path("a/b", "0") for path in DIALECTS[version].list_paths] == paths


def test_cursor_is_quoted_in_both_forms() -> None:
    assert [path("a", "1/2&x=3") for path in DIALECTS["v3"].list_paths] == [
        "/fota/v3/licenses/a/index/1%2F2%26x%3D3",
        "/fota/v3/licenses/a?lastSeenDeviceId=1%2F2%26x%3D3",
    ]


@pytest.mark.parametrize("version", API_VERSIONS)
def test_other_paths(version: ApiVersion) -> None:
    assert DIALECTS[version].path("licenses", "a", "assign") == f"/fota/{version}/licenses/a/assign"
    assert DIALECTS[version].path("subscriptions", "a") == f"/fota/{version}/subscriptions/a"


@pytest.mark.parametrize(
    ("value", "names", "found"),
    [
        ({"totalLicenses": 9}, TOTAL, 9),
        ({"totalLicense": 9}, TOTAL, 9),
        ({"totalLicenses": None, "totalLicense": 9}, TOTAL, 9),
        ({"totalLicenses": 7, "totalLicense": 9}, TOTAL, 7),
        ({"totalLicenses": "9"}, TOTAL, 9),
        ({"totalLicenses": " 9 "}, TOTAL, 9),
        ({"totalLicenses": ""}, TOTAL, None),
        ({"totalLicenses": "many"}, TOTAL, None),
        ({"totalLicenses": True}, TOTAL, None),
        ({"totalLicenses": [9]}, TOTAL, None),
        ({"totalLicenses": 0}, TOTAL, 0),
        ({"assignedLicenses": "0"}, ASSIGNED, 0),
        ({"maxPageSize": 1000}, PAGE_SIZE, 1000),
        ({}, TOTAL, None),
    ],
)
def test_number(value: dict[str, t.Any], names: tuple[str, ...], found: int | None) -> None:
    assert number(value, names) == found


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_number_that_json_allows_and_nobody_can_count(value: float) -> None:
    assert number({"totalLicenses": value}, TOTAL) is None


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"Reason": "a"}, "a"),
        ({"resultReason": "a"}, "a"),
        ({"reason": "a"}, "a"),
        ({"Reason": None, "resultReason": "a"}, "a"),
        ({"Reason": "", "resultReason": "a"}, ""),
        ({"Reason": 7}, "7"),
        ({}, ""),
    ],
)
def test_text(value: dict[str, t.Any], found: str) -> None:
    assert text(value, REASON) == found
