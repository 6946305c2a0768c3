# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files as portals and spreadsheets export them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._devices import file as device_file
from ansible_collections.thingspace.licensing.plugins.module_utils._devices.file import Cell, Layout, read_cells
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.tests.support.fakes import imei

A, B, C = imei(1), imei(2), imei(3)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "fleet.csv"


def cells(file: Path, content: str | bytes, column: str | None = None) -> list[Cell]:
    """The cells of a file with this content."""
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_cells(str(file), Layout(column)).cells


def refused(file: Path, column: str | None = None) -> LicensingError:
    """Why a file is refused."""
    with pytest.raises(LicensingError) as raised:
        read_cells(str(file), Layout(column))
    assert str(file) in raised.value.message
    return raised.value


@pytest.mark.parametrize(
    "content",
    [
        f"{A}\n{B}\n",
        f"{A}\n{B}",
        f"{A}\r\n{B}\r\n",
        f"{A}\r{B}\r",
        f'"{A}"\n"{B}"\n',
        f"\ufeff{A}\n{B}\n",
        f"{A},x\n{B},y\n",
        f"x;{A}\ny;{B}\n",
    ],
    ids=["plain", "no end", "CRLF", "CR", "quotes", "BOM", "second column", "first column"],
)
def test_no_header(file: Path, content: str) -> None:
    assert cells(file, content) == [Cell(1, A), Cell(2, B)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "header", ["IMEI", "Device ID", "device_id", "imei number", '"IMEI"', " Imei ", "DEVICE", "id"]
)
def test_header_in_every_dress(file: Path, encoding: str, mark: str, header: str) -> None:
    rows = [["Name", header, "SIM"], ["caf\u00e9", A, "89148000000000000001"], ["b", B, ""]]
    content = "\r\n".join(mark.join(row) for row in rows)
    assert cells(file, content.encode(encoding)) == [Cell(2, A), Cell(3, B)]


def test_most_specific_name_wins(file: Path) -> None:
    assert cells(file, f"id,device,imei\n7,x,{A}\n") == [Cell(2, A)]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_with_a_mark(file: Path, encoding: str) -> None:
    assert cells(file, f"\ufeffIMEI\r\n{A}\r\n".encode(encoding)) == [Cell(2, A)]


def test_blank_lines_are_left_out_and_counted(file: Path) -> None:
    assert cells(file, f"\nIMEI\n\n{A}\n  \n,,\n\u00a0\n{B}\n\n") == [Cell(4, A), Cell(8, B)]


@pytest.mark.parametrize("start", ["\n", "\r\n\r\n", "  \n"])
def test_blank_line_before_a_header_with_semicolons(file: Path, start: str) -> None:
    lines = 1 + start.count("\n")
    assert cells(file, f"{start}name;imei\nx;{A}\n") == [Cell(lines + 1, A)]


def test_quoted_cells_may_hold_the_delimiter_and_line_breaks(file: Path) -> None:
    assert cells(file, f'imei,note\n{A},"a, b\nc"\n{B},""""\n') == [Cell(3, A), Cell(4, B)]


def test_empty_cell_of_a_used_row_is_kept(file: Path) -> None:
    assert cells(file, f"name,imei\nx,\ny\nz,{A}\n") == [Cell(2, ""), Cell(3, ""), Cell(4, A)]


@pytest.mark.parametrize("content", ["", "\n\n", "imei\n", "\ufeff", "name;imei\r\n"])
def test_empty(file: Path, content: str) -> None:
    assert cells(file, content) == []


@pytest.mark.parametrize("column", ["serial no", "SERIAL_NO", "Serial No.", " serial no ", "2"])
def test_column_by_name_or_number(file: Path, column: str) -> None:
    assert cells(file, f"imei,Serial No\nx,{A}\n", column) == [Cell(2, A)]


@pytest.mark.parametrize("column", ["1", "01"])
def test_column_by_number_without_a_header(file: Path, column: str) -> None:
    assert cells(file, f"{A},{B}\n", column) == [Cell(1, A)]


def test_name_wins_over_number(file: Path) -> None:
    assert cells(file, f"2,x,1\n{B},y,{A}\n", "1") == [Cell(2, A)]


def test_header_with_a_digit_is_a_header_when_the_column_is_given_by_number(file: Path) -> None:
    assert cells(file, f"name,IMEI1\nx,{A}\n", "2") == [Cell(2, A)]


@pytest.mark.parametrize("column", ["3", "0", "-1", "serial", "", " ", "1.0", "\u00b2", "9" * 5000])
def test_missing_column(file: Path, column: str) -> None:
    file.write_text(f"name,imei\nx,{A}\n")
    error = refused(file, column)
    assert error.code == "invalid_options"
    assert "line 1: there is no column" in error.message
    assert "Found: name, imei." in error.message


@pytest.mark.parametrize("content", [f"{A},{B}\n", "a,b\n1,2\n", f"{A};x;{B}"])
def test_columns_that_cannot_be_told_apart(file: Path, content: str) -> None:
    file.write_text(content)
    error = refused(file)
    assert error.code == "invalid_options"
    assert "line 1: it is not clear which of the" in error.message
    assert "'devices_column'" in error.message


def test_damaged_first_id_is_not_taken_for_a_header(file: Path) -> None:
    assert cells(file, f"9.9E+14\n{A}\n") == [Cell(1, "9.9E+14"), Cell(2, A)]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x7fELF\0\0\0", "it is not a text file"),
        (b"imei\0\n", "it is not a text file"),
        (b"\xff\xfei\0m\0e", "it starts like UTF-16 text but is not. Save it as 'CSV UTF-8'"),
        (b"\xff\xfe\0\0i\0\0\0", "it is not a text file"),
        (b'imei\n"' + b"9" * 200_000, "it is not a CSV file"),
        (b"PK\x03\x04\x14\0\x06\0", "it is not a text file but looks like a workbook of Excel"),
    ],
    ids=["program", "NUL", "half of UTF-16", "UTF-32", "endless quote", "xlsx"],
)
def test_no_text_file(file: Path, content: bytes, why: str) -> None:
    file.write_bytes(content)
    error = refused(file)
    assert error.code == "file_unreadable"
    assert why in error.message


def test_nul_further_down_is_no_traceback(file: Path) -> None:
    try:
        found = cells(file, f"imei\n{A}\n99\x00\n")
    except LicensingError:  # before Python 3.11
        assert refused(file).code == "file_unreadable"
    else:
        assert found == [Cell(2, A), Cell(3, "99\0")]


def test_missing_file(file: Path) -> None:
    error = refused(file)
    assert (error.code, "No such file or directory" in error.message) == ("file_unreadable", True)


@pytest.mark.parametrize("special", ["directory", "pipe", "device"])
def test_special_files(tmp_path: Path, special: str) -> None:
    path = {"directory": tmp_path, "pipe": tmp_path / "pipe", "device": Path("/dev/null")}[special]
    if special == "pipe":
        os.mkfifo(path)
    assert "it is not a regular file" in refused(path).message


def test_unreadable_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(A)

    def denied(*_arguments: object, **_more: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)
    error = refused(file)
    assert (error.code, "Permission denied" in error.message) == ("file_unreadable", True)


def test_huge_file_is_refused_before_it_is_read(file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(300 * 1024 * 1024)
    start = time.monotonic()
    assert "it has 300 MiB, more than the 256 MiB allowed" in refused(file).message
    assert time.monotonic() - start < 1.0


def test_largest_file_allowed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_file, "MAX_BYTES", 16)
    assert cells(file, f"{A}\n") == [Cell(1, A)]
    file.write_text(f"{A}\r\n")
    assert "more than the" in refused(file).message


@pytest.mark.parametrize(
    "text",
    [
        f'imei,site\n{A},Bonn\n{B},"Kiel\n{C},Ulm\n',
        f'imei,site\n{A},"Bonn\n{B},Kiel\n{C},"Ulm\n',
        f'imei,site\n{A},"Bonn\n{B},Kiel\n{C},Ulm",x\n',
        f'"{A}\n{B}\n{C}"\n',
    ],
    ids=["never closed", "closed by the next", "closed before a comma", "around ids"],
)
def test_stray_quote_never_swallows_devices(file: Path, text: str) -> None:
    file.write_text(text)
    assert "quote" in refused(file, None).message


def test_note_of_several_lines_is_no_stray_quote(file: Path) -> None:
    assert cells(file, f'imei,note\n{A},"one\ntwo 12345"\n{B},5 pipe\n') == [Cell(3, A), Cell(4, B)]


@pytest.mark.parametrize("first", ["O9900", "99000000000001O", "9.9E+14", "A12345"])
def test_damaged_first_line_is_no_title(file: Path, first: str) -> None:
    assert cells(file, f"{first}\n{A}\n") == [Cell(1, first), Cell(2, A)]


def test_column_of_other_numbers_is_not_taken_for_the_ids(file: Path) -> None:
    file.write_text(f"99000000000001O,310150123456789,a\n{A},310150123456780,b\n")
    assert "not clear which" in refused(file, None).message


@pytest.mark.parametrize("column", [None, "imei"])
def test_two_columns_of_one_name(file: Path, column: str | None) -> None:
    file.write_text(f"imei,site,IMEI\n{A},x,{B}\n")
    assert "not clear which" in refused(file, column).message


def test_decimal_comma_in_a_file_of_one_column_is_no_delimiter(file: Path) -> None:
    assert cells(file, "imei\n9,9E+14\n") == [Cell(2, "9,9E+14")]


@pytest.mark.parametrize("mark", [";", ",", "\t"])
def test_hint_of_a_spreadsheet_about_the_separator(file: Path, mark: str) -> None:
    assert cells(file, f"sep={mark}\nsite{mark}imei\nx{mark}{A}\n") == [Cell(3, A)]


def test_delimiters_inside_quotes_do_not_count(file: Path) -> None:
    assert cells(file, f'"Site, city, country";IMEI\n"Bonn, NRW";{A}\n') == [Cell(2, A)]
