# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""How C(fota_license) uses the removal candidate list, whose devices lose their license first."""

from __future__ import annotations

import itertools
import typing as t

from .._client.client import Client
from .._client.paging import is_unknown_path
from .._errors import LicensingError
from .._module import Context
from .._plan.outcomes import Row
from .._plan.plan import State
from .._text.lists import are, few, many
from .._thingspace.api_versions import CANDIDATES_OF, ApiVersion, CandidatesVersion

if t.TYPE_CHECKING:
    from .._swm.candidates import CandidatesApi

MENTIONED = ("assigned", "removed", "skipped")


class Candidates:
    """The listed devices. They are read once, and only if that is needed.

    :param use: the option C(removal_candidates).
    """

    def __init__(self, context: Context, client: Client, account: str, version: ApiVersion, use: str) -> None:
        self._context = context
        self._use = use
        self._client, self._account, self._version = client, account, version
        self._places: dict[str, int] | None = None

    def spared(self, state: State) -> t.AbstractSet[str]:
        """The listed devices, if an exact run must leave them alone.

        :raises LicensingError: a list cannot be read.
        """
        if state != "exact" or self._use != "keep":
            return frozenset()
        self._read()
        return self.places().keys()

    def places(self) -> t.Mapping[str, int]:
        """The listed devices with their places. If they cannot be read, the task does not fail."""
        if self._places is None and self._use != "ignore":
            try:
                self._read()
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

    def _read(self) -> None:
        """Read the list, and to keep its devices, both lists that may speak for v3.

        A list that the server does not have is left out, unless it has none of them. Whatever the task mentions besides
        is not worth the requests of a second list.

        :raises LicensingError: one of them cannot be read. What was read before it counts all the same.
        """
        # A module compiles what it imports, each time. Many tasks do not need the list.
        from .._swm.candidates import CandidatesApi  # pylint: disable=import-outside-toplevel

        lists: dict[CandidatesVersion, list[str]] = {}
        unknown: LicensingError | None = None
        for version in CANDIDATES_OF[self._version]:
            if lists and self._use != "keep":
                break
            api = CandidatesApi(self._client, self._account, version)
            try:
                lists[version] = self._recovered(api)
            except LicensingError as error:
                if not is_unknown_path(error):
                    raise
                unknown = unknown or error
                continue
            places = {device: place for place, device in enumerate(dict.fromkeys(lists[version]), 1)}
            self._places = {**places, **(self._places or {})}
        if unknown and not lists:
            raise unknown
        self._warn_of_difference(lists)

    def _recovered(self, api: CandidatesApi) -> list[str]:
        """A list with the devices that an interrupted rewrite lost. They are still candidates."""
        from .backup import LOCK_PATIENCE, KeptList  # pylint: disable=import-outside-toplevel

        kept = KeptList(self._client.store, self._account, api.version)
        with kept.locked(self._context.patience(LOCK_PATIENCE)):
            listed = api.read()
            recovery = kept.recover(listed, put_aside=False)
        if recovery.warning:
            self._context.warn(recovery.warning)
        return [*(recovery.whole or ()), *listed]

    def _warn_of_difference(self, lists: t.Mapping[CandidatesVersion, list[str]]) -> None:
        for (own, first), (other, second) in itertools.combinations(lists.items(), 2):
            more, less = set(second).difference(first), set(first).difference(second)
            if more or less:
                self._context.warn(
                    f"The removal candidate lists of {own} and {other} differ: "
                    f"{many(len(more), 'device')} {are(len(more))} only on that of {other}, and "
                    f"{many(len(less), 'device')} only on that of {own}. ThingSpace's documents contradict "
                    f"each other about which of them counts for {self._version}. Here, both count."
                )


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
