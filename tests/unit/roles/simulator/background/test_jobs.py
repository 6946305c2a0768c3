# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIM-Secure results: what becomes of each device, the counts, and what can be asked about a request."""

from __future__ import annotations

import pytest

from thingspace_simulator.world.skus import SIMSEC_SKUS

STATUS = "/m2m/v1/accounts/{}/requests/{}/status"


def faults(sim):
    return [message["fault"] for message in sim.messages()]


def buy(sim, count, **fields):
    account = {"name": sim.account, "devices": 10, "skus": [{"sku": "SIMSec-IoT", "purchased": count, **fields}]}
    sim.control("PUT", "state", {"accounts": [account]})


def test_each_device_has_its_own_result(sim, imei):
    sim.control("PUT", "devices", [{"imei": imei(1), "state": "suspend"}, {"imei": imei(2), "technology": "3G"}])
    sim.simsec_done(imei(0), imei(1), imei(2), "123456789012345", imei(3))
    assert faults(sim) == [
        None,
        "INPUT_INVALID.DeviceState.Invalid",
        "INPUT_INVALID.DeviceTechnology.Invalid",
        "REQUEST_FAILED.DeviceNotFound",
        None,
    ]
    assert sim.secured() == [imei(0), imei(3)]


def test_ids_that_name_two_devices(sim, imei):
    body = {"accountName": sim.account, "skuNumber": "SIMSec-IoT"}
    ids = [{"id": imei(0), "kind": "IMEI"}, {"id": "89148000000000000000", "kind": "ICCID"}]
    other = {"id": "89148000000000000001", "kind": "ICCID"}
    sim.simsec(json={**body, "devices": [{"deviceIds": ids}, {"deviceIds": [ids[0], other]}]})
    assert faults(sim) == [None, "REQUEST_FAILED.DeviceNotFound"]


def test_unassign_of_a_device_without_and_of_one_that_is_not_active(sim, imei):
    sim.simsec_done(imei(0))
    sim.control("PUT", "devices", [{"imei": imei(0), "state": "deactive"}])
    sim.simsec_done(imei(0), imei(1), method="DELETE")
    assert faults(sim)[1:] == [None, "REQUEST_FAILED.LicenseNotAssigned"]


def test_assigned_again(sim, imei):
    sim.simsec_done(imei(0))
    sim.simsec_done(imei(0))
    sim.quirk(simsec_reassign="failed")
    sim.simsec_done(imei(0))
    assert faults(sim) == [None, None, "REQUEST_FAILED.LicenseAlreadyAssigned"]
    assert sim.counts() == (10, 1, 9)


def test_two_skus_at_a_time(sim, imei):
    sim.simsec_done(imei(0))
    sim.simsec_done(imei(0), sku="SIMSec-IoT-Lt")
    assert sim.secured() == sim.secured("SIMSec-IoT-Lt") == [imei(0)]


def test_exhausted(sim, imei):
    buy(sim, 2)
    sim.simsec_done(imei(0), imei(1), imei(2))
    assert faults(sim) == [None, None, "REQUEST_FAILED.LicenseNotAvailable"]
    assert sim.counts() == (2, 2, 0)


def test_exhausted_may_refuse_the_request(sim, imei):
    sim.quirk(simsec_delay=60)
    buy(sim, 2)
    sim.quirk(simsec_exhausted="reject")
    answer = sim.simsec(imei(0), imei(1), imei(2))
    assert answer.json()["errorCode"].endswith("LicenseNotAvailable")
    assert sim.simsec(imei(0), imei(1)).status_code == 200
    assert sim.simsec(imei(2)).status_code == 400  # the two are on their way
    sim.advance(60)
    assert sim.simsec(imei(0), imei(1)).status_code == 200  # they have theirs


def test_checks_may_come_at_once(sim, imei):
    sim.quirk(simsec_checks="sync")
    sim.control("PUT", "devices", [{"imei": imei(1), "state": "suspend"}])
    for wrong, word in ((imei(1), "DeviceState.Invalid"), ("123456789012345", "DeviceNotFound")):
        assert sim.simsec(imei(0), wrong).json()["errorCode"].endswith(word)
    assert sim.simsec(imei(1), method="DELETE").status_code == 200
    assert sim.simsec("123456789012345", method="DELETE").status_code == 400


def test_counts_move_at_completion_or_at_acceptance(sim, imei):
    sim.quirk(simsec_delay=60)
    sim.simsec(imei(0), imei(1), "123456789012345")
    assert sim.counts() == (10, 0, 10)
    sim.quirk(simsec_counts="acceptance")
    assert sim.counts() == (10, 2, 8)
    sim.control("PUT", "devices", [{"imei": imei(1), "state": "suspend"}])
    sim.advance(60)
    assert sim.counts() == (10, 1, 9)
    sim.simsec(imei(0), method="DELETE")
    assert sim.counts() == (10, 0, 10)


def test_subscriptions(sim):
    path = "/m2m/v1/accounts/subscriptions/actions/list"
    answer = sim.api("POST", path, json={"accountName": sim.account}).json()
    assert answer["accountName"] == sim.account
    assert [(row["skuNumber"], row["licenseType"]) for row in answer["subscriptionList"]] == [*SIMSEC_SKUS.items()]
    empty = sim.api("POST", path, json={"accountName": sim.account, "skuNumber": "x"})
    assert (empty.status_code, empty.json()["subscriptionList"]) == (200, [])
    sim.quirk(available="odd")
    assert sim.counts() == (10, 0, 9)


@pytest.mark.parametrize("words", ["Failed", "Failure"])
def test_request_status(sim, imei, words):
    sim.quirk(simsec_delay=60)

    def status(request):
        answer = sim.api("GET", STATUS.format(sim.account, request))
        assert (answer.status_code == 200) is (list(answer.json()) == ["requestId", "status"])
        return answer.json().get("status")

    one, two = (sim.simsec(*ids).json()["requestId"] for ids in ((imei(0),), (imei(0), "123456789012345")))
    sim.quirk(status_words=words)
    assert (status(one), status(two)) == (None, None)
    sim.quirk(request_status="single")
    assert (status(one), status(two)) == ("Pending", None)
    sim.advance(60)
    sim.quirk(request_status="any")
    assert (status(one), status(two), status("nothing")) == ("Success", words, None)


def test_state_put_cancels_and_quirks_do_not(sim, imei):
    sim.quirk(simsec_delay=60)
    sim.simsec(imei(0))
    sim.control("PUT", "state", {"quirks": {"page_size": 5}})
    assert sim.control("GET", "callbacks")["requests"] == 1
    buy(sim, 10)
    assert sim.control("GET", "callbacks")["requests"] == 0
    sim.advance(60)
    assert sim.secured() == []
    sim.simsec(imei(0))
    sim.control("DELETE", "state")
    sim.advance(60)
    assert sim.secured() == []


def test_many_requests_are_no_burden(start):
    sim = start(devices=3000).login()
    ids = [str(990_000_000_000_000 + number) for number in range(3000)]
    for first in range(0, 3000, 100):
        sim.simsec(*ids[first : first + 100])
    sim.advance(1)
    assert sim.counts() == (3000, 3000, 0)
