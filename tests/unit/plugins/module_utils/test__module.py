# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a failure says about changes."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._error_codes import CODES, Code
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._module import Result, truthful


@pytest.mark.parametrize("code", sorted(CODES))
@pytest.mark.parametrize(("writes", "values", "changed"), [(0, {}, False), (3, {}, True), (3, {"devices": []}, False)])
def test_a_failure_without_rows_is_changed_after_a_write(
    code: Code, writes: int, values: dict[str, t.Any], changed: bool
) -> None:
    """What has rows knows better."""
    failure = LicensingError("It failed.", code=code)
    result = truthful(Result(values, failure=failure), writes)
    assert result.changed == changed
    assert ("3 requests were sent" in failure.message) == changed
    assert failure.code == code
