# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports that may be about something else, and counts that may not be up to date, decide nothing by themselves.

Judged by what the account was asked to do, and by what it did.
"""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import (
    Confirmation,
    ReportedStatus,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.tests.support.fakes import imei
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.module_runner import Run
from ansible_collections.thingspace.licensing.tests.support.simsec_space import FLEX, LIFETIME, Space, code

DEVICE = imei(0)
FOREIGN = "of-somebody-else"


@pytest.fixture
def always() -> dict[str, t.Any]:
    return {"sku": FLEX, "devices": [DEVICE], "settle_time": 0}


def report(journal: Path, status: ReportedStatus, request_id: str = FOREIGN) -> None:
    with contextlib.closing(open_journal(str(journal), write=True, told=never)) as opened:
        opened.confirm([Confirmation(request_id, (("imei", DEVICE),), status, "why")])


def outcome(result: dict[str, t.Any]) -> str:
    (row,) = result["devices"]
    return str(row["outcome"])


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("again", ["refused", "failed", "not sent again"])
def test_a_success_of_another_request_makes_nothing_of_ours_done(
    run: Run, space: Space, journal: Path, again: str, state: str
) -> None:
    """Our request was lost, and had no effect by the count. Then it was refused, failed, or not repeated."""
    if state == "absent":
        space.held[FLEX] = {DEVICE, imei(1)}
    before = set(space.held[FLEX])
    space.faults = ["lose", *([400] if again == "refused" else [])]
    assert outcome(run(state=state)) == "unknown"
    if again == "not sent again":
        # Another task of the SKU judges the request.
        run(state=state, devices=[imei(1)])
    else:
        space.inactive = {DEVICE}
        run(state=state)
        if again == "failed":
            report(journal, "failed", "r2")
    report(journal, "success")
    done = run(state=state)
    assert outcome(done) in ("failed", "unknown")
    assert code(done), "not as wanted"
    assert (DEVICE in space.held[FLEX]) is (DEVICE in before)


@pytest.mark.parametrize("sku", [FLEX, LIFETIME])
def test_a_failure_of_another_request_makes_nothing_of_ours_undone(
    run: Run, space: Space, journal: Path, sku: str
) -> None:
    """The answer was lost, and the count shows that it was carried out. Nothing is sent again because of the report."""
    space.faults = ["lost"]
    run(sku=sku, lifetime_consent=1)
    assert outcome(run(sku=sku, lifetime_consent=1)) == "unchanged"
    report(journal, "failed")
    for _run in range(2):
        done = run(sku=sku, lifetime_consent=1, retry_failed=True)
        assert (outcome(done), code(done)) == ("unknown", "outcome_unknown")
    assert len(space.writes) == 1


def test_a_lost_lifetime_request_is_not_called_failed_by_another_report(run: Run, space: Space, journal: Path) -> None:
    """It may still be carried out. With 'retry_failed', it would be bought twice."""
    space.faults = ["lose"]
    run(sku=LIFETIME, lifetime_consent=1)
    report(journal, "failed")
    for _run in range(2):
        assert outcome(run(sku=LIFETIME, lifetime_consent=1, retry_failed=True)) == "unknown"
    assert len(space.writes) == 1


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_count_that_is_not_up_to_date_confirms_nothing(run: Run, space: Space, state: str) -> None:
    """It is read again before anything is sent, because the journal knows better."""
    first, second = imei(0), imei(1)
    waits = {"wait": True, "wait_timeout": 60, "settle_time": 0.001}
    space.listeners = (200, [])
    run(devices=[first, second] if state == "absent" else [first], **waits)
    if state == "absent":
        run(devices=[first], state=state, **waits)
    space.inactive = {second}
    true, stale = set(space.held[FLEX]), {first, second} if state == "absent" else set()
    readings = space.reads

    def count(sku: str, original: t.Callable[[str], t.Any] = space._count) -> t.Any:
        space.held[FLEX] = stale if space.reads == readings + 1 else true
        return original(sku)

    space._count = count  # type: ignore[method-assign]
    done = run(devices=[first, second], state=state, **waits)
    rows = {row["device_id"]: row["outcome"] for row in done["devices"]}
    assert rows == {first: "unchanged", second: "accepted"}
    assert code(done) == "unconfirmed"
