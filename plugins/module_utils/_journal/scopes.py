# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What was sent for an account, a SKU, and a kind of id: the devices of a scope, and their attempts."""

from __future__ import annotations

import itertools
import operator
import typing as t

from .queries import ATTEMPTS, ATTEMPTS_ORDER, DEVICES_OF, IN_SEVERAL
from .rows import Scope
from .status import Attempt
from .store import Transaction


def scopes_of(db: Transaction, account: str) -> dict[int, Scope]:
    """The scopes of an account by their numbers, sorted."""
    rows = db.execute("SELECT id, account, sku, kind FROM scope WHERE account = ? ORDER BY sku, kind", (account,))
    return {key: Scope(*scope) for key, *scope in rows.fetchall()}


def devices_of(db: Transaction, key: int) -> t.Iterator[tuple[str, list[Attempt]]]:
    """Every device of a scope with its attempts, sorted."""
    rows = db.stream(f"{ATTEMPTS} {ATTEMPTS_ORDER}", (key,))
    for device, group in itertools.groupby(rows, key=operator.itemgetter(0)):
        yield device, [Attempt(*row[1:]) for row in group]


def attempts_of(db: Transaction, scope: Scope, devices: t.Sequence[str]) -> dict[str, list[Attempt]]:
    """The attempts for each of these devices, oldest first."""
    found: dict[str, list[Attempt]] = {}
    key = number_of(db, scope)
    asked = f"{ATTEMPTS} AND entry.device_id {{among}} {ATTEMPTS_ORDER}"
    # Without a number, nothing was ever sent.
    for device, *attempt in db.among(asked, (key,), devices) if key is not None else ():
        found.setdefault(device, []).append(Attempt(*attempt))
    return found


def in_several(db: Transaction, scopes: t.Sequence[int]) -> list[str]:
    """The devices that are in more than one of these scopes."""
    marks = ",".join("?" * len(scopes))
    rows = db.execute(f"{DEVICES_OF} ({marks}) {IN_SEVERAL}", tuple(scopes))
    return [str(device) for (device,) in rows]


def number_of(db: Transaction, scope: Scope) -> int | None:
    """The number of a scope; None if nothing was ever sent for it. It never changes."""
    row = db.execute("SELECT id FROM scope WHERE account = ? AND sku = ? AND kind = ?", scope).fetchone()
    return int(row[0]) if row else None
