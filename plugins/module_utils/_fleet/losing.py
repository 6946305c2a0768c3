# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Which devices lose a SIM-Secure license because the fleet files no longer want it, according to the journal."""

from __future__ import annotations

import contextlib
import typing as t

from .._client.stop import Told
from .._devices.same_device import Spellings
from .._journal.file import PATIENCE
from .._journal.inventory import device_rows
from .._journal.journal import open_journal
from .._journal.status import NOTHING, DeviceStatus
from .._simsec.moves import confirmed, foreseen
from .._simsec.skus import sku_of
from .._text.lists import first, many
from .account_parts import SkuPool
from .wanted import WantedAccount

Warn = t.Callable[[str], None]

_NAMED = 20
"""How many pairs of ids a warning names."""


def losing(warn: Warn, path: str, account: str, wanted: WantedAccount, told: Told) -> dict[SkuPool, list[str]]:
    """Devices that may hold a removable license according to the journal, but should not.

    A device that should hold another license is included only if that license is confirmed, or assigned by the same
    plan.

    :param path: the journal.
    :param told: whether the task must end soon.
    :raises LicensingError: the journal cannot be read.
    """
    holders: dict[str, list[SkuPool]] = {}
    new: dict[str, DeviceStatus] = {}
    with contextlib.closing(open_journal(path, write=False, told=told, patience=PATIENCE)) as journal:
        for status, row in device_rows(journal, account, None):
            pool = (row.sku, row.kind)
            if wanted.pool_of(row.device_id) == pool:
                new[row.device_id] = status
            # A device that may hold it is listed until it certainly does not, even if its removal failed or was lost.
            # simsec_license knows whether to send the removal again, and reports what it does not send.
            elif status.may_hold:
                holders.setdefault(row.device_id, []).append(pool)
    keeping = {device for device in wanted.simsec if not foreseen(new.get(device, NOTHING))}
    keeping |= _spelled_differently(warn, account, wanted, holders)
    found: dict[SkuPool, list[str]] = {}
    for device, pool in ((device, pool) for device, pools in holders.items() for pool in pools):
        if device not in keeping and not sku_of(pool[0]).lifetime:
            found.setdefault(pool, []).append(device)
    certain = {device for device, status in new.items() if confirmed(status)}
    settled = {pool: _settled(warn, wanted, pool, devices, certain) for pool, devices in found.items()}
    if wanted.is_unsure("simsec"):
        # Any device that no file names may be one that is wanted and that nobody can name.
        settled = {pool: [*filter(wanted.pool_of, devices)] for pool, devices in settled.items()}
    return {pool: devices for pool, devices in settled.items() if devices}


def _spelled_differently(
    warn: Warn, account: str, wanted: WantedAccount, holders: t.Mapping[str, t.Sequence[SkuPool]]
) -> set[str]:
    """The holders that no file lists by this id, but that a file seems to list by another spelling of it."""
    kinds = {kind for _sku, kind in wanted.pools}
    named = {
        kind: Spellings((device for device, (_named, pool) in wanted.simsec.items() if pool[1] == kind), holders)
        for kind in kinds
    }
    found = {}
    for device, pools in holders.items():
        spellings = named.get(pools[0][1])
        same = spellings.other(device) if spellings and wanted.pool_of(device) is None else ""
        if same:
            found[device] = same
    if found:
        pairs = first(found.items(), _NAMED, tell=" and ".join)
        warn(
            f"The journal knows devices of {account} that seem to be named by the fleet files with other digits (a "
            f"check digit, or zeros in front): {pairs}. None of them loses a license. Name them as the journal "
            "does."
        )
    return set(found)


def _settled(
    warn: Warn, wanted: WantedAccount, pool: SkuPool, devices: list[str], certain: t.Container[str]
) -> list[str]:
    """The devices that cannot be the same SIMs as devices that the files list by the other kind of id.

    :param certain: the devices whose wanted license is confirmed.
    """
    sku, kind = pool
    if any(other_sku == sku and other != kind for other_sku, other in wanted.pools):
        warn(
            f"The journal knows {many(len(devices), 'device')} by {kind.upper()} with {sku} that the fleet files do "
            "not name, and the files name devices of that SKU by another kind of id. They may be the same SIMs, so "
            "none of them loses the license. Name them as the journal does."
        )
        return []
    others = [device for device, (_named, named) in wanted.simsec.items() if named[1] != kind]
    waiting = sum(device not in certain for device in others)
    unnamed = [device for device in devices if wanted.pool_of(device) is None]
    if not waiting or not unnamed:
        return devices
    warn(
        f"The journal knows {many(len(unnamed), 'device')} by {kind.upper()} with {sku} that the fleet files do not "
        f"name, and the files name {many(waiting, 'device')} by another kind of id whose license is not "
        "confirmed. They may be the same SIMs, so none of them loses its license before. Name them as the journal does."
    )
    return [device for device in devices if wanted.pool_of(device) is not None]
