# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Callback listeners: one URL per service and account, which registering again replaces (callback pages)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ..fields import Kind, anything, must, read
from .account import Account

CARRIER = "CarrierService"
SERVICES = (
    CARRIER,
    "DeviceService",
    "DevicePRLInformation",
    "DeviceProfileService",
    "DeviceSuspensionStatus",
    "DeviceUsage",
    "DiagnosticsService",
    "EnhancedConnectivityService",
    "StateService",
    "AlertService",
    "ExternalProvisioningChanges",
    "ResumeTrackingNotification",
    "SubscriptionNotificationService",
    "PromoChanges",
    "NiddService",
    "SMSDeliveryConfirmation",
)
MAX_WORD = 40
PORTS = {80, 443, *range(9001, 9007), *range(50551, 50560), *range(28200, 28221)}
_KINDS: dict[str, Kind] = dict.fromkeys(("service", "url", "username", "password", "has_password"), anything)


@dataclass(frozen=True)
class Listener:
    """Where the messages of a service go. ``keep_password``: a state that hides the password was sent back."""

    service: str
    url: str
    username: str = ""
    password: str = ""
    keep_password: bool = False

    @property
    def is_here(self) -> bool:
        """Say whether the URL is on this machine; no other is ever called."""
        return is_loopback(split(self.url))

    @property
    def shown(self) -> str:
        """Return the URL without what may be secret in it."""
        parts = split(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def listeners_of(account: Account) -> dict[str, Listener]:
    """Return the listeners of an account."""
    listeners: dict[str, Listener] = account.parts.setdefault("callbacks", {})
    return listeners


def split(url: str) -> SplitResult:
    """Take a URL apart; raises ValueError for one that is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("the URL must be http or https, with a host")
    return parts


def is_loopback(parts: SplitResult) -> bool:
    """Say whether a host is this machine, by its address or as localhost."""
    host = parts.hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def url_problem(url: str) -> str:
    """Say what is wrong with the URL of a listener: https and certain ports, except on this machine."""
    try:
        parts = split(url)
    except ValueError as error:
        return str(error)
    if is_loopback(parts):
        return ""
    if parts.scheme != "https":
        return "the URL must be https"
    return "" if (parts.port or 443) in PORTS else f"port {parts.port} is not allowed"


def make(service: Any, url: Any, username: Any, password: Any) -> Listener:
    """Build a listener by the documented rules; raises ValueError."""
    if service not in SERVICES:
        raise ValueError(f"the service must be one of {', '.join(SERVICES)}")
    if not isinstance(url, str):
        raise ValueError("the URL must be a string")
    problem = url_problem(url)
    if problem:
        raise ValueError(problem)
    words = ["" if word is None else word for word in (username, password)]
    if not all(isinstance(word, str) and len(word) <= MAX_WORD for word in words):
        raise ValueError(f"username and password have {MAX_WORD} characters at most")
    return Listener(str(service), url, words[0], words[1])


def load(given: Any, _account: Account, where: str, problems: list[str]) -> dict[str, Listener]:
    """Read the listeners of an account."""
    listeners: dict[str, Listener] = {}
    if not isinstance(given, list):
        problems.append(f"{where}: {must('a list of objects', given)}")
        return listeners
    for index, entry in enumerate(given):
        place = f"{where}[{index}]"
        fields = read(entry, _KINDS, place, problems)
        service = fields.get("service", CARRIER)
        try:
            one = make(service, fields.get("url"), fields.get("username"), fields.get("password"))
        except ValueError as error:
            problems.append(f"{place}: {error}")
            continue
        if one.service in listeners:
            problems.append(f"{place}: {one.service} is given twice")
        hidden = bool(fields.get("has_password")) and "password" not in fields
        listeners[one.service] = replace(one, keep_password=hidden)
    return listeners


def dump(listeners: dict[str, Listener]) -> list[dict[str, Any]]:
    """Write the listeners, without their passwords."""
    return [
        {"service": one.service, "url": one.url, "username": one.username, "has_password": bool(one.password)}
        for one in listeners.values()
    ]


def keep_passwords(before: dict[str, Account], after: list[Account]) -> None:
    """Give a listener that was read from a state without passwords the one it had."""
    for account in after:
        old = listeners_of(before[account.name]) if account.name in before else {}
        for service, one in listeners_of(account).items():
            if one.keep_password:
                password = old[service].password if service in old else ""
                listeners_of(account)[service] = replace(one, password=password, keep_password=False)
