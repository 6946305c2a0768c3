# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The lines of a report as CSV: every account, device, and license."""

from __future__ import annotations

import typing as t

from .lines import Line

COLUMNS = (
    "account",
    "device_id",
    "kind",
    "license",
    "wanted",
    "held",
    "since",
    "source",
    "drift",
    "state",
    "last_connected",
    "candidate_place",
    "protected",
    "reclaimable",
    "reason",
)


def cells(account: str, lines: t.Iterable[Line]) -> t.Iterator[tuple[str, ...]]:
    """The cells of each line."""
    for line in lines:
        yield (
            account,
            line.device_id,
            line.kind,
            line.license or "none",
            line.wanted,
            line.held,
            line.since,
            line.source,
            line.drift,
            line.state,
            line.last_connected,
            str(line.place) if line.place else "",
            "yes" if line.protected else "",
            line.reclaim,
            line.why,
        )
