# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an account holds as a fleet file: one that a plan accepts, or none."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.thingspace.licensing.tests.support.fleets import BUNDLE, FLEX, imeis, named, seeded
from ansible_collections.thingspace.licensing.tests.support.harness import Module, Simulator


def test_a_device_that_may_hold_licenses_of_two_skus(module: Module, simulator: Simulator, tmp_path: Path) -> None:
    """No fleet file can say that, and one that leaves a license out takes it away."""
    simulator.state(accounts=seeded(1))
    journal = {"account": named(1), "journal": str(tmp_path / "journal.db")}
    for sku, devices in ((FLEX, imeis(1, 3)), (BUNDLE, imeis(1, 1, 5))):
        assert not module("simsec_license", sku=sku, devices=devices, **journal).failed
    (tmp_path / "fleet").mkdir()
    exported = module("fleet_export", dest=str(tmp_path / "fleet"), **journal)
    assert exported.code == "two_licenses"
    one, two = imeis(1, 1, 3)
    assert f"2 devices of {named(1)}" in exported.message
    assert f"{one} holds {FLEX} and {BUNDLE}; {two} holds {FLEX} and {BUNDLE}." in exported.message
    assert list((tmp_path / "fleet").iterdir()) == []
    del journal["journal"]
    assert not module("fleet_export", dest=str(tmp_path / "fleet"), **journal).failed
