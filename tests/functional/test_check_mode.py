# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every module that writes, in each state: check mode foresees what the run does and sends no write."""

from __future__ import annotations

import typing as t

import pytest
import yaml

from ansible_collections.thingspace.licensing.tests.support.harness import ACCOUNT, Json, Module, Simulator, imei, imeis
from ansible_collections.thingspace.licensing.tests.support.simulated import CHECKOUT, LISTENER

FLEX = "SIMSec-IoT"
SEED: Json = {
    "accounts": [
        {
            "name": ACCOUNT,
            "subscription": {"license_count": 20},
            "devices": 20,
            "licenses": 6,
            "candidates": [imei(0), imei(1), imei(5)],
            "callbacks": [LISTENER],
            "skus": [{"sku": FLEX, "license_type": "Flexible", "purchased": 20, "licenses": 1}],
        }
    ],
    "quirks": {"simsec_delay": 0, "request_status": "single"},
}
URL = "https://callbacks.example.com/other"
SIMSEC: Json = {"sku": FLEX, "journal": "journal.db"}


class Example(t.NamedTuple):
    """A task that changes something in the seeded account.

    :param before: options of a task of the same module that it needs done.
    :param silent: whether check mode must not send any request at all, and the run nothing that counts as a write.
    :param repeats: whether a second run does it all again, because nobody knows what the first one did.
    """

    module: str
    options: Json
    before: Json | None = None
    silent: bool = False
    repeats: bool = False


EXAMPLES = {
    "listener": Example("callback", {"url": URL, "callback_username": "to-us", "callback_password": "z8 p/ss+w&rd%"}),
    "no listener": Example("callback", {"state": "absent"}),
    "licenses": Example("fota_license", {"devices": [imei(0), imei(10), imei(11)]}),
    "fewer licenses": Example("fota_license", {"state": "absent", "devices": [imei(0), imei(1), imei(10)]}),
    "exact licenses": Example(
        "fota_license", {"state": "exact", "devices": [imei(0), imei(10), imei(11)], "max_removals": "100%"}
    ),
    "session": Example("session", {}, silent=True),
    "no session": Example("session", {"state": "absent"}, before={}, silent=True),
    "SIM-Secure": Example("simsec_license", {**SIMSEC, "devices": [imei(0), imei(10), imei(11)]}),
    # For a single device the status is asked for, so it is confirmed.
    "less SIM-Secure": Example(
        "simsec_license",
        {**SIMSEC, "state": "absent", "devices": imeis(2)},
        before={**SIMSEC, "devices": [imei(1)], "wait": True, "wait_timeout": 30},
    ),
    "SIM-Secure without a journal": Example(
        "simsec_license", {"sku": FLEX, "devices": [imei(0), imei(10)]}, repeats=True
    ),
    "candidates": Example("swm_removal_candidates", {"devices": [imei(1), imei(3), imei(2)]}),
    "fewer candidates": Example("swm_removal_candidates", {"state": "absent", "devices": [imei(0), imei(3)]}),
    "exact candidates": Example(
        "swm_removal_candidates",
        {"state": "exact", "devices": [imei(3), imei(1), imei(0)], "protected": [imei(5)]},
    ),
}
HARMLESS = ("fota_device_lookup", "oauth_token", "session_login", "device_list", "subscriptions_list")
"""What may be sent as POST in check mode, because it changes nothing at ThingSpace that a user owns."""

FORESEEN = ("diff", "summary", "plan", "licenses")


def rows(result: Json) -> list[Json]:
    """The rows, but for the id of a request that was not sent."""
    return [{**row, "request_id": ""} for row in result.get("devices", [])]


def test_every_writing_module_has_an_example() -> None:
    """Info modules, the one that moves the journal, and those about fleet files write nothing at ThingSpace."""
    group = yaml.safe_load((CHECKOUT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"]["all"]
    writing = {name for name in group if not name.endswith(("_info", "_journal")) and not name.startswith("fleet_")}
    assert {example.module for example in EXAMPLES.values()} == writing


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_run_does_what_was_foreseen(simulator: Simulator, module: Module, name: str) -> None:
    example = EXAMPLES[name]

    def run(**more: t.Any) -> Json:
        report = {} if example.module in ("callback", "session") else {"report": "all"}
        outcome = module(example.module, diff=True, **report, **more)
        assert not outcome.failed, outcome.message
        return outcome.result

    simulator.state(**SEED)
    if example.before is not None:
        run(**example.before)
    simulator.forget_requests()
    state = simulator.state()
    foreseen = run(check=True, **example.options)
    assert foreseen["changed"]
    assert simulator.state() == state
    asked = simulator.requests()
    assert [one for one in asked if one["method"] != "GET" and one["operation"] not in HARMLESS] == []
    assert not (example.silent and asked)
    real = run(**example.options)
    assert real["changed"]
    assert rows(real) == rows(foreseen)
    assert {key: real.get(key) for key in FORESEEN} == {key: foreseen.get(key) for key in FORESEEN}
    assert real.keys() ^ foreseen.keys() <= {"warnings"}
    assert example.silent or simulator.writes()
    simulator.forget_requests()
    dry, again = run(check=True, **example.options), run(**example.options)
    assert (dry["changed"], again["changed"], bool(simulator.writes())) == (example.repeats,) * 3
    assert again.get("diff") == dry.get("diff")
    if not example.repeats:
        assert again.get("devices") == dry.get("devices")
        assert not again.get("diff") or again["diff"]["before"] == again["diff"]["after"]
