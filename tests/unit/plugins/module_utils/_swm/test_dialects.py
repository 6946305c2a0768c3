# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between the versions of the API."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._swm.dialects import list_path, path
from ansible_collections.thingspace.licensing.plugins.module_utils._thingspace.api_versions import (
    API_VERSIONS,
    LIST_FORMS,
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
    assert [list_path(version, form, "a/b", "0") for form in LIST_FORMS[version]] == paths


def test_cursor_is_quoted_in_both_forms() -> None:
    assert [list_path("v3", form, "a", "1/2&x=3") for form in LIST_FORMS["v3"]] == [
        "/fota/v3/licenses/a/index/1%2F2%26x%3D3",
        "/fota/v3/licenses/a?lastSeenDeviceId=1%2F2%26x%3D3",
    ]


@pytest.mark.parametrize("version", API_VERSIONS)
def test_other_paths(version: ApiVersion) -> None:
    assert path(version, "licenses", "a", "assign") == f"/fota/{version}/licenses/a/assign"
    assert path(version, "subscriptions", "a") == f"/fota/{version}/subscriptions/a"
