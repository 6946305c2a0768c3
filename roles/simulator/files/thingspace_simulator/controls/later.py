# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controls for what happens later: callback messages, and devices that change."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ..http.messages import Request
from ..world.account import Account
from ..world.device import Device
from ..world.device_file import OWN_FIELDS, read_own
from .refusal import Refused, body_of

if TYPE_CHECKING:
    from ..service import Service


def _report(service: Service, _request: Request) -> Any:
    """Return counts and the last messages; ``requests`` is how many are accepted and not done."""
    return {"requests": len(service.work), **service.callbacks.report()}


def _flush(service: Service, request: Request) -> Any:
    """Make everything due now: results first, then messages. ``wait`` says how long to wait for the listeners."""
    given = body_of(request)
    if not isinstance(given, dict) or given.get("flush") is not True or not given.keys() <= {"flush", "wait"}:
        raise Refused(['give {"flush": true}, with "wait" (seconds) if wanted'])
    seconds = given.get("wait", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= 60:
        raise Refused([f"wait: must be a number from 0 to 60, not {seconds!r}"])
    service.work.rush()
    service.callbacks.rush(seconds)
    return _report(service, request)


def _forget(service: Service, _request: Request) -> Any:
    """Forget all messages and counts; what is waiting is not sent any more."""
    return {"cleared": service.callbacks.clear()}


def _put_devices(service: Service, request: Request) -> Any:
    """Change some devices of an account; nothing else is touched, and what is under way goes on."""
    given = body_of(request)
    with service.world.lock:
        account = _account(service, given.get("account") if isinstance(given, dict) else None)
        entries = given.get("devices") if isinstance(given, dict) else given
        changes = _changes(entries, account)
        for device, upgraded, own in changes:
            device.upgraded = device.upgraded if upgraded is None else upgraded
            account.directory.change(device, own)
    return {"account": account.name, "changed": len(changes)}


def _account(service: Service, name: Any) -> Account:
    """Return the account named, or the first."""
    accounts = service.world.accounts
    if name is None and accounts:
        return next(iter(accounts.values()))
    if not isinstance(name, str) or name not in accounts:
        raise Refused([f"account: {name!r} is unknown; known are {', '.join(accounts)}"])
    return accounts[name]


def _changes(entries: Any, account: Account) -> list[tuple[Device, bool | None, dict[str, Any]]]:
    """Read the changes completely; refuses them all for whatever is wrong."""
    if not isinstance(entries, list):
        raise Refused(['give a list of devices, or {"account": name, "devices": list}'])
    changes: list[tuple[Device, bool | None, dict[str, Any]]] = []
    problems: list[str] = []
    given: set[str | None] = set()
    for index, entry in enumerate(entries):
        fields: dict[str, Any] = entry if isinstance(entry, dict) else {}
        device = account.devices.get(str(fields.get("imei")))
        if device is None:
            problems.append(f"devices[{index}].imei: {fields.get('imei')!r} is not a device of the account")
            continue
        unknown = sorted(fields.keys() - OWN_FIELDS - {"imei", "upgraded"})
        problems.extend(f"devices[{index}].{name}: unknown; known are {_NAMES}" for name in unknown)
        own = read_own(fields, partial(_note, problems, index))
        iccid = own.get("iccid")
        if iccid and (iccid in given or account.directory.find("iccid", iccid) not in (None, device)):
            problems.append(f"devices[{index}].iccid: {iccid} is that of another device")
        given.add(iccid)
        upgraded = fields.get("upgraded")
        if upgraded not in (None, True, False):
            problems.append(f"devices[{index}].upgraded: must be true or false, not {upgraded!r}")
        changes.append((device, upgraded, own))
    if problems:
        raise Refused(problems)
    return changes


def _note(problems: list[str], index: int, name: str, what: str) -> None:
    """Note what is wrong with a field."""
    problems.append(f"devices[{index}]{name}: {what}")


_NAMES = ", ".join(sorted({"imei", "upgraded", *OWN_FIELDS}))

CONTROLS: dict[str, dict[str, Callable[[Service, Request], Any]]] = {
    "/_simulator/callbacks": {"GET": _report, "POST": _flush, "DELETE": _forget},
    "/_simulator/devices": {"PUT": _put_devices},
}
