# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of licensed devices that contradict themselves: complete or an error, never a short list."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.fleets import FLEX
from ansible_collections.thingspace.licensing.tests.support.harness import ACCOUNT, Module, Simulator, imeis

HELD = imeis(10)
BREAKING = ("loop_cursor", "repeat_page", "empty_page", "drop_row")
VERSIONS = ("v1", "v2", "v3")


@pytest.fixture(autouse=True)
def _four_pages(simulator: Simulator) -> None:
    simulator.state(accounts=[{"name": ACCOUNT, "devices": 60, "licenses": 10}], quirks={"page_size": 3})


def listed(result: dict[str, list[dict[str, str]]]) -> list[str]:
    return [row["device_id"] for row in result["devices"]]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_page_is_read(simulator: Simulator, module: Module, version: str) -> None:
    outcome = module("fota_license_info", api_version=version)
    assert listed(outcome.result) == HELD
    assert simulator.count("fota_list") == 4


@pytest.mark.parametrize(("action", "version"), [*((a, "v3") for a in BREAKING), ("loop_cursor", "v1")])
def test_a_contradiction_that_stays_is_an_error(
    simulator: Simulator, module: Module, action: str, version: str
) -> None:
    simulator.faults({"action": action, "after": 1, "times": 0})
    outcome = module("fota_license_info", api_version=version)
    assert outcome.code == "incomplete_list"
    assert not outcome.changed
    assert "cannot be trusted" in outcome.message
    assert "Run again, and ask Verizon" in outcome.message
    assert "devices" not in outcome.result, "a short list is never returned"
    assert simulator.count("fota_list") <= 10


@pytest.mark.parametrize("action", BREAKING)
def test_no_write_follows_a_contradiction(simulator: Simulator, module: Module, action: str) -> None:
    simulator.faults({"action": action, "after": 1, "times": 0})
    outcome = module(state="exact", devices=imeis(2), max_removals=60)
    assert outcome.code == "incomplete_list"
    assert not outcome.changed
    assert "nothing was changed" in outcome.message
    assert simulator.writes() == []
    assert simulator.licensed() == set(HELD)


@pytest.mark.parametrize(("action", "version"), [*((a, "v3") for a in BREAKING), ("repeat_page", "v1")])
@pytest.mark.parametrize("page", [1, 3])
def test_the_second_reading_heals(simulator: Simulator, module: Module, action: str, version: str, page: int) -> None:
    simulator.faults({"action": action, "after": page})
    outcome = module("fota_license_info", api_version=version)
    assert not outcome.failed
    assert listed(outcome.result) == HELD
    assert simulator.faults()[0]["fired"] == 1


@pytest.mark.parametrize("times", [1, 0])
@pytest.mark.parametrize("version", VERSIONS)
def test_short_pages_only_cost_requests(simulator: Simulator, module: Module, version: str, times: int) -> None:
    simulator.faults({"action": "short_page", "times": times})
    outcome = module("fota_license_info", api_version=version)
    assert not outcome.failed
    assert listed(outcome.result) == HELD
    assert simulator.faults()[0]["fired"] >= 1
    assert simulator.count("fota_list") == (4 if times else 10)


def test_an_exact_run_after_healing_is_right(simulator: Simulator, module: Module) -> None:
    simulator.faults({"action": "drop_row", "after": 2})
    outcome = module(state="exact", devices=imeis(1, 12), report="all")
    assert not outcome.failed
    assert outcome.changed
    assert simulator.licensed() == set(imeis(1, 12))
    assert outcome.rows == {
        **dict.fromkeys(imeis(1, 10), "unchanged"),
        **dict.fromkeys(imeis(10, 12), "assigned"),
        **dict.fromkeys(imeis(1), "removed"),
    }


@pytest.mark.parametrize(("lookup", "reads"), [("list", 5), ("devices", 3)])
def test_a_list_that_breaks_while_reading_back_is_not_believed(
    simulator: Simulator, module: Module, lookup: str, reads: int
) -> None:
    simulator.faults(
        {"action": "reset", "operation": "fota_assign", "effect": "done"},
        {"action": "status", "operation": "fota_device_list", "status": 500, "times": 0},
        {"action": "drop_row", "after": reads, "times": 0},
    )
    outcome = module(devices=imeis(10, 14), lookup=lookup, retries=0)
    assert outcome.result["lookup"] == lookup
    assert outcome.code == "outcome_unknown"
    assert outcome.rows == dict.fromkeys(imeis(10, 14), "unknown")
    assert "cannot be trusted" in outcome.message
    assert len(simulator.writes()) == 1


@pytest.mark.parametrize(("version", "form"), [("v2", "index"), ("v2", "query"), ("v3", "index"), ("v3", "query")])
def test_either_documented_path_of_the_list(simulator: Simulator, module: Module, version: str, form: str) -> None:
    simulator.quirks(**{f"{version}_list": form, "list_cursor": "required"})
    outcome = module("fota_license_info", api_version=version)
    assert listed(outcome.result) == HELD
    unknown = [request for request in simulator.requests() if request["operation"] is None]
    assert len(unknown) <= 1, "the path that the server does not know is tried once"


def test_a_total_that_is_left_out_is_asked_for(simulator: Simulator, module: Module) -> None:
    simulator.quirks(v3_total="absent")
    outcome = module(devices=imeis(12))
    assert not outcome.failed
    assert outcome.result["licenses"] == {"total": 60, "assigned": 12, "available": 48}
    assert simulator.count("fota_subscription") == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_a_long_list_is_read_in_pieces(simulator: Simulator, module: Module, version: str) -> None:
    """As many pages as one after the other, but for one for each further piece."""
    simulator.state(accounts=[{"name": ACCOUNT, "devices": 60, "licenses": 60}])
    outcome = module(state="exact", devices=imeis(60)[::-1], api_version=version)
    assert (outcome.failed, outcome.changed, outcome.result["lookup"]) == (False, False, "list")
    cursors = [request["path"] + str(request["query"]) for request in simulator.requests("fota_list")]
    assert (len(cursors), len(set(cursors))) == (20, 20)
    assert cursors != sorted(cursors), "they were read one after the other"


@pytest.mark.parametrize("times", [1, 0])
@pytest.mark.parametrize("action", [*BREAKING, "short_page"])
@pytest.mark.parametrize("after", [1, 4, 9])
def test_pieces_that_contradict_each_other_take_nothing_away(
    simulator: Simulator, module: Module, action: str, times: int, after: int
) -> None:
    held = imeis(60)
    simulator.state(accounts=[{"name": ACCOUNT, "devices": 60, "licenses": 60}])
    simulator.faults({"action": action, "after": after, "times": times})
    outcome = module(state="exact", devices=[*held[:20], *held[25:]], max_removals=60)
    if action in BREAKING and not times:
        assert outcome.code == "incomplete_list"
        assert (simulator.writes(), simulator.licensed()) == ([], set(held))
    else:
        assert not outcome.failed
        assert simulator.licensed() == {*held[:20], *held[25:]}


def in_pieces(simulator: Simulator, operation: str, pages: int) -> bool:
    """Whether a list was read in pieces, with at most three requests more than page by page."""
    cursors = [request["path"] + str(request["query"]) for request in simulator.requests(operation)]
    assert pages <= len(set(cursors)) == len(cursors) <= pages + 3
    return cursors != sorted(cursors)


@pytest.mark.parametrize("version", VERSIONS)
def test_licensed_devices_are_places_to_cut_the_device_list(simulator: Simulator, module: Module, version: str) -> None:
    """Nobody names a device, so only the first of both lists is read page by page."""
    simulator.state(accounts=[{"name": ACCOUNT, "devices": 70, "licenses": 60}])
    simulator.quirks(fota_device_page=3)
    outcome = module("fota_license_info", details=True, api_version=version)
    assert (outcome.failed, outcome.warnings) == (False, "")
    assert listed(outcome.result) == imeis(60)
    assert outcome.result["reclaimable"] == {"removable": 60, "locked": 0, "unknown": 0}
    assert not in_pieces(simulator, "fota_list", 20)
    assert in_pieces(simulator, "fota_device_list", 24)


@pytest.mark.parametrize("action", ["loop_cursor", "repeat_page", "empty_page"])
def test_pieces_of_the_device_list_that_contradict_each_other(
    simulator: Simulator, module: Module, action: str
) -> None:
    """It is read page by page, and the task says so."""
    simulator.state(accounts=[{"name": ACCOUNT, "devices": 60, "licenses": 60}])
    simulator.quirks(fota_device_page=3)
    simulator.faults({"action": action, "operation": "fota_device_list", "after": 7})
    outcome = module("fota_license_info", details=True)
    assert not outcome.failed, outcome.message
    assert outcome.result["reclaimable"] == {"removable": 60, "locked": 0, "unknown": 0}
    assert "The devices of the account were read page by page" in outcome.warnings


def test_whoever_knows_devices_reads_the_licensed_ones_in_pieces(
    simulator: Simulator, module: Module, tmp_path: Path
) -> None:
    """A forecast knows the removal candidates, a report the account's devices, and an export those of the journal."""
    skus = [{"sku": FLEX, "license_type": "Flexible", "purchased": 60}]
    account = {"name": ACCOUNT, "devices": 60, "licenses": 60, "candidates": imeis(60), "skus": skus}
    simulator.state(accounts=[account])
    (tmp_path / "fleet").mkdir()
    journal = {"journal": str(tmp_path / "journal.db")}
    assert not module("simsec_license", sku=FLEX, devices=imeis(60), **journal).failed
    for name, options in (
        ("swm_removal_candidates_info", {"shrink_to": 50}),
        ("fleet_account_info", {"dest": str(tmp_path)}),
        ("fleet_export", {"dest": str(tmp_path / "fleet"), **journal}),
    ):
        simulator.forget_requests()
        outcome = module(name, **options)
        assert (outcome.failed, outcome.warnings) == (False, ""), name
        assert in_pieces(simulator, "fota_list", 20), name
