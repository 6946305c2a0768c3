# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Which strings must never be seen, in every form they could be printed in."""

from __future__ import annotations

import base64
import json
import re
import typing as t
import urllib.parse

MASK = "********"

_NAMED = re.compile(r'("\w*password"\s*:\s*")(?:[^"\\]|\\.)+', re.IGNORECASE)
"""The value of a JSON field that holds a password, also when the text ends within it."""


def spellings(secret: str) -> set[str]:
    """A secret as it is, percent-encoded, escaped as in JSON and Python text, and in base64."""
    if not secret:
        return set()
    raw = secret.encode()
    forms = {
        secret,
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote(secret),
        urllib.parse.quote_plus(secret),
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
        self._forms: set[str] = set()

    def remember(self, *secrets: str | None) -> None:
        """Make sure that these secrets are masked wherever they may turn up."""
        for secret in secrets:
            for form in spellings(secret or ""):
                self._add(form)
                self._forms.add(form)

    def mask(self, text: str) -> str:
        """The text without secrets: for text about to be cut or cleaned, which would make them unrecognisable."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, MASK)
        # An error may quote what it is about, with passwords that nobody has told of yet.
        return _NAMED.sub(rf"\g<1>{MASK}", text)
