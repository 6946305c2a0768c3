# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The device list: complete or an error, by either way of paging."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client import secrets as secrets_module
from ansible_collections.thingspace.licensing.plugins.module_utils._client.client import Client
from ansible_collections.thingspace.licensing.plugins.module_utils._client.secrets import SecretRegister
from ansible_collections.thingspace.licensing.plugins.module_utils._devices import api as device_api
from ansible_collections.thingspace.licensing.plugins.module_utils._devices.api import DeviceApi
from ansible_collections.thingspace.licensing.plugins.module_utils._devices.filter import DeviceFilter
from ansible_collections.thingspace.licensing.plugins.module_utils._devices.row import device_row
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import ApiError, LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._progress import Progress
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei, refusal

Json = dict[str, t.Any]
Edit = t.Callable[[Json, int], Json]


def device(number: int, *, attributes: bool = True, second: int | None = None) -> Json:
    return {
        "deviceIds": [{"id": imei(number), "kind": "imei"}, {"id": f"8914{number:016d}", "kind": "iccId"}],
        "carrierInformations": [{"state": "active" if number % 2 else "suspend"}],
        "createdAt": f"2017-01-01T00:{(second if second is not None else number):02d}:00.000Z",
        "extendedAttributes": [{"key": "DeviceId", "value": str(1001 + number)}] if attributes else [],
    }


class Account:
    """A client in front of an account that pages as documented.

    :param edit: changes an answer; told how many were given before.
    """

    def __init__(self, devices: list[Json], edit: Edit = lambda answer, _number: answer) -> None:
        self.devices = devices
        self.edit = edit
        self.asked: list[Json] = []
        self.progress = Progress()
        self.secrets = SecretRegister(lambda _form: None)

    def query(self, _operation: str, path: str, body: Json, _most: int) -> Json:
        assert path == "/m2m/v1/devices/actions/list"
        assert body["accountName"] == ACCOUNT
        self.asked.append(body)
        found = self.devices
        if "deviceId" in body:
            found = [one for one in found if body["deviceId"]["id"] in [entry["id"] for entry in one["deviceIds"]]]
            if not found:
                raise refusal("unknown")
        elif "largestDeviceIdSeen" in body:
            seen = body["largestDeviceIdSeen"]
            found = [one for number, one in enumerate(found) if 1001 + number > seen]
        else:
            found = sorted(found, key=lambda one: str(one["createdAt"]))
            found = [one for one in found if comparable(one["createdAt"]) >= comparable(body.get("earliest", ""))]
        size = body["maxNumberOfDevices"]
        answer = {"hasMoreData": len(found) > size, "devices": found[:size]}
        return self.edit(answer, len(self.asked) - 1)

    def api(self, page_size: int = 4) -> DeviceApi:
        return DeviceApi(t.cast(Client, self), ACCOUNT, page_size)


def comparable(text: str) -> str:
    return text.replace(".000Z", "").replace("Z", "")


def numbers(rows: list[t.Any]) -> list[str]:
    return [row.ids["imei"] for row in rows]


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 8, 10])
@pytest.mark.parametrize("attributes", [True, False])
def test_every_device_once(count: int, attributes: bool) -> None:
    account = Account([device(number, attributes=attributes) for number in range(count)])
    assert numbers(account.api().rows()) == [imei(number) for number in range(count)]


def test_pages_by_the_internal_id() -> None:
    account = Account([device(number) for number in range(10)])
    account.api().rows(DeviceFilter(group="meters"))
    assert [body["largestDeviceIdSeen"] for body in account.asked] == [0, 1004, 1008]
    assert {body["groupName"] for body in account.asked} == {"meters"}
    assert {body["maxNumberOfDevices"] for body in account.asked} == {4}


def test_pages_by_the_time_of_adding_where_there_is_no_internal_id() -> None:
    seconds = [0, 1, 2, 2, 2, 3, 3, 3, 4]
    account = Account([device(number, attributes=False, second=when) for number, when in enumerate(seconds)])
    assert numbers(account.api().rows()) == [imei(number) for number in range(9)]
    assert ["largestDeviceIdSeen" in body for body in account.asked] == [True, False, False, False]
    assert [body.get("earliest") for body in account.asked[1:]] == [None, *(f"2017-01-01T00:0{x}:00Z" for x in (2, 3))]


def test_an_internal_id_that_is_no_number_is_sent_as_it_is() -> None:
    named = {**device(0), "extendedAttributes": [{"key": "DeviceId", "value": "x-1"}]}
    answers = [{"hasMoreData": True, "devices": [named]}, {"hasMoreData": False, "devices": [device(1)]}]
    account = Account([device(0)], lambda _answer, number: answers[number])
    with pytest.raises(TypeError):
        account.api().rows()
    assert account.asked[1]["largestDeviceIdSeen"] == "x-1"


def repeat(answer: Json, _number: int) -> Json:
    return {**answer, "devices": [*answer["devices"], *answer["devices"][:1]]}


def empty(answer: Json, _number: int) -> Json:
    return {"hasMoreData": True, "devices": []}


def same_cursor(answer: Json, _number: int) -> Json:
    for one in answer["devices"]:
        one["extendedAttributes"] = [{"key": "DeviceId", "value": "1004"}]
    return {**answer, "hasMoreData": True}


def same_page(answer: Json, _number: int) -> Json:
    return {"hasMoreData": True, "devices": [device(number) for number in range(4)]}


CONTRADICTIONS: dict[str, Edit] = {"repeat": repeat, "empty": empty, "cursor": same_cursor, "page": same_page}


@pytest.mark.parametrize("name", list(CONTRADICTIONS))
def test_a_contradiction_that_stays_is_an_error(name: str) -> None:
    account = Account([device(number) for number in range(10)], CONTRADICTIONS[name])
    with pytest.raises(LicensingError) as raised:
        account.api().rows()
    assert raised.value.code == "incomplete_list"
    assert "read twice" in raised.value.message
    assert len(account.asked) <= 6


@pytest.mark.parametrize("name", ["repeat", "empty"])
@pytest.mark.parametrize("page", [0, 2])
def test_the_second_reading_heals(name: str, page: int) -> None:
    def once(answer: Json, number: int) -> Json:
        return CONTRADICTIONS[name](answer, number) if number == page else answer

    account = Account([device(number) for number in range(10)], once)
    assert numbers(account.api().rows()) == [imei(number) for number in range(10)]
    assert len(account.asked) == 4 + page


@pytest.mark.parametrize(
    ("created", "said"),
    [
        (["2017-01-01T00:00:00Z"] * 9, "than one page holds"),
        (["2017-01-01", "2017-01-02", "", "2017-01-04", "2017-01-05"], "not every device has a time"),
        (["2017-01-01", "soon", "2017-01-03", "2017-01-04", "2017-01-05"], "not every device has a time"),
    ],
)
def test_times_that_cannot_be_paged_by(created: list[str], said: str) -> None:
    devices = [{**device(number, attributes=False), "createdAt": when} for number, when in enumerate(created)]
    with pytest.raises(LicensingError) as raised:
        Account(devices, lambda answer, _n: {**answer, "hasMoreData": True}).api().rows()
    assert raised.value.code == "incomplete_list"
    assert said in raised.value.message


def test_a_page_that_is_not_in_the_order_of_adding_cannot_be_continued() -> None:
    def reverse(answer: Json, _number: int) -> Json:
        return {**answer, "devices": answer["devices"][::-1]}

    account = Account([device(number, attributes=False) for number in range(10)], reverse)
    with pytest.raises(LicensingError, match="not in the order of adding"):
        account.api().rows()


@pytest.mark.parametrize("field", ["devices", "hasMoreData"])
@pytest.mark.parametrize("value", [None, 7, [1], "", "1", "yes", "Y"])
def test_an_answer_that_cannot_be_understood(field: str, value: t.Any) -> None:
    account = Account([device(0)], lambda answer, _n: {**answer, "hasMoreData": True, field: value})
    with pytest.raises(ApiError) as raised:
        account.api().rows()
    assert raised.value.code == "bad_answer"
    assert field in raised.value.message


def test_words_for_true_and_false_and_no_devices_at_all() -> None:
    account = Account([], lambda _answer, _n: {"hasMoreData": "false"})
    assert account.api().rows() == []


def test_one_device() -> None:
    account = Account([device(number) for number in range(3)])
    assert numbers(account.api().rows(DeviceFilter(("imei", imei(1))))) == [imei(1)]
    assert "largestDeviceIdSeen" not in account.asked[0]


def test_one_device_may_leave_out_whether_there_are_more() -> None:
    account = Account([device(0)], lambda answer, _n: {"devices": answer["devices"]})
    assert numbers(account.api().rows(DeviceFilter(("imei", imei(0))))) == [imei(0)]


@pytest.mark.parametrize("service", ["", "UnifiedWebService.", "DeviceService."])
def test_a_device_that_the_account_does_not_have(monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    account = Account([])

    def query(_operation: str, _path: str, _body: Json, _most: int) -> Json:
        raise ApiError("x", code="api_rejected", status=400, api_code=service + "REQUEST_FAILED.DeviceNotFound")

    monkeypatch.setattr(account, "query", query)
    assert account.api().rows(DeviceFilter(("imei", imei(0)))) == []
    assert account.api().states("imei", [imei(0)]) == {}


def test_another_refusal_is_an_error() -> None:
    with pytest.raises(ApiError):
        Account([]).api().rows(DeviceFilter(("imei", imei(0))))


@pytest.mark.parametrize(("few", "requests"), [(2, 2), (1, 3)])
@pytest.mark.parametrize("kind", ["imei", "iccid"])
def test_states(monkeypatch: pytest.MonkeyPatch, few: int, requests: int, kind: str) -> None:
    monkeypatch.setattr(device_api, "FEW", few)
    account = Account([device(number) for number in range(10)])
    ids = [imei(number) if kind == "imei" else f"8914{number:016d}" for number in (3, 4)]
    assert account.api().states(kind, ids) == {ids[0]: "active", ids[1]: "suspend"}
    assert len(account.asked) == requests


@pytest.mark.parametrize("order", [1, -1])
def test_a_device_with_two_lines_is_active_if_one_is(order: int) -> None:
    lines = [device(1), {**device(1), "carrierInformations": [{"state": "deactive"}]}][::order]
    lines[1]["extendedAttributes"] = [{"key": "DeviceId", "value": "1002"}]
    lines[0]["extendedAttributes"] = [{"key": "DeviceId", "value": "1001"}]
    account = Account(lines)
    assert len(account.api().rows()) == 2
    assert account.api().states("imei", [imei(1)]) == {imei(1): "active"}


def test_states_of_none() -> None:
    account = Account([device(0)])
    assert account.api().states("imei", []) == {}
    assert account.asked == []


SECRET = "Passw0rd-XyZ-987654"


@pytest.mark.parametrize(
    "encoded",
    [
        SECRET,
        "".join(f"&#{ord(char)};" for char in SECRET),
        base64.b64encode(f"xx{SECRET}".encode()).decode(),
        "".join(f"%25{ord(char):02x}" for char in SECRET),
        SECRET.encode().hex(),
    ],
    ids=["plain", "entities", "base64", "percent twice", "hex"],
)
@pytest.mark.parametrize(
    "where",
    [
        {"deviceIds": [{"id": "IT", "kind": "imei"}]},
        {"deviceIds": [{"id": "1", "kind": "IT"}]},
        {"carrierInformations": [{"state": "IT", "servicePlan": "IT"}]},
        {"groupNames": ["IT"]},
        {"customFields": [{"key": "IT", "value": "IT"}]},
        {"createdAt": "IT", "lastConnectionDate": "IT"},
        {"connected": ["IT"]},
        {"extendedAttributes": [{"key": "IT", "value": "IT"}]},
    ],
    ids="+".join,
)
def test_no_text_of_a_device_gives_a_secret_away(where: Json, encoded: str) -> None:
    kind = "deviceIds" in where and where["deviceIds"][0]["kind"] == "IT"
    fields = json.loads(json.dumps(where).replace("IT", encoded))
    devices = [device(number) for number in range(3)]
    devices[1] = {**devices[1], **fields}
    account = Account(devices, lambda answer, _n: {**answer, "hasMoreData": False})
    account.secrets.remember(SECRET)
    rows = account.api().rows()
    shown = json.dumps([row.as_result() for row in rows])
    assert encoded.lower() not in shown.lower() or (kind and encoded.lower() != encoded)
    assert rows[0] == device_row(devices[0])
    assert rows[2] == device_row(devices[2])


def test_a_long_list_is_not_left_out_because_it_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets_module, "MOST_SECONDS", 0.0)
    named = [{**device(number), "groupNames": [f"group number {number} of many"]} for number in range(500)]
    account = Account(named, lambda answer, _n: {**answer, "hasMoreData": False})
    account.secrets.remember(SECRET)
    assert [row.groups for row in account.api(500).rows()] == [one["groupNames"] for one in named]
