# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control that plays the sales department: how many licenses an account has bought."""

from __future__ import annotations

from typing import Any

from ..fields import WHOLE, Kind, anything, read
from ..http.messages import Request
from ..simulation import Simulation
from ..world.account import Account
from ..world.candidates import evict
from ..world.clock import iso
from .control import Controls, Refused, account_of, body_of

_FIELDS: dict[str, Kind] = {"account": anything, "license_count": WHOLE}


def _show(simulation: Simulation, request: Request) -> Any:
    """Return how many licenses are bought and held; ``?account=`` may be left out for the first account."""
    problems: list[str] = []
    name = read(request.query, {"account": anything}, "filter", problems).get("account")
    with simulation.world.lock:
        account = account_of(simulation, name, problems)
        if problems or account is None:
            raise Refused(problems)
        return _counts(account)


def _change(simulation: Simulation, request: Request) -> Any:
    """Buy more or fewer licenses. If devices then hold more than are bought, some lose theirs at once."""
    problems: list[str] = []
    given = read(body_of(request), _FIELDS, "subscription", problems, required=("license_count",))
    with simulation.world.lock:
        account = account_of(simulation, given.get("account"), problems)
        if account is not None and not account.has_pool:
            problems.append(f"account: {account.name} buys no licenses in advance")
        if problems or account is None:
            raise Refused(problems)
        now_ms = simulation.world.clock.now_ms()
        account.license_count, account.updated_ms = given["license_count"], now_ms
        evicted = evict(account, simulation.world.quirks, now_ms)
        rows = [{"device_id": imei, "assigned_at": iso(assigned_ms)} for imei, assigned_ms in evicted]
        return {**_counts(account), "evicted": rows}


def _counts(account: Account) -> dict[str, Any]:
    """Return what both answers have in common."""
    return {"account": account.name, "license_count": account.license_count, "assigned": len(account.licenses)}


CONTROLS: Controls = {
    "/_simulator/subscription": {"GET": _show, "POST": _change},
}
