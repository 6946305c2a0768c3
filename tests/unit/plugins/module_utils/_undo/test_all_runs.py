# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of several nodes that share a journal: which came first, which one is meant, and what later ones did."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError, OptionsError
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.all_runs import (
    find_run,
    in_journal,
    latest_run,
    runs_of,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.history import (
    Place,
    enter,
    is_earlier,
    place_of,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record import RunRecord, timestamp
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record_keep import Places, places_of
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record_read import read_record
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.fota import reverse_fota
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.history import later_than
from ansible_collections.thingspace.licensing.tests.support import journals, postgres
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.records import run_account

ONE, TWO = "0000123456-00001", "0000123456-00002"
DEVICE = "990000000000001"
NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.timezone.utc)
PLAN = "1a2b3c4d" * 8


class Node:
    """A machine with files of its own, whose clock may be wrong."""

    def __init__(self, folder: Path, journal: str | None, *, history: bool = False, ahead: int = 0) -> None:
        self.history = str(folder / "history") if history else None
        self._where = (str(folder), self.history, journal)
        self.now = NOW + datetime.timedelta(hours=ahead)

    def places(self, *, starting: bool = False) -> t.ContextManager[Places]:
        """Where its records are kept."""
        return places_of(*self._where, starting=starting, told=never)

    def start(self, outcome: str = "assigned", account: str = ONE, **more: t.Any) -> RunRecord:
        """A run begins."""
        with self.places(starting=True) as places:
            begun = places.enter(self.now, PLAN)
            record = RunRecord(
                begun.run, "apply", timestamp(self.now), None, PLAN, "running", [], begun.beside, begun.seen
            )
            row = {"device_id": DEVICE, "outcome": outcome, "planned": outcome, "reason": "", "request_id": ""}
            part = {"kind": "fota", "action": "exact", "devices": [row]}
            made = run_account({"account": account, "parts": [part]})
            record = record._replace(accounts=[made], **more)
            places.begin(record)
            return record

    def end(self, record: RunRecord) -> RunRecord:
        """It ends."""
        with self.places() as places:
            ended = record._replace(ended=timestamp(self.now), status="done")
            assert places.complete(ended)[1] is None
            return ended

    def run(self, *given: t.Any, **more: t.Any) -> RunRecord:
        return self.end(self.start(*given, **more))


@pytest.fixture(params=journals.STORES)
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return journals.place(request.param, tmp_path)


def place(record: RunRecord) -> Place:
    found = place_of(record.run)
    assert found is not None
    return found._replace(seen=tuple((record.seen or {}).items()))


def test_the_order_of_runs_on_several_nodes_whatever_their_clocks_say(tmp_path: Path, journal: str) -> None:
    """Also beside a directory that other runs without the journal use."""
    nodes = [
        Node(tmp_path / "a", journal, history=True, ahead=-9000),
        Node(tmp_path / "b", journal, ahead=9000),
        Node(tmp_path / "a", None, history=True),
    ]
    first = nodes[2].run()
    shared = [nodes[number].run() for number in (0, 1, 0, 1)]
    last = nodes[2].run()
    for (number, one), (second, other) in itertools.permutations(enumerate(shared), 2):
        assert is_earlier(place(one), place(other)) is (number < second)
    # What was in the directory is earlier, and what the directory does not know may be later.
    for known in (shared[0], shared[2], last):
        assert is_earlier(place(first), place(known)) or known == first
    assert is_earlier(place(shared[2]), place(last))
    assert not is_earlier(place(last), place(shared[2]))


def test_a_run_in_progress_elsewhere_is_known(tmp_path: Path, journal: str) -> None:
    going = Node(tmp_path / "a", journal).start()
    assert Node(tmp_path / "b", journal, history=True).run().beside == [going.run]


def test_a_killed_run_counts_by_what_it_was_about_to_do(tmp_path: Path, journal: str) -> None:
    """And a later one that ended on another node by what it did, even if a file still says otherwise."""
    one, other = Node(tmp_path / "a", journal), Node(tmp_path / "b", journal, history=True)
    undone = one.run("removed")
    killed = other.start("assigned")
    found = later_than(undone, None, journal, told=never)
    (left,) = reverse_fota(undone.accounts[0], found).left
    assert (left.device_id, killed.run in left.reason) == (DEVICE, True)
    row = killed.accounts[0].parts[0].devices[0]
    row["outcome"] = "failed"
    with runs_of(journal, write=True, told=never) as runs:
        Places(str(tmp_path / "c"), None, runs).complete(killed._replace(ended=timestamp(NOW), status="failed"))
    found = later_than(undone, other.history, journal, told=never)
    assert reverse_fota(undone.accounts[0], found).give == [DEVICE]


def test_a_run_by_its_name_on_another_node(tmp_path: Path, journal: str) -> None:
    first = Node(tmp_path / "a", journal).run()
    second = Node(tmp_path / "a", journal).run(account=TWO)
    Node(tmp_path / "a", journal).run(kind="undo", undoes=first.run)
    assert find_run(first.run, journal, told=never) == first.signed()
    latest = [latest_run("latest", journal, accounts, told=never) for accounts in (None, [ONE], [ONE, TWO])]
    assert latest == [second.run, first.run, second.run]
    assert later_than(first, None, journal, told=never).undone_by != []
    assert in_journal(first, journal, told=never)
    assert not in_journal(first._replace(run="another"), journal, told=never)


@pytest.mark.slow
@pytest.mark.parametrize("given", ["20260101T000000Z-000001-00000000-00000000", "newest", "latest", "run.json"])
def test_an_unknown_run_names_the_newest(tmp_path: Path, journal: str, given: str) -> None:
    runs = [Node(tmp_path / "a", journal).run(kind="undo").run for _run in range(12)]
    with pytest.raises(OptionsError) as raised:
        find_run(latest_run(given, journal, None, told=never), journal, told=never)
    assert raised.value.code == "run_unknown"
    assert [run in raised.value.message for run in runs] == [False] * 2 + [True] * 10


def test_a_record_that_was_changed_in_the_journal(tmp_path: Path, journal: str) -> None:
    """It is refused, whether it is undone or is a later one: what it says is not what was done."""
    node = Node(tmp_path / "a", journal)
    first, second = node.run(), node.run()
    with runs_of(journal, write=True, told=never) as runs:
        assert runs is not None
        with runs._store.writing() as db:
            db.execute("UPDATE document_piece SET content = 'eJwDAAAAAAE='")
    for read in (
        lambda: find_run(first.run, journal, told=never),
        lambda: later_than(first, None, journal, told=never),
    ):
        with pytest.raises(OptionsError) as raised:
            read()
        assert raised.value.code == "run_file_invalid"
    assert second.run in raised.value.message


def test_a_run_that_cannot_start_leaves_nothing(tmp_path: Path, journal: str) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    node = Node(tmp_path / "file", journal)
    for broken in (node, Node(tmp_path / "file", journal, history=True)):
        with contextlib.suppress(Exception):
            broken.start()
    with runs_of(journal, write=False, told=never) as runs:
        assert runs is not None
        assert runs.newest(10) == []
    assert enter(None, None, NOW, PLAN).beside == []
    assert Node(tmp_path / "a", journal).run().beside == []


def test_a_journal_that_is_away_at_the_end_keeps_no_record_from_being_written(tmp_path: Path) -> None:
    """Before the start, it keeps the run from sending anything."""
    journal = tmp_path / "journal.db"
    node = Node(tmp_path / "a", str(journal))
    started = node.start()
    ended = started._replace(ended=timestamp(NOW), status="done")
    content = journal.read_bytes()
    journal.write_bytes(b"something else")
    with node.places() as places:
        assert places.begun(started.run) == started.signed()
        path, failure = places.complete(ended)
    assert read_record(path) == ended.signed()
    assert failure is not None
    assert failure.code in ("journal_damaged", "journal_unusable")
    with pytest.raises(LicensingError):
        node.start()
    journal.write_bytes(content)
    assert find_run(started.run, str(journal), told=never) == started.signed()


@pytest.mark.parametrize("table", ["fleet_run", "document_piece"])
def test_a_database_without_room(tmp_path: Path, table: str) -> None:
    """A run does not start without its record, and one that has ended has its record in files."""
    with postgres.new_journal() as journal:
        node = Node(tmp_path, journal, history=True)
        started = node.start()
        database = journal.partition("@/")[2].partition("?")[0]
        postgres.fill_disk(database, table=table)
        with node.places() as places:
            ended = started._replace(ended=timestamp(NOW), status="done")
            path, failure = places.complete(ended)
        assert read_record(path) == ended.signed()
        assert failure is not None
        assert (failure.code, "Make room" in failure.message) == ("journal_full", True)
        with pytest.raises(LicensingError) as raised:
            node.start()
        assert raised.value.code == "journal_full"
        assert [file.stem for file in (tmp_path / "history").glob("*.json")] == [started.run]
        postgres.free_disk(database)
        assert find_run(started.run, journal, told=never) == started.signed()
        assert node.run().beside == [started.run], "it goes on"
