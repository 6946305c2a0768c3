# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All parts of the simulator together: what it knows, what is under way, which faults wait, what was asked."""

from __future__ import annotations

from typing import Any

from .background.callbacks import Callbacks
from .background.jobs import Jobs
from .http.faults import Faults
from .http.journal import Journal
from .quirks import Quirks
from .world.account import Account
from .world.auth import CREDENTIALS
from .world.world import World, read_state


class BadSeed(Exception):
    """The state to start from is wrong; the message names every problem."""


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
        """Return accounts, quirks and credentials to the start, and forget tokens and refused logins.

        :raises BadSeed: The state to start from is wrong.
        """
        # Read anew each time: requests change the accounts in place.
        start, problems = read_state(self._seed, self.world.clock.now_ms())
        if problems:
            raise BadSeed("; ".join(problems))
        self.replace(start.accounts or [])
        self.world.quirks.merge({**Quirks().dump(), **start.quirks})
        self.world.auth.credentials = {**dict.fromkeys(CREDENTIALS, "simulator"), **start.credentials}
        self.world.auth.reset()

    def replace(self, accounts: list[Account]) -> None:
        """Take other accounts, and forget what is under way: accepted requests and waiting messages."""
        with self.world.lock:
            self.jobs.cancel()
            self.callbacks.clear()
            self.world.replace(accounts)
