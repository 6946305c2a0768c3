# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Whether the body of a refusal is known to be complete. C(body.py) has checked what its headers say about its length.

A proxy may cut an answer and then state the length of what is left. So JSON must parse, XML must be well-formed, and a
page must end with its own end. Text has no form, so it and an empty body need headers that say where they end.
"""

from __future__ import annotations

import codecs
import re
import typing as t
from xml.parsers import expat

from .fault import MAX_ERROR
from .response import Response

_FRAMED = frozenset({"content-length", "transfer-encoding"})
"""Without one of these headers, a body ends with the connection, even if that breaks."""

_STRUCTURE = re.compile(rb"[{\[<]")
"""With one of these, text hides JSON or markup behind something else."""

_HIDING = re.compile(r"<(?:!--|(script|style|title|textarea)\b)")
"""Where a page hides what looks like a tag and is none."""


def is_whole_body(response: Response) -> bool:
    """Whether a body is complete. JSON and markup that are larger than C(MAX_ERROR) are not looked at."""
    body = response.body.strip().removeprefix(codecs.BOM_UTF8).strip()
    if isinstance(response.value, (dict, list, str)):
        return True
    if body.startswith(b"<"):
        return len(body) <= MAX_ERROR and (_is_xml(body) or _is_page(body))
    if body.startswith(b'"') or _STRUCTURE.search(body):
        return False
    return not response.headers.keys().isdisjoint(_FRAMED)


def _is_xml(body: bytes) -> bool:
    """Whether this is well-formed XML without a document type."""
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError):
        return False
    return True


def _refuse(*_declaration: t.Any) -> None:
    raise ValueError


def _is_page(body: bytes) -> bool:
    """Whether HTML ends with the end of its root. Its other elements need no ends."""
    shown = _without_hidden(body.decode("utf-8", "replace").lower())
    if shown is None or not shown.rstrip().endswith("</html>"):
        return False
    return shown.count("</html>") == len(re.findall(r"<html(?![\w:.-])", shown))


def _without_hidden(text: str) -> str | None:
    """HTML in lower case without comments and elements that hold only text; None if one of them does not end."""
    shown, at = [], 0
    while hiding := _HIDING.search(text, at):
        shown.append(text[at : hiding.start()])
        end = f"</{hiding[1]}" if hiding[1] else "-->"
        at = text.find(end, hiding.end())
        if at < 0:
            return None
        at += len(end)
    return "".join([*shown, text[at:]])
