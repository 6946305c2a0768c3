# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The order of the runs in a directory of records. It must not depend on clocks, which may be set back.

Each run takes the next number of its directory and has it in its name. A copied or restored directory continues with an
identity of its own, because it does not know what was written elsewhere since. So a run also records the last number
that it found of every other identity: runs up to that number had started before.

With a journal, the number is from there, because the runs of all nodes are in it.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import re
import secrets
import time
import typing as t

from .._errors import LicensingError

if t.TYPE_CHECKING:
    from .._journal.fleet_runs import FleetRuns

ORDER_FILE = ".order"
"""The first line has the identity of the directory, the last number, and the file's own inode, which identifies a copy.
Then each unfinished run has a line.
"""

MAX_OPEN = 100
"""How many unfinished runs are remembered. Killed runs never finish."""

SURE = datetime.timedelta(days=1)
"""Without numbers, only a difference of at least this much shows which run started first. Clocks of machines are wrong
by hours if they use the time of a zone or are set by hand.
"""

PATIENCE = 10.0
"""Seconds to wait for another process. Without the lock, two runs may get the same number, which proves no order."""

_TIME = r"(?P<time>\d{8}T\d{6}Z)"
_NUMBERED = re.compile(_TIME + r"-(?P<number>\d{6,12})-(?P<history>[0-9a-f]{8})-[0-9a-f]{8}")
_NAMED = re.compile(_TIME + r"-.*")


class Place(t.NamedTuple):
    """The place of a run among others.

    :param began: the second in which it started, as C(20260131T120000Z).
    :param history: identity of the directory that gave the number; empty if none did.
    :param seen: other identities, each with its last number in the directory when the run started.
    """

    began: str
    history: str = ""
    number: int = 0
    seen: tuple[tuple[str, int], ...] = ()


class Begun(t.NamedTuple):
    """A run that starts.

    :param run: its name.
    :param beside: unfinished runs that had started before. What they did may still be later.
    :param seen: see C(Place).
    """

    run: str
    beside: list[str]
    seen: dict[str, int]


class _Order(t.NamedTuple):
    history: str
    last: int
    running: list[str]


def place_of(run: str) -> Place | None:
    """The place that the name of a run gives; None if it gives none."""
    match = _NUMBERED.fullmatch(run)
    if match:
        return Place(match["time"], match["history"], int(match["number"]))
    match = _NAMED.fullmatch(run)
    return Place(match["time"]) if match else None


def is_earlier(other: Place, this: Place) -> bool:
    """Whether a run is proven to have started before this one. Others count as later, so that no undo reverses them."""
    if by_number(other, this):
        return other.history != this.history or other.number < this.number
    # Runs with numbers came later than records without. Numbers of other identities and clocks prove nothing.
    return not other.history and _long_before(other.began, this.began)


def by_number(other: Place, this: Place) -> bool:
    """Whether numbers determine the order of two runs, and not only the clocks of their machines."""
    if not other.history:
        return False
    return other.history == this.history or other.number <= dict(this.seen).get(other.history, 0)


def _long_before(one: str, other: str) -> bool:
    """Whether two times are so far apart that clocks show which came first. False if one is missing."""
    try:
        first, second = (datetime.datetime.strptime(text, "%Y%m%dT%H%M%S%z") for text in (one, other))
    except ValueError:
        return False
    return second - first >= SURE


def enter(folder: str | None, runs: FleetRuns | None, now: datetime.datetime, digest: str) -> Begun:
    """Give a name to a run that starts now: its time, its number if someone keeps records, and its plan.

    :param folder: keeps the records of this machine.
    :param runs: keeps the records of all nodes.
    :param digest: of the plan; may be empty.
    :raises LicensingError: C(report_unwritable), or the journal cannot be written.
    """
    began, plan = now.strftime("%Y%m%dT%H%M%SZ"), digest[:8] or "00000000"
    name, beside, numbered = f"{began}-{plan}-{secrets.token_hex(4)}", list[str](), False
    if runs is not None:
        started = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        name, beside = runs.enter(started, lambda identity, number: f"{began}-{number:06}-{identity[:8]}-{plan}")
        numbered = True
    if folder is None:
        return Begun(name, beside, {})
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with _order_file(folder) as handle:
            order = _read(handle)
            seen = _numbers(folder)
            last = max(order.last, seen.pop(order.history, 0))
            if numbered:
                own = place_of(name)
                seen = {**seen, order.history: last} if last else seen
                seen.pop(own.history if own else "", None)
            else:
                last += 1
                name = f"{began}-{last:06}-{order.history}-{plan}"
            _write(handle, _Order(order.history, last, [*order.running[1 - MAX_OPEN :], name]))
    except OSError as error:
        if runs is not None:
            runs.drop(name)
        raise LicensingError(
            f"The run could not be given a number in {folder}: {error.strerror or error}. Nothing was sent.",
            code="report_unwritable",
        ) from None
    return Begun(name, list(dict.fromkeys([*beside, *order.running])), seen)


def _numbers(folder: str) -> dict[str, int]:
    """The last number of each identity in a directory of records."""
    found: dict[str, int] = {}
    for name in os.listdir(folder):
        place = place_of(name.removesuffix(".json"))
        if place and place.history:
            found[place.history] = max(place.number, found.get(place.history, 0))
    return found


def leave(folder: str | None, run: str) -> None:
    """Record that a run has finished. If that fails, its own record still shows it."""
    with contextlib.suppress(OSError):
        if folder and os.path.exists(os.path.join(folder, ORDER_FILE)):
            with _order_file(folder) as handle:
                order = _read(handle)
                _write(handle, order._replace(running=[other for other in order.running if other != run]))


@contextlib.contextmanager
def _order_file(folder: str) -> t.Iterator[int]:
    handle = os.open(os.path.join(folder, ORDER_FILE), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait(handle)
        yield handle
    finally:
        os.close(handle)


def _read(handle: int) -> _Order:
    """The content of the file, or a new identity if this directory did not write it."""
    first, *running = os.pread(handle, 200 * MAX_OPEN, 0).decode("ascii", "replace").split("\n")
    match = re.fullmatch(r"([0-9a-f]{8}) ([0-9]{1,12}) ([0-9]+)", first)
    if match is None or match[3] != str(os.fstat(handle).st_ino):
        return _Order(secrets.token_hex(4), 0, [])
    return _Order(match[1], int(match[2]), [run for run in running if place_of(run)])


def _write(handle: int, order: _Order) -> None:
    first = f"{order.history} {order.last} {os.fstat(handle).st_ino}"
    text = "".join(f"{line}\n" for line in (first, *order.running)).encode()
    os.pwrite(handle, text, 0)
    os.ftruncate(handle, len(text))


def _wait(handle: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(0.01)
