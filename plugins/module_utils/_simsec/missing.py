# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Licenses that are confirmed in the journal but not counted by the account: someone else removed them.

ThingSpace does not show which devices hold a license, so it is unknown which devices lost them.
"""

from __future__ import annotations

import typing as t

from .._journal.journal import Journal
from .api import SkuSubscription, pool_of


def missing(
    journal: Journal, account: str, sku: str, subscriptions: t.Sequence[SkuSubscription], *, at_most: bool = False
) -> int:
    """How many licenses of a SKU are missing at least; 0 if the account has no count or there is no journal.

    The journal may contain a SIM by both kinds of id, so only the kind with more devices counts.

    :param subscriptions: the counts of the account, read before this call.
    :param at_most: return how many may be missing. Then ids of both kinds count as different SIMs.
    """
    pool = pool_of(subscriptions, sku)
    counted = pool.assigned if pool else 0
    if not journal.path or counted is None:
        return 0
    holders = journal.holders(account, sku, "overtaken" if at_most else "certain").values()
    held = sum(holders) if at_most else max(holders, default=0)
    return max(0, held - counted)


def missing_text(sku: str, count: int) -> str:
    """Explain missing licenses to the user."""
    return (
        f"The account counts {count:,} {sku} {'license' if count == 1 else 'licenses'} less than the journal knows as "
        "assigned and confirmed. They were removed in the portal or by another tool, or are not counted yet. Which "
        "devices lost them is not known, so nothing is sent for them."
    )
