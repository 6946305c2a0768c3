# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One failure stops all accounts of a run, and nothing else does."""

from __future__ import annotations

import multiprocessing
import os
import signal
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.halt import Halt

FORK = multiprocessing.get_context("fork")


def another(folder: Path, ends: t.Callable[[Halt], None]) -> None:
    """Another account, whose process has ended when this returns."""

    def run() -> None:
        with Halt(str(folder), "other") as halt:
            ends(halt)

    process = FORK.Process(target=run)
    process.start()
    process.join(30)
    assert process.exitcode is not None


def crash(_halt: Halt) -> None:
    raise SystemExit(1)


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        (lambda halt: None, False),
        (lambda halt: halt.tell(), True),
        (crash, True),
        (lambda halt: os.kill(os.getpid(), signal.SIGKILL), True),
    ],
    ids=["success", "failure", "error", "kill"],
)
def test_how_another_account_ended(tmp_path: Path, ends: t.Callable[[Halt], None], told: bool) -> None:
    with Halt(str(tmp_path / "stop"), "mine") as halt:
        assert not halt.told()
        another(tmp_path / "stop", ends)
        assert halt.told() is told
    with Halt(str(tmp_path / "stop"), "next") as later:
        assert later.told() is told


def test_accounts_that_are_under_way_stop_nobody(tmp_path: Path) -> None:
    with Halt(str(tmp_path), "one") as one, Halt(str(tmp_path), "two") as two:
        assert not one.told()
        assert not two.told()
        one.tell()
        assert one.told()
        assert two.told()
    with Halt(str(tmp_path), "three") as three:
        assert three.told()


def test_a_user_who_does_not_want_that(tmp_path: Path) -> None:
    with Halt(None, "mine") as halt:
        halt.tell()
        assert not halt.told()
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LicensingError) as caught, Halt(str(tmp_path / "file"), "mine"):
        pass
    assert caught.value.code == "report_unwritable"
    assert "Nothing was sent" in caught.value.message
