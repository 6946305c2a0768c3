# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Decodes a text in every possible way, so that a secret is found in any encoding, even if encoded repeatedly."""

from __future__ import annotations

import base64
import html
import re
import typing as t
import urllib.parse

MOST = 2_000_000
"""The most characters that are decoded for one text."""

_ESCAPE = re.compile(r"\\(?:u\{?([0-9a-fA-F]{2,6})\}?|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{5,}")
_BASE32 = re.compile(r"[A-Z2-7]{7,}")
_HEX = re.compile(r"[0-9a-fA-F]{8,}")
_NUMBERED = re.compile(r"((?:=[0-9a-fA-F]{2})+)|((?:\\[0-3][0-7]{2})+)|((?:%u[0-9a-fA-F]{4})+)|=\r?\n")
"""Characters as numbers: quoted-printable, octal as in C, and as in JavaScript's C(escape)."""

_BYTE = r"(?:0[xX])?[0-9a-fA-F]{2}"
_APART = re.compile(rf"(?<![0-9A-Za-z]){_BYTE}(?:[^0-9A-Za-z]{{1,3}}{_BYTE}){{3,}}(?![0-9A-Za-z])")
"""Bytes in hexadecimal form with something between them."""

_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b\ufeff]+")
_SPACE_IN_LINES = re.compile(r"(?:(?!\n)[\s\x00-\x1f\x7f-\x9f\u200b\ufeff])+")
"""The same, but not line breaks, by which quoted-printable divides what it encodes."""

_SAFE_TO_URL = str.maketrans("-_", "+/")


class TooMuch(Exception):
    """A text decodes to more than can be searched."""


def decodings(text: str) -> t.Iterator[str]:
    """The text, and everything that it decodes to in any combination of encodings, each once.

    :raises TooMuch: that is more than C(MOST) characters.
    """
    seen = {text}
    pending = [text]
    left = MOST
    while pending:
        layer = pending.pop()
        left -= len(layer)
        if left < 0:
            raise TooMuch
        yield layer
        for decode in _DECODERS:
            found = decode(layer)
            if found and found not in seen:
                seen.add(found)
                pending.append(found)


def compact(text: str) -> str:
    """Without white space and control characters, which encodings add (line breaks in base64, zeros in UTF-16)."""
    return _SPACE.sub("", text)


def _unescaped(text: str) -> str:
    """Without the escapes of JSON and Python strings."""
    if "\\" not in text:
        return ""
    plain = _ESCAPE.sub(_character, text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(match: re.Match[str]) -> str:
    number = match[1] or match[2]
    if number:
        return chr(int(number, 16)) if int(number, 16) < 0x110000 else ""
    return _LETTERS.get(match[3], match[3])


def _from_base64(text: str) -> str:
    """The decoded base64 parts of a text, whatever surrounds them, even if line breaks divide them."""
    parts = []
    for run in _BASE64.findall(compact(text).replace("=", " ")):
        plain = run.translate(_SAFE_TO_URL)
        for offset in range(4):
            part = plain[offset:]
            part = part[: len(part) - (len(part) % 4 == 1)]
            parts.append(base64.b64decode(part + "=" * (-len(part) % 4)))
    return _readable(parts)


def _from_base32(text: str) -> str:
    parts = []
    for run in _BASE32.findall(compact(text)):
        for offset in range(8):
            part = run[offset:]
            part = part[: len(part) - len(part) % 8 + (0, 0, 2, 2, 4, 5, 5, 7)[len(part) % 8]]
            parts.append(base64.b32decode(part + "=" * (-len(part) % 8)))
    return _readable(parts)


def _from_hex(text: str) -> str:
    runs = [run[offset:] for run in _HEX.findall(compact(text)) for offset in range(2)]
    return _readable([bytes.fromhex(run[: len(run) // 2 * 2]) for run in runs])


def _from_numbers(text: str) -> str:
    """Without characters as numbers between others."""
    plain = _NUMBERED.sub(_numbered, text)
    return "" if plain == text else plain


def _numbered(match: re.Match[str]) -> str:
    if match[1]:
        return bytes.fromhex(match[1].replace("=", "")).decode("utf-8", "replace")
    if match[2]:
        return bytes(int(number, 8) for number in match[2].split("\\")[1:]).decode("utf-8", "replace")
    return bytes.fromhex((match[3] or "").replace("%u", "")).decode("utf-16-be", "replace")


def _from_bytes_apart(text: str) -> str:
    found = [re.sub(r"0[xX]|[^0-9a-fA-F]", "", run) for run in _APART.findall(text)]
    return _readable([bytes.fromhex(run) for run in found]) if found else ""


def _readable(parts: list[bytes]) -> str:
    """The decoded values that can be text. Most values that were decoded by guessing are not text."""
    text = _SPACE_IN_LINES.sub("", b"\xff".join(parts).decode("utf-8", "replace"))
    return "\ufffd".join(_STRETCH.findall(text))


_STRETCH = re.compile("[^\ufffd]{4,}")
_DECODERS = (
    urllib.parse.unquote,
    urllib.parse.unquote_plus,
    html.unescape,
    _unescaped,
    _from_numbers,
    _from_base64,
    _from_base32,
    _from_hex,
    _from_bytes_apart,
)
