# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""YAML with a memory: every value knows its line, and nothing that YAML would silently change goes unnoticed."""

from __future__ import annotations

import dataclasses
import os
import traceback
import typing as t

from ._errors import LicensingError

try:
    import yaml
except ImportError:
    YAML_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    YAML_IMPORT_ERROR = None

MAX_BYTES = 64 * 1024 * 1024
"""Larger files are refused before they are read; long lists of devices belong into CSV files."""

MAX_NODES = 5_000_000
"""More values than a file of that size can spell out: aliases have multiplied them."""

Kind = t.Literal["text", "whole", "bool", "null", "other", "list", "dict"]

_KINDS: dict[str, Kind] = {
    "tag:yaml.org,2002:str": "text",
    "tag:yaml.org,2002:int": "whole",
    "tag:yaml.org,2002:bool": "bool",
    "tag:yaml.org,2002:null": "null",
    "tag:yaml.org,2002:seq": "list",
    "tag:yaml.org,2002:map": "dict",
}

_WORDS = {"list": "a list", "dict": "a mapping", "text": "a text", "whole": "a number", "bool": "true or false"}


@dataclasses.dataclass(frozen=True)
class Value:
    """A value of a fleet file.

    :param text: as it stands in the file, for a scalar.
    :param items: the entries of a list.
    :param fields: the fields of a mapping, by name.
    """

    kind: Kind
    line: int
    text: str = ""
    items: tuple[Value, ...] = ()
    fields: t.Mapping[str, Value] = dataclasses.field(default_factory=dict)

    @property
    def said(self) -> str:
        """What it is, in words."""
        if self.kind == "null":
            return "nothing"
        return _WORDS.get(self.kind, f"'{self.text[:40]}'")


class BadYaml(LicensingError):
    """A file that cannot be read, with its line where there is one."""

    def __init__(self, path: str, why: str, line: int | None = None) -> None:
        where = path if line is None else f"{path}, line {line}"
        super().__init__(f"{where}: {why}.", code="fleet_file_invalid")


def read_yaml(path: str) -> Value:
    """The one document of a file.

    :raises BadYaml: there is none, it is no YAML, or no YAML that a fleet file may hold.
    """
    content = _content(path)
    try:
        documents = list(yaml.compose_all(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except yaml.MarkedYAMLError as error:
        raise _unreadable(path, content, error) from None
    except (yaml.YAMLError, UnicodeError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else "it is not UTF-8 text"
        raise BadYaml(path, why) from None
    documents = [document for document in documents if document is not None]
    if not documents:
        raise BadYaml(path, "it is empty; a fleet file names at least one account")
    if len(documents) > 1:
        line = documents[1].start_mark.line + 1
        raise BadYaml(path, "it holds several documents ('---'). Put several accounts under 'accounts'", line)
    return _Converter(path).convert(documents[0])


def _content(path: str) -> bytes:
    try:
        if not os.path.isfile(path):
            raise BadYaml(path, "it is not a file" if os.path.exists(path) else "it does not exist")
        size = os.stat(path).st_size
        if size > MAX_BYTES:
            raise BadYaml(
                path,
                f"it has {size >> 20} MiB, more than the {MAX_BYTES >> 20} MiB allowed. Put the devices into CSV files",
            )
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise BadYaml(path, error.strerror or "it cannot be read") from None


def _unreadable(path: str, content: bytes, error: t.Any) -> BadYaml:
    """Say what YAML dislikes, in words of ours where it is a habit of many."""
    mark = error.problem_mark or error.context_mark
    why = str(error.problem or error.context or "it is not YAML").rstrip(".")
    lines = content.split(b"\n")
    if mark is not None and mark.line < len(lines) and lines[mark.line].lstrip(b" ").startswith(b"\t"):
        why = "a tab at the beginning of the line, where YAML takes spaces only"
    elif "undefined alias" in why:
        why = "an alias (*) that nothing before it defines"
    return BadYaml(path, why, None if mark is None else mark.line + 1)


class _Converter:
    """Makes values from nodes; refuses circles, floods of aliases, tags and repeated keys."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._above: set[int] = set()
        self._count = 0

    def convert(self, node: t.Any) -> Value:
        """The value of a node."""
        line = node.start_mark.line + 1
        self._count += 1
        if self._count > MAX_NODES:
            raise BadYaml(self._path, "its aliases multiply it beyond measure", line)
        kind = _KINDS.get(node.tag, "other")
        if kind == "other" and not node.tag.startswith("tag:yaml.org,2002:"):
            raise BadYaml(self._path, f"the tag {node.tag} is not known here", line)
        if isinstance(node, yaml.ScalarNode):
            return Value(kind, line, node.value)
        if id(node) in self._above:
            raise BadYaml(self._path, "it contains itself: an alias (*) inside of what it stands for", line)
        self._above.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return Value("list", line, items=tuple(map(self.convert, node.value)))
            return Value("dict", line, fields=self._fields(node))
        finally:
            self._above.discard(id(node))

    def _fields(self, node: t.Any) -> dict[str, Value]:
        fields: dict[str, Value] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise BadYaml(self._path, "a key must be a plain word", line)
            if key.value == "<<":
                raise BadYaml(self._path, "merge keys (<<) are not supported; repeat the fields", line)
            if key.value in fields:
                raise BadYaml(
                    self._path, f"'{key.value}' stands here twice, first in line {fields[key.value].line}", line
                )
            fields[key.value] = self.convert(value)
        return fields
