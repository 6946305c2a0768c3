# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Account names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._account import account_problems, account_warnings


@pytest.mark.parametrize("account", ["0000123456-00001", "000012345600001", "123456", "a", "A.b_c-1", "x" * 64])
def test_possible_names(account: str) -> None:
    assert account_problems(account) == []


@pytest.mark.parametrize(
    "account",
    ["", " ", "x" * 65, "a/b", "../x", "a..b", "a b", "a\n", "-a", ".a", "a?b", "a#b", "a%2fb", "\u00e4", "a\0"],
)
def test_impossible_names(account: str) -> None:
    (problem,) = account_problems(account)
    assert problem.code == "invalid_account"
    assert problem.text.isprintable()
    assert len(problem.text) < 150


@pytest.mark.parametrize(
    ("account", "warned"),
    [(None, False), ("0000123456-00001", False), ("123456-1", True), ("000012345600001", True)],
)
def test_unusual_names_are_only_warned_about(account: str | None, warned: bool) -> None:
    assert len(account_warnings(account)) == warned
    assert all(f"'{account}'" in text for text in account_warnings(account))


@given(st.text(max_size=80))
def test_an_accepted_name_is_one_plain_path_segment(account: str) -> None:
    if not account_problems(account):
        assert account.isascii()
        assert not set(account) & set("/?#%\\ \t\r\n")
        assert account not in ("", ".", "..")
