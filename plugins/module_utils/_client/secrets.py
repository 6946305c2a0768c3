# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Which strings must never be seen, in every form they could be printed in.

A text of the server's may repeat a secret in an encoding that nobody thought of. So spellings that are known are masked
where they stand; then the text is decoded in every way, and left out as a whole if a secret appears.
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
"""Characters of a text that is searched; a longer one is left out."""

MOST_SECONDS = 5.0
"""Seconds of a task that go into searching texts; those that come after are left out."""

SHORTEST = 4
"""Characters of a secret that is looked for in decoded text; a shorter one would be found everywhere by chance. It is
masked like any other where it stands as it is."""

_SHORTEST_COMPACT = 8
"""The same where white space is left out, so that words run together."""

_ORDINARY = 100_000
"""Characters a second; most texts are searched several times faster."""

_KEPT = 200
"""Characters of a text whose masked form is kept, because the same reason comes back for many devices."""

_KEEP = 1000

_NAMED = re.compile(r'("\w*password"\s*:\s*")(?!\*{8})(?:[^"\\]|\\.)+', re.IGNORECASE)
"""The value of a JSON field that holds a password, also when the text ends within it."""


def spellings(secret: str) -> set[str]:
    """A secret as it is, percent-encoded, escaped as in JSON and Python text, and in base64."""
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
    """Hands every spelling of each secret to C(add), usually C(module.no_log_values.add)."""

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
        """Make sure that these secrets are masked wherever they may turn up."""
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
        """The text without secrets: for text about to be cut or cleaned, which would make them unrecognizable.

        :returns: C(WITHHELD) when a secret is in it in any encoding, or when it is too long to tell.
        """
        kept = self._masked
        if text not in kept:
            clean = self._searched(text)
            if len(text) > _KEPT or len(kept) >= _KEEP:
                return clean
            kept[text] = clean
        return kept[text]

    def mask_listed(self, text: str) -> str:
        """As C(mask), for what a list is made of, which is as long as the account is large and must not be left out.

        Of C(MOST_SECONDS) it takes only what it costs beyond ordinary text.
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
        # An error may quote what it is about, with passwords that nobody has told of yet.
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
    """Letters and digits only, in one case and one width: what stands between them hides nothing."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def _is_no_word(letters: str) -> bool:
    """Whether it would not be found in ordinary text by chance."""
    return _is_telling(letters) and not letters.isalpha()


def _is_telling(dense: str) -> bool:
    return len(dense) >= _SHORTEST_COMPACT
