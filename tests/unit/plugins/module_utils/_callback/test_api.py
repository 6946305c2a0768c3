# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations on listeners: what is sent, what is understood, and that passwords are masked before anything else."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._callback.api import CallbackApi, Listener
from ansible_collections.thingspace.licensing.plugins.module_utils._client.client import Client
from ansible_collections.thingspace.licensing.plugins.module_utils._client.secrets import SecretRegister, spellings
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import ApiError
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT

PATH = f"/m2m/v1/callbacks/{ACCOUNT}"
SERVICE = "CarrierService"
DONE = {"accountName": ACCOUNT, "serviceName": SERVICE}


class FakeClient:
    """Answers every call with the same, and notes it."""

    def __init__(self, answer: t.Any) -> None:
        self.answer = answer
        self.calls: list[t.Any] = []
        self.masked: set[str] = set()
        self.secrets = SecretRegister(self.masked.add)

    def get_list(self, _operation: str, path: str) -> t.Any:
        self.calls.append(("GET", path))
        return self.answer

    def post(self, _operation: str, path: str, body: t.Any) -> t.Any:
        self.calls.append(("POST", path, body))
        return self.answer

    def delete(self, _operation: str, path: str) -> t.Any:
        self.calls.append(("DELETE", path))
        return self.answer


def make(answer: t.Any) -> tuple[CallbackApi, FakeClient]:
    client = FakeClient(answer)
    return CallbackApi(t.cast(Client, client), ACCOUNT), client


def row(service: str = SERVICE, **fields: t.Any) -> dict[str, t.Any]:
    return {"accountName": ACCOUNT, "serviceName": service, "url": "https://x/", **fields}


def test_list() -> None:
    api, client = make([row(username="bob", password="geheim+1"), row("DeviceService", username=None, password=None)])
    assert api.listeners() == [
        Listener(SERVICE, "https://x/", "bob", "geheim+1"),
        Listener("DeviceService", "https://x/", "", ""),
    ]
    assert client.calls == [("GET", PATH)]
    assert client.masked == spellings("geheim+1") | spellings("bob:geheim+1")


@pytest.mark.parametrize("broken", [{}, {"serviceName": None}, {"serviceName": ""}])
def test_passwords_are_masked_even_if_the_answer_is_not_understood(broken: dict[str, t.Any]) -> None:
    api, client = make([broken, row(password="geheim+1", otherPassword="geheim+2", url="https://a:geheim+3@x/")])
    with pytest.raises(ApiError) as raised:
        api.listeners()
    assert raised.value.code == "bad_answer"
    assert {"geheim+1", "geheim%2B1", "geheim+2", "geheim+3"} <= client.masked


def test_a_listener_shows_no_password() -> None:
    listener = Listener(SERVICE, "https://x/", "bob", "geheim")
    assert "geheim" not in f"{listener!r} {listener} {listener.as_result(ACCOUNT, str)}"


@pytest.mark.parametrize(
    ("rows", "url"),
    [
        ([], None),
        ([row("DeviceService")], None),
        ([row("DeviceService"), row()], "https://x/"),
        ([row("carrierservice")], "https://x/"),
        ([row(), row(url="https://y/")], "https://y/"),
    ],
)
def test_the_listener_of_a_service(rows: list[dict[str, t.Any]], url: str | None) -> None:
    listener = make(rows)[0].listener(SERVICE)
    assert (listener and listener.url) == url
    assert listener is None or listener.service == SERVICE


@pytest.mark.parametrize(
    ("username", "password", "more"),
    [("", "", {}), ("bob", "", {"username": "bob"}), ("bob", "geheim", {"username": "bob", "password": "geheim"})],
)
def test_register(username: str, password: str, more: dict[str, str]) -> None:
    api, client = make(DONE)
    api.register(Listener(SERVICE, "https://x/", username, password))
    assert client.calls == [("POST", PATH, {"name": SERVICE, "url": "https://x/", **more})]


def test_remove() -> None:
    api, client = make(DONE)
    api.remove(SERVICE)
    assert client.calls == [("DELETE", f"{PATH}/name/{SERVICE}")]


@pytest.mark.parametrize("answer", [{}, {"serviceName": "DeviceService"}])
def test_an_answer_about_something_else_confirms_nothing(answer: dict[str, str]) -> None:
    api, _client = make(answer)
    with pytest.raises(ApiError) as raised:
        api.remove(SERVICE)
    assert raised.value.code == "bad_answer"
    assert raised.value.in_doubt
