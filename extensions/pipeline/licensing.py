# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the plan or apply playbook of the collection that this file lies in, with exit codes that a pipeline can use.

Usage: python3 licensing.py plan|apply [what ansible-playbook takes]

  plan   0 nothing to do   2 changes   3 stopped by a limit   1 error: there is no plan of some account
         4 nothing to do, and something is not as wanted
  apply  0 carried out, or nothing to do   3 not the approved plan: nothing was written   1 error: see the output
         4 carried out, or nothing to do, and something is not as wanted which the plan does not change

Needs nothing but Python 3.10 or newer, and ansible-core. README.md beside this file tells more.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import types
from pathlib import Path

DONE, ERROR, CHANGES, STOPPED, INCOMPLETE = 0, 1, 2, 3, 4
PLANNED = {"no_change": DONE, "incomplete": INCOMPLETE, "changes": CHANGES, "guard_tripped": STOPPED}
COLLECTION = ("ansible_collections", "thingspace", "licensing")


class Unusable(Exception):
    """Ansible cannot be started; the message is what to print."""


def main(arguments: list[str]) -> int:
    """Run the playbook, and tell by the exit code how it ended."""
    playbook = arguments[0] if arguments else ""
    if playbook in ("-h", "--help"):
        sys.stdout.write(f"{__doc__}\n")
        return DONE
    if playbook not in ("plan", "apply"):
        say(f"say 'plan' or 'apply', not '{playbook}'. See --help.")
        return ERROR
    try:
        with tempfile.TemporaryDirectory(prefix="licensing-") as folder:
            path = Path(folder, "status")
            # Behind those of the user, so that these are the ones that count. With an exit code for each status the
            # playbook has no reason to fail because of one: whenever it fails, something went wrong.
            ours = json.dumps({"fleet_status_file": str(path), "fleet_fail_on": "error"})
            command = [program("ansible-playbook"), f"thingspace.licensing.{playbook}", *arguments[1:], "-e", ours]
            returncode = run(command, {**os.environ, **search_path()})
            status = path.read_text(encoding="ascii").strip() if path.exists() else ""
    except (Unusable, OSError) as error:
        say(str(error))
        return ERROR
    if not status:
        say(f"ansible-playbook ended with {returncode}, and made no plan.")
    return exit_code(playbook, status, returncode)


def say(text: str) -> None:
    """Tell what Ansible does not."""
    sys.stderr.write(f"licensing.py: {text}\n")


def exit_code(playbook: str, status: str, returncode: int) -> int:
    """What a run amounts to.

    :param status: what the playbook wrote, empty if it came to no plan.
    :param returncode: that of ansible-playbook, negative after a signal.
    """
    if playbook == "plan":
        return ERROR if returncode else PLANNED.get(status, ERROR)
    if status and not returncode:
        return INCOMPLETE if status == "incomplete" else DONE
    return STOPPED if status == "plan_changed" and returncode > 0 else ERROR


def program(name: str) -> str:
    """The program beside the Python that runs this, as in a virtual environment, or else the one on PATH.

    :raises Unusable: there is none.
    """
    found = shutil.which(name, path=os.path.dirname(sys.executable)) or shutil.which(name)
    if found is None:
        raise Unusable(f"{name} is neither beside {sys.executable} nor on PATH. Install ansible-core there.")
    return found


def search_path() -> dict[str, str]:
    """The variable by which Ansible finds this collection first, and all others where it would find them anyway.

    :raises Unusable: Ansible does not tell where that is.
    """
    here = Path(os.path.abspath(__file__)).parents[2]
    if here.parts[-3:] != COLLECTION:
        return {}
    command = [program("ansible-config"), "dump", "--format", "json"]
    told = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    try:
        entries = json.loads(told.stdout)
        paths = next(entry["value"] for entry in entries if entry.get("name") == "COLLECTIONS_PATHS")
    except (ValueError, StopIteration):
        reason = (told.stderr.strip() or told.stdout.strip() or f"it ended with {told.returncode}").splitlines()[0]
        raise Unusable(f"ansible-config cannot be used: {reason}") from None
    return {"ANSIBLE_COLLECTIONS_PATH": os.pathsep.join([str(here.parents[2]), *paths])}


def run(command: list[str], environment: dict[str, str]) -> int:
    """Run a command to its end, and hand on the signals that are to end this program."""
    with subprocess.Popen(command, env=environment) as process:

        def hand_on(number: int, _frame: types.FrameType | None) -> None:
            # Ctrl-C reaches both of us by itself; told twice, Ansible would not clean up.
            if number != signal.SIGINT or not os.isatty(0):
                process.send_signal(number)

        signal.signal(signal.SIGINT, hand_on)
        signal.signal(signal.SIGTERM, hand_on)
        return process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
