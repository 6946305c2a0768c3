# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.devices import written_down
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.read import read_accounts
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.schema import (
    ACCOUNT,
    FILE,
    Field,
    json_schema,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.yaml import read_yaml

CHECKOUT = Path(__file__).resolve().parents[5]
VALIDATOR = jsonschema.Draft7Validator(json_schema())

JUNK = st.sampled_from(
    [None, True, False, 0, -1, 7, 10**9, 1.5, "", " ", "x", "5%", "100.5%", "007", "1.5", [], ["x"], {}, {"a": 1}]
)
IDS = st.lists(
    st.sampled_from(
        ["990000000000001", "012345678901234", "89148000000000000001", "8914800000000000001", "1", "x" * 15]
    ),
    unique=True,
    max_size=2,
)
GOOD: dict[str, st.SearchStrategy[t.Any]] = {
    "text": st.sampled_from(["x", "0000123456-00001"]),
    "bool": st.booleans(),
    "place": st.sampled_from(["imei", "2", 1, 12]),
    "whole": st.integers(0, 999_999_999),
    "amount": st.sampled_from([0, 20, "20", "5%", "100%", "2.5%"]),
    "amounts": st.sampled_from([[1], ["5%"], [10, "5%"], ["1%", "2.5%"], [1, 20, "300"], ["100%"]]),
    "counts": st.dictionaries(st.sampled_from(["SIMSec-IoT-Lt", "y"]), st.integers(0, 9)),
    "fields": st.dictionaries(st.sampled_from(["CustomField1", "y"]), st.just("north")),
}


def value_of(field: Field) -> st.SearchStrategy[t.Any]:
    if field.choices:
        return st.sampled_from(field.choices)
    if field.kind == "ids":
        return IDS
    if field.kind in ("map", "list"):
        made = table_of(field.fields or {})
        return made if field.kind == "map" else st.lists(made, max_size=2)
    return GOOD[field.kind]


@st.composite
def table_of(draw: st.DrawFn, fields: t.Mapping[str, Field]) -> dict[str, t.Any]:
    """Mostly right, so that the rare accepted documents are not too rare."""
    made: dict[str, t.Any] = {}
    for name, field in fields.items():
        luck = draw(st.integers(0, 40))
        if luck == 40:
            made[name] = draw(JUNK)
        elif luck != 39 and (field.required or draw(st.booleans())):
            made[name] = draw(value_of(field))
    sources = [name for name in ("ids", "file", "select") if name in made]
    if len(sources) > 1 and draw(st.integers(0, 9)):
        keep = draw(st.sampled_from(sources))
        made = {name: value for name, value in made.items() if name == keep or name not in sources}
    return {**made, "surprise": 1} if draw(st.integers(0, 60)) == 60 else made


DOCUMENTS = st.one_of(table_of(ACCOUNT), table_of(FILE), JUNK)


def form_problems(path: Path, document: t.Any) -> list[str]:
    """What the checker says about the form of a document."""
    path.write_text(json.dumps(document), encoding="utf-8")
    accounts, problems = read_accounts(str(path), read_yaml(str(path)))
    for account in accounts:
        for one in account.devices:
            problems += written_down(account, one)[1] if one.ids is not None else []
    return [problem.text for problem in problems]


@pytest.mark.slow
@given(document=DOCUMENTS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_checker_and_schema_agree(tmp_path: Path, document: t.Any) -> None:
    accepted = VALIDATOR.is_valid(document)
    problems = form_problems(tmp_path / "fleet.yml", document)
    assert accepted == (not problems), (
        document,
        problems,
        [error.message for error in VALIDATOR.iter_errors(document)],
    )


FULL: dict[str, t.Any] = {
    "account": "0000123456-00001",
    "fota": {"state": "exact", "max_removals": "5%", "max_changes": 100, "reserve": 5, "removal_candidates": "keep"}
    | {"waves": [10, "5%"], "max_failures": "1%"},
    "simsec": {"state": "present", "waves": ["1"], "lifetime_consent": {"SIMSec-IoT-Lt": 2}},
    "removal_candidates": {"api_version": "v1", "unlicensed": "warn", "max_removals": 3},
    "devices": [
        {"name": "a", "ids": ["990000000000001"], "fota": True, "simsec": "SIMSec-IoT", "protected": True},
        {"name": "b", "file": "b.csv", "column": "imei", "fota": True, "removal_candidate": True},
        {"name": "e", "file": "b.csv", "column": 1, "delimiter": "comma", "fota": True},
        {"name": "c", "ids": ["89148000000000000001"], "kind": "iccid", "simsec": "SIMSec-IoT-Lt"},
        {"name": "d", "select": {"group": "x", "custom_fields": {"CustomField1": "north"}}, "fota": True},
    ],
}


@pytest.mark.parametrize("document", [FULL, {"accounts": [FULL]}], ids=["one", "several"])
def test_a_full_document_passes_both(tmp_path: Path, document: t.Any) -> None:
    VALIDATOR.validate(document)
    (tmp_path / "b.csv").write_text("imei\n990000000000002\n", encoding="utf-8")
    assert form_problems(tmp_path / "fleet.yml", document) == []


def test_the_published_files_are_up_to_date(tmp_path: Path) -> None:
    jsonschema.Draft7Validator.check_schema(json_schema())
    docs = CHECKOUT / "docs"
    published = json.loads((docs / "fleet.schema.json").read_text(encoding="utf-8"))
    assert published == json_schema(), "run 'make generated'"
    tool = (
        "import runpy, sys; made = runpy.run_path(sys.argv[1]); "
        "print(made['guide'](made['load'](), open(sys.argv[2]).read()), end='')"
    )
    guide = docs / "fleet-files.md"
    made = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", tool, str(CHECKOUT / "tests" / "tools" / "write_schema.py"), str(guide)],
        capture_output=True,
        check=True,
        encoding="utf-8",
        cwd=tmp_path,
    )
    assert made.stdout == guide.read_text(encoding="utf-8"), "run 'make generated'"
