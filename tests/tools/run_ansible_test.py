# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs ansible-test on a copy of the checkout: ``python tests/tools/run_ansible_test.py sanity --local``.

ansible-test needs real files under ``ansible_collections/NAMESPACE/NAME``, outside any other git repository. Otherwise
it tests nothing and reports success. The copy contains the files that git tracks and those that it would track.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import seed_get_pip

CHECKOUT = Path(__file__).resolve().parents[2]
NOTHING_TESTED = re.compile(r"All targets skipped|No targets? (?:found|selected)|No tests? (?:found|to run)")
# For a successful run, show the names of the tests. Otherwise, show only errors and skipped tests.
WORTH_SHOWING = re.compile(
    r"^(?:ERROR|FATAL|WARNING|Running sanity test|Running .* integration role|fatal:|failed:|PLAY RECAP|\S+ +: ok=)"
)
# Addresses of package indexes, and lines that say nothing about the code.
NOISE = re.compile(r"^(?:Looking in |WARNING: (?:Location |Using locale|Reviewing previous))")


def copy_checkout(root: Path) -> Path:
    """Copy the files of the checkout, including uncommitted ones, to where ansible-test finds them."""
    target = root / "ansible_collections" / "thingspace" / "licensing"
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        source = CHECKOUT / name
        if source.is_symlink() or source.is_file():  # not deleted from the work tree
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name, follow_symlinks=False)
    return target


def link_environment(root: Path) -> Path:
    """Return another path to the programs of the running virtual environment, without spaces.

    A program cannot be started by its first line if the path of the interpreter in that line has a space.
    """
    link = root / "environment"
    link.symlink_to(sys.prefix, target_is_directory=True)
    return link / "bin"


def run(arguments: list[str], folder: Path, programs: Path) -> tuple[int, list[str]]:
    """Run ansible-test, show the relevant lines at once, and return its exit code and all lines."""
    program = [str(programs / "python"), str(programs / "ansible-test"), *arguments, "--color", "no"]
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    lines = []
    with subprocess.Popen(
        program,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            if NOISE.match(line):
                continue
            lines.append(line)
            if WORTH_SHOWING.match(line):
                print(line, end="", flush=True)
    return process.returncode, lines


@contextlib.contextmanager
def alone(command: str) -> Iterator[None]:
    """Let only one sanity run at a time use the environments that ansible-test keeps in the home directory.

    Runs with different releases of ansible-core share some of them, and one would remove what the other creates.
    """
    cache = Path("~/.ansible/test").expanduser()
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "thingspace-licensing.lock").open("w") as lock:
        if command == "sanity":
            fcntl.flock(lock, fcntl.LOCK_EX)
            seed_get_pip.main()
        yield


def main() -> int:
    """Run ansible-test with the arguments of the command line."""
    with alone(sys.argv[1]), tempfile.TemporaryDirectory(prefix="thingspace-ansible-test-") as root:
        code, lines = run(sys.argv[1:], copy_checkout(Path(root)), link_environment(Path(root)))
    nothing = [line for line in lines if NOTHING_TESTED.search(line)]
    if code and sys.argv[1] != "sanity":  # for sanity, the lines shown are enough
        print("".join(lines[-200:]), file=sys.stderr)
    if nothing:
        print(f"ERROR: nothing was tested: {nothing[0].strip()}", file=sys.stderr)
    return code or bool(nothing)


if __name__ == "__main__":
    sys.exit(main())
