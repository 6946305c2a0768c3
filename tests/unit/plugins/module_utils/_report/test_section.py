# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report says of a small account, every number worked out by hand."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._report.data import (
    AccountData,
    Device,
    Entry,
    ReadFailure,
    WantedLicenses,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._report.document import Tables, make_document
from ansible_collections.thingspace.licensing.plugins.module_utils._report.history import History
from ansible_collections.thingspace.licensing.plugins.module_utils._report.lines import Line, lines_of
from ansible_collections.thingspace.licensing.plugins.module_utils._report.reclaim import Rules
from ansible_collections.thingspace.licensing.plugins.module_utils._report.section import ReportSettings, section_of
from ansible_collections.thingspace.licensing.plugins.module_utils._report.wording import (
    candidate_words,
    pool_words,
    removable_words,
    unpriced,
)

Json = dict[str, t.Any]
NAME = "0000123456-00001"
FLEX, LIFETIME = "SIMSec-IoT", "SIMSec-IoT-Lt"
RULES = Rules(datetime.date(2026, 11, 21), frozenset({"deactive"}))
REFUSED = ("login_refused", "No.")
NUMBERS = {"purchased": 10, "assigned": 3, "available": 7}


@pytest.fixture
def data() -> AccountData:
    """Devices a and b as they should be or not, c without the account, d to be licensed, e with nothing."""
    return AccountData(
        NAME,
        shrink_to=1,
        fota_pool={"total": 5, "assigned": 3, "available": 2},
        fota={"a": "2026-11-20T23:30:00-01:00", "b": "2026-05-01T00:00:00Z", "c": "?"},
        fota_upgrades=dict.fromkeys("abc", ""),
        candidates=["b", "x"],
        devices=[
            Device("a", "1a", "active", ""),
            Device("b", "1b", "deactive", "2026-01-01T00:00:00Z"),
            Device("d", "1d", "'=cmd", ""),
            Device("e", "1e", "active", ""),
            Device("a", "1f", "deactive", ""),
        ],
        subscriptions=[{"sku": FLEX, **NUMBERS}, {"sku": LIFETIME, **NUMBERS, "available": 0}],
        journal={
            FLEX: {
                "imei": {
                    "a": Entry("yes", "2026-11-01T00:00:00Z"),
                    "d": Entry("no", ""),
                    "b": Entry("yes", ""),
                    "z": Entry("no", ""),
                },
                "iccid": {"1e": Entry("unknown", "")},
            },
            LIFETIME: {"imei": {"b": Entry("yes", "2026-02-01T00:00:00Z")}},
        },
        wanted=WantedLicenses(
            "fleet/<a>.yml",
            fota=dict.fromkeys("ad"),
            exact={"FOTA": True, "simsec": True},
            simsec={FLEX: {"imei": dict.fromkeys("ade")}},
            candidates=["b"],
            protected={"x": None},
        ),
    )


def lines(data: AccountData) -> list[Line]:
    return lines_of(data, RULES)


def section(data: AccountData, pools: dict[tuple[str, str], list[Json]] | None = None) -> Json:
    prices = {"FOTA": decimal.Decimal("1.50"), LIFETIME: decimal.Decimal(9)}
    return section_of(data, lines(data), ReportSettings(RULES, prices, History([], pools or {}, [])))


def wanted(data: AccountData) -> WantedLicenses:
    assert data.wanted
    return data.wanted


def pool(made: Json, license: str) -> Json:
    return t.cast(Json, next(one for one in made["pools"] if one["license"] == license))


def test_each_line(data: AccountData) -> None:
    found = [
        (line.license, line.kind, line.device_id, line.wanted, line.held, line.drift, line.reclaim)
        for line in lines(data)
    ]
    assert found == [
        ("FOTA", "imei", "a", "yes", "yes", "as wanted", ""),
        ("FOTA", "imei", "b", "no", "yes", "extra", "now"),
        ("FOTA", "imei", "c", "no", "yes", "extra", "now"),
        ("FOTA", "imei", "d", "yes", "no", "missing", ""),
        ("FOTA", "imei", "x", "no", "no", "", ""),
        (FLEX, "iccid", "1e", "no", "unknown", "unknown", ""),
        (FLEX, "imei", "a", "yes", "yes", "as wanted", ""),
        (FLEX, "imei", "d", "yes", "no", "missing", ""),
        (FLEX, "imei", "b", "no", "yes", "extra", "now"),
        (FLEX, "imei", "e", "yes", "no", "missing", ""),
        (LIFETIME, "imei", "b", "no", "yes", "kept", "locked"),
    ]
    by = {(line.license, line.device_id): line for line in lines(data)}
    assert by["FOTA", "a"].since == "2026-11-21T00:30:00Z"
    assert by["FOTA", "c"].since == ""
    assert by["FOTA", "c"].why == "not a device of the account; not wanted by the fleet files"
    assert by["FOTA", "d"].state == "'=cmd"
    assert by["FOTA", "a"].state == "active", "a retired line about the same IMEI does not make it retired"
    assert (by["FOTA", "b"].place, by["FOTA", "x"].place, by["FOTA", "x"].protected) == (1, 2, True)
    assert (by[FLEX, "a"].since, by[FLEX, "b"].since) == ("2026-11-01T00:00:00Z", "")


def test_what_the_account_calls_for_life_cannot_be_reclaimed(data: AccountData) -> None:
    """Whatever the name of the SKU says."""
    assert pool(section(data), FLEX)["lifetime"] is False
    data = dataclasses.replace(
        data, subscriptions=[*(data.subscriptions or []), {"sku": FLEX, **NUMBERS, "license_type": "PERMANENT"}]
    )
    assert pool(section(data), FLEX)["lifetime"] is True
    extra = next(line for line in lines(data) if (line.license, line.kind, line.device_id) == (FLEX, "imei", "b"))
    assert (extra.drift, extra.reclaim) == ("kept", "locked")


@pytest.mark.parametrize("listed", [True, False])
def test_protected_devices_of_a_list_that_is_not_managed(data: AccountData, listed: bool) -> None:
    wanted(data).candidates = None
    if not listed:
        wanted(data).protected = {}
    made = section(data)
    assert (made["failures"], made["candidates"]["protected"], made["candidates"]["wanted"]) == ([], int(listed), None)
    assert ("1 of them protected by the fleet files" in candidate_words(made["candidates"])) is listed
    assert [line.device_id for line in lines(data) if line.protected] == ["x"] * listed
    tables = Tables()
    tables.add(NAME, lines(data))
    document = make_document([made], tables, [], [], title="t", created="2026-11-21", currency="", csv="report.csv")
    assert document["tables"]["candidates"]["rows"][1]["protected"] is listed


def test_the_figures(data: AccountData) -> None:
    made = section(data)
    assert made["status"] == "complete"
    fota = pool(made, "FOTA")
    assert fota["drift"] == {"wanted": 2, "as_wanted": 1, "missing": 1, "extra": 2, "kept": 0, "unknown": 0}
    assert fota["reclaimable"] == {"now": 2, "wanted": 0, "locked": 0, "unknown": 0}
    assert fota["cost"] == {"bought": "7.50", "assigned": "4.50", "free": "3.00", "reclaimable": "3.00"}
    weeks = fota["assigned_by_week"]
    assert (weeks["first_day"], weeks["counts"], weeks["before"]) == ("2026-05-24", [0] * 25 + [1], 1)
    assert fota["undated"] == 1
    assert fota["runway"]["verdict"] == "too_few"
    flex = pool(made, FLEX)
    assert flex["drift"] == {"wanted": 3, "as_wanted": 1, "missing": 2, "extra": 1, "kept": 0, "unknown": 1}
    assert (flex["cost"], unpriced(flex), flex["read_from"]) == (None, "no price", "journal")
    # Its price is paid once, so it is in no monthly sum.
    assert (pool(made, LIFETIME)["cost"], unpriced(pool(made, LIFETIME))) == (None, "paid once")
    assert pool(made, LIFETIME)["reclaimable"] == {"now": 0, "wanted": 0, "locked": 1, "unknown": 0}
    assert made["candidates"] == {
        "listed": 2,
        "without_license": 1,
        "protected": 1,
        "wanted": 1,
        "missing": 0,
        "extra": 1,
        "order_differs": True,
        "forecast": {
            "shrink_to": 1,
            "assigned": 3,
            "evicted": 2,
            "from_list": 1,
            "beyond_list": 1,
            "upgraded": 0,
            "upgraded_unknown": 0,
            "certain": False,
            "unnamed": 0,
            "tied_count": 1,
        },
    }
    assert made["devices"] == {"count": 5, "without_license": 1, "states": {"active": 2, "deactive": 1, "'=cmd": 1}}


def test_a_list_that_has_only_a_part_of_the_licenses(data: AccountData) -> None:
    """Who is not on it may hold one: no device is missing or without a license, and the forecast is the account's."""
    assert (data.fota_elsewhere, data.fota_unseen) == (0, False)
    before = pool(section(data), "FOTA")["drift"]
    assert data.fota_pool is not None
    data.fota_pool = {**data.fota_pool, "assigned": 5}
    assert (data.fota_elsewhere, data.fota_unseen) == (2, True)
    made = section(data)
    fota = pool(made, "FOTA")
    assert (fota["assigned"], fota["locked_unknown"]) == (5, 2)
    assert fota["locked_unknown_why"] == "The list does not have them."
    candidate = 1
    assert pool(made, "FOTA")["drift"] == {**before, "missing": 0, "unknown": before["missing"] + candidate}
    assert (made["candidates"]["without_license"], made["devices"]["without_license"]) == (None, None)
    seen = made["candidates"]["forecast"]
    assert (seen["assigned"], seen["evicted"], seen["certain"], seen["unnamed"] > 0) == (5, 4, False, True)


def test_licenses_that_can_never_be_removed(data: AccountData) -> None:
    """They are no drift that a run could end, and are counted whether they are needed or not."""
    data.fota_upgrades = {"a": "2026-01-01T00:00:00Z", "b": "2026-02-02T00:00:00Z", "c": ""}
    made = section(data)
    fota = pool(made, "FOTA")
    assert fota["drift"] == {"wanted": 2, "as_wanted": 1, "missing": 1, "extra": 1, "kept": 1, "unknown": 0}
    assert fota["reclaimable"] == {"now": 1, "wanted": 0, "locked": 1, "unknown": 0}
    assert (fota["locked"], fota["locked_unknown"], fota["locked_unknown_why"]) == (2, 0, "")
    assert any("upgraded (2026-02-02T00:00:00Z)" in why for why in fota["reasons"])
    assert pool_words(fota).endswith("2 free, 2 never to be removed")
    assert made["candidates"]["forecast"]["upgraded"] == 2
    assert pool(made, LIFETIME)["locked"] == 1
    assert [", for life" in pool_words(pool(made, name)) for name in ("FOTA", LIFETIME)] == [False, True]


def test_a_license_that_may_never_be_removed_does_not_count_as_one_that_can(data: AccountData) -> None:
    """ThingSpace says nothing of c. Its license may come back, or not, so its cost may not, either."""
    data.fota_upgrades = {"a": "2026-01-01T00:00:00Z", "b": ""}
    fota = pool(section(data), "FOTA")
    assert fota["reclaimable"] == {"now": 1, "wanted": 0, "locked": 0, "unknown": 1}
    assert fota["cost"]["reclaimable"] == "1.50"
    assert (fota["locked"], fota["locked_unknown"]) == (1, 1)
    assert "list of devices does not say" in fota["locked_unknown_why"]
    assert pool_words(fota).endswith("2 free, at least 1 never to be removed")
    (line,) = (line for line in lines(data) if line.reclaim == "unknown")
    assert (line.device_id, line.license) == ("c", "FOTA")
    assert "ThingSpace does not say" in line.why


def test_without_the_list_of_devices_no_fota_license_counts_as_one_that_can_be_removed(data: AccountData) -> None:
    """The journal knows SIM-Secure licenses that can be removed. Why nothing is known of the others is said."""
    data.fota_upgrades, data.upgrades_unread = None, "No such list."
    made = section(data)
    fota = pool(made, "FOTA")
    assert fota["reclaimable"] == {"now": 0, "wanted": 0, "locked": 0, "unknown": 2}
    assert (fota["locked"], fota["locked_unknown"], fota["locked_unknown_why"]) == (0, 3, "No such list.")
    assert pool_words(fota).endswith("2 free")
    assert pool(made, FLEX)["reclaimable"] == {"now": 1, "wanted": 0, "locked": 0, "unknown": 0}
    assert pool(made, FLEX)["locked_unknown"] == 0
    document = make_document([made], Tables(), [], [], created="2026-11-21 00:00:00 UTC")
    assert document["totals"]["reclaimable"] == {"now": 1, "wanted": 0, "locked": 1, "unknown": 2}
    assert document["totals"]["cost"]["reclaimable"] == "0.00"
    assert [*removable_words(document)] == [
        (NAME, "It is unknown whether 3 FOTA licenses can be removed. No such list.")
    ]


def test_a_device_that_is_named_by_its_sim_is_not_without_license(data: AccountData) -> None:
    data = AccountData(NAME, devices=data.devices, journal=data.journal)
    assert [line.device_id for line in lines(data) if not line.license] == ["d"]
    data.journal = None
    assert [line.device_id for line in lines(data) if not line.license] == ["a", "b", "d", "e"]


def test_devices_that_miss_what_is_wanted_are_without_any_license(data: AccountData) -> None:
    """Device d is wanted to hold two and holds none. Without the list of FOTA licenses, nobody knows."""
    assert {line.held for line in lines(data) if line.device_id == "d"} == {"no"}
    assert section(data)["devices"]["without_license"] == 1
    data.beyond_journal = [FLEX]
    assert section(data)["devices"]["without_license"] == 1, "the journal knows that d holds none"
    data.fota = None
    assert section(data)["devices"]["without_license"] is None


def test_licenses_that_the_journal_does_not_know(data: AccountData) -> None:
    """May be with any device that it has no record of; what it does know stays."""
    data.beyond_journal = [FLEX]
    drift = pool(section(data), FLEX)["drift"]
    assert drift == {"wanted": 3, "as_wanted": 1, "missing": 1, "extra": 1, "kept": 0, "unknown": 2}
    data.beyond_journal = []
    assert pool(section(data), FLEX)["drift"]["missing"] == 2


def test_without_a_journal_nothing_is_claimed(data: AccountData) -> None:
    data.journal = None
    flex = pool(section(data), FLEX)
    assert flex["drift"] == {"wanted": 3, "as_wanted": 0, "missing": 0, "extra": 0, "kept": 0, "unknown": 3}
    assert (flex["read_from"], flex["assigned_by_week"], flex["undated"], flex["reclaimable"]) == ("", None, None, None)
    assert flex["runway"]["verdict"] == "unknown"


def test_present_leaves_others_alone(data: AccountData) -> None:
    wanted(data).exact["FOTA"] = False
    fota = pool(section(data), "FOTA")
    assert fota["drift"] == {"wanted": 2, "as_wanted": 1, "missing": 1, "extra": 0, "kept": 2, "unknown": 0}
    assert fota["reasons"] == {"the device is deactive": 1, "not a device of the account": 1}


def test_what_could_not_be_read_is_unknown(data: AccountData) -> None:
    """Licenses bought are known even if the list is not; one reason is told once."""
    data.fota = data.devices = data.candidates = None
    data.failures = [ReadFailure(what, *REFUSED) for what in ("FOTA licenses", "removal candidates", "the device list")]
    made = section(data)
    assert made["failures"] == [
        {
            "what": "FOTA licenses, removal candidates, the device list",
            "code": "login_refused",
            "message": "No.",
        }
    ]
    assert (made["status"], made["candidates"], made["devices"]) == ("incomplete", None, None)
    fota = pool(made, "FOTA")
    assert (fota["total"], fota["assigned_by_week"], fota["reclaimable"]) == (5, None, None)
    assert fota["drift"] == {"wanted": 2, "as_wanted": 0, "missing": 0, "extra": 0, "kept": 0, "unknown": 2}


def test_an_account_without_anything() -> None:
    made = section(AccountData(NAME, unnamed=True))
    assert (made["pools"], made["failures"], made["unnamed"], made["candidates"]) == ([], [], True, None)
    document = make_document([made], Tables(), [], [], created="2026-11-21 00:00:00 UTC")
    assert document["totals"]["licenses"] == {"total": None, "assigned": None, "available": None}
    assert document["totals"]["soonest"] is None


def test_totals_over_accounts_and_the_report_before(data: AccountData) -> None:
    before = {"day": "2026-11-19", "total": 5, "assigned": 1, "available": 4, "missing": 3, "extra": 2, "unknown": None}
    one = section(data, {(NAME, "FOTA"): [{**before, "reclaimable": 0}]})
    assert pool(one, "FOTA")["before"]["missing"] == 3
    other = section(dataclasses.replace(data, name="0000123456-00002", wanted=None, unnamed=True))
    document = make_document([other, one], Tables(), [], [], created="2026-11-21 00:00:00 UTC")
    assert [made["account"] for made in document["accounts"]] == [NAME, "0000123456-00002"]
    totals = document["totals"]
    assert totals["licenses"] == {"total": 50, "assigned": 18, "available": 18}
    assert totals["drift"] is not None
    assert totals["drift"]["missing"] == 3
    assert totals["reclaimable"] == {"now": 6, "wanted": 0, "locked": 2, "unknown": 0}
    assert totals["cost"] == {"bought": "15.00", "assigned": "9.00", "free": "6.00", "reclaimable": "6.00"}
    assert totals["fota_by_week"]["counts"][-1] == 2
