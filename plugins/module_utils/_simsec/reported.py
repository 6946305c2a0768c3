# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What ThingSpace reports under unknown request ids while a run sends. It may be about earlier requests."""

from __future__ import annotations

import threading
import typing as t

from .._journal.journal import Journal


class ReportedMeanwhile:
    """The devices that such reports call done. Several threads may ask.

    :param kind: of the devices' ids.
    :param devices: those for which an earlier request may still be carried out. Reports about others do not matter.
    :param last: the number of the last report that the plan knows.
    """

    def __init__(self, journal: Journal, kind: str, devices: frozenset[str], last: int) -> None:
        self._journal, self._kind, self._devices = journal, kind, devices
        self._last = last
        self._done: set[str] = set()
        self._lock = threading.Lock()

    def done(self, devices: t.Iterable[str]) -> list[str]:
        """Those of the devices that a report since the plan calls done."""
        asked = self._devices.intersection(devices)
        if not asked:
            return []
        with self._lock:
            self._last, reported = self._journal.reported_since(self._last)
            self._done.update(
                device for (kind, device), said in reported.items() if kind == self._kind and "success" in said
            )
            return [device for device in asked if device in self._done]
