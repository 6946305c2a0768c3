# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps a plan from being carried out: limits of a SKU, limits of the run, and what no approval opens."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.documents import Failure
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.freeze import read_window
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.limits import (
    RunLimits,
    over_a_sku,
    over_the_run,
    read_run_limits,
    why_not,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_account import PlanAccount
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_make import make_account, within_a_sku

FLEX, LIFETIME = "SIMSec-IoT", "SIMSec-IoT-Lt"
NOW = datetime.datetime(2026, 12, 18, 12, tzinfo=datetime.timezone.utc)


def part(id_kind: str = "imei", assign: int = 0, remove: int = 0, failure: str = "", **more: t.Any) -> dict[str, t.Any]:
    """What a module in check mode makes of a part, of a pool with 10 of 30 licenses assigned."""
    state = "absent" if remove else "present"
    moved = 0 if failure else assign - remove
    result: dict[str, t.Any] = {
        "plan": {"state": state, "assign": assign, "remove": remove, "digest": "d"},
        "licenses": {"total": 30, "assigned": 10 + moved, "available": 20 - moved},
    }
    if failure:
        result["failure"] = {"code": failure, "message": f"{failure}."}
    return {"kind": "simsec", "sku": FLEX, "list": f"{id_kind}-{state}", "id_kind": id_kind, "result": result, **more}


def account(*parts: dict[str, t.Any]) -> PlanAccount:
    """The plan of an account."""
    made = make_account("0000123456-00001", "a.yml", "w", parts, [[] for _part in parts])
    return within_a_sku(made)


def code_of(failure: Failure | None) -> str | None:
    return failure and failure.code


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([part(assign=20), part("iccid", assign=1)], "pool_exhausted"),
        ([part(assign=10), part("iccid", assign=10)], None),
        ([part(assign=10, reserve=1), part("iccid", assign=10, reserve=1)], "guard_tripped"),
        ([part(assign=4, max_changes=7), part("iccid", assign=4, max_changes=7)], "guard_tripped"),
        ([part(assign=4, max_changes=7), part(remove=4, max_changes=7)], "guard_tripped"),
        ([part(remove=2, max_removals="30%"), part("iccid", remove=2, max_removals="30%")], "guard_tripped"),
        ([part(remove=2, max_removals=4), part("iccid", remove=2, max_removals=4)], None),
    ],
)
def test_parts_of_one_sku_count_together(parts: list[dict[str, t.Any]], code: str | None) -> None:
    found = over_a_sku(account(*parts).parts, "files")
    assert (found and found.code) == code


@pytest.mark.parametrize(("more", "together"), [(0, []), (1, ["changes 6 devices"])])
def test_what_one_part_exceeds_is_told_once(more: int, together: list[str]) -> None:
    """With its part. The account has only what its parts exceed together."""
    limits: dict[str, t.Any] = {"max_removals": 4, "max_changes": 5}
    removal = part(remove=5, failure="guard_tripped", **limits)
    removal["result"]["failure"]["guards"] = [{"guard": "max_removals", "planned": 5, "allowed": 4}]
    made = account(removal, part(assign=more, **limits))
    assert [failure.message for failure in made.failures][-1] == "guard_tripped."
    assert len(made.failures) == 1 + len(together)
    for told in together:
        assert told in made.failures[0].message
        assert "removes" not in made.failures[0].message
    assert code_of(why_not(made, [], NOW, approved=False)) == "guard_tripped"


def test_consent_covers_both_kinds_of_id_and_is_given_in_the_fleet_file_only() -> None:
    given: dict[str, t.Any] = {"sku": LIFETIME, "lifetime": True, "lifetime_consent": 2}
    bound = account(part(assign=2, **given), part("iccid", assign=2, **given))
    assert bound.failure is not None
    assert bound.failure.code == "lifetime_consent"
    assert "binds 4 devices to SIMSec-IoT-Lt for life, with consent to 2" in bound.failure.message
    assert code_of(why_not(bound, [], NOW, approved=True)) == "lifetime_consent"
    fine = account(part(assign=1, **given), part("iccid", assign=1, **given))
    assert why_not(fine, [], NOW, approved=True) is None


def test_what_an_approval_lets_through() -> None:
    stopped = account(part(assign=1, failure="guard_tripped"))
    assert code_of(why_not(stopped, [], NOW, approved=False)) == "guard_tripped"
    assert why_not(stopped, [], NOW, approved=True) is None
    short = account(part(assign=99, failure="pool_exhausted"))
    assert code_of(why_not(short, [], NOW, approved=True)) == "pool_exhausted"
    window, wrong = read_window({"name": "quiet", "days": ["fri"]})
    assert window is not None, wrong
    assert code_of(why_not(stopped, [window], NOW, approved=True)) == "frozen"
    idle = account(part())
    assert why_not(idle, [window], NOW, approved=False) is None


@pytest.mark.parametrize("code", ["devices_failed", "outcome_unknown"])
def test_devices_left_amiss_stop_nothing(code: str) -> None:
    made = account(part(assign=1, failure=code), part("iccid", failure=code))
    assert [one.status for one in made.parts] == ["changes", "incomplete"]
    assert [one.note for one in made.parts] == [f"{code}."] * 2
    assert why_not(made, [], NOW, approved=False) is None


def test_limits_of_the_run() -> None:
    lifetime = part(assign=3, sku=LIFETIME, lifetime=True)
    accounts = [account(lifetime), account(part(remove=4))]
    limits, wrong = read_run_limits({"max_changes": 6, "max_removals": "15%", "max_lifetime": 2})
    assert wrong == []
    over = over_the_run(accounts, limits)
    assert over is not None
    assert over.guards == [
        {"guard": "max_changes", "planned": 7, "allowed": 6},
        {"guard": "max_removals", "planned": 4, "allowed": 3},
        {"guard": "max_lifetime", "planned": 3, "allowed": 2},
    ]
    enough, wrong = read_run_limits({"max_changes": 7, "max_removals": "20%", "max_lifetime": 3})
    assert over_the_run(accounts, enough) is None
    assert len(read_run_limits({"max_changes": -1, "max_removals": "x", "max_lifetime": -1})[1]) == 3


def test_limits_of_the_run_as_a_form_gives_them() -> None:
    """All are texts, and an unanswered question is an empty one."""
    limits, wrong = read_run_limits({"max_changes": " 6 ", "max_removals": "4", "max_lifetime": "0"})
    assert (limits, wrong) == (RunLimits(6, 4, 0), [])
    for blank in (None, "", " "):
        given = dict.fromkeys(("max_changes", "max_removals", "max_lifetime"), blank)
        assert read_run_limits(given) == (RunLimits(None, None, None), [])


def test_a_cause_that_several_parts_share_is_told_once() -> None:
    stopped = account(*(part(kind, assign=1, failure="journal_behind") for kind in ("imei", "iccid")))
    assert len(stopped.failures) == 2
    failure = why_not(stopped, [], NOW, approved=False)
    assert failure is not None
    sentences = failure.message.split(". ")
    assert sorted(set(sentences)) == sorted(sentences)
    assert failure.message.startswith(stopped.failures[0].message)
