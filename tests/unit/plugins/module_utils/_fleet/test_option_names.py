# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whoever reads a message can set what it advises: in the fleet file, or by a variable that the playbook reads."""

from __future__ import annotations

import ast
import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._error_codes import Code
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import OptionsError, Problem
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.option_names import (
    IN_FILES,
    NO_APPROVAL,
    SURVEY_VARIABLES,
    VARIABLES,
    Caller,
    forgotten,
    how_to_set,
    in_terms_of,
    to_send_again,
    without_approval,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.schema import ACCOUNT, DEVICES

ROOT = Path(__file__).parents[5]
UTILS = ROOT / "plugins" / "module_utils"
PLAYBOOKS: dict[Caller, tuple[str, ...]] = {
    "files": ("plan", "apply"),
    "survey": ("license_devices",),
    "undo": ("undo",),
}
CALLERS: tuple[Caller, ...] = t.get_args(Caller)
NAMED = re.compile(r"[Ss]et '(\w+)|-e (\w+)=")


def read_by(caller: Caller) -> set[str]:
    """The variables that each of the playbooks of a caller reads, and those of the role."""
    texts = [(ROOT / "playbooks" / f"{name}.yml").read_text(encoding="utf-8") for name in PLAYBOOKS[caller]]
    found = set.intersection(*(set(re.findall(r"\w+", re.sub("(?m)^ *#.*", "", text))) for text in texts))
    role = (ROOT / "roles" / "fleet_licensing" / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    return found | set(re.findall(r"(?m)^ +(fleet_licensing_\w+):", role))


def messages() -> list[str]:
    """Every text of the modules that the flow of an account may show and that advises to set something."""
    rooms = ("_simsec", "_fota", "_candidates", "_plan", "_devices", "_journal", "_fleet")
    paths = [path for room in rooms for path in sorted((UTILS / room).glob("*.py"))]
    found = []
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            pieces = node.values if isinstance(node, ast.JoinedStr) else [node]
            text = "".join(str(one.value) if isinstance(one, ast.Constant) else "X" for one in pieces)
            if path.name not in ("keeping.py", "export.py", "option_names.py") and NAMED.search(text):
                found.append(text)
    return found


@pytest.mark.parametrize("caller", CALLERS)
def test_variables_exist(caller: Caller) -> None:
    keys = {*DEVICES} if caller == "files" else set()
    assert set(VARIABLES[caller].values()) <= read_by(caller) | keys


def test_keys_of_the_fleet_file_exist() -> None:
    for option, section in IN_FILES.items():
        assert option in (ACCOUNT[section].fields or {}), option


@pytest.mark.parametrize("caller", CALLERS)
def test_no_message_advises_what_the_caller_cannot_set(caller: Caller) -> None:
    """Of any module. Where nothing else is said, the advice is for the module's own task."""
    known = read_by(caller) | ({*IN_FILES, *DEVICES} if caller == "files" else set())
    told = [in_terms_of(caller, f"It is so. Nothing was sent. {text}") for text in messages()]
    assert len(told) > 15
    advised = {name for text in told for pair in NAMED.findall(text) for name in pair if name}
    assert advised - known <= {"ansible_python_interpreter", "report", "approved"}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("code", NO_APPROVAL)
def test_what_no_approval_lets_through(code: Code, caller: Caller) -> None:
    told = without_approval(code, "It is so. Nothing was sent. Set 'x: true'.", caller)
    assert told.startswith("It is so. No approval lets this through. ")
    assert told.endswith(".")
    assert not re.search(r"[{}]| (If|To)[^.]* set \.", told)
    known = read_by(caller) | ({*IN_FILES} if caller == "files" else set())
    assert {name for pair in NAMED.findall(told) for name in pair if name} <= known
    assert ("fleet file" in told) <= (caller == "files")


@pytest.mark.parametrize(
    ("caller", "told"),
    [
        ("files", "Nothing was sent. If you want that, set 'lifetime_consent: 2'. Set 'fleet_journal' to a file."),
        (
            "survey",
            "Nothing was sent. If you want that, set 'license_lifetime_consent: 2'. Set 'fleet_journal' to a file.",
        ),
        ("undo", "Nothing was sent. Set 'fleet_journal' to a file."),
    ],
)
def test_a_whole_failure_is_reworded(caller: Caller, told: str) -> None:
    """Its problems, too; each of them on its own."""
    text = (
        "Nothing was sent. If you want that, set 'lifetime_consent: 2'. Set 'journal' to a file. "
        "To assign it without a record, set 'lifetime_without_journal: true'."
    )
    assert in_terms_of(caller, text) == told
    error = OptionsError([Problem("'max_changes' is 'x'."), Problem("'state' is 'y'.")])
    error.reword(lambda text: in_terms_of("survey", text))
    assert error.details["problems"] == ["'license_max_changes' is 'x'.", "'license_state' is 'y'."]
    assert all(text in error.message for text in error.details["problems"])


def test_what_is_not_an_option_stays() -> None:
    for text in ("the kind 'imei'", "It's 5 o'clock.", "said 'no: such state'", "", "'a'\n'b'"):
        for caller in CALLERS:
            assert in_terms_of(caller, text) == text


@pytest.mark.parametrize("option", ["retry_failed", "retry_unknown"])
@pytest.mark.parametrize("caller", CALLERS)
def test_devices_can_be_sent_again(caller: Caller, option: str) -> None:
    """Also if the reason was already reworded."""
    reason = f"ThingSpace said no (not sent again without '{option}: true')"
    for text in (reason, in_terms_of(caller, reason)):
        rows = [{"reason": text}]
        for told in (to_send_again(rows, caller), forgotten(rows, caller)):
            way = how_to_set(caller, option)
            if caller == "undo" and option == "retry_failed":
                # An undo sends them again in any case.
                assert (told, way) == ("", "")
            else:
                assert f"-e {VARIABLES[caller][option]}=true" == way
                assert way in told
                assert ("fleet file" in told) <= (caller == "files")


def test_a_survey_knows_the_variables_that_it_reads() -> None:
    """Others are refused. The guide, and the head of the playbook, name the same ones."""
    text = (ROOT / "playbooks" / "license_devices.yml").read_text(encoding="utf-8")
    head, _name, plays = text.partition("\n- name:")
    assert set(re.findall(r"(?<![\w.])license_[a-z_]+", plays)) == SURVEY_VARIABLES
    assert set(re.findall(r"(?m)^# (license_\w+)  ?", head)) == SURVEY_VARIABLES
    guide = (ROOT / "docs" / "license-devices.md").read_text(encoding="utf-8")
    assert set(re.findall(r"(?m)^# ((?:license|fleet)_\w+|approved) ", head)) <= set(
        re.findall(r"(?m)^\| `(\w+)`", guide)
    )
