# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects for AWX: what its documented rules ask of them, and that they fit each other and the playbooks."""

from __future__ import annotations

import hashlib
import json
import re
import types
import typing as t
from pathlib import Path

import jinja2
import jinja2.sandbox
import jsonschema
import pytest
import yaml

from ansible_collections.thingspace.licensing.plugins.module_utils._client.connection import CONNECTION_SPEC
from ansible_collections.thingspace.licensing.plugins.module_utils._options import JOURNAL_SPEC

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
    "controller_roles",
    "controller_schedules",
    "controller_teams",
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
TYPES = {one["name"]: one for one in TREE["controller_credential_types"]}
TYPE, DATABASE = TYPES["ThingSpace"], TYPES["ThingSpace database"]
TEMPLATES = {one["name"]: one for one in TREE["controller_templates"]}
WORKFLOW = TREE["controller_workflows"][0]
SURVEYS = [one["survey_spec"] for one in [*TEMPLATES.values(), WORKFLOW] if one.get("survey_enabled")]
QUESTIONS = [question for survey in SURVEYS for question in survey["spec"]]
WRITING = [
    one
    for one in TEMPLATES.values()
    if one["playbook"] in ("apply.yml", "license_devices.yml", "undo.yml") and one["job_type"] == "run"
]
"""The templates that may change something in ThingSpace."""


RELEASED = {"ThingSpace": "0d43128780257024a4fdb266dad54be4885a9ba1fade288da44d7d1351126d17"}
"""SHA-256 of the inputs of released types."""


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
        also = {"aap_teams": "{{ controller_teams }}"} if name == "controller_teams" else {}
        assert load(f"configuration/{name}.yml") == {name: TREE[name], **also}
        if name != "controller_roles":
            assert len(set(names(name))) == len(names(name)) > 0


def test_every_setting_is_used_and_every_template_is_one_of_a_setting() -> None:
    used = {text for text in texts(TREE) if "{{" in text and not isinstance(text, Unsafe)}
    allowed = {f"{{{{ {name} }}}}" for name in SETTINGS}
    secrets = {text for text in used if "lookup('ansible.builtin.env', 'THINGSPACE_" in text}
    assert used - secrets == allowed


@pytest.mark.parametrize("name", TYPES)
def test_a_credential_type_is_one_that_awx_takes(name: str) -> None:
    kind = TYPES[name]
    assert kind["kind"] == "cloud"
    assert set(kind["inputs"]) == {"fields", "required"}
    fields = kind["inputs"]["fields"]
    ids = [field["id"] for field in fields]
    assert len(set(ids)) == len(ids)
    for field in fields:
        assert set(field) <= {"id", "label", "type", "help_text", "multiline", "secret", "default"}
        assert field["type"] == "string"
        assert IDENTIFIER.fullmatch(field["id"])
        assert field["id"] != "tower"
        assert not (field.get("secret") and "default" in field)
    assert set(kind["inputs"]["required"]) <= set(ids)


def test_what_is_secret_and_what_is_required() -> None:
    secret = {
        name: {one["id"] for one in kind["inputs"]["fields"] if one.get("secret")} for name, kind in TYPES.items()
    }
    assert secret == {"ThingSpace": {"client_secret", "password"}, "ThingSpace database": {"url"}}
    fields = TYPE["inputs"]["fields"]
    assert set(TYPE["inputs"]["required"]) == {field["id"] for field in fields if "default" not in field}
    assert DATABASE["inputs"]["required"] == ["url"], "AWX starts no job whose credential lacks what is required"


def test_the_inputs_of_a_released_type_stay_as_they_are() -> None:
    """AWX refuses to change them while the type is in use, so that nobody could load the configuration again."""
    now = {name: hashlib.sha256(json.dumps(TYPES[name]["inputs"]).encode()).hexdigest() for name in RELEASED}
    assert now == RELEASED, "give what is new a type of its own"


@pytest.mark.parametrize("name", TYPES)
def test_only_the_environment_is_injected_and_it_is_read(name: str) -> None:
    """Extra variables would be shown by the job, and do not reach inventory updates."""
    injectors = TYPES[name]["injectors"]
    assert set(injectors) <= {"env", "file"}
    options = {**CONNECTION_SPEC, **JOURNAL_SPEC}
    read = {option["fallback"][1][0] for option in options.values() if "fallback" in option}
    # libpq reads the last one.
    assert set(injectors["env"]) <= {*read, "PGSSLROOTCERT"}
    assert all(isinstance(text, Unsafe) for text in texts(injectors))


def injected(kind: Json, values: t.Mapping[str, str]) -> dict[str, str]:
    """What AWX makes of the inputs of a credential: it leaves out empty ones. The file is one of the job."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment()
    names = {"tower": types.SimpleNamespace(filename="/runner/env/file"), **{k: v for k, v in values.items() if v}}
    return {name: environment.from_string(text).render(names) for name, text in kind["injectors"]["env"].items()}


@pytest.mark.parametrize("name", TYPES)
def test_injectors_name_only_what_is_there_when_awx_checks_them(name: str) -> None:
    strict = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    values: Json = {field["id"]: "EXAMPLE" for field in TYPES[name]["inputs"]["fields"]}
    values["tower"] = types.SimpleNamespace()
    if "template" in TYPES[name]["injectors"].get("file", {}):
        values["tower"].filename = "EXAMPLE_FILENAME"
    for text in texts(TYPES[name]["injectors"]):
        assert "EXAMPLE" in strict.from_string(text).render(values)


def test_every_input_reaches_the_option_of_its_name() -> None:
    values = {field["id"]: f"value of {field['id']}" for field in TYPE["inputs"]["fields"]}
    assert injected(TYPE, values) == {f"THINGSPACE_{name.upper()}": value for name, value in values.items()}
    url, certificate = "postgresql://a:b@c/d", "-----BEGIN"
    assert injected(DATABASE, {"url": url}) == {"THINGSPACE_JOURNAL": url, "PGSSLROOTCERT": ""}
    both = injected(DATABASE, {"url": url, "ca_certificate": certificate})
    assert both == {"THINGSPACE_JOURNAL": url, "PGSSLROOTCERT": "/runner/env/file"}


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


def test_the_files_for_the_web_form_are_the_same_types() -> None:
    for kind, prefix in ((TYPE, ""), (DATABASE, "database_")):
        assert load(f"credential_type/{prefix}inputs.yml") == kind["inputs"]
        assert load(f"credential_type/{prefix}injectors.yml") == kind["injectors"]


def test_no_secret_is_in_the_tree_and_a_later_load_leaves_credentials_alone() -> None:
    for credential in TREE["controller_credentials"]:
        assert (credential["state"], credential["update_secrets"]) == ("exists", False)
        kind = TYPES[credential["credential_type"]]
        assert set(credential["inputs"]) == set(kind["inputs"]["required"])
        for name, value in credential["inputs"].items():
            (variable,) = [key for key, text in kind["injectors"]["env"].items() if text == f"{{{{ {name} }}}}"]
            assert value == f"{{{{ lookup('ansible.builtin.env', '{variable}') }}}}"


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


def role_options() -> set[str]:
    """Extra variables win over what a playbook gives its role."""
    specs = yaml.safe_load((CHECKOUT / "roles" / "fleet_licensing" / "meta" / "argument_specs.yml").read_text("utf-8"))
    return {name for spec in specs["argument_specs"].values() for name in spec["options"]}


def variables_of(template: Json) -> set[str]:
    """The answers of its survey, and its extra variables."""
    asked = {question["variable"] for question in template.get("survey_spec", {}).get("spec", [])}
    return asked | set(template.get("extra_vars", {}))


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_job_template_gives_its_playbook_only_what_that_reads(name: str) -> None:
    template = TEMPLATES[name]
    words = words_of(template["playbook"])
    known = words | (role_options() if "fleet_licensing" in words else set())
    assert variables_of(template) - known == set()
    assert not (template.get("survey_enabled") and template.get("ask_variables_on_launch"))


def test_every_reference_leads_somewhere() -> None:
    for template in TEMPLATES.values():
        assert template["inventory"] in names("controller_inventories")
        assert template["project"] in names("controller_projects")
        assert template["execution_environment"] in names("controller_execution_environments")
        assert template["credentials"] == "{{ thingspace_aap_credentials }}"
    assert set(SETTINGS["thingspace_aap_credentials"]) == set(names("controller_credentials"))
    source = TREE["controller_inventory_sources"][0]
    assert source["inventory"] in names("controller_inventories")
    assert source["source_project"] in names("controller_projects")
    assert source["credential"] in names("controller_credentials")
    assert (AAP / "project" / source["source_path"]).exists()
    for role in TREE["controller_roles"]:
        assert set(role["teams"]) <= set(names("controller_teams"))
        assert set(role.get("job_templates", [])) <= set(TEMPLATES)
        assert set(role.get("workflows", [])) <= {WORKFLOW["name"]}
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


def test_the_workflow_applies_only_after_an_approval() -> None:
    nodes = {node["identifier"]: node for node in WORKFLOW["workflow_nodes"]}
    assert len(nodes) == len(WORKFLOW["workflow_nodes"])
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
        assert template["ask_limit_on_launch"] is WORKFLOW["ask_limit_on_launch"] is True
        required = [one["variable"] for one in template.get("survey_spec", {}).get("spec", []) if one["required"]]
        assert required == [], "nobody answers it in a workflow"
    asked = {question["variable"] for question in WORKFLOW["survey_spec"]["spec"]}
    assert asked <= variables_of(TEMPLATES["ThingSpace apply"]), "AWX hands a job only the answers that it asks for"


def test_templates_prompt_for_the_user_and_the_accounts() -> None:
    """A schedule or a workflow node can only give what its template prompts for."""
    for name, template in TEMPLATES.items():
        if "thingspace_aap_credentials" in str(template.get("credentials")):
            assert template.get("ask_credential_on_launch") is True, name
            named = "license_account" in variables_of(template)
            assert template.get("ask_limit_on_launch", False) is not named, name


def test_a_workflow_that_waits_blocks_nobody_and_keeps_its_nodes() -> None:
    """Nodes that are deleted fail the approvals that are pending. What writes still runs one at a time."""
    assert WORKFLOW["allow_simultaneous"] is True
    assert WORKFLOW["destroy_current_nodes"] is False
    for template in WRITING:
        assert template["allow_simultaneous"] is False, template["name"]


def test_approvers_see_the_jobs_before_and_after_their_approval() -> None:
    """The approval role of the workflow alone does not show them: AWX answers 403."""
    may: dict[str, set[str]] = {}
    for role in TREE["controller_roles"]:
        if "ThingSpace approvers" in role["teams"]:
            may.setdefault(role["role"], set()).update(role.get("workflows", []), role.get("job_templates", []))
    assert WORKFLOW["name"] in may["approval"]
    nodes = [node["unified_job_template"] for node in WORKFLOW["workflow_nodes"]]
    assert {node["name"] for node in nodes if node["type"] == "job_template"} <= may["read"]
    assert {"ThingSpace undo plan", "ThingSpace undo"} <= may["read"]
    assert "execute" not in may


def test_who_launches_a_plan_cannot_carry_it_out_alone() -> None:
    for role in TREE["controller_roles"]:
        if role["role"] == "execute":
            assert {template["name"] for template in WRITING}.isdisjoint(role.get("job_templates", []))


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_may_send_sim_secure_requests_refuses_to_without_a_journal(name: str) -> None:
    """Without one, the relaunched job sends the same requests again."""
    book = yaml.safe_load((AAP / "project" / TEMPLATES[name]["playbook"]).read_text(encoding="utf-8"))[0]
    if "fleet_licensing" in words_of(TEMPLATES[name]["playbook"]):
        assert book["vars"] == {"fleet_licensing_require_journal": True}
    else:
        assert TEMPLATES[name]["playbook"] in ("report.yml", "export.yml"), "these only read"
    assert "ThingSpace database" in SETTINGS["thingspace_aap_credentials"]


def test_a_freeze_window_can_be_ignored_where_something_is_written() -> None:
    for template in [*WRITING, WORKFLOW]:
        questions = {question["variable"]: question for question in template["survey_spec"]["spec"]}
        question = questions["fleet_licensing_ignore_freeze"]
        assert (question["choices"], question["default"]) == (["false", "true"], "false"), template["name"]


def test_an_undo_is_planned_in_check_mode_and_carried_out_with_an_approval() -> None:
    plan, undo = TEMPLATES["ThingSpace undo plan"], TEMPLATES["ThingSpace undo"]
    assert (plan["job_type"], undo["job_type"]) == ("check", "run")
    assert plan["extra_vars"] == undo["extra_vars"], "an approved digest holds for the same options"
    asked = {question["variable"]: question["required"] for question in undo["survey_spec"]["spec"]}
    assert {asked["run"], asked["approved"]} == {True}


def test_nothing_that_changes_licenses_runs_by_itself() -> None:
    for schedule in TREE["controller_schedules"]:
        assert TEMPLATES[schedule["unified_job_template"]]["playbook"] == "plan.yml"


def test_the_fleet_files_of_the_project_are_fleet_files() -> None:
    schema = json.loads((CHECKOUT / "docs" / "fleet.schema.json").read_text(encoding="utf-8"))
    files = sorted((AAP / "project" / "fleet").glob("*.yml"))
    for path in files:
        jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), schema)
    assert [path.stem for path in files] == [host["name"] for host in TREE["controller_hosts"]]
