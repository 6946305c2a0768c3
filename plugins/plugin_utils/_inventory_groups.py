# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change without notice.

"""Groups of each device: by account, device group, state, service plan, and license."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import Problem

from ._inventory_record import Record


def prefix_problems(prefix: str) -> list[Problem]:
    """Problems with the option C(group_prefix)."""
    if re.fullmatch(r"(?:[A-Za-z_][A-Za-z0-9_]*)?", prefix):
        return []
    return [Problem("'group_prefix' may have letters, digits and underscores only, and no digit at its beginning.")]


class GroupNames:
    """Names of groups, each created once.

    :param safe: replaces characters that cannot be in the name of a group.
    """

    def __init__(self, prefix: str, safe: t.Callable[[str], str]) -> None:
        self._prefix = prefix
        self._safe = safe
        self._names: dict[tuple[str, str], str] = {}

    def of(self, record: Record) -> list[str]:
        """The groups of a device."""
        names = [
            *(self._name("account", account) for account in record["accounts"]),
            self._name("state", record["state"].lower()),
            self._name("plan", record["service_plan"]),
            *(self._name("group", group) for group in record["groups"]),
        ]
        if record["fota_license"] is not None:
            names.append(self._name("license", "fota" if record["fota_license"] else "none"))
        return [name for name in names if name]

    def shared(self) -> dict[str, list[str]]:
        """Names that several groups share, because they differ only in characters that were replaced."""
        origins: dict[str, list[str]] = {}
        for (_kind, text), name in self._names.items():
            origins.setdefault(name, []).append(text)
        return {name: texts for name, texts in origins.items() if name and len(texts) > 1}

    def _name(self, kind: str, text: str) -> str:
        known = self._names.get((kind, text))
        if known is None:
            known = self._names[kind, text] = self._safe(f"{self._prefix}{kind}_{text}") if text else ""
        return known
