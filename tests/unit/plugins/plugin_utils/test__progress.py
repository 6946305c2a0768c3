# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Watching a task: when lines are shown, and which."""

from __future__ import annotations

import json
import signal
import threading
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.controller import import_plugin
from ansible_collections.thingspace.licensing.tests.support.fakes import Clock

_progress = import_plugin("plugin_utils._progress")
Happening = t.Callable[[float], t.Any]


class Task:
    """A task that lasts so many seconds; what stands in its file depends on how many have passed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, path: Path, seconds: float, content: Happening) -> None:
        self.path = path
        self.seconds = seconds
        self.content = content
        self.clock = Clock(0.0)
        self.shown: list[tuple[float, str]] = []
        self.streams: set[bool] = set()
        monkeypatch.setattr(_progress, "display", types.SimpleNamespace(display=self.display))

    def display(self, line: str, *, stderr: bool) -> None:
        """Keep a line."""
        self.shown.append((round(self.clock.now, 1), line))
        self.streams.add(stderr)

    def wait(self, seconds: float) -> bool:
        """Let time pass until then, or until the end."""
        self.clock.now = min(self.seconds, self.clock.now + seconds)
        content = self.content(self.clock.now)
        if content is not None:
            self.path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return self.clock.now >= self.seconds

    def watch(self, first: float = 5.0) -> list[tuple[float, str]]:
        """Watch it; returns the lines with their seconds."""
        _progress.Watch(str(self.path), "north", first, self.clock).watch(self.wait)
        return self.shown


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> t.Callable[..., Task]:
    return lambda seconds, content: Task(monkeypatch, tmp_path / "progress.json", seconds, content)


def moving(now: float) -> dict[str, str]:
    """Something new every time."""
    return {"text": f"FOTA: {now:.1f} done"}


def test_less_and_less_often_and_the_end(task: t.Callable[..., Task]) -> None:
    made = task(3600.0, moving)
    times = [at for at, _line in made.watch()]
    pauses = [later - earlier for earlier, later in zip([0.0, *times], times, strict=False)]
    assert times[:4] == [5.0, 11.0, 18.2, 26.8]
    assert pauses[:-1] == sorted(pauses[:-1])
    assert max(pauses) == pytest.approx(60.0, abs=0.1)
    assert times[-1] == 3600.0
    assert len(times) < 75, "an hour is little more than a line a minute"
    assert made.streams == {True}, "the standard output may be a document"


def test_a_line_says_who_what_and_since_when(task: t.Callable[..., Task]) -> None:
    assert task(12.0, lambda _now: {"text": "FOTA: 1 of 2 devices read"}).watch() == [
        (5.0, "[north] FOTA: 1 of 2 devices read (5 s)")
    ]


def test_a_short_task_shows_nothing(task: t.Callable[..., Task]) -> None:
    assert task(4.9, moving).watch() == []


def test_only_what_has_changed(task: t.Callable[..., Task]) -> None:
    shown = task(600.0, lambda now: {"text": "one" if now < 100 else "two"}).watch()
    assert [line.split(" (")[0] for _at, line in shown] == ["[north] one", "[north] two"]


@pytest.mark.parametrize(
    "content",
    [None, "", "{", "[]", "7", '{"text": 7}', '{"other": ""}', '{"text": ""}', '{"text": "\\u001b[2J"}', "\ud800"],
)
def test_a_file_that_says_nothing(tmp_path: Path, task: t.Callable[..., Task], content: str | None) -> None:
    if content == "\ud800":
        (tmp_path / "progress.json").write_bytes(b"\xff\xfe")
        content = None
    assert task(30.0, lambda _now: content).watch() == []


@pytest.mark.parametrize("path", [None, 7, "", "\0", "~nobody-of-that-name/x", "$NOTHING"])
def test_paths_of_any_kind(task: t.Callable[..., Task], path: t.Any) -> None:
    made = task(30.0, lambda _now: None)
    _progress.Watch(path, "north", 5.0, made.clock).watch(made.wait)
    assert made.shown == []


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(None, 5.0), ("", 5.0), ("0", 0.0), ("2.5", 2.5), ("-1", 5.0), ("soon", 5.0), ("nan", 5.0), ("inf", 5.0)],
)
def test_the_first_pause(given: str | None, seconds: float) -> None:
    assert _progress.first_pause(given) == seconds


def test_signals_reach_the_main_thread_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal that ends a job must not get lost in the thread that shows the progress.

    The kernel may give a signal to any thread that lets it through, but Python handles it in the main thread, which
    then sleeps until the module ends.
    """
    blocked: list[set[int]] = []
    seen = threading.Event()

    def look(_wait: t.Callable[[float], bool]) -> None:
        blocked.append(set(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
        seen.set()

    watch = _progress.Watch("", "north", 5.0)
    monkeypatch.setattr(watch, "watch", look)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with watch.beside():
        assert seen.wait(30)
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} <= blocked[0]
