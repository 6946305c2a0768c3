# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What to tell if the account's count of licenses in use is not the one that the rows of a run lead to. Pure."""

from __future__ import annotations

import typing as t

from .._plan.outcomes import Outcome, Row


def after_a_wave(count: int, expected: int) -> str:
    """Tell it of a wave whose devices were read back."""
    return _told("a wave", count, expected) + (
        "Every device of the wave is as its row says, so someone else moved licenses in the meantime. The run "
        "continued."
    )


def after_the_run(rows: t.Sequence[Row], count: int, expected: int) -> str:
    """Tell it if only the count was read; empty if devices whose result is not known explain it."""
    return _of_a_count("the run", (row.outcome for row in rows), count, expected)


def after_the_removals(outcomes: t.Iterable[Outcome], count: int, expected: int) -> str:
    """The same before devices get a license, which may hide it.

    :param outcomes: of the removals.
    """
    return _of_a_count("the removals", outcomes, count, expected)


def _of_a_count(after: str, outcomes: t.Iterable[Outcome], count: int, expected: int) -> str:
    if abs(count - expected) <= sum(outcome == "unknown" for outcome in outcomes):
        return ""
    return _told(after, count, expected) + (
        "Either someone else moved licenses in the meantime, or not every device is as its row says. Check mode shows "
        "how the devices are now."
    )


def _told(after: str, count: int, expected: int) -> str:
    return f"After {after} the account holds {count} licenses where {expected} were expected. "
