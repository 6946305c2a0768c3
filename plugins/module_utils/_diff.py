# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The C(diff) of modules that move licences between devices."""

from __future__ import annotations

import typing as t

DIFF_LINES = 500


def device_diff(title: str, before: t.Sequence[str], after: t.Sequence[str]) -> dict[str, str]:
    """Licensed devices before and after, of those that change."""
    return {"before_header": title, "after_header": title, "before": _lines(before), "after": _lines(after)}


def _lines(devices: t.Sequence[str]) -> str:
    shown = "".join(device + "\n" for device in devices[:DIFF_LINES])
    return shown + (f"... and {len(devices) - DIFF_LINES} more\n" if len(devices) > DIFF_LINES else "")
