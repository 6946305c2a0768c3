# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No path binds a device for life without consent for it."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import (
    ACCOUNT,
    Json,
    Module,
    Simulator,
    iccids,
    imeis,
)
from ansible_collections.thingspace.licensing.tests.support.simulated import LISTENER

pytestmark = pytest.mark.usefixtures("heard")

LIFETIME = "SIMSec-IoT-Lt"
DEVICES = imeis(5)
REFUSALS: dict[str, tuple[Json, str]] = {
    "no consent": ({}, "lifetime_consent"),
    "zero": ({"lifetime_consent": 0}, "lifetime_consent"),
    "one too few": ({"lifetime_consent": 4}, "lifetime_consent"),
    "negative": ({"lifetime_consent": -5}, "invalid_options"),
    "a word is no number": ({"lifetime_consent": "all"}, "invalid_options"),
    "a true is no number of devices": ({"lifetime_consent": True, "devices": imeis(1)}, "invalid_options"),
    "in check mode": ({"check": True}, "lifetime_consent"),
    "retry_failed": ({"retry_failed": True, "retry_unknown": True}, "lifetime_consent"),
    "approved": ({"approved_plan": "0" * 64}, "lifetime_consent"),
    "max_changes": ({"max_changes": 100}, "lifetime_consent"),
    "small batches": ({"batch_size": 1, "lifetime_consent": 1}, "lifetime_consent"),
    "eligible": ({"check_eligibility": True}, "lifetime_consent"),
    "waiting": ({"wait": True, "journal": "journal.db"}, "lifetime_consent"),
    "waiting for one": ({"wait": True, "devices": imeis(1)}, "lifetime_consent"),
    "with a journal": ({"journal": "journal.db"}, "lifetime_consent"),
    "from a file": ({"devices": None, "devices_file": "fleet.csv", "lifetime_consent": 4}, "lifetime_consent"),
    "iccid": ({"kind": "iccid", "devices": iccids(5)}, "lifetime_consent"),
    "lower case": ({"sku": "simsec-iot-lt"}, "invalid_sku"),
    "upper case": ({"sku": "SIMSEC-IOT-LT"}, "invalid_sku"),
    "spaces": ({"sku": " SIMSec-IoT-Lt "}, "invalid_sku"),
    "newline": ({"sku": "SIMSec-IoT-Lt\n"}, "invalid_sku"),
    "no-break space": ({"sku": "\u00a0SIMSec-IoT-Lt"}, "invalid_sku"),
    "full width": ({"sku": "SIMSec-IoT-\uff2ct"}, "invalid_sku"),
    "other hyphens": ({"sku": "SIMSec\u2010IoT\u2010Lt"}, "invalid_sku"),
    "zero width": ({"sku": "SIMSec-IoT-\u200bLt"}, "invalid_sku"),
    "variant 2": ({"sku": "SIMSec-IoT-Lt2"}, "lifetime_consent"),
    "variant dot": ({"sku": "SIMSec-IoT-Lt."}, "lifetime_consent"),
    "by its name": ({"sku": "SIMSec-Lifetime-2027"}, "lifetime_consent"),
    "for good": ({"sku": "TS-PERPETUAL-SIMSEC"}, "lifetime_consent"),
    "removal": ({"state": "absent", "lifetime_consent": 5}, "lifetime_not_removable"),
    "removal of a variant": ({"state": "absent", "sku": "SIMSec-IoT-LT-B"}, "lifetime_not_removable"),
}


@pytest.mark.parametrize("case", list(REFUSALS))
def test_not_a_single_request(simulator: Simulator, module: Module, tmp_path: Path, case: str) -> None:
    options, code = REFUSALS[case]
    options = {"sku": LIFETIME, "devices": DEVICES, "report": "all", **options}
    if "journal" in options:
        options["journal"] = str(tmp_path / options["journal"])
    if "devices_file" in options:
        options["devices_file"] = str(tmp_path / options["devices_file"])
        Path(options["devices_file"]).write_text("\n".join(DEVICES), encoding="utf-8")
    outcome = module("simsec_license", **options)
    assert outcome.code == code
    assert not outcome.result.get("changed")
    assert simulator.requests() == []
    if code == "lifetime_consent":
        wanted = options.get("devices") or DEVICES
        assert outcome.result["failure"]["planned"] == len(wanted)
        assert outcome.result["failure"]["devices"] == wanted
        assert f"lifetime_consent: {len(wanted)}" in outcome.message


@pytest.mark.parametrize("kind", ["lifetime (perpetual)", "SIM LT"])
@pytest.mark.parametrize("sku", ["SIMSec-NEW", "SIMSec-IoT"])
def test_the_account_says_so(simulator: Simulator, module: Module, tmp_path: Path, kind: str, sku: str) -> None:
    skus = [{"sku": sku, "license_type": kind, "purchased": 60}]
    simulator.state(accounts=[{"name": ACCOUNT, "devices": 60, "skus": skus, "callbacks": [LISTENER]}])
    task = functools.partial(module, "simsec_license", sku=sku, devices=DEVICES)
    assert task().code == "lifetime_consent"
    assert task(check=True).code == "lifetime_consent"
    assert task(lifetime_consent=4).code == "lifetime_consent"
    assert task(state="absent").code == "lifetime_not_removable"
    assert task(lifetime_consent=5).code == "lifetime_without_journal"
    assert simulator.writes() == []
    outcome = task(lifetime_consent=5, journal=str(tmp_path / "journal.db"))
    assert not outcome.failed
    assert ("not one of the documented ones" in outcome.warnings) is (sku == "SIMSec-NEW")
    assert simulator.sends() == dict.fromkeys(DEVICES, 1)


def test_consent_counts_what_is_new(simulator: Simulator, module: Module, tmp_path: Path) -> None:
    task: Json = {"sku": LIFETIME, "journal": str(tmp_path / "journal.db"), "report": "all"}
    assert not module("simsec_license", devices=DEVICES, lifetime_consent=5, **task).failed
    simulator.forget_requests()
    again = module("simsec_license", devices=imeis(8), lifetime_consent=2, **task)
    assert again.result["failure"]["devices"] == imeis(5, 8)
    assert simulator.requests() == []
    assert not module("simsec_license", devices=DEVICES, **task).failed, "nothing is bound, so no consent is needed"
    assert simulator.writes() == []
    assert not module("simsec_license", devices=imeis(8), lifetime_consent=3, **task).failed
    assert [request["devices"] for request in simulator.writes()] == [imeis(5, 8)]


@pytest.mark.parametrize("retry", [{"retry_unknown": True}, {"retry_failed": True}])
def test_a_retry_needs_consent_too(simulator: Simulator, module: Module, tmp_path: Path, retry: Json) -> None:
    task: Json = {"sku": LIFETIME, "journal": str(tmp_path / "journal.db"), "devices": DEVICES, "report": "all"}
    task["settle_time"] = 0
    simulator.faults({"operation": "simsec_assign", "action": "reset"})
    assert module("simsec_license", lifetime_consent=5, **task).code == "outcome_unknown"
    again = module("simsec_license", lifetime_consent=4, **task, **retry)
    assert again.code == ("lifetime_consent" if "retry_unknown" in retry else "outcome_unknown")
    assert simulator.count("simsec_assign") == 1
