# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change without notice.

"""An inventory under construction. Only a complete one is handed over, so a failure leaves nothing behind."""

from __future__ import annotations

import typing as t

Variables = dict[str, t.Any]


class Draft:
    """Collects what Ansible's constructed features add. It has the part of InventoryData that they need."""

    def __init__(self) -> None:
        self._hosts: dict[str, Variables] = {}
        self._groups: dict[str, dict[str, None]] = {}
        self._children: dict[tuple[str, str], None] = {}

    def set_variables(self, host: str, variables: Variables) -> None:
        """Add a host with its variables."""
        self._hosts[host] = variables

    def set_variable(self, host: str, name: str, value: t.Any) -> None:
        """Add a variable."""
        self._hosts[host][name] = value

    def add_group(self, group: str) -> str:
        """Add a group."""
        self._groups.setdefault(group, {})
        return group

    def add_host(self, host: str, group: str) -> str:
        """Put a host into a group."""
        self._groups.setdefault(group, {})[host] = None
        return host

    def add_child(self, group: str, child: str) -> None:
        """Put a host or a group into a group."""
        if child in self._hosts:
            self.add_host(child, group)
        else:
            self._children[group, child] = None

    def hand_over(self, inventory: t.Any) -> None:
        """Put everything into Ansible's inventory."""
        # Hosts first, because the inventory treats a name as a group if there is a group of that name.
        for host, variables in self._hosts.items():
            inventory.add_host(host)
            for name, value in variables.items():
                inventory.set_variable(host, name, value)
        for group, hosts in self._groups.items():
            known = inventory.add_group(group)
            for host in hosts:
                if host in self._groups:
                    inventory.add_host(host, group=known)
                else:
                    inventory.add_child(known, host)  # the same, in less time
        for group, child in self._children:
            inventory.add_child(group, child)
