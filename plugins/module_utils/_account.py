# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Account names: what cannot be one, and what is unusual."""

from __future__ import annotations

import re

from ._errors import Problem

_USUAL = re.compile(r"\d{10}-\d{5}")
_ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def account_problems(account: str) -> list[Problem]:
    """Refuse what would change the path of a request or can be no name at all."""
    if _ALLOWED.fullmatch(account) and ".." not in account:
        return []
    shown = "".join(char if char.isprintable() else "?" for char in account)[:60]
    return [
        Problem(
            f"'account' is '{shown}', which is no account name; one looks like 0000123456-00001.", "invalid_account"
        )
    ]


def account_warnings(account: str | None) -> list[str]:
    """Say when a name is not of the usual form. Documented examples break that form, so it is no error."""
    if account is None or _USUAL.fullmatch(account):
        return []
    return [f"The account '{account}' does not look like 0000123456-00001 (was it written without quotes?)."]
