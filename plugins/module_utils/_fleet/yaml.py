# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""YAML with line numbers: every value knows its line, and values that YAML would silently change are reported."""

from __future__ import annotations

import codecs
import dataclasses
import os
import re
import traceback
import typing as t

from .._devices.ids import show
from .._errors import LicensingError
from .._text.visible import visible

try:
    import yaml
except ImportError:
    YAML_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    YAML_IMPORT_ERROR = None

MAX_BYTES = 16 * 1024 * 1024
"""Larger files are refused before they are read. Put long lists of devices into CSV files."""

MAX_NODES = 1_000_000
"""A file of that size cannot contain more values without aliases that multiply them."""

MAX_DEPTH = 20
"""A fleet file has eight levels. Too many of them crash PyYAML or exceed its own limit, depending on its build."""

YamlKind = t.Literal["text", "whole", "bool", "null", "other", "list", "dict"]

_KINDS: dict[str, YamlKind] = {
    "tag:yaml.org,2002:str": "text",
    "tag:yaml.org,2002:int": "whole",
    "tag:yaml.org,2002:bool": "bool",
    "tag:yaml.org,2002:null": "null",
    "tag:yaml.org,2002:seq": "list",
    "tag:yaml.org,2002:map": "dict",
    # What YAML may take an unquoted text for.
    "tag:yaml.org,2002:float": "other",
    "tag:yaml.org,2002:timestamp": "other",
    "tag:yaml.org,2002:merge": "other",
    "tag:yaml.org,2002:value": "other",
}

_BOOLS = frozenset({"true", "false", "yes", "no", "on", "off"})

_ASIDE = re.compile(r"""("(?:[^"\\]|\\.)*(?:"|\\?\Z)|'[^']*(?:'|\Z)|#[^\n]*)""", re.DOTALL)
"""Quoted texts, including unclosed ones, and comments."""

_WORDS = {"list": "a list", "dict": "a mapping", "text": "a text", "whole": "a number", "bool": "true or false"}


@dataclasses.dataclass(frozen=True)
class Value:
    """A value of a fleet file.

    :param text: as written in the file, for a scalar.
    :param items: the entries of a list.
    :param fields: the fields of a mapping, by name.
    """

    kind: YamlKind
    line: int
    text: str = ""
    items: tuple[Value, ...] = ()
    fields: t.Mapping[str, Value] = dataclasses.field(default_factory=dict)

    @property
    def said(self) -> str:
        """The kind of the value, in words."""
        if self.kind == "null":
            return "nothing"
        return _WORDS.get(self.kind, f"'{show(self.text)}'")


class BadYaml(LicensingError):
    """A file that cannot be read, with its line if there is one."""

    def __init__(self, path: str, why: str, line: int | None = None) -> None:
        where = path if line is None else f"{path}, line {line}"
        super().__init__(f"{where}: {printable(why)}.", code="fleet_file_invalid")


def printable(text: str) -> str:
    """A text for messages, without characters that could manipulate a terminal."""
    return visible(text)


def read_yaml(path: str) -> Value:
    """The one document of a file.

    :raises BadYaml: there is none, it is not YAML, or it is YAML that a fleet file must not contain.
    """
    content = _content(path)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse_depth(path, content, loader)
        documents = list(yaml.compose_all(content, Loader=loader))
    except yaml.MarkedYAMLError as error:
        raise _unreadable(path, content, error) from None
    except (yaml.YAMLError, UnicodeError):
        raise BadYaml(path, "it is not UTF-8 text, or holds control characters") from None
    documents = [document for document in documents if document is not None]
    if not documents:
        raise BadYaml(path, "it is empty; a fleet file names at least one account")
    if len(documents) > 1:
        line = documents[1].start_mark.line + 1
        raise BadYaml(path, "it holds several documents ('---'). Put several accounts under 'accounts'", line)
    return _Converter(path).convert(documents[0])


def _refuse_depth(path: str, content: bytes, loader: t.Any) -> None:
    """Check the depth, because composing uses the process's stack for the levels, however many there are."""
    depth = seen = 0
    try:
        for event in yaml.parse(content, Loader=loader):
            seen = event.end_mark.index if event.end_mark else seen
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    raise _too_deep(path, event.start_mark)
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    except yaml.MarkedYAMLError as error:
        # PyYAML reads ahead of its events and may reach its own limit there. Ours is lower and has a clear message.
        mark = error.problem_mark
        if mark is not None and depth + _opened(_text(content)[seen : mark.index]) > MAX_DEPTH:
            raise _too_deep(path, mark) from None
        raise


def _too_deep(path: str, mark: t.Any) -> BadYaml:
    return BadYaml(path, f"it is nested more than {MAX_DEPTH} levels deep", mark.line + 1)


def _opened(text: str) -> int:
    """The levels that brackets open in a text, except in quotes and comments."""
    depth = most = 0
    for bracket in re.findall(r"[\[\]{}]", _ASIDE.sub(" ", text)):
        depth += 1 if bracket in "[{" else -1
        most = max(most, depth)
    return most


def _text(content: bytes) -> str:
    """A file in the form in which PyYAML counts positions."""
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if utf16 else "utf-8-sig", "replace")


def _from(path: str) -> str:
    """Where a relative path starts."""
    return "" if os.path.isabs(path) else f" in {os.getcwd()}"


def _content(path: str) -> bytes:
    try:
        if not os.path.isfile(path):
            raise BadYaml(
                path,
                "it is not a file"
                if os.path.exists(path)
                else f"it does not exist{_from(path)}. Correct the path of the fleet files",
            )
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
    """Report PyYAML's complaint, in our own words for common mistakes."""
    mark = error.problem_mark or error.context_mark
    why = str(error.problem or error.context or "it is not YAML").rstrip(".")
    lines = content.split(b"\n")
    if mark is not None and mark.line < len(lines) and lines[mark.line].lstrip(b" ").startswith(b"\t"):
        why = "a tab at the beginning of the line, where YAML takes spaces only"
    elif mark and isinstance(error, yaml.composer.ComposerError) and _text(content)[mark.index : mark.index + 1] == "*":
        why = "an alias (*) that nothing before it defines"
    return BadYaml(path, why, None if mark is None else mark.line + 1)


class _Converter:
    """Makes values from nodes. Refuses circles, floods of aliases, tags, and repeated keys."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._above: set[int] = set()
        self._made: dict[int, tuple[Value, int]] = {}
        self._count = 0

    def convert(self, node: t.Any) -> Value:
        """The value of a node. A node with several aliases is converted once, but each alias counts."""
        if isinstance(node, yaml.ScalarNode):
            self._add(1, node)
            return Value(self._scalar_kind(node), node.start_mark.line + 1, node.value)
        known = self._made.get(id(node))
        if known is not None:
            self._add(known[1], node)
            return known[0]
        if id(node) in self._above:
            line = node.start_mark.line + 1
            raise BadYaml(self._path, "it contains itself: an alias (*) inside the value that it refers to", line)
        before = self._count
        self._add(1, node)
        self._above.add(id(node))
        made = self._collection(node)
        self._above.discard(id(node))
        self._made[id(node)] = made, self._count - before
        return made

    def _add(self, count: int, node: t.Any) -> None:
        self._count += count
        if self._count > MAX_NODES:
            why = f"with what its aliases repeat it holds more than {MAX_NODES} values"
            raise BadYaml(self._path, why, node.start_mark.line + 1)

    def _known_tag(self, node: t.Any) -> YamlKind:
        kind = _KINDS.get(node.tag)
        if kind is None:
            raise BadYaml(self._path, f"the tag {node.tag[:60]} is not known here", node.start_mark.line + 1)
        return kind

    def _scalar_kind(self, node: t.Any) -> YamlKind:
        kind = self._known_tag(node)
        if kind in ("list", "dict") or (kind == "bool" and node.value.lower() not in _BOOLS):
            return "other"
        return kind

    def _collection(self, node: t.Any) -> Value:
        self._known_tag(node)
        line = node.start_mark.line + 1
        if isinstance(node, yaml.SequenceNode):
            return Value("list", line, items=tuple(map(self.convert, node.value)))
        return Value("dict", line, fields=self._fields(node))

    def _fields(self, node: t.Any) -> dict[str, Value]:
        fields: dict[str, Value] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise BadYaml(self._path, "a key must be a plain word", line)
            if key.value == "<<":
                raise BadYaml(self._path, "merge keys (<<) are not supported; repeat the fields", line)
            if key.value in lines:
                why = f"'{show(key.value)}' is here twice, first in line {lines[key.value]}"
                raise BadYaml(self._path, why, line)
            lines[key.value] = line
            fields[key.value] = self.convert(value)
        return fields
