# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For the demonstration: kill a module as soon as the simulator has answered so many of its requests.

kill_half_way.py CONTROLS COUNT FOLDER kills, as kill -9 does, the simsec_license module that runs from FOLDER, when
the simulator with these controls has answered COUNT assignments beyond those of before. Gives up after a minute.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import urllib.request
from pathlib import Path

UNDER_WAY = 0.1
"""Seconds until the next requests are on their way. The simulator takes longer to answer."""


def answered(controls: str) -> int:
    """How many assignments the simulator has answered."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{controls}/requests?operation=simsec_assign", timeout=10) as answer:
        return sum(entry["status"] == 200 for entry in json.load(answer))


def modules(folder: str) -> list[int]:
    """The processes of the module that run from this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if any(word.startswith(folder) and "simsec_license" in word for word in words[1:3]):
            found.append(int(process.name))
    return found


def main(controls: str, count: str, folder: str) -> int:
    """Watch and kill."""
    enough, end = answered(controls) + int(count), time.monotonic() + 60
    while time.monotonic() < end:
        if answered(controls) >= enough:
            # The next requests are being sent now. One that is never sent would need a decision of the user.
            time.sleep(UNDER_WAY)
            for number in modules(folder):
                os.kill(number, signal.SIGKILL)
            return 0
        time.sleep(0.02)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
