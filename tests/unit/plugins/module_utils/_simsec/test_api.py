# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations of the SIM-Secure API: what is sent, and what may be concluded from an answer."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.client import Client
from ansible_collections.thingspace.licensing.plugins.module_utils._client.sender import EachTime
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import ApiError, LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.answer import Action
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.plan import Pool
from ansible_collections.thingspace.licensing.plugins.module_utils._progress import Progress
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.api import (
    LICENSE_PATH,
    SimsecApi,
    SkuSubscription,
    pool_of,
)
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, Looks, refusal

Json = dict[str, t.Any]


class FakeClient:
    """A client that gives one answer, and keeps what it was asked."""

    max_concurrency = 3
    progress = Progress()

    def __init__(self, answer: Json | Exception) -> None:
        self.answer = answer
        self.calls: list[tuple[t.Any, ...]] = []

    def _answer(self, *call: t.Any) -> Json:
        self.calls.append(call)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def post(self, _operation: str, path: str, body: Json, headers: Json, each_time: EachTime) -> Json:
        each_time.before()
        return self._answer("POST", path, body, headers)

    def delete(self, _operation: str, path: str, body: Json, headers: Json, each_time: EachTime) -> Json:
        each_time.before()
        return self._answer("DELETE", path, body, headers)

    def query(self, _operation: str, path: str, body: Json) -> Json:
        return self._answer("POST", path, body)

    def get(self, _operation: str, path: str) -> Json:
        return self._answer("GET", path)

    @staticmethod
    def mask(text: str) -> str:
        return text.replace("secret", "***")

    def api(self) -> SimsecApi:
        return SimsecApi(t.cast(Client, self), ACCOUNT)


@pytest.mark.parametrize(("action", "method"), [("assign", "POST"), ("remove", "DELETE")])
def test_a_change(action: Action, method: str) -> None:
    client = FakeClient({"requestId": " r-1 "})
    change = client.api().change
    looks = Looks(lambda: len(client.calls))
    assert change(action, "SKU", "iccid", ["1", "2"], "1-234", looks) == "r-1"
    devices = [{"deviceIds": [{"id": id_, "kind": "ICCID"}]} for id_ in ("1", "2")]
    body = {"accountName": ACCOUNT, "skuNumber": "SKU", "devices": devices}
    assert client.calls == [(method, LICENSE_PATH, body, {"X-Request-ID": "1-234"})]
    assert looks.before_each == [0]


@pytest.mark.parametrize("answer", [{}, {"requestId": ""}, {"requestId": "  "}, {"requestId": 7}, {"requestId": None}])
def test_an_answer_without_request_id_may_have_been_an_acceptance(answer: Json) -> None:
    with pytest.raises(ApiError) as caught:
        FakeClient(answer).api().change("assign", "SKU", "imei", ["1"], "1-234", Looks(int))
    assert caught.value.code == "bad_answer"
    assert caught.value.in_doubt


def test_subscriptions_are_sorted_and_numbers_may_be_missing() -> None:
    client = FakeClient(
        {
            "subscriptionList": [
                {"skuNumber": "b", "licenseType": "Flex\nible", "licensePurchased": "7", "licenseAssigned": 3},
                {"skuNumber": "a"},
            ]
        }
    )
    assert client.api().subscriptions() == [
        {"sku": "a", "license_type": "", "purchased": None, "assigned": None, "available": None},
        {"sku": "b", "license_type": "Flex ible", "purchased": 7, "assigned": 3, "available": None},
    ]
    assert client.calls == [("POST", "/m2m/v1/accounts/subscriptions/actions/list", {"accountName": ACCOUNT})]


def test_an_account_without_subscriptions() -> None:
    assert FakeClient({"accountName": ACCOUNT}).api().subscriptions() == []


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"subscriptionList": None},
        {"subscriptionList": {}},
        {"subscriptionList": ["x"]},
        {"subscriptionList": [{"licenseAssigned": 1}]},
        {"subscriptionList": [{"skuNumber": "a"}, {"skuNumber": ""}]},
    ],
)
def test_a_list_that_cannot_be_trusted_is_an_error(answer: Json) -> None:
    with pytest.raises(LicensingError) as caught:
        FakeClient(answer).api().subscriptions()
    assert caught.value.code == "bad_answer"


def test_what_thingspace_calls_available_counts() -> None:
    row: SkuSubscription = {"sku": "a", "license_type": "", "purchased": 10, "assigned": 3, "available": 5}
    other: SkuSubscription = {**row, "sku": "b"}
    assert pool_of([other, row], "a") == Pool(10, 3, 5)
    assert Pool(10, 3, 5).free == 5, "and not the difference"
    assert pool_of([row], "c") is None


def test_the_rows_of_a_sku_count_together() -> None:
    row: SkuSubscription = {"sku": "a", "license_type": "", "purchased": 10, "assigned": 3, "available": 5}
    other: SkuSubscription = {**row, "sku": "A ", "assigned": 4}
    unknown: SkuSubscription = {**row, "assigned": None}
    assert pool_of([row, other], "a") == pool_of([other, row], "a") == Pool(20, 7, 10)
    assert pool_of([row, unknown], "a") == pool_of([unknown, row], "a") == Pool(20, None, 10)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": "Success"}, ("success", "Success")),
        ({"status": "Failed: secret"}, ("failed: ***", "Failed: ***")),
        ({}, ("", "")),
        ({"status": "Success", "requestId": "r/1?"}, ("success", "Success")),
        ({"status": "Success", "faultResponse": {"faultcode": "0", "faultstring": None}}, ("success", "Success")),
        ({"status": "Failed", "requestId": "r2"}, ("", "")),
        ({"status": "Success", "faultResponse": {"faultcode": "X"}}, ("", "")),
        (refusal("unknown"), None),
        (refusal("unknown", 404), None),
    ],
)
def test_status_of_a_request(answer: Json | Exception, said: tuple[str, str] | None) -> None:
    client = FakeClient(answer)
    assert client.api().request_status("r/1?") == said
    assert client.calls == [("GET", f"/m2m/v1/accounts/{ACCOUNT}/requests/r%2F1%3F/status")]
