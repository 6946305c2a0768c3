# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the properties are tried."""

from __future__ import annotations

import hypothesis
import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client import login_guard
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import MemoryStore
from ansible_collections.thingspace.licensing.tests.support.fakes import hash_quickly

# No time limit for one example: it would fail on a busy machine. No database: it would litter the checkout.
hypothesis.settings.register_profile(
    "units",
    deadline=None,
    max_examples=60,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("units")


@pytest.fixture(autouse=True)
def _no_logins_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test is a process of its own as far as logins are counted."""
    hash_quickly(monkeypatch)
    monkeypatch.setattr(login_guard, "_IN_PROCESS", MemoryStore())
