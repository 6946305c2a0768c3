# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is in progress is not undone."""

from __future__ import annotations

import contextlib
import multiprocessing
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record import RunRecord
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.store import Licenses
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.stores import open_store
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.in_progress import require_ended
from ansible_collections.thingspace.licensing.tests.support import journals
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.records import run_record


@pytest.fixture(params=journals.STORES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return journals.place(request.param, tmp_path)


def record(status: str, *kinds: str) -> RunRecord:
    parts: list[dict[str, t.Any]] = [
        {"kind": kind, "sku": "SIMSec-IoT" if kind == "simsec" else "", "devices": []} for kind in kinds
    ]
    return run_record(
        {
            "run": "20261121T215143Z-1a2b3c4d",
            "kind": "apply",
            "started": "2026-11-21T21:51:43Z",
            "ended": None if status == "running" else "2026-11-21T21:59:00Z",
            "plan": "",
            "status": status,
            "accounts": [{"account": ACCOUNT, "parts": parts}],
        }
    )


def hold(place: str, account: str, licenses: Licenses, end: t.Any) -> None:
    """What a job of another process does."""
    with (
        contextlib.closing(open_store(place, write=True, told=never)) as store,
        store.account_lock(account, 1, licenses),
    ):
        end.send("locked")
        end.recv()


@contextlib.contextmanager
def job(place: str, account: str, licenses: Licenses) -> t.Iterator[None]:
    context = multiprocessing.get_context("fork")
    end, theirs = context.Pipe()
    process = context.Process(target=hold, args=(place, account, licenses, theirs))
    process.start()
    try:
        assert end.recv() == "locked"
        yield
    finally:
        process.kill()
        process.join(30)


def outcome(place: str | None, one: RunRecord) -> str:
    """How the undo of the run goes on."""
    warnings: list[str] = []
    try:
        require_ended(one, one.accounts[0], place, never, warnings.append)
    except LicensingError as error:
        assert not warnings
        return error.code
    return " ".join("warned" for text in warnings if one.run in text and "has no end" in text)


@pytest.mark.parametrize("licenses", ["SIM-Secure", "FOTA"])
def test_while_its_lock_is_held_it_is_refused(place: str, licenses: Licenses) -> None:
    mine, other = ("simsec", "fota") if licenses == "SIM-Secure" else ("fota", "simsec")
    both = record("running", "simsec", "fota", "removal_candidates")
    with job(place, ACCOUNT, licenses):
        assert outcome(place, both) == outcome(place, record("running", mine)) == "run_in_progress"
        for free in (record("running", other), record("running", "removal_candidates"), record("running")):
            assert outcome(place, free) == "warned"
        assert outcome(None, both) == "warned", "without a journal, nobody knows"
        for ended in ("done", "failed"):
            assert outcome(place, record(ended, "simsec", "fota")) == ""
    # It was killed, and its lock is free.
    assert outcome(place, both) == "warned"
    with job(place, "0000123456-00009", licenses):
        assert outcome(place, both) == "warned", "another account"
        with (
            contextlib.closing(open_store(place, write=True, told=never)) as store,
            store.account_lock(ACCOUNT, 0.0, licenses),
        ):
            """The question left no lock behind."""


def test_to_ask_creates_nothing(tmp_path: Path) -> None:
    assert outcome(str(tmp_path / "none.db"), record("running", "simsec", "fota")) == "warned"
    open_store(str(tmp_path / "j.db"), write=True, told=never).close()
    before = sorted(tmp_path.iterdir())
    assert outcome(str(tmp_path / "j.db"), record("running", "simsec", "fota")) == "warned"
    assert sorted(tmp_path.iterdir()) == before
