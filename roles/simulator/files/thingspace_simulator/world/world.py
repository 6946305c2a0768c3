# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that the service knows, and the same as JSON: what ``--seed-file`` and ``/_simulator/state`` take."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .. import fields, quirks
from ..fields import Kind, anything, secret
from ..quirks import Quirks
from . import account_file
from .account import Account
from .auth import CREDENTIALS, Auth
from .clock import Clock


class World:
    """Accounts, tokens and sessions, quirks, and the clock; an API call sees and changes them as if it were alone.

    ``stopping`` is set when the simulator ends, so that waiting threads end as well.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.stopping = threading.Event()
        self.clock = Clock()
        self.quirks = Quirks()
        self.auth = Auth(self.clock)
        self.accounts: dict[str, Account] = {}

    def replace(self, accounts: Iterable[Account]) -> None:
        """Forget all accounts and take these."""
        with self.lock:
            self.accounts = {account.name: account for account in accounts}


_KINDS: dict[str, Kind] = dict.fromkeys(("accounts", "quirks", "credentials"), anything)
_CREDENTIALS: dict[str, Kind] = dict.fromkeys(CREDENTIALS, secret)


@dataclass(frozen=True)
class State:
    """What a state says. ``accounts`` is None when it names none; quirks and credentials may be some of them."""

    accounts: list[Account] | None = None
    quirks: dict[str, Any] = field(default_factory=dict)
    credentials: dict[str, str] = field(default_factory=dict)


def read_state(given: Any, now_ms: int) -> tuple[State, list[str]]:
    """Read a state completely; return it and everything that is wrong."""
    problems: list[str] = []
    parts = fields.read(given, _KINDS, "state", problems)
    accounts, wrong = account_file.load(parts.get("accounts", []), now_ms)
    problems.extend(wrong)
    switches, wrong = quirks.check(parts.get("quirks", {}))
    problems.extend(wrong)
    credentials = fields.read(parts.get("credentials", {}), _CREDENTIALS, "credentials", problems)
    return State(accounts if "accounts" in parts else None, switches, credentials), problems


def dump_state(world: World) -> dict[str, Any]:
    """Write the whole state."""
    with world.lock:
        accounts = [account_file.dump(account) for account in world.accounts.values()]
        return {"accounts": accounts, "quirks": world.quirks.dump(), "credentials": dict(world.auth.credentials)}
