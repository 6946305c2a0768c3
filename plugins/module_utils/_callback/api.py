# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The operations on callback listeners. ThingSpace returns their passwords in clear text, so each is masked at once."""

from __future__ import annotations

import dataclasses
import typing as t

from .._client.answers import Reader, text
from .._client.client import Client, segments
from .._client.fault import Mask
from .options import url_secrets


@dataclasses.dataclass(frozen=True, repr=False)
class Listener:
    """The listener of one service. Missing values are empty strings.

    Has no C(repr), so that it can never print a secret.
    """

    service: str
    url: str
    username: str
    password: str

    def as_result(self, account: str, mask: Mask) -> dict[str, t.Any]:
        """The listener without its password."""
        shown = {"service": self.service, "url": self.url, "username": self.username}
        return {"account": account, **{field: mask(value) for field, value in shown.items()}}


_LIST = Reader("list the callback listeners", "base_url")


class CallbackApi:
    """Listeners of one account."""

    def __init__(self, client: Client, account: str) -> None:
        self._client = client
        self._path = "/m2m/v1/callbacks" + segments(account)

    def listeners(self) -> list[Listener]:
        """C(GET /m2m/v1/callbacks/{account}): the listeners that were registered through this API."""
        rows = self._client.get_list(_LIST.what, self._path)
        for row in rows:
            self._hide(row)
        return _all_named([_listener(row) for row in rows])

    def listener(self, service: str) -> Listener | None:
        """The listener of a service, or None."""
        found = [row for row in self.listeners() if row.service.casefold() == service.casefold()]
        # A service has one listener. If it is listed twice, the later one replaced the other.
        return dataclasses.replace(found[-1], service=service) if found else None

    def has_listener(self, service: str) -> bool:
        """Whether a service has a listener. Passwords in the rows are not used.

        :raises LicensingError: it is unknown.
        """
        rows = [_listener(row) for row in self._client.get_list(_LIST.what, self._path)]
        if any(row.service.casefold() == service.casefold() and row.url.strip() for row in rows):
            return True
        _all_named(rows)
        return False

    def register(self, listener: Listener) -> None:
        """C(POST /m2m/v1/callbacks/{account}): register a listener, or replace the service's."""
        body = {"name": listener.service, "url": listener.url}
        if listener.username:
            body["username"] = listener.username
        if listener.password:
            body["password"] = listener.password
        what = f"register the listener of {listener.service}"
        self._confirm(what, listener.service, self._client.post(what, self._path, body))

    def remove(self, service: str) -> None:
        """C(DELETE /m2m/v1/callbacks/{account}/name/{service}): remove the listener of a service."""
        what = f"remove the listener of {service}"
        self._confirm(what, service, self._client.delete(what, self._path + segments("name", service)))

    def _confirm(self, what: str, service: str, answer: t.Mapping[str, t.Any]) -> None:
        """Fail unless the answer is about this service. Any other answer does not show what happened."""
        self._hide(answer)
        if text(answer, ("serviceName",)).casefold() != service.casefold():
            raise Reader(what, "base_url").lacking(f"the 'serviceName' {service}", in_doubt=True)

    def _hide(self, row: t.Mapping[str, t.Any]) -> None:
        """Mask the password of a row, and the credentials in its URL."""
        passwords = [text(row, (key,)) for key in row if "password" in key.lower()]
        pairs = [f"{text(row, ('username',))}:{password}" for password in passwords if password]
        self._client.secrets.remember(*passwords, *pairs, *url_secrets(text(row, ("url",))))


def _listener(row: t.Mapping[str, t.Any]) -> Listener:
    service = text(row, ("serviceName",)) or text(row, ("name",))
    return Listener(service, text(row, ("url",)), text(row, ("username",)), text(row, ("password",)))


def _all_named(listeners: list[Listener]) -> list[Listener]:
    if not all(listener.service for listener in listeners):
        raise _LIST.lacking("a usable 'serviceName' in every row")
    return listeners
