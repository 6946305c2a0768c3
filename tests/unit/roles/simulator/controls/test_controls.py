# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""State, quirks, clock, journal, rate limit, latency, TLS."""

from __future__ import annotations

import json
import ssl
import time
from email.utils import parsedate_to_datetime

import pytest
import requests
import trustme

from thingspace_simulator.http.gateway import RateLimit


def test_health(sim):
    health = sim.control("GET", "")
    assert health["name"] == "ThingSpace simulator"
    assert "/_simulator/faults" in health["controls"]
    sim.control("GET", "nothing", status=404)
    sim.control("DELETE", "quirks", status=405)


def test_state_round_trip(sim, imei):
    state = {
        "accounts": [
            {
                "name": "0000123456-00002",
                "subscription": {"purchase_type": "TS-HFOTA-EVNT,TS-HFOTA-MRC", "license_count": 7},
                "devices": [imei(0), {"imei": imei(1), "upgraded": True}],
                "licenses": [imei(1), {"device_id": imei(0), "assigned_at": "2024-01-02T03:04:05.678+02:00"}],
                "candidates": [imei(1)],
                "skus": [{"sku": "SIMSec-IoT", "purchased": 5}],
            }
        ],
        "quirks": {"v3_total": "absent"},
        "credentials": {"password": "other"},
    }
    sim.control("PUT", "state", state)
    first = sim.control("GET", "state")
    account = first["accounts"][0]
    assert account["devices"] == [{"imei": imei(0), "upgraded": False}, {"imei": imei(1), "upgraded": True}]
    assert account["licenses"][1] == {"device_id": imei(0), "assigned_at": "2024-01-02T01:04:05.678Z"}
    assert account["subscription"]["license_count"] == 7
    sku = {"sku": "SIMSec-IoT", "license_type": "Flexible", "purchased": 5, "licenses": []}
    assert (account["candidates"], account["skus"]) == ([imei(1)], [sku])
    assert (first["quirks"]["v3_total"], first["credentials"]["password"]) == ("absent", "other")
    sim.control("PUT", "state", first)
    assert sim.control("GET", "state") == first


def test_state_by_size_and_only_what_is_named(sim):
    before = sim.control("GET", "state")
    sim.control("PUT", "state", {"quirks": {"page_size": 7}})
    assert sim.control("GET", "state")["accounts"] == before["accounts"]
    sim.control("PUT", "state", {"accounts": [{"name": "a", "devices": 3, "licenses": 2}, {"name": "b", "devices": 1}]})
    first, second = sim.control("GET", "state")["accounts"]
    assert (len(first["devices"]), len(first["licenses"]), first["subscription"]["license_count"]) == (3, 2, 3)
    assert second["devices"][0]["imei"] not in [device["imei"] for device in first["devices"]]


def test_reset_returns_to_the_start(sim, imei):
    before = sim.control("GET", "state")
    sim.change("assign", imei(5))
    sim.quirk(page_size=1)
    sim.control("PUT", "state", {"credentials": {"password": "other"}})
    sim.control("DELETE", "state")
    assert sim.control("GET", "state") == before
    assert sim.list().status_code == 401  # tokens are gone, too


def test_wrong_state_names_all_problems_and_changes_nothing(sim):
    before = sim.control("GET", "state")
    account = {
        "name": "",
        "color": "red",
        "subscription": {"purchase_type": "MRC", "license_count": -1},
        "devices": ["990000000000001", "990000000000001", 5, {"imei": "990000000000002", "upgraded": "yes"}],
        "licenses": ["990000000000003", {"device_id": "990000000000001", "assigned_at": "soon"}],
        "candidates": "x",
    }
    body = {"accounts": [account], "quirks": {"page_size": 0, "x": 1}, "credentials": {"pin": "1"}, "other": 1}
    problems = "\n".join(sim.control("PUT", "state", body, status=400)["problems"])
    for word in (
        ".name", ".color", "purchase_type", "license_count", "given twice", "devices[2]", "upgraded", "soon",
        "990000000000003 is not a device", ".candidates", "page_size", "quirks.x", "credentials.pin", "other: unknown",
    ):  # fmt: skip
        assert word in problems
    assert sim.control("GET", "state") == before


@pytest.mark.parametrize("body", [[], "x", {"accounts": {}}, {"accounts": [1]}, {"quirks": []}, {"credentials": 1}])
def test_state_of_wrong_shape(sim, body):
    sim.control("PUT", "state", body, status=400)


def test_control_body_that_is_not_json(sim):
    answer = requests.put(f"{sim.root}/_simulator/state", data=b"{", timeout=5)
    assert answer.status_code == 400
    assert "JSON" in answer.json()["error"]


@pytest.mark.parametrize(
    "quirk", [{"nothing": 1}, {"v3_list": "neither"}, {"page_size": 1.5}, {"page_size": True}, {"rate_limit": "many"}]
)
def test_wrong_quirks(sim, quirk):
    before = sim.control("GET", "quirks")
    assert next(iter(quirk)) in sim.control("PUT", "quirks", {**quirk, "time_format": "go"}, status=400)["error"]
    assert sim.control("GET", "quirks") == before


def test_clock(sim):
    sim.control("POST", "clock", {"now": "2030-01-01T00:00:00Z"})
    assert sim.control("GET", "clock")["now"].startswith("2030-01-01T00:00:0")
    sim.advance(86400)
    assert sim.control("GET", "clock")["now"].startswith("2030-01-02T00:00:0")
    sim.control("DELETE", "clock")
    assert not sim.control("GET", "clock")["now"].startswith("2030")
    for body in ({}, {"advance": "x"}, {"advance": 1, "now": "x"}, {"now": "x"}, {"now": 5}, [1], {"advance": 1e99}):
        sim.control("POST", "clock", body, status=400)


def test_assignment_time_is_of_the_simulated_clock(sim, imei):
    sim.control("POST", "clock", {"now": "2030-01-01T00:00:00Z"})
    sim.login()
    sim.change("assign", imei(9))
    assert sim.list().json()["deviceList"][-1]["assignmentTime"].startswith("2030-01-01T00:00:0")


def test_journal(sim, imei):
    sim.control("DELETE", "requests")
    sim.list(cursor=imei(0))
    sim.api("GET", f"/fota/v3/licenses/{sim.account}?lastSeenDeviceId=0", headers={"User-Agent": "me"})
    sim.change("assign", imei(5), imei(6))
    requests.get(f"{sim.root}/login.html", timeout=5)
    entries = sim.control("GET", "requests")
    assert [entry["n"] for entry in entries] == [1, 2, 3, 4]
    assert [entry["operation"] for entry in entries] == ["fota_list", "fota_list", "fota_assign", None]
    assert [entry["write"] for entry in entries] == [False, False, True, False]
    assert [entry["status"] for entry in entries] == [200, 200, 200, 400]
    assert entries[1]["query"] == {"lastSeenDeviceId": "0"}
    assert entries[1]["user_agent"] == "me"
    assert (entries[2]["devices"], entries[2]["account"]) == ([imei(5), imei(6)], sim.account)
    assert (entries[2]["has_token"], entries[3]["has_token"]) == (True, False)
    assert [entry["n"] for entry in sim.control("GET", "requests?write=true")] == [3]
    assert [entry["n"] for entry in sim.control("GET", "requests?operation=fota_list")] == [1, 2]
    summary = sim.control("GET", "requests/summary")
    assert summary["operations"] == {"fota_list": 2, "fota_assign": 1, "unknown": 1}
    assert summary["statuses"] == {"200": 3, "400": 1}
    assert (summary["total"], summary["writes"]) == (4, 1)
    sim.control("GET", "requests?color=red", status=400)


def test_journal_keeps_no_secret(sim):
    sim.session(password="hunter2")
    text = json.dumps(sim.control("GET", "requests")) + json.dumps(sim.control("GET", "sessions"))
    for secret in ("hunter2", sim.headers["VZ-M2M-Token"], sim.headers["Authorization"].split()[1]):
        assert secret not in text


def test_controls_are_not_hit_by_faults_latency_or_journal(sim):
    sim.control("DELETE", "requests")
    sim.fault("status", times=0)
    sim.quirk(latency=30, rate_limit=1)
    begin = time.monotonic()
    for _time in range(3):
        assert sim.control("GET", "requests") == []
    assert time.monotonic() - begin < 5


def test_latency(sim):
    sim.quirk(latency=0.15)
    begin = time.monotonic()
    sim.list()
    assert time.monotonic() - begin >= 0.15


def test_rate_limit(sim, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(sim.service, "_rate", RateLimit(lambda: now[0]))
    sim.quirk(rate_limit=3)
    answers = [sim.list() for _time in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].headers["Retry-After"] == "1"
    now[0] += 1
    assert sim.list().status_code == 200


def test_retry_after_forms(sim):
    sim.quirk(rate_limit=1, retry_after="date")
    sim.list()
    parsedate_to_datetime(sim.list().headers["Retry-After"])
    for form, value in (("none", None), ("nonsense", "soon"), ("huge", "86400000")):
        sim.quirk(retry_after=form)
        assert sim.list().headers.get("Retry-After") == value


def test_connection_is_kept(sim):
    before = sim.list(stream=True)
    port = before.raw.connection.sock.getsockname()[1]
    assert before.json()
    after = sim.list(stream=True)
    assert after.raw.connection.sock.getsockname()[1] == port


def test_chunked_body(sim, imei):
    body = json.dumps({"deviceList": [imei(5)]}).encode()
    path = f"/fota/v3/licenses/{sim.account}/assign"
    assert sim.api("POST", path, data=iter([body[:9], body[9:]])).status_code == 200
    assert imei(5) in sim.held()


def test_tls(start, tmp_path):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    sim = start(tls=context, verify=str(tmp_path / "ca.pem"))
    assert sim.root.startswith("https://127.0.0.1:")
    assert sim.login().list().status_code == 200
    sim.fault("reset")
    with pytest.raises(requests.ConnectionError):
        sim.list()
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{sim.root}/_simulator/", timeout=5)
    assert sim.list().status_code == 200  # a caller without TLS or trust does not disturb the others
