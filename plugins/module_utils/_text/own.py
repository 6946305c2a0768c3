# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What a task that runs once tells each account.

The host of each account looks up its own. If it searched a list of all accounts, the time that Ansible takes for a run
would grow with the square of their number.
"""

from __future__ import annotations

import typing as t

Json = dict[str, t.Any]

OWN = ("goes_on", "foreseen", "red", "text")
"""What only the host of the account needs."""


def with_own(accounts: t.Sequence[Json]) -> Json:
    """The values C(accounts) and C(own) of a result.

    :param accounts: all that is told about each account.
    """
    return {
        "accounts": [{name: value for name, value in one.items() if name not in OWN} for one in accounts],
        "own": {one["account"]: {name: one[name] for name in OWN if name in one} for one in accounts},
    }
