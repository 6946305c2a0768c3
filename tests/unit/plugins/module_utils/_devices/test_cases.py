# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files from the field: every one is read as its owner means it, or refused with what is to be done."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.ids import Kind
from ansible_collections.thingspace.licensing.plugins.module_utils._devices.row import EXPORT_COLUMNS
from ansible_collections.thingspace.licensing.plugins.module_utils._devices.wanted import named_devices, wanted_devices
from ansible_collections.thingspace.licensing.tests.support.fakes import imei, imeis
from ansible_collections.thingspace.licensing.tests.support.file_cases import CASES

A, B, C = imeis(3)

TAKEN: dict[str, tuple[list[str], str]] = {
    # case: (what is read, what is told)
    "f01_german_excel_cp1252": ([A, B], "it is not UTF-8 text, and was read as windows-1252"),
    "f01d_utf16le_nobom": ([A], "UTF-16 text without a byte order mark"),
    "f02_semicolon_comma_in_header": ([A, B], ""),
    "f02b_tab_comma_in_header": ([A, B], ""),
    "f02c_semicolon_headerless_comma": ([A, B], ""),
    "f03_portal_preamble": ([A, B], "line 5 was taken for the header"),
    "f03b_portal_preamble_commas": ([A, B], "line 4 was taken for the header"),
    "f03c_comment_header": ([A], "line 2 was taken for the header"),
    "f05_imei_dashes": ([A, B], ""),
    "f05b_imei_spaces": ([A, B], ""),
    "f06_iccid_f_padding": ([A, B], ""),
    "f07_id_and_imei_nummer": ([A, B], "the column 'IMEI-Nummer' was taken for the IMEI"),
    "f07a_imei_nummer": ([A, B], "the column 'IMEI-Nummer' was taken for the IMEI"),
    "f07b_imei_meid": ([A, B], "the column 'IMEI/MEID' was taken for the IMEI"),
    "f07c_device_id_imei": ([A, B], "the column 'Device ID (IMEI)' was taken for the IMEI"),
    "f10_comment_with_linebreak": ([A, B], ""),
    "f11_apostrophe": ([A, B], ""),
    "f12_all_quoted": ([A, B], ""),
    "f18_verizon_upload_no_header": ([A, B], ""),
    "f20_version_row_template": ([A, B], "line 2 was taken for the header"),
    "roundtrip": ([imei(2), imei(4)], "1 rows without such an id were left out, and 1 rows of a device that stands"),
}

REFUSED: dict[str, tuple[str, ...]] = {
    # case: (code, what is told ...)
    "f04_totals_row": ("invalid_devices", "line 4: 'Total' holds 'T'"),
    "f04b_totals_row_other_col": ("invalid_devices", "line 4: '' is empty"),
    "f08_pandas_float": ("invalid_devices", "line 2: '990000000000000.0' has a decimal point", "line 3"),
    "f09_whole_line_quoted": ("invalid_devices", "line 2: '990000000000000,a' holds ','", "line 3"),
    "f14_imeisv": ("invalid_devices", "line 2: '9900000000000001' has 16 digits", "IMEISV"),
    "f15_imei14": ("invalid_devices", "line 2: '99000000000000' has 14 digits", "a leading zero or the check digit"),
    "f18b_verizon_upload_customfield_imei": ("invalid_options", "line 1: it is not clear which", "'devices_column'"),
    "f19_dual_imei": ("invalid_options", "'IMEI1' (column 1), 'IMEI2' (column 2) may be it", "'devices_column'"),
    "f23_repeated_header": ("invalid_devices", "line 3: 'imei' holds 'i'"),
    "f25_sql_footer": ("invalid_devices", "line 5: '(2 rows affected)'"),
    "f30_label_in_first_line": ("invalid_devices", "line 1: 'IMEI: 990000000000000'", "write the id without a label"),
    "f31_one_device": ("file_unreadable", "it looks like JSON"),
    "f32_login_page": ("file_unreadable", "it looks like an HTML page, perhaps a login page"),
    "f33_ndjson": ("file_unreadable", "it looks like JSON"),
    "f36_only_one": ("invalid_devices", "line 1: 'IMEI 990000000000000'"),
    "f37_wrong_kind_header": ("invalid_options", "line 1: the column 'IMSI' holds the IMSI, which is never taken"),
}


class Read(t.NamedTuple):
    devices: list[str]
    warnings: str
    codes: set[str]
    problems: str


def read(path: Path, content: bytes, kind: Kind = "imei", **more: t.Any) -> Read:
    """What a task makes of a file."""
    path.write_bytes(content)
    wanted, problems = wanted_devices({"devices_file": str(path), **more}, kind)
    told = "\n".join(problem.text for problem in problems)
    return Read(wanted.devices, "\n".join(wanted.warnings), {problem.code for problem in problems}, told)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "fleet.csv"


def test_every_case_has_its_test() -> None:
    assert {*TAKEN, *REFUSED, "column_number"} == set(CASES)


@pytest.mark.parametrize("case", TAKEN)
def test_taken(file: Path, case: str) -> None:
    devices, note = TAKEN[case]
    found = read(file, CASES[case])
    assert (found.devices, found.problems) == (devices, "")
    assert note in found.warnings
    assert bool(found.warnings) == bool(note)


@pytest.mark.parametrize("case", REFUSED)
def test_refused(file: Path, case: str) -> None:
    code, *told = REFUSED[case]
    found = read(file, CASES[case])
    assert found.codes == {code}
    for text in told:
        assert text in found.problems


@pytest.mark.parametrize(("case", "column"), [("f02_semicolon_comma_in_header", "imei"), ("f03_portal_preamble", "1")])
def test_a_column_by_name_or_number_where_the_delimiter_is_not_that_of_the_first_line(
    file: Path, case: str, column: str
) -> None:
    assert read(file, CASES[case], devices_column=column).devices == [A, B]


def test_a_column_by_number(file: Path) -> None:
    assert read(file, CASES["column_number"], devices_column="1").devices == [A]


def test_the_padding_of_an_iccid(file: Path) -> None:
    found = read(file, CASES["f06_iccid_f_padding"], "iccid")
    assert (found.devices, found.problems) == (["8914800000000000000", "8914800000000000001"], "")


@pytest.mark.parametrize(("column", "first"), [("IMEI1", A), ("2", imei(100))])
def test_of_two_imeis_the_one_that_is_asked_for(file: Path, column: str, first: str) -> None:
    assert read(file, CASES["f19_dual_imei"], devices_column=column).devices[0] == first


@pytest.mark.parametrize("second", ["IMEI2", "old imei"])
def test_an_exact_title_does_not_win_over_a_second_column_of_imeis(file: Path, second: str) -> None:
    assert f"'{second}' (column 2) may be it" in read(file, f"imei,{second}\n{A},{B}\n".encode()).problems
    assert read(file, f"imei,{second} state\n{A},active\n".encode()).devices == [A]
    assert read(file, f"imei,IMEISV\n{A},{B}9\n".encode()).devices == [A]


def test_a_problem_names_the_column_that_was_recognized(file: Path) -> None:
    found = read(file, f"Nr;IMEI-Nummer\n1;{A}\n2;x\n".encode())
    assert found.problems == f"{file}, column 'IMEI-Nummer', line 3: 'x' holds 'x', but an id has digits only."


@pytest.mark.parametrize(
    "title", ["IMSI", "MSISDN", "MEID", "ICCID", "IMSI-Nummer", "SIM (ICCID)", "device_msisdn", "IMEISV"]
)
@pytest.mark.parametrize("column", [None, "1", "title"])
def test_another_kind_of_id_is_never_taken(file: Path, title: str, column: str | None) -> None:
    given: dict[str, t.Any] = {"devices_column": title if column == "title" else column} if column else {}
    found = read(file, f"{title}\n{A}\n{B}\n".encode(), **given)
    assert (found.devices, found.codes) == ([], {"invalid_options"})
    assert f"'{title}'" in found.problems


@pytest.mark.parametrize("title", ["IMEI", "imei-nummer"])
def test_nor_is_an_imei_taken_for_an_iccid(file: Path, title: str) -> None:
    assert "never taken for the ICCID" in read(file, f"{title}\n{'8' * 18}\n".encode(), "iccid").problems


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("<?xml version='1.0'?><a/>", "it looks like XML or HTML"),
        ("\ufeff \n <HTML><body>", "it looks like an HTML page"),
        ('{"error": "expired"}', "it looks like JSON"),
        ("Your session has expired.", "a text in which no line holds an id"),
        ("Please log in.\n\n", "a text in which no line holds an id"),
    ],
)
def test_what_is_no_list_is_refused_as_what_it_looks_like(file: Path, content: str, told: str) -> None:
    found = read(file, content.encode())
    assert found.codes == {"file_unreadable"}
    assert told in found.problems


@pytest.mark.parametrize("content", ["", "\n\n", "imei\n", "name;imei\r\n", "\ufeffIMEI\n\n"])
def test_an_empty_file_or_a_header_alone_is_a_warning(file: Path, content: str) -> None:
    found = read(file, content.encode())
    assert (found.devices, found.codes) == ([], set())
    assert "No device is named" in found.warnings


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_a_delimiter_that_is_not_clear_is_asked_for(file: Path, separator: str) -> None:
    other = "," if separator != "," else ";"
    content = f"{A}{separator}x{other}{B}\n".encode()
    assert "'devices_delimiter'" in read(file, content).problems
    names = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
    assert read(file, content, devices_delimiter=names[separator], devices_column="1").devices == [A]
    assert read(file, content, devices_delimiter=names[other], devices_column="2").devices == [B]
    assert "column 2: 990000000000001" in read(file, content, devices_delimiter=names[separator]).problems


@pytest.mark.parametrize(
    "first", [f"IMEI: {A}", f"IMEI {A}", f"imei={A}", f"IMEI,{A}", "IMEI 99-000000-000000-0", f"x{A}"]
)
@pytest.mark.parametrize("option", ["devices_file", "devices_text", "protected_file", "devices_column"])
def test_data_in_the_first_line_is_never_a_title(file: Path, first: str, option: str) -> None:
    text = f"{first}\n{B}\n{C}\n"
    file.write_text(text)
    params = {
        "devices_file": {"devices_file": str(file)},
        "devices_text": {"devices_text": text},
        "protected_file": {"protected_file": str(file)},
        "devices_column": {"devices_file": str(file), "devices_column": "1"},
    }[option]
    devices, problems, _notes = named_devices(params, option.split("_", maxsplit=1)[0])
    told = {problem.code for problem in problems if "line 1" in problem.text or "it is not clear which" in problem.text}
    assert A in devices or told


@pytest.mark.parametrize("title", ["IMEI 1", "IMEI1", "Device IMEI (15 digits)", "IMEI, 2026-11-01 08:00:00"])
def test_a_title_may_hold_digits(file: Path, title: str) -> None:
    assert read(file, f'"{title}"\n{A}\n'.encode()).devices == [A]


@pytest.mark.parametrize("line", [f"Order {A}", "9.9E+14", A, "9" * 14, "9900000000", f"old,{A}"])
def test_no_line_before_a_header_is_left_out_that_may_hold_a_device(file: Path, line: str) -> None:
    found = read(file, f"{line}\nIMEI,State\n{B},active\n".encode())
    assert found.problems
    assert found.devices == [] or "line 1" in found.problems or A in found.devices


def test_a_header_is_looked_for_in_twenty_lines(file: Path) -> None:
    for count, taken in ((19, True), (20, False)):
        found = read(file, ("note\n" * count + f"IMEI,State\n{A},active\n").encode())
        assert bool(found.problems) is not taken
        assert ("were left out" in found.warnings) is taken


@pytest.mark.parametrize(
    "text",
    [
        f'imei,note\n{A},"old\n{B},new"\n',
        f'note,imei\n"Bonn,{A}\nKiel",{B}\n',
        f'imei,note\n{A},"old: {B}\nx"\n{C},a,b\n',
        f'imei,note\n{A},"old: {B}\nx"\n{C}\n',
        f'{A},"x\nold: {B}"\n',
        f'imei,site\n{A},"Bonn\nIMEI {B},Kiel\n{C},Ulm"\n',
        f'imei\n"IMEI {A}\nIMEI {B}"\n',
        f'imei,site\n{A},"Bonn, once {B}\nx"\n',
    ],
)
def test_a_quote_that_may_have_swallowed_a_device_is_refused(file: Path, text: str) -> None:
    assert "quote" in read(file, text.encode()).problems


@pytest.mark.parametrize("account", ["0000123456-00001", "0000123456 00001"])
def test_an_account_number_is_no_imei(file: Path, account: str) -> None:
    assert read(file, f"{account},{A}\n".encode()).devices == [A]
    assert read(file, f"imei\n{account}\n".encode()).codes == {"invalid_devices"}


LOST: dict[str, tuple[str, int]] = {
    # what is wrong: (text, the line)
    "second row wider": (f"{A}\n{B},{C}\n", 2),
    "a blank behind the comma": (f"{A}\n{B}, {C}\n", 2),
    "semicolon": (f"{A}\n{B};{C}\n", 2),
    "tab": (f"{A}\n{B}\t{C}\n", 2),
    "below a title": (f"imei\n{A}\n{B},{C}\n", 3),
    "below a title, tab": (f"IMEI\n{A}\n{B}\t{C}\n", 3),
    "below a generic title": (f"devices\n{A}\n{B},{C}\n", 3),
    "below an unknown title": (f"Kunde\n{A}\n{B},{C}\n", 1),
    "longer than the header": (f"imei,site\n{A},Bonn\n{B},Kiel,{C}\n", 3),
    "in another titled column": (f"imei,site\n{A},Bonn\n{B},{C}\n", 3),
    "beside a place": (f'imei,site\n{A},Bonn\n{B},"Kiel;{C}"\n', 3),
    "printed": (f"imei,site\n{A},Bonn\n{B},99-000000-000000-2\n", 3),
    "damaged": (f"imei\n{A}\n{B},99000000000002\n", 3),
    "a number of a spreadsheet": (f"imei\n{A}\n{B},9.9E+14\n", 3),
    "labeled": (f"imei,site\n{A},Bonn\n{B},IMEI{C}\n", 3),
    "a column without a title": (f"imei,\n{A},\n{B},{C}\n", 3),
    "a second IMEI after the sample": (
        "imei,imei2\n" + "".join(f"{imei(n)},\n" for n in range(100, 160)) + f"{A},{C}\n",
        62,
    ),
    "wide after the sample": ("".join(f"{imei(n)}\n" for n in range(100, 160)) + f"{A},{C}\n", 61),
    "a list in a remark": (f'imei,comment\n{A},x\n{B},"{C}"\n', 3),
}


@pytest.mark.parametrize("case", LOST)
def test_no_id_outside_of_the_column_is_lost(file: Path, case: str) -> None:
    text, line = LOST[case]
    assert f"line {line}" in read(file, text.encode()).problems


@pytest.mark.parametrize("case", ["longer than the header", "a column without a title", "below a title", "damaged"])
@pytest.mark.parametrize("column", ["imei", "1"])
def test_nor_where_the_user_named_the_column_and_no_title_stands_above(file: Path, case: str, column: str) -> None:
    text, line = LOST[case]
    found = read(file, text.encode(), devices_column=column)
    assert (found.devices, found.codes) == ([], {"invalid_devices"})
    assert f"line {line}, column" in found.problems


@pytest.mark.parametrize("column", ["imei", "1"])
def test_titled_neighbors_of_a_named_column_are_the_users_own_choice(file: Path, column: str) -> None:
    text = f"imei,order number\n{A},{C}\n{B},x\n".encode()
    assert read(file, text, devices_column=column).devices == [A, B]


@pytest.mark.parametrize(
    ("title", "cell"),
    [
        *((title, "262010000000001") for title in ("IMSI", "MSISDN", "ICCID", "MEID", "IMEISV", "SIM", "sim_number")),
        ("account", "0000123456-00001"),
        ("created", "2026-11-01T08:00:00.123Z"),
        ("created", "20261101080000"),
        ("latitude", "50.937531123456789"),
        ("comment", f"was {C}"),
        ("reason", f"not sent: {C} stands before it"),
        ("name", A),
    ],
)
def test_what_other_columns_may_hold(file: Path, title: str, cell: str) -> None:
    assert read(file, f"imei,{title}\n{A},{cell}\n".encode()).devices == [A]


def test_our_own_export_holds_other_numbers(file: Path) -> None:
    cells = {"imei": A, "groups": C, "custom_fields": f'"{{""x"": ""{C}""}}"', "created_at": "2026-11-01 08:00:00.000Z"}
    content = f"{','.join(EXPORT_COLUMNS)}\n{','.join(cells.get(name, '') for name in EXPORT_COLUMNS)}\n"
    assert read(file, content.encode()).devices == [A]


@pytest.mark.parametrize("title", ["Kundennummer", "Phone number", "Serial number", "Contract", "# exported"])
def test_a_lone_title_that_says_nothing_makes_no_ids(file: Path, title: str) -> None:
    text = f"{title}\n{A}\n{B}\n".encode()
    found = read(file, text)
    assert (found.devices, found.codes) == ([], {"invalid_options"})
    assert f"'{title}'" in found.problems
    assert "'devices_column'" in found.problems
    assert read(file, text, devices_column="1").devices == [A, B]


@pytest.mark.parametrize("title", ["device", "Device ID", "id", "IMEIs", "Devices"])
def test_a_lone_title_that_fits_any_device(file: Path, title: str) -> None:
    assert read(file, f"{title}\n{A}\n{B}\n".encode()).devices == [A, B]


@pytest.mark.parametrize(
    "first",
    [
        "IMEI 9900000000000",
        "IMEI 99-000000-0000",
        "IMEI 9.9E+14",
        "IMEI: 9,9E+14",
        "imei=9.9e14",
        "IMEI: 9900000000-00000",
        "IMEI 9900000000 00000",
    ],
)
def test_a_damaged_id_with_a_label_is_no_title(file: Path, first: str) -> None:
    assert "line 1:" in read(file, f'"{first}"\n{B}\n'.encode()).problems


HEADER = ",".join(EXPORT_COLUMNS)


def test_our_own_export_comes_back(file: Path) -> None:
    rows = [f"{A},89148000000000000001", ",89148000000000000002", f"{A},89148000000000000003", f"{B},"]
    content = "\n".join([HEADER, *(row + "," * (len(EXPORT_COLUMNS) - 2) for row in rows)]).encode()
    assert read(file, content).devices == [A, B]
    found = read(file, content, "iccid")
    assert found.devices == ["89148000000000000001", "89148000000000000002", "89148000000000000003"]
    assert "1 rows without such an id were left out" in found.warnings


@pytest.mark.parametrize("header", ["IMEI,ICCID,MEID,State", "imei,iccid,site,state", "iccid,imei,meid,state"])
def test_what_does_not_say_that_it_is_our_export_has_no_gaps(file: Path, header: str) -> None:
    more = "," * (header.count(",") - 1)
    blank, twice = (read(file, f"{header}\n{A},{A}{more}\n{row},{more}x\n".encode()) for row in ("", A))
    assert (bool(blank.problems), bool(twice.problems)) == (True, True)


CELLS = st.from_regex(r"[0-9]{14,16}|[0-9]{2}-[0-9]{6}-[0-9]{6}-[0-9]|IMEI:? [0-9]{15}|9\\.9E\\+14", fullmatch=True)
WORDS = st.sampled_from(["", "x", "Bonn", "IMEI 1", "2026-11-01 08:00", "12", "a b", '"', "old: 1", "imei", "Total"])
ROWS = st.lists(st.tuples(CELLS | WORDS, WORDS), min_size=1, max_size=25)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=ROWS,
    header=st.sampled_from(["", "imei,site\n", "Report\nimei,site\n", "IMEI-Nummer;site\n", "\n", "sep=;\n"]),
    mark=st.sampled_from([",", ";", "\t", "|", None]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_nothing_is_lost_in_silence(
    file: Path, rows: list[tuple[str, str]], header: str, mark: str | None, end: str
) -> None:
    """Every cell with the digits of an id is read, or named with its line; and what is read stands in the file."""
    lines = [row[0] if mark is None else mark.join(row) for row in rows]
    text = header + end.join(lines)
    found = read(file, text.encode())
    digits = {"".join(filter(str.isdigit, cell)) for cell, _word in rows}
    assert set(found.devices) <= digits
    if "invalid_options" in found.codes or "file_unreadable" in found.codes:
        return  # The file as a whole is refused, with the line.
    if "which would be lost" in found.problems:
        assert found.devices == []
        return  # So is this, with as many lines as a message bears.
    # A row of several lines is told with the last of them.
    quoted = any('"' in cell for row in rows for cell in row)
    first = 1 + header.count("\n")
    for number, (cell, _word) in enumerate(rows, first):
        own = "".join(filter(str.isdigit, cell))
        if len(own) >= 14 and "2026" not in cell:
            told = f"line {number}:" in found.problems or (quoted and found.problems)
            assert own in found.devices or told, (text, found)
