# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every control is made of: what it gets, how it refuses, how it reads a body or an account."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..fields import Kind, read
from ..http.messages import Request
from ..simulation import Simulation
from ..world.account import Account

Control = Callable[[Simulation, Request], Any]
"""Does what is asked and returns the data to answer with; raises Refused."""
Controls = dict[str, dict[str, Control]]
"""Controls by path and method."""


class Refused(Exception):
    """The body or the query of a control is wrong; carries every problem. Nothing is applied."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def body_of(request: Request) -> Any:
    """Parse the body of a control."""
    try:
        return request.json()
    except ValueError as error:
        raise Refused([f"the body is not JSON: {error}"]) from error


def fields_of(given: Any, kinds: Mapping[str, Kind], where: str, required: Collection[str] = ()) -> dict[str, Any]:
    """Read the fields of a body or a query; refuses it for whatever is wrong."""
    problems: list[str] = []
    found = read(given, kinds, where, problems, required)
    if problems:
        raise Refused(problems)
    return found


def account_of(simulation: Simulation, name: Any, problems: list[str]) -> Account | None:
    """Return the account named, or the first; notes if there is none."""
    accounts = simulation.world.accounts
    if name is None and accounts:
        return next(iter(accounts.values()))
    if not isinstance(name, str) or name not in accounts:
        problems.append(f"account: {name!r} is unknown; known are {', '.join(accounts)}")
        return None
    return accounts[name]
