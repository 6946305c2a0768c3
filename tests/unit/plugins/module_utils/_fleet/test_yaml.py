# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.yaml import MAX_BYTES, BadYaml, read_yaml

GOOD = 'account: "0000123456-00001"\nfota: {}\ndevices:\n- name: a\n  ids: ["990000000000001"]\n  fota: true\n'
LAUGHS = 'a: &a ["x"]\n' + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)

UNREADABLE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it is empty"),
    "comments": (b"# later\n", "it is empty"),
    "two documents": (f"{GOOD}---\n{GOOD}".encode(), "line 8: it holds several documents"),
    "tab": (GOOD.replace("  ids", "\tids").encode(), "line 5: a tab at the beginning of the line"),
    "tab after spaces": (GOOD.replace("  ids", "  \tids").encode(), "line 5: a tab"),
    "circle": (b"account: &a\n  x: *a\n", "line 1: it contains itself"),
    "undefined alias": (b"account: *a\n", "line 1: an alias (*) that nothing before it defines"),
    "aliases that multiply": (LAUGHS.encode(), "holds more than 1000000 values"),
    "latin-1": (GOOD.replace("name: a", "name: ä").encode("latin-1"), "not UTF-8 text"),
    "control character": (GOOD.encode() + b"\0", "control characters"),
    "field twice": (GOOD.encode() + b"fota: {}\n", "line 7: 'fota' is here twice, first in line 2"),
    "vault": (b"account: !vault |\n  x\n", "line 1: the tag !vault is not known here"),
    "python": (b"account: !!python/object/apply:os.system [x]\n", "line 1: the tag"),
    "merge key": (GOOD.encode() + b"<<: {}\n", "line 7: merge keys"),
    "key that is a list": (b"? [a]\n: b\n", "line 1: a key must be a plain word"),
    "terminal": (b'"a\\e[31m": 1\n"a\\e[31m": 1\n', "'a\\u001b[31m' is here twice"),
}


@pytest.fixture(params=["libyaml", "python"], autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """PyYAML with libyaml, which looks ahead and has limits of its own, and PyYAML without it."""
    if request.param == "python":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    elif not hasattr(yaml, "CSafeLoader"):
        pytest.skip("PyYAML was built without libyaml")
    return str(request.param)


def _refusal(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "fleet.yml"
    path.write_bytes(content)
    with pytest.raises(BadYaml) as caught:
        read_yaml(str(path))
    assert caught.value.message.startswith(str(path))
    assert caught.value.message.isprintable()
    return caught.value.message


@pytest.mark.parametrize("case", list(UNREADABLE))
def test_unreadable(tmp_path: Path, case: str) -> None:
    content, why = UNREADABLE[case]
    assert why in _refusal(tmp_path, content)


LEVELS = {
    "brackets": "[",
    "braces": "{a: ",
    "both": "[{a: ",
    "lines": "[\n",
    "dashes": "- ",
    "keys of keys": "? ",
    "quoted": "{'[': ",
}


@pytest.mark.slow
@pytest.mark.parametrize("before", ["", "a:\n- b:\n  - ", "é: # [\n  "], ids=["alone", "below others", "after others"])
@pytest.mark.parametrize("count", [21, 990, 1_025])
@pytest.mark.parametrize("level", list(LEVELS))
def test_our_limit_of_levels_comes_before_any_of_the_library(
    tmp_path: Path, level: str, count: int, before: str
) -> None:
    content = before + LEVELS[level] * count
    line = 1 + before.count("\n")
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        message = _refusal(tmp_path, content.encode(encoding))
        assert "it is nested more than 20 levels deep" in message
        if level != "lines":
            assert f"line {line}:" in message


@pytest.mark.parametrize(
    "content",
    [
        'a: "' + "[" * 3_000,
        "a: '" + "[" * 3_000,
        f"# {'[' * 3_000}\na: ]",
        f"a: ['{'[' * 900}', ]]",
        "[]" * 50,
        f"a: [{'[x], ' * 30}:]]",
    ],
    ids=["quotes left open", "quote left open", "comment", "in quotes", "one after the other", "beside each other"],
)
def test_brackets_that_open_no_level_are_not_called_nested(tmp_path: Path, content: str) -> None:
    assert "nested" not in _refusal(tmp_path, content.encode())


def test_a_hundred_thousand_levels(tmp_path: Path) -> None:
    assert "it is nested more than 20 levels deep" in _refusal(tmp_path, b"[" * 100_000)


def test_twenty_levels_are_read(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yml"
    path.write_text("[" * 20 + "]" * 20, encoding="utf-8")
    assert read_yaml(str(path)).kind == "list"


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        ("\ufeff" + GOOD).encode(),
        GOOD.encode("utf-16"),
        GOOD.replace("fota: ", "fota:\t").encode(),
        GOOD.replace("fota: {}", "fota: &s {}\nsimsec: *s").encode(),
    ],
    ids=["plain", "windows", "byte order mark", "utf-16", "tab between", "alias"],
)
def test_readable(tmp_path: Path, content: bytes, loader: str) -> None:
    if loader == "python" and b":\t" in content:
        pytest.skip("PyYAML takes tabs there with libyaml only")
    path = tmp_path / "fleet.yml"
    path.write_bytes(content)
    root = read_yaml(str(path))
    assert root.fields["account"].text == "0000123456-00001"
    ids = root.fields["devices"].items[0].fields["ids"]
    assert ids.items[0].line == 5 + ("simsec" in root.fields)


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yml")
    (tmp_path / "loop.yml").symlink_to("loop.yml")
    for name, why in (("pipe.yml", "it is not a file"), ("loop.yml", "does not exist"), (".", "it is not a file")):
        with pytest.raises(BadYaml, match=why):
            read_yaml(str(tmp_path / name))


def test_where_a_relative_path_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The playbook's directory may be another one than that of the command."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadYaml, match=re.escape(f"fleet: it does not exist in {tmp_path}. ")):
        read_yaml("fleet")
    with pytest.raises(BadYaml, match=re.escape("fleet: it does not exist. ")):
        read_yaml(str(tmp_path / "fleet"))


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yml"
    path.touch()
    os.truncate(path, MAX_BYTES + 1)
    with pytest.raises(BadYaml, match="CSV files"):
        read_yaml(str(path))
