# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Fingerprints of secrets for shared files: they say whether a secret is the same, and are slow to guess from."""

from __future__ import annotations

import functools
import hashlib

ROUNDS = 20_000


def fingerprint(salt: str, *credentials: tuple[str | None, str | None]) -> str:
    """Return the fingerprint of these credentials in hexadecimal digits.

    :param salt: random hexadecimal digits that are kept beside the fingerprint.
    :param credentials: pairs of name and secret. The name is spelled in any case, and keeps anybody from preparing
        guesses for all users at once.
    """
    digest = hashlib.sha256(bytes.fromhex(salt))
    for name, secret in credentials:
        digest.update(_stretched((name or "").strip().casefold(), secret or ""))
    return digest.hexdigest()


@functools.lru_cache(maxsize=16)
def _stretched(name: str, secret: str) -> bytes:
    """The slow part, once for each secret in a process."""
    return hashlib.pbkdf2_hmac("sha256", secret.encode(), hashlib.sha256(name.encode()).digest(), ROUNDS)
