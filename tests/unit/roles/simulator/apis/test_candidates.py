# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The removal candidate list: created, extended, read and deleted, with every switch and under faults."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

VERSIONS = ("v1", "v2")
EMPTY = "Device list is empty"
PAST = "Index exceeds number of devices in list"
UNREADABLE = "Input binding error"


def error(answer: requests.Response) -> str:
    """Return the message of a refusal."""
    assert answer.status_code == 400, answer.text
    assert answer.json()["errorCode"] == "INVALID_PARAMETER"
    return str(answer.json()["errorMessage"])


def cancel_path(sim, version="v1"):
    """Return where candidates are created and deleted."""
    return f"/fota/{version}/licenses/{sim.account}/cancel"


@pytest.mark.parametrize("version", VERSIONS)
def test_append_replace_delete(sim, imei, version):
    """The cancel pages: append extends or creates, no type replaces, DELETE empties."""
    assert sim.cancel(imei(3), imei(1), version=version).json() == {"count": 2, "deviceList": [imei(3), imei(1)]}
    counted = 3 if version == "v1" else 1  # the SDK of v1 calls it the number of devices on the list
    assert sim.cancel(imei(2), version=version).json() == {"count": counted, "deviceList": [imei(2)]}
    assert sim.listed() == [imei(3), imei(1), imei(2)]
    assert sim.cancel(imei(2), imei(3), version=version, replace=True).json()["count"] == 2
    assert sim.listed() == [imei(2), imei(3)]
    for _time in range(2):
        answer = sim.api("DELETE", cancel_path(sim, version))
        assert (answer.status_code, answer.json()) == (200, {"success": True})
        assert sim.listed() == []
    assert len(sim.held()) == 4, "nothing happens to licenses until the subscription shrinks"


@pytest.mark.parametrize("version", VERSIONS)
def test_reading(sim, imei, version):
    sim.control("POST", "clock", {"now": "2030-01-01T00:00:00Z"})
    sim.login().cancel(imei(2), imei(0))
    reply = sim.candidates(version=version).json()
    moment = reply.pop("updateTime")
    assert moment.startswith("2030-01-01T00:00:0")
    assert reply == {"count": 2, "hasMoreData": False, "deviceList": [imei(2), imei(0)]}
    sim.quirk(time_format="go")
    assert sim.candidates(version=version).json()["updateTime"].endswith(" +0000 UTC")


def test_update_time_is_that_of_the_last_change(sim, imei):
    assert sim.candidates().json()["updateTime"] == "2017-11-29T16:03:42.000Z", "as old as the subscription at first"
    sim.cancel(imei(0))
    before = sim.candidates().json()["updateTime"]
    time.sleep(0.002)
    sim.cancel(imei(0))
    sim.cancel(imei(0), replace=True)
    assert sim.candidates().json()["updateTime"] == before, "nothing has changed"
    sim.api("DELETE", cancel_path(sim))
    assert sim.candidates().json()["updateTime"] > before


@pytest.mark.parametrize(("offered", "index", "query"), [("both", 200, 200), ("index", 200, 404), ("query", 404, 200)])
def test_forms_of_v2(sim, imei, offered, index, query):
    sim.quirk(v2_candidates=offered)
    sim.cancel(imei(0), imei(1))
    path = cancel_path(sim, "v2")
    answers = [sim.candidates(version="v2"), sim.api("GET", f"{path}?startIndex=0"), sim.api("GET", path)]
    assert [answer.status_code for answer in answers] == [index, query, query]
    assert all(a.json()["deviceList"] == [imei(0), imei(1)] for a in answers if a.status_code == 200)
    if query == 200:
        assert sim.api("GET", f"{path}?startIndex=1").json()["deviceList"] == [imei(1)]
        assert error(sim.api("GET", f"{path}?startIndex=")) == "Invalid index value"


def test_v1_has_no_query_and_v3_nothing(sim, imei):
    answers = [
        sim.api("GET", cancel_path(sim)),
        sim.api("GET", cancel_path(sim, "v3")),
        sim.candidates(version="v3"),
        sim.cancel(imei(0), version="v3"),
        sim.api("DELETE", cancel_path(sim, "v3")),
    ]
    assert {(answer.status_code, answer.json()["fault"]["code"]) for answer in answers} == {(404, "900906")}


def test_pages_of_a_thousand(start, imei):
    sim = start(2500, 2500).login()
    ids = [imei(number) for number in reversed(range(2500))]
    assert sim.cancel(*ids).json()["count"] == 2500
    pages = [sim.candidates(begin).json() for begin in (0, 1000, 2000)]
    assert [(page["count"], page["hasMoreData"]) for page in pages] == [(2500, True), (2500, True), (2500, False)]
    assert [one for page in pages for one in page["deviceList"]] == ids
    assert sim.candidates(2499).json()["deviceList"] == [imei(0)]
    sim.quirk(candidates_count="page", candidates_page=2000)
    assert [sim.candidates(begin).json()["count"] for begin in (0, 2000)] == [2000, 500]


def test_index_past_the_end(sim, imei):
    sim.cancel(imei(0), imei(1))
    for index in (2, 3, "999999999999999999"):
        assert error(sim.candidates(index)) == PAST
    for index in ("-1", "x", "1.5", "1e2", "%20", "+1", "\u0661", "9" * 5000):
        assert error(sim.candidates(index)) == "Invalid index value"
    assert sim.candidates("0001").json()["deviceList"] == [imei(1)]


def test_reading_an_empty_list(sim):
    reply = sim.candidates().json()
    assert (reply["count"], reply["hasMoreData"], reply["deviceList"]) == (0, False, [])
    assert error(sim.candidates(1)) == PAST
    sim.quirk(candidates_empty="error")
    assert error(sim.candidates()) == PAST


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", UNREADABLE),
        (b"[]", UNREADABLE),
        (b"{", UNREADABLE),
        (b"{}", EMPTY),
        (b'{"deviceList": []}', EMPTY),
        (b'{"deviceList": [5]}', UNREADABLE),
        (b'{"type": "replace", "deviceList": ["990000000000000"]}', UNREADABLE),
        (b'{"type": null, "deviceList": ["990000000000000"]}', UNREADABLE),
        (b'{"deviceList": ["990000000000000", "99000000000000"]}', "Invalid device id format"),
    ],
)
def test_wrong_requests_change_nothing(sim, imei, version, body, message):
    sim.cancel(imei(1))
    path = cancel_path(sim, version)
    assert error(sim.api("POST", path, data=body)) == message
    assert sim.listed() == [imei(1)]


def test_event_only_account(sim, imei):
    accounts = [{"name": sim.account, "subscription": {"purchase_type": "TS-HFOTA-EVNT"}, "devices": 2}]
    sim.control("PUT", "state", {"accounts": accounts})
    path = cancel_path(sim, "v2")
    for answer in (sim.cancel(imei(0)), sim.candidates(), sim.api("DELETE", path)):
        assert error(answer) == "Account has no MRC subscription"
    sim.quirk(event_only="empty")
    assert sim.candidates().json()["deviceList"] == []


def test_answer_with_the_whole_list(sim, imei):
    sim.quirk(candidates_answer="list")
    sim.cancel(imei(0))
    assert sim.cancel(imei(1)).json() == {"count": 2, "deviceList": [imei(0), imei(1)]}


@pytest.mark.parametrize(
    ("word", "status", "listed"), [("accept", 200, [1, 9, 99]), ("reject", 400, [0]), ("drop", 200, [1])]
)
def test_devices_without_a_license(sim, imei, word, status, listed):
    """Number 9 has no license, number 99 is not a device of the account."""
    sim.cancel(imei(0))
    sim.quirk(candidates_unlicensed=word)
    answer = sim.cancel(imei(1), imei(9), imei(99), replace=True)
    assert answer.status_code == status
    assert sim.listed() == [imei(number) for number in listed]
    if status == 200:
        assert answer.json()["count"] == 3, "the answer names what was asked for"
    else:
        assert error(answer) == "No license attached to device"


@pytest.mark.parametrize(
    ("word", "status", "listed"),
    [("ignore", 200, [0, 1, 2]), ("append", 200, [0, 1, 2, 1, 2]), ("reject", 400, [0, 1])],
)
def test_appending_what_is_listed(sim, imei, word, status, listed):
    sim.cancel(imei(0), imei(1))
    sim.quirk(candidates_repeated=word)
    assert sim.cancel(imei(2), imei(1), imei(2)).status_code == status
    assert sim.listed() == [imei(number) for number in listed]
    assert sim.cancel(imei(3), imei(3), replace=True).status_code == status
    assert sim.cancel(imei(0), imei(1), replace=True).status_code == 200, "what the old list held does not count"


def test_count_in_the_body_of_v2(sim, imei):
    assert sim.cancel(imei(0), count=5).status_code == 200
    sim.quirk(candidates_body_count="check")
    assert sim.cancel(imei(0), imei(1), count=2).status_code == 200
    for fields in ({"count": 1}, {"count": "2"}, {}):
        assert error(sim.cancel(imei(2), imei(3), **fields)) == UNREADABLE
    assert error(sim.cancel(imei(2), count=True)) == UNREADABLE
    assert sim.cancel(imei(2), version="v1").status_code == 200, "v1 has no count"


def test_limit(sim, imei):
    sim.quirk(candidates_limit=2)
    assert error(sim.cancel(imei(0), imei(1), imei(2))) == "Device list exceeds 2 devices"
    assert sim.cancel(imei(0), imei(1)).status_code == 200
    assert sim.change("remove", imei(0), imei(1), imei(2)).status_code == 200, "other requests are not limited by it"
    sim.quirk(candidates_limit=0, max_devices_per_request=1)
    assert error(sim.cancel(imei(0), imei(1))) == "Device list exceeds 1 devices"


@pytest.mark.parametrize(("word", "listed"), [("keep", [0, 1, 9]), ("drop", [1, 9])])
def test_a_device_that_loses_its_license_by_a_remove_call(sim, imei, word, listed):
    sim.quirk(candidates_unassigned=word)
    sim.cancel(imei(0), imei(1), imei(9))
    sim.change("remove", imei(0), imei(9), imei(2))
    assert sim.listed() == [imei(number) for number in listed]


def test_journal(sim, imei):
    sim.control("DELETE", "requests")
    sim.cancel(imei(0))
    sim.candidates()
    sim.api("GET", f"{cancel_path(sim, 'v2')}?startIndex=0")
    sim.api("DELETE", cancel_path(sim, "v2"))
    entries = sim.control("GET", "requests")
    names = ["candidates_create", "candidates_list", "candidates_list", "candidates_delete"]
    assert [entry["operation"] for entry in entries] == names
    assert [entry["write"] for entry in entries] == [True, False, False, True]
    assert entries[0]["devices"] == [imei(0)]
    assert {entry["account"] for entry in entries} == {sim.account}


def test_damaged_pages(sim, imei):
    ids = [imei(number) for number in range(4)]
    sim.cancel(*ids)
    sim.quirk(candidates_page=2)
    sim.fault("short_page")
    reply = sim.candidates(2).json()
    assert (reply["deviceList"], reply["hasMoreData"]) == ([imei(2)], True)
    sim.fault("empty_page")
    reply = sim.candidates().json()
    assert (reply["deviceList"], reply["hasMoreData"]) == ([], True)
    sim.candidates()
    sim.list()  # another list, whose pages are not mistaken for these
    sim.fault("repeat_page", operation="candidates_list")
    assert sim.candidates(2).json()["deviceList"] == ids[:2]
    sim.fault("drop_row")
    assert sim.candidates().json()["deviceList"] == ids[:1]
    sim.fault("drop_row", device=imei(5))
    assert sim.cancel(imei(5), imei(6)).json()["deviceList"] == [imei(6)]
    assert sim.listed() == [*ids, imei(5), imei(6)]
    sim.fault("loop_cursor")
    assert sim.candidates().json()["deviceList"] == ids[:2]
    assert sim.list().json()["hasMoreData"] is True, "there is a cursor in the license list only"


def test_appending_at_the_same_time_loses_nothing(start, imei):
    sim = start(60, 60).login()

    def append(number: int) -> int:
        answer = requests.post(
            f"{sim.root}/api{cancel_path(sim)}",
            json={"type": "append", "deviceList": [imei(number), imei(number + 1)]},
            headers=sim.headers,
            timeout=10,
        )
        return answer.status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(append, range(0, 60, 2))) == {200}
    listed = sim.listed()
    assert sorted(listed) == [imei(number) for number in range(60)]
    assert all(listed.index(imei(n + 1)) == listed.index(imei(n)) + 1 for n in range(0, 60, 2))
