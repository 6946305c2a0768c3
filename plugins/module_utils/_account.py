# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Account names: invalid ones and unusual ones."""

from __future__ import annotations

import re

from ._errors import Problem

_USUAL = re.compile(r"\d{10}-\d{5}")
_ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def account_problems(account: str) -> list[Problem]:
    """Refuse invalid names, and names that would change the path of a request."""
    if _ALLOWED.fullmatch(account) and ".." not in account:
        return []
    shown = "".join(char if char.isprintable() else "?" for char in account)[:60]
    return [
        Problem(
            f"'account' is '{shown}', which is not an account name; one looks like 0000123456-00001.", "invalid_account"
        )
    ]


def account_warnings(account: str | None) -> list[str]:
    """Warn about a name in an unusual form. This is not an error, because documented examples have such names."""
    if account is None or _USUAL.fullmatch(account):
        return []
    return [f"The account '{account}' does not look like 0000123456-00001 (was it written without quotes?)."]
