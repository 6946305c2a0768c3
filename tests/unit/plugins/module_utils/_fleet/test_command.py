# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Command lines that people copy: a shell and Ansible read back exactly the values."""

from __future__ import annotations

import shlex
import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.command import command_of, long_values
from ansible_collections.thingspace.licensing.tests.support.controller import import_part

from_yaml = import_part("ansible.parsing.utils.yaml").from_yaml
VALUES = st.text(max_size=20) | st.lists(st.text(max_size=5), max_size=3) | st.integers() | st.booleans()


def command(**more: t.Any) -> dict[str, t.Any]:
    return {"playbook": "thingspace.licensing.apply", "inventory": [], "limit": None, "variables": {}, **more}


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), VALUES, max_size=4))
def test_what_is_read_back(variables: dict[str, t.Any]) -> None:
    words = shlex.split(command_of(command(variables=variables)))
    found = {}
    for word in words[3::2]:
        if word.startswith("{"):
            found.update(from_yaml(word))
        else:
            name, _mark, value = word.partition("=")
            found[name] = value
    meant = {name: value for name, value in variables.items() if value not in ("", [])}
    assert found == {
        name: str(value).lower() if isinstance(value, (bool, int)) else value for name, value in meant.items()
    }


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("/tmp/my work/j.db", "'{a: /tmp/my work/j.db}'"),
        ("./a b", "'{a: ./a b}'"),
        (["990000000000001", "990000000000002"], "a=990000000000001,990000000000002"),
        ("990000000000001\n 990000000000002, ", "a=990000000000001,990000000000002"),
    ],
)
def test_what_people_usually_give_has_no_double_quotes(value: t.Any, word: str) -> None:
    """Ansible shows these with a backslash, so that the command cannot be copied."""
    assert command_of(command(variables={"a": value})).partition(" -e ")[2] == word


def test_the_whole_command(tmp_path: Path) -> None:
    there = tmp_path / "an inventory"
    there.touch()
    more = {"inventory": [str(there), str(tmp_path / "none"), "a,b"], "limit": "a:b"}
    made = command_of(command(**more, variables={"fleet": "fleet", "accounts": ""}), approved="f" * 64)
    begin = f"ansible-playbook -i '{there}' -i a,b --limit a:b thingspace.licensing.apply"
    assert made == f"{begin} -e fleet=fleet -e approved={'f' * 64}"


def test_a_value_that_is_too_long_is_in_a_file() -> None:
    """Without a file, it is on the command line all the same."""
    devices = ",".join(f"99{number:013}" for number in range(200))
    given = command(variables={"license_devices": devices, "license_mode": "run", "sites": ["Bonn"] * 500})
    assert long_values(given) == {"license_devices": devices, "sites": ["Bonn"] * 500}
    short = command_of(given, file="/tmp/my plan/variables.json", approved="f" * 64)
    begin = "ansible-playbook thingspace.licensing.apply -e '@/tmp/my plan/variables.json'"
    assert short == f"{begin} -e license_mode=run -e approved={'f' * 64}"
    assert f"license_devices={devices}" in shlex.split(command_of(given))
    assert "@" not in command_of(command(variables={"license_mode": "run"}), file="variables.json")


@pytest.mark.parametrize("given", [None, ""])
def test_a_journal_that_the_task_took_from_the_environment(given: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever copies the command into another shell is told what is missing."""
    monkeypatch.delenv("THINGSPACE_JOURNAL", raising=False)
    without = command_of(command(variables={"fleet_journal": given, "fleet": "fleet"}))
    monkeypatch.setenv("THINGSPACE_JOURNAL", "journal.db")
    words = command_of(command(variables={"fleet_journal": given, "fleet": "fleet"}))
    assert words == f'THINGSPACE_JOURNAL="${{THINGSPACE_JOURNAL:?set it to the address of the journal}}" {without}'
    assert "THINGSPACE" not in command_of(command(variables={"fleet_journal": "other.db"}))
