# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The high-water mark beside the journal: the number of the last request, in the second line of C(.id).

A journal that does not know that request is an older copy. With it, everything sent since then would be sent again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re

_MARK = re.compile(rb"\d{20}")
_LONGEST = 200


def noted_request(path: str) -> int:
    """The recorded number of the last request; 0 if there is none, as in files of older releases."""
    try:
        with open(path + ".id", "rb") as stream:
            return _mark(stream.read(_LONGEST).partition(b"\n")[2])
    except OSError:
        return 0


def note_request(path: str, request: int, *, flush: bool = True) -> None:
    """Record that the journal knows this request. The mark never decreases.

    Without C(flush), the mark survives a kill at once, and a power cut some seconds later. Call this after the request
    was written to the journal: a mark that is ahead would refuse a good journal. If the mark cannot be written, sending
    continues, because the account's count still protects.
    """
    with contextlib.suppress(OSError):
        handle = os.open(path + ".id", os.O_RDWR | os.O_CLOEXEC)
        try:
            # Jobs of other accounts write it, too. This lock is not lost if this process closes the file elsewhere.
            fcntl.flock(handle, fcntl.LOCK_EX)
            identity, _line, mark = os.pread(handle, _LONGEST, 0).partition(b"\n")
            if identity and _mark(mark) < request:
                os.pwrite(handle, b"\n%020d\n" % request, len(identity))
                if flush:
                    os.fsync(handle)
        finally:
            os.close(handle)


def _mark(lines: bytes) -> int:
    """The number. A third line says where the journal was moved, see C(_journal/lock.py)."""
    line = lines.partition(b"\n")[0]
    return int(line) if _MARK.fullmatch(line) else 0
