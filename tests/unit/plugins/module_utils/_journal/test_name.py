# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of a journal: one file is one journal, or is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.name import mounted_alone
from ansible_collections.thingspace.licensing.tests.support.journals import never


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize("other", ["hard.db", "elsewhere/hard.db"])
def test_two_real_names_are_refused_by_either(tmp_path: Path, write: bool, other: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    path, second = tmp_path / "j.db", tmp_path / other
    open_journal(str(path), write=True, told=never).close()
    os.link(path, second)
    for name in (path, second):
        with pytest.raises(LicensingError) as caught:
            open_journal(str(name), write=write, told=never).close()
        assert caught.value.code == "journal_unusable"
        assert "2 names (hard links)" in caught.value.message
    second.unlink()
    open_journal(str(path), write=write, told=never).close()


def test_other_ways_to_write_a_name_lead_to_one_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its path is what the lock lies beside."""
    folder = tmp_path / "a"
    folder.mkdir()
    path = folder / "j.db"
    open_journal(str(path), write=True, told=never).close()
    (tmp_path / "b").symlink_to(folder)
    (tmp_path / "link.db").symlink_to(path)
    (tmp_path / "chain.db").symlink_to(tmp_path / "link.db")
    monkeypatch.chdir(tmp_path)
    with path.open("rb") as stream:
        names = ["a/j.db", "./a/../a/j.db", "b/j.db", "link.db", "chain.db", f"/proc/self/fd/{stream.fileno()}"]
        paths = set()
        for name in names:
            journal = open_journal(name, write=True, told=never)
            paths.add(journal.path)
            journal.close()
    assert paths == {str(path)}


@pytest.mark.parametrize("name", ["j.db", "a journal.db", "back\\slash.db", "tab\t.db"])
def test_a_file_that_is_mounted_by_itself(tmp_path: Path, name: str) -> None:
    table, path = tmp_path / "mountinfo", tmp_path / name
    shown = str(path).replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011")
    table.write_text(f"36 35 98:0 / / rw - ext4 /dev/root rw\n37 36 98:0 /x {shown} rw,noatime - ext4 /dev/root rw\n")
    assert mounted_alone(str(path), str(table))
    assert not mounted_alone(str(tmp_path / "other.db"), str(table))
    assert not mounted_alone(str(path), str(tmp_path / "no table"))
