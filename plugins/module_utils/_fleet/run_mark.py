# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The mark of a run: the start of the names of all its SIM-Secure requests, and the name of its working directories."""

from __future__ import annotations

import hashlib
import os
import re
import secrets

DIGITS = 16
"""The digits of a mark. Ten more distinguish the tasks of a run, and four the requests of a task: 30 for a name."""

MARK = re.compile(rf"[0-9]-[0-9]{{{DIGITS}}}")
"""The first digit is the version of this form."""


def new_mark() -> str:
    """The start of the C(X-Request-ID) of all requests of a run, and of no others."""
    return f"1-{secrets.randbelow(10**DIGITS):0{DIGITS}}"


def folder_of(reports: str, mark: str | None) -> str:
    """Where a run keeps the reports of an account while it goes on, so that no other run in the directory has them.

    :param reports: the directory with the reports of the account.
    """
    return os.path.join(reports, f"run-{mark}") if mark else reports


def name_of_request(mark: str, account: str, part: str) -> str:
    """The C(request_id) of a part of a run. The part's number makes it differ from those of the run's other parts."""
    number = int(hashlib.sha256((account + part).encode()).hexdigest()[:8], 16)
    return f"{mark}{number:010d}"
