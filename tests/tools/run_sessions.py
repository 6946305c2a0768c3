# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs nox sessions two at a time: ``python tests/tools/run_sessions.py [SESSION ...]``.

Without a name, it runs the sessions that noxfile.py selects. One line shows the result of each session. The output of
a session is in ``tests/output/SESSION.log``, and on the screen if it failed. The last line counts sessions and tests.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import summary

CHECKOUT = Path(__file__).resolve().parents[2]
OUTPUT = CHECKOUT / "tests" / "output"
NOX = (sys.executable, "-m", "nox")
AT_A_TIME = 2
# These begin first, so that no core waits for one of them at the end. The demonstration waits more than it computes.
# Beside it, the functional tests use what it leaves.
LONGEST = ("functional", "integration", "demo", "sanity", "units", "quick", "sanity-older")


def default_sessions() -> list[str]:
    """Return the sessions that noxfile.py selects, the longest first. nox lists them in the order of definition."""
    listing = subprocess.run([*NOX, "--list", "--json"], cwd=CHECKOUT, check=True, stdout=subprocess.PIPE, text=True)
    names = [session["session"] for session in json.loads(listing.stdout)]
    return sorted(names, key=lambda name: LONGEST.index(name) if name in LONGEST else len(LONGEST))


def run(session: str) -> tuple[bool, float]:
    """Run a session; return whether it succeeded, and its seconds."""
    begin = time.monotonic()
    command = [*NOX, "--report", str(OUTPUT / f"{session}.json"), "--session", session]
    with (OUTPUT / f"{session}.log").open("w", encoding="utf-8") as log:
        done = subprocess.run(
            command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False
        )
    return not done.returncode, time.monotonic() - begin


def main(sessions: list[str]) -> int:
    """Run the sessions and print their results."""
    sessions = sessions or default_sessions()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for old in (*OUTPUT.glob("*.json"), *OUTPUT.glob("*.xml"), *OUTPUT.glob("*.log")):
        old.unlink()
    print(f"Running {len(sessions)} sessions, {AT_A_TIME} at a time. See tests/output/SESSION.log", flush=True)
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        running = {pool.submit(run, session): session for session in sessions}
        for count, future in enumerate(as_completed(running), start=1):
            session = running[future]
            fine, seconds = future.result()
            if not fine:
                print((OUTPUT / f"{session}.log").read_text(encoding="utf-8", errors="replace"), end="")
            print(f"[{count}/{len(sessions)}] {session}: {'done' if fine else 'failed'} in {seconds:.0f} s", flush=True)
    return summary.main([OUTPUT / f"{session}.json" for session in sessions], sorted(OUTPUT.glob("*.xml")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
