# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The mark of a run: how the names of all its SIM-Secure requests begin, and of no others."""

from __future__ import annotations

import re
import secrets

DIGITS = 16
"""Of a mark. Ten more tell the tasks of a run apart, and four the requests of a task, which makes the 30 of a name."""

MARK = re.compile(rf"[0-9]-[0-9]{{{DIGITS}}}")
"""The first digit is the version of this form."""


def new_mark() -> str:
    """How the C(X-Request-ID) of all requests of a run begins, and of no others."""
    return f"1-{secrets.randbelow(10**DIGITS):0{DIGITS}}"
