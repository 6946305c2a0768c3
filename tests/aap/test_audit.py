# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The query for managed nodes, run by jq on the events of a real job with the rules of the automation controller."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import jq
import pytest
import yaml

from ansible_collections.thingspace.licensing.tests.support.aap import Controller
from ansible_collections.thingspace.licensing.tests.support.harness import ACCOUNT, Json, Simulator, imei

CHECKOUT = Path(__file__).resolve().parents[2]
QUERIES: dict[str, dict[str, str]] = yaml.safe_load(
    (CHECKOUT / "extensions" / "audit" / "event_query.yml").read_text(encoding="utf-8")
)
OTHER = "0000123456-00002"
PREFIX = "thingspace.licensing."
ASKED: Json = {"requests": {"sent": 2, "retried": 0}}
GIVEN: Json = {"invocation": {"module_args": {"account": ACCOUNT}}}
FAILURE: Json = {"code": "api_rejected", "message": "No."}


def nodes(action: str, result: Json) -> list[Json]:
    """The nodes of an event. Where the controller would drop one without a word, this fails."""
    query = QUERIES.get(action)
    found = jq.compile(query["query"]).input(json.loads(json.dumps(result))).all() if query else []
    for node in found:
        assert isinstance(node["name"], str)
        assert node["canonical_facts"]
        assert all(isinstance(value, str) and value for value in node["canonical_facts"].values())
    return t.cast("list[Json]", found)


def test_every_module_that_changes_an_account_has_a_query() -> None:
    """Modules that end in C(_info) only read, and so does the export. Without the option, none changes an account."""
    found = set()
    for path in (CHECKOUT / "plugins" / "modules").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "thingspace.licensing._account\n" in text or "\n  account:\n" in text:
            found.add(path.stem)
    reading = {name for name in found if name.endswith("_info")} | {"fleet_export"}
    assert len(reading) > 3
    assert set(QUERIES) == {PREFIX + name for name in found - reading}


@pytest.mark.parametrize("action", QUERIES)
@pytest.mark.parametrize(
    ("result", "counted"),
    [
        ({"changed": True, "account": ACCOUNT, **ASKED}, True),
        ({"changed": False, **GIVEN, **ASKED}, True),
        ({"changed": True, "failure": FAILURE, **GIVEN, **ASKED}, True),
        ({"changed": False, "failure": FAILURE, **GIVEN, **ASKED}, False),
        ({"changed": False, "failure": FAILURE, **GIVEN}, False),
        ({"changed": False, "msg": "MODULE FAILURE", "rc": 137, **GIVEN}, False),
        ({"changed": False, "skip_reason": "Conditional result was False"}, False),
        ({"changed": False, "account": None, **ASKED}, False),
        ({"changed": False, "account": "", **ASKED}, False),
        ({"changed": False, "account": ["x"], **ASKED}, False),
        ({"censored": "the output has been hidden", "changed": True}, False),
    ],
)
def test_what_counts(action: str, result: Json, counted: bool) -> None:
    assert len(nodes(action, result)) == counted


def test_the_accounts_of_a_real_job_are_counted_once(tmp_path: Path) -> None:
    """However many devices and tasks there are, and whatever fails."""
    simulator = Simulator(tmp_path, "--devices", "20")
    try:
        about = {"devices": 20, "licenses": 15, "skus": [{"sku": "SIMSec-IoT", "license_type": "Flexible"}]}
        simulator.state(accounts=[{"name": name, **about} for name in (ACCOUNT, OTHER)])
        controller = Controller(tmp_path / "awx", simulator, [ACCOUNT])
        job = controller.launch(_book(controller.project), fleet="fleet")
    finally:
        simulator.stop()
    assert job.returncode == 0, job.stdout
    events = [event["event_data"] for event in job.events if "res" in event.get("event_data", {})]
    found = [
        (event["resolved_action"], node) for event in events for node in nodes(event["resolved_action"], event["res"])
    ]
    assert {action for action, _node in found} == set(QUERIES)
    counted = {json.dumps(node["canonical_facts"], sort_keys=True) for _action, node in found}
    assert counted == {json.dumps({"thingspace_account": name}) for name in (ACCOUNT, OTHER)}


def _book(project: Path) -> str:
    """Write a playbook that uses each license module, and return its name."""
    two = [imei(11), imei(12)]
    failing: Json = {"account": "0000999999-00009", "devices": two}
    tasks: list[Json] = [
        {f"{PREFIX}fota_license": {"account": ACCOUNT, "devices": two}},
        {
            f"{PREFIX}fota_license": {"account": OTHER, "devices": [imei(99)], "foreseen_refusals": "ignore"},
            "check_mode": True,
        },
        {f"{PREFIX}fota_license": failing, "ignore_errors": True},
        {f"{PREFIX}fota_license_info": {"account": ACCOUNT}},
        {f"{PREFIX}simsec_license": {"account": ACCOUNT, "sku": "SIMSec-IoT", "devices": two}},
        {f"{PREFIX}swm_removal_candidates": {"account": ACCOUNT, "devices": [imei(1)]}},
        {f"{PREFIX}callback": {"account": ACCOUNT, "state": "absent"}},
        {
            f"{PREFIX}fleet_account": {
                "account": OTHER,
                "survey": {"devices": two[0]},
                "reports": str(project / "made"),
            },
            "check_mode": True,
        },
    ]
    python = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    play = {"hosts": "all", "gather_facts": False, "vars": python, "tasks": tasks}
    (project / "audited.yml").write_text(json.dumps([play]), encoding="utf-8")
    return "audited"
