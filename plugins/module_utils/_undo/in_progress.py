# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Whether a run that is to be undone is still in progress. Its record says only that it has not ended.

A job that changes licenses holds the lock of the account, see C(_journal/lock.py). If it is killed, the lock is free.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from .._errors import LicensingError
from .._fleet.record import RunAccount, RunRecord

if t.TYPE_CHECKING:
    from .._client.stop import Told
    from .._journal.store import Licenses, Store

_LICENSES: dict[str, Licenses] = {"simsec": "SIM-Secure", "fota": "FOTA"}


def require_ended(
    record: RunRecord, account: RunAccount, journal: str | None, told: Told, warn: t.Callable[[str], None]
) -> None:
    """Refuse to undo what a job is changing right now. Warn if it is unknown whether one is.

    :param told: whether the task must end soon.
    :raises LicensingError: C(run_in_progress); nothing was sent. Or the journal cannot be used.
    """
    if record.status != "running":
        return
    locked = _locked(account, journal, told) if journal else []
    if locked:
        raise LicensingError(
            f"The record of the run {record.run} has no end, and a job, which may be its own, is changing "
            f"{' and '.join(locked)} licenses of {account.account} right now. Nothing was sent. Undo the run when that "
            "job has ended. If it hangs, end it first.",
            code="run_in_progress",
        )
    warn(
        f"The record of the run {record.run} has no end. If the run is still in progress, let it end and undo it then. "
        "If its job was killed or lost, go on: everything that it had planned counts as done, and what was not done is "
        "left alone."
    )


def _locked(account: RunAccount, journal: str, told: Told) -> list[str]:
    """The kinds of licenses of the run for which a job has the lock of the account."""
    # A module compiles what it imports, each time. Most runs have ended.
    from .._journal.stores import open_store  # pylint: disable=import-outside-toplevel

    kinds = sorted({_LICENSES[part.kind] for part in account.parts if part.kind in _LICENSES})
    with contextlib.closing(open_store(journal, write=False, told=told)) as store:
        return [licenses for licenses in kinds if _is_locked(store, account.account, licenses)]


def _is_locked(store: Store, account: str, licenses: Licenses) -> bool:
    if store.kind == "sqlite" and not os.path.exists(f"{store.name}.lock"):
        # To look creates nothing.
        return False
    try:
        with store.account_lock(account, 0.0, licenses):
            return False
    except LicensingError as error:
        if error.code == "journal_locked":
            return True
        raise
