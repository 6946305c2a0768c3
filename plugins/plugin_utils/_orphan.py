# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection: it may change without notice.

"""A worker of Ansible whose playbook is gone ends, and the module that it waits for notices that.

Ansible's workers are sessions of their own, so that what ends ansible-playbook (a hangup, C(kill -9), a canceled job in
a controller) may leave them running. Nobody would ever see what the module returns, or could stop it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import typing as t

LOOK_EVERY = 0.25
"""Seconds between two looks."""


@contextlib.contextmanager
def ends_with_its_playbook() -> t.Iterator[None]:
    """While this lasts, the worker ends when ansible-playbook does; anything that is no worker is left alone."""
    playbook = multiprocessing.parent_process()
    if playbook is None or playbook.pid != os.getppid():
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(target=_watch, args=(playbook.pid, ended.wait), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(1.0)


def _watch(playbook: int, wait: t.Callable[[float], bool]) -> None:
    """Look until the task has ended, or whoever waits for it.

    :param wait: waits so many seconds, or until the task has ended; returns whether it has.
    """
    while not wait(LOOK_EVERY):
        if os.getppid() != playbook:
            # As if Ansible had told it: a newer one tells its children, an older one dies and lets go of their output.
            os.kill(os.getpid(), signal.SIGTERM)
            return
