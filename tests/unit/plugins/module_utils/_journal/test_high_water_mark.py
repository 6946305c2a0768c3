# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The high-water mark: an older copy of the journal is refused, whatever the account counts, and nothing else is."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.high_water_mark import (
    note_request,
    noted_request,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imeis
from ansible_collections.thingspace.licensing.tests.support.journals import never

SCOPE = Scope(ACCOUNT, "SIMSec-IoT", "imei")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "j.db"


def use(path: Path, requests: int = 1) -> None:
    """A run that sends so many requests."""
    journal = open_journal(str(path), write=True, told=never)
    run = journal.begin_run(SCOPE, "assign", 0)
    for _request in range(requests):
        journal.intend(run, SCOPE, "assign", imeis(2), "1-234")
    journal.close()


def note(path: Path) -> Path:
    return path.with_name(path.name + ".id")


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize(("before", "since"), [(0, 1), (1, 1), (2, 100)])
def test_an_older_copy_is_refused(path: Path, write: bool, before: int, since: int) -> None:
    use(path, before)
    copy = shutil.copy(path, path.with_name("copy.db"))
    use(path, since)
    newest = shutil.copy(path, path.with_name("newest.db"))
    shutil.copy(copy, path)
    for _time in range(2):
        with pytest.raises(LicensingError) as caught:
            open_journal(str(path), write=write, told=never)
        assert caught.value.code == "journal_behind"
        assert f"ends with request {before}" in caught.value.message
        assert f"names {before + since}" in caught.value.message
    shutil.copy(newest, path)
    use(path)
    shutil.copy(copy, path)
    note(path).unlink()
    use(path)
    assert noted_request(str(path)) == before + 1, "it was accepted on purpose"


def test_what_was_written_in_the_same_run_is_missing(path: Path) -> None:
    """It is noted with each request, not with each run."""
    journal = open_journal(str(path), write=True, told=never)
    run = journal.begin_run(SCOPE, "assign", 0)
    for number in range(1, 4):
        assert journal.intend(run, SCOPE, "assign", imeis(1), "1-234") == number
        assert noted_request(str(path)) == number
    journal.close()


def test_a_log_that_is_missing(path: Path) -> None:
    """What was written last may lie in the log only."""
    use(path)
    journal = open_journal(str(path), write=True, told=never)
    run = journal.begin_run(SCOPE, "assign", 0)
    journal.intend(run, SCOPE, "assign", imeis(1), "1-234")
    killed = shutil.copy(path, path.with_name("killed.db"))
    journal.close()
    shutil.copy(killed, path)
    with pytest.raises(LicensingError) as caught:
        open_journal(str(path), write=False, told=never)
    assert caught.value.code == "journal_behind"


def test_a_note_of_an_older_release(path: Path) -> None:
    """It names the journal only, until that is opened to write."""
    use(path, 3)
    identity = note(path).read_text().splitlines()[0]
    note(path).write_text(f"{identity}\n")
    open_journal(str(path), write=False, told=never).close()
    assert noted_request(str(path)) == 0
    open_journal(str(path), write=True, told=never).close()
    assert note(path).read_text() == f"{identity}\n{3:020d}\n"
    note(path).write_text(identity)
    use(path)
    assert note(path).read_text() == f"{identity}\n{4:020d}\n"


@pytest.mark.parametrize("line", [b"", b"x", b"-1", b"\xff" * 20, b"1" * 19, b"1" * 21, b" 1" * 10])
def test_a_second_line_that_says_nothing(path: Path, line: bytes) -> None:
    use(path)
    identity = note(path).read_bytes().splitlines()[0]
    note(path).write_bytes(identity + b"\n" + line)
    assert noted_request(str(path)) == 0
    open_journal(str(path), write=False, told=never).close()


def test_a_note_that_is_gone_or_cannot_be_written_stops_nobody(path: Path) -> None:
    journal = open_journal(str(path), write=True, told=never)
    run = journal.begin_run(SCOPE, "assign", 0)
    note(path).unlink()
    journal.intend(run, SCOPE, "assign", imeis(1), "1-234")
    assert not note(path).exists()
    note(path).mkdir()
    journal.intend(run, SCOPE, "assign", imeis(1), "1-234")
    journal.close()


def test_it_never_goes_back(path: Path) -> None:
    open_journal(str(path), write=True, told=never).close()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: note_request(str(path), number), [5, 3, 400, 399, 1, 2, 398] * 20))
    assert noted_request(str(path)) == 400


def test_reading_while_others_send(path: Path) -> None:
    """The mark is never ahead of the journal, so nobody is refused meanwhile."""
    open_journal(str(path), write=True, told=never).close()
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(use, path, 50)
        while not sending.done():
            open_journal(str(path), write=False, told=never).close()
        sending.result()
    assert noted_request(str(path)) == 50
