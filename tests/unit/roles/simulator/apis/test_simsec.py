# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIM-Secure requests: what is accepted, what is refused at once, in which form."""

from __future__ import annotations

import uuid

import pytest

ASSIGN = "/m2m/v1/devices/license/actions/assign"


def code(answer):
    assert answer.status_code == 400, answer.text
    assert set(answer.json()) == {"errorCode", "errorMessage"}
    return answer.json()["errorCode"].removeprefix("UnifiedWebService.")


def test_assign_and_unassign_answer_with_an_id_and_take_effect_later(sim, imei):
    sim.quirk(simsec_delay=60)
    answer = sim.simsec(imei(0), imei(1))
    assert list(answer.json()) == ["requestId"]
    assert uuid.UUID(answer.json()["requestId"])
    assert sim.secured() == []
    sim.advance(60)
    assert sim.secured() == [imei(0), imei(1)]
    sim.simsec(imei(0), method="DELETE")
    sim.advance(60)
    assert sim.secured() == [imei(1)]


def test_result_comes_by_itself(sim, imei):
    sim.quirk(simsec_delay=0.05)
    sim.simsec(imei(0))
    sim.messages()
    assert sim.secured() == [imei(0)]


@pytest.mark.parametrize("kind", ["IMEI", "imei", "Imei"])
def test_kind_is_not_case_sensitive(sim, imei, kind):
    sim.simsec_done(imei(3), kind=kind)
    assert sim.secured() == [imei(3)]


def test_iccid(sim, imei):
    sim.simsec_done("89148000000000000003", kind="ICCID")
    sim.control("PUT", "devices", [{"imei": imei(4), "iccid": "89148000000999999999"}])
    sim.simsec_done("89148000000999999999", kind="iccId")
    assert sim.secured() == [imei(3), imei(4)]


def test_plural_path_does_not_exist(sim):
    assert sim.api("POST", "/m2m/v1/devices/licenses/actions/assign", json={}).status_code == 404


def test_both_tokens_are_needed(sim, start, imei):
    assert start().simsec(imei(0)).status_code == 401
    del sim.headers["VZ-M2M-Token"]
    for method in ("POST", "DELETE"):
        assert code(sim.simsec(imei(0), method=method)) == "REQUEST_FAILED.SessionToken.Format"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"accountName": "0000123456-00009"}, "REQUEST_FAILED.AccountNotFound"),
        ({"accountName": 5}, "REQUEST_FAILED.AccountNotFound"),
        ({"accountName": None}, "INPUT_INVALID.Account.NotDefined"),
        ({"skuNumber": "SIMSec"}, "INPUT_INVALID.SkuNumber.Invalid"),
        ({"skuNumber": None}, "INPUT_INVALID.SkuNumber.Invalid"),
        ({"skuNumber": 1}, "DeserializationFailed"),
        ({"skuNumber": "a'b"}, "INPUT_INVALID.Request.InvalidCharacter"),
        ({"other": ["<"]}, "INPUT_INVALID.Request.InvalidCharacter"),
        ({"devices": []}, "INPUT_INVALID.RequestUndefined"),
        ({"devices": {}}, "DeserializationFailed"),
        ({"devices": [5]}, "INPUT_INVALID.Device.Identifier.Invalid"),
        ({"devices": [{"deviceIds": []}]}, "INPUT_INVALID.Device.Identifier.Invalid"),
        ({"devices": [{"deviceIds": [{"id": "123", "kind": "MDN"}]}]}, "INPUT_INVALID.Device.Kind.Invalid"),
        ({"devices": [{"deviceIds": [{"id": "123"}]}]}, "INPUT_INVALID.Device.Kind.Invalid"),
        ({"devices": [{"deviceIds": [{"id": "12x", "kind": "IMEI"}]}]}, "INPUT_INVALID.Device.Identifier.Invalid"),
        ({"devices": [{"deviceIds": [{"id": 123, "kind": "IMEI"}]}]}, "INPUT_INVALID.Device.Identifier.Invalid"),
        ({"devices": [{"deviceIds": [{"id": "1" * 16, "kind": "IMEI"}]}]}, "INPUT_INVALID.Device.Identifier.Invalid"),
        ({"devices": [{"deviceIds": [{"id": "1" * 21, "kind": "ICCID"}]}]}, "INPUT_INVALID.Device.Identifier.Invalid"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_refused_at_once(sim, imei, method, change, expected):
    good = {
        "accountName": sim.account,
        "skuNumber": "SIMSec-IoT",
        "devices": [{"deviceIds": [{"id": imei(0), "kind": "IMEI"}]}],
    }
    assert code(sim.simsec(method=method, json={**good, **change})) == expected
    assert sim.control("GET", "callbacks")["requests"] == 0


def test_limits(sim):
    ids = [str(number) for number in range(10**14, 10**14 + 101)]
    assert sim.simsec(*ids[:100]).status_code == 200
    assert code(sim.simsec(*ids)) == "INPUT_INVALID.NumberofDevices"
    body = {"accountName": sim.account, "skuNumber": "SIMSec-IoT"}
    for count, status in ((100, 200), (101, 400)):
        device = {"deviceIds": [{"id": one, "kind": "IMEI"} for one in ids[:count]]}
        assert sim.simsec(json={**body, "devices": [device]}).status_code == status


def test_body_that_is_none(sim):
    for method in ("POST", "DELETE"):
        for data, expected in ((b"", "INPUT_INVALID.RequestUndefined"), (b"{", "DeserializationFailed")):
            assert code(sim.api(method, ASSIGN, data=data)) == expected


def test_delete_without_body_as_the_sdk_sends_it(sim):
    headers = {"X-Request-ID": "1-12345"}
    assert code(sim.api("DELETE", ASSIGN, headers=headers)) == "INPUT_INVALID.RequestUndefined"
    sim.quirk(simsec_bodyless="accept")
    assert sim.api("DELETE", ASSIGN, headers=headers).json()["requestId"]
    assert sim.control("GET", "callbacks")["requests"] == 0


def test_lifetime_stays(sim, imei):
    sim.simsec_done(imei(0), sku="SIMSec-IoT-Lt")
    assert code(sim.simsec(imei(0), sku="SIMSec-IoT-Lt", method="DELETE")) == "INPUT_INVALID.SkuNumber.Invalid"
    assert sim.secured("SIMSec-IoT-Lt") == [imei(0)]


def test_account_name_may_be_optional(sim, imei):
    sim.quirk(account_name="optional")
    body = {"skuNumber": "SIMSec-IoT", "devices": [{"deviceIds": [{"id": imei(0), "kind": "IMEI"}]}]}
    assert sim.simsec(json=body).status_code == 200
    sim.control("PUT", "state", {"accounts": [{"name": "a"}, {"name": "b"}]})
    assert code(sim.simsec(json=body)) == "REQUEST_FAILED.MultipleAccounts"
    sim.control("PUT", "state", {"accounts": []})
    assert code(sim.simsec(json=body)) == "REQUEST_FAILED.NoAccounts"


def test_inactive_account(sim, imei):
    sim.control("PUT", "state", {"accounts": [{"name": sim.account, "devices": 1, "active": False}]})
    assert code(sim.simsec(imei(0))) == "REQUEST_FAILED.AccountName"


@pytest.mark.parametrize(
    ("how", "method", "given", "good"),
    [
        ("ignore", "DELETE", "X-Request-ID2", True),
        ("check", "POST", "X-Request-ID2", False),
        ("check", "DELETE", "1-12345", True),
        ("check", "DELETE", None, True),
        ("check", "POST", "1-" + "1" * 31, False),
        ("require", "POST", None, True),
        ("require", "DELETE", None, False),
        ("require", "DELETE", "1-123", True),
    ],
)
def test_x_request_id(sim, imei, how, method, given, good):
    sim.quirk(x_request_id=how)
    answer = sim.simsec(imei(0), method=method, headers={"X-Request-ID": given} if given else {})
    assert (answer.status_code == 200) is good
    assert good or code(answer) == "INPUT_INVALID.RequestId.Invalid"


def test_errors_in_the_form_of_the_sdk(sim, imei):
    sim.quirk(security_errors="security")
    sim.account = "nothing"
    subscriptions = sim.api("POST", "/m2m/v1/accounts/subscriptions/actions/list", json={"accountName": "x"})
    for answer in (sim.simsec(imei(0)), subscriptions):
        assert answer.status_code == 400
        assert (answer.json()["errorCode"], answer.json()["errorMessage"]) == ("400", "AccountNotFound")
        assert answer.json()["errorUrl"].startswith("https://")


def test_journal_says_who_and_what_but_not_the_body(sim, imei):
    sim.control("DELETE", "requests")
    sim.simsec(imei(0), imei(1), headers={"X-Request-ID": "1-12345"})
    sim.simsec(imei(0), sku="SIMSec-IoT-Lt", method="DELETE")
    sim.counts()
    sim.devices()
    sim.listen("http://127.0.0.1:1/")
    entries = sim.control("GET", "requests")
    names = [entry["operation"] for entry in entries]
    assert names == ["simsec_assign", "simsec_unassign", "subscriptions_list", "device_list", "callback_register"]
    assert [entry["write"] for entry in entries] == [True, True, False, False, True]
    assert [entry["devices"] for entry in entries] == [[imei(0), imei(1)], [imei(0)], None, None, None]
    assert [entry["sku"] for entry in entries] == ["SIMSec-IoT", "SIMSec-IoT-Lt", "SIMSec-IoT", None, None]
    assert [entry["x_request_id"] for entry in entries] == ["1-12345", None, None, None, None]
    assert {entry["account"] for entry in entries} == {sim.account}
    assert "hunter2" not in str(entries)
