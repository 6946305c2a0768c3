# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an inventory file asks for."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.plugin_utils._inventory_settings import settings_from
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, CREDENTIALS, options


def params(**given: t.Any) -> dict[str, t.Any]:
    common = {"accounts": [ACCOUNT], "hostname": ["imei"], "group_prefix": "x_", "licenses": False, "attributes": False}
    return {**options(**CREDENTIALS), **common, "api_version": "v3", **given}


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"accounts": []}, "missing or empty"),
        ({"accounts": None}, "missing or empty"),
        ({"accounts": [ACCOUNT, ACCOUNT]}, "twice"),
        ({"accounts": ["a/b"]}, "'accounts' is 'a/b'"),
        ({"group": ""}, "'group' is empty"),
        ({"custom_fields": {"a": None}}, "'custom_fields.a'"),
        ({"created_before": "soon"}, "'created_before'"),
        ({"hostname": []}, "'hostname'"),
        ({"group_prefix": "-"}, "'group_prefix'"),
        ({"password": None}, "'password'"),
    ],
)
def test_a_problem(given: dict[str, t.Any], text: str) -> None:
    _settings, problems = settings_from(params(**given))
    assert len(problems) == 1
    assert text in problems[0].text


def test_the_question_that_a_cache_answers() -> None:
    def asked(**given: t.Any) -> str:
        return settings_from(params(**given))[0].fingerprint()

    same = [asked(), asked(password="other"), asked(timeout=9.0), asked(api_version="v2"), asked(hostname=["mdn"])]
    assert len(set(same)) == 1
    other = [
        asked(accounts=["x"]),
        asked(state="active"),
        asked(username="x"),
        asked(base_url="https://x/api"),
        asked(licenses=True),
        asked(licenses=True, api_version="v2"),
        asked(attributes=True),
        asked(created_after="2026-01-01"),
    ]
    assert len({*same, *other}) == 9
