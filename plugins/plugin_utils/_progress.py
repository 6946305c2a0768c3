# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change without notice.

"""The action of modules that show their progress: it runs the module and displays the progress in the meantime."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import signal
import tempfile
import threading
import time
import typing as t

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.thingspace.licensing.plugins.plugin_utils._direct import DirectAction

INTERVAL = "THINGSPACE_PROGRESS_INTERVAL"

FIRST = 5.0
"""Seconds until the first line. A shorter task shows none."""

LONGEST = 12
GROWTH = 1.2
"""The pause between lines grows up to LONGEST times the first one, so that a long task does not flood the log."""

display = Display()


class ProgressAction(DirectAction):
    """The action of a module that has the option C(progress_file)."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module, and watch the file at the same time."""
        first = first_pause(os.environ.get(INTERVAL))
        if not first or self._task.no_log or not self.is_local:
            return super().run(tmp, task_vars)
        result: dict[str, t.Any] = ActionBase.run(self, tmp, task_vars)
        with _with_file(self._task.args) as args:
            watch = Watch(args.get("progress_file"), (task_vars or {}).get("inventory_hostname", ""), first)
            result.update(self.run_module(args, task_vars or {}, watch.beside))
        return result


@contextlib.contextmanager
def _with_file(args: dict[str, t.Any]) -> t.Iterator[dict[str, t.Any]]:
    """The arguments with a file to watch. A file that the user did not name is removed afterward."""
    if args.get("progress_file"):
        yield args
        return
    try:
        # Ansible removes this directory when it ends, even if the task is killed.
        folder = tempfile.mkdtemp(prefix="thingspace-", dir=vars(constants).get("DEFAULT_LOCAL_TMP"))
    except OSError:
        yield args
        return
    try:
        yield {**args, "progress_file": os.path.join(folder, "progress.json")}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def first_pause(given: str | None) -> float:
    """Seconds until the first line; 0 for no lines."""
    try:
        seconds = float(given or FIRST)
    except ValueError:
        return FIRST
    return seconds if math.isfinite(seconds) and seconds >= 0 else FIRST


@contextlib.contextmanager
def _no_signals() -> t.Iterator[None]:
    """Let a thread that starts in this block get no signal.

    Python handles signals in the main thread. If the kernel gave one to another thread, the main thread would go on
    waiting for the module, and a job that is canceled would not end.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Watch:
    """Shows the content of a file when it has changed, at growing intervals.

    :param path: the file as the user named it.
    :param host: the host of the task.
    :param first: seconds until the first line.
    """

    def __init__(self, path: t.Any, host: str, first: float, clock: t.Callable[[], float] = time.monotonic) -> None:
        self._path = os.path.expanduser(os.path.expandvars(path)) if isinstance(path, str) else ""
        self._host = host
        self._pause = first
        self._longest = LONGEST * first
        self._clock = clock
        self._began = clock()
        self._shown = ""

    @contextlib.contextmanager
    def beside(self) -> t.Iterator[None]:
        """Watch in a thread, and read the file once more at the end."""
        ended = threading.Event()
        thread = threading.Thread(target=self.watch, args=(ended.wait,), daemon=True)
        with _no_signals():
            thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(1.0)

    def watch(self, wait: t.Callable[[float], bool]) -> None:
        """Watch until the task has ended.

        :param wait: waits for a number of seconds or until the task has ended; returns whether it has.
        """
        ended = False
        while not ended:
            ended = wait(self._pause)
            self._pause = min(self._longest, self._pause * GROWTH)
            text = _text(self._path)
            # A task that ends before its first line does not need one.
            if text and text != self._shown and (self._shown or not ended):
                # Not on standard output, which a program may read.
                display.display(f"[{self._host}] {text} ({self._clock() - self._began:.0f} s)", stderr=True)
                self._shown = text


def _text(path: str) -> str:
    """The text in the file; empty if it cannot be read."""
    try:
        with open(path, encoding="utf-8") as stream:
            text = json.loads(stream.readline(10_000))["text"]
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    return text if isinstance(text, str) and text.isprintable() else ""
