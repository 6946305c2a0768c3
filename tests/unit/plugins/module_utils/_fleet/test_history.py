# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and order of runs: no two runs share a name, and a run is earlier than another one only if that is proven."""

from __future__ import annotations

import datetime
import itertools
import json
import multiprocessing
import random
import shutil
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.documents import read
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.history import (
    MAX_OPEN,
    ORDER_FILE,
    Place,
    enter,
    is_earlier,
    leave,
    place_of,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record import RunAccount, RunRecord
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record_keep import Places, write_record

NOW = datetime.datetime(2026, 11, 21, 21, 51, 43, tzinfo=datetime.timezone.utc)
PLAN = "1a2b3c4d" * 8


def place(name: str) -> Place:
    found = place_of(name)
    assert found is not None
    return found


def take(folder: Path, now: datetime.datetime = NOW) -> Place:
    """A run that begins, and leaves a file."""
    begun_now = enter(str(folder), None, now, PLAN)
    (folder / f"{begun_now.run}.json").write_text("{}", encoding="utf-8")
    return place(begun_now.run)._replace(seen=tuple(begun_now.seen.items()))


@pytest.mark.parametrize("seed", range(20))
def test_runs_of_one_directory_are_in_their_order_whatever_the_clock_says(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    runs = [take(tmp_path, NOW + datetime.timedelta(days=chance.randint(-500, 500))) for _run in range(12)]
    for (first, one), (second, other) in itertools.permutations(enumerate(runs), 2):
        assert is_earlier(one, other) is (first < second)


def test_a_name_begins_with_the_time_and_the_number(tmp_path: Path) -> None:
    names = [enter(str(tmp_path), None, NOW, digest).run for digest in (PLAN, "")]
    assert [name[:24] for name in names] == ["20261121T215143Z-000001-", "20261121T215143Z-000002-"]
    assert [name[-9:] for name in names] == ["-1a2b3c4d", "-00000000"]
    assert sorted(names) == names


def test_without_a_directory_names_are_different_all_the_same() -> None:
    names = {enter(None, None, NOW, PLAN).run for _run in range(100)}
    assert len(names) == 100
    assert {place(name) for name in names} == {Place("20261121T215143Z")}


def _lose_file(folder: Path) -> Path:
    (folder / ORDER_FILE).unlink()
    return folder


def _damage(text: str) -> t.Callable[[Path], Path]:
    def change(folder: Path) -> Path:
        (folder / ORDER_FILE).write_bytes(text.encode("utf-8", "surrogateescape"))
        return folder

    return change


def _copy(folder: Path) -> Path:
    return Path(shutil.copytree(folder, folder.parent / "copy"))


@pytest.mark.parametrize("change", [_lose_file, _damage(""), _damage("\udcff" * 500), _damage("x 7 1"), _copy])
def test_a_directory_that_may_have_missed_runs_goes_on_with_numbers_of_its_own(
    tmp_path: Path, change: t.Callable[[Path], Path]
) -> None:
    """So that the number of a run of another copy proves nothing, and no clock does: only what was there is earlier."""
    folder = tmp_path / "history"
    folder.mkdir()
    before = [take(folder) for _run in range(3)]
    other = change(folder)
    hour = datetime.timedelta(hours=1)
    after = [take(other, NOW + hours * hour) for hours in (-9000, -3, 0, 3, 9000)]
    # Where the first identity goes on, if it does.
    elsewhere = [Place(f"{year}0101T000000Z", before[0].history, 4) for year in (2020, 2099)]
    assert {one.history for one in after}.isdisjoint({one.history for one in before})
    for one in after:
        assert all(is_earlier(known, one) and not is_earlier(one, known) for known in before)
        assert not any(is_earlier(one, unknown) or is_earlier(unknown, one) for unknown in elsewhere)


def test_a_number_that_files_have_is_not_given_again(tmp_path: Path) -> None:
    first = take(tmp_path)
    words = (tmp_path / ORDER_FILE).read_text(encoding="ascii").split()
    (tmp_path / f"20270101T000000Z-000041-{first.history}-00000000.json").write_text("{}", encoding="utf-8")
    assert words[1] == "1"
    assert take(tmp_path).number == 42


def test_of_two_with_one_number_none_is_proven_to_be_earlier() -> None:
    """As two may have where a file system does not keep locks."""
    one, other = Place("20261121T215143Z", "9f8e7d6c", 1), Place("20271121T215143Z", "9f8e7d6c", 1)
    assert not is_earlier(one, other)
    assert not is_earlier(other, one)


def test_runs_beside_each_other_are_known(tmp_path: Path) -> None:
    """Also those that were killed, up to a limit; and of a copy, none."""
    history = str(tmp_path / "history")
    first, second = (enter(history, None, NOW, PLAN) for _run in range(2))
    assert (first.beside, second.beside) == ([], [first.run])
    leave(history, first.run)
    third = enter(history, None, NOW, PLAN)
    assert third.beside == [second.run]
    killed = [enter(history, None, NOW, PLAN).run for _run in range(MAX_OPEN + 20)]
    assert enter(history, None, NOW, PLAN).beside == killed[-MAX_OPEN:]
    leave(str(tmp_path / "none"), first.run)
    assert not (tmp_path / "none").exists()
    shutil.copytree(history, tmp_path / "copy")
    assert enter(str(tmp_path / "copy"), None, NOW, PLAN).beside == []


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(LicensingError) as raised:
        enter(str(tmp_path / "file"), None, NOW, PLAN)
    assert raised.value.code == "report_unwritable"


def _record(run: str, **more: t.Any) -> RunRecord:
    record = RunRecord(run, "apply", "2026-01-01T00:00:00Z", None, "", "running", [])
    return record._replace(**more)


def _begin_runs(folder: Path, process: int, count: int) -> None:
    for number in range(count):
        run = enter(str(folder / "history"), None, NOW, PLAN).run
        record = _record(run, remaining=f"{process} {number}")
        Places(str(folder / str(process)), str(folder / "history"), None).begin(record)


def test_processes_at_once_lose_no_record(tmp_path: Path) -> None:
    """All of one second, and of one plan."""
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_begin_runs, args=(tmp_path, number, 15)) for number in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    records = [json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / "history").glob("2*.json")]
    found = [tuple(map(int, record["remaining"].split())) for record in records]
    assert sorted(found) == [(one, number) for one in range(6) for number in range(15)]
    assert sorted(place(record["run"]).number for record in records) == list(range(1, 91))


def test_a_run_that_began_in_the_meantime_keeps_its_record(tmp_path: Path) -> None:
    window = RunAccount("a", [], [{"run": "of a window"}])
    first, second = (_record(name, accounts=[window]) for name in ("first", "second"))
    places = Places(str(tmp_path), None, None)
    for document in (first, second):
        places.begin(document)
    assert places.complete(first) == (str(tmp_path / "run-first.json"), None)
    assert places.complete(second) == (str(tmp_path / "run.json"), None)
    assert [places.begun(name) for name in (None, "second")] == [second.signed()] * 2


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"run": 1, "checksum": ""}', '{"run": "first"}', "[" * 100_000])
def test_what_is_no_record_gives_way_to_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text, encoding="ascii")
    places = Places(str(tmp_path), None, None)
    assert places.begun(None) is None
    assert places.complete(_record("second")) == (str(tmp_path / "run.json"), None)
    assert places.begun(None) == _record("second").signed()


@pytest.mark.parametrize("links", [True, False])
def test_a_record_never_replaces_that_of_another_run(
    tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:

        def refuse(*_arguments: t.Any) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr("os.link", refuse)
    write_record(str(tmp_path), "run.json", _record("first"), new=True)
    with pytest.raises(LicensingError, match="File exists"):
        write_record(str(tmp_path), "run.json", _record("second"), new=True)
    assert read(RunRecord, json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))) == _record("first")
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
