# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes plain ``pytest`` work from a checkout in a directory of any name, also in the background."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
COLLECTION = Path("ansible_collections", "thingspace", "licensing")


def linked() -> tempfile.TemporaryDirectory[str]:
    """Return a temporary folder with a symbolic link to the checkout; it lasts as long as the object."""
    folder = tempfile.TemporaryDirectory(prefix="thingspace-collections-")
    link = Path(folder.name) / COLLECTION
    link.parent.mkdir(parents=True)
    link.symlink_to(CHECKOUT, target_is_directory=True)
    return folder


MEMORY = Path("/dev/shm")
ENOUGH = 4 << 30
"""Bytes; the folders of tests that passed are removed at once."""


def in_memory() -> bool:
    """Whether files in memory are as good as others: programs can be there, and there is room."""
    try:
        fine = not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC and os.access(MEMORY, os.W_OK)
        return fine and shutil.disk_usage(MEMORY).free >= ENOUGH
    except OSError:
        return False


# A checkout that lies where a collection has to lie (as under ansible-test) is used there.
_tree = None if CHECKOUT.parts[-3:] == COLLECTION.parts else linked()
_root = str(CHECKOUT.parents[2]) if _tree is None else _tree.name
sys.path[:0] = [_root, str(CHECKOUT / "roles" / "simulator" / "files")]
# For the ansible-playbook and ansible-inventory processes that tests start.
os.environ["ANSIBLE_COLLECTIONS_PATH"] = _root

if sys.platform == "linux" and in_memory():
    # Tests make tens of thousands of databases; what a disk does for them is a sixth of the time of some tests.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell ignores it for what it starts in the background, and so would every process of these tests.
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.default_int_handler)
