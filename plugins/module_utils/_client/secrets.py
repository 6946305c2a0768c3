# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Which strings must never be shown, in every form in which they could be printed.

The server may repeat a secret in an unexpected encoding. So known spellings are masked in place. Then the text is
decoded in every way, and left out entirely if a secret appears in it.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
import typing as t
import unicodedata
import urllib.parse

from .decoded import TooMuch, compact, decodings

MASK = "********"
WITHHELD = "(a text that may hold a secret was left out)"

LONGEST = 100_000
"""The longest text that is searched, in characters. Longer texts are left out."""

MOST_SECONDS = 5.0
"""Seconds per task for searching texts. Texts after that are left out."""

SHORTEST = 4
"""The shortest secret, in characters, that is searched for in decoded text. Shorter ones would match everywhere by
chance. They are masked only where they appear literally.
"""

_SHORTEST_COMPACT = 8
"""The same for text without white space, where words run together."""

_ORDINARY = 100_000
"""Characters per second. Most texts are searched several times faster."""

_KEPT = 200
"""Texts up to this many characters keep their masked form, because many devices have the same reason."""

_KEEP = 1000

_NAMED = re.compile(r'("\w*password"\s*:\s*")(?!\*{8})(?:[^"\\]|\\.)+', re.IGNORECASE)
"""The value of a JSON field that holds a password, even if the text ends within it."""


def spellings(secret: str) -> set[str]:
    """A secret in plain form, percent-encoded, escaped as in JSON and Python strings, and in base64."""
    if not secret:
        return set()
    raw = secret.encode("utf-8", "surrogatepass")
    forms = {
        secret,
        urllib.parse.quote(raw, safe=""),
        urllib.parse.quote(raw),
        urllib.parse.quote_plus(raw),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
    }
    return {form for form in forms | {form.rstrip("=") for form in forms} if form}


class SecretRegister:
    """Passes every spelling of each secret to C(add), usually C(module.no_log_values.add)."""

    def __init__(self, add: t.Callable[[str], None]) -> None:
        self._add = add
        self._forms: tuple[str, ...] = ()
        self._secrets: frozenset[str] = frozenset()
        self._dense: frozenset[str] = frozenset()
        self._lock = threading.Lock()
        self._letters: frozenset[str] = frozenset()
        self._masked: dict[str, str] = {}
        self._spent = 0.0

    def remember(self, *secrets: str | None) -> None:
        """Mask these secrets wherever they appear."""
        new = {form for secret in secrets for form in spellings(secret or "")}
        for form in new:
            self._add(form)
        with self._lock:
            self._forms = tuple(sorted({*self._forms, *new}, key=len, reverse=True))
            self._secrets |= {secret for secret in secrets if secret and len(secret) >= SHORTEST}
            self._dense = frozenset(filter(_is_telling, map(compact, self._secrets)))
            self._letters = frozenset(filter(_is_no_word, map(_letters, self._secrets)))
            self._masked = {}

    def mask(self, text: str) -> str:
        """The text without secrets. Call this before text is cut or cleaned, which would make secrets unrecognizable.

        :returns: C(WITHHELD) if the text contains a secret in any encoding, or is too long to check.
        """
        kept = self._masked
        if text not in kept:
            clean = self._searched(text)
            if len(text) > _KEPT or len(kept) >= _KEEP:
                return clean
            kept[text] = clean
        return kept[text]

    def mask_listed(self, text: str) -> str:
        """As C(mask), for the texts of a list, which grows with the account and must not be left out.

        Only what it costs beyond ordinary text counts toward C(MOST_SECONDS).
        """
        return self._searched(text, free=len(text) / _ORDINARY)

    def _searched(self, text: str, free: float = 0.0) -> str:
        if len(text) > LONGEST or self._spent > MOST_SECONDS:
            return WITHHELD
        began = time.thread_time()
        try:
            return self._without_secrets(text)
        finally:
            self._spent += max(0.0, time.thread_time() - began - free)

    def _without_secrets(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, MASK)
        # An error may quote its subject, including passwords that have not been registered yet.
        text = _NAMED.sub(rf"\g<1>{MASK}", text)
        try:
            return WITHHELD if any(map(self._gives_away, decodings(text))) else text
        except TooMuch:
            return WITHHELD

    def _gives_away(self, layer: str) -> bool:
        if any(secret in layer for secret in self._secrets) or _NAMED.search(layer):
            return True
        dense = compact(layer)
        if any(secret in dense for secret in self._dense):
            return True
        letters = _letters(layer)
        return any(secret in letters for secret in self._letters)


def _letters(text: str) -> str:
    """Only letters and digits, in one case and width, without accents. What is between them does not hide a secret."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text).casefold()))


def _is_no_word(letters: str) -> bool:
    """Whether it would not appear in ordinary text by chance."""
    return _is_telling(letters) and not letters.isalpha()


def _is_telling(dense: str) -> bool:
    return len(dense) >= _SHORTEST_COMPACT
