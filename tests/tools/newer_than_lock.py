# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists installed packages with a version that differs from a lock: ``python tests/tools/newer_than_lock.py URL``.

Check these first if a test fails with the newest versions and passes with the lock.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname


def canonical(name: str) -> str:
    """Return the normalized name of a package."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> dict[str, str]:
    """Return the version of each package in the text of a lock."""
    lines = (line.partition("#")[0].partition(";")[0].split("==") for line in text.splitlines())
    return {canonical(line[0].strip()): line[1].strip() for line in lines if len(line) == 2}


def main(url: str) -> None:
    """Print one line for each package that differs."""
    locked = pins(Path(url2pathname(urlsplit(url).path)).read_text(encoding="utf-8"))
    for package in sorted(metadata.distributions(), key=lambda package: canonical(package.name)):
        pin = locked.get(canonical(package.name), "none")
        if package.version != pin:
            print(f"{package.name} {package.version} (lock: {pin})")


if __name__ == "__main__":
    main(sys.argv[1])
