# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs and plans in the store: their order, their records in one piece, and what is forgotten."""

from __future__ import annotations

import contextlib
import datetime
import multiprocessing
import random
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._journal import fleet_runs, packed
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.clock import ago
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.fleet_plans import KEPT, FleetPlans
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.fleet_runs import (
    FleetRuns,
    KeptRun,
    prune_runs,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.store import Store
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.stores import open_store
from ansible_collections.thingspace.licensing.tests.support.journals import never

MOST = 10_000_000


@contextlib.contextmanager
def stored(place: str) -> t.Iterator[Store]:
    with contextlib.closing(open_store(place, write=True, told=never)) as store:
        yield store


def run_of(name: str, **more: t.Any) -> KeptRun:
    return KeptRun(name, "apply", "1a" * 32, "2026-01-01T00:00:00Z", None, "running")._replace(**more)


def begun(runs: FleetRuns, *accounts: str, **more: t.Any) -> str:
    name, _beside = runs.enter("2026-01-01T00:00:00Z", lambda identity, number: f"{number:06}-{identity}")
    runs.keep(run_of(name, **more), accounts, ["{}"])
    return name


def pruned(store: Store, before: str, *, check: bool = False) -> int:
    with store.writing() as db:
        return prune_runs(db, before, check=check)


def _begin_many(place: str, results: t.Any) -> None:
    with stored(place) as store:
        results.put([begun(FleetRuns(store)) for _run in range(10)])


def test_processes_at_once_get_numbers_of_their_own_in_their_order(place: str) -> None:
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    processes = [context.Process(target=_begin_many, args=(place, results)) for _number in range(4)]
    for process in processes:
        process.start()
    named = [results.get(timeout=60) for _process in processes]
    for process in processes:
        process.join(60)
    with stored(place) as store:
        kept = [run.name for run in FleetRuns(store).newest(100)]
    assert all(sorted(names) == names for names in named)
    assert kept == sorted((name for names in named for name in names), reverse=True)
    assert [int(name[:6]) for name in kept] == list(range(40, 0, -1))


def test_unfinished_runs_are_told_to_the_next_one(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that were killed, up to a limit; but not one that could not start."""
    monkeypatch.setattr(fleet_runs, "MAX_OPEN", 5)
    with stored(place) as store:
        runs = FleetRuns(store)
        names = [begun(runs) for _run in range(9)]
        runs.keep(run_of(names[-1], ended="2026-01-01T00:00:01Z", status="done"), ["a"], ["{}"])
        failed, _beside = runs.enter("2026-01-01T00:00:00Z", lambda _identity, number: f"{number}")
        runs.drop(failed)
        going, beside = runs.enter("2026-01-01T00:00:00Z", lambda _identity, number: f"{number}")
        assert beside == names[3:-1]
        # It has no record yet, but may send before the next one does.
        _last, beside = runs.enter("2026-01-01T00:00:00Z", lambda _identity, number: f"{number}")
        assert beside == [*names[4:-1], going]
        assert failed not in [run.name for run in runs.newest(1000)]


@pytest.mark.parametrize("size", [0, 1, 5_000, 300_000])
def test_a_record_comes_back_as_it_was(place: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its size, and whatever the size of its parts; the old one makes room for it."""
    monkeypatch.setattr(packed, "_PIECE", 3 * 4096)
    chance = random.Random(size)
    text = "".join(chance.choices("0123456789äß\n\u2028", k=size))
    cut = [text[start : start + 7_001] for start in range(0, size, 7_001)]
    with stored(place) as store:
        runs, plans = FleetRuns(store), FleetPlans(store)
        name = begun(runs)
        runs.keep(run_of(name), ["a"], cut)
        plans.keep("d" * 64, cut)
        assert runs.record(name, MOST) == plans.plan("d" * 64, MOST) == text
        assert (runs.record("none", MOST), plans.plan("e" * 64, MOST)) == (None, None)
        if size:
            with pytest.raises(ValueError):
                runs.record(name, len(text.encode()) - 1)
        with store.reading() as db:
            assert db.execute("SELECT count(*) FROM document").fetchone() == (2,)


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM document_piece WHERE place = 1",
        "UPDATE document_piece SET content = 'AAAA' WHERE place = 0",
        "UPDATE document_piece SET content = '' WHERE place = 2",
    ],
)
def test_a_damaged_record_is_none(place: str, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_PIECE", 300)
    text = "".join(random.Random(1).choices("0123456789", k=4000))
    with stored(place) as store:
        runs = FleetRuns(store)
        name = begun(runs)
        runs.keep(run_of(name), ["a"], [text])
        with store.writing() as db:
            db.execute(damage)
        with pytest.raises(ValueError):
            runs.record(name, MOST)


def test_the_newest_runs_of_a_kind_and_of_accounts(place: str) -> None:
    with stored(place) as store:
        runs = FleetRuns(store)
        first, second = begun(runs, "a", "b"), begun(runs, "b")
        undo = begun(runs, "a", kind="undo")
        asked: list[dict[str, t.Any]] = [
            {},
            {"kind": "apply"},
            {"accounts": ["a"]},
            {"kind": "apply", "accounts": ["a", "x"]},
            {"accounts": []},
        ]
        names = [[run.name for run in runs.newest(2, **one)] for one in asked]
        assert names == [[undo, second], [second, first], [undo, first], [first], []]
        assert runs.accounts(first) == ["a", "b"]


def test_a_plan_is_kept_once_and_forgotten_when_nobody_used_it(place: str) -> None:
    with stored(place) as store:
        plans = FleetPlans(store)
        plans.keep("a" * 64, ["first"])
        plans.keep("a" * 64, ["second"])
        plans.keep("b" * 64, ["other"])
        assert plans.plan("a" * 64, MOST) == "first"
        with store.writing() as db:
            db.execute("UPDATE fleet_plan SET used = '2020-01-01T00:00:00.000000Z'")
        plans.keep("a" * 64, ["again"])
        plans.keep("c" * 64, ["new"])
        assert [plans.plan(name * 64, MOST) for name in "abc"] == ["first", None, "new"]
        with store.reading() as db:
            assert db.execute("SELECT count(*) FROM document").fetchone() == (2,)
            assert db.execute("SELECT count(DISTINCT document) FROM document_piece").fetchone() == (2,)


@pytest.mark.parametrize("kept", ["plan", "approved"])
def test_a_run_is_known_as_long_as_its_plan(place: str, kept: str) -> None:
    """Otherwise, its approval would cover it again after it was undone."""
    with stored(place) as store:
        runs = FleetRuns(store)
        digests = {"plan": "c" * 64, "approved": "d" * 64}
        for plan in ("a" * 64, "b" * 64):
            begun(runs, "a", plan=plan)
        begun(runs, "a", **digests)
        begun(runs, "a")
        FleetPlans(store).keep(digests[kept], ["plan"])
        assert pruned(store, "2027") == 2
        assert len(runs.newest(9)) == 2


def test_a_run_of_the_last_months_is_known(place: str) -> None:
    """Also if its plan was never in the store: somebody may have it as a file."""
    with stored(place) as store:
        runs = FleetRuns(store)
        begun(runs, "a", started=ago(KEPT + datetime.timedelta(days=1)))
        begun(runs, "a", started=ago(KEPT - datetime.timedelta(days=1)))
        begun(runs, "a")
        assert pruned(store, "2999") == 1
        assert len(runs.newest(9)) == 2


def test_the_first_runs_are_forgotten_and_never_the_last_one(place: str) -> None:
    """Nor one before which another one started later, by its clock: it would be unknown what came after that."""
    with stored(place) as store:
        runs = FleetRuns(store)
        days = ("2026-01-01", "2026-01-03", "2026-01-02", "2026-01-01")
        names = [begun(runs, "a", started=f"{day}T00:00:00Z") for day in days]
        # It was killed before it had a record.
        runs.enter("2026-01-01T00:00:00Z", lambda _identity, number: f"{number}")
        found: list[t.Any] = []
        for before, check in (("2026-01-02", True), ("2026-01-02", False), ("2026-01-09", False), ("2027", False)):
            found.append(pruned(store, before, check=check))
            found.append([run.name for run in runs.newest(9)])
        kept = names[:0:-1]
        assert found == [1, names[::-1], 1, kept, 3, [], 0, []]
        assert runs.enter("2026-01-01T00:00:00Z", lambda _identity, number: f"{number}")[0] == "6"
        with store.reading() as db:
            assert db.execute("SELECT count(*) FROM document").fetchone() == (0,)
            assert db.execute("SELECT count(*) FROM fleet_run_account").fetchone() == (0,)
