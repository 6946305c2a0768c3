# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A count that the rows do not explain is told, and no more than that."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._fota.miscount import (
    after_the_removals,
    after_the_run,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.outcomes import Outcome, Row


@pytest.mark.parametrize(
    ("outcomes", "count", "told"),
    [
        (["assigned"], 9, True),
        (["assigned"], 11, True),
        (["assigned"], 10, False),
        (["assigned", "unknown"], 9, False),
        (["assigned", "unknown"], 11, False),
        (["unknown", "unknown"], 8, False),
        (["unknown", "unknown"], 7, True),
        (["failed", "skipped"], 9, True),
    ],
)
def test_devices_in_doubt_may_explain_it(outcomes: list[Outcome], count: int, told: bool) -> None:
    warning = after_the_run([Row(str(number), one, "") for number, one in enumerate(outcomes)], count, 10)
    assert (f"holds {count} licenses where 10 were expected" in warning) == bool(warning) == told
    assert after_the_removals(outcomes, count, 10) == warning.replace("the run", "the removals")
