# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(ansible-runner), but its C(ansible-playbook) begins in the fork that it makes, not as a new interpreter.

It is the one of C(playbook_program.py). The fork has imported what both need, and has the terminal, environment and
directory that C(ansible-runner) gives it.
"""

from __future__ import annotations

import atexit
import os
import runpy
import signal
import sys
import threading
import typing as t
from pathlib import Path

from ansible_runner import __main__ as ansible_runner

PLAYBOOK = "ansible-playbook"
PROGRAM = Path(__file__).with_name("playbook_program.py")
PRELOADED = Path(__file__).with_name("preloaded.py")

Execute = t.Callable[[str, t.Sequence[str], t.Mapping[str, str]], None]


def forked(execute: Execute) -> Execute:
    """What replaces C(os.execvpe)."""

    def execvpe(command: str, words: t.Sequence[str], env: t.Mapping[str, str]) -> None:
        if Path(os.fsdecode(command)).name != PLAYBOOK or _for_python(env) != _for_python(os.environ):
            execute(command, words, env)
        status: t.Any = 1
        try:
            _become_another(env)
            sys.argv = [str(PROGRAM), *map(os.fsdecode, words[1:])]
            runpy.run_path(str(PROGRAM), run_name="__main__")
            status = 0
        except SystemExit as end:
            status = end.code
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            _end(status)

    return execvpe


def _for_python(env: t.Mapping[str, str]) -> dict[str, str]:
    """What an interpreter reads of it when it starts."""
    return {name: value for name, value in env.items() if name.startswith("PYTHON")}


def _become_another(env: t.Mapping[str, str]) -> None:
    """Keep nothing that does not outlive an C(exec)."""
    atexit._clear()
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)) and number != signal.SIGINT:
            signal.signal(number, signal.SIG_DFL)
    request = {"session": False, "folder": os.getcwd(), "environment": dict(env)}
    runpy.run_path(str(PRELOADED))["become"](request, [])


def _end(status: t.Any) -> t.NoReturn:
    """End as an interpreter does, but for what called this."""
    code = status if isinstance(status, int) else int(status is not None)
    try:
        t.cast(t.Any, threading)._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    system: t.Any = os
    system.execvpe = forked(system.execvpe)
    sys.exit(ansible_runner.main())
