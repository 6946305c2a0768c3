# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults: what each does to the answer, and whether the operation took effect."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests


def test_status_counts_after_and_times(sim):
    sim.fault("status", operation="fota_list", after=1, times=2, status=429, headers={"Retry-After": "7"})
    assert [sim.list().status_code for _time in range(5)] == [200, 429, 429, 200, 200]
    assert sim.control("GET", "faults")[0]["fired"] == 2


def test_for_ever_until_cleared(sim):
    sim.fault("status", times=0)
    assert {sim.list().status_code for _time in range(5)} == {503}
    assert sim.control("DELETE", "faults") == {"cleared": 1}
    assert sim.list().status_code == 200


def test_faults_of_a_list_hit_one_after_the_other(sim):
    sim.control("POST", "faults", [{"action": "status", "status": 500}, {"action": "status", "status": 502}])
    assert [sim.list().status_code for _time in range(3)] == [500, 502, 200]


def test_filters(sim, imei):
    sim.fault("status", method="POST", path="/assign$", times=0)
    assert sim.list().status_code == 200
    assert sim.change("remove", imei(0)).status_code == 200
    assert sim.change("assign", imei(0)).status_code == 503


@pytest.mark.parametrize("action", ["status", "reset", "truncate", "empty", "html", "array", "charset", "redirect"])
@pytest.mark.parametrize("effect", ["none", "done"])
def test_effect_of_a_lost_assignment(sim, imei, action, effect):
    sim.fault(action, operation="fota_assign", effect=effect)
    try:
        answer = sim.change("assign", imei(5))
        assert answer.status_code != 200 or action in ("empty", "html", "array", "charset")
    except requests.RequestException:
        assert action in ("reset", "truncate")
    assert (imei(5) in sim.held()) is (effect == "done")
    entry = sim.control("GET", "requests?operation=fota_assign")[0]
    assert entry["fault"] == action
    assert (entry["status"] is None) is (action == "reset")


def test_reset_is_a_reset(sim):
    sim.fault("reset")
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        sim.list()
    assert sim.list().status_code == 200


def test_stall_gives_no_answer_and_ends_after_its_time(sim):
    sim.fault("stall", seconds=5)
    with pytest.raises(requests.ReadTimeout):
        sim.list(timeout=0.2)
    sim.fault("stall", seconds=0.1)
    with pytest.raises(requests.ConnectionError):
        sim.list()


def test_stall_ends_with_the_server(sim):
    sim.fault("stall", seconds=60)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(sim.list, timeout=30)
        time.sleep(0.2)
        begin = time.monotonic()
        sim.service.stopping.set()
        with pytest.raises(requests.ConnectionError):
            waiting.result()
        assert time.monotonic() - begin < 2


def test_drip_sends_the_true_body_slowly(sim):
    sim.fault("drip", seconds=0)
    with pytest.raises(requests.RequestException, match="1 bytes read"):
        sim.list()
    sim.fault("drip", seconds=30)
    answer = sim.list(stream=True)
    assert answer.raw.read(1) == b"{"
    answer.close()


def test_truncate_claims_more_than_it_sends(sim):
    sim.fault("truncate")
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        sim.list()


def test_replaced_bodies(sim):
    for action in ("empty", "html", "array", "charset", "redirect"):
        sim.fault(action)
    empty, html, array, charset, redirect = (sim.list() for _time in range(5))
    assert empty.content == b""
    assert html.text.startswith("<!DOCTYPE html>")
    assert isinstance(array.json(), list)
    with pytest.raises(UnicodeDecodeError):
        charset.content.decode("utf-8")
    assert (redirect.status_code, redirect.headers["Location"]) == (302, "/login.html")


def test_own_status_headers_and_body(sim):
    sim.fault("status", status=418, body={"tea": True}, headers={"X-Pot": "1"})
    sim.fault("status", status=500, body="oops")
    first, second = sim.list(), sim.list()
    assert (first.status_code, first.json(), first.headers["X-Pot"]) == (418, {"tea": True}, "1")
    assert (second.text, second.headers["Content-Type"]) == ("oops", "text/plain; charset=UTF-8")


def test_oversize(sim):
    sim.fault("oversize")
    answer = sim.list(stream=True)
    assert int(answer.headers["Content-Length"]) > 50_000_000
    assert answer.raw.read(20).startswith(b'{"accountName":"xxx')
    answer.close()
    assert sim.list().status_code == 200


def test_expired_session_and_token(sim, imei):
    sim.fault("expire_session", operation="fota_assign")
    assert "Session has expired" in sim.change("assign", imei(5)).text
    assert imei(5) not in sim.held()
    sim.login()
    sim.fault("expire_token", operation="fota_assign", effect="done")
    assert sim.change("assign", imei(5)).status_code == 200
    assert sim.list().status_code == 401


def test_damaged_pages(sim, imei):
    sim.quirk(page_size=2)
    sim.fault("loop_cursor")
    reply = sim.list(cursor=imei(1)).json()
    assert (reply["lastSeenDeviceId"], reply["hasMoreData"]) == (imei(1), True)
    sim.fault("short_page")
    reply = sim.list().json()
    assert (len(reply["deviceList"]), reply["lastSeenDeviceId"], reply["hasMoreData"]) == (1, imei(0), True)
    sim.fault("empty_page")
    reply = sim.list().json()
    assert (reply["deviceList"], reply["lastSeenDeviceId"], reply["hasMoreData"]) == ([], imei(1), True)
    sim.list()
    sim.fault("repeat_page")
    reply = sim.list(cursor=imei(1)).json()
    assert [row["deviceId"] for row in reply["deviceList"]] == [imei(0), imei(1)]
    assert (reply["lastSeenDeviceId"], reply["hasMoreData"]) == (imei(3), False)


def test_page_faults_wait_for_a_list(sim, imei):
    sim.fault("empty_page")
    assert sim.change("assign", imei(5)).json()["deviceList"]
    assert sim.list("v1").json()["deviceList"] == []


def test_dropped_rows(sim, imei):
    sim.fault("drop_row", operation="fota_assign", device=imei(6))
    rows = sim.change("assign", imei(5), imei(6)).json()["deviceList"]
    assert [row["deviceId"] for row in rows] == [imei(5)]
    assert imei(6) in sim.held()
    sim.fault("drop_row")
    assert len(sim.list().json()["deviceList"]) == 5


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ({}, "action"),
        ({"action": "explode"}, "action"),
        ({"action": "reset", "speed": 1}, "speed"),
        ({"action": "reset", "operation": "nothing"}, "operation"),
        ({"action": "reset", "times": -1}, "times"),
        ({"action": "reset", "after": "1"}, "after"),
        ({"action": "reset", "path": "("}, "path"),
        ({"action": "reset", "effect": "some"}, "effect"),
        ({"action": "status", "status": 99}, "status"),
        ({"action": "status", "headers": {"X": "a\r\nb"}}, "headers"),
        ({"action": "stall", "seconds": -1}, "seconds"),
        ("reset", "object"),
    ],
)
def test_wrong_faults_are_refused_and_none_is_kept(sim, fault, word):
    assert word in sim.control("POST", "faults", [{"action": "reset"}, fault], status=400)["error"]
    assert sim.control("GET", "faults") == []
