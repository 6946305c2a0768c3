# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Lets the journal in a database that is a copy belong there from now on."""

from __future__ import annotations

import typing as t

from .postgresql_connection import connect
from .postgresql_errors import guarded
from .postgresql_schema import settle

if t.TYPE_CHECKING:
    from .._client.stop import Told


def settle_here(address: str, *, told: Told, patience: float, check: bool) -> bool:
    """Let the journal in a database belong there from now on. Returns whether it was a copy.

    :raises LicensingError: see C(open_postgresql).
    """
    db, watch = connect(address, write=True, told=told, patience=patience)
    try:
        with guarded(address):
            return settle(db, address, check=check)
    finally:
        watch.close()
