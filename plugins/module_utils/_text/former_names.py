# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Names in British spelling, from release 0.5.0 and earlier. Results still contain them, and files may."""

from __future__ import annotations

import typing as t

FORMER_NAMES = {
    "license": "licence",  # codespell:ignore licence
    "licenses": "licences",  # codespell:ignore licences
    "without_license": "without_licence",  # codespell:ignore licence
}
"""The former name of each renamed key."""


def with_former_names(value: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Add the former name of each renamed key, in nested objects as well, so that older playbooks keep working."""
    named = {key: with_former_names(item) if isinstance(item, dict) else item for key, item in value.items()}
    return {**named, **{FORMER_NAMES[key]: item for key, item in named.items() if key in FORMER_NAMES}}


def renamed(value: t.Mapping[str, t.Any], key: str) -> t.Any:
    """Read a key from a file, under its new name or its former one.

    :raises KeyError: neither is there.
    """
    return value[key] if key in value else value[FORMER_NAMES[key]]
