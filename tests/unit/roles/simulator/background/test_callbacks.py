# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Callback listeners, and the messages they get."""

from __future__ import annotations

import json
import ssl
import time

import pytest
import trustme

PATH = "/m2m/v1/callbacks/{}"


def outcomes(sim):
    report = sim.control("GET", "callbacks")
    return {name: count for name, count in report.items() if count and name not in ("messages", "requests")}


def settle(sim, seconds=0.0):
    """Move the clock, and wait until every due attempt is made."""
    sim.advance(seconds)
    end = time.monotonic() + 5
    while not sim.service.simulation.callbacks._timeline.is_quiet() and time.monotonic() < end:
        time.sleep(0.005)


def test_register_list_replace_remove(sim):
    path = PATH.format(sim.account)
    assert sim.api("GET", path).json() == []
    answer = sim.listen("https://example.com/a")
    assert answer.json() == {"accountName": sim.account, "serviceName": "CarrierService"}
    sim.listen("https://example.com:9001/b", username=None, password="x")
    sim.listen("https://example.com/c", name="DeviceService")
    rows = sim.api("GET", path).json()
    assert rows[0] == {
        "accountName": sim.account,
        "serviceName": "CarrierService",
        "url": "https://example.com:9001/b",
        "username": "",
        "password": "x",
    }
    assert len(rows) == 2
    removed = sim.api("DELETE", f"{path}/name/CarrierService")
    assert removed.json() == {"accountName": sim.account, "serviceName": "CarrierService"}
    assert sim.api("DELETE", f"{path}/name/CarrierService").status_code == 400
    assert len(sim.api("GET", path).json()) == 1
    assert sim.api("GET", PATH.format("x")).status_code == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Other"}, {"name": None}, {"url": "http://example.com/"}, {"url": "https://example.com:8443/"},
        {"url": "ftp://127.0.0.1/"}, {"url": "x"}, {"url": None}, {"url": "http://127.0.0.1:99999/"},
        {"username": "x" * 41}, {"password": "x" * 41}, {"password": "it's"}, {"username": 5},
    ],
)  # fmt: skip
def test_listener_that_is_refused(sim, wrong):
    assert sim.listen(**{"url": "https://example.com/", **wrong}).status_code == 400
    assert sim.api("GET", PATH.format(sim.account)).json() == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:1234/x", "https://[::1]:5/", "http://localhost:9/"])
def test_any_port_of_this_machine(sim, url):
    assert sim.listen(url, username="u" * 40, password="p" * 40).status_code == 200


def test_message(sim, heard, imei):
    request = sim.simsec_done(imei(0), "123456789012345").json()["requestId"]
    good, bad = sorted(heard.wait(2), key=lambda message: message["status"], reverse=True)
    common = {
        "username": "me",
        "password": "hunter2",
        "requestId": request,
        "callbackCount": 1,
        "maxCallbackThreshold": 4,
    }
    assert good == {
        **common,
        "deviceIds": [{"id": imei(0), "kind": "Imei"}, {"id": "89148000000000000000", "kind": "Iccid"}],
        "status": "Success",
        "deviceResponse": {},
    }
    assert bad == {
        **common,
        "deviceIds": [{"id": "123456789012345", "kind": "Imei"}],
        "status": "Failed",
        "faultResponse": {
            "faultcode": "UnifiedWebService.REQUEST_FAILED.DeviceNotFound",
            "faultstring": "REQUEST_FAILED. Device was not found",
        },
    }


@pytest.mark.parametrize(("style", "kinds"), [("upper", ["IMEI", "ICCID"]), ("lower", ["imei", "iccid"])])
def test_words_of_a_message(sim, heard, imei, style, kinds):
    sim.quirk(callback_kinds=style, callback_status="Failure", callback_response="keyed")
    sim.simsec_done(imei(0), "123456789012345")
    good, bad = sorted(heard.wait(2), key=lambda message: message["status"], reverse=True)
    assert [one["kind"] for one in good["deviceIds"]] == kinds
    assert bad["status"] == "Failure"
    assert good["deviceResponse"] == {"licenseResponse": {"skuNumber": "SIMSec-IoT"}}


def test_retries_by_the_clock_then_given_up(sim, heard, imei):
    heard.statuses = [500, 404, 302, 503]
    sim.simsec_done(imei(0))
    for attempt in (1, 2, 3, 4):
        assert [message["callbackCount"] for message in heard.wait(attempt)] == list(range(1, attempt + 1))
        settle(sim, 280)
        assert len(heard.got) == attempt
        assert outcomes(sim) == {"waiting" if attempt < 4 else "given_up": 1}
        settle(sim, 20)
    settle(sim, 1000)
    assert len(heard.got) == 4
    assert sim.control("GET", "callbacks")["messages"][0]["answer"] == "503"


def test_a_long_leap_of_the_clock_makes_all_attempts(sim, heard, imei):
    heard.statuses = [500] * 4
    sim.simsec_done(imei(0))
    sim.advance(3600)
    assert [message["callbackCount"] for message in heard.wait(4)] == [1, 2, 3, 4]
    settle(sim)
    assert outcomes(sim) == {"given_up": 1}


def test_delivered_at_the_second_attempt_and_interval(sim, heard, imei):
    sim.quirk(callback_interval=7)
    heard.statuses = [500]
    sim.simsec_done(imei(0))
    sim.advance(7)
    heard.wait(2)
    settle(sim)
    assert [message["callbackCount"] for message in heard.got] == [1, 2]
    assert outcomes(sim) == {"delivered": 1}


def test_nobody_listens_then_somebody_does(sim, listener, imei):
    sim.listen("http://127.0.0.1:1/")
    sim.simsec_done(imei(0))
    settle(sim)
    first = sim.control("GET", "callbacks")["messages"][0]
    assert (first["outcome"], first["attempts"], first["url"]) == ("waiting", 1, "http://127.0.0.1:1/")
    assert "refused" in first["answer"]
    sim.listen(listener.url, password="new")
    assert sim.messages()[0]["outcome"] == "delivered"
    assert [(message["callbackCount"], message["password"]) for message in listener.got] == [(2, "new")]


def test_old_listener_may_go_on(sim, heard, imei):
    sim.quirk(callback_listener="first")
    heard.statuses = [500]
    sim.simsec_done(imei(0))
    heard.wait(1)
    settle(sim)
    sim.listen(heard.url, password="new")
    sim.messages()
    assert [message["password"] for message in heard.got] == ["hunter2", "hunter2"]


def test_without_listener_lost(sim, heard, imei):
    heard.statuses = [500]
    sim.simsec_done(imei(0))
    heard.wait(1)
    settle(sim)
    sim.api("DELETE", f"{PATH.format(sim.account)}/name/CarrierService")
    sim.simsec_done(imei(1))
    sim.messages()
    assert outcomes(sim) == {"lost": 2}


def test_only_this_machine_is_called(sim, imei):
    sim.listen("https://example.com/x")
    sim.simsec_done(imei(0))
    message = sim.messages()[0]
    assert (message["outcome"], message["attempts"]) == ("refused", 0)
    assert sim.service.simulation.callbacks._threads == []


def test_copies_and_loss(sim, heard, imei):
    sim.quirk(callback_copies=2, callback_loss=3)
    sim.simsec_done(*(imei(number) for number in range(7)))
    sim.messages()
    assert outcomes(sim) == {"delivered": 5, "dropped": 2}
    assert len(heard.got) == 10
    assert {message["callbackCount"] for message in heard.got} == {1}
    assert len({message["deviceIds"][0]["id"] for message in heard.got}) == 5


def test_control_shows_no_secret(sim, heard, imei):
    sim.simsec_done(imei(0))
    sim.messages()
    text = json.dumps([sim.control("GET", path) for path in ("callbacks", "state", "requests")])
    assert "hunter2" not in text
    assert "key=open" not in json.dumps(sim.control("GET", "callbacks"))
    listener = sim.control("GET", "state")["accounts"][0]["callbacks"][0]
    assert listener == {"service": "CarrierService", "url": heard.url, "username": "me", "has_password": True}


WRONG_FLUSH = [
    {},
    [],
    {"flush": 1},
    {"flush": True, "wait": -1},
    {"flush": True, "wait": True},
    {"flush": True, "x": 1},
]


@pytest.mark.parametrize("body", WRONG_FLUSH)
def test_wrong_flush(sim, body):
    sim.control("POST", "callbacks", body, status=400)


def test_flush_makes_results_due_too(sim, heard, imei):
    sim.quirk(simsec_delay=3600)
    sim.simsec(imei(0))
    assert sim.control("GET", "callbacks")["requests"] == 1
    assert sim.messages()[0]["outcome"] == "delivered"


def test_forget(sim, imei):
    sim.listen("http://127.0.0.1:1/")
    sim.simsec_done(imei(0))
    settle(sim)
    assert sim.control("DELETE", "callbacks") == {"cleared": 1}
    assert (outcomes(sim), sim.messages()) == ({}, [])


def test_connections_are_kept(start, heard, sim):
    sim.control("PUT", "state", {"accounts": [{"name": sim.account, "devices": 500, "skus": [{"sku": "SIMSec-IoT"}]}]})
    sim.listen(heard.url)
    for first in range(0, 500, 100):
        sim.simsec(*(str(990_000_000_000_000 + first + number) for number in range(100)))
    sim.messages()
    assert len(heard.got) == 500
    assert len(heard.ports) <= 4


def test_https_without_a_trusted_certificate(sim, imei, request):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("example.com").configure_cert(context)
    listener = type(request.getfixturevalue("listener"))(context)
    try:
        sim.listen(listener.url)
        sim.simsec_done(imei(0))
        sim.simsec_done(imei(1))
        assert [message["outcome"] for message in sim.messages()] == ["delivered", "delivered"]
    finally:
        listener.close()


def test_listener_of_the_state(sim, listener, imei):
    def put(**fields):
        callbacks = [{"url": listener.url, "username": "u", **fields}]
        account = {"name": sim.account, "devices": 2, "skus": [{"sku": "SIMSec-IoT"}], "callbacks": callbacks}
        sim.control("PUT", "state", {"accounts": [account]})

    put(password="hunter2")
    state = sim.control("GET", "state")
    sim.control("PUT", "state", state)  # what hides the password keeps it
    assert sim.control("GET", "state") == state
    sim.simsec_done(imei(0))
    assert listener.wait(1)[0]["password"] == "hunter2"
    put()
    assert sim.control("GET", "state")["accounts"][0]["callbacks"][0]["has_password"] is False


@pytest.mark.parametrize(
    "wrong", ["x", [5], [{"url": 5}], [{"url": "http://example.com"}], [{"url": "http://127.0.0.1/", "x": 1}],
              [{"url": "http://127.0.0.1/"}] * 2, [{"url": "http://127.0.0.1/", "service": "x"}]],
)  # fmt: skip
def test_wrong_listener_in_a_state(sim, wrong):
    body = {"accounts": [{"name": "a", "callbacks": wrong}]}
    assert ".callbacks" in sim.control("PUT", "state", body, status=400)["error"]
