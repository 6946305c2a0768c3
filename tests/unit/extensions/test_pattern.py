# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pattern for Ansible Automation Platform: what its specification asks for, and that it fits the job templates."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.thingspace.licensing.tests.unit.extensions.test_aap import TEMPLATES, Json, role_options

CHECKOUT = Path(__file__).resolve().parents[3]
PATTERN = CHECKOUT / "extensions" / "patterns" / "license_devices"
ABOUT: Json = json.loads((PATTERN / "meta" / "pattern.json").read_text(encoding="utf-8"))
RESOURCES: Json = ABOUT["aap_resources"]
MADE: dict[str, Json] = {template["playbook"]: template for template in RESOURCES["controller_job_templates"]}
KINDS = {"text": "str", "textarea": "str", "multiplechoice": "str", "integer": "int"}


def text(name: str) -> t.Any:
    return yaml.safe_load((PATTERN / "playbooks" / name).read_text(encoding="utf-8"))


def test_it_is_where_the_platform_looks_and_has_what_it_needs() -> None:
    assert ABOUT["name"] == PATTERN.name
    assert re.fullmatch(r"[a-z0-9_]{1,64}", ABOUT["name"])
    assert len(ABOUT["title"]) <= 64
    assert not ABOUT["short_description"].endswith(".")
    assert (PATTERN / "README.md").is_file()
    assert {path.name for path in (PATTERN / "playbooks").iterdir()} == {
        name for playbook in MADE for name in (playbook, playbook.replace(".yml", ".meta.yml"))
    }
    assert [template["name"] for template in MADE.values() if template["primary"]] == ["ThingSpace license devices"]
    environment = RESOURCES["controller_execution_environment"]
    assert re.fullmatch(r"[a-z0-9_]+/[a-z0-9_]+", environment["image_name"])
    for template in MADE.values():
        assert template["execution_environment"] == environment["name"]
        assert set(template["labels"]) <= set(RESOURCES["controller_labels"])
        # The job needs credentials, which a pattern cannot bring.
        assert template["ask_credential_on_launch"] is template["survey_enabled"] is True


def test_it_asks_what_the_job_template_asks() -> None:
    """Its schema takes no numbers as defaults. So whoever launches it says how much may change, and nobody is bound for
    life by default."""
    shipped = TEMPLATES["ThingSpace license devices"]["survey_spec"]
    asked = MADE["license_devices.yml"]["survey"]
    assert {name: asked[name] for name in ("name", "description")} == {
        name: shipped[name] for name in ("name", "description")
    }
    expected = [dict(question) for question in shipped["spec"]]
    for question in expected:
        if question["type"] == "integer":
            question["required"] = question.pop("default") > 0
    assert asked["spec"] == expected
    assert all(isinstance(question.get("default", ""), str) for question in asked["spec"])


@pytest.mark.parametrize("playbook", MADE)
def test_a_playbook_leads_to_that_of_the_collection_and_describes_its_variables(playbook: str) -> None:
    imported, described = text(playbook)[0], text(playbook.replace(".yml", ".meta.yml"))
    name = imported["ansible.builtin.import_playbook"].removeprefix("thingspace.licensing.")
    assert f"{name}.yml" == playbook
    words = set(re.findall(r"\w+", (CHECKOUT / "playbooks" / playbook).read_text(encoding="utf-8")))
    words |= set(re.findall(r"\w+", (CHECKOUT / "playbooks" / "fleet_accounts.yml").read_text(encoding="utf-8")))
    (spec,) = described["argument_specs"].values()
    questions = {question["variable"]: question for question in MADE[playbook]["survey"]["spec"]}
    assert set(spec["options"]) == set(questions) <= words | role_options()
    for variable, option in spec["options"].items():
        question = questions[variable]
        assert option["description"] == question["question_description"]
        assert option["type"] == KINDS[question["type"]]
        assert option.get("choices") == question.get("choices")
        assert option.get("default", "") == question.get("default", "")
        assert option.get("required", False) == (question["required"] and not question.get("default"))


def test_sim_secure_licenses_need_a_journal_here_too() -> None:
    assert text("license_devices.yml")[0]["vars"] == {"fleet_licensing_require_journal": True}
