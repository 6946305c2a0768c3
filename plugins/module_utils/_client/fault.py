# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.


"""Reads the bodies of answers: JSON, and the four families of error bodies.

The families are {errorCode, errorMessage}; {"fault": {...}} of the gateway; {error, error_description} of OAuth; and
XML or HTML. This module does not decide what an answer means for the request.
"""

from __future__ import annotations

import json
import re
import typing as t

from .._text.once import once

TOKEN_REFUSED = ("900901", "900902", "900903")
"""The gateway's codes for an access token that is not valid."""

NO_RESOURCE = "900906"
"""The gateway's code for a path that it does not know."""


class Fault(t.NamedTuple):
    """The content of an error body. A string is empty if the body does not give it.

    :param code: errorCode, the gateway's fault code, or the OAuth error.
    :param gateway: whether the gateway answered and not the service behind it.
    """

    code: str
    message: str
    gateway: bool = False

    @property
    def text(self) -> str:
        """Code and message for people."""
        return ": ".join(part for part in (self.code, self.message) if part) or "no explanation was given"


Mask = t.Callable[[str], str]

_MAX_TEXT = 300
_SEARCHED = 6000
_MARKUP = 20_000

_LONGEST_SECRET = 4000
"""Characters left out before a cut. The cut may divide a secret, which would then not be found."""

MAX_ERROR = 1024 * 1024
"""Size in bytes of the largest error body that is read as JSON."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(body: bytes) -> t.Any:
    """The JSON value of a body, or None if it is not JSON (or not UTF-8).

    An object that has a name twice contradicts itself, and counts as no JSON. Half a surrogate pair becomes the
    replacement character, because no file, database, or terminal accepts it.
    """
    try:
        text = body.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError):
        return None
    return _without_surrogates(value) if _SURROGATE.search(text) else value


def parse_fault(body: bytes, mask: Mask = str) -> Fault:
    """Read an error body of any family. Never raises.

    :param mask: removes secrets from a text.
    """
    value = parse_json(body) if len(body) <= MAX_ERROR else None
    if isinstance(value, dict):
        inner = value.get("fault")
        if isinstance(inner, dict):
            message = _join(mask, inner.get("message"), inner.get("description"))
            return Fault(one_line(inner.get("code"), mask), message, gateway=True)
        if "error" in value:
            message = _join(mask, value.get("error_description"), value.get("cause"))
            return Fault(one_line(value["error"], mask), message)
        return Fault(one_line(value.get("errorCode"), mask), one_line(value.get("errorMessage"), mask))
    return _parse_markup(body, mask)


def _parse_markup(body: bytes, mask: Mask) -> Fault:
    text = body[:_MARKUP].decode("utf-8", "replace")
    # No two parts of a pattern may match the same blanks. Otherwise the time grows with the cube of their number.
    code = re.search(r"<(?:\w+:)?code>([^<]*)<", text)
    gateway = re.search(r"<(?:\w+:)?fault\b", text)
    parts = re.findall(r"<(?:\w+:)?(?:message|description|title|h1)\b[^<>]*>([^<]*)<", text)
    if code or parts:
        message = one_line(". ".join(dict.fromkeys(filter(None, map(str.strip, parts)))), mask)
        return Fault(one_line(code.group(1) if code else "", mask), message, bool(gateway))
    clean = mask(text) if len(body) <= _MARKUP else mask(text)[:-_LONGEST_SECRET]
    return Fault("", one_line(re.sub(r"<[^<>]*>", " ", clean), mask))


def _join(mask: Mask, *values: t.Any) -> str:
    return one_line(". ".join(str(value).strip().rstrip(".") for value in values if value), mask)


def one_line(value: t.Any, mask: Mask = str) -> str:
    """One printable line of limited length.

    :param mask: removes secrets. It runs before cleaning and cutting, which would make secrets unrecognizable.
    """
    if value is None:
        return ""
    text = str(value)
    # Text far behind the cut is not searched, because that takes time and nobody sees it.
    clean = _clean(mask(text) if len(text) <= _SEARCHED else mask(text[:_SEARCHED])[:-_LONGEST_SECRET])
    return clean if len(clean) <= _MAX_TEXT else clean[: _MAX_TEXT - 3] + "..."


def _clean(text: str) -> str:
    if text.isprintable():
        return " ".join(text.split())
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _without_surrogates(value: t.Any) -> t.Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(part) for part in value]
    if isinstance(value, dict):
        return {_without_surrogates(name): _without_surrogates(part) for name, part in value.items()}
    return value
