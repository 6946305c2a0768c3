# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which runs that did not end still go on: killed ones do not, also where their process number is used again."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.clock import now
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Journal, open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.runs import runs_since
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT
from ansible_collections.thingspace.licensing.tests.support.journals import never, sqlite_of

SCOPE = Scope(ACCOUNT, "SIMSec-IoT", "imei")


@pytest.fixture
def journal() -> t.Iterator[Journal]:
    made = open_journal("", write=True, told=never)
    yield made
    made.close()


def begun(journal: Journal, host: str, pid: int, started: str) -> None:
    journal.begin_run(SCOPE, "assign", 0)
    sqlite_of(journal).execute("UPDATE run SET host = ?, pid = ?, started = ?", (host, pid, started))


def refused(journal: Journal) -> bool:
    try:
        journal.begin_run(SCOPE, "assign", 0)
    except LicensingError as error:
        return error.code == "journal_locked"
    return False


def test_one_that_goes_on(journal: Journal) -> None:
    begun(journal, platform.node(), os.getppid(), now())
    assert refused(journal)
    journal.end_run(1)
    assert not refused(journal)


def test_ones_that_do_not(journal: Journal) -> None:
    """A process of another host, this one, one that is younger than the run, one that is gone, and one not reaped."""
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as ended:
        assert ended.stdout is not None
        ended.stdout.read()
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert runs_since(ended.pid) < 0
        begun(journal, platform.node(), ended.pid, now())
        assert not refused(journal)
    for host, pid, started in (
        (platform.node(), ended.pid, now()),
        ("another", os.getppid(), now()),
        (platform.node(), os.getpid(), now()),
        (platform.node(), os.getppid(), "2020-01-01T00:00:00.000000Z"),
    ):
        begun(journal, host, pid, started)
        assert not refused(journal), (host, pid, started)


def test_where_nothing_tells() -> None:
    assert runs_since(-1) < 0
    assert runs_since(os.getpid()) >= 0
