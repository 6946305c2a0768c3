# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An inventory under construction."""

from __future__ import annotations

import typing as t

from ansible_collections.thingspace.licensing.plugins.plugin_utils._inventory_draft import Draft


class Log:
    """An inventory that writes down what it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []

    def __getattr__(self, name: str) -> t.Callable[..., str]:
        def call(*words: str, **more: str) -> str:
            self.calls.append((name, *words, *more.values()))
            return words[0]

        return call


def test_hosts_come_before_groups_and_groups_before_their_children() -> None:
    draft = Draft()
    draft.set_variables("host", {"a": 1})
    draft.set_variable("host", "b", 2)
    draft.add_group("parent")
    draft.add_group("group")
    draft.add_child("parent", "group")
    draft.add_child("group", "host")
    draft.add_host("host", "group")
    draft.add_host("host", "host")
    log = Log()
    draft.hand_over(log)
    assert log.calls == [
        ("add_host", "host"),
        ("set_variable", "host", "a", 1),
        ("set_variable", "host", "b", 2),
        ("add_group", "parent"),
        ("add_group", "group"),
        ("add_host", "host", "group"),
        ("add_group", "host"),
        ("add_host", "host", "host"),
        ("add_child", "parent", "group"),
    ]


def test_a_host_is_put_into_a_group_directly_unless_a_group_has_its_name() -> None:
    draft = Draft()
    draft.set_variables("host", {})
    draft.add_host("host", "group")
    log = Log()
    draft.hand_over(log)
    assert log.calls[-1] == ("add_child", "group", "host")
