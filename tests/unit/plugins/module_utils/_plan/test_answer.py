# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lost answer is settled by reading back, and a write is sent again only if that is allowed and shows no change."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.answer import settle_one

LOST = LicensingError("Lost.", code="timeout", in_doubt=True)
REFUSED = LicensingError("No.", code="api_rejected")


@pytest.mark.parametrize(
    ("answers", "readings", "result"),
    [
        ([None], [], None),
        ([REFUSED], [], REFUSED),
        ([LOST], [True], None),
        ([LOST], [None], LOST),
        ([LOST, None], [False], None),
        ([LOST, REFUSED], [False], REFUSED),
        ([LOST, LOST], [False, True], None),
        ([LOST, LOST, LOST], [False, False, False], LOST),
        ([LOST, LOST, LOST], [False, False, None], LOST),
    ],
)
def test_one_write(
    answers: list[LicensingError | None], readings: list[bool | None], result: LicensingError | None
) -> None:
    def send() -> None:
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    assert settle_one(send, lambda _lost: readings.pop(0), resends=2) is result
    assert (answers, readings) == ([], []), "nothing is sent or read in vain"


def test_a_reading_that_fails_settles_nothing() -> None:
    def send() -> None:
        raise LOST

    def read_back(_lost: LicensingError) -> bool:
        raise REFUSED

    with pytest.raises(LicensingError, match=r"No\."):
        settle_one(send, read_back, resends=2)
