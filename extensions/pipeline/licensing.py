# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the plan or apply playbook of the collection that this file lies in, with exit codes that a pipeline can use.

Usage: python3 licensing.py plan|apply [what ansible-playbook takes]

  plan   0 nothing to do   2 changes   3 stopped by a limit   1 error: there is no plan of some account
         4 nothing to do, and something is not as wanted
  apply  0 carried out, or nothing to do   3 not the approved plan: nothing was written   1 error: see the output
         4 carried out, or nothing to do, and something is not as wanted: the plan does not change it, or it was
           skipped, failed, or is not confirmed yet

Needs nothing but Python 3.10 or newer, and ansible-core. See README.md beside this file.
"""

from __future__ import annotations

import os
import signal

DONE, ERROR, CHANGES, STOPPED, INCOMPLETE = 0, 1, 2, 3, 4
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

if __name__ == "__main__":
    # Before everything else is imported, which takes a while. Nothing was started yet, so nothing has to be ended.
    for _number in ENDING:
        # Ignored signals stay ignored, as nohup requires.
        if signal.getsignal(_number) is not signal.SIG_IGN:
            signal.signal(_number, lambda _number, _frame: os._exit(ERROR))

import contextlib
import ctypes
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import types
from pathlib import Path
from typing import Any

PLANNED = {"no_change": DONE, "incomplete": INCOMPLETE, "changes": CHANGES, "guard_tripped": STOPPED}
PATIENCE = 300.0
"""Maximum seconds to wait for processes of an interrupted Ansible. Their requests end long before that."""

AFTER_CTRL_C = 2.0
"""Seconds in which Ansible ends after a Ctrl-C that the terminal has sent to it, too."""

PDEATHSIG, SUBREAPER = 1, 36
"""C(PR_SET_PDEATHSIG): the signal for a process whose parent has ended. C(PR_SET_CHILD_SUBREAPER): processes whose
parents have ended become children of this one. Linux only.
"""

COLLECTION = ("ansible_collections", "thingspace", "licensing")


class Unusable(Exception):
    """Ansible cannot be started; the message is for the user."""


def main(arguments: list[str]) -> int:
    """Run the playbook; the exit code shows the result."""
    playbook = arguments[0] if arguments else ""
    if playbook in ("-h", "--help"):
        sys.stdout.write(f"{__doc__}\n")
        return DONE
    if playbook not in ("plan", "apply"):
        say(f"say 'plan' or 'apply', not '{playbook}'. See --help.")
        return ERROR
    children = Children()
    try:
        with contextlib.closing(children), tempfile.TemporaryDirectory(prefix="licensing-") as folder:
            path = Path(folder, "status")
            # These come last, so they override the user's variables. Each status has an exit code, so the playbook need
            # not fail because of a status. If it fails, something went wrong.
            ours = json.dumps({"fleet_status_file": str(path), "fleet_fail_on": "error"})
            command = [program("ansible-playbook"), f"thingspace.licensing.{playbook}", *arguments[1:], "-e", ours]
            returncode = children.run(command, {**os.environ, **search_path(children)})
            status = path.read_text(encoding="ascii").strip() if path.exists() else ""
    except (Unusable, OSError) as error:
        say(str(error))
        return ERROR
    if not status:
        say(f"ansible-playbook ended with {returncode}, and made no plan.")
    return ERROR if children.received and returncode else exit_code(playbook, status, returncode)


def say(text: str) -> None:
    """Print a message that does not come from Ansible."""
    sys.stderr.write(f"licensing.py: {text}\n")


def exit_code(playbook: str, status: str, returncode: int) -> int:
    """The exit code of a run.

    :param status: what the playbook wrote; empty if there is no plan.
    :param returncode: the exit code of ansible-playbook, negative after a signal.
    """
    if playbook == "plan":
        return ERROR if returncode else PLANNED.get(status, ERROR)
    if status and not returncode:
        return INCOMPLETE if status == "incomplete" else DONE
    return STOPPED if status == "plan_changed" and returncode > 0 else ERROR


def program(name: str) -> str:
    """The program beside the running Python, as in a virtual environment, or otherwise the one on PATH.

    :raises Unusable: there is no such program.
    """
    found = shutil.which(name, path=os.path.dirname(sys.executable)) or shutil.which(name)
    if found is None:
        raise Unusable(f"{name} is neither beside {sys.executable} nor on PATH. Install ansible-core there.")
    return found


def search_path(children: Children) -> dict[str, str]:
    """The variable with which Ansible finds this collection first, and all others in their usual places.

    :raises Unusable: Ansible does not report these places.
    """
    here = Path(os.path.abspath(__file__)).parents[2]
    if here.parts[-3:] != COLLECTION:
        return {}
    command = [program("ansible-config"), "dump", "--format", "json"]
    with children.start(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        stdout, stderr = process.communicate()
    children.require()
    try:
        entries = json.loads(stdout)
        paths = next(entry["value"] for entry in entries if entry.get("name") == "COLLECTIONS_PATHS")
    except (ValueError, StopIteration):
        reason = (stderr.strip() or stdout.strip() or f"it ended with {process.returncode}").splitlines()[0]
        raise Unusable(f"ansible-config cannot be used: {reason}") from None
    return {"ANSIBLE_COLLECTIONS_PATH": os.pathsep.join([str(here.parents[2]), *paths])}


class Children:
    """The processes that this program starts. It forwards signals that end it, and waits for all children.

    :ivar received: the last such signal, 0 if there was none.
    """

    def __init__(self) -> None:
        self.received = 0
        self._process: subprocess.Popen[str] | None = None
        self._before = {
            number: signal.signal(number, self._hand_on)
            for number in ENDING
            if signal.getsignal(number) is not signal.SIG_IGN
        }
        set_option(SUBREAPER, 1)

    def start(self, command: list[str], **options: Any) -> subprocess.Popen[str]:
        """Start a command.

        :raises Unusable: this program must end.
        """
        self.require()
        process = self._process = subprocess.Popen(command, **options)
        if self.received:
            # The signal came before there was a process to forward it to.
            process.send_signal(self.received)
        return process

    def require(self) -> None:
        """Continue only if this program need not end.

        :raises Unusable: it must end.
        """
        if self.received:
            raise Unusable(f"interrupted by {signal.Signals(self.received).name}.")

    def run(self, command: list[str], environment: dict[str, str]) -> int:
        """Run a command to its end. After a signal, also wait for everything that it started."""
        # Nobody could hand on a SIGKILL.
        with self.start(command, env=environment, preexec_fn=lambda: set_option(PDEATHSIG, signal.SIGTERM)) as process:
            returncode = process.wait()
        if self.received or returncode < 0:
            self._tell_others()
            self._await_others()
        return returncode

    def close(self) -> None:
        """Restore the signal handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _hand_on(self, number: int, _frame: types.FrameType | None) -> None:
        self.received = number
        if self._process is None:
            return
        if number == signal.SIGINT and in_foreground():
            # Ctrl-C has reached both processes. If Ansible got it twice at once, it would not clean up.
            later = threading.Timer(AFTER_CTRL_C, self._process.send_signal, (number,))
            later.daemon = True
            later.start()
        else:
            self._process.send_signal(number)

    @staticmethod
    def _tell_others() -> None:
        """Tell the workers that Ansible left behind.

        A signal to the whole process group reaches Ansible twice. The second one ends it before it has told all of
        them, and a worker that it has not told may wait for it forever.
        """
        for process, parent in descendants().items():
            if parent == os.getpid():
                with contextlib.suppress(OSError):
                    os.kill(process, signal.SIGTERM)

    @staticmethod
    def _await_others() -> None:
        """Wait for modules. They end after Ansible, when the requests in progress are answered."""
        end, reported = time.monotonic() + PATIENCE, False
        while others := descendants():
            if time.monotonic() > end:
                say(f"still running after {PATIENCE:.0f} s: the processes {', '.join(map(str, others))}.")
                return
            if not reported:
                say("interrupted; waiting for the answers to requests that are under way.")
                reported = True
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            time.sleep(0.05)


def in_foreground() -> bool:
    """Whether a Ctrl-C reaches this process and the processes that it starts."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def set_option(option: int, value: int) -> None:
    """Set an option of this process, on Linux."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def descendants() -> dict[int, int]:
    """The running processes that this one has started, directly or indirectly, each with its parent; none on a system
    without /proc.

    Processes of ssh are left out, because its master processes stay on purpose and serve later runs.
    """
    children: dict[int, list[int]] = {}
    kept: set[int] = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            name, _bracket, rest = path.read_text(encoding="utf-8", errors="replace").rpartition(")")
            state, parent = rest.split()[:2]
            children.setdefault(int(parent), []).append(int(path.parent.name))
            if state not in "ZX" and not name.endswith("(ssh"):
                kept.add(int(path.parent.name))
    found: dict[int, int] = {}
    waiting = [os.getpid()]
    while waiting:
        process = waiting.pop()
        for child in children.get(process, ()):
            waiting.append(child)
            found[child] = process
    return {child: found[child] for child in sorted(kept.intersection(found))}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
