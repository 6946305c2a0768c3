# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change without notice.

"""The content of the cache: devices, the query that returned them, and a checksum of both.

Only complete content is used. Everything else counts as damaged.
"""

from __future__ import annotations

import hashlib
import typing as t
from collections.abc import Mapping

from ._inventory_record import Record, pack, unpack


class DamagedCache(Exception):
    """The cached content is from another release, or it was changed."""


def entry(asked: str, records: list[Record]) -> dict[str, str]:
    """The content to cache.

    :param asked: the fingerprint of the query that returned the records.
    """
    devices = pack(records)
    return {"asked": asked, "devices": devices, "check": _check(asked, devices)}


def known(read: t.Callable[[], t.Any], asked: str) -> list[Record] | None:
    """The cached devices; None if nothing is cached, or only the result of another query.

    :param read: returns the cached content, or None. Cache plugins may raise any exception.
    :raises DamagedCache: the cached content cannot be used.
    """
    try:
        kept = read()
    except Exception:  # pylint: disable=broad-exception-caught
        raise DamagedCache from None
    if kept is None:
        return None
    if not isinstance(kept, Mapping):
        raise DamagedCache
    question, devices = kept.get("asked"), kept.get("devices")
    if not isinstance(question, str) or not isinstance(devices, str) or kept.get("check") != _check(question, devices):
        raise DamagedCache
    if question != asked:
        return None
    records = unpack(devices)
    if records is None:
        raise DamagedCache
    return records


def _check(asked: str, devices: str) -> str:
    return hashlib.sha256(f"{asked}\n{devices}".encode("utf-8", "surrogatepass")).hexdigest()
