# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the options of an inventory file."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.tests.support.controller import import_plugin

inventory_options = import_plugin("plugin_utils._inventory_options")
untrusted = import_plugin("plugin_utils._untrusted").untrusted
errors = inventory_options.errors


def test_templates_are_evaluated_but_for_expressions_and_never_quoted() -> None:
    def template(value: t.Any) -> t.Any:
        if value == "bad":
            raise ValueError("of the secret")
        return f"<{value}>"

    given = {"state": "a", "compose": {"a": "b"}, "password": "bad"}
    found, problems = inventory_options.evaluated(given, template)
    assert found == {"state": "<a>", "compose": {"a": "b"}}
    assert [problem.text for problem in problems] == ["The template of 'password' cannot be evaluated (ValueError)."]


@pytest.mark.skipif(not hasattr(errors, "AnsibleValueOmittedError"), reason="ansible-core 2.18 has no such value")
def test_what_is_omitted_is_not_given() -> None:
    def template(_value: t.Any) -> t.Any:
        raise errors.AnsibleValueOmittedError()

    assert inventory_options.evaluated({"state": "a"}, template) == ({}, [])


def test_unknown_options() -> None:
    problems = inventory_options.unknown_options({"plugin": 1, "grup": 1, 7: 1, "group": 1}, {"group": {}})
    assert [problem.text for problem in problems] == [
        "'grup' is not an option of this inventory plugin. Did you mean 'group'?",
        "'7' is not an option of this inventory plugin.",
    ]


def test_wrong_types_are_replaced() -> None:
    definitions = {
        "a": {"type": "float", "default": 3.0},
        "b": {"type": "str"},
        "c": {"type": "str", "choices": ["x", "y"], "default": "x"},
        "d": {"type": "list", "required": True},
        "e": {"type": "str"},
    }

    def check(name: str) -> None:
        if name == "d":
            raise errors.AnsibleRequiredOptionError("d")
        if name != "e":
            raise errors.AnsibleOptionsError("secret")

    given = {"e": "kept"}
    problems = inventory_options.mistyped(given, definitions, check)
    assert [problem.text for problem in problems] == [
        "'a' must be a value of the type float.",
        "'b' must be a value of the type str.",
        "'c' must be one of x, y.",
    ]
    assert given == {"e": "kept", "a": 3.0, "b": "unusable", "c": "x", "d": []}


def test_blank_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THINGSPACE_CA_PATH", "")
    monkeypatch.delenv("THINGSPACE_RUNTIME_DIR", raising=False)
    assert inventory_options.blank_paths({}) == {"ca_path": ""}
    assert inventory_options.blank_paths({"ca_path": "/x", "runtime_dir": ""}) == {"runtime_dir": ""}


def test_plain_values() -> None:
    assert inventory_options.plain({1: ("a", {"b": None})}) == {"1": ["a", {"b": None}]}


def test_a_template_stays_a_text() -> None:
    value = {"{{ a }}": ["{{ b }}", "plain", 7, None, {"c": "{% d %}"}]}
    assert untrusted(value) == value
    for text in untrusted(value)["{{ a }}"][:1]:
        assert text.__class__.__name__ in ("str", "AnsibleUnsafeText")
