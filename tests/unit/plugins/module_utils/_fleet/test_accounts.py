# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.api import DeviceApi
from ansible_collections.thingspace.licensing.plugins.module_utils._devices.row import DeviceRow, device_row
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.account_parts import LICENSES
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.accounts import read_fleet, resolve
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.devices import Listing

ONE, TWO = "0000123456-00001", "0000123456-00002"
A, B, C = ("990000000000001", "990000000000002", "990000000000003")
SIM = "89148000000000000001"


class Files:
    """A directory of fleet files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, document: t.Any) -> None:
        """A file; a text as it is, anything else as JSON, which is YAML."""
        text = document if isinstance(document, str) else json.dumps(document)
        (self.folder / name).write_text(text, encoding="utf-8")

    def problems(self, names: t.Sequence[str] | None = None) -> list[str]:
        """What is wrong before ThingSpace is asked, without the directory."""
        return [problem.text.replace(f"{self.folder}/", "") for problem in read_fleet([str(self.folder)], names)[1]]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def account(*sets: t.Any, name: str = ONE, **fields: t.Any) -> dict[str, t.Any]:
    """An account; sets get a name."""
    return {"account": name, "devices": [{"name": f"set{n}", **one} for n, one in enumerate(sets)], **fields}


CANDIDATE = {"removal_candidate": True}
WRONG: dict[str, tuple[t.Any, str]] = {
    "twice in a set": (account({"ids": [A, f" {A} "], "fota": True}), f"{A} is named twice, first at a.yml, line 1"),
    "fota in two sets": (account({"ids": [A], "fota": True}, {"ids": [A], "fota": True}), "FOTA license because of"),
    "two pools": (
        account({"ids": [A], "simsec": "SIMSec-IoT"}, {"ids": [A], "simsec": "SIMSec-IoT-Lt"}),
        "is in two pools, SIMSec-IoT-Lt here and SIMSec-IoT at a.yml, line 1",
    ),
    "one pool twice": (
        account({"ids": [A], "simsec": "SIMSec-IoT"}, {"ids": [A], "simsec": "SIMSec-IoT"}),
        "is in two pools",
    ),
    "protected candidate": (
        account({"ids": [A], "fota": True, **CANDIDATE}, {"ids": [A], "protected": True}),
        "is a removal candidate here, and protected by a.yml, line 1",
    ),
    "kept candidates of a managed list": (
        account({"ids": [A], "fota": True, **CANDIDATE}, fota={"removal_candidates": "keep"}),
        "'fota' keeps the license of every device on the removal candidate list",
    ),
    "candidate without license": (account({"ids": [A], **CANDIDATE}, fota={}), "want it to hold a FOTA license"),
    "the same, managed by a set": (
        account({"ids": [A], **CANDIDATE}, {"ids": [B], "fota": True}),
        "want it to hold a FOTA license",
    ),
    "iccid for fota": (account({"ids": [SIM], "kind": "iccid", "fota": True}), "go by IMEI"),
    "iccid as imei": (account({"ids": [SIM], "simsec": "SIMSec-IoT"}), "this may be an ICCID"),
    "sku of a select": (account({"select": {"group": "x"}, "simsec": "simsec-iot"}), "spells it 'SIMSec-IoT'"),
    "sku of a consent": (account(simsec={"lifetime_consent": {"simsec-iot-lt": 1}}), "spells it 'SIMSec-IoT-Lt'"),
    "select of everything": (account({"select": {"custom_fields": {}}, "fota": True}), "the whole account"),
    "moment": (account({"select": {"created_after": "soon"}, "fota": True}), "'created_after' is not a time"),
    "account": (account(name="../x"), "'account' is '../x', which is not an account name"),
    "no such csv": (account({"file": "no.csv", "fota": True}), "no.csv cannot be used: No such file"),
    "no accounts": ({"accounts": []}, "'accounts' is empty"),
    "number as id": (
        f"account: {ONE}\ndevices:\n- name: a\n  fota: true\n  ids: [{A}]\n",
        "line 5: an id must be a text",
    ),
    "number as account": ("account: 123456\ndevices: []\n", "a number loses its leading zeros"),
    "octal number": (f"account: {ONE}\nfota: {{reserve: 010}}\ndevices: []\n", "line 2: 'reserve' is the number 010"),
    "endless number": (f"account: {ONE}\nfota: {{reserve: {'9' * 5000}}}\ndevices: []\n", "must be a whole number"),
    "other digits": (account(fota={"max_removals": "\u0663"}), "must be a number like 20"),
    "share beyond all": (account(fota={"max_removals": "101%"}), "must be a number like 20"),
    "waves that are no list": (
        account(fota={"waves": "5%"}),
        "must be a list of numbers like 20 and percentages like 5%",
    ),
    "no wave": (account(fota={"waves": []}), "'waves' is empty"),
    "wave of nothing": (account(simsec={"waves": [0]}), "'waves' has the entry '0'"),
    "waves that shrink": (f"account: {ONE}\nfota:\n  waves: [10, 5]\ndevices: []\n", "line 3: 'waves' has 5 after one"),
    "wave that is no size": (
        f"account: {ONE}\nfota:\n  waves:\n  - 10\n  - five\ndevices: []\n",
        "line 5: 'waves[1]' is 'five'; it must be a number like 20 or a percentage like 5%",
    ),
    "failures of no wave": (account(simsec={"max_failures": 1}), "'max_failures' goes with 'waves'"),
    "column of no file": (account({"ids": [A], "column": "imei", "fota": True}), "'column' goes with 'file'"),
    "SKU in other letters": (
        f"account: {ONE}\ndevices:\n- name: a\n  ids: ['{A}']\n  simsec: SIMSec-IOT\n",
        "line 5: 'simsec' is 'SIMSec-IOT'; ThingSpace spells it 'SIMSec-IoT'.",
    ),
    "SKU of a consent in other letters": (
        account(simsec={"lifetime_consent": {"simsec-iot-lt": 1}}),
        "'lifetime_consent' is 'simsec-iot-lt'; ThingSpace spells it",
    ),
    "spreadsheet": (f"account: {ONE}\ndevices:\n- name: a\n  fota: true\n  ids: [9.9E+14]\n", "scientific notation"),
}


@pytest.mark.parametrize("case", list(WRONG))
def test_one_mistake_is_one_problem(files: Files, case: str) -> None:
    document, text = WRONG[case]
    files.write("a.yml", document)
    problems = files.problems()
    assert len(problems) == 1, problems
    assert text in problems[0]
    assert problems[0].startswith("a.yml")


def test_a_list_lies_below_the_fleet_file(tmp_path: Path) -> None:
    """Who writes fleet files reads no other file of the controller by them, not even whether there is one."""
    folder = tmp_path / "fleet"
    (folder / "lists").mkdir(parents=True)
    files = Files(folder)
    for name in ("secret.csv", "fleet/lists/a.csv", "fleet-other.csv"):
        (tmp_path / name).write_text(A, encoding="utf-8")
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "inner.csv").symlink_to(folder / "lists" / "a.csv")
    (folder / "up").symlink_to(tmp_path)
    refused = [
        "../secret.csv",
        str(tmp_path / "secret.csv"),
        "link.csv",
        "up/secret.csv",
        "../no.csv",
        "../fleet-other.csv",
    ]
    refused += ["lists/../../secret.csv", "/dev/stdin"]
    for name in refused:
        files.write("a.yml", f"account: {ONE}\ndevices:\n- name: a\n  fota: true\n  file: {name}\n")
        problems = read_fleet([str(folder)], None)[1]
        assert [problem.code for problem in problems] == ["fleet_file_invalid"], name
        assert f"{folder}/a.yml, line 3: 'file' of 'a' is '" in problems[0].text, name
        assert "outside of the directory of the fleet file" in problems[0].text, name
    for name in ("lists/a.csv", "inner.csv", "lists/../lists/a.csv", str(folder / "lists" / "a.csv")):
        files.write("a.yml", account({"file": name, "fota": True}))
        assert files.problems() == [], name


def test_rows_of_another_file_are_not_shown(files: Files) -> None:
    files.write("a.yml", account({"file": "a.csv", "fota": True}))
    files.write("a.csv", f"password=hunter2\ntoken\n{A}x\n")
    assert "hunter" not in str(files.problems())
    files.write("a.csv", f"[password]\ntoken=hunter2\n{A}x\n")
    (problem,) = files.problems()
    assert "nothing says that the column holds the IMEI" in problem
    files.write("a.csv", f"imei\npassword=hunter2\ntoken\n{A}x\n")
    problems = files.problems()
    assert [problem.split(":")[0] for problem in problems] == [f"a.csv, line {line}" for line in (2, 3, 4)]
    assert "hunter" not in str(problems)
    assert "token" not in str(problems)
    assert f"'{A}x' holds 'x'" in problems[2], "a slip of the finger is"


def test_problems_stand_in_the_order_of_the_lines(files: Files) -> None:
    """As somebody goes through the file, whatever finds them."""
    lines = [
        "devices:",
        "  - {name: a, fota: true, ids: ['1']}",
        "  - {name: b, fota: true, select: {}}",
        "  - {name: c, fota: maybe, ids: []}",
        f"  - {{name: d, fota: true, ids: ['{A}', '{A}']}}",
        "  - {nam: e}",
        "account: x y",
        "freezing: []",
    ]
    files.write("a.yml", "\n".join(lines))
    found = [int(problem.split("line ")[1].partition(":")[0]) for problem in files.problems()]
    assert found == sorted(found)
    assert {2, 3, 4, 5, 6, 8} <= set(found)


def test_everything_is_found_at_once(files: Files) -> None:
    files.write("a.yml", account({"ids": [A, "1"], "fota": True, "simsec": "SIMSec-IoT"}, {"select": {}, "fota": True}))
    files.write("b.yml", account({"ids": [A], "fota": True, "simsec": "SIMSec-IoT"}, name=TWO))
    files.write("c.yml", {"account": 7, "devices": [{"nam": "x"}]})
    files.write("d.yml", account(name=ONE))
    files.write("e.yml", "\t")
    listed = files.problems(["nobody"])
    assert [text.partition(".yml")[0] for text in listed[:-1]] == sorted(
        text.partition(".yml")[0] for text in listed[:-1]
    )
    problems = "\n".join(listed)
    for text in (
        "'1' has 1 digit",
        "'select' is empty",
        f"b.yml, line 1: {A} is in account {TWO}, and in account {ONE} at a.yml",
        "c.yml, line 1: 'account' is the number 7",
        "'nam' is unknown",
        f"d.yml, line 1: the account {ONE} is already in a.yml, line 1",
        "e.yml, line 1: a tab",
        "No fleet file names the account 'nobody'",
    ):
        assert problems.count(text) == 1, problems


def test_several_licenses_and_what_is_allowed(files: Files) -> None:
    files.write("a.csv", f"sep=;\nimei;site\n{A};x\n\n={B!r};y\n".replace("'", '"'))
    files.write(
        "a.yml",
        account(
            {"file": "a.csv", "fota": True, "simsec": "SIMSec-IoT"},
            {"ids": [B], **CANDIDATE},
            {"ids": [A], "protected": True},
            {"ids": [A, C], "protected": True},
            {"ids": [SIM], "kind": "iccid", "simsec": "SIMSec-IoT"},
        ),
    )
    files.write("b.yml", account({"ids": ["990000000000009"], **CANDIDATE}, name=TWO, fota={"state": "present"}))
    assert files.problems() == []
    found, problems, warnings = resolve(read_fleet([str(files.folder)], [ONE])[0], None)
    assert (len(found), problems, warnings) == (1, [], [])
    wanted = found[0][1]
    assert (list(wanted.fota), list(wanted.candidates), list(wanted.protected)) == ([A, B], [B], [A, C])
    assert wanted.pools == [("SIMSec-IoT", "iccid"), ("SIMSec-IoT", "imei")]
    assert wanted.of_pool(("SIMSec-IoT", "imei")) == [A, B]


def row(device: str, **fields: t.Any) -> DeviceRow:
    return device_row({"deviceIds": [{"kind": "imei", "id": device}], **fields})


class FakeList:
    """The device list of an account."""

    def __init__(self, *rows: DeviceRow) -> None:
        self._rows = list(rows)

    def rows(self, _filters: t.Any) -> list[DeviceRow]:
        return self._rows


def listing(*rows: DeviceRow) -> Listing:
    return lambda _account: t.cast(DeviceApi, FakeList(*rows))


def test_what_a_selection_brings(files: Files) -> None:
    files.write("a.yml", account({"select": {"group": "meters"}, "fota": True}))
    fleet, problems = read_fleet([str(files.folder)], None)
    assert (problems, fleet.selects) == ([], True)
    # Two lines of one device, one without an id, one with an id that is none.
    listed = listing(row(A), row(A), device_row({}), row("x\n"), row(B))
    found, problems, warnings = resolve(fleet, listed)
    assert (list(found[0][1].fota), problems) == ([A, B], [])
    assert len(warnings) == 1
    assert "'select' of 'set0' selects 2 devices without a usable IMEI. No request can name them." in warnings[0]
    assert "no device that the fleet file does not name loses a FOTA license." in warnings[0]
    assert [one["device_id"] for one in found[0][1].unnamed_rows()] == ["no id", "x"]
    assert "selects no device" in resolve(fleet, listing())[2][0]


@pytest.mark.parametrize(
    ("fields", "licenses", "loses"),
    [
        ({}, {"fota": True}, " loses a FOTA license."),
        ({}, {"fota": True, "simsec": "SIMSec-IoT"}, " loses a FOTA license or a SIM-Secure license."),
        ({"fota": {"state": "present"}}, {"fota": True, "simsec": "SIMSec-IoT"}, " loses a SIM-Secure license."),
        ({"fota": {}}, {"protected": True}, ""),
    ],
)
def test_what_stays_because_of_a_device_without_a_name(
    files: Files, fields: t.Any, licenses: t.Any, loses: str
) -> None:
    """Only what C(exact) would take away because of this set."""
    files.write("a.yml", account({"select": {"group": "meters"}, **licenses}, **fields))
    (_account, wanted), *_others = resolve(read_fleet([str(files.folder)], None)[0], listing(row("x")))[0]
    assert wanted.notes[0].partition("No request can name it.")[2].endswith(loses)
    assert ("loses" in wanted.notes[0]) == bool(loses)
    assert [wanted.is_unsure(kind) for kind in LICENSES] == ["fota" in licenses, "simsec" in licenses]


def test_a_set_of_iccids_needs_iccids(files: Files) -> None:
    """An id of 22 digits is none, and a device without its SIM cannot be named."""
    files.write("a.yml", account({"select": {"group": "meters"}, "kind": "iccid", "simsec": "SIMSec-IoT"}))
    sims = [row(A, deviceIds=[{"kind": "ICCID", "id": "8914" + "0" * length}]) for length in (15, 18)]
    (_account, wanted), *_others = resolve(read_fleet([str(files.folder)], None)[0], listing(*sims, row(B)))[0]
    assert [*wanted.simsec] == ["8914" + "0" * 15]
    assert [one["device_id"] for one in wanted.unnamed_rows()] == ["8914" + "0" * 18, f"IMEI {B}"]


def test_a_selection_that_was_not_heeded_is_not_believed(files: Files) -> None:
    files.write("a.yml", account({"select": {"group": "meters"}, "fota": True}))
    fleet, _problems = read_fleet([str(files.folder)], None)
    with pytest.raises(LicensingError, match="1 of the 2 devices that ThingSpace returned for 'set0' do not look like"):
        resolve(fleet, listing(row(A), row(B, groupNames=["spare"])))


def test_what_only_a_selection_shows(files: Files) -> None:
    sets = ({"select": {"group": "meters"}, "fota": True, "protected": True}, {"ids": [A], **CANDIDATE})
    files.write("a.yml", account(*sets, {"ids": [B], "fota": True}, fota={}))
    files.write("b.yml", account({"ids": [C], **CANDIDATE}, name=TWO, fota={}))
    fleet, problems = read_fleet([str(files.folder)], None)
    # Only the account that selects nothing is complete.
    assert [problem.text.count(C) for problem in problems] == [1]
    texts = [problem.text for problem in resolve(fleet, listing(row(A), row(B)))[1]]
    assert any(f"{A} is a removal candidate here, and protected by" in text for text in texts)
    assert any(f"{B} is to hold a FOTA license because of" in text for text in texts)
    assert not any(A in problem.text for problem in resolve(fleet, None)[1])


def both(imei: str, iccid: str) -> DeviceRow:
    return device_row({"deviceIds": [{"kind": "imei", "id": imei}, {"kind": "iccId", "id": iccid}]})


BY_GROUP = {"select": {"group": "meters"}}
TWO_KINDS: dict[str, tuple[t.Any, ...]] = {
    "two selections": (BY_GROUP, {**BY_GROUP, "kind": "iccid"}),
    "an IMEI of a list, and a selection": ({"ids": [A]}, {**BY_GROUP, "kind": "iccid"}),
    "a selection, and an ICCID of a list": (BY_GROUP, {"ids": [SIM], "kind": "iccid"}),
    "an ICCID of a list, and a selection": ({"ids": [SIM], "kind": "iccid"}, BY_GROUP),
}


@pytest.mark.parametrize("sets", TWO_KINDS.values(), ids=TWO_KINDS)
def test_one_sim_that_thingspace_returned_with_both_ids(files: Files, sets: tuple[t.Any, ...]) -> None:
    """It would get the license twice."""
    files.write("a.yml", account(*({**one, "simsec": "SIMSec-IoT-Lt"} for one in sets)))
    fleet, problems = read_fleet([str(files.folder)], None)
    assert problems == []
    texts = [problem.text for problem in resolve(fleet, listing(both(A, SIM), row(B)))[1]]
    assert len(texts) == 1
    assert "is to hold SIMSec-IoT-Lt, and so is" in texts[0]
    assert all(one in texts[0] for one in (A, SIM, "ids of one device"))


def test_sims_that_thingspace_did_not_return_as_one(files: Files) -> None:
    """Two SIMs of one device are two, and so are ids of different devices. Another SKU is another license."""
    lines = [both(A, SIM), both(A, f"{SIM[:-1]}2")]
    sets = [
        {**BY_GROUP, "kind": "iccid", "simsec": "SIMSec-IoT-Lt"},
        {**BY_GROUP, "simsec": "SIMSec-IoT"},
        {"ids": [B], "simsec": "SIMSec-IoT-Lt"},
    ]
    files.write("a.yml", account(*sets))
    fleet, _problems = read_fleet([str(files.folder)], None)
    assert resolve(fleet, listing(*lines))[1] == []


def test_directories(files: Files) -> None:
    assert files.problems() == [f"{files.folder}: the directory holds no fleet file (*.yml)."]
    files.write(".hidden.yml", "[")
    files.write("notes.txt", "[")
    files.write("a.yaml", account())
    assert files.problems() == []
    assert files.problems([]) == ["'accounts' is empty. Leave it out to have all accounts."]
    assert read_fleet([], None)[1][0].text == "'src' names no fleet file."


def test_files_in_subdirectories_are_named(files: Files) -> None:
    """They may be anything, so that they are not read, but neither passed over."""
    files.write("a.yml", account({"ids": [A], "fota": True}))
    for folder in ("north", ".git", "north/deep"):
        (files.folder / folder).mkdir()
        files.write(f"{folder}/b.yml", account({"ids": [B], "fota": True}, name=TWO))
    files.write("north/list.csv", "imei\n")
    fleet, problems = read_fleet([str(files.folder)], None)
    assert problems == []
    warnings = resolve(fleet, None)[2]
    assert [text.replace(f"{files.folder}", "") for text in warnings] == [
        ": files in subdirectories are not read: north/b.yml, north/deep/b.yml. Name their directories in 'src', too."
    ]


def test_a_column_by_number_and_what_is_told_of_a_list(files: Files) -> None:
    one = {"file": "l.csv", "column": 1, "delimiter": "semicolon", "fota": True}
    files.write("a.yml", account(one))
    (files.folder / "l.csv").write_bytes(f"Modem;Ort\n{A};K\xf6ln\n".encode("latin-1"))
    fleet, problems = read_fleet([str(files.folder)], None)
    assert problems == []
    wanted, problems, warnings = resolve(fleet, None)
    assert (list(wanted[0][1].fota), problems) == ([A], [])
    assert "windows-1252" in warnings[0]
    files.write("a.yml", account({**one, "column": 0}))
    assert "a name in quotes, or a number from 1" in files.problems()[0]


def test_an_account_alone(files: Files) -> None:
    """The devices of other accounts are not read, but every file must be one, because the account may be in any."""
    files.write("a.yml", account({"ids": [A], "fota": True}))
    files.write("b.yml", account({"file": "no.csv", "fota": True}, name=TWO))
    fleet, problems = read_fleet([str(files.folder)], [ONE], alone=True)
    assert ([one.name for one, _sets in fleet.accounts], problems) == ([ONE], [])
    assert len(read_fleet([str(files.folder)], [ONE])[1]) == 1
    assert len(read_fleet([str(files.folder)], [TWO], alone=True)[1]) == 1
    assert "No fleet file names the account" in read_fleet([str(files.folder)], ["x"], alone=True)[1][0].text
    files.write("c.yml", "{")
    assert len(read_fleet([str(files.folder)], [ONE], alone=True)[1]) == 1
    files.write("c.yml", account({"ids": [B], "fota": True}))
    assert read_fleet([str(files.folder)], [ONE], alone=True)[1]
