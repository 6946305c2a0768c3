# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list as it was before a rewrite, for the task after one that was killed."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._candidates import backup
from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.backup import KeptList
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import FileStore, MemoryStore
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError

PREVIOUS, TARGET = list("abcd"), list("dcbae")


@pytest.fixture
def kept(tmp_path: Path) -> KeptList:
    """A kept list of a task that did not come to its end."""
    kept = KeptList(FileStore(str(tmp_path / "run")), "0000123456-00001")
    kept.keep(PREVIOUS, TARGET)
    return kept


@pytest.mark.parametrize("live", ["d", "dcba", "a", "abc"])
def test_a_part_of_either_list_is_what_an_interrupted_rewrite_left(kept: KeptList, live: str) -> None:
    found = kept.recover(list(live), put_aside=False)
    assert found.whole == PREVIOUS
    assert f"{len(live)} of them are left of the 4 before" in found.warning


@pytest.mark.parametrize("live", [PREVIOUS, TARGET])
def test_a_whole_list_needs_no_recovery_then_or_later(kept: KeptList, live: list[str]) -> None:
    assert kept.recover(live, put_aside=False) == (None, "")
    assert kept.recover(live[:2], put_aside=False) == (None, "")


@pytest.mark.parametrize("live", ["", "x", "dx", "abcdx", "dcbaex", "b"])
def test_what_somebody_else_made_is_taken_as_it_is(kept: KeptList, live: str) -> None:
    found = kept.recover(list(live), put_aside=False)
    assert found.whole is None
    assert (
        f"the list has changed since, so the current list is used. The list before that rewrite is in {kept.location}"
        in (found.warning)
    )


@pytest.fixture
def doubted(kept: KeptList, monkeypatch: pytest.MonkeyPatch) -> KeptList:
    """A kept list of a task of which a request got no answer, a while ago."""
    monkeypatch.setattr(backup.time, "time", lambda: 1000.0)
    kept.doubt()
    monkeypatch.setattr(backup.time, "time", lambda: 1000.0 + backup.LATE - 1)
    return kept


@pytest.mark.parametrize("live", ["dc", "abc", "d"])
def test_what_is_as_before_may_still_change(doubted: KeptList, live: str) -> None:
    assert doubted.recover(PREVIOUS, put_aside=True) == (None, "")
    assert doubted.recover(list(live), put_aside=True).whole == PREVIOUS


@pytest.mark.parametrize("live", ["dc", "abc", "dcbae"])
def test_a_late_request_is_known_after_the_next_change(doubted: KeptList, live: str) -> None:
    doubted.keep(PREVIOUS, list("xyz"))
    doubted.confirm(list("xyz"))
    assert doubted.recover(list("xyz"), put_aside=True) == (None, "")
    assert doubted.recover(list(live), put_aside=True).whole == list("xyz")


def test_that_all_is_as_before_the_doubt_is_somebodys_will(doubted: KeptList) -> None:
    doubted.keep(PREVIOUS, list("xyz"))
    doubted.confirm(list("xyz"))
    found = doubted.recover(PREVIOUS, put_aside=True)
    assert (found.whole, "current list is used" in found.warning) == (None, True)


def test_a_late_deletion_is_known(kept: KeptList) -> None:
    kept.keep(PREVIOUS, [])
    kept.doubt()
    kept.confirm(list("xyz"))
    assert kept.recover([], put_aside=True).whole == list("xyz")


def test_a_late_append_makes_devices_stand_twice(doubted: KeptList) -> None:
    found = doubted.recover([*PREVIOUS, "d", "c"], put_aside=True)
    assert found.whole == PREVIOUS
    assert "6 entries name 4 devices" in found.warning


def test_putting_a_list_back_alone_is_a_rewrite_too(kept: KeptList) -> None:
    """What the next task wants may be precisely the list that an interrupted one was about to change."""
    kept.keep(PREVIOUS, PREVIOUS)
    assert kept.recover(PREVIOUS[:2], put_aside=True).whole == PREVIOUS


def test_what_somebody_else_made_is_kept_as_long_as_a_request_may_come(doubted: KeptList) -> None:
    assert "current list is used" in doubted.recover(list("xyz"), put_aside=True).warning
    assert doubted.recover(list("xyz"), put_aside=True) == (None, "")
    assert doubted.recover(list("dc"), put_aside=True).whole == list("xyz")


@pytest.mark.parametrize("live", [PREVIOUS, TARGET])
def test_after_an_hour_nothing_comes_any_more(
    doubted: KeptList, live: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup.time, "time", lambda: 1000.0 + backup.LATE + 1)
    assert doubted.recover(live, put_aside=True) == (None, "")
    assert doubted.recover(live[:2], put_aside=True) == (None, "")


def test_what_came_after_all_is_the_list(doubted: KeptList) -> None:
    assert doubted.recover(TARGET, put_aside=True) == (None, "")
    assert doubted.recover(TARGET[:2], put_aside=True).whole == TARGET


def test_the_file(kept: KeptList, tmp_path: Path) -> None:
    assert kept.location == str(tmp_path / "run" / "removal-candidates-0000123456-00001.json")
    content: dict[str, t.Any] = json.loads(Path(kept.location).read_text(encoding="utf-8"))
    assert (content["previous"], content["target"]) == (PREVIOUS, TARGET)
    assert kept.location in kept.where_to_find(PREVIOUS)
    kept.confirm(PREVIOUS)
    assert json.loads(Path(kept.location).read_text(encoding="utf-8")) == {}
    assert kept.recover(["d"], put_aside=False) == (None, "")


def test_the_list_of_another_account_is_another(kept: KeptList, tmp_path: Path) -> None:
    other = KeptList(FileStore(str(tmp_path / "run")), "0000123456-00002")
    assert other.recover(["d"], put_aside=False) == (None, "")
    assert kept.recover(["d"], put_aside=False).whole == PREVIOUS


def test_what_does_not_fit_any_more_is_put_aside_once(kept: KeptList) -> None:
    warning = kept.recover(["x"], put_aside=True).warning
    aside = Path(warning.split("rewrite is in ")[1].removesuffix("."))
    assert json.loads(aside.read_text(encoding="utf-8"))["previous"] == PREVIOUS
    assert kept.recover(["x"], put_aside=True) == (None, "")
    assert kept.recover(["d"], put_aside=True) == (None, "")


def test_two_tasks_do_not_write_the_same_list(kept: KeptList, tmp_path: Path) -> None:
    other = KeptList(FileStore(str(tmp_path / "run")), "0000123456-00001")
    with kept.locked(0.0), pytest.raises(LicensingError), other.locked(0.0):
        pass
    with other.locked(0.0):
        assert other.recover(["d"], put_aside=False).whole == PREVIOUS


def test_without_a_directory_the_list_stands_in_the_result() -> None:
    kept = KeptList(MemoryStore(), "0000123456-00001")
    kept.keep(PREVIOUS, TARGET)
    assert kept.location is None
    assert "failure.previous_list" in kept.where_to_find(PREVIOUS)
    assert KeptList(MemoryStore(), "0000123456-00001").recover(["d"], put_aside=False) == (None, "")


def test_each_version_has_a_rewrite_of_its_own(tmp_path: Path) -> None:
    """Whether they share the list is not documented. Reading the list of one does not end a rewrite of the other."""
    account, store = "0000123456-00001", FileStore(str(tmp_path / "run"))
    own, other = KeptList(store, account, "v1"), KeptList(store, account, "v2")
    before = ["a", "b", "c"]
    own.keep(before, ["c", "b", "a"])
    for live in (before, ["c", "b", "a"], [], ["x"]):
        assert other.recover(live, put_aside=True) == (None, "")
        other.confirm(live)
    other.keep(["x"], ["y"])
    assert own.recover(["a"], put_aside=True).whole == before
    other.confirm(["y"])
    assert other.recover(["a"], put_aside=True).whole == before, "if they share the list, it is not the whole one"
