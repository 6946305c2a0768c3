# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that the service knows while it runs."""

from __future__ import annotations

import threading

from ..quirks import Quirks
from .account import Account
from .auth import Auth
from .clock import Clock


class World:
    """Accounts, tokens and sessions, quirks, and the clock. An API call sees and changes them as if it were alone.

    ``stopping`` is set when the simulator ends, so that waiting threads end as well.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.stopping = threading.Event()
        self.clock = Clock()
        self.quirks = Quirks()
        self.auth = Auth(self.clock)
        self.accounts: dict[str, Account] = {}
