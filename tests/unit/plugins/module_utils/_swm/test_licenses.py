# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The license operations, over a client that knows which calls come."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.client import Client
from ansible_collections.thingspace.licensing.plugins.module_utils._client.paging import Page
from ansible_collections.thingspace.licensing.plugins.module_utils._client.secrets import WITHHELD, SecretRegister
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import ApiError, LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.answer import Action, Answer, DeviceResult
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.plan import Pool
from ansible_collections.thingspace.licensing.plugins.module_utils._progress import Progress
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.licenses import FotaApi
from ansible_collections.thingspace.licensing.plugins.module_utils._thingspace.api_versions import ApiVersion
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, MemoryStore, imei, refusal

Call = tuple[str, str, t.Any]


class Calls:
    """A client that expects these calls: (method, path, answer or error)."""

    max_concurrency = 3
    progress = Progress()
    host = "thingspace.example"

    def __init__(self, *calls: Call) -> None:
        self.store = MemoryStore()
        self.calls = list(calls)
        self.bodies: list[t.Any] = []

    def get(self, operation: str, path: str) -> dict[str, t.Any]:
        """The next answer."""
        return self._next("GET", path)

    @staticmethod
    def mask(text: str) -> str:
        return text

    def post(self, operation: str, path: str, body: t.Any) -> dict[str, t.Any]:
        """The next answer."""
        self.bodies.append(body)
        return self._next("POST", path)

    def _next(self, method: str, path: str) -> dict[str, t.Any]:
        assert self.calls, f"unexpected {method} {path}"
        wanted, where, answer = self.calls.pop(0)
        assert (method, path) == (wanted, where)
        if isinstance(answer, Exception):
            raise answer
        return t.cast("dict[str, t.Any]", answer)


def make(version: ApiVersion, *calls: Call) -> tuple[FotaApi, Calls]:
    """The operations, and the calls they are to make."""
    client = Calls(*calls)
    return FotaApi(t.cast(Client, client), ACCOUNT, version), client


INDEX = f"/fota/v3/licenses/{ACCOUNT}/index/0"
QUERY = f"/fota/v3/licenses/{ACCOUNT}?lastSeenDeviceId=0"
EMPTY = {"deviceList": [], "hasMoreData": False, "assignedLicenses": 0, "totalLicenses": 5}


def page(value: dict[str, t.Any], version: ApiVersion = "v3") -> Page:
    """A page that is answered with this value."""
    return make(version, ("GET", INDEX, value))[0].page()


@pytest.mark.parametrize("total", ["totalLicenses", "totalLicense"])
@pytest.mark.parametrize("kind", [int, str])
def test_page_in_every_spelling(total: str, kind: type) -> None:
    value = {
        total: kind(1000),
        "assignedLicenses": kind(2),
        "hasMoreData": True,
        "maxPageSize": kind(10),
        "lastSeenDeviceId": kind(990000000000002),
        "deviceList": [
            {"deviceId": kind(990000000000001), "assignmentTime": "2017-11-29T16:03:42.000Z"},
            {"deviceId": kind(990000000000002), "assignmentTime": "2017-11-29 20:15:42.738 +0000 UTC", "new": 1},
        ],
        "unheard": "of",
    }
    assert page(value) == Page(
        [
            ("990000000000001", "2017-11-29T16:03:42.000Z"),
            ("990000000000002", "2017-11-29 20:15:42.738 +0000 UTC"),
        ],
        1000,
        2,
        True,
        "990000000000002",
        10,
    )


@pytest.mark.parametrize(
    ("more", "wanted"),
    [(True, True), (False, False), ("true", True), ("True ", True), ("false", False), (None, False)],
)
def test_more(more: t.Any, wanted: bool) -> None:
    assert page({**EMPTY, "hasMoreData": more, "deviceList": [{"deviceId": "1"}]}).more is wanted


@pytest.mark.parametrize("more", ["", "1", "yes", "Y", "no", "null", 1, 0, 2.5, [], {}])
def test_more_in_unknown_words_is_no_answer(more: t.Any) -> None:
    with pytest.raises(ApiError, match="lacks a usable 'hasMoreData'") as raised:
        page({**EMPTY, "hasMoreData": more, "deviceList": [{"deviceId": "1"}]})
    assert raised.value.code == "bad_answer"


def test_page_without_what_is_optional() -> None:
    rows = [{"deviceId": "1"}]
    assert page({"deviceList": rows, "hasMoreData": False}) == Page([("1", "")], None, None, False, "", None)
    assert page({"deviceList": rows, "assignedLicenses": 1}) == Page([("1", "")], None, 1, False, "", None)


def test_page_that_nothing_proves_to_be_the_last() -> None:
    with pytest.raises(ApiError, match="lacks a usable 'hasMoreData'"):
        page({"deviceList": [{"deviceId": "1"}]})


@pytest.mark.parametrize("value", [{"hasMoreData": False}, {"deviceList": None, "hasMoreData": False}])
def test_no_list_and_no_more_is_an_empty_account(value: dict[str, t.Any]) -> None:
    assert page(value).devices == []


@pytest.mark.parametrize("value", [{}, {"deviceList": None}, {"status": "ok"}])
def test_object_that_says_nothing_about_licenses_is_no_empty_account(value: dict[str, t.Any]) -> None:
    with pytest.raises(ApiError) as raised:
        page(value)
    assert raised.value.code == "bad_answer"


@pytest.mark.parametrize(
    "value",
    [
        {"hasMoreData": True},
        {"deviceList": None, "hasMoreData": True},
        {"deviceList": {}},
        {"deviceList": "x"},
        {"deviceList": ["990000000000001"]},
        {"deviceList": [{}]},
        {"deviceList": [{"deviceId": None}]},
        {"deviceList": [{"deviceId": ""}]},
    ],
)
def test_page_that_cannot_be_understood(value: dict[str, t.Any]) -> None:
    with pytest.raises(ApiError, match="'list the licensed devices' lacks a usable 'deviceList'") as raised:
        page(value)
    assert raised.value.code == "bad_answer"


UNKNOWN = [
    ApiError("no", code="api_rejected", status=404),
    ApiError("no", code="api_rejected", status=405),
    ApiError("no", code="api_rejected", status=400, api_code="900906"),
]


@pytest.mark.parametrize("error", UNKNOWN)
def test_other_path_is_tried_and_kept(error: ApiError) -> None:
    api, client = make("v3", ("GET", INDEX, error), ("GET", QUERY, EMPTY), ("GET", QUERY, EMPTY))
    api.page()
    api.page()
    assert client.calls == []


def test_other_path_of_version_two() -> None:
    query, index = f"/fota/v2/licenses/{ACCOUNT}?lastSeenDeviceId=0", f"/fota/v2/licenses/{ACCOUNT}/index/0"
    api, client = make("v2", ("GET", query, UNKNOWN[0]), ("GET", index, EMPTY))
    assert api.page().total == 5
    assert client.calls == []


@pytest.mark.parametrize("error", UNKNOWN)
def test_both_paths_unknown(error: ApiError) -> None:
    api, client = make("v3", ("GET", INDEX, error), ("GET", QUERY, error))
    with pytest.raises(ApiError) as raised:
        api.page()
    assert raised.value is error
    assert client.calls == []


def test_version_one_has_one_path() -> None:
    api, client = make("v1", ("GET", f"/fota/v1/licenses/{ACCOUNT}/index/0", UNKNOWN[0]))
    with pytest.raises(ApiError):
        api.page()
    assert client.calls == []


@pytest.mark.parametrize("error", [refusal("Invalid account name format"), refusal("no", 403)])
def test_other_refusals_do_not_change_the_path(error: ApiError) -> None:
    api, client = make("v3", ("GET", INDEX, error), ("GET", INDEX, EMPTY))
    with pytest.raises(ApiError):
        api.page()
    api.page()
    assert client.calls == []


@pytest.mark.parametrize("mask", ["bytes", "hex"])
def test_a_time_that_is_none_is_masked(mask: str) -> None:
    secret = "Passw0rd" if mask == "hex" else "Passw0rd-XyZ-987654"
    encoded = secret.encode().hex() if mask == "hex" else "".join(f"&#{ord(char)};" for char in secret)
    register = SecretRegister(lambda _form: None)
    register.remember(secret)
    times = ["2017-11-29T16:03:42.000Z", encoded, "then", ""]
    rows = [{"deviceId": str(number + 1), "assignmentTime": time} for number, time in enumerate(times)]
    api, client = make("v3", ("GET", INDEX, {**EMPTY, "deviceList": rows}))
    client.mask = register.mask  # type: ignore[method-assign]
    assert [time for _device, time in api.page().devices] == [times[0], WITHHELD, "then", ""]


def test_licensed_reads_every_page() -> None:
    one = {"deviceList": [{"deviceId": "1", "assignmentTime": "a"}], "hasMoreData": True, "lastSeenDeviceId": 1}
    two = {"deviceList": [{"deviceId": "2"}], "hasMoreData": False, "assignedLicenses": 2}
    after = f"/fota/v3/licenses/{ACCOUNT}/index/1"
    api, client = make("v3", *[("GET", INDEX, one), ("GET", after, two)] * 2)
    assert api.licensed()[0] == {"1", "2"}
    assert api.licensed_rows()[0] == [("1", "a"), ("2", "")]
    assert client.calls == []


@pytest.mark.parametrize("last", [0, "0", "", None, 1000, "2000"])
@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_cursors_may_be_record_numbers_and_the_last_one_anything(version: ApiVersion, last: t.Any) -> None:
    """Examples of the SDK have both. What the server said is echoed, and only while more follows. Nothing shows that
    the pages follow each other, so two readings must be the same.
    """
    one = {"deviceList": [{"deviceId": imei(1)}], "hasMoreData": True, "lastSeenDeviceId": "1000"}
    two = {"deviceList": [{"deviceId": imei(2)}], "hasMoreData": False, "assignedLicenses": 2, "lastSeenDeviceId": last}
    form = "?lastSeenDeviceId={}" if version == "v2" else "/index/{}"
    paths = [f"/fota/{version}/licenses/{ACCOUNT}" + form.format(cursor) for cursor in ("0", "1000")]
    api, client = make(version, *[("GET", paths[0], one), ("GET", paths[1], two)] * 2)
    assert api.licensed()[0] == {imei(1), imei(2)}
    assert client.calls == []


@pytest.mark.parametrize("used", [None, "", "1,005", -1, 3, "2"])
@pytest.mark.parametrize("counted", [None, "", "x", 0, 1])
def test_a_list_without_proof_is_not_whole(counted: t.Any, used: t.Any) -> None:
    short = {"deviceList": [{"deviceId": "1"}, {"deviceId": "2"}], "hasMoreData": False, "assignedLicenses": counted}
    subscribed = {"licenseCount": 9, "licenseUsedCount": used}
    reading = [("GET", INDEX, short), ("GET", f"/fota/v3/subscriptions/{ACCOUNT}", subscribed)]
    api, client = make("v3", *(reading if used == "2" else reading * 2))
    if used == "2":
        assert api.licensed()[0] == {"1", "2"}
    else:
        with pytest.raises(LicensingError) as raised:
            api.licensed()
        assert raised.value.code == "incomplete_list"
    assert client.calls == []


def test_the_pool_needs_no_count() -> None:
    subscription = ("GET", f"/fota/v3/subscriptions/{ACCOUNT}", {"licenseUsedCount": "1,005"})
    api, _client = make("v3", subscription)
    assert api.pool(Page([], None, None, False, "", None)) == Pool(None, None)


def test_subscription() -> None:
    value = {
        "accountName": ACCOUNT,
        "purchaseType": "TS-HFOTA-EVNT,TS-HFOTA-MRC",
        "licenseCount": "9000",
        "licenseUsedCount": 1000,
        "updateTime": "2018-03-02 19:50:06.534 +0000 UTC",
    }
    api, _client = make("v2", ("GET", f"/fota/v2/subscriptions/{ACCOUNT}", value))
    assert api.subscription() == {
        "purchase_type": "TS-HFOTA-EVNT,TS-HFOTA-MRC",
        "license_count": 9000,
        "license_used_count": 1000,
        "update_time": "2018-03-02 19:50:06.534 +0000 UTC",
    }


@pytest.mark.parametrize(
    ("total", "assigned", "pool"),
    [
        (9, 3, Pool(9, 3)),
        (None, 3, Pool(50, 3)),
        (9, None, Pool(9, 40)),
        (None, None, Pool(50, 40)),
        (0, 0, Pool(0, 0)),
    ],
)
def test_pool_asks_the_subscription_for_what_the_page_leaves_out(
    total: int | None, assigned: int | None, pool: Pool
) -> None:
    asks = total is None or assigned is None
    answer = {"licenseCount": 50, "licenseUsedCount": 40}
    api, client = make("v3", *([("GET", f"/fota/v3/subscriptions/{ACCOUNT}", answer)] if asks else []))
    assert api.pool(Page([], total, assigned, False, "", None)) == pool
    assert client.calls == []


WRITE = f"/fota/v3/licenses/{ACCOUNT}/"


def judge(action: Action, row: dict[str, t.Any]) -> Answer:
    """The result in one row."""
    api, client = make("v3", ("POST", WRITE + action, {"deviceList": [{"deviceId": imei(1), **row}]}))
    answers = api.write(action, [imei(1)])
    assert client.bodies == [{"deviceList": [imei(1)]}]
    assert list(answers) == [imei(1)]
    return answers[imei(1)]


D, A, R, U = DeviceResult.DONE, DeviceResult.ALREADY, DeviceResult.REFUSED, DeviceResult.UNCLEAR


@pytest.mark.parametrize(
    ("action", "status", "reason", "result"),
    [
        ("assign", "LicenseAssignSuccess", "Success", D),
        ("assign", "Success", "Success", D),
        ("assign", "SUCCESS", "", D),
        ("assign", "LicenseAssignSuccess", "Device license preexisting", A),
        ("assign", "Success", "device LICENSE preexisting", A),
        ("assign", "LicenseAssignFailed", "No license", R),
        ("assign", "Failure", "Device does not exist.", R),
        ("assign", "Failure", "Device Not Found.", R),
        ("assign", "Device Rejected", "Device not found.", R),
        ("assign", "DeviceRejected", "Invalid Device IMEI.", R),
        ("assign", "DeviceRejected", "Device not eligible for service.", R),
        ("assign", "DeviceRejected", "Unknown client device type.", R),
        ("assign", "UpgradePending", "", U),
        ("assign", "", "", U),
        ("assign", "Accepted", "later", U),
        ("assign", "Failure", "No license attached to device", R),
        ("remove", "LicenseRemoveSuccess", "Success", D),
        ("remove", "Success", "Success", D),
        ("remove", "LicenseRemoveFailed", "No license attached to device", A),
        ("remove", "Failure", "no LICENSE attached to device.", A),
        ("remove", "Success", "No license attached to device", A),
        (
            "remove",
            "LicenseRemoveFailed",
            "License removal not allowed for devices that have ever upgraded firmware.",
            R,
        ),
        ("remove", "LicenseRemoveFailed", "Internal error.", R),
        ("remove", "Failure", "No license server.", R),
        ("remove", "Failure", "Device does not exist.", R),
        ("remove", "UpgradePending", "x", U),
    ],
)
@pytest.mark.parametrize("field", ["Reason", "resultReason"])
def test_device_results(action: Action, status: str, reason: str, result: DeviceResult, field: str) -> None:
    found = judge(action, {"status": status, field: reason})
    said = (reason or status) if result in (U, DeviceResult.REFUSED) else ""
    if result is U and status and reason:
        said = f"{status}: {reason}"
    assert found == Answer(result, said)


def test_row_without_a_status_is_unclear() -> None:
    assert judge("assign", {}) == Answer(DeviceResult.UNCLEAR, "")


def test_words_are_one_printable_line_of_bounded_length() -> None:
    found = judge("assign", {"status": "Failure", "Reason": "red \x1b[31m\nalert " + "x" * 100_000})
    assert found.reason.isprintable()
    assert found.reason.startswith("red [31m alert xxx")
    assert len(found.reason) <= 300


def test_ids_as_numbers_and_rows_that_say_nothing() -> None:
    rows = [{"deviceId": 990000000000001, "status": "Success"}, {"status": "Success"}, "x", None]
    api, _client = make("v3", ("POST", WRITE + "assign", {"deviceList": rows}))
    assert api.write("assign", [imei(1), imei(2)]) == {"990000000000001": Answer(DeviceResult.DONE, "")}


@pytest.mark.parametrize("rows", [None, {}, "x"])
def test_write_without_rows_is_lost(rows: t.Any) -> None:
    api, _client = make("v3", ("POST", WRITE + "assign", {"deviceList": rows}))
    with pytest.raises(LicensingError) as raised:
        api.write("assign", [imei(1)])
    assert raised.value.code == "bad_answer"
    assert raised.value.in_doubt


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@pytest.mark.parametrize("action", ["assign", "remove"])
def test_write_path(version: ApiVersion, action: Action) -> None:
    api, client = make(version, ("POST", f"/fota/{version}/licenses/{ACCOUNT}/{action}", {"deviceList": []}))
    assert api.write(action, [imei(1)]) == {}
    assert (client.calls, api.max_concurrency) == ([], 3)


def used(count: int | None, kind: str = "TS-HFOTA-MRC", version: ApiVersion = "v2") -> Call:
    """The subscription, with so many licenses in use."""
    value = {"purchaseType": kind, "licenseCount": 1000, "licenseUsedCount": count}
    return "GET", f"/fota/{version}/subscriptions/{ACCOUNT}", value


def counting(count: int | None) -> Call:
    """The first page of the list of v2, with this count."""
    value = {"deviceList": [], "hasMoreData": False, "totalLicense": 1000, "assignedLicenses": count}
    return "GET", f"/fota/v2/licenses/{ACCOUNT}?lastSeenDeviceId=0", value


@pytest.mark.parametrize(
    ("listed", "calls", "elsewhere"),
    [
        (330, [used(330)], 0),
        (330, [used(329)], 0),
        (330, [used(990, "TS-HFOTA-EVNT")], 0),
        (330, [used(990, "TS-HFOTA-EVNT,TS-HFOTA-MRC")], 0),
        (330, [used(990), counting(330), used(990)], 660),
        (330, [used(331), counting(330), used(331)], 1),
        # Others assign one license after the other.
        (330, [used(331), counting(332)], 0),
        (330, [used(331), counting(331)], 0),
        # Others remove them.
        (330, [used(332), counting(329), used(328)], 0),
        (330, [used(332), counting(329), used(329)], 0),
        # Others do both.
        (330, [used(331), counting(329), used(331)], 0),
        (330, [used(990), counting(None)], 0),
        (330, [used(990), counting(329), used(991)], 662),
    ],
)
def test_how_much_of_the_account_a_list_has(listed: int, calls: list[Call], elsewhere: int) -> None:
    """A difference may be a change between two readings, so both numbers are read once more."""
    api, client = make("v2", *calls)
    reach = api.reach(listed)
    assert (reach.elsewhere, reach.partial) == (elsewhere, elsewhere > 0)
    assert (api.partial is reach) == reach.partial
    assert api.reach(1) is reach, "it is found out once"
    assert not client.calls


@pytest.mark.parametrize(("listed", "elsewhere"), [(329, 660), (331, 659), (989, 1), (990, 0), (995, 0)])
def test_a_list_that_has_more_devices_than_it_counts(listed: int, elsewhere: int) -> None:
    """The count of a page is compared first, and then the whole list is read."""
    api, client = make("v2", used(990), counting(330), used(990))
    assert api.reach(330).elsewhere == 660
    reach = api.reach(listed)
    assert reach.elsewhere == elsewhere
    assert (api.partial is reach) == reach.partial
    assert not client.calls


def test_a_version_without_restrictions_is_not_asked_about() -> None:
    api, _client = make("v3")
    reach = api.reach(5)
    assert (reach.partial, reach.doubt) == (False, "")


def failing(status: int, code: str = "", path: str = f"/fota/v2/subscriptions/{ACCOUNT}") -> Call:
    """A request that ThingSpace answers with an error."""
    return "GET", path, ApiError("Not today.", code="api_rejected", status=status, api_code=code)


@pytest.mark.parametrize(
    ("calls", "why"),
    [
        ([failing(404, "900906")], "ThingSpace has no subscriptions for v2 here."),
        ([failing(405)], "ThingSpace has no subscriptions for v2 here."),
        ([failing(403)], "Not today."),
        ([failing(400)], "Not today."),
        ([failing(500)], "Not today."),
        ([used(None)], "lacks a usable 'licenseUsedCount'"),
        ([used(990), failing(500, path=counting(0)[1])], "Not today."),
        ([used(990), counting(330), failing(404, "900906")], "Not today."),
        ([used(990), counting(330), used(None)], "lacks a usable 'licenseUsedCount'"),
    ],
)
def test_a_list_that_cannot_be_compared_counts_as_whole(calls: list[Call], why: str) -> None:
    api, client = make("v2", *calls)
    assert not api.doubt
    reach = api.reach(330)
    assert (reach.elsewhere, api.partial) == (0, None)
    assert why in reach.doubt
    assert (api.reach(1), api.doubt) == (reach, reach.doubt)
    assert not client.calls


@pytest.mark.parametrize(("code", "asked"), [("900906", 1), ("INVALID_REQUEST", 2)])
def test_a_server_without_subscriptions_is_asked_once_in_a_job(code: str, asked: int) -> None:
    _api, client = make("v2", *[failing(404, code)] * 2)
    for _task in range(2):
        assert FotaApi(t.cast(Client, client), ACCOUNT, "v2").reach(330).doubt
    assert len(client.calls) == 2 - asked


@pytest.mark.parametrize("code", ["rate_limited", "login_refused"])
def test_an_error_of_every_call_ends_the_task(code: t.Any) -> None:
    api, _client = make("v2", ("GET", used(0)[1], ApiError("No more.", code=code, status=429)))
    with pytest.raises(ApiError):
        api.reach(330)


def test_a_version_without_restrictions_is_not_compared_although_the_number_is_known() -> None:
    """It may also be old, or count something else."""
    api, client = make("v3", used(990, version="v3"))
    api.subscription()
    assert (api.reach(0).elsewhere, api.partial) == (0, None)
    assert not client.calls
