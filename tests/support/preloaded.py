# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program that has imported what others need, and becomes one of them in a fork of itself; C(forked.py) asks for it.

Of a new interpreter the fork lacks only the start-up. It has its own process id, input and output, environment,
directory and signal handlers, and it ends as any program ends.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import tempfile
import typing as t

MOST = 200_000
"""Bytes of a request."""
HIGHEST = 4096
"""No open file has a higher number."""

Request = dict[str, t.Any]


def main() -> None:
    """Import what is named, then serve until standard input ends. Forks leave through the same door."""
    handle, path, *names = sys.argv[1:]
    sys.path.append(path)
    for name in names:
        # A test may do without a library; whoever needs it finds out.
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(name)
        if ".plugins.modules." in name:
            # What runs as a program is not imported, only what it imports.
            sys.modules.pop(name, None)
    sys.path.remove(path)
    gc.collect()
    gc.freeze()
    request = serve(socket.socket(fileno=int(handle)))
    if request:
        run(request)


def serve(listener: socket.socket) -> Request | None:
    """Fork for each request; returns it in the fork, and None at the end."""
    while True:
        ready, _writable, _failed = select.select([listener.fileno(), 0], [], [])
        if 0 in ready:
            return None
        channel, _address = listener.accept()
        text, handles, _flags, _address = socket.recv_fds(channel, MOST, 3)
        wait, go = os.pipe()
        between = os.fork()
        if between == 0:
            # The one between ends at once, so that whoever asked becomes the parent. Nothing runs before that.
            os.close(go)
            process = os.fork()
            if process:
                channel.send(str(process).encode())
                os._exit(0)
            os.read(wait, 1)
            listener.detach()
            channel.detach()
            request = t.cast(Request, json.loads(text))
            become(request, handles)
            return request
        os.waitpid(between, 0)
        os.close(go)
        os.close(wait)
        channel.send(b"begun")
        channel.close()
        for handle in handles:
            os.close(handle)


def become(request: Request, handles: t.Sequence[int]) -> None:
    """Take over everything in which one process differs from another."""
    for place, handle in enumerate(handles):
        os.dup2(handle, place)
    os.closerange(3, HIGHEST)
    names = ("stdin", "r", "surrogateescape"), ("stdout", "w", "surrogateescape"), ("stderr", "w", "backslashreplace")
    for place, (name, mode, errors) in enumerate(names):
        buffering = 1 if place == 2 else -1
        stream = os.fdopen(place, mode, buffering, encoding="utf-8", errors=errors, closefd=False)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    if request["session"]:
        os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    tempfile.tempdir = None
    signal.signal(signal.SIGINT, signal.default_int_handler)


def run(request: Request) -> None:
    """Run C(-m module) or a path, as Python itself does; C(-P) before a path leaves its folder alone."""
    first, *arguments = request["arguments"]
    if first == "-P":
        sys.argv = arguments
        del sys.path[0]
        runpy.run_path(arguments[0], run_name="__main__")
    elif first == "-m":
        name, *arguments = arguments
        sys.argv = [name, *arguments]
        sys.path[0] = request["folder"]
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    else:
        sys.argv = [first, *arguments]
        sys.path[0] = os.path.dirname(first)
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    main()
