# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input: one message with every problem and what to do, and nothing written, mostly nothing even sent."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import Module, Simulator, imei, imeis

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
not_root = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")

NOBODY = dict.fromkeys(("client_id", "client_secret", "username", "password"))

CASES: dict[str, tuple[dict[str, t.Any], str, tuple[str, ...]]] = {
    "no credentials": (
        NOBODY,
        "missing_credentials",
        ("application", "ThingSpace user", "THINGSPACE_PASSWORD"),
    ),
    "no password": ({"password": None}, "missing_credentials", ("'username' is given without 'password'",)),
    "no client_id": ({"client_id": None}, "missing_credentials", ("THINGSPACE_CLIENT_ID",)),
    "empty password": ({"password": ""}, "missing_credentials", ("'password'",)),
    "only a session token": ({**NOBODY, "session_token": "x"}, "missing_credentials", ("'access_token'",)),
    "pair in one": ({"client_id": "id:secret"}, "invalid_options", ("must not hold a colon",)),
    "token of two lines": ({"access_token": "one\ntwo"}, "invalid_options", ("'access_token' holds",)),
    "ca and no check": ({"ca_path": __file__, "validate_certs": False}, "invalid_options", ("contradict",)),
    "no such ca": ({"ca_path": "/no/ca.pem"}, "file_unreadable", ("/no/ca.pem cannot be read",)),
    "version": ({"api_version": "v9"}, "invalid_options", ("api_version", "v1, v2, v3", "v9")),
    "state": ({"state": "gone"}, "invalid_options", ("present, absent, exact",)),
    "unknown option": ({"device": "1"}, "invalid_options", ("device",)),
    "empty exact": ({"devices": [], "state": "exact"}, "empty_exact", ("remove every license", "state: absent")),
    "plain http": ({"base_url": "http://192.0.2.1/api"}, "insecure_url", ("plain http", "Use https://")),
    "loopback look-alike": ({"base_url": "http://127.0.0.1.example/api"}, "insecure_url", ("plain http",)),
    "no url": ({"base_url": "thingspace"}, "invalid_options", ("must start with https://",)),
    "url with query": ({"base_url": "https://h/api?a=b"}, "invalid_options", ("neither credentials nor a query",)),
    "port": ({"base_url": "https://h:99999/api"}, "invalid_options", ("is not a URL",)),
    "no file": ({"devices": None, "devices_file": "/no/fleet.csv"}, "file_unreadable", ("/no/fleet.csv", "No such")),
    "folder": ({"devices": None, "devices_file": "/"}, "file_unreadable", ("not a regular file",)),
    "device node": ({"devices": None, "devices_file": "/dev/zero"}, "file_unreadable", ("not a regular file",)),
    "both lists": ({"devices_file": "/no"}, "invalid_options", ("mutually exclusive",)),
    "neither list": ({"devices": None}, "invalid_options", ("devices, devices_file",)),
    "letter": ({"devices": ["99000000000000A"]}, "invalid_devices", ("entry 1", "holds 'A'", "digits only")),
    "short": ({"devices": ["99000000000000"]}, "invalid_devices", ("14 digits", "leading zero")),
    "float": ({"devices": ["9.9E+14"]}, "invalid_devices", ("scientific notation", "column as text")),
    "twice": ({"devices": [imei(1), imei(1)]}, "invalid_devices", ("named twice",)),
    "nested": ({"devices": [{"imei": imei(1)}]}, "invalid_devices", ("flat list of strings",)),
    "path in account": ({"account": "0000123456-00001/../1"}, "invalid_account", ("not an account name",)),
    "dots": ({"account": ".."}, "invalid_account", ("not an account name", "0000123456-00001")),
    "query in account": ({"account": "0000123456-00001?x=1"}, "invalid_account", ("not an account name",)),
    "report nowhere": ({"devices_report": "/no/report.csv"}, "report_unwritable", ("/no does not exist",)),
    "report is folder": ({"devices_report": "/"}, "report_unwritable", ("it is a directory",)),
    "share": ({"max_removals": "120%"}, "invalid_options", ("'max_removals' is '120%'",)),
    "empty limit": ({"max_removals": ""}, "invalid_options", ("'max_removals' is ''", "leave it out")),
    "no number": ({"timeout": "soon"}, "invalid_options", ("timeout",)),
}


ONE_FILE: dict[str, tuple[str, dict[str, t.Any]]] = {
    "the devices": ("fota_license", {"devices_file": "one", "devices_report": "one", "state": "exact"}),
    "the journal": (
        "simsec_license",
        {"devices": [imei(1)], "devices_report": "one", "journal": "one", "sku": "SIMSec-IoT"},
    ),
    "the wanted list": (
        "swm_removal_candidates",
        {"devices_file": "one", "before_file": "one", "state": "exact", "unlicensed": "ignore"},
    ),
    "the protected devices": (
        "swm_removal_candidates",
        {"devices": [imei(1)], "protected_file": "one", "before_file": "./one", "unlicensed": "ignore"},
    ),
    "the previous list": (
        "swm_removal_candidates",
        {"devices": [imei(1)], "devices_report": "one", "before_file": "link", "unlicensed": "ignore"},
    ),
    "the devices, by the progress": ("fota_license", {"devices_file": "one", "progress_file": "one"}),
    "what shows that there is a journal": (
        "simsec_license",
        {"devices": [imei(1)], "devices_report": "one", "journal": "beside", "sku": "SIMSec-IoT"},
    ),
    "one of two reports": ("simsec_license_info", {"devices_report": "one", "history_report": "link"}),
}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("case", list(ONE_FILE))
def test_a_file_is_not_written_over_another_one_of_the_task(
    simulator: Simulator, module: Module, tmp_path: Path, case: str, check: bool
) -> None:
    """The next run would take a report for what is wanted. It must be told before, also in check mode."""
    (tmp_path / "one").write_text(f"imei\n{imei(1)}\n", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "one")
    (tmp_path / "beside.id").symlink_to(tmp_path / "one")
    name, given = ONE_FILE[case]
    files = {
        option: str(tmp_path) + "/" + value
        for option, value in given.items()
        if value in ("one", "./one", "link", "beside")
    }
    outcome = module(name, check=check, **{**given, **files})
    assert outcome.failed
    assert "would replace the file of" in outcome.message
    assert (tmp_path / "one").read_text(encoding="utf-8") == f"imei\n{imei(1)}\n"
    assert simulator.requests() == []


@pytest.mark.parametrize("case", list(CASES))
def test_nothing_is_sent(simulator: Simulator, module: Module, case: str) -> None:
    options, code, words = CASES[case]
    outcome = module(**{"devices": imeis(2), **options})
    assert outcome.code == code
    assert not outcome.result.get("changed")
    for word in words:
        assert word in outcome.message
    assert outcome.result["failure"]["message"] == outcome.message
    assert simulator.requests() == []


def test_a_huge_file_is_refused_before_it_is_read(simulator: Simulator, module: Module, tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as stream:
        stream.truncate(2 << 30)
    outcome = module(devices_file=str(path))
    assert outcome.code == "file_unreadable"
    assert "2048 MiB, more than the 256 MiB allowed" in outcome.message
    assert outcome.seconds < 10
    assert simulator.requests() == []


@not_root
def test_files_without_permission(simulator: Simulator, module: Module, tmp_path: Path) -> None:
    path = tmp_path / "secret.csv"
    path.write_text(imei(1), encoding="utf-8")
    path.chmod(0)
    assert module(devices_file=str(path)).code == "file_unreadable"
    closed = tmp_path / "closed"
    closed.mkdir(0o500)
    assert module(devices=imeis(1), devices_report=str(closed / "report.csv")).code == "report_unwritable"
    assert simulator.requests() == []


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_runtime_dir_that_others_may_write(simulator: Simulator, module: Module, mode: int) -> None:
    module.runtime_dir.mkdir()
    module.runtime_dir.chmod(mode)
    outcome = module(devices=imeis(1))
    assert outcome.code == "runtime_dir_unusable"
    assert not outcome.changed
    assert f"mode {mode:04o}" in outcome.message
    assert "Point 'runtime_dir' to a directory of your own" in outcome.message
    assert simulator.requests() == []
    assert list(module.runtime_dir.iterdir()) == []


@root_only
def test_a_runtime_dir_of_somebody_else(simulator: Simulator, module: Module) -> None:
    module.runtime_dir.mkdir(0o700)
    os.chown(module.runtime_dir, 65534, 65534)
    outcome = module(devices=imeis(1))
    assert outcome.code == "runtime_dir_unusable"
    assert "belongs to another user" in outcome.message
    assert simulator.requests() == []


@pytest.mark.parametrize("kind", ["link", "file"])
def test_a_runtime_dir_that_is_none(simulator: Simulator, module: Module, tmp_path: Path, kind: str) -> None:
    if kind == "link":
        (tmp_path / "elsewhere").mkdir(0o700)
        module.runtime_dir.symlink_to(tmp_path / "elsewhere")
    else:
        module.runtime_dir.touch()
    outcome = module(devices=imeis(1))
    assert outcome.code == "runtime_dir_unusable"
    assert "it is not a directory" in outcome.message
    assert simulator.requests() == []


def test_the_library_is_missing(simulator: Simulator, module: Module, tmp_path: Path) -> None:
    stub = tmp_path / "stub"
    stub.mkdir()
    (stub / "requests.py").write_text("raise ImportError('No module named requests')\n", encoding="utf-8")
    path = os.pathsep.join([str(stub), os.environ["ANSIBLE_COLLECTIONS_PATH"]])
    running = module.start(devices=imeis(1), env={"PYTHONPATH": path})
    stdout, stderr = running.process.communicate(timeout=30)
    assert stderr == ""
    assert '"missing_library"' in stdout
    assert "Failed to import the required Python library (requests)" in stdout
    assert simulator.requests() == []


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_an_account_that_does_not_exist(simulator: Simulator, module: Module, version: str) -> None:
    outcome = module(account="0000999999-00001", devices=imeis(2), api_version=version)
    assert outcome.code == "account_not_found"
    assert not outcome.changed
    assert "Could not find account 0000999999-00001" in outcome.message
    assert "Check 'account'" in outcome.message
    assert simulator.writes() == []


def test_an_account_of_unusual_form_is_the_servers_to_judge(simulator: Simulator, module: Module) -> None:
    outcome = module(account="123456", devices=imeis(2))
    assert outcome.code == "invalid_account"
    assert "does not look like 0000123456-00001" in outcome.warnings
    assert simulator.writes() == []


EVERYTHING: dict[str, t.Any] = {
    "account": "a/../b",
    "base_url": "http://192.0.2.1/api",
    "password": None,
    "client_id": None,
    "ca_path": "/no/ca.pem",
    "timeout": 0,
    "retries": -1,
    "devices": ["99000000000000A", imei(1), imei(1)],
    "devices_report": "/no/report.csv",
    "batch_size": 0,
    "max_changes": -1,
    "max_removals": "many",
    "approved_plan": "yes",
}
WORDS = (
    "'account'",
    "plain http",
    "'password'",
    "'client_id'",
    "/no/ca.pem",
    "'timeout' is 0",
    "'retries' is -1",
    "entry 1",
    "named twice",
    "/no/report.csv",
    "'batch_size'",
    "'max_changes'",
    "'max_removals'",
    "'approved_plan'",
)


def test_all_at_once(simulator: Simulator, module: Module) -> None:
    outcome = module(**EVERYTHING)
    assert outcome.code == "invalid_options"
    for word in WORDS:
        assert word in outcome.message
    assert outcome.result["failure"]["problem_count"] == len(WORDS)
    assert len(outcome.result["failure"]["problems"]) == len(WORDS)
    assert "Nothing was sent." in outcome.message


def test_the_runtime_dir_is_told_with_the_others(simulator: Simulator, module: Module) -> None:
    module.runtime_dir.mkdir()
    module.runtime_dir.chmod(0o777)
    outcome = module(devices=["99000000000000A"])
    assert "entry 1" in outcome.message
    assert "runtime_dir" in outcome.message
    assert simulator.requests() == []
