# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports between the rooms of a package run one way, as the table in ``rooms.py`` says, and never in a circle."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.unit.imports import (
    Room,
    Tree,
    circle,
    file_graph,
    forbidden,
    room_of,
    strangers,
)
from ansible_collections.thingspace.licensing.tests.unit.rooms import MODULE_UTILS, TREES

PACKAGE = "ansible_collections.some.where.house"


@pytest.fixture(name="tree", params=TREES, ids=lambda tree: tree.folder.name)
def fixture_tree(request: pytest.FixtureRequest) -> Tree:
    """A real package."""
    tree: Tree = request.param
    if not tree.has_rooms:
        pytest.skip(f"{tree.folder.name} has no rooms yet")
    return tree


def test_the_table_names_every_room_and_no_other(tree: Tree) -> None:
    assert strangers(tree) == []


def test_no_import_breaks_a_rule(tree: Tree) -> None:
    found = forbidden(tree)
    assert not found, "\n".join(found)


def test_no_files_import_each_other_in_a_circle(tree: Tree) -> None:
    found = circle(file_graph(tree))
    assert not found, " imports ".join(found)


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.folder.name)
def test_the_table_itself_runs_one_way(tree: Tree) -> None:
    assert {name for room in tree.rooms.values() for name in room.may} <= tree.rooms.keys()
    assert circle({name: set(room.may) for name, room in tree.rooms.items()}) == []


def test_only_the_receiver_imports_aiohttp() -> None:
    users = {one.file for one in MODULE_UTILS.imports if one.target.partition(".")[0] == "aiohttp"}
    assert {room_of(file) for file in users} == {"_receiver"}


def build(folder: Path, **files: str) -> Tree:
    """Build a house with a roof that stands on a cellar; two underscores in a name are a slash."""
    sources = {"__init__.py": "", "cellar/__init__.py": "", "roof/__init__.py": "", "cellar/wine.py": "", "nail.py": ""}
    sources |= {f"{name.replace('__', '/')}.py": text for name, text in files.items()}
    for name, text in sources.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    rooms = {
        "__init__.py": Room("nobody lives here"),
        "cellar": Room("the cellar knows no roof", never=("http",)),
        "nail.py": Room("a nail knows nothing"),
        "roof": Room("the roof stands on the cellar alone", ("cellar",)),
    }
    outside = "the house stands alone"
    return Tree(folder, PACKAGE, outside, rooms, never=("ansible_collections.some",), standard_library_only=True)


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("from ..roof import tile", "roof/tile.py"),
        ("from ..roof.tile import RED", "roof/tile.py"),
        ("from .. import roof", "roof/__init__.py"),
        ("from ..roof import *", "roof/__init__.py"),
        ("from ..nail import HEAD", "nail.py"),
        ("from .. import nail", "nail.py"),
        (f"from {PACKAGE} import nail", "nail.py"),
        (f"from {PACKAGE}.roof.tile import RED", "roof/tile.py"),
        (f"import {PACKAGE}.roof.tile as tiles", "roof/tile.py"),
        ("import http.client", "http.client"),
        ("from http import server", "http.server"),
    ],
)
@pytest.mark.parametrize("around", ["{}", "def late():\n    {}", "if TYPE_CHECKING:\n    {}"])
def test_a_forbidden_import_is_found(tmp_path: Path, line: str, target: str, around: str) -> None:
    tree = build(tmp_path, roof__tile="RED = 1", cellar__shelf=around.format(line))
    number = around.count("\n") + 1
    assert forbidden(tree) == [f"the cellar knows no roof: cellar/shelf.py:{number} imports {target}"]


@pytest.mark.parametrize(
    "line", ["import requests", "from ...other import thing", "import ansible_collections.some.other"]
)
def test_a_forbidden_import_of_something_outside_is_found(tmp_path: Path, line: str) -> None:
    found = forbidden(build(tmp_path, cellar__shelf=line))
    assert len(found) == 1
    assert found[0].startswith("the house stands alone: cellar/shelf.py:1 imports ")


@pytest.mark.parametrize(
    "line",
    [
        "from ..cellar import wine",
        "from ..cellar.wine import RED",
        "from . import tile",
        "from .tile import RED",
        f"from {PACKAGE}.cellar import wine",
        "import http.client, json",
        "from __future__ import annotations",
    ],
)
def test_an_allowed_import_is_let_through(tmp_path: Path, line: str) -> None:
    assert forbidden(build(tmp_path, roof__tile="", roof__ridge=line)) == []


def test_a_circle_is_found_even_inside_a_room(tmp_path: Path) -> None:
    files = {"roof__a": "from .b import B", "roof__b": "def late():\n    from . import c", "roof__c": "from . import a"}
    found = circle(file_graph(build(tmp_path, **files)))
    assert set(found) == {"roof/a.py", "roof/b.py", "roof/c.py"}
    following = dict(pairwise(found))
    assert following == {"roof/a.py": "roof/b.py", "roof/b.py": "roof/c.py", "roof/c.py": "roof/a.py"}


def test_no_circle_is_found_where_there_is_none(tmp_path: Path) -> None:
    files = {"roof__a": "from . import b, c", "roof__b": "from . import c", "roof__c": "from ..cellar import wine"}
    assert circle(file_graph(build(tmp_path, **files))) == []


def test_a_file_of_no_room_is_found_and_a_room_that_is_gone(tmp_path: Path) -> None:
    tree = build(tmp_path, attic="")
    (tmp_path / "nail.py").unlink()
    assert strangers(Tree(tmp_path, PACKAGE, "", tree.rooms)) == ["attic.py", "nail.py"]
