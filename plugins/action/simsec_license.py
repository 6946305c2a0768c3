# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module, and shows how far it is while it waits for confirmations.

A module cannot print before it ends. What it waits for stands in the journal, so the progress is read there, as far
as the controller can read it. Nothing depends on it: the module alone decides about the result.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import typing as t

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal import open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal_time import now

FIRST = 5.0
LONGEST = 60.0
"""Seconds between two lines: more and more, so that a long wait does not flood the log."""

display = Display()


class ActionModule(ActionBase):
    """The action that Ansible takes for the module of the same name."""

    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module; beside it, watch the journal."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        in_background = bool(self._task.async_val) and not self._connection.has_native_async
        with contextlib.ExitStack() as stack:
            path = "" if in_background else self._journal_to_watch()
            if path:
                stack.enter_context(self._watching(path, (task_vars or {}).get("inventory_hostname", "")))
            result.update(self._execute_module(task_vars=task_vars, wrap_async=in_background))
        return result

    def _journal_to_watch(self) -> str:
        """The journal's path, empty when there is nothing to watch or it does not lie on this machine."""
        args = self._task.args
        if self._task.check_mode or self._connection.transport != "local":
            return ""
        try:
            waits = boolean(args.get("wait", False))
        except TypeError:
            return ""
        path = args.get("journal") or os.environ.get("THINGSPACE_JOURNAL")
        return os.path.abspath(os.path.expanduser(os.path.expandvars(path))) if waits and isinstance(path, str) else ""

    @contextlib.contextmanager
    def _watching(self, path: str, host: str) -> t.Iterator[None]:
        ended = threading.Event()
        scope = (str(self._task.args.get("account")), str(self._task.args.get("sku")))
        thread = threading.Thread(target=_watch, args=(path, scope, host, ended), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(1.0)


def _watch(path: str, scope: tuple[str, str], host: str, ended: threading.Event) -> None:
    """Show how many devices are confirmed, whenever that has changed."""
    began, since, shown, pause = time.monotonic(), now(), "", FIRST
    while not ended.wait(pause):
        with contextlib.suppress(LicensingError):
            line = _line(path, scope, since)
            if line and line != shown:
                display.display(f"[{host}] {scope[1]}: {line} ({time.monotonic() - began:.0f} s)")
                shown = line
        pause = min(LONGEST, pause * 1.2)


def _line(path: str, scope: tuple[str, str], since: str) -> str:
    journal = open_journal(path, write=False, patience=1.0, check=False)
    try:
        sent, confirmed, failed = journal.progress(*scope, since)
        earlier = 0 if sent else journal.earlier(*scope, since)
    finally:
        journal.close()
    if not sent:
        return f"{earlier} devices that were sent earlier are not confirmed yet" if earlier else ""
    told = f", {failed} failed" if failed else ""
    return f"{confirmed} of {sent} devices confirmed{told}, {sent - confirmed - failed} pending"
