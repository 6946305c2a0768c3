# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages from templates: escaped, and with clear errors."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._pages.render import render

BUILT_IN = {"a.html": "{% block one %}<b>{{ x }}</b>{% endblock %}\n", "a.md": "| {{ x }} |\n"}
HOSTILE = "<script>`*| &\n# \x1b[31m\u202e"


def test_every_value_is_escaped() -> None:
    texts = render(BUILT_IN, BUILT_IN, {"x": HOSTILE}, None)
    assert texts["a.html"] == "<b>&lt;script&gt;`*| &amp;\n# \\u001b[31m\\u202e</b>"
    assert texts["a.md"] == "| \\<script\\>\\`\\*\\| \\& \\# \\\\u001b\\[31m\\\\u202e |\n"


def test_templates_of_the_user(tmp_path: Path) -> None:
    """They may extend the built-in ones, and what they do not have is built in."""
    text = '{% extends "builtin/a.html" %}{% block one %}Hello {{ x }}, {{ super() }}{% endblock %}'
    (tmp_path / "a.html").write_text(text, encoding="utf-8")
    texts = render(BUILT_IN, BUILT_IN, {"x": "<"}, str(tmp_path))
    assert texts == {"a.html": "Hello &lt;, <b>&lt;</b>", "a.md": "| \\< |\n"}


@pytest.mark.parametrize(
    ("template", "told"),
    [
        (b"\n{% if %}", "a.html, line 2"),
        (b"\n\n{{ y }}", "a.html, line 3 in {folder} failed: UndefinedError: 'y' is undefined"),
        (b"{{ 1 // 0 }}", "ZeroDivisionError"),
        (b"{{ x.__class__.__mro__ }}", "SecurityError"),
        (b"{% for n in range(10 ** 9) %}{% endfor %}", "OverflowError"),
        (b'{% include "../secret" %}', "TemplateNotFound"),
        (b'{% extends "a.html" %}', "RecursionError"),
        (b"\xff", "UnicodeDecodeError"),
    ],
)
def test_a_template_that_fails(tmp_path: Path, template: bytes, told: str) -> None:
    (tmp_path / "secret").write_text("s3cret", encoding="utf-8")
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "a.html").write_bytes(template)
    with pytest.raises(LicensingError) as caught:
        render(BUILT_IN, BUILT_IN, {"x": "x"}, str(folder))
    assert caught.value.code == "template_failed"
    assert told.format(folder=folder) in caught.value.message


def test_python_without_jinja(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(LicensingError, match="Jinja2, which makes the pages, is missing") as caught:
        render(BUILT_IN, BUILT_IN, {"x": "x"}, None)
    assert caught.value.code == "missing_library"
