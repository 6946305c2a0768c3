# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Callbacks: what can be understood, what cannot and why, and that no credentials come out in any text."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import (
    MAX_DEVICE_IDS,
    MAX_REASON,
    Caller,
    Confirmation,
    caller_in,
    confirmation_in,
    parse_body,
)

FAILED = {
    "username": "listener",
    "password": "open sesame",
    "requestId": "076f7ea9-1",
    "deviceIds": [{"id": "20180903000000000009", "kind": "Iccid"}, {"id": "201809030000009", "kind": "Imei"}],
    "faultResponse": {
        "faultcode": "UnifiedWebService.REQUEST_FAILED.DeviceAlreadyActive",
        "faultstring": "REQUEST_FAILED. Device is already active",
    },
    "status": "Failed",
    "callbackCount": 1,
    "maxCallbackThreshold": 4,
}
SUCCESS = {**FAILED, "faultResponse": None, "status": "Success", "deviceResponse": {}}


def parse_confirmation(body: bytes) -> tuple[Confirmation, Caller]:
    """Everything that the receiver takes from a body."""
    value = parse_body(body)
    return confirmation_in(value), caller_in(value)


def parse(value: t.Any, **changes: t.Any) -> Confirmation:
    """Parse a value with other fields; a field that is ... is left out."""
    changed = {**value, **changes} if isinstance(value, dict) else value
    if isinstance(changed, dict):
        changed = {name: one for name, one in changed.items() if one is not ...}
    return parse_confirmation(json.dumps(changed).encode())[0]


def refusal(body: bytes) -> str:
    """Why a body is refused."""
    with pytest.raises(LicensingError) as caught:
        parse_confirmation(body)
    assert caught.value.code == "bad_callback"
    assert "sesame" not in caught.value.message
    assert len(caught.value.message) < 300
    return caught.value.message


def test_documented_failure() -> None:
    assert parse(FAILED) == Confirmation(
        "076f7ea9-1",
        (("iccid", "20180903000000000009"), ("imei", "201809030000009")),
        "failed",
        "UnifiedWebService.REQUEST_FAILED.DeviceAlreadyActive: REQUEST_FAILED. Device is already active",
    )


def test_documented_success() -> None:
    found = parse(SUCCESS, deviceResponse={"changeIdentifierResponse": {"x": [1]}}, faultResponse=...)
    assert (found.status, found.reason) == ("success", "")


def test_sender_as_received_and_never_shown() -> None:
    caller = parse_confirmation(json.dumps(FAILED).encode())[1]
    assert (caller.username, caller.password) == ("listener", "open sesame")
    assert "sesame" not in f"{caller!r}{caller}"
    nobody = parse_confirmation(json.dumps({**FAILED, "username": None, "password": ["x"]}).encode())[1]
    assert (nobody.username, nobody.password) == ("", "")


@pytest.mark.parametrize(
    ("status", "fault", "wanted"),
    [
        ("SUCCESS", None, ("success", "")),
        (" success ", {}, ("success", "")),
        ("Success", {"faultcode": None, "faultstring": ""}, ("success", "")),
        ("Success", {"faultcode": "0", "faultstring": " "}, ("success", "")),
        ("Success", {"faultcode": 0, "faultstring": "null"}, ("success", "")),
        ("Success", "null", ("success", "")),
        ("Success", {"faultcode": "00", "faultstring": "Success"}, ("success", "")),
        ("Pending", {"faultcode": "0", "faultstring": "OK"}, ("other", "status Pending")),
        ("Success", {"faultcode": "A.B"}, ("failed", "A.B")),
        ("Success", {"other": 1}, ("failed", "a fault without code and text")),
        ("Pending", {"faultcode": "A.B"}, ("failed", "A.B")),
        ("Failed", {"faultcode": "0"}, ("failed", "no reason was given")),
        ("failure", None, ("failed", "no reason was given")),
        ("Failed", "plain\ntext", ("failed", "plain text")),
        ("Pending", None, ("other", "status Pending")),
        ("OnHold", None, ("other", "status OnHold")),
        (..., None, ("other", "no status was given")),
        (["Success"], None, ("other", "no status was given")),
        ("Nonsense\x00\u2028x", None, ("other", "status Nonsense x")),
    ],
)
def test_status(status: t.Any, fault: t.Any, wanted: tuple[str, str]) -> None:
    found = parse(SUCCESS, status=status, faultResponse=fault)
    assert (found.status, found.reason) == wanted


def test_reason_is_bounded_and_holds_no_credentials() -> None:
    fault = {"faultcode": "X", "faultstring": "listener said open sesame, open%20sesame; " + "long " * 200}
    reason = parse(FAILED, faultResponse=fault).reason
    assert len(reason) == MAX_REASON
    assert reason.startswith("X: ******** said ********, ********; long")


@pytest.mark.parametrize(
    ("ids", "wanted"),
    [
        ([{"id": 864508030109877, "kind": "ICCID"}], (("iccid", "864508030109877"),)),
        ([{"id": 20180903000000000009, "kind": "iccId"}], (("iccid", "20180903000000000009"),)),
        ([{"id": " 1 ", "kind": "Imei"}, {"id": "1", "kind": "IMEI"}], (("imei", "1"),)),
        ([{"id": "", "kind": "mdn"}, {"id": None, "kind": "min"}, {"id": "1", "kind": "imei"}], (("imei", "1"),)),
    ],
)
def test_device_ids(ids: t.Any, wanted: t.Any) -> None:
    assert parse(FAILED, deviceIds=ids).devices == wanted


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "it is empty"),
        (b"<html>", "not JSON (line 1, column 1)"),
        (b'{"requestId": ', "not JSON"),
        (b'{"requestId": "\xff"}', "not UTF-8 text (byte 15)"),
        (b"[1]", "not an object"),
        (b"null", "not an object"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
        (b"9" * 10_000, "not an object"),
    ],
)
def test_bodies_that_are_no_callback(body: bytes, words: str) -> None:
    assert words in refusal(body)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"requestId": ...}, "'requestId' is missing"),
        ({"requestId": ""}, "'requestId' is missing or empty"),
        ({"requestId": {"a": 1}}, "'requestId' is not a string"),
        ({"requestId": "a\nb"}, "'requestId' is not plain text"),
        ({"requestId": "\ud800"}, "'requestId' is not plain text"),
        ({"requestId": "x" * 129}, "'requestId' is not plain text of bearable length"),
        ({"deviceIds": ...}, "'deviceIds' is missing or empty"),
        ({"deviceIds": []}, "'deviceIds' is missing or empty"),
        ({"deviceIds": {"id": "1"}}, "'deviceIds' is not a list"),
        ({"deviceIds": ["1"]}, "'deviceIds[0]' is not an object"),
        ({"deviceIds": [{"kind": "imei"}]}, "'deviceIds[0]' is not an object with 'id' and 'kind'"),
        ({"deviceIds": [{"id": "1"}]}, "'deviceIds[0].kind' is missing"),
        ({"deviceIds": [{"id": "1", "kind": 5.5}, {"id": True, "kind": "imei"}]}, "'deviceIds[1].id' is not a string"),
        ({"deviceIds": [{"id": "", "kind": "imei"}]}, "names no device"),
        ({"deviceIds": [{"id": "1", "kind": "imei"}] * (MAX_DEVICE_IDS + 1)}, "101 entries"),
    ],
)
def test_fields_that_are_amiss(changes: dict[str, t.Any], words: str) -> None:
    value = {name: one for name, one in {**FAILED, **changes}.items() if one is not ...}
    assert words in refusal(json.dumps(value).encode())


def test_a_byte_order_mark_does_not_matter() -> None:
    assert parse_confirmation(b"\xef\xbb\xbf" + json.dumps(FAILED).encode())[0].status == "failed"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FAILED, JSON)))
def test_any_json_is_understood_or_refused(value: dict[str, t.Any]) -> None:
    body = json.dumps(value).encode()
    try:
        found = parse_confirmation(body)[0]
    except LicensingError:
        refusal(body)
    else:
        assert found.request_id
        assert found.devices
        assert found.reason.isprintable()


@given(st.binary(max_size=100))
def test_any_bytes_are_refused(body: bytes) -> None:
    refusal(body)
