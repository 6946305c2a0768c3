# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""How C(fota_license) uses the removal candidate list, whose devices lose their license first."""

from __future__ import annotations

import functools
import typing as t

from .._client.client import Client
from .._client.paging import is_unknown_path
from .._errors import LicensingError
from .._module import Context
from .._plan.outcomes import Row
from .._plan.plan import State
from .._text.lists import are, few, many
from .._thingspace.api_versions import CANDIDATES_OF, ApiVersion

if t.TYPE_CHECKING:
    from .._swm.candidates import CandidatesApi

MENTIONED = ("assigned", "removed", "skipped")


class Candidates:
    """The list, which is read once, and only if it is needed.

    :param use: the option C(removal_candidates).
    """

    def __init__(self, context: Context, client: Client, account: str, version: ApiVersion, use: str) -> None:
        self._context = context
        self._use = use
        self._client, self._account, self._version = client, account, version
        self._places: dict[str, int] | None = None

    def spared(self, state: State) -> t.AbstractSet[str]:
        """The listed devices, if an exact run must leave them alone. For v3, both lists that may speak for them count.

        :raises LicensingError: the list cannot be read.
        """
        if state != "exact" or self._use != "keep":
            return frozenset()
        self._places = self._read()
        for other in self._apis[1:]:
            for device in self._elsewhere(other, self._places):
                self._places[device] = len(self._places) + 1
        return self._places.keys()

    def places(self) -> t.Mapping[str, int]:
        """The listed devices with their places. If they cannot be read, the task does not fail."""
        if self._places is None and self._use != "ignore":
            try:
                self._places = self._read()
            except LicensingError as error:
                if not is_unknown_path(error):
                    self._context.warn(
                        f"Whether the devices are removal candidates could not be found out: {error.message}"
                    )
        self._places = self._places or {}
        return self._places

    def warn_of(self, rows: t.Sequence[Row]) -> None:
        """Warn about listed devices that got a license or lost it, unless the same plan puts the list in order then."""
        # Not an option of the module. It is set by a plan for all licenses of an account.
        places = {} if self._context.params.get("list_follows") else self._places or {}
        assigned = [row.device_id for row in rows if row.outcome == "assigned" and row.device_id in places]
        removed = [row.device_id for row in rows if row.outcome == "removed" and row.device_id in places]
        if assigned:
            self._context.warn(
                "A license is assigned to devices on the removal candidate list, which lose it first when "
                f"the subscription shrinks: {_named(assigned)}. swm_removal_candidates removes devices from the list."
            )
        if removed:
            self._context.warn(
                "The license is removed from devices on the removal candidate list, where they are of no use without "
                f"one: {_named(removed)}. swm_removal_candidates removes devices from the list."
            )

    @functools.cached_property
    def _apis(self) -> list[CandidatesApi]:
        """The list, and for v3 the other one that may count."""
        # A module compiles what it imports, each time. Many tasks do not need the list.
        from .._swm.candidates import CandidatesApi  # pylint: disable=import-outside-toplevel

        return [CandidatesApi(self._client, self._account, one) for one in CANDIDATES_OF[self._version]]

    def _read(self) -> dict[str, int]:
        from .backup import LOCK_PATIENCE, KeptList  # pylint: disable=import-outside-toplevel

        kept = KeptList(self._client.store, self._account)
        with kept.locked(self._context.patience(LOCK_PATIENCE)):
            listed = self._apis[0].read()
            recovery = kept.recover(listed, put_aside=False)
        if recovery.warning:
            self._context.warn(recovery.warning)
        # Devices that an interrupted rewrite lost are still candidates.
        listed = [*(recovery.whole or ()), *listed]
        return {device: place for place, device in enumerate(dict.fromkeys(listed), 1)}

    def _elsewhere(self, other: CandidatesApi, listed: t.Iterable[str]) -> list[str]:
        """The devices that only the list of another version has."""
        try:
            found = other.read()
        except LicensingError as error:
            if not is_unknown_path(error):
                raise
            return []
        before, own = set(listed), self._apis[0].version
        more, less = [device for device in dict.fromkeys(found) if device not in before], before.difference(found)
        if more or less:
            self._context.warn(
                f"The removal candidate lists of {own} and {other.version} differ: "
                f"{many(len(more), 'device')} {are(len(more))} only on that of {other.version}, and "
                f"{many(len(less), 'device')} only on that of {own}. ThingSpace's documents contradict "
                "each other about which of them counts for v3. Here, both count."
            )
        return more


def mention(rows: t.Sequence[Row], places: t.Mapping[str, int]) -> list[Row]:
    """The rows, with a note on each listed device."""
    return [
        row._replace(reason="; ".join(filter(None, (row.reason, f"removal candidate, place {places[row.device_id]}"))))
        if row.device_id in places and row.outcome in MENTIONED
        else row
        for row in rows
    ]


def _named(devices: list[str]) -> str:
    shown = few(devices)
    return f"{shown} ({len(devices)} in all)" if len(devices) > 1 else shown
