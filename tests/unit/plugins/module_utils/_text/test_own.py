# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.thingspace.licensing.plugins.module_utils._text.own import with_own


def test_each_account_finds_its_own_and_nothing_stands_twice() -> None:
    shown = [{"account": name, "status": "changes", "red": name == "b", "text": f"{name}!"} for name in ("a", "b")]
    assert with_own(shown) == {
        "accounts": [{"account": "a", "status": "changes"}, {"account": "b", "status": "changes"}],
        "own": {"a": {"red": False, "text": "a!"}, "b": {"red": True, "text": "b!"}},
    }
