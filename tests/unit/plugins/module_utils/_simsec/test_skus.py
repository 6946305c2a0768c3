# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the SKUs mean: above all, nothing that may be for life is taken for something else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.skus import (
    KNOWN,
    as_assigned,
    says_flexible,
    says_lifetime,
    sku_of,
    sku_problems,
    sku_warnings,
)

LIFETIME = "SIMSec-IoT-Lt"


def test_only_one_of_the_known_is_for_life() -> None:
    assert [sku.number for sku in KNOWN.values() if sku.lifetime] == [LIFETIME]
    assert not any(sku_problems(number) or sku_warnings(sku_of(number)) for number in KNOWN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SIMSec-IoT-Lt2", True),
        ("SIMSEC_LT", True),
        ("TS-LIFETIME-SIMSEC", True),
        ("Lifelong", True),
        ("Perpetual license", True),
        ("PERMANENT", True),
        ("Sim permanently bound", True),
        ("\uff2c\uff29\uff26\uff25\uff34\uff29\uff2d\uff25", True),
        ("L\u0456fet\u0456me", True),
        ("LIFET\u0130ME", True),
        ("l\u0131fet\u0131me", True),
        ("l i f e t i m e", True),
        ("Sim L-I-F-E-T-I-M-E bound", True),
        ("Life\u200btime", True),
        ("Per\u00admanent", True),
        ("Permission", False),
        ("lt", True),
        ("SIMSec-LTE", False),
        ("TS-FLEX", False),
        ("Salt-1", False),
        ("", False),
    ],
)
def test_names_that_speak_of_a_lifetime(text: str, expected: bool) -> None:
    assert says_lifetime(text) is expected
    if text:
        sku = sku_of(text)
        assert (sku.number, sku.name, sku.lifetime) == (text, "unknown", expected)
        assert ("a lifetime license" in sku_warnings(sku)[0]) is expected


@pytest.mark.parametrize("number", [*KNOWN, "ACME-1"])
def test_what_the_account_says_counts_for_every_sku(number: str) -> None:
    assert sku_of(number, ["Flexible", "", "Permanent"]).lifetime
    assert sku_of(number, ["Flexible", ""]).lifetime is (number == LIFETIME)


@pytest.mark.parametrize("number", ["SIMSecLt", "IoTLT", "ACME-OneTime", "ACME-Perm", "One_Time-Sim", "SIMSECLT-2"])
def test_a_name_that_may_speak_of_a_lifetime_is_in_doubt(number: str) -> None:
    """Even if the account calls it flexible."""
    sku = as_assigned(sku_of(number), ["Flexible"])
    assert (sku.lifetime, bool(sku.doubt)) == (True, True)
    assert sku.doubt in sku_warnings(sku)[0]


@pytest.mark.parametrize("number", [number for number in KNOWN if number != LIFETIME])
@pytest.mark.parametrize("types", [[], [""], ["Flexible"], ["Flexible Bundle"], ["Flexible Tiered", ""], ["flex"]])
def test_the_documented_ones_stay_flexible(number: str, types: list[str]) -> None:
    sku = as_assigned(sku_of(number, types), types)
    assert (sku.lifetime, sku.doubt, sku_warnings(sku)) == (False, "", [])


@given(st.text(max_size=20))
def test_only_words_that_say_so_make_a_license_flexible(text: str) -> None:
    sku = as_assigned(sku_of("SIMSec-IoT", [text]), [text])
    assert sku.lifetime is not (not text.strip() or says_flexible(text))


@pytest.mark.parametrize("known", KNOWN)
@pytest.mark.parametrize("spell", [str.upper, str.lower, " {}".format, "{}\n".format])
def test_another_spelling_of_a_known_one_is_refused(known: str, spell: type[str]) -> None:
    spelled = spell(known)
    if spelled == known:
        return
    problems = sku_problems(spelled)
    assert [problem.code for problem in problems] == ["invalid_sku"]
    assert f"'{known}'" in problems[0].text


@pytest.mark.parametrize("sku", ["", " ", "-x", "a b", "a/b", "x" * 65, "\x1b[31m", "Ä", "a\n"])
def test_what_can_be_none_is_refused_in_plain_characters(sku: str) -> None:
    problem = sku_problems(sku)[0]
    assert problem.code == "invalid_sku"
    assert problem.text.isprintable()
    assert len(problem.text) < 250


@given(st.text(max_size=80))
def test_any_text_is_refused_or_can_stand_in_a_request(text: str) -> None:
    if not sku_problems(text):
        assert 0 < len(text) <= 64
        assert text.isascii()
        assert text.isprintable()
        assert text in KNOWN or text.lower() not in {known.lower() for known in KNOWN}
