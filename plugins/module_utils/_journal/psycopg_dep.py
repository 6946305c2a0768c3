# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""psycopg, imported only when a database is asked for. Tasks without one start as fast as before."""

from __future__ import annotations

import importlib
import sys
import typing as t

from .._errors import LicensingError


def psycopg() -> t.Any:
    """The library.

    :raises LicensingError: C(missing_library).
    """
    try:
        return importlib.import_module("psycopg")
    except ImportError as error:
        # psycopg itself needs libpq, which its binary package brings along.
        why = (
            "is not installed"
            if getattr(error, "name", "") == "psycopg"
            else f"cannot be used ({error})".replace("\n", " ")
        )
        raise LicensingError(
            f"The Python library psycopg, which a journal on PostgreSQL needs, {why} for {sys.executable}. Nothing was "
            "sent. Install it there: python3 -m pip install 'psycopg[binary]'",
            code="missing_library",
        ) from None
