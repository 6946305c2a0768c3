# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as users have it: built into a tarball, and installed from that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ansible_collections.thingspace.licensing.tests.support.harness import plain_environment
from ansible_collections.thingspace.licensing.tests.support.simulated import CHECKOUT, PATIENCE

LAUNCHER = Path("ansible_collections/thingspace/licensing/extensions/pipeline/licensing.py")


def galaxy(home: Path, *arguments: str) -> None:
    """Run C(ansible-galaxy collection), which is to find no collection installed already."""
    subprocess.run(
        [sys.executable, "-m", "ansible", "galaxy", "collection", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=True,
        env=plain_environment(home, ANSIBLE_COLLECTIONS_PATH=str(home), PYTHONPATH=""),
    )


def build(folder: Path) -> Path:
    """The tarball of the checkout."""
    galaxy(folder / "home", "build", str(CHECKOUT), "--output-path", str(folder))
    return next(folder.glob("thingspace-licensing-*.tar.gz"))


def install(tarball: Path, collections: Path) -> Path:
    """Install the tarball; returns the launcher of the pipeline in it."""
    galaxy(tarball.parent / "home", "install", "--offline", str(tarball), "--collections-path", str(collections))
    return collections / LAUNCHER
