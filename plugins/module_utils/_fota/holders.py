# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reads which of some devices hold a license now: from the whole list, or by asking about them if that is cheaper."""

from __future__ import annotations

import typing as t

from .._client.paging import Page
from .._devices.spelling import require_spelling
from .._plan.answer import Action
from .._swm.licenses import FotaApi


class Holders(t.NamedTuple):
    """Who holds a license.

    :param held: every such device, or only those that were asked about.
    :param in_use: licenses of the account that are held; None if that was not read.
    """

    held: t.AbstractSet[str]
    in_use: int | None


def read_back(
    api: FotaApi,
    action: Action,
    devices: t.Sequence[str],
    first: Page | None = None,
    expected: t.Collection[str] = (),
    *,
    read: bool,
) -> Holders:
    """Read which of these devices hold a license after a request for them.

    :param action: of the request.
    :param first: the first page of the list if it was just read.
    :param expected: ids that are probably on the list, see C(FotaApi.licensed).
    :param read: whether the plan was read. Then ThingSpace has shown those that lose a license under these ids.
    :raises LicensingError: the account could not be read, or not completely.
    """
    if api.named.offered and api.named.requests(len(devices)) < api.pages:
        listed = [device for device, _time in first.devices] if first else []
        named = api.named.read(devices, listed, removing=action == "remove")
        if named is not None:
            return Holders(named.licensed, first.assigned if first else None)
    held, _last = api.licensed(first, expected)
    require_spelling(held, devices, losing=action == "remove" and not read)
    return Holders(held, len(held))
