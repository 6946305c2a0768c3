# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was read of an account comes back as it was; a file that is anything else is refused."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._report.data import (
    AccountData,
    Device,
    Entry,
    ReadFailure,
    WantedLicenses,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._report.entries import data_of
from ansible_collections.thingspace.licensing.plugins.module_utils._report.stored import load, store

NAME = "0000123456-00001"
TEXTS = ("'=a", "=a", "'", "a|'=b", "\t-1", 'a "b", c', "ä€", "")
FULL = AccountData(
    NAME,
    failures=[ReadFailure("removal candidates", "timeout", "'=a")],
    devices=[Device(str(place), "", text.strip(), text) for place, text in enumerate(TEXTS)],
    fota_pool={"total": None, "assigned": 3, "available": 2},
    fota={"z": "?", "a": "'=a"},
    upgrades_unread="'=a",
    subscriptions=[{"sku": "'=a", "purchased": None, "assigned": 1, "available": 2}],
    journal={"'=a": {"imei": {"2": Entry("yes", "'=a"), "1": Entry("unknown", "")}, "iccid": {}}},
    beyond_journal=["'=a"],
    wanted=WantedLicenses("'=a.yml", {"2": None, "1": None}, {"FOTA": True}, {"b": {"imei": {"1": None}}}, ["2"], {}),
    shrink_to=0,
)
EMPTY = AccountData(NAME, devices=[], fota={}, subscriptions=[], journal={}, candidates=[])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    store(FULL, str(tmp_path / "account.json"))
    return tmp_path / "account.json"


@pytest.mark.parametrize("data", [FULL, EMPTY, AccountData(NAME)])
def test_everything_comes_back_as_it_was(tmp_path: Path, data: AccountData) -> None:
    """Also the order of devices, and whether there is nothing or something could not be read."""
    path = tmp_path / "account.json"
    store(data, str(path))
    read = load(str(path), NAME)
    assert read == data
    assert list(read.fota or ()) == list(data.fota or ())
    assert path.stat().st_mode & 0o777 == 0o600


def test_hidden_characters_are_kept_in_the_file_and_spelled_out_in_the_report(tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    store(AccountData(NAME, devices=[Device("1", "", "\u202egnp.exe", "")]), str(path))
    assert '"\\u202egnp.exe"' in path.read_text(encoding="ascii")
    assert (load(str(path), NAME).devices or [])[0].state == "\\u202egnp.exe"


def lines(change: t.Callable[[list[str]], t.Any]) -> t.Callable[[str], str]:
    def changed(text: str) -> str:
        found = text.splitlines(keepends=True)
        change(found)
        return "".join(found)

    return changed


@pytest.mark.parametrize(
    "change",
    [
        lambda _text: "",
        lambda _text: "{}",
        lambda _text: '["checksum",',
        lambda _text: "\xe4",
        lambda _text: json.dumps({"format": 2, "kind": "apply", "accounts": []}),
        lambda text: text[:-20],
        lambda text: text + "\n[]",
        lambda text: text.replace("timeout", "no_time"),
        lambda text: text.replace('["account_data", 1]', '["account_data", 2]'),
        lines(lambda found: found.pop()),
        lines(lambda found: found.pop(3)),
        lines(lambda found: found.insert(2, "[" * 100_000)),
        lines(lambda found: found.insert(2, '["devices", [[1, 2]]]\n')),
    ],
)
def test_a_file_that_is_damaged_or_foreign_or_newer_is_refused(path: Path, change: t.Callable[[str], str]) -> None:
    path.write_text(change(path.read_text(encoding="ascii")), encoding="latin-1")
    with pytest.raises(LicensingError, match="Read the account again") as refused:
        load(str(path), NAME)
    assert refused.value.code == "file_unreadable"


@pytest.mark.parametrize(
    "changes",
    [
        {"journal": {"s": 5}},
        {"journal": [1]},
        {"fota": 5},
        {"fota_pool": [1]},
        {"candidates": 5},
        {"subscriptions": [{"sku": 1}, 2]},
        {"devices": [[]]},
        {"shrink_to": "x"},
        {"wanted": []},
        {"more": 1},
    ],
)
def test_values_that_nobody_wrote_are_refused(tmp_path: Path, changes: dict[str, t.Any]) -> None:
    """With a checksum that fits, as somebody may compute it."""
    odd = type("Odd", (), {"as_json": lambda _self: {**AccountData(NAME).as_json(), **changes}})()
    store(odd, str(tmp_path / "odd.json"))
    with pytest.raises(LicensingError) as caught:
        load(str(tmp_path / "odd.json"), NAME)
    assert caught.value.code == "file_unreadable"


def test_a_file_of_another_account_and_none(path: Path) -> None:
    for name, place, why in (("other", path, f"it is about the account {NAME}"), (NAME, path / "no", "Not a dir")):
        with pytest.raises(LicensingError, match=why):
            load(str(place), name)


def test_an_account_that_was_not_read_is_in_the_report_with_the_reason(path: Path) -> None:
    path.write_text("", encoding="ascii")
    known = {"code": "timeout", "message": "\u202eNo."}
    for entry, code, message in (
        ({"failure": known, "msg": "Module failed."}, "timeout", "\\u202eNo."),
        ({"msg": "MODULE FAILURE"}, "failed", "MODULE FAILURE"),
        ({"skipped": True}, "failed", "The task ended without a result."),
        ({"data_file": str(path)}, "file_unreadable", "is damaged"),
    ):
        (failure,) = data_of({"account": NAME, **entry}, None).failures
        assert (failure.what, failure.code) == ("the account", code)
        assert message in failure.message


def test_what_is_wrong_with_the_fleet_files_together_counts(tmp_path: Path) -> None:
    own = ReadFailure("the fleet files", "fleet_file_invalid", "No fleet file names the account.")
    other = ReadFailure("the device list", "timeout", "No.")
    path = tmp_path / "account.json"
    store(AccountData(NAME, failures=[own, other], wanted=FULL.wanted), str(path))
    entry = {"account": NAME, "data_file": str(path)}
    listed = data_of(entry, {NAME})
    assert (listed.failures, listed.wanted, listed.unnamed) == ([own, other], FULL.wanted, False)
    unlisted = data_of(entry, {"other"})
    assert (unlisted.failures, unlisted.wanted, unlisted.unnamed) == ([other], None, True)
    wrong = ReadFailure("the fleet files", "invalid_devices", "A device is in two accounts.")
    refused = data_of(entry, wrong)
    assert (refused.failures, refused.wanted, refused.unnamed) == ([wrong, other], None, False)
