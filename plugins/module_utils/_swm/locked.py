# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Licenses that ThingSpace refused to remove for ever, because the firmware was upgraded. So it is remembered.

Source: the campaign flow of v1, "License removal not allowed for devices that have ever upgraded firmware". A server
may have no list of devices that shows it before, or one that says something else. Without the memory, each C(exact) run
would send the same removals again.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import typing as t
import urllib.parse

from .._client.client import Client
from .._errors import LicensingError
from .facts import says_locked


class LockedLicenses:
    """Those of one account. Several threads may note some."""

    def __init__(self, client: Client, account: str) -> None:
        self._client = client
        self._account = account
        self._noted: dict[str, str] = {}
        self._unlocked: set[str] = set()

    def note(self, refusals: t.Mapping[str, str]) -> None:
        """Note those of these refused removals that are refused for ever.

        :param refusals: what ThingSpace said about each device.
        """
        self._noted.update({device: why for device, why in refusals.items() if says_locked(why)})

    def forget(self, devices: t.Iterable[str]) -> None:
        """Note that these licenses changed after all."""
        self._unlocked.update(devices)

    def save(self) -> None:
        """Remember what was noted. If that is not possible, a later run is refused again, which does no harm."""
        if not (self._noted or self._unlocked):
            return
        with contextlib.suppress(LicensingError), self._saved() as state:
            known = {device: why for why, devices in _usable(state).items() for device in devices}
            now = {**self._noted, **known}
            state.clear()
            for device in sorted(now.keys() - self._unlocked):
                state.setdefault(now[device], []).append(device)

    def among(self, devices: t.Iterable[str]) -> dict[str, str]:
        """Those of these devices whose license ThingSpace refused to remove for ever, each with its words.

        :raises LicensingError: the memory cannot be used.
        """
        meant = set(devices)
        if not meant:
            return {}
        with self._saved() as state:
            return {device: why for why, known in _usable(state).items() for device in known if device in meant}

    def _saved(self) -> t.ContextManager[dict[str, t.Any]]:
        """The devices for each text of a refusal."""
        place = f"{_plain(self._client.base_url)}\n{self._account}"
        return self._client.known.transaction("never-removable-" + hashlib.sha256(place.encode()).hexdigest()[:24])


def _plain(base_url: str) -> str:
    """The URL in one of the forms that mean the same."""
    parts = urllib.parse.urlsplit(base_url)
    host = parts.netloc.lower().removesuffix({"http": ":80", "https": ":443"}.get(parts.scheme, ""))
    return parts._replace(netloc=host, path=re.sub("/+", "/", parts.path).rstrip("/")).geturl()


def _usable(state: t.Mapping[str, t.Any]) -> dict[str, list[str]]:
    """What the memory says. What is damaged is not remembered."""
    kept = {why: devices for why, devices in state.items() if isinstance(devices, list)}
    return {why: [one for one in devices if isinstance(one, str)] for why, devices in kept.items()}
