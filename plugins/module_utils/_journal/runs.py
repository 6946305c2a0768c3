# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Whether an unfinished run is still in progress. Its lock is gone, or is beside another name of the journal."""

from __future__ import annotations

import os
import platform
import typing as t

from .._errors import LicensingError
from .clock import age

if t.TYPE_CHECKING:
    from .store import Transaction

_TOLERANCE = 5.0
"""By how many seconds the system's timestamps may differ."""


def going(db: Transaction) -> frozenset[int]:
    """The runs of other processes on this host that are in progress."""
    rows = db.execute("SELECT id, host, pid, started FROM run WHERE ended IS NULL").fetchall()
    return frozenset(run for run, *process in rows if _goes_on(*process))


def _goes_on(host: str, pid: int, started: str) -> bool:
    return host == platform.node() and pid != os.getpid() and runs_since(pid) + _TOLERANCE > age(started)


def require_alone(db: Transaction, path: str, account: str, opened: frozenset[int]) -> None:
    """Refuse to start while a run of the account is in progress, even though this process has the lock.

    :param opened: the runs that were in progress when the journal was opened. If one of them has ended since without a
        record here, then what it wrote under another name may not be visible here, either.
    :raises LicensingError: C(journal_locked).
    """
    rows = db.execute("SELECT id, host, pid, started FROM run WHERE ended IS NULL AND account = ?", (account,))
    for run, host, pid, started in rows.fetchall():
        if run in opened or _goes_on(host, pid, started):
            raise LicensingError(
                f"The process {pid} is sending SIM-Secure changes for the account {account} with the journal {path}, "
                "but not by this name: the file was moved while it was in use. Nothing was sent. Run again when that "
                "process has ended.",
                code="journal_locked",
            )


def runs_since(pid: int) -> float:
    """For how many seconds a process has been running; minus infinity if there is none or it is unknown."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            # The name, in brackets, may contain anything.
            fields = stream.read().rpartition(b")")[2].split()
        with open("/proc/uptime", "rb") as stream:
            up = float(stream.read().split()[0])
        if fields[0] in (b"Z", b"X"):
            return float("-inf")
        return up - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return float("-inf")
