# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIM-Secure licenses without any receiver, on the simulator: the account's count confirms them."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.thingspace.licensing.tests.support.harness import (
    Json,
    Module,
    Simulator,
    imeis,
    let_time_pass,
)

FLEX = "SIMSec-IoT"


def reasons(result: Json) -> set[tuple[str, str]]:
    return {(row["outcome"], row["reason"]) for row in result["devices"]}


def test_assigned_and_removed_minutes_later(simulator: Simulator, module: Module, tmp_path: Path) -> None:
    """One run waits and one does not; what is open in the end becomes clear by itself."""
    journal = tmp_path / "journal.db"
    job: Json = {"sku": FLEX, "journal": str(journal), "report": "all", "batch_size": 10}
    simulator.quirks(simsec_delay=0.8)
    assigned = module("simsec_license", **job, devices=imeis(25), wait=True, settle_time=1)
    assert (assigned.code, reasons(assigned.result)) == (None, {("assigned", "confirmed by count")})
    assert 3 < simulator.count("subscriptions_list") < 8
    simulator.quirks(simsec_delay=60)
    removed = module("simsec_license", **job, devices=imeis(5), state="absent")
    assert reasons(removed.result) == {("accepted", "")}
    early = module("simsec_license", **job, devices=imeis(5))
    assert {outcome for outcome, _reason in reasons(early.result)} == {"skipped"}
    assert "the account's count can confirm it from" in early.result["devices"][0]["reason"]
    simulator.clock(advance=120)
    let_time_pass(journal)
    again = module("simsec_license", **job, devices=imeis(5), state="absent")
    assert (again.changed, reasons(again.result)) == (False, {("unchanged", "confirmed by count")})
    told = module("simsec_license_info", journal=str(journal), report="all").result
    assert {(row["device_id"], row["held"]) for row in told["devices"]} == {
        (device, "yes" if device in simulator.holders(FLEX) else "no") for device in imeis(25)
    }
    assert told["drift"] == []


def test_one_that_fails_leaves_all_of_them_open(simulator: Simulator, module: Module, tmp_path: Path) -> None:
    simulator.quirks(simsec_delay=0)
    simulator.devices({"imei": imeis(3)[1], "state": "suspend"})
    job: dict[str, t.Any] = {"sku": FLEX, "journal": str(tmp_path / "journal.db"), "report": "all"}
    waited = module("simsec_license", **job, devices=imeis(3), wait=True, wait_timeout=4, settle_time=0)
    assert waited.code == "unconfirmed"
    assert set(waited.rows.values()) == {"accepted"}
    assert "counts 2 assigned licenses, and 3 would show" in waited.message
