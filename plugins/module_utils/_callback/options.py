# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The options that describe a callback listener: their argument spec and their checks.

Sources: About Callback Services (services, ports, certificates), Register Callback Listener (credentials).
"""

from __future__ import annotations

import dataclasses
import typing as t
import urllib.parse

from .._client.characters import character_problems
from .._client.connection import is_loopback
from .._errors import Problem
from .._options import Spec, chosen

SERVICES = (
    "CarrierService",
    "AlertService",
    "DevicePRLInformation",
    "DeviceProfileService",
    "DeviceService",
    "DeviceSuspensionStatus",
    "DeviceUsage",
    "DiagnosticsService",
    "EnhancedConnectivityService",
    "ExternalProvisioningChanges",
    "NiddService",
    "PromoChanges",
    "ResumeTrackingNotification",
    "SMSDeliveryConfirmation",
    "StateService",
    "SubscriptionNotificationService",
)

LISTENER_SPEC: Spec = {
    "service": {"type": "str", "choices": list(SERVICES), "default": "CarrierService"},
    "url": {"type": "str"},
    "callback_username": {"type": "str"},
    "callback_password": {"type": "str", "no_log": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "update_password": {"type": "str", "choices": ["always", "on_create"], "default": "always", "no_log": False},
}


@dataclasses.dataclass(frozen=True, repr=False)
class Job:
    """What a task requests: each option by its name. Has no C(repr), so that it can never print a secret."""

    account: str
    service: str
    url: str | None
    callback_username: str | None
    callback_password: str | None
    state: t.Literal["present", "absent"]
    update_password: t.Literal["always", "on_create"]


MAX_LENGTH = 40
"""Maximum number of characters in the user name or password of a listener."""

_PORTS = ((80, 80), (443, 443), (9001, 9006), (50551, 50559), (28200, 28220))


def read_job(params: t.Mapping[str, t.Any]) -> tuple[Job, list[Problem]]:
    """Read the options; returns them with all their problems. A listener to remove has none."""
    job = Job(**chosen(params, ("account",), LISTENER_SPEC))
    if job.state == "absent":
        return job, []
    user, password = job.callback_username or "", job.callback_password or ""
    problems = _url_problems(job.url or "")
    for option, value in (("callback_username", user), ("callback_password", password)):
        problems += character_problems(option, value)
        if len(value) > MAX_LENGTH:
            problems.append(Problem(f"'{option}' has {len(value)} characters; ThingSpace takes {MAX_LENGTH} at most."))
    if user and user.casefold() == (params["username"] or "").casefold():
        text = (
            "'callback_username' is the same as 'username'. ThingSpace sends it, with its password, in clear text in "
            "every callback, so it must not be the user of the API. Choose another one."
        )
        problems.append(Problem(text))
    return job, problems


def url_secrets(url: str | None) -> list[str]:
    """The credentials in a URL."""
    try:
        parts = urllib.parse.urlsplit(url or "")
        user, password = parts.username or "", parts.password or ""
    except ValueError:
        return []
    if not password:
        return [user, urllib.parse.unquote(user)]
    return [password, urllib.parse.unquote(password), f"{user}:{password}"]


def _url_problems(url: str) -> list[Problem]:
    if not url:
        return [Problem("'url' is missing: ThingSpace sends callbacks to it. 'state: present' needs it.")]
    problems = character_problems("url", url)
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return [*problems, Problem("'url' is not a URL. Use one like https://callbacks.example.com/thingspace.")]
    if "@" in parts.netloc:
        problems.append(
            Problem("'url' must not hold a user or a password; use 'callback_username' and 'callback_password'.")
        )
    if not url.isprintable() or " " in url:
        problems.append(Problem("'url' holds spaces, line breaks or other characters that no URL has."))
    if parts.scheme not in ("http", "https") or not host:
        text = "'url' must start with https:// and contain a host, like https://callbacks.example.com/thingspace."
        return [*problems, Problem(text)]
    if is_loopback(host):
        return problems
    if parts.scheme == "http":
        text = f"'url' uses plain http to {host}: passwords would cross the network unencrypted. Use https://."
        problems.append(Problem(text, "insecure_url"))
    if port is not None and not any(lowest <= port <= highest for lowest, highest in _PORTS):
        text = f"'url' names port {port}; ThingSpace calls only 80, 443, 9001-9006, 50551-50559 and 28200-28220."
        problems.append(Problem(text))
    return problems
