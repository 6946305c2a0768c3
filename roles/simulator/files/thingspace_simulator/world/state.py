# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state as a whole, as JSON: the format of ``--seed-file`` and of ``/_simulator/state``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .. import fields, quirks
from ..fields import Kind, anything, secret
from . import account_file
from .account import Account
from .auth import CREDENTIALS
from .world import World

_KINDS: dict[str, Kind] = dict.fromkeys(("accounts", "quirks", "credentials"), anything)
_CREDENTIALS: dict[str, Kind] = dict.fromkeys(CREDENTIALS, secret)


@dataclass(frozen=True)
class State:
    """What a state says. ``accounts`` is None when it names none; quirks and credentials may be some of them."""

    accounts: list[Account] | None = None
    quirks: dict[str, Any] = field(default_factory=dict)
    credentials: dict[str, str] = field(default_factory=dict)


def read(given: Any, now_ms: int) -> tuple[State, list[str]]:
    """Read a state completely; return it and everything that is wrong."""
    problems: list[str] = []
    parts = fields.read(given, _KINDS, "state", problems)
    accounts, wrong = account_file.load(parts.get("accounts", []), now_ms)
    problems.extend(wrong)
    switches, wrong = quirks.check(parts.get("quirks", {}))
    problems.extend(wrong)
    credentials = fields.read(parts.get("credentials", {}), _CREDENTIALS, "credentials", problems)
    return State(accounts if "accounts" in parts else None, switches, credentials), problems


def dump(world: World) -> dict[str, Any]:
    """Write the whole state."""
    with world.lock:
        accounts = [account_file.dump(account) for account in world.accounts.values()]
        return {"accounts": accounts, "quirks": world.quirks.dump(), "credentials": dict(world.auth.credentials)}
