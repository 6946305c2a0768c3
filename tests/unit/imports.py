# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files of a package import which, read from their source, and which of these imports its rooms forbid."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path


@dataclass(frozen=True)
class Room:
    """A folder or a single file at the top of a package, and what it may import.

    ``rule`` says why in one sentence, ``may`` names rooms, and ``never`` names modules outside the package.
    """

    rule: str
    may: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


@dataclass(frozen=True)
class Import:
    """One import: the file and the line, and the file that is imported or the name of a module outside."""

    file: str
    line: int
    target: str
    outside: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.target}"


@dataclass(frozen=True)
class Tree:
    """A package by its folder and its dotted name, and the table of its rooms.

    ``rule`` says in one sentence what the whole package must not import: the modules in ``never``, and everything
    but Python's standard library if ``standard_library_only``.
    """

    folder: Path
    package: str
    rule: str
    rooms: Mapping[str, Room]
    never: tuple[str, ...] = ()
    standard_library_only: bool = False
    files: list[str] = field(init=False)

    def __post_init__(self) -> None:
        found = sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*.py"))
        object.__setattr__(self, "files", found)

    @property
    def has_rooms(self) -> bool:
        """Say whether any of the folders in the table is there."""
        return any((self.folder / room).is_dir() for room in self.rooms)

    @cached_property
    def imports(self) -> list[Import]:
        """Return every import, also those inside functions and those for type checkers only."""
        return [one for file in self.files for one in self._read(file)]

    def _read(self, file: str) -> Iterator[Import]:
        """Yield the imports of one file."""
        around = [*self.package.split("."), *file.split("/")[:-1]]
        for node in ast.walk(ast.parse((self.folder / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                start = around[: len(around) - node.level + 1] if node.level else []
                base = ".".join([*start, *([node.module] if node.module else [])])
                # A name may be a module of its own: ``from . import wire``.
                names = [f"{base}.{alias.name}" for alias in node.names]
            else:
                continue
            for name in names:
                yield self._import(file, node.lineno, name)

    def _import(self, file: str, line: int, name: str) -> Import:
        """Return the import of a name: the file of this package that has it, or the name itself."""
        prefix = f"{self.package}."
        if not f"{name}.".startswith(prefix):
            return Import(file, line, name, True)
        place = "/".join(name.removeprefix(prefix).split("."))
        for path in (place, place.rpartition("/")[0]):
            for found in (f"{path}.py", f"{path}/__init__.py".lstrip("/")):
                if found in self.files:
                    return Import(file, line, found, False)
        return Import(file, line, place, False)


def room_of(file: str) -> str:
    """Return the folder at the top that a file is in, or the file itself."""
    return file.partition("/")[0]


def strangers(tree: Tree) -> list[str]:
    """Return the files and folders that the table does not name, and the names that are not there."""
    found = {room_of(file) for file in tree.files}
    return sorted(found.symmetric_difference(tree.rooms))


def forbidden(tree: Tree) -> list[str]:
    """Return each import that breaks a rule, with the text of that rule."""
    return [f"{rule}: {one}" for one in tree.imports if (rule := _broken_rule(tree, one))]


def _broken_rule(tree: Tree, one: Import) -> str:
    """Return the rule that an import breaks, or nothing."""
    room = tree.rooms.get(room_of(one.file))
    if room is None:  # one of the strangers
        return ""
    if not one.outside:
        target = room_of(one.target)
        return "" if target == room_of(one.file) or target in room.may else room.rule
    if _is_among(one.target, room.never):
        return room.rule
    is_foreign = tree.standard_library_only and one.target.partition(".")[0] not in sys.stdlib_module_names
    return tree.rule if is_foreign or _is_among(one.target, tree.never) else ""


def _is_among(name: str, modules: tuple[str, ...]) -> bool:
    """Say whether a name is one of some modules or in one of them."""
    return any(f"{name}.".startswith(f"{module}.") for module in modules)


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Return a circle in a graph of imports, its first entry repeated at the end; nothing if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def file_graph(tree: Tree) -> dict[str, set[str]]:
    """Return which files each file imports."""
    graph: dict[str, set[str]] = {file: set() for file in tree.files}
    for one in tree.imports:
        if not one.outside:
            graph[one.file].add(one.target)
    return graph
