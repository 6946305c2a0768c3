# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each module names what it lacks, when it is given nothing and when it is given too little. Nothing is sent."""

from __future__ import annotations

import importlib
import json
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, CREDENTIALS
from ansible_collections.thingspace.licensing.tests.support.module_runner import OMIT, runner

CHECKOUT = Path(__file__).resolve().parents[4]
MODULES = "ansible_collections.thingspace.licensing.plugins.modules."
GROUP = yaml.safe_load((CHECKOUT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"]["all"]

INVALID, MISSING, NO_RUN, UNKNOWN = "invalid_options", "missing_credentials", "run_file_invalid", "run_unknown"
Case = tuple[dict[str, t.Any], str, t.Collection[str]]
LACKS_DEVICES = ("devices", "devices_file", "devices_text")
OF_AN_ACCOUNT: list[Case] = [({}, INVALID, ["account"]), ({"account": ACCOUNT}, MISSING, CREDENTIALS)]
OF_DEVICES: list[Case] = [({}, INVALID, ["account"]), ({"account": ACCOUNT}, INVALID, LACKS_DEVICES)]
OF_A_FLEET = {"account": ACCOUNT, "reports": "/proc/no/such"}
CHECK = {"_ansible_check_mode": True}
OPTIONS: dict[str, list[Case]] = {
    "callback": [({}, INVALID, ["account"]), ({"account": ACCOUNT}, INVALID, ["url", *CREDENTIALS])],
    "callback_info": OF_AN_ACCOUNT,
    "device_info": OF_AN_ACCOUNT,
    "fleet_account": [
        ({}, INVALID, ["account", "reports"]),
        (OF_A_FLEET, INVALID, ["src", "survey", "undo_run"]),
        ({**OF_A_FLEET, "src": [], **CHECK}, "fleet_file_invalid", ["src"]),
        ({**OF_A_FLEET, "survey": {}}, INVALID, ["devices", "survey"]),
        ({**OF_A_FLEET, "src": ["fleet"]}, INVALID, ["planned", "check mode"]),
        ({**OF_A_FLEET, "undo_run": "no-such-run"}, INVALID, ["planned", "check mode"]),
        ({**OF_A_FLEET, "src": ["fleet"], "planned": {"account": ACCOUNT, "parts": []}}, INVALID, ["mark"]),
        ({**OF_A_FLEET, "undo_run": "x", "planned": {"account": ACCOUNT, "parts": []}}, INVALID, ["mark", "fleet_run"]),
    ],
    "fleet_account_info": [
        ({}, INVALID, ["account", "dest"]),
        ({"account": "../a", "dest": "/no/such", "shrink_to": -1}, INVALID, ["../a", "shrink_to"]),
        ({"account": ACCOUNT, "dest": "/proc/no/such"}, "report_unwritable", ["/proc/no/such"]),
    ],
    "fleet_export": [({}, INVALID, ["account", "dest"]), ({"account": ACCOUNT, "dest": "."}, MISSING, CREDENTIALS)],
    "fleet_files": [({}, INVALID, ["src"]), ({"src": []}, "fleet_file_invalid", ["src"])],
    "fleet_plan": [
        ({}, INVALID, ["accounts"]),
        ({"accounts": [], "approved": "no-such-plan"}, "plan_file_invalid", ["approved"]),
        ({"accounts": [], "undo_run": "no-such-run"}, UNKNOWN, ["no-such-run"]),
    ],
    "fleet_report": [
        ({}, INVALID, ["accounts", "dest"]),
        ({"accounts": [{}], "dest": "report", "formats": []}, INVALID, ["account", "formats"]),
    ],
    "fleet_run": [
        ({}, INVALID, ["accounts", "dest", "reports", "state"]),
        ({"state": "ended", "accounts": [], "reports": "/no/such", "dest": "/no/such"}, NO_RUN, ["run.json"]),
    ],
    "fleet_undo": [({}, INVALID, ["run"]), ({"run": "no-such-run"}, UNKNOWN, ["no-such-run"])],
    "fota_license": OF_DEVICES,
    "fota_license_info": OF_AN_ACCOUNT,
    "session": [({}, MISSING, CREDENTIALS), ({"access_token": "0" * 32}, MISSING, ["username", "session_token"])],
    "simsec_journal": [
        ({}, INVALID, ["journal", "from_journal", "prune_days", "new_home", "give_up_move"]),
        (
            {"journal": "/no/such", "prune_days": 9, "new_home": True},
            INVALID,
            ["prune_days", "new_home", "/no/such.id"],
        ),
        ({"journal": "/no/such", "new_home": True, "give_up_move": True}, INVALID, ["new_home and give_up_move"]),
        ({"journal": "/no/such", "from_journal": "", "prune_days": 1}, INVALID, ["from_journal", "prune_days"]),
    ],
    "simsec_license": [
        ({}, INVALID, ["account", "sku"]),
        ({"account": ACCOUNT, "sku": "SIMSec-IoT"}, INVALID, LACKS_DEVICES),
    ],
    "simsec_license_info": OF_AN_ACCOUNT,
    "swm_removal_candidates": OF_DEVICES,
    "swm_removal_candidates_info": OF_AN_ACCOUNT,
}


def test_something_is_expected_of_every_module() -> None:
    assert OPTIONS.keys() == set(GROUP)


@pytest.mark.parametrize("name", OPTIONS)
def test_what_is_missing_is_named(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = dict.fromkeys(("base_url", "runtime_dir", *CREDENTIALS), OMIT)
    run = runner(importlib.import_module(MODULES + name).main, None, monkeypatch, capsys, **nothing)
    monkeypatch.setenv("THINGSPACE_BASE_URL", "http://127.0.0.1:9/api")
    for options, code, names in OPTIONS[name]:
        result = run(**options)
        assert result["failure"]["code"] == code, result
        assert [word for word in names if word not in result["msg"]] == [], result
        assert result["failure"]["message"] == result["msg"]
        assert not result.get("changed")
        assert result.get("requests", {}).get("sent", 0) == 0


WRONG = (
    "postgresql+psycopg://u:sec9et@127.0.0.1:1/d",
    "'postgresql://u:sec9et@127.0.0.1:1/d'",
    "mysql://u:sec9et@127.0.0.1:1/d",
    "u:sec9et@127.0.0.1:1/d",
)
COMPLETE: dict[str, dict[str, t.Any]] = {
    "fota_license": {"account": ACCOUNT, "devices": ["990000000000000"]},
    "fota_license_info": {"account": ACCOUNT},
    "device_info": {"account": ACCOUNT},
    "session": {},
    "simsec_license": {"account": ACCOUNT, "devices": ["990000000000000"], "sku": "SIMSec-IoT"},
    "swm_removal_candidates": {"account": ACCOUNT, "devices": ["990000000000000"]},
}
UNUSABLE = {
    "host=127.0.0.1 foo=sec9et": "address is wrong",
    "postgresql://127.0.0.1:1/d?password=pa&sec9et": "address is wrong",
    "postgresql://u:pa@sec9et@127.0.0.1:1/d": "Percent-encode",
    "postgresql://u:pa?ss=sec9et@127.0.0.1:1/d": "does not answer",
    " postgresql://127.0.0.1:1/d?p%61ssword=sec9et": "does not answer",
    "/no/such/journal.db": "the directory /no/such does not exist",
    "/": "it is a directory",
}


@pytest.mark.parametrize("name", OPTIONS)
def test_what_can_be_no_journal_is_refused_by_every_module_and_shown_by_none(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runner(importlib.import_module(MODULES + name).main, None, monkeypatch, capsys)
    complete = COMPLETE.get(name) or OPTIONS[name][-1][0]
    for address in WRONG:
        result = run(**{**complete, "journal": address})
        assert (result["failure"]["code"], result.get("changed", False)) == ("journal_unusable", False), result
        assert result["msg"].count("Nothing was sent.") == 1
        assert "sec9et" not in json.dumps(result)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_relative_path_in_the_environment_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tasks run in the directory of their playbook: the collection's own would have another journal than a user's."""
    run = runner(importlib.import_module(MODULES + name).main, None, monkeypatch, capsys)
    monkeypatch.setenv("THINGSPACE_JOURNAL", "journal.db")
    monkeypatch.setenv("THINGSPACE_BASE_URL", "http://127.0.0.1:9/api")
    complete = {"prune_days": 9} if name == "simsec_journal" else COMPLETE.get(name) or OPTIONS[name][-1][0]
    result = run(**complete)
    if "journal" in result["invocation"]["module_args"]:
        assert result["failure"]["code"] == "journal_unusable"
        assert "relative path journal.db" in result["msg"]


@pytest.mark.parametrize("name", COMPLETE)
@pytest.mark.parametrize("address", UNUSABLE)
def test_a_journal_that_cannot_be_used_stops_every_module_before_it_sends(
    name: str, address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Otherwise each node would count refused logins for itself. The reason is given once."""
    run = runner(importlib.import_module(MODULES + name).main, None, monkeypatch, capsys)
    monkeypatch.setenv("THINGSPACE_BASE_URL", "http://127.0.0.1:9/api")
    result = run(**COMPLETE[name], journal=address)
    assert result["failure"]["code"] in ("journal_unusable", "journal_unreachable"), result
    assert result["msg"].count(UNUSABLE[address]) == 1, result
    assert result["msg"].count("Nothing was sent.") == 1
    assert not result.get("warnings")
    assert "sec9et" not in json.dumps(result)
