# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process: it reports that it is ready, runs in the background, and ends with its parent."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path


class ReadyFile:
    """The file that says where the simulator listens."""

    def __init__(self, path: Path | None, port: int, base_url: str) -> None:
        self._path = path
        self._text = json.dumps({"pid": os.getpid(), "port": port, "base_url": base_url})

    def write(self) -> None:
        """Write the file in one step, so that nobody reads a part of it."""
        if self._path is None:
            return
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            draft.write_text(self._text + "\n", encoding="utf-8")
            draft.replace(self._path)
        finally:
            draft.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the file, unless another simulator has written it in the meantime."""
        try:
            if self._path is not None and self._path.read_text(encoding="utf-8").strip() == self._text:
                self._path.unlink()
        except (OSError, ValueError):
            return


def detach() -> Callable[[], None]:
    """Continue in a background process, and return the function that it calls when it is ready.

    The foreground process ends here: with code 0 when the background process is ready, or with its exit code.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            os._exit(0 if pipe.read(1) else os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or 1)
    os.close(reader)
    os.setsid()

    def ready() -> None:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        os.write(writer, b".")
        os.close(writer)

    return ready


def _birth(pid: int) -> str | None:
    """Return what tells a running process from a later one with the same id; None if it is gone."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""  # no /proc here
    return None if fields[0] == "Z" else fields[19]


def watch_parent(pid: int, stop: threading.Event) -> None:
    """Set ``stop`` when the parent process is gone."""
    born = _birth(pid)

    def watch() -> None:
        while not stop.wait(0.25):
            now = _birth(pid)
            if now is None or now != born:
                stop.set()

    threading.Thread(target=watch, daemon=True).start()
