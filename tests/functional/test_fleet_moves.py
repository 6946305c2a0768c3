# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Devices that move to another SKU, through the role: none loses its license before the new one is confirmed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.fleets import (
    BUNDLE,
    FLEX,
    LIFETIME,
    Fleet,
    Ran,
    imeis,
    named,
    seeded,
)
from ansible_collections.thingspace.licensing.tests.support.harness import Module, Receiver, Simulator


@pytest.fixture
def fleet(tmp_path: Path, simulator: Simulator) -> Fleet:
    simulator.quirks(simsec_delay=0.05)
    return Fleet(tmp_path, simulator)


def reasons(ran: Ran, outcome: str) -> list[str]:
    """Of the devices with this outcome in the record of a run."""
    parts = ran.record["accounts"][0]["parts"]
    return [row["reason"] for part in parts for row in part["devices"] if row["outcome"] == outcome]


def test_no_license_is_confirmed(fleet: Fleet, simulator: Simulator, module: Module, tmp_path: Path) -> None:
    """Nobody is wanted to hold the old SKU any more, and every new license fails: all keep the old one, for good."""
    simulator.state(accounts=seeded(1))
    devices = imeis(1, 3)
    receiver = Receiver(tmp_path, fleet.journal, simulator)
    try:
        options = {"sku": FLEX, "devices": devices, "journal": str(fleet.journal), "wait": True, "wait_timeout": 30}
        assert not module("simsec_license", **options).failed
        simulator.devices(*({"imei": device, "state": "suspend"} for device in devices))
        fleet.write(1, {"ids": devices, "simsec": BUNDLE})
        failed = fleet.apply("-e", "fleet_licensing_wait_timeout=20", approved="")
        assert simulator.holders(FLEX) == set(devices), failed.text
        assert simulator.holders(BUNDLE) == set()
        assert failed.recap == {named(1): "failed"}, failed.text
        assert reasons(failed, "skipped") == [f"not sent: it keeps this license until {BUNDLE} is confirmed"] * 3
        # A failed assignment is not sent again, so the next plan has nothing to take away.
        again = fleet.plan()
        assert again.plan["totals"] == {"assign": 0, "remove": 0, "add": 0, "move": 0}, again.text
        applied = fleet.apply()
        assert simulator.holders(FLEX) == set(devices), applied.text
    finally:
        receiver.stop()


def test_nobody_hears_what_became_of_the_new_license(
    fleet: Fleet, simulator: Simulator, module: Module, tmp_path: Path
) -> None:
    """Without a receiver it is never confirmed, whatever is approved; the plan of the next day takes nothing away."""
    simulator.state(accounts=seeded(1))
    devices = imeis(1, 3)
    receiver = Receiver(tmp_path, fleet.journal, simulator)
    try:
        options = {"sku": FLEX, "devices": devices, "journal": str(fleet.journal), "wait": True, "wait_timeout": 30}
        assert not module("simsec_license", **options).failed
    finally:
        receiver.stop()
    fleet.write(1, {"ids": devices, "simsec": BUNDLE})
    unheard = ("-e", "fleet_licensing_wait=false")
    plan = fleet.plan(*unheard)
    assert plan.plan["totals"] == {"assign": 3, "remove": 3, "add": 0, "move": 0}, plan.text
    simulator.forget_requests()
    word = fleet.folder / "word"
    applied = fleet.apply(*unheard, fleet_status_file=str(word))
    assert word.read_text(encoding="ascii") == "incomplete\n", "by which a pipeline ends with 4"
    assert [(write["operation"], write["sku"]) for write in simulator.writes()] == [("simsec_assign", BUNDLE)]
    assert simulator.holders(FLEX) == set(devices), applied.text
    assert applied.recap == {named(1): "changed"}, applied.text
    assert reasons(applied, "skipped") == [f"not sent: it keeps this license until {BUNDLE} is confirmed"] * 3
    assert fleet.plan(*unheard).plan["totals"]["remove"] == 0


def test_a_device_that_keeps_its_former_license_is_not_as_wanted(
    fleet: Fleet, simulator: Simulator, module: Module, tmp_path: Path
) -> None:
    """The plan says so before it assigns a second one, and so does the run: a lifetime license cannot go."""
    simulator.state(accounts=seeded(1))
    devices = imeis(1, 2)
    receiver = Receiver(tmp_path, fleet.journal, simulator)
    try:
        bound = {"sku": LIFETIME, "devices": devices[:1], "lifetime_consent": 1}
        options = {"journal": str(fleet.journal), "journal_new": True, "wait": True, "wait_timeout": 30}
        assert not module("simsec_license", **bound, **options).failed
        assert not module("simsec_license", sku=FLEX, devices=devices[1:], **options).failed
        fleet.write(1, {"ids": devices, "simsec": BUNDLE})
        plan = fleet.plan(fleet_fail_on="incomplete")
        assert (plan.returncode, plan.plan["incomplete"]) == (2, 1), plan.text
        assert plan.plan["totals"] == {"assign": 2, "remove": 1, "add": 0, "move": 0}
        applied = fleet.apply(fleet_fail_on="incomplete")
        assert (applied.returncode, applied.record["status"]) == (2, "incomplete"), applied.text
        assert simulator.holders(BUNDLE) == set(devices)
        assert (simulator.holders(FLEX), simulator.holders(LIFETIME)) == (set(), set(devices[:1]))
        again = fleet.plan(fleet_fail_on="incomplete")
        assert (again.returncode, again.plan["incomplete"]) == (2, 1), again.text
    finally:
        receiver.stop()
