# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All parts of the simulator: what it knows, what is in progress, which faults wait, and what was asked."""

from __future__ import annotations

from typing import Any

from .background.callbacks import Callbacks
from .background.jobs import Jobs
from .http.faults import Faults
from .http.journal import Journal
from .quirks import Quirks
from .world.account import Account
from .world.auth import CREDENTIALS, WORD
from .world.state import read_state
from .world.world import World


class Simulation:
    """One simulator without its network side."""

    def __init__(self, seed: Any) -> None:
        self._seed = seed
        self.world = World()
        self.callbacks = Callbacks(self.world)
        self.jobs = Jobs(self.world, self.callbacks)
        self.faults = Faults()
        self.journal = Journal()
        self.reset()

    def reset(self) -> None:
        """Restore the first accounts, quirks and credentials, and forget tokens and refused logins.

        Raises Invalid if the first state is wrong.
        """
        # Read again each time: requests change the accounts in place.
        start = read_state(self._seed, self.world.clock.now_ms())
        self.replace(start.accounts or [])
        self.world.quirks.merge({**Quirks().dump(), **start.quirks})
        self.world.auth.credentials = {**dict.fromkeys(CREDENTIALS, WORD), **start.credentials}
        self.world.auth.reset()

    def replace(self, accounts: list[Account]) -> None:
        """Replace all accounts, and forget what is in progress: accepted requests and waiting messages."""
        with self.world.lock:
            self.jobs.cancel()
            self.callbacks.clear()
            self.world.accounts = {account.name: account for account in accounts}
