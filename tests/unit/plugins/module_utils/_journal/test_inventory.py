# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the journal holds: where devices stand, and whether the account's count can be explained by it."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import Confirmation
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.inventory import (
    JournalRow,
    Stock,
    device_rows,
    drift,
    history_rows,
    state_of,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.status import (
    WITHOUT_EFFECT,
    Attempt,
    RequestState,
    fold,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.answer import Action
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei

SKU = "SIMSec-IoT"
SCOPE = Scope(ACCOUNT, SKU, "imei")


def attempt(action: Action, state: RequestState, outcome: str | None) -> Attempt:
    return Attempt(1, action, state, outcome, "", "r", "1-234", "then", "")


def stock_of(devices: t.Iterable[t.Sequence[Attempt]]) -> Stock:
    stock = Stock(SKU)
    for attempts in devices:
        status = fold(attempts)
        if status.last is not None:
            stock.add(status, state_of(status))
    return stock


def one_of_each(journal: Journal) -> None:
    """Confirmed, removed, pending, failed, unknown, and one that was turned away."""

    def send(number: int, action: Action, outcome: str | None) -> int:
        request = journal.intend(1, SCOPE, action, [imei(number)], f"1-{number:03d}")
        if outcome is not None:
            journal.accepted(request, f"r{number}")
        if outcome:
            told = Confirmation(f"r{number}", (("imei", imei(number)),), t.cast(t.Any, outcome), "=words")
            journal.confirm([told])
        return request

    journal.begin_run(SCOPE, "assign", 0)
    send(1, "assign", "success")
    send(2, "remove", "success")
    send(3, "assign", "")
    send(4, "assign", "failed")
    journal.settle(send(5, "remove", None), "unknown", "it broke")
    journal.settle(send(6, "assign", None), "rejected", "no")


def test_where_devices_stand(journal: Journal) -> None:
    one_of_each(journal)
    rows = [row for _status, row in device_rows(journal, ACCOUNT, None)]
    assert [row.state for row in rows] == ["assigned", "removed", "pending", "failed", "unknown"]
    assert [row.device_id for row in rows] == [imei(number) for number in range(1, 6)]
    assert rows[3][:8] == (SKU, "imei", imei(4), "failed", "assign", "=words", "r4", "1-004")
    assert rows[4].reason == "it broke"
    assert (rows[0].confirmed > rows[0].sent, rows[2].confirmed) == (True, "")


def test_history_leaves_nothing_out(journal: Journal) -> None:
    one_of_each(journal)
    rows = list(history_rows(journal, ACCOUNT, SKU))
    assert [(row.request_state, row.outcome) for row in rows] == [
        ("accepted", "success"),
        ("accepted", "success"),
        ("accepted", ""),
        ("accepted", "failed"),
        ("unknown", ""),
        ("rejected", ""),
    ]
    assert list(history_rows(journal, ACCOUNT, "other")) == []


def test_counts(journal: Journal) -> None:
    one_of_each(journal)
    stock = Stock(SKU)
    for status, row in device_rows(journal, ACCOUNT, None):
        stock.add(status, row.state)
    assert stock.as_result() == {
        "sku": SKU,
        "confirmed": 1,
        "removed": 1,
        "pending": 1,
        "failed": 1,
        "unknown": 1,
    }
    # The removal of one that was never confirmed as assigned may have found a license, or not.
    assert (stock.least, stock.most) == (1, 3)


@pytest.mark.parametrize(
    ("assigned", "difference", "word"),
    [(0, -1, "removed in the portal"), (1, 0, ""), (2, 0, ""), (3, 1, "knows nothing of"), (9, 7, "knows nothing of")],
)
def test_drift(assigned: int, difference: int, word: str) -> None:
    stock = stock_of([[attempt("assign", "accepted", "success")], [attempt("assign", "accepted", None)]])
    found = drift([stock], {SKU: assigned})
    if not difference:
        assert found == []
        return
    assert [(row["account"], row["difference"]) for row in found] == [(assigned, difference)]
    assert (found[0]["sku"], found[0]["journal_least"], found[0]["journal_most"]) == (SKU, 1, 2)
    assert word in found[0]["meaning"]


def test_drift_of_skus_that_only_one_side_knows() -> None:
    stock = stock_of([[attempt("assign", "accepted", "success")]])
    found = drift([stock], {"A": 4})
    assert [(row["sku"], row["account"], row["difference"]) for row in found] == [("A", 4, 4), (SKU, 0, -1)]
    assert drift([], {"A": 0}) == []


def test_no_count_no_drift() -> None:
    assert drift([stock_of([[attempt("assign", "accepted", "success")]])], {SKU: None}) == []


STEP = st.tuples(
    st.sampled_from(t.get_args(Action)),
    st.sampled_from(t.get_args(RequestState)),
    st.sampled_from([None, "success", "failed"]),
    st.booleans(),
)


@given(st.lists(st.lists(STEP, max_size=4), max_size=4))
def test_what_is_pending_explains_the_count_either_way(devices: list[list[tuple[t.Any, t.Any, t.Any, bool]]]) -> None:
    """Whatever became of the requests that nothing is known of, the count lies within what the journal can explain."""
    attempts, count = [], 0
    for steps in devices:
        held = False
        for action, state, outcome, happened in steps:
            open_ = outcome is None and state not in WITHOUT_EFFECT
            if outcome == "success" or (open_ and happened):
                held = action == "assign"
        attempts.append([attempt(action, state, outcome) for action, state, outcome, _happened in steps])
        count += held
    # Devices of which the journal only knows what was removed or failed may have been assigned before it was begun;
    # here they were not.
    assert drift([stock_of(attempts)], {SKU: count}) == []


def test_a_repetition_that_failed_does_not_undo_the_first() -> None:
    """Its answer was lost, it was sent again, and that failed: perhaps because the first one had taken effect."""
    stock = stock_of([[attempt("assign", "unknown", None), attempt("assign", "accepted", "failed")]])
    assert (stock.least, stock.most) == (0, 1)


def test_columns_of_the_export_are_those_of_a_device_list() -> None:
    assert "device_id" in JournalRow._fields
