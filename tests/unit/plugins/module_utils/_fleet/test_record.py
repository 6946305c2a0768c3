# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which run records are believed, and what is said about the others."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import OptionsError
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record import checksum
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record_read import read_record

A, B = "990000000000001", "990000000000002"
ROW = {"device_id": A, "planned": "assigned", "outcome": "assigned", "reason": "", "request_id": ""}
PART = {
    "kind": "fota",
    "sku": "",
    "id_kind": "imei",
    "lifetime": False,
    "api_version": "v3",
    "action": "exact",
    "summary": {"assigned": 1},
    "devices": [ROW],
}
RECORD: dict[str, t.Any] = {
    "format": 1,
    "run": "20261121T215143Z-1a2b3c4d",
    "kind": "apply",
    "started": "2026-11-21T21:51:43Z",
    "ended": None,
    "plan": "a" * 64,
    "status": "running",
    "accounts": [{"account": "0000123456-00001", "parts": [PART]}],
}


def refused(path: Path, document: t.Any, *, signed: bool = True) -> str:
    """What is said about a record."""
    if signed:
        document = {**document, "checksum": checksum(document)}
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(OptionsError) as raised:
        read_record(str(path))
    assert raised.value.code == "run_file_invalid"
    return raised.value.message


def with_part(**changes: t.Any) -> dict[str, t.Any]:
    return {**RECORD, "accounts": [{"account": "0000123456-00001", "parts": [{**PART, **changes}]}]}


def with_row(**changes: t.Any) -> dict[str, t.Any]:
    return with_part(devices=[{**ROW, **changes}])


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    document = {**RECORD, "checksum": checksum(RECORD)}
    (tmp_path / "run.json").write_text(json.dumps(document, indent=3), encoding="utf-8")
    assert read_record(str(tmp_path / "run.json")).to_json() == document


@pytest.mark.parametrize("device", ["", "99000000000000", "odd", "\ud800\x1b\n", "9" * 10_000])
def test_what_thingspace_told_is_no_reason_to_refuse_a_record(tmp_path: Path, device: str) -> None:
    document = with_part(devices=[ROW, {**ROW, "device_id": device}], before=[device, device], after=[device])
    document["checksum"] = checksum(document)
    (tmp_path / "run.json").write_text(json.dumps(document), encoding="utf-8")
    assert read_record(str(tmp_path / "run.json")).to_json() == document


WRONG: dict[str, tuple[dict[str, t.Any], str]] = {
    "run": ({**RECORD, "run": "../x"}, "'run' of the record is '../x'"),
    "started": ({**RECORD, "started": "today"}, "'started' of the record is 'today'"),
    "status": ({**RECORD, "status": "ok"}, "'status' of the record is 'ok'"),
    "accounts": ({**RECORD, "accounts": {}}, "'accounts' of the record is such a dictionary"),
    "no account": ({**RECORD, "accounts": [3]}, "account 1 is not a dictionary"),
    "account": ({**RECORD, "accounts": [{"account": "../..", "parts": []}]}, "'account' of account 1 is '../..'"),
    "account twice": ({**RECORD, "accounts": RECORD["accounts"] * 2}, "account 2 is there twice"),
    "failure": (
        {**RECORD, "accounts": [{"account": "a", "parts": [], "failure": "x"}]},
        "'failure' of account 1 is 'x'",
    ),
    "kind": (with_part(kind="x"), "'kind' of part 1 of account 1 is 'x'"),
    "SKU": (with_part(kind="simsec"), "part 1 of account 1 names no SKU"),
    "SKU as a path": (with_part(kind="simsec", sku="../x"), "'sku' of part 1 of account 1 is '../x'"),
    "FOTA by ICCID": (with_part(id_kind="iccid"), "goes by IMEI"),
    "lifetime": (with_part(lifetime="no"), "'lifetime' of part 1 of account 1 is 'no'"),
    "freeze": (
        {**RECORD, "accounts": [{"account": "a", "parts": [], "freeze": ["x"]}]},
        "'freeze' of account 1 is such a list",
    ),
    "no failure": (with_part(failure=None), "'failure' of part 1 of account 1 is null"),
    "before": (with_part(before=[1]), "'before' of part 1 of account 1 is such a list"),
    "summary": (with_part(summary={"assigned": -1}), "'summary' of part 1 of account 1"),
    "outcome": (with_row(outcome="done"), "'outcome' of device 1 of part 1 of account 1 is 'done'"),
    "id as a number": (with_row(device_id=int(A)), f"'device_id' of device 1 of part 1 of account 1 is {A}"),
    "twice": (with_part(devices=[ROW, ROW]), f"device 2 of part 1 of account 1: {A} is named twice"),
    "reason": ({**with_part(devices=[{"device_id": A}])}, "device 1 of part 1 of account 1 has no 'reason'"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_record_of_somebody_else_that_does_not_hold_what_records_hold(tmp_path: Path, wrong: str) -> None:
    document, told = WRONG[wrong]
    assert told in refused(tmp_path / "run.json", document)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = refused(tmp_path / "run.json", {**with_row(outcome="x", planned="y"), "plan": 1})
    assert all(f"'{name}'" in text for name in ("outcome", "planned", "plan"))


@pytest.mark.parametrize("document", [[], {}, None, {"format": 1}, {"run": "x"}])
def test_what_is_no_record(tmp_path: Path, document: t.Any) -> None:
    assert "it is not a run record" in refused(tmp_path / "run.json", document, signed=False)


@pytest.mark.parametrize("name", ["accounts", "device_id", "checksum"])
def test_a_record_with_a_value_twice(tmp_path: Path, name: str) -> None:
    """The last value fits the checksum, and another program shows the first one."""
    document = {**RECORD, "checksum": checksum(RECORD)}
    text = json.dumps(document).replace(f'"{name}":', f'"{name}": "other", "{name}":', 1)
    assert json.loads(text) == document
    (tmp_path / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(OptionsError) as raised:
        read_record(str(tmp_path / "run.json"))
    assert raised.value.code == "run_file_invalid"
    (told,) = raised.value.details["problems"]
    assert told.endswith(
        f"it has '{name}' twice in one object, so it was edited, or merged from two files; use it as it was written."
    )


@pytest.mark.parametrize("number", [2, "1", True])
def test_another_format(tmp_path: Path, number: t.Any) -> None:
    assert "this release reads 1" in refused(tmp_path / "run.json", {**RECORD, "format": number})


def test_every_change_breaks_the_checksum(tmp_path: Path) -> None:
    signed = {**RECORD, "checksum": checksum(RECORD)}
    for name in RECORD:
        if name not in ("format", "run"):
            less = {key: value for key, value in signed.items() if key != name}
            assert "does not fit its checksum" in refused(tmp_path / "run.json", less, signed=False)
    assert "does not fit its checksum" in refused(tmp_path / "run.json", {**signed, "run": "x"}, signed=False)
    assert "does not fit its checksum" in refused(tmp_path / "run.json", RECORD, signed=False)
