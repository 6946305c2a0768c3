# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What reverses a run in one account: the decision about each device, from the record, the later ones, and the journal.

It asks ThingSpace nothing. What is restored of the removal candidate list depends on the current list: see
C(candidates).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import typing as t

from .._client.stop import Told
from .._devices.ids import digest_of
from .._devices.same_device import Spellings
from .._fleet.record import RunAccount, RunPart, RunRecord
from .._journal.clock import ago
from .._journal.file import PATIENCE
from .._journal.journal import open_journal
from .._journal.status import Attempt
from .._simsec.job import OVERDUE
from .._thingspace.api_versions import API_VERSION, CANDIDATES_VERSION
from .._thingspace.id_kinds import Kind
from .candidates import returning
from .changes import (
    CANDIDATES,
    FOTA,
    Instead,
    Left,
    LicensePool,
    UndoPart,
    changes_of,
    limits_of,
    parts_of,
    pool_of,
    without_odd_ids,
)
from .fota import FotaReversal, reverse_fota
from .history import Later, lies_ahead
from .moves import Former
from .own_requests import RunWindow
from .simsec import Attempts, Reversal, reverse_simsec

RETURNING_LIST = "undo-candidates-returning"


class Undoing(t.NamedTuple):
    """What reverses a run in one account.

    :param run: the account in the record, without invalid ids.
    :param parts: what each license module does.
    :param returning: the devices that return to the removal candidate list.
    :param left: the changes that are not reversed, and why.
    :param listed: version of the removal candidate list; None if the run changed nothing on it.
    :param given: the devices that get their FOTA license back.
    :param notes: what to know before it is carried out.
    """

    run: RunAccount
    parts: list[UndoPart]
    returning: list[str]
    left: list[Left]
    listed: str | None
    given: list[str]
    notes: list[str]

    @property
    def losing(self) -> frozenset[str]:
        """The devices that lose their FOTA license."""
        taking = (part.devices for part in self.parts if part.kind == "fota" and part.state == "absent")
        return frozenset(device for devices in taking for device in devices)

    @property
    def digest(self) -> str:
        """SHA-256 of which parts there are, and their devices."""
        named = [[part.name, digest_of(part.devices)] for part in self.parts]
        return hashlib.sha256(json.dumps(named).encode()).hexdigest()


def undoing_of(record: RunRecord, account: RunAccount, later: Later, journal: str | None, told: Told) -> Undoing:
    """Decide about every device that the run changed in an account.

    :param later: the changes of later runs.
    :param journal: path of the SIM-Secure journal; without it, no SIM-Secure license is changed.
    :raises LicensingError: the journal cannot be read.
    """
    account, odd = without_odd_ids(account)
    fota = reverse_fota(account, later)
    simsec, left, former = _simsec(record, account, later, journal, told)
    candidates = parts_of(account, CANDIDATES)
    parts = [*_fota_parts(account, fota), *simsec_parts(account, simsec, former)]
    # If the run changed nothing on the list, nobody needs to read it.
    listed = _version(candidates, CANDIDATES_VERSION) if changes_of(candidates) else None
    notes = _notes(record, account, fota, later)
    return Undoing(account, parts, returning(candidates), [*odd, *fota.left, *left], listed, fota.give, notes)


def _fota_parts(account: RunAccount, fota: FotaReversal) -> t.Iterator[UndoPart]:
    """Licenses are removed first, so that a full pool has some to assign."""
    version = _version(parts_of(account, FOTA), API_VERSION)
    for step, state, devices in (("take", "absent", fota.take), ("give", "present", fota.give)):
        if devices:
            yield UndoPart("fota", state, step, f"undo-fota-{step}", devices, limits_of(account, FOTA), version)


def simsec_parts(account: RunAccount, simsec: t.Mapping[LicensePool, Reversal], former: Former) -> t.Iterator[UndoPart]:
    """The parts for SIM-Secure licenses."""
    for step, state in (("take", "absent"), ("give", "present"), ("moved", "absent")):
        for pool, reversal in simsec.items():
            devices = getattr(reversal, step)
            if devices:
                name, instead = f"undo-simsec-{pool.sku}-{pool.id_kind}-{step}", None
                if state == "absent":
                    instead = [
                        Instead(f"{name}-after-{one.sku}-{one.id_kind}", one.sku, one.id_kind, others)
                        for one, others in sorted(former.instead(pool, devices).items())
                    ]
                limits = limits_of(account, pool)
                yield UndoPart("simsec", state, step, name, devices, limits, None, pool.sku, pool.id_kind, instead)


def _version(parts: t.Sequence[RunPart], otherwise: str) -> str:
    return next((part.api_version for part in parts if part.api_version), otherwise)


def _notes(record: RunRecord, account: RunAccount, fota: FotaReversal, later: Later) -> list[str]:
    found = []
    if later.undone_by:
        found.append(
            f"This run was already undone, by {' and '.join(later.undone_by)}. There is nothing to do about what "
            "that changed back."
        )
    if record.status == "running":
        found.append(
            "The run has no end: it was killed or is still in progress. Make sure that it is not. Everything that it "
            "had planned counts as done."
        )
    if lies_ahead(record):
        found.append(
            f"The run is of {record.started}, which is in the future: the clock of this machine, or of the one that "
            "wrote the record, is or was wrong. The numbers of the runs show which came after it."
        )
    if fota.uncertain:
        found.append(
            f"The run does not know the result for {fota.uncertain} FOTA licenses. If one is as the run wanted it, "
            "either the run or someone else since then did that. These cases look the same, and both are undone."
        )
    if account.failure:
        found.append(f"The run failed in this account: {account.failure.message}")
    return found


def _simsec(
    record: RunRecord, account: RunAccount, later: Later, journal: str | None, told: Told
) -> tuple[dict[LicensePool, Reversal], list[Left], Former]:
    changes = {
        pool: changes_of(parts_of(account, pool))
        for pool in {pool_of(part) for part in account.parts if part.kind == "simsec"}
    }
    window = RunWindow(record.started, record.ended, ago(OVERDUE), record.mark or "")
    if not changes:
        return {}, [], Former(window, {}, {})
    known = attempts_of(journal, account.account, changes, told)
    found, left = reverse_simsec(account, window, known, later)
    return found, left, Former(window, changes, known or {})


def attempts_of(
    path: str | None, account: str, changes: t.Mapping[LicensePool, t.Mapping[str, t.Any]], told: Told
) -> dict[LicensePool, Attempts] | None:
    """Everything that the journal knows about the devices of the run, including licenses that the run did not change.

    If the run assigned something by one kind of id, also everything about devices that may be the same SIMs: all of
    the other kind, and those of the same kind that seem to be one of its devices, spelled differently.

    :raises LicensingError: the journal cannot be read.
    """
    if not path:
        return None
    devices = {device for rows in changes.values() for device in rows}
    gained: dict[str, list[str]] = {}
    for pool, rows in changes.items():
        if mine := [device for device, row in rows.items() if row.done == "assigned"]:
            gained.setdefault(pool.id_kind, []).extend(mine)
    spelled = {kind: Spellings(mine) for kind, mine in gained.items()}
    found: dict[LicensePool, dict[str, t.Sequence[Attempt]]] = {pool: {} for pool in changes}
    with contextlib.closing(open_journal(path, write=False, told=told, patience=PATIENCE)) as journal:
        for scope, device, attempts in journal.walk(account, None):
            same = device in devices or (scope.kind in spelled and spelled[scope.kind].other(device))
            if same or gained.keys() - {scope.kind}:
                found.setdefault(LicensePool("simsec", scope.sku, t.cast(Kind, scope.kind)), {})[device] = attempts
    return dict(found)
