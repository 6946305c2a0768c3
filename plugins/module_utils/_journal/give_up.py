# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Gives up a move whose target is lost.

That is possible until the source has moved for good. Until then, nobody used the target, and its mark keeps it refused.
"""

from __future__ import annotations

import contextlib
import functools
import typing as t

from .._errors import LicensingError
from .lock import known_move
from .move_end import LEAVING, end_of, opened_end, other_move
from .moved import Mark, clear_mark, read_now
from .schema import SCHEMA
from .store import Store, Transaction

if t.TYPE_CHECKING:
    from .._client.stop import Told


def give_up(source: str, *, told: Told, patience: float, check: bool) -> str:
    """Let a journal be used again whose move was not finished. The target stays refused.

    :param told: whether the task must end soon.
    :param check: only find out whether it can be done.
    :returns: the place to which it was to be moved, without a password; empty if it is not being moved.
    :raises LicensingError: it cannot be used, or it was moved for good.
    """
    with contextlib.ExitStack() as stack:
        old = opened_end(stack, source, LEAVING, write=False, told=told, patience=patience)
        if old.missing:
            raise LicensingError(f"There is no journal at {old.name}.", code="journal_unusable")
        mark = read_now(old, functools.partial(_may_be_given_up, old))
        if check or not mark.state:
            return mark.other
        old = opened_end(stack, source, LEAVING, write=True, told=told, patience=patience)
        with old.writing() as db:
            # Whoever goes on with the move notices, because each of its steps looks at this mark.
            if _may_be_given_up(old, db).state:
                clear_mark(db, len(SCHEMA))
    return mark.other


def _may_be_given_up(old: Store, db: Transaction) -> Mark:
    mark = end_of(db).mark
    if mark.state in ("filling", "filled"):
        advice = f"It was never used. To use {mark.other} again, name that one as 'journal'"
        raise other_move(old.name, mark, advice)
    # A file may be a backup from the time of the move.
    gone = known_move(old.name) if old.kind == "sqlite" else ""
    if gone or mark.state == "moved":
        mark = mark._replace(state="moved", other=gone or mark.other)
        raise other_move(old.name, mark, "That is finished and cannot be given up. Restore that one from a backup")
    return mark
