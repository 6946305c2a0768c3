# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Whether the processes that started this one still exist."""

from __future__ import annotations

import contextlib
import os
import select
import signal

CONTROLLER = "THINGSPACE_LICENSING_CONTROLLER"
"""The variable in which an action plugin passes the process id of ansible-playbook."""


_ENDING = 1 << (signal.SIGINT - 1) | 1 << (signal.SIGTERM - 1)


class Starter:
    """The processes that started this one: its parent, the reader of its output, and, if known, ansible-playbook.

    Ansible reads what a module prints. If nobody can read it any more, then the worker, the connection, or the machine
    that started the module is gone, whatever shells are in between. This also works over SSH. A worker that survives
    its ansible-playbook continues to read, so the action plugin passes the id of ansible-playbook if it runs on the
    same machine. An ansible-playbook that is told to end removes its signal handlers at once and then waits for its
    workers, but not all of them are notified.
    """

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._controller = _process_id(os.environ.get(CONTROLLER, ""))
        self._caught = _caught(self._controller) or 0
        self._handle = -1
        if self._controller and hasattr(os, "pidfd_open"):
            # Known for certain, even if the number is used again.
            with contextlib.suppress(OSError):
                self._handle = os.pidfd_open(self._controller)

    def close(self) -> None:
        """Stop watching."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def gone(self) -> str:
        """Which process is gone, in words; empty if all of them exist."""
        if os.getppid() != self._parent:
            return "the process that started it is gone"
        watch = select.poll()
        # No event is requested, because errors and hangups are always reported.
        watch.register(1, 0)
        if self._handle >= 0:
            watch.register(self._handle, select.POLLIN)
        try:
            events = dict(watch.poll(0))
        except OSError:
            return ""
        if events.get(1, 0) & (select.POLLERR | select.POLLHUP):
            return "nothing waits for its result any more"
        over = self._handle in events if self._handle >= 0 else _is_over(self._controller)
        if over:
            return "ansible-playbook is gone"
        caught = _caught(self._controller)
        given_up = caught is not None and self._caught & ~caught
        return "ansible-playbook was told to end" if given_up else ""


def _process_id(given: str) -> int:
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0


def _caught(process: int) -> int | None:
    """The terminating signals for which a process has handlers, as bits; None if the system does not say."""
    try:
        with open(f"/proc/{process}/status", encoding="ascii", errors="replace") as stream:
            fields = dict(line.split(":", 1) for line in stream if ":" in line)
        return int(fields["SigCgt"], 16) & _ENDING
    except (OSError, KeyError, ValueError):
        return None


def _is_over(process: int) -> bool:
    try:
        if process:
            os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    return False
