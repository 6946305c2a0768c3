# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which devices to list: the request they become, and what can be wrong with the options."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.filter import FILTER_SPEC, filter_from
from ansible_collections.thingspace.licensing.plugins.module_utils._devices.row import device_row

NO_TEXTS: tuple[t.Any, ...] = (None, "", [], {}, True)


def params(**given: t.Any) -> dict[str, t.Any]:
    return {**{name: spec.get("default") for name, spec in FILTER_SPEC.items()}, **given}


def body(**given: t.Any) -> dict[str, t.Any]:
    filters, problems = filter_from(params(**given))
    assert problems == []
    return filters.body()


def test_nothing_is_asked_for() -> None:
    assert body() == {}


def test_everything_is_asked_for() -> None:
    given = body(
        device_id="89148000000800139708",
        kind="iccid",
        group="meters",
        state="active",
        service_plan="m2m_4G",
        custom_fields={"CustomField1": "north", "CustomField2": 7},
        created_after="2026-01-01",
        created_before="2026-01-31T12:00:00+01:00",
    )
    assert given == {
        "deviceId": {"id": "89148000000800139708", "kind": "iccid"},
        "groupName": "meters",
        "currentState": "active",
        "servicePlan": "m2m_4G",
        "customFields": [{"key": "CustomField1", "value": "north"}, {"key": "CustomField2", "value": "7"}],
        "earliest": "2026-01-01T00:00:00Z",
        "latest": "2026-01-31T11:00:00Z",
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        *(({name: ""}, f"'{name}' is empty") for name in ("group", "state", "service_plan")),
        *(({name: " "}, f"'{name}' is empty") for name in ("group", "state", "service_plan")),
        *(({name: "it's"}, f"'{name}' holds") for name in ("group", "state", "service_plan")),
        *(
            ({name: value}, f"'{name}' is not a time")
            for name in ("created_after", "created_before")
            for value in ("", "x")
        ),
        ({"created_after": "2026-02-01", "created_before": "2026-01-01"}, "later than 'created_before'"),
        ({"device_id": "99000000000000x"}, "'device_id' is not of the kind 'imei'"),
        ({"device_id": ""}, "'device_id' is not of the kind 'imei'"),
        ({"device_id": "990000000000000", "kind": "iccid"}, "18 to 20 digits"),
        *(({"custom_fields": {"one": value}}, "'custom_fields.one' needs") for value in NO_TEXTS),
        ({"custom_fields": {"one": "a<b"}}, "'custom_fields.one' holds"),
        ({"custom_fields": {"it's": "x"}}, "'custom_fields' holds"),
    ],
)
def test_bad_options(given: dict[str, t.Any], said: str) -> None:
    _filters, (problem,) = filter_from(params(**given))
    assert said in problem.text


def test_all_problems_at_once() -> None:
    _filters, problems = filter_from(
        params(group="", state="<", created_after="x", device_id="x", custom_fields={"a": ""})
    )
    assert len(problems) == 5


@pytest.mark.parametrize(
    ("given", "contradicted"),
    [
        ({}, False),
        ({"state": "ACTIVE"}, False),
        ({"state": "suspend"}, True),
        ({"group": "north"}, False),
        ({"group": "south"}, True),
        ({"custom_fields": {"one": "A", "unknown": "x"}}, False),
        ({"custom_fields": {"one": "b"}}, True),
        ({"created_after": "2017-01-01", "created_before": "2017-01-01"}, False),
        ({"created_after": "2017-01-02"}, True),
        ({"created_before": "2016-12-31"}, True),
    ],
)
def test_a_device_that_was_not_asked_for(given: dict[str, t.Any], contradicted: bool) -> None:
    device = {
        "carrierInformations": [{"state": "active"}],
        "groupNames": ["North"],
        "customFields": [{"key": "one", "value": "a"}],
        "createdAt": "2017-01-01T00:00:00Z",
    }
    filters = filter_from(params(**given))[0]
    assert filters.contradicted_by(device_row(device)) is contradicted
    assert not filters.contradicted_by(device_row({})), "what it does not say speaks for it"
