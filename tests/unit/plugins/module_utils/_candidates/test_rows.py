# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happened to each device of the removal candidate list."""

from __future__ import annotations

import dataclasses

from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.plan import Wish, make_candidates_plan
from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.rows import (
    GONE,
    IGNORED,
    LOST,
    in_doubt,
    not_sent,
    rows_after,
)

# On the list: a b c p. It must become: c b e; a goes because it is not named, p because it is protected.
WISH = Wish("account", "v2", "exact", ("c", "b", "e"), frozenset("p"))
PLAN = make_candidates_plan(WISH, ("a", "b", "c", "p"))
MOVED = next(iter(PLAN.move))


def test_foreseen() -> None:
    rows = {row.device_id: row[1:] for row in rows_after(WISH, PLAN, PLAN.target)}
    assert list(rows) == ["c", "b", "e", "a", "p"]
    assert (rows["e"], rows["a"], rows["p"]) == (("added", ""), ("removed", "not named"), ("removed", "protected"))
    places = {"c": "moved: now the first", "b": "moved: now behind c"}
    assert rows.pop(MOVED) == ("unchanged", places.pop(MOVED))
    assert rows[places.popitem()[0]] == ("unchanged", "already on the list")


def test_what_reading_does_not_show_has_failed() -> None:
    rows = {row.device_id: row[1:] for row in rows_after(WISH, PLAN, ["c", "b", "a"])}
    assert (rows["e"], rows["a"], rows["p"]) == (("failed", IGNORED), ("failed", IGNORED), ("removed", "protected"))


def test_a_failure_explains_what_is_not_as_wanted_and_nothing_else() -> None:
    rows = {row.device_id: row[1:] for row in rows_after(WISH, PLAN, ["c", "b", "p"], "it broke")}
    assert (rows["e"], rows["a"], rows["p"]) == (
        ("failed", "it broke"),
        ("removed", "not named"),
        ("failed", "it broke"),
    )


def test_what_a_broken_rewrite_took_off_the_list_is_removed() -> None:
    """Whether or not it is named: it should have stayed."""
    wish = Wish("account", "v2", "absent", ("a",), frozenset())
    plan = make_candidates_plan(wish, ("a", "b", "c", "d"))
    rows = {row.device_id: row[1:] for row in rows_after(wish, plan, ["b"], "it broke")}
    assert rows == {"a": ("removed", ""), **dict.fromkeys("cd", ("removed", f"{LOST}. it broke"))}
    exact = {row.device_id: row[1:] for row in rows_after(WISH, PLAN, ["c"], "it broke")}
    assert (exact["c"][0], exact["b"]) == ("unchanged", ("removed", f"{LOST}. it broke"))


def test_what_others_took_off_meanwhile_is_not_called_listed() -> None:
    wish = Wish("account", "v2", "present", ("a", "e"), frozenset())
    plan = make_candidates_plan(wish, ("a", "b"))
    for failure in ("", "it broke"):
        rows = {row.device_id: row[1:] for row in rows_after(wish, plan, ["b", "e"], failure)}
        assert rows == {"a": ("failed", failure or IGNORED), "e": ("added", "")}


def test_nothing_was_sent() -> None:
    rows = {row.device_id: row[1:] for row in not_sent(WISH, PLAN, "why")}
    assert rows["e"] == ("skipped", "why; it would be added")
    assert rows["a"] == rows["p"] == ("skipped", "why; it would be removed")
    assert rows[MOVED] == ("skipped", "why; it would be moved")


def test_what_left_the_list_with_its_license() -> None:
    """Is told whatever happens afterward; also that somebody added a device in the meantime."""
    wish = dataclasses.replace(WISH, before=("a", "b", "c", "p"), licensed=frozenset("bcep"))
    plan = make_candidates_plan(wish, ("b", "c", "p", "z"))
    for rows in (rows_after(wish, plan, plan.target), not_sent(wish, plan, "why"), in_doubt(wish, plan, "why")):
        told = {row.device_id: row[1:] for row in rows}
        assert told["a"] == ("removed", GONE)
        assert told["z"][0] in ("removed", "skipped", "unknown")
    assert wish.list_before(plan.live) == ["a", "b", "c", "p", "z"]
    assert make_candidates_plan(WISH, plan.live).gone == ()
    assert WISH.list_before(plan.live) == list(plan.live)


def test_nobody_knows() -> None:
    rows = {row.device_id: row.outcome for row in in_doubt(WISH, PLAN, "why")}
    assert {device for device, outcome in rows.items() if outcome == "unknown"} == {"a", "b", "c", "e", "p"}
    appending = make_candidates_plan(dataclasses.replace(WISH, state="present"), ("b", "c"))
    assert {row.device_id: row.outcome for row in in_doubt(WISH, appending, "why")}["b"] == "unchanged"


def test_absent_rows_say_that_there_is_nothing_to_take_off() -> None:
    wish = Wish("account", "v2", "absent", ("x", "a"), frozenset())
    plan = make_candidates_plan(wish, ("a",))
    rows = rows_after(wish, plan, plan.target)
    assert [row[:] for row in rows] == [("x", "unchanged", "not on the list"), ("a", "removed", "")]


def test_what_an_interrupted_run_had_lost_says_so() -> None:
    wish = Wish("account", "v2", "present", ("e",), frozenset())
    plan = make_candidates_plan(wish, ("a",), ("a", "b"))
    rows = rows_after(wish, plan, plan.target)
    assert [row[:] for row in rows] == [("e", "added", ""), ("b", "added", "restored: an interrupted run had lost it")]
