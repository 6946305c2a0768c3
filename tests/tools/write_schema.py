# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes docs/fleet.schema.json and the tables of docs/fleet-files.md from the table that checks fleet files.

Run ``make generated`` after a change of ``_fleet/schema.py``. A unit test fails if you forget it.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import typing as t
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
SCHEMA = HERE / "docs" / "fleet.schema.json"
GUIDE = HERE / "docs" / "fleet-files.md"

_PARTS = ("ACCOUNT", "DEVICES", "SELECT", "FOTA", "SIMSEC", "CANDIDATES", "FREEZE")
_KINDS = {
    "text": "text",
    "place": "text or number",
    "bool": "true or false",
    "whole": "number",
    "amount": "number or percentage",
    "amounts": "list of numbers and percentages",
    "ids": "list of ids",
    "texts": "list",
    "map": "mapping",
    "list": "list",
    "counts": "names with numbers",
    "fields": "names with texts",
}


def load() -> t.Any:
    """The module with the table. It needs ansible-core, but the checkout need not be in a tree of collections."""
    sys.path.insert(0, str(HERE))
    return importlib.import_module("plugins.module_utils._fleet.schema")


def schema(table: t.Any) -> str:
    """The content of the JSON schema."""
    return json.dumps(table.json_schema(), indent=2) + "\n"


def guide(table: t.Any, text: str) -> str:
    """The guide with new tables between their marks."""
    for part in _PARTS:
        rows = [_row(name, field) for name, field in getattr(table, part).items()]
        mark, end = f"<!-- table {part} -->", "<!-- end -->"
        made = "\n".join([mark, "", "| field | value | meaning |", "|---|---|---|", *rows, "", end])
        text = re.sub(f"{mark}.*?{end}", made.replace("\\", r"\\"), text, flags=re.DOTALL)
    return text


def _row(name: str, field: t.Any) -> str:
    value = ", ".join(f"`{choice}`" for choice in field.choices) or _KINDS[field.kind]
    value = f"list of {value}" if field.kind == "texts" else value
    return f"| `{name}` | {value}{', required' if field.required else ''} | {field.help} |"


if __name__ == "__main__":
    found = load()
    SCHEMA.write_text(schema(found), encoding="utf-8")
    GUIDE.write_text(guide(found, GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
