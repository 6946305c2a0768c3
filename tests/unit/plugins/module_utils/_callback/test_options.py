# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a listener: everything that is wrong with them, and no secret in the words about it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._callback.options import (
    read_job,
    url_secrets,
)

GOOD: dict[str, t.Any] = {
    "account": "0000123456-00001",
    "service": "CarrierService",
    "update_password": "always",
    "state": "present",
    "url": "https://callbacks.example.com/thingspace",
    "callback_username": "to-us",
    "callback_password": "a secret",
    "username": "api-user",
}


def texts(**options: t.Any) -> list[str]:
    return [problem.text for problem in read_job({**GOOD, **options})[1]]


@pytest.mark.parametrize(
    "url",
    [
        "https://callbacks.example.com",
        "https://callbacks.example.com:80/",
        *(f"https://callbacks.example.com:{port}/x?y=z" for port in (443, 9001, 9006, 50551, 50559, 28200, 28220)),
        "http://127.0.0.1:12345/",
        "http://localhost/",
        "https://[::1]:8080/",
    ],
)
def test_good_urls(url: str) -> None:
    assert texts(url=url) == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, "'url' is missing"),
        ("", "'url' is missing"),
        ("callbacks.example.com", "must start with https://"),
        ("ftp://callbacks.example.com", "must start with https://"),
        ("https://", "must start with https://"),
        ("https://[::1", "is not a URL"),
        ("https://callbacks.example.com:port/", "is not a URL"),
        ("http://callbacks.example.com/", "plain http to callbacks.example.com"),
        *((f"https://callbacks.example.com:{port}/", f"port {port};") for port in (1, 0, 8080, 9000, 9007, 28221)),
        ("https://callbacks.example.com/a b", "holds spaces"),
        ("https://callbacks.example.com/a\n", "holds spaces"),
        ("https://callbacks.example.com/it's", "an apostrophe"),
        ("https://robot:geheim@callbacks.example.com/", "must not hold a user"),
        ("https://geheim@127.0.0.1/", "must not hold a user"),
    ],
)
def test_bad_urls(url: str | None, said: str) -> None:
    (text,) = texts(url=url)
    assert said in text
    assert "geheim" not in text


def test_everything_is_told_at_once_and_no_secret() -> None:
    found = texts(
        url="http://x.example.com:1/",
        callback_username="API-user",
        callback_password="geheim<" + "x" * 40,
        username="api-USER",
    )
    assert len(found) == 5
    assert "geheim" not in "".join(found)


@pytest.mark.parametrize("option", ["callback_username", "callback_password"])
@pytest.mark.parametrize(("value", "count"), [("", 0), (None, 0), ("x" * 40, 0), ("x" * 41, 1), ("it's", 1)])
def test_credentials(option: str, value: str | None, count: int) -> None:
    assert len(texts(**{option: value})) == count


def test_without_a_user_of_the_api_there_is_none_to_compare() -> None:
    assert texts(username=None) == texts(username=None, callback_username="") == []


def test_plain_http_has_a_code_of_its_own() -> None:
    _job, (problem,) = read_job({**GOOD, "url": "http://x.example.com"})
    assert problem.code == "insecure_url"


def test_a_job_shows_no_secret() -> None:
    assert GOOD["callback_password"] not in repr(read_job(GOOD)[0])


def test_removing_needs_nothing() -> None:
    assert texts(state="absent", url="http://x:1/", callback_password="<") == []


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        (None, []),
        ("https://x.example.com/", []),
        ("https://[", []),
        ("https://robot:p%40ss@x.example.com/", ["p%40ss", "p@ss", "robot:p%40ss"]),
        ("https://to%2Fken@x.example.com/", ["to%2Fken", "to/ken"]),
    ],
)
def test_secrets_of_a_url(url: str | None, secrets: list[str]) -> None:
    assert [secret for secret in url_secrets(url) if secret] == secrets
