# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What leaves hides nothing."""

from __future__ import annotations

import json
import typing as t
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._module import LicensingModule
from ansible_collections.thingspace.licensing.plugins.module_utils._text.diff import device_diff
from ansible_collections.thingspace.licensing.plugins.module_utils._text.html import escape
from ansible_collections.thingspace.licensing.plugins.module_utils._text.markdown import plain
from ansible_collections.thingspace.licensing.plugins.module_utils._text.visible import visible, visible_all
from ansible_collections.thingspace.licensing.tests.support.module_runner import arguments

NASTY = "a\x1b[2Jb\x00\x07\x7f\x9b1m\u202e\u2066\u200b\ufeff\ud83d\U000e0001z"


def hidden(text: str, keep: str = "") -> list[str]:
    """Characters that must not leave as they are."""
    return [char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn") and char not in keep]


@given(st.text() | st.just(NASTY))
def test_nothing_is_hidden_and_what_is_visible_stays(text: str) -> None:
    made = visible(text)
    assert hidden(made) == []
    assert visible(made) == made
    assert (made == text) or not text.isprintable()


def test_texts_of_people_stay() -> None:
    assert visible("Köln \u00a0東京 €") == "Köln \u00a0東京 €"
    assert visible("a\nb\tc\r") == "a b c "
    assert visible("a\nb", "\n") == "a\nb"


@pytest.mark.parametrize(
    "door",
    [plain, escape, lambda text: device_diff("x", 1, [text], [text])["before"]],
    ids=["markdown", "html", "diff"],
)
def test_every_door(door: t.Callable[[str], str]) -> None:
    assert hidden(door(NASTY), "\n") == []


def test_a_clean_result_is_not_even_copied() -> None:
    value = {"devices": [{"device_id": "1", "reason": "Köln"}], "changed": True}
    assert visible_all(value) == value
    assert visible_all({"a": [NASTY], NASTY: {"b": (NASTY, None, 1)}}) == {
        "a": [visible(NASTY)],
        visible(NASTY): {"b": [visible(NASTY), None, 1]},
    }


@pytest.mark.parametrize("ends", ["exit", "fail"])
def test_no_module_says_anything_hidden(
    ends: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not in its result, not in warnings, not in the options that it repeats; and a secret stays one."""
    secret = "s\x1becret"
    text = NASTY.replace("\ud83d", "")  # Ansible itself can do nothing with halves of characters.
    monkeypatch.setattr(LicensingModule, "_log_to_syslog", lambda *_arguments: None)  # It may refuse a NUL.
    with arguments({"text": text + secret, "password": secret}, monkeypatch):
        module = LicensingModule(argument_spec={"text": {"type": "str"}, "password": {"type": "str", "no_log": True}})
        module.warn(NASTY)
        end: t.Any = module.exit_json if ends == "exit" else module.fail_json
        with pytest.raises(SystemExit):
            end(msg=NASTY, diff={"before": NASTY + "\n"}, said=secret)
    result = json.loads(capsys.readouterr().out)
    assert result["invocation"]["module_args"]["text"].startswith(visible(text))
    told = json.dumps(result, ensure_ascii=False)
    assert "ecret" not in told
    texts = [str(value) for value in _leaves(result)]
    assert [text for text in texts if hidden(text, "\n")] == []


def _leaves(value: t.Any) -> t.Iterator[t.Any]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from _leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    else:
        yield value
