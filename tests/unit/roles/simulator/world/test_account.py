# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evictions: the control that shrinks a subscription, and the order in which devices lose their license."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thingspace_simulator.quirks import Quirks
from thingspace_simulator.world.account import Account, evict
from thingspace_simulator.world.device import Device

TIMES = ("2024-01-03T00:00:00.000Z", "2024-01-01T00:00:00.000Z", "2024-01-02T00:00:00.000Z", "2024-01-01T00:00:00.000Z")


@pytest.fixture(name="four")
def fixture_four(sim, imei):
    """Ten devices. The first four are licensed, two of them at the same time."""
    rows = [{"device_id": imei(number), "assigned_at": moment} for number, moment in enumerate(TIMES)]
    devices = [imei(number) for number in range(10)]
    sim.control("PUT", "state", {"accounts": [{"name": sim.account, "devices": devices, "licenses": rows}]})
    return sim


def gone(answer):
    """Return the numbers of the evicted devices."""
    return [int(row["device_id"][-1]) for row in answer["evicted"]]


def test_nothing_happens_until_fewer_are_bought_than_held(four, imei):
    four.cancel(imei(0))
    assert four.buy(4) == {"account": four.account, "license_count": 4, "assigned": 4, "evicted": []}
    assert four.listed() == [imei(0)]
    assert four.control("GET", "subscription?account=" + four.account) == {
        "account": four.account, "license_count": 4, "assigned": 4,
    }  # fmt: skip


def test_listed_first_then_the_oldest(four, imei):
    """The cancel page: the list in its order, then by assignment, oldest first."""
    four.cancel(imei(9), imei(0), imei(2))  # number 9 holds none
    answer = four.buy(1)
    assert answer == {
        "account": four.account, "license_count": 1, "assigned": 1,
        "evicted": [{"device_id": imei(number), "assigned_at": TIMES[number]} for number in (0, 2, 1)],
    }  # fmt: skip
    assert four.held() == [imei(3)]
    assert [row["deviceId"] for row in four.list().json()["deviceList"]] == [imei(3)]
    assert four.api("GET", f"/fota/v1/subscriptions/{four.account}").json()["licenseCount"] == 1
    assert four.listed() == [imei(9)]
    assert gone(four.buy(0)) == [3]


def test_the_subscription_changes_at_that_moment(four):
    four.control("POST", "clock", {"now": "2030-01-01T00:00:00Z"})
    four.buy(20)
    four.login()
    reply = four.api("GET", f"/fota/v3/subscriptions/{four.account}").json()
    assert reply["licenseCount"] == 20
    assert reply["updateTime"].startswith("2030-01-01T00:00:0")


def test_licenses_are_free_again_after_eviction(four, imei):
    four.buy(2)
    assert "Not enough" in four.change("assign", imei(8)).text
    four.buy(3)
    assert "Not enough" not in four.change("assign", imei(8)).text
    assert four.held() == [imei(0), imei(2), imei(8)]


def test_evicted_candidates_may_stay_listed(four, imei):
    four.quirk(evicted_candidates="keep")
    four.cancel(imei(2))
    assert gone(four.buy(3)) == [2]
    assert four.listed() == [imei(2)]
    four.buy(4)
    four.change("assign", imei(2))
    assert gone(four.buy(3)) == [2], "it is still the first, though the last to be assigned"


@pytest.mark.parametrize(("word", "order"), [("imei", [1, 3, 2, 0]), ("reverse", [3, 1, 2, 0])])
def test_ties(four, word, order):
    four.quirk(eviction_ties=word)
    assert gone(four.buy(0)) == order


def test_shuffled_ties_are_the_same_every_time(start, imei):
    orders = []
    for _time in range(2):
        sim = start(50, 50)
        sim.quirk(eviction_ties="shuffled")
        orders.append([row["device_id"] for row in sim.buy(0)["evicted"]])
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == [imei(number) for number in range(50)]
    assert orders[0] not in (sorted(orders[0]), sorted(orders[0], reverse=True))


def test_having_upgraded_protects_nobody(four, imei):
    """The cancel page: upgrades that have started finish; that does not keep the license."""
    four.control("PUT", "devices", [{"imei": imei(1), "upgraded": True}])
    assert gone(four.buy(3)) == [1]


def test_unless_a_quirk_protects_what_the_subscription_page_calls_irremovable(four, imei):
    four.quirk(eviction_upgraded="keep")
    four.control("PUT", "devices", [{"imei": imei(1), "upgraded": True}])
    assert 1 not in gone(four.buy(0))
    assert four.held() == [imei(1)]


def test_a_state_may_hold_more_than_is_bought(four, imei):
    state = {"name": four.account, "subscription": {"license_count": 1}, "licenses": [imei(0), imei(1), imei(2)]}
    four.control("PUT", "state", {"accounts": [{**state, "candidates": [imei(2), imei(2), imei(7)]}]})
    assert len(four.held()) == 3
    assert four.listed() == [imei(2), imei(2), imei(7)]
    assert gone(four.buy(2)) == [2], "more than before, and still fewer than held"
    assert four.listed() == [imei(7)]


def test_the_first_account_is_meant_unless_one_is_named(sim):
    sim.control("PUT", "state", {"accounts": [{"name": "a", "licenses": 2}, {"name": "b", "licenses": 2}]})
    answer = sim.control("POST", "subscription", {"license_count": 1})
    assert (answer["account"], answer["assigned"]) == ("a", 1)
    assert sim.control("GET", "subscription") == {"account": "a", "license_count": 1, "assigned": 1}
    assert sim.control("GET", "subscription?account=b")["assigned"] == 2


@pytest.mark.parametrize("count", [-1, 1.5, "3", True, None])
def test_all_problems_at_once(sim, count):
    before = sim.control("GET", "state")
    body = {"account": "nobody", "license_count": count, "color": "red"}
    problems = sim.control("POST", "subscription", body, status=400)["problems"]
    for word, problem in zip(("color: unknown", "license_count: must", "account: 'nobody'"), problems, strict=True):
        assert word in problem
    assert sim.control("GET", "state") == before


def test_wrong_use_of_the_control(sim):
    sim.control("POST", "subscription", [], status=400)
    sim.control("PUT", "subscription", {}, status=405)
    endless = sim.http.post(f"{sim.root}/_simulator/subscription", data=b'{"license_count": Infinity}', timeout=5)
    assert endless.status_code == 400
    problems = sim.control("GET", "subscription?account=nobody&color=red", status=400)["problems"]
    assert len(problems) == 2
    accounts = [{"name": "e", "subscription": {"purchase_type": "TS-HFOTA-EVNT"}, "licenses": 2}]
    sim.control("PUT", "state", {"accounts": accounts})
    text = sim.control("POST", "subscription", {"account": "e", "license_count": 0}, status=400)["error"]
    assert "in advance" in text
    sim.control("PUT", "state", {"accounts": []})
    sim.control("GET", "subscription", status=400)


def test_shrinking_and_assigning_at_the_same_time(start, imei):
    sim = start(80, 40, 80).login()

    def work(number: int) -> None:
        if number % 2:
            sim.buy(40 - number // 2)
        else:
            assert sim.change("assign", imei(40 + number)).status_code == 200

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(40)))
    sim.buy(10)
    assert sim.control("GET", "subscription")["assigned"] == len(sim.held()) == 10
    assert [row["deviceId"] for row in sim.list().json()["deviceList"]] == sorted(sim.held())


def naive(held, listed, count, reverse):
    """Take one license after another, as the page says."""
    left, order = dict(held), []
    while len(left) > count:
        named = [imei for imei in listed if imei in left]
        oldest = sorted(left, key=lambda imei: (left[imei], -int(imei) if reverse else int(imei)))
        order.append(named[0] if named else oldest[0])
        del left[order[-1]]
    return order


IDS = st.integers(0, 25).map(lambda number: f"{990_000_000_000_000 + number}")


@given(st.dictionaries(IDS, st.integers(0, 4)), st.lists(IDS), st.integers(0, 30), st.booleans())
def test_order_is_that_of_a_simple_reading(held, listed, count, reverse):
    account = Account("a", license_count=count, licenses=dict(held), devices={imei: Device(imei) for imei in held})
    account.candidates.append(listed, 1)
    quirks = Quirks()
    quirks.merge({"eviction_ties": "reverse" if reverse else "imei"})
    expected = naive(held, listed, count, reverse)
    assert evict(account, quirks, 2) == [(imei, held[imei]) for imei in expected]
    assert account.licenses == {imei: held[imei] for imei in held if imei not in expected}
    assert account.licensed_after("0", 99)[0] == sorted(account.licenses)
    assert account.candidates.ids == [imei for imei in listed if imei not in expected]
