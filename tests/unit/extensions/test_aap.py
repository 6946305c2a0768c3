# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects for AWX: what its documented rules ask of them, and that they fit each other and the playbooks."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import jinja2
import jsonschema
import pytest
import yaml

from ansible_collections.thingspace.licensing.plugins.module_utils._client.connection import CONNECTION_SPEC

CHECKOUT = Path(__file__).resolve().parents[3]
AAP = CHECKOUT / "extensions" / "aap"
Json = dict[str, t.Any]

OBJECTS = (
    "controller_credential_types",
    "controller_credentials",
    "controller_execution_environments",
    "controller_groups",
    "controller_hosts",
    "controller_inventories",
    "controller_inventory_sources",
    "controller_notifications",
    "controller_projects",
    "controller_schedules",
    "controller_templates",
    "controller_workflows",
)
"""The variables that the role dispatch of infra.aap_configuration and infra.controller_configuration reads."""

IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


class Loader(yaml.SafeLoader):
    """Reads !unsafe as the text that it marks."""


class Unsafe(str):
    """A text that Ansible must not take for a template."""

    __slots__ = ()


Loader.add_constructor("!unsafe", lambda _loader, node: Unsafe(node.value))


def load(name: str) -> t.Any:
    return yaml.load((AAP / name).read_text(encoding="utf-8"), Loader)


SETTINGS: Json = load("configuration/settings.yml")
TREE: dict[str, list[Json]] = {name: load(f"configuration/{name}.yml")[name] for name in OBJECTS}
TYPE = TREE["controller_credential_types"][0]
TEMPLATES = {one["name"]: one for one in TREE["controller_templates"]}
SURVEYS = [one["survey_spec"] for one in TEMPLATES.values() if one.get("survey_enabled")]
QUESTIONS = [question for survey in SURVEYS for question in survey["spec"]]


def names(kind: str) -> list[str]:
    return [one["name"] for one in TREE[kind]]


def texts(value: t.Any) -> t.Iterator[str]:
    """Every text in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from texts(one)


def test_a_file_for_each_kind_with_the_variable_that_dispatch_loads() -> None:
    files = sorted(path.stem for path in (AAP / "configuration").iterdir())
    assert files == [*OBJECTS, "settings"]
    for name in OBJECTS:
        assert list(load(f"configuration/{name}.yml")) == [name]
        assert len(set(names(name))) == len(names(name)) > 0


def test_every_setting_is_used_and_every_template_is_one_of_a_setting() -> None:
    used = {text for text in texts(TREE) if "{{" in text and not isinstance(text, Unsafe)}
    allowed = {f"{{{{ {name} }}}}" for name in SETTINGS}
    secrets = {text for text in used if "lookup('ansible.builtin.env', 'THINGSPACE_" in text}
    assert used - secrets == allowed


def test_the_credential_type_is_one_that_awx_takes() -> None:
    assert TYPE["kind"] == "cloud"
    assert set(TYPE["inputs"]) == {"fields", "required"}
    fields = TYPE["inputs"]["fields"]
    ids = [field["id"] for field in fields]
    assert len(set(ids)) == len(ids)
    for field in fields:
        assert set(field) <= {"id", "label", "type", "help_text", "multiline", "secret", "default"}
        assert field["type"] == "string"
        assert IDENTIFIER.fullmatch(field["id"])
        assert field["id"] != "tower"
        assert not (field.get("secret") and "default" in field)
    assert {field["id"] for field in fields if field.get("secret")} == {"client_secret", "password"}
    assert set(TYPE["inputs"]["required"]) <= set(ids)
    assert set(TYPE["inputs"]["required"]) == {field["id"] for field in fields if "default" not in field}


def test_only_environment_variables_are_injected_and_modules_read_each_of_them() -> None:
    assert list(TYPE["injectors"]) == ["env"]
    injected = TYPE["injectors"]["env"]
    read = {option["fallback"][1][0] for option in CONNECTION_SPEC.values() if "fallback" in option}
    assert set(injected) <= read
    assert not any(name.startswith("ANSIBLE_") for name in injected)
    assert all(isinstance(text, Unsafe) for text in injected.values())
    strict = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    values = {field["id"]: f"value of {field['id']}" for field in TYPE["inputs"]["fields"]}
    rendered = {name: strict.from_string(text).render(values) for name, text in injected.items()}
    assert rendered == {f"THINGSPACE_{name.upper()}": value for name, value in values.items()}


def test_what_is_left_out_of_a_credential_is_as_if_it_were_not_there() -> None:
    """A variable that is set to nothing would win over the default of the option."""
    environment = jinja2.Environment(autoescape=False)
    defaults = {field["id"]: field["default"] for field in TYPE["inputs"]["fields"] if "default" in field}
    for values in ({}, dict.fromkeys(defaults, "")):
        for name, default in defaults.items():
            text = TYPE["injectors"]["env"][f"THINGSPACE_{name.upper()}"]
            assert environment.from_string(text).render(values) == default
    assert defaults["base_url"] == CONNECTION_SPEC["base_url"]["default"]
    assert float(defaults["rate_limit"]) == CONNECTION_SPEC["rate_limit"]["default"]


def test_the_files_for_the_web_form_are_the_same_type() -> None:
    assert load("credential_type/inputs.yml") == TYPE["inputs"]
    assert load("credential_type/injectors.yml") == TYPE["injectors"]


def test_no_secret_is_in_the_tree() -> None:
    for credential in TREE["controller_credentials"]:
        assert credential["update_secrets"] is False
        assert set(credential["inputs"]) == set(TYPE["inputs"]["required"])
        for name, value in credential["inputs"].items():
            assert value == f"{{{{ lookup('ansible.builtin.env', 'THINGSPACE_{name.upper()}') }}}}"


@pytest.mark.parametrize("question", QUESTIONS, ids=[question["variable"] for question in QUESTIONS])
def test_a_survey_question_is_one_that_awx_takes(question: Json) -> None:
    assert IDENTIFIER.fullmatch(question["variable"])
    assert {"question_name", "question_description", "variable", "type", "required", "default"} <= set(question)
    assert isinstance(question["required"], bool)
    kind, default = question["type"], question["default"]
    if kind == "multiplechoice":
        assert len(set(question["choices"])) == len(question["choices"])
        assert all(isinstance(choice, str) for choice in question["choices"])
        assert default in question["choices"]
    elif kind == "integer":
        assert question["min"] <= default <= question["max"]
    else:
        assert kind in ("text", "textarea")
        assert isinstance(default, str)
        assert question["min"] <= question["max"]
        assert default == "" or question["min"] <= len(default) <= question["max"]
        assert question["required"] == (question["min"] > 0)


def test_a_survey_has_a_name_and_asks_each_variable_once() -> None:
    for survey in SURVEYS:
        assert set(survey) == {"name", "description", "spec"}
        variables = [question["variable"] for question in survey["spec"]]
        assert len(set(variables)) == len(variables)


def test_the_careful_choice_is_the_default() -> None:
    defaults = {question["variable"]: question["default"] for question in QUESTIONS}
    assert defaults["license_mode"] == "check"
    assert defaults["license_lifetime_consent"] == 0


def words_of(playbook: str) -> set[str]:
    """The words in the expressions of a playbook of the project, and of all that it imports from the collection."""
    imported = yaml.safe_load((AAP / "project" / playbook).read_text(encoding="utf-8"))[0]
    todo, seen, words = [imported["ansible.builtin.import_playbook"].rsplit(".", 1)[1] + ".yml"], set(), set()
    while todo:
        name = todo.pop()
        seen.add(name)
        text = (CHECKOUT / "playbooks" / name).read_text(encoding="utf-8")
        code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
        words |= set(re.findall(r"\w+", code))
        found = re.findall(r"import_playbook: thingspace\.licensing\.(\w+)", code)
        found = [f"{one}.yml" for one in found] + re.findall(r"(?:import|include)_tasks: (\S+)", code)
        todo += [one for one in found if one not in seen]
    return words


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_job_template_gives_its_playbook_only_what_that_reads(name: str) -> None:
    template = TEMPLATES[name]
    given = {question["variable"] for question in template.get("survey_spec", {}).get("spec", [])}
    given |= set(template.get("extra_vars", {}))
    assert given - words_of(template["playbook"]) == set()
    assert not (template.get("survey_enabled") and template.get("ask_variables_on_launch"))


def test_every_reference_leads_somewhere() -> None:
    for template in TEMPLATES.values():
        assert template["inventory"] in names("controller_inventories")
        assert template["project"] in names("controller_projects")
        assert template["execution_environment"] in names("controller_execution_environments")
        assert set(template["credentials"]) <= set(names("controller_credentials"))
    source = TREE["controller_inventory_sources"][0]
    assert source["inventory"] in names("controller_inventories")
    assert source["source_project"] in names("controller_projects")
    assert source["credential"] in names("controller_credentials")
    assert (AAP / "project" / source["source_path"]).exists()
    assert TREE["controller_credentials"][0]["credential_type"] == TYPE["name"]
    hosts = [(host["inventory"], host["name"]) for host in TREE["controller_hosts"]]
    for group in TREE["controller_groups"]:
        assert [(group["inventory"], name) for name in group["hosts"]] == hosts
    for schedule in TREE["controller_schedules"]:
        assert schedule["unified_job_template"] in TEMPLATES
        assert re.fullmatch(r"DTSTART:\d{8}T\d{6}Z RRULE:FREQ=\w+;INTERVAL=\d+", schedule["rrule"])
    told = [
        name
        for kind in ("controller_templates", "controller_workflows")
        for one in TREE[kind]
        for key, value in one.items()
        if key.startswith("notification_templates_")
        for name in value
    ]
    assert set(told) == set(names("controller_notifications"))


def test_messages_are_json_of_what_awx_tells() -> None:
    """Other variables are refused by AWX, and a body that is no JSON is not sent."""
    known = {"job_friendly_name", "job", "url", "approval_node_name", "workflow_url"}
    strict = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    values = {name: {"name": "x"} if name == "job" else "x" for name in known}
    bodies = list(texts(TREE["controller_notifications"][0]["messages"]))
    assert len(bodies) == 5
    for body in bodies:
        assert isinstance(body, Unsafe)
        assert list(json.loads(strict.from_string(body).render(values))) == ["text"]


def test_the_workflow_applies_only_after_an_approval() -> None:
    workflow = TREE["controller_workflows"][0]
    nodes = {node["identifier"]: node for node in workflow["workflow_nodes"]}
    assert len(nodes) == len(workflow["workflow_nodes"])
    ways = {
        name: [(way, one["identifier"]) for way, ends in node.get("related", {}).items() for one in ends]
        for name, node in nodes.items()
    }
    assert ways == {"plan": [("success_nodes", "approval")], "approval": [("success_nodes", "apply")], "apply": []}
    kinds = {name: node["unified_job_template"]["type"] for name, node in nodes.items()}
    assert kinds == {"plan": "job_template", "approval": "workflow_approval", "apply": "job_template"}
    assert nodes["approval"]["unified_job_template"]["timeout"] > 0
    for name in ("plan", "apply"):
        template = TEMPLATES[nodes[name]["unified_job_template"]["name"]]
        assert template["playbook"] == f"{name}.yml"
        assert template["ask_limit_on_launch"] is workflow["ask_limit_on_launch"] is True
        required = [one["variable"] for one in template.get("survey_spec", {}).get("spec", []) if one["required"]]
        assert required == [], "nobody answers it in a workflow"


def test_nothing_that_changes_licenses_runs_by_itself() -> None:
    for schedule in TREE["controller_schedules"]:
        assert TEMPLATES[schedule["unified_job_template"]]["playbook"] == "plan.yml"


def test_the_fleet_files_of_the_project_are_fleet_files() -> None:
    schema = json.loads((CHECKOUT / "docs" / "fleet.schema.json").read_text(encoding="utf-8"))
    files = sorted((AAP / "project" / "fleet").glob("*.yml"))
    for path in files:
        jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), schema)
    assert [path.stem for path in files] == [host["name"] for host in TREE["controller_hosts"]]
