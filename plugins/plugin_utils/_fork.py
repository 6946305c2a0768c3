# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fork of this process that runs something as a new process would: with its own streams, files, and signals."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import signal
import sys
import tempfile
import traceback
import typing as t

Beside = t.Callable[[], t.ContextManager[None]]


class Ended(t.NamedTuple):
    """What a module's process left.

    :param rc: its exit code; negative is the signal that ended it.
    """

    rc: int
    stdout: str
    stderr: str


def in_fork(run: t.Callable[[], None], beside: Beside = contextlib.nullcontext) -> Ended:
    """Run something in a fork of this process, with its standard streams as in a process that Ansible starts.

    If this process ends first, or stops reading for whatever reason, the fork finds nobody at the other end of its
    standard output.

    :param beside: a context that lasts as long as the fork runs, if it can begin.
    """
    read, write = os.pipe()
    with tempfile.TemporaryFile() as errors, open(read, "rb") as stream, contextlib.ExitStack() as stack:
        with open(write, "wb"):
            # Nothing may run beside it before the fork, because that could hold a lock that the fork would wait for.
            process = os.fork()
            if process == 0:
                _become(run, write, errors.fileno())
        with contextlib.suppress(RuntimeError, OSError):
            stack.enter_context(beside())
        output = stream.read()
        try:
            rc = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        except ChildProcessError:
            # Whoever started ansible-playbook does not want to know how its processes end.
            rc = 0
        errors.seek(0)
        return Ended(rc, output.decode(errors="surrogateescape"), errors.read().decode(errors="surrogateescape"))


def _become(run: t.Callable[[], None], output: int, errors: int) -> t.NoReturn:
    """Be a process of its own that runs something and ends."""
    code = 1
    try:
        gc.freeze()
        gc.enable()
        os.dup2(output, 1)
        os.dup2(errors, 2)
        _forget_files()
        sys.stdout, sys.stderr = (
            io.TextIOWrapper(io.BufferedWriter(io.FileIO(number, "w", closefd=False)), "utf-8", "surrogateescape")
            for number in (1, 2)
        )
        # Ansible's worker handles these; a new Python would not.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        run()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        # Not through the exit handlers and finalizers of Ansible.
        os._exit(code)


def _forget_files() -> None:
    """Close every file, socket, and pipe of Ansible, but keep their numbers.

    Objects of Ansible and of its plugins that remain, such as a log, may still write to these numbers. If a file of the
    module had one of them, it would be damaged.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    for handle in [int(name) for name in os.listdir("/proc/self/fd")]:
        if handle > 2 and handle != nothing:
            with contextlib.suppress(OSError):
                os.fstat(handle)
                os.dup2(nothing, handle, inheritable=False)
    os.set_inheritable(nothing, False)
