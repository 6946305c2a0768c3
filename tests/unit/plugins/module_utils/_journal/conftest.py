# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tests of this room hold for every kind of store, unless they are about one of them."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Journal, open_journal
from ansible_collections.thingspace.licensing.tests.support import journals
from ansible_collections.thingspace.licensing.tests.support.journals import never


@pytest.fixture(params=journals.STORES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a journal can be, in which nothing was recorded yet."""
    return journals.place(request.param, tmp_path)


@pytest.fixture
def journal(place: str) -> t.Iterator[Journal]:
    """A journal in which nothing was recorded yet."""
    made = open_journal(place, write=True, told=never)
    yield made
    made.close()
