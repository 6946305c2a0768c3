# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The progress file: what stands in it and when, and that nothing ever fails because of it."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.paging import Page, as_set, read_all
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.batches import Sending
from ansible_collections.thingspace.licensing.plugins.module_utils._progress import Progress, ProgressFile
from ansible_collections.thingspace.licensing.tests.support.fakes import FakeThingSpace, Told, imeis, lose


def read(path: Path) -> dict[str, t.Any]:
    """What the file holds, without the time."""
    state: dict[str, t.Any] = json.loads(path.read_text(encoding="utf-8"))
    assert state.pop("time").endswith("Z")
    return state


@pytest.mark.parametrize(
    ("done", "of", "failed", "text"),
    [
        (34000, 100_000, 12, "FOTA: 34,000 of 100,000 assignments sent, 12 failed"),
        (0, 5, 0, "FOTA: 0 of 5 assignments sent"),
        (1234567, None, 0, "FOTA: 1,234,567 assignments sent"),
    ],
)
def test_text_and_numbers(tmp_path: Path, done: int, of: int | None, failed: int, text: str) -> None:
    path = tmp_path / "progress.json"
    Progress(ProgressFile(str(path))).about("FOTA").tell("assignments sent", done, of, failed)
    told = {"subject": "FOTA", "what": "assignments sent", "done": done, "of": of, "failed": failed}
    assert read(path) == {"text": text, **told, "ended": False}
    assert [entry.name for entry in tmp_path.iterdir()] == ["progress.json"]


def test_what_an_earlier_task_left_is_gone_at_once(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    path.write_text('{"text": "FOTA: 7 of 7 assignments sent"}', encoding="utf-8")
    ProgressFile(str(path))
    assert read(path) == {"text": "", "ended": False}


def test_every_number_is_there_at_once_and_the_end_too(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    file = ProgressFile(str(path))
    step = Progress(file, "A subject with a long name").step("assignments sent")
    step.begin(1000)
    for number in range(1, 11):
        step.add(100, 1)
        assert (read(path)["done"], read(path)["failed"]) == (number * 100, number)
    Progress(file, "FOTA").tell("devices read", 5)
    assert read(path)["text"] == "FOTA: 5 devices read", "nothing is left of a longer line"
    file.close()
    assert (read(path)["done"], read(path)["ended"]) == (5, True)
    file.close()
    file.put({"text": "too late"})
    assert read(path)["text"] == "FOTA: 5 devices read"


@pytest.mark.parametrize("name", ["missing/progress.json", ".", "\0", "x" * 300, "pipe"])
def test_a_file_that_cannot_be_written_harms_nobody(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    file = ProgressFile(f"{tmp_path}/{name}")
    Progress(file).tell("devices read", 1)
    file.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["pipe"]


def test_a_full_disk_harms_nobody() -> None:
    file = ProgressFile("/dev/full")
    Progress(file).tell("devices read", 1)
    file.close()


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious", encoding="utf-8")
    (tmp_path / "progress.json").symlink_to(victim)
    Progress(ProgressFile(str(tmp_path / "progress.json"))).tell("devices read", 1)
    assert victim.read_text(encoding="utf-8") == "precious"


def test_nobody_is_told_without_a_file() -> None:
    Progress().about("FOTA").step("devices read").begin(3)


def test_every_page_is_told() -> None:
    pages = iter(
        [
            Page([("a", ""), ("b", "")], 9, 3, more=True, cursor="b", size=2),
            Page([("c", "")], 9, None, more=False, cursor="c", size=2),
        ]
    )
    told: list[tuple[int, int | None]] = []

    def recounted(page: Page) -> Page:
        return page._replace(assigned=3)

    read_all(None, lambda _cursor: next(pages), as_set, lambda done, of: told.append((done, of)), recounted)
    assert told == [(2, 3), (3, None)]


def test_sending_counts_what_was_sent_and_what_was_refused() -> None:
    space, told = FakeThingSpace(), Told()
    space.progress = told
    space.bad = {imeis(40)[3], imeis(40)[22]}
    sending = Sending(space.api(), "assign", 10)
    sending.send(imeis(40))
    assert told.lines[0] == ("assignments sent", 0, 40, 0)
    assert told.lines[-1] == ("assignments sent", 40, 40, 2)
    done = [line[1] for line in told.lines]
    assert done == sorted(done)


def test_what_got_lost_counts_as_sent_and_a_repetition_anew() -> None:
    space, told = FakeThingSpace(imeis(30)), Told()
    space.progress = told
    space.faults = [None, lose(None)]
    sending = Sending(space.api(), "remove", 10)
    sending.send(imeis(30))
    assert told.lines[-1] == ("removals sent", 30, 30, 0)
    sending.send(imeis(10, 10))
    assert told.lines[-2:] == [("removals sent", 0, 10, 0), ("removals sent", 10, 10, 0)]
