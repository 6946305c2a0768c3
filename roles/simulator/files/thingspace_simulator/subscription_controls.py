# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control that plays the sales department: how many licenses an account has bought."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .clock import iso
from .evictions import evict
from .messages import Request
from .refusal import Refused, body_of
from .state import Account

if TYPE_CHECKING:
    from .service import Service

_FIELDS = ("account", "license_count")


def _show(service: Service, request: Request) -> Any:
    """Return how many licenses are bought and held; ``?account=`` may be left out for the first account."""
    unknown = sorted(request.query.keys() - {"account"})
    problems = [f"{name}: unknown filter; known is account" for name in unknown]
    with service.world.lock:
        account = _account(service, request.query.get("account"), problems)
        if problems or account is None:
            raise Refused(problems)
        return _counts(account)


def _change(service: Service, request: Request) -> Any:
    """Buy more or fewer licenses. If devices then hold more than are bought, some lose theirs at once."""
    given = body_of(request)
    if not isinstance(given, dict):
        raise Refused(['give {"account": name, "license_count": number}'])
    problems = [f"{name}: unknown; known are {', '.join(_FIELDS)}" for name in given if name not in _FIELDS]
    count = given.get("license_count")
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        problems.append(f"license_count: must be a whole number from 0, not {count!r}")
    with service.world.lock:
        account = _account(service, given.get("account"), problems)
        if account is not None and not account.has_pool:
            problems.append(f"account: {account.name} buys no licenses in advance")
        if problems or account is None:
            raise Refused(problems)
        now_ms = service.clock.now_ms()
        account.license_count, account.updated_ms = int(count or 0), now_ms
        evicted = evict(account, service.quirks, now_ms)
        rows = [{"device_id": imei, "assigned_at": iso(assigned_ms)} for imei, assigned_ms in evicted]
        return {**_counts(account), "evicted": rows}


def _account(service: Service, name: Any, problems: list[str]) -> Account | None:
    """Return the account named, or the first; notes if there is none."""
    accounts = service.world.accounts
    if name is None and accounts:
        return next(iter(accounts.values()))
    if not isinstance(name, str) or name not in accounts:
        problems.append(f"account: {name!r} is unknown; known are {', '.join(accounts)}")
        return None
    return accounts[name]


def _counts(account: Account) -> dict[str, Any]:
    """Return what both answers have in common."""
    return {"account": account.name, "license_count": account.license_count, "assigned": len(account.licenses)}


CONTROLS: dict[str, dict[str, Callable[[Service, Request], Any]]] = {
    "/_simulator/subscription": {"GET": _show, "POST": _change},
}
