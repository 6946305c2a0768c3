# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Callback listeners: one URL per service and account. Registering again replaces it (callback pages)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ..fields import Choice, Kind, Place, anything, string

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


@dataclass(frozen=True)
class Listener:
    """Where the messages of a service go. ``keep_password``: it comes from a state that hides the password."""

    service: str
    url: str
    username: str = ""
    password: str = ""
    keep_password: bool = False

    @property
    def is_here(self) -> bool:
        """Say whether the URL is on this machine. No other is ever called."""
        return is_loopback(split(self.url))

    @property
    def shown(self) -> str:
        """Return the URL without the parts that may be secret."""
        parts = split(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def split(url: str) -> SplitResult:
    """Split a URL. Raises ValueError if it is not valid."""
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


def _url(value: Any) -> str:
    """Take the URL of a listener: https and certain ports, except on this machine."""
    parts = split(string(value))
    if not is_loopback(parts):
        if parts.scheme != "https":
            raise ValueError("the URL must be https")
        if (parts.port or 443) not in PORTS:
            raise ValueError(f"port {parts.port} is not allowed")
    return str(value)


def _word(value: Any) -> str:
    """Take a user name or a password. The message never shows it."""
    if value is not None and (not isinstance(value, str) or len(value) > MAX_WORD):
        raise ValueError(f"must be a string of {MAX_WORD} characters at most")
    return value or ""


KINDS: dict[str, Kind] = {"service": Choice(SERVICES), "url": _url, "username": _word, "password": _word}


def read(given: Any, place: Place) -> dict[str, Listener]:
    """Read the listeners of a state. A state shows ``has_password`` instead of a password."""
    if isinstance(given, list):
        given = [{"service": CARRIER, "url": None, **one} if isinstance(one, dict) else one for one in given]
    found: dict[str, Listener] = {}
    for service, fields in place.read_list(given, "service", {**KINDS, "has_password": anything}).items():
        hidden = bool(fields.pop("has_password", False)) and "password" not in fields
        found[service] = Listener(**{"url": "", **fields}, keep_password=hidden)
    return found
