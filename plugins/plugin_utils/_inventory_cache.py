# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change without notice.

"""What is kept in the cache: devices with the question that they answer, and a checksum of both.

Only what is whole is used. Everything else is damaged, whatever happened to it.
"""

from __future__ import annotations

import hashlib
import typing as t
from collections.abc import Mapping

from ._inventory_record import Record, pack, unpack


class DamagedCache(Exception):
    """What is kept was not written by this release, or is not what was written."""


def entry(asked: str, records: list[Record]) -> dict[str, str]:
    """What to keep.

    :param asked: the fingerprint of the question that the records answer.
    """
    devices = pack(records)
    return {"asked": asked, "devices": devices, "check": _check(asked, devices)}


def known(read: t.Callable[[], t.Any], asked: str) -> list[Record] | None:
    """The devices that are kept; None when nothing is, or the answer to another question.

    :param read: returns what is kept, None when nothing is. Cache plugins raise whatever they like.
    :raises DamagedCache: something is kept that cannot be used.
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
