# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every form in which a secret could be printed."""

from __future__ import annotations

import base64
import concurrent.futures
import html
import json
import quopri
import time
import typing as t
import urllib.parse

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._client.secrets import (
    LONGEST,
    MASK,
    WITHHELD,
    SecretRegister,
    spellings,
)

SECRET = "p@ss /%\"'\\\n\u00e4=?"


@given(st.text(min_size=1, max_size=30, alphabet=st.characters(exclude_categories=["Cs"])))
def test_all_spellings(secret: str) -> None:
    forms = spellings(secret)
    raw = secret.encode()
    for form in (
        secret,
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote(secret),
        urllib.parse.quote_plus(secret),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        base64.b64encode(raw).decode(),
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    ):
        assert form in forms


@pytest.mark.parametrize("nothing", ["", None])
def test_nothing_to_hide(nothing: str | None) -> None:
    found: list[str] = []
    SecretRegister(found.append).remember(nothing)
    assert found == []


def test_no_form_is_empty_for_that_would_mask_everything() -> None:
    assert "" not in spellings("=")
    assert "" not in spellings(SECRET)


def test_every_secret_is_handed_over() -> None:
    found: set[str] = set()
    SecretRegister(found.add).remember(SECRET, None, "other")
    assert found == spellings(SECRET) | spellings("other")
    assert "p%40ss+%2F%25%22%27%5C%0A%C3%A4%3D%3F" in found
    assert base64.b64encode(SECRET.encode()).decode() in found


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('[{"url": "u", "password":"geh\\"eim", "x": 1}]', '[{"url": "u", "password":"********", "x": 1}]'),
        ('{"newPassword" : "geheim', '{"newPassword" : "********'),
        ('{"password": ""}', '{"password": ""}'),
        ("a password is wrong", "a password is wrong"),
    ],
)
def test_a_quoted_password_is_masked_though_nobody_told_of_it(text: str, masked: str) -> None:
    assert SecretRegister(lambda _form: None).mask(text) == masked


def percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def lines(text: str) -> str:
    return "\r\n".join(text[start : start + 7] for start in range(0, len(text), 7))


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ENCODINGS: dict[str, t.Callable[[str], str]] = {
    "percent": lambda text: urllib.parse.quote(text, safe=""),
    "lower-case percent": lambda text: percent(text).lower(),
    "percent everywhere": percent,
    "form": urllib.parse.quote_plus,
    "base64": base64_of,
    "base64 of a pair": lambda text: base64_of(f"user:{text}"),
    "base64 of the login": lambda text: base64_of(json.dumps({"username": "user", "password": text})),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(b"?>" + text.encode()).decode().rstrip("="),
    "base64 in lines": lambda text: lines(base64_of(text)),
    "base64 amid letters": lambda text: "abc" + base64_of(text),
    "base64 of UTF-16": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
    "HTML": html.escape,
    "HTML numbers": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "HTML hexadecimal": lambda text: "".join(f"&#x{ord(char):x};" for char in text),
    "JSON": json.dumps,
    "JSON with slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "JSON numbers": lambda text: text.encode("utf-16-be").hex("!", 2).replace("!", "\\u").join(["\\u", ""]),
    "Python": repr,
    "Python bytes": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode("latin-1", "replace")),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "base32 amid letters": lambda text: "ABC" + base64.b32encode(text.encode()).decode().rstrip("="),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal with colons": lambda text: text.encode().hex(":"),
    "hexadecimal as in C": lambda text: ", ".join(f"0x{byte:02X}" for byte in text.encode()),
    "quoted-printable": lambda text: quopri.encodestring(text.encode(), quotetabs=True).decode(),
    "quoted-printable everywhere": lambda text: "".join(f"={byte:02X}" for byte in text.encode()),
    "octal": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()),
    "JavaScript": lambda text: text.encode("utf-16-be").hex("!", 2).replace("!", "%u").join(["%u", ""]),
}
SECRETS = (
    "p@ss/w%41rd \"quo'te+&=7 Zq",
    "Tr0ub4dor&3",
    "correct horse battery",
    "pass-word",
    "\u00e4\u20ac/\U0001f600-secret",
)


def register(*secrets: str) -> SecretRegister:
    one = SecretRegister(lambda _form: None)
    one.remember(*secrets)
    return one


@pytest.mark.parametrize("second", [None, *ENCODINGS])
@pytest.mark.parametrize("first", list(ENCODINGS))
def test_no_encoding_hides_a_secret(first: str, second: str | None) -> None:
    for secret in SECRETS:
        if {first, second} & {"Python bytes", "base64 of UTF-16"} and not secret.isascii():
            continue
        encoded = ENCODINGS[first](secret)
        encoded = ENCODINGS[second](encoded) if second else encoded
        shown = register(*SECRETS).mask(f"refused: {encoded} (see the log)")
        assert encoded not in shown, (secret, encoded)
        if shown != WITHHELD:
            assert MASK in shown


@example(["HTML numbers", "quoted-printable", "base64"], SECRETS[0])
@example(["HTML numbers", "quoted-printable", "base64 of UTF-16"], SECRETS[0])
@given(st.lists(st.sampled_from(list(ENCODINGS)), min_size=1, max_size=4), st.sampled_from([SECRETS[0], SECRETS[3]]))
def test_no_chain_of_encodings_hides_a_secret(chain: list[str], secret: str) -> None:
    encoded = secret
    for name in chain:
        encoded = ENCODINGS[name](encoded)
    assert encoded not in register(secret).mask(f"refused: {encoded}")


ORDINARY = (
    "UnifiedWebService.INPUT_INVALID.Password.Invalid: The username or password is invalid.",
    "Device 990000000000000 (89148000000000000000) is not in account 0000123456-00001; 100% of 3 &lt; 4 & c:\\new",
    "https://thingspace.verizon.com/api/m2m/v1/devices?accountName=0000123456-00001&x=%20a+b",
    "License bcce3ea6-fe4f-4952-bacf-eadd80718e83 of SIMSec-IoT-Lt was assigned at 2026-11-28T15:04:28Z",
    '{"password": "********"}',
)


@pytest.mark.parametrize("text", ORDINARY)
@pytest.mark.parametrize("secret", ["simulat", "abcd", "1q2w", "hunter2", "rest", *SECRETS])
def test_ordinary_text_stays_readable(text: str, secret: str) -> None:
    assert register(secret).mask(text) == text


@pytest.mark.parametrize("secret", ["x", "xy", "xyz"])
def test_a_secret_that_is_no_secret_is_masked_where_it_stands_and_nowhere_else(secret: str) -> None:
    assert register(secret).mask(f"a {secret} b") == f"a {MASK} b"
    text = f"a {percent(secret)} b"
    assert register(secret).mask(text) == text


def test_a_secret_with_white_space_in_it_is_found() -> None:
    assert register("pass-word").mask("p a s s\n-\tw o r d") == WITHHELD


def test_accents_do_not_hide_a_secret() -> None:
    assert register("Tr0ub4dor&3").mask("".join(f"{char}\u0301" for char in "Tr0ub4dor&3")) == WITHHELD


def test_a_secret_that_is_quoted_beside_an_encoded_one() -> None:
    assert register("pass-word").mask(f"pass-word and {percent('pass-word')}") == WITHHELD
    assert register("pass-word").mask("pass-word and pass-word") == f"{MASK} and {MASK}"


def test_a_password_that_nobody_told_of_is_found_in_encoded_text_as_well() -> None:
    assert register().mask('error: {\\"newPassword\\": \\"geheim\\"}') == WITHHELD
    assert register().mask("error: %7B%22password%22%3A%22geheim%22%7D") == WITHHELD


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "%25",
        "&amp;",
        "\\\\",
        "\\u005c",
        "YWJj",
        "%2541",
        "&#37;41",
        "deadbeef",
        " x",
        "\u20ac",
        "ab%zz&#x;\\u12 ",
        "=41",
        "ab:",
        "\\101",
        "MFRGG",
    ],
)
def test_the_time_is_bounded(piece: str) -> None:
    one = register(*SECRETS)
    began = time.process_time()
    for size in (LONGEST, 50 * LONGEST):
        one.mask((piece * size)[:size])
    assert time.process_time() - began < 5.0


def test_a_text_that_is_too_long_to_search_is_left_out() -> None:
    assert register("pass-word").mask("a" * (LONGEST + 1)) == WITHHELD
    assert register("pass-word").mask("a" * LONGEST) == "a" * LONGEST


def test_what_is_kept_of_earlier_texts_does_not_outlive_a_new_secret() -> None:
    one = register("pass-word")
    assert one.mask("geheim-es") == "geheim-es"
    one.remember("geheim-es")
    assert one.mask("geheim-es") == MASK


def test_bytes_that_are_no_text() -> None:
    one = register("geheim\udcff")
    assert one.mask("x geheim\udcff \ud800") == f"x {MASK} \ud800"


def test_threads_that_remember_lose_nothing() -> None:
    one = SecretRegister(lambda _form: None)
    words = [f"secret-{number}-x" for number in range(200)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(one.remember, words))
    assert not [word for word in words if one.mask(word) != MASK]
