# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an account holds as a fleet file: one that a plan accepts, or none."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.thingspace.licensing.tests.support.fleets import BUNDLE, FLEX, imeis, named, seeded
from ansible_collections.thingspace.licensing.tests.support.harness import Module, Simulator


def test_an_account_that_another_fleet_file_names(module: Module, simulator: Simulator, tmp_path: Path) -> None:
    """With both files, no plan could be made. Files of other accounts, and what is no fleet file, do no harm."""
    simulator.state(accounts=seeded(2))
    dest = tmp_path / "fleet"
    dest.mkdir()
    (dest / "other.yml").write_text("- not: a fleet file\n", encoding="utf-8")
    other = {"name": "some", "ids": imeis(2, 1), "fota": True}
    one = f'accounts:\n  - account: "{named(2)}"\n    devices: [{json.dumps(other)}]\n  - account: "{named(1)}"\n'
    (dest / "one.yml").write_text(one + "    devices: []\n    oops: 1\n", encoding="utf-8")
    there = sorted(dest.iterdir())
    simulator.forget_requests()
    for options in ({}, {"force": True}, {"_ansible_check_mode": True}):
        exported = module("fleet_export", account=named(1), dest=str(dest), **options)
        assert exported.code == "fleet_file_exists"
        assert f"{dest}/one.yml, line 4" in exported.message
    assert (sorted(dest.iterdir()), simulator.requests()) == (there, [])
    (dest / "one.yml").unlink()
    assert not module("fleet_export", account=named(1), dest=str(dest)).failed
    again = module("fleet_export", account=named(1), dest=str(dest))
    assert (again.failed, again.changed) == (False, False)


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
