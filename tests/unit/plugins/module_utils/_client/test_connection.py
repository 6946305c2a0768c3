# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options: what is accepted, and everything that is wrong at once."""

from __future__ import annotations

import itertools
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.connection import (
    CONNECTION_SPEC,
    DEFAULT_BASE_URL,
    connection_from,
    is_loopback,
)
from ansible_collections.thingspace.licensing.tests.support.fakes import CREDENTIALS, options

Found = list[tuple[str, str]]


def problems(**given: t.Any) -> Found:
    """Code and text of every problem."""
    return [(problem.code, problem.text) for problem in connection_from(options(**{**CREDENTIALS, **given}))[1]]


def test_every_option_has_its_variable() -> None:
    for name, spec in CONNECTION_SPEC.items():
        assert spec["fallback"][1] == [f"THINGSPACE_{name.upper()}"]


def test_secrets_are_not_logged() -> None:
    hidden = {name for name, spec in CONNECTION_SPEC.items() if spec.get("no_log")}
    assert hidden == {"client_secret", "password", "access_token", "session_token"}


def test_defaults_and_full_credentials_are_fine() -> None:
    values = {name: spec.get("default") for name, spec in CONNECTION_SPEC.items()}
    found, wrong = connection_from({**values, **CREDENTIALS})
    assert wrong == []
    assert (found.base_url, found.host) == (DEFAULT_BASE_URL, "thingspace.verizon.com")
    assert found.secrets == ("app-secret", "pass-word", None, None)
    assert found.runtime_dir.rpartition("/")[2].startswith("thingspace-licensing")


def test_environment_does_not_matter_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CONNECTION_SPEC:
        monkeypatch.setenv(f"THINGSPACE_{name.upper()}", "9")
    found, wrong = connection_from(options(**CREDENTIALS, runtime_dir=""))
    assert wrong == []
    assert (found.client_id, found.session_token, found.timeout, found.runtime_dir) == ("app", None, 60, "")


def test_repr_shows_no_secret() -> None:
    text = repr(connection_from(options(**CREDENTIALS))[0])
    assert "app-secret" not in text
    assert "pass-word" not in text


@pytest.mark.parametrize(
    ("name", "secret", "token"),
    [("client_id", "client_secret", "access_token"), ("username", "password", "session_token")],
)
@pytest.mark.parametrize("given", list(itertools.product([True, False], repeat=3)))
def test_credentials(name: str, secret: str, token: str, given: tuple[bool, bool, bool]) -> None:
    values = {key: "x" if there else None for key, there in zip((name, secret, token), given, strict=True)}
    found = problems(**values)
    has_name, has_secret, has_token = given
    if has_name and has_secret:
        assert found == []
    elif has_name or has_secret:
        missing, there = (secret, name) if has_name else (name, secret)
        ((code, text),) = found
        assert code == "missing_credentials"
        assert text.startswith(f"'{there}' is given without '{missing}'")
        assert f"THINGSPACE_{missing.upper()}" in text
    elif has_token:
        assert found == []
    else:
        ((code, text),) = found
        assert code == "missing_credentials"
        assert all(word in text for word in (f"'{name}'", f"'{secret}'", f"'{token}'"))


def test_both_halves_are_reported_together() -> None:
    found = problems(**dict.fromkeys(CREDENTIALS))
    assert [code for code, _text in found] == ["missing_credentials"] * 2


@pytest.mark.parametrize("blank", ["", None])
def test_blank_credentials_count_as_missing(blank: str | None) -> None:
    assert len(problems(**dict.fromkeys(CREDENTIALS, blank))) == 2


def test_id_and_secret_in_one() -> None:
    assert [text for _code, text in problems(client_id="a:b")] == [
        "'client_id' must not hold a colon; it looks like id and secret in one."
    ]


@pytest.mark.parametrize(
    ("journal", "usable"),
    [(None, False), ("j.db", False), ("~/j.db", False), (" postgresql://h/d", True), ("service=licensing", True)],
)
def test_tokens_are_shared_through_a_database_only(journal: str | None, *, usable: bool) -> None:
    assert problems(journal=journal) == []
    found = problems(journal=journal, share_tokens=True)
    assert [code for code, _text in found] == ([] if usable else ["invalid_options"])
    assert usable or "'share_tokens' shares tokens through a database" in found[0][1]


@pytest.mark.parametrize("token", ["a b", "t\u00f6ken", "a\0b"])
@pytest.mark.parametrize("option", ["access_token", "session_token"])
def test_tokens_that_no_header_can_hold(option: str, token: str) -> None:
    ((code, text),) = problems(**{option: token})
    assert (code, text.startswith(f"'{option}' holds spaces")) == ("invalid_options", True)
    assert token not in text


FOUR = ("client_id", "client_secret", "username", "password")
FROM_A_FILE = (
    "{}\n",
    "{}\r\n",
    "{}\r",
    " {}",
    "{} ",
    "\t{}",
    "{}\t",
    "a\n{}",
    "a\u2028{}",
    "\ufeff{}",
    "{}\xa0",
    "\n",
    " ",
)


@pytest.mark.parametrize("form", FROM_A_FILE)
@pytest.mark.parametrize("option", [*FOUR, "access_token", "session_token"])
def test_a_line_break_or_an_outer_blank_is_found_before_it_costs_a_login(option: str, form: str) -> None:
    ((code, text),) = problems(**{option: form.format("Hq7-vT2w")})
    assert (code, text.startswith(f"'{option}' holds a line break, or a blank at its")) == ("invalid_options", True)
    assert "read from a file often ends in a line break" in text
    assert "Hq7-vT2w" not in text


def test_every_credential_from_a_file_is_told_of_at_once() -> None:
    found = problems(**{name: f"{value}\n" for name, value in CREDENTIALS.items()})
    assert [text.split()[0] for _code, text in found] == [f"'{name}'" for name in FOUR]


@pytest.mark.parametrize("option", ["client_secret", "password"])
@pytest.mark.parametrize("value", ["a b", "a\tb", "\u00e4 \u20ac", "\\n", "%0A"])
def test_other_characters_are_a_matter_of_the_server(option: str, value: str) -> None:
    assert problems(**{option: value}) == []


@pytest.mark.parametrize("option", FOUR)
def test_bytes_that_are_no_text(option: str) -> None:
    ((code, text),) = problems(**{option: "a\udcffb"})
    assert (code, text) == ("invalid_options", f"'{option}' holds bytes that are not UTF-8 text.")


@pytest.mark.parametrize(
    "url",
    [
        "https://x.test/api",
        "https://x.test:8443/api/",
        "http://localhost:8099/api",
        "http://LOCALHOST./api",
        "http://127.0.0.1:1/api",
        "http://127.9.9.9/api",
        "http://[::1]:8099/api",
    ],
)
def test_good_urls(url: str) -> None:
    found, wrong = connection_from(options(**CREDENTIALS, base_url=url))
    assert wrong == []
    assert found.base_url == url.rstrip("/")


@pytest.mark.parametrize("url", ["", None])
def test_no_url_is_the_default(url: str | None) -> None:
    assert connection_from(options(**CREDENTIALS, base_url=url))[0].base_url == DEFAULT_BASE_URL


@pytest.mark.parametrize(
    "url",
    [
        "http://x.test/api",
        "http://localhost.x.test/",
        "http://127.0.0.1.x.test",
        "http://10.0.0.1",
        "http://[fe80::1]/",
    ],
)
def test_plain_http_to_another_machine(url: str) -> None:
    assert [code for code, _text in problems(base_url=url)] == ["insecure_url"]


@pytest.mark.parametrize(
    "url",
    [
        "x.test/api",
        "ftp://x.test",
        "https://",
        "https:///api",
        "https://x.test:99999/api",
        "https://x.test:port/api",
        "https://[::1/api",
        "https://user:word@x.test/api",
        "https://user@x.test/api",
        "https://x.test/api?a=1",
        "https://x.test/api#a",
        "file:///etc/passwd",
    ],
)
def test_bad_urls(url: str) -> None:
    found = problems(base_url=url)
    assert [code for code, _text in found] == ["invalid_options"]
    assert "word" not in found[0][1].replace("passwords", "")


@pytest.mark.parametrize("url", ["https://x.test/api?", "https://x.test/api#"])
def test_empty_query_or_fragment_would_swallow_every_path(url: str) -> None:
    assert len(problems(base_url=url)) == 1


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("127.0.0.1", True), ("::1", True), ("", False), ("0.0.0.0", False), ("localhost.x", False)],
)
def test_is_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_ca_path(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    assert [code for code, _text in problems(ca_path=str(file))] == ["file_unreadable"]
    file.write_text("")
    assert problems(ca_path=str(file)) == []
    ((code, text),) = problems(ca_path=str(file), validate_certs=False)
    assert (code, "contradict" in text) == ("invalid_options", True)


@pytest.mark.parametrize(
    ("option", "lowest", "highest"),
    [
        ("timeout", 0.1, 3600),
        ("deadline", 0.1, 604800),
        ("retries", 0, 50),
        ("max_concurrency", 1, 64),
        ("rate_limit", 0, 10000),
    ],
)
def test_numbers(option: str, lowest: float, highest: float) -> None:
    assert problems(**{option: lowest}) == []
    assert problems(**{option: highest}) == []
    for bad in (lowest - 1, highest + 1, float("nan"), float("inf"), float("-inf")):
        ((code, text),) = problems(**{option: bad})
        assert code == "invalid_options"
        assert text == f"'{option}' is {bad:g}; it must be between {lowest:g} and {highest:g}."


def test_everything_at_once() -> None:
    found = problems(
        base_url="http://x.test", password=None, access_token="a b", timeout=0, retries=99, ca_path="/none"
    )
    assert sorted(code for code, _text in found) == [
        "file_unreadable",
        "insecure_url",
        "invalid_options",
        "invalid_options",
        "invalid_options",
        "missing_credentials",
    ]
