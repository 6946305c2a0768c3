# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state as a whole, as JSON: the format of ``--seed-file`` and of ``/_simulator/state``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .. import quirks
from . import account_file
from .account import Account
from .auth import CREDENTIALS
from .world import World

NAMES = ("accounts", "quirks", "credentials")


@dataclass(frozen=True)
class State:
    """What a state says. ``accounts`` is None when it names none; quirks and credentials may be some of them."""

    accounts: list[Account] | None = None
    quirks: dict[str, Any] = field(default_factory=dict)
    credentials: dict[str, str] = field(default_factory=dict)


def read(given: Any, now_ms: int) -> tuple[State, list[str]]:
    """Read a state completely; return it and everything that is wrong."""
    if not isinstance(given, dict):
        return State(), ["the state must be an object"]
    problems = [f"{name}: unknown; known are {', '.join(NAMES)}" for name in given if name not in NAMES]
    accounts, wrong = account_file.load(given.get("accounts", []), now_ms)
    problems.extend(wrong)
    switches, wrong = quirks.check(given.get("quirks", {}))
    problems.extend(wrong)
    credentials, wrong = _credentials(given.get("credentials", {}))
    problems.extend(wrong)
    return State(accounts if "accounts" in given else None, switches, credentials), problems


def _credentials(given: Any) -> tuple[dict[str, str], list[str]]:
    """Read what a client has to know; return it and what is wrong."""
    if not isinstance(given, dict):
        return {}, ["credentials: must be an object"]
    problems: list[str] = []
    for name, value in given.items():
        if name not in CREDENTIALS:
            problems.append(f"credentials.{name}: unknown; known are {', '.join(CREDENTIALS)}")
        elif not isinstance(value, str) or not value:
            problems.append(f"credentials.{name}: must be a non-empty string")
    return given, problems


def dump(world: World) -> dict[str, Any]:
    """Write the whole state."""
    with world.lock:
        accounts = [account_file.dump(account) for account in world.accounts.values()]
        return {"accounts": accounts, "quirks": world.quirks.dump(), "credentials": dict(world.auth.credentials)}
