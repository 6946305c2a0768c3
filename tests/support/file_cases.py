# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small files as they come from portals, spreadsheets and forms, byte for byte. All ids are made up."""

from __future__ import annotations

CASES: dict[str, bytes] = {
    "f01_german_excel_cp1252": (
        b"IMEI;Standort;Stra\xdfe\r\n"
        b"990000000000000;K\xf6ln;K\xf6nigsallee 1\r\n"
        b"990000000000001;M\xfcnchen;Wei\xdf 2\r\n"
    ),
    "f01d_utf16le_nobom": ("IMEI\tStandort\r\n990000000000000\tKoeln\r\n".encode("utf-16-le")),
    "f02_semicolon_comma_in_header": (
        b"IMEI;Standort (PLZ, Ort, Land);Name\n990000000000000;50667 K\xc3\xb6ln;a\n990000000000001;53111 Bonn;b\n"
    ),
    "f02b_tab_comma_in_header": (b"IMEI\tCost per 1,000 messages\n990000000000000\t0.5\n990000000000001\t0.5\n"),
    "f02c_semicolon_headerless_comma": (b"990000000000000;Domplatz 1, Hof\n990000000000001;Domplatz 2, Hof\n"),
    "f03_portal_preamble": (
        b"Device inventory report\n"
        b"Generated: 2026-11-01 08:00\n"
        b"Account: 0000123456-00001\n"
        b"\n"
        b"IMEI,ICCID,State\n"
        b"990000000000000,89148000000000000000,active\n"
        b"990000000000001,89148000000000000001,active\n"
    ),
    "f03b_portal_preamble_commas": (
        b"Device inventory report,,\n"
        b"Generated,2026-11-01 08:00,\n"
        b",,\n"
        b"IMEI,ICCID,State\n"
        b"990000000000000,89148000000000000000,active\n"
        b"990000000000001,89148000000000000001,active\n"
    ),
    "f03c_comment_header": (
        b"# exported by portal 2026-11-01\nIMEI,ICCID,State\n990000000000000,89148000000000000000,active\n"
    ),
    "f04_totals_row": (b"IMEI,State\n990000000000000,active\n990000000000001,active\nTotal,2\n"),
    "f04b_totals_row_other_col": (b"IMEI,State,Cost\n990000000000000,active,1\n990000000000001,active,1\n,Total,2\n"),
    "f05_imei_dashes": (b"IMEI,Site\n99-000000-000000-0,a\n99-000000-000000-1,b\n"),
    "f05b_imei_spaces": (b"IMEI,Site\n99 000000 000000 0,a\n99 000000 000000 1,b\n"),
    "f06_iccid_f_padding": (
        b"ICCID,IMEI\n8914800000000000000F,990000000000000\n8914800000000000001f,990000000000001\n"
    ),
    "f07_id_and_imei_nummer": (b"ID;IMEI-Nummer;Ort\n1;990000000000000;a\n2;990000000000001;b\n"),
    "f07a_imei_nummer": (
        b"Name;IMEI-Nummer;ICCID\nA;990000000000000;89148000000000000000\nB;990000000000001;89148000000000000001\n"
    ),
    "f07b_imei_meid": (
        b"Name;IMEI/MEID;ICCID\nA;990000000000000;89148000000000000000\nB;990000000000001;89148000000000000001\n"
    ),
    "f07c_device_id_imei": (
        b"Name;Device ID (IMEI);ICCID\nA;990000000000000;89148000000000000000\nB;990000000000001;89148000000000000001\n"
    ),
    "f08_pandas_float": (b"imei,site\n990000000000000.0,a\n990000000000001.0,b\n"),
    "f09_whole_line_quoted": (b'"imei,site"\n"990000000000000,a"\n"990000000000001,b"\n'),
    "f10_comment_with_linebreak": (
        b'imei,comment\n990000000000000,"replaced\nold: 990000000000009"\n990000000000001,ok\n'
    ),
    "f11_apostrophe": (b"imei\n'990000000000000\n'990000000000001\n"),
    "f12_all_quoted": (b'"id","name","imei"\n"1","r1","990000000000000"\n"2","r2","990000000000001"\n'),
    "f14_imeisv": (b"imei\n9900000000000001\n"),
    "f15_imei14": (b"imei\n99000000000000\n"),
    "f18_verizon_upload_no_header": (
        b",,990000000000000,89148000000000000000,VZW-SKU-1,Group A,c1,,,,\r\n"
        b",,990000000000001,89148000000000000001,VZW-SKU-1,Group A,c2,,,,\r\n"
    ),
    "f18b_verizon_upload_customfield_imei": (
        b",,990000000000000,89148000000000000000,VZW-SKU-1,Group A,990000000000777,,,,\r\n"
        b",,990000000000001,89148000000000000001,VZW-SKU-1,Group A,c2,,,,\r\n"
    ),
    "f19_dual_imei": (
        b"IMEI1,IMEI2,Serial number\n990000000000000,990000000000100,SN1\n990000000000001,990000000000101,SN2\n"
    ),
    "f20_version_row_template": (b"version:v1.0,\nIMEI,Site\n990000000000000,a\n990000000000001,b\n"),
    "f23_repeated_header": (b"imei,site\n990000000000000,a\nimei,site\n990000000000001,b\n"),
    "f25_sql_footer": (b"imei,site\n990000000000000,a\n990000000000001,b\n\n(2 rows affected)\n"),
    "f30_label_in_first_line": (b"IMEI: 990000000000000\n990000000000001\n990000000000002\n"),
    "f31_one_device": (b'[{"imei":"990000000000000"}]\n'),
    "f32_login_page": (
        b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>"
        b'<form action="login"><input name="user"><input name="password"></form></body></html>'
    ),
    "f33_ndjson": (b'{"imei":"990000000000000"}\n{"imei":"990000000000001"}\n'),
    "f36_only_one": (b"IMEI 990000000000000\n"),
    "f37_wrong_kind_header": (b"IMSI\n311480001000001\n311480001000002\n"),
    "roundtrip": (
        b"imei,iccid,meid,state\n"
        b"990000000000002,89148000000000000002,,active\n"
        b",89148000000000000003,A10000157E83B2,active\n"
        b"990000000000004,89148000000000000004,,active\n"
        b"990000000000004,89148000000000000005,,active\n"
    ),
    "column_number": (b"Modem;Ort\n990000000000000;Bonn\n"),
}
