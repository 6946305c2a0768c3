# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects, made by the modules of awx.awx: no option that these do not know, and nothing that they cannot find.

They need that collection, see the session aap in noxfile.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.aap.controller import Controller

CHECKOUT = Path(__file__).resolve().parents[2]
TREE = CHECKOUT / "extensions" / "aap" / "configuration"
COLLECTIONS = os.environ.get("AWX_COLLECTIONS", "")
SECRETS = {f"THINGSPACE_{name}": f"secret {name}" for name in ("CLIENT_ID", "CLIENT_SECRET", "USERNAME", "PASSWORD")}

# In the order in which dispatch makes them.
MODULES = {
    "controller_credential_types": "credential_type",
    "controller_credentials": "credential",
    "controller_execution_environments": "execution_environment",
    "controller_notifications": "notification_template",
    "controller_projects": "project",
    "controller_inventories": "inventory",
    "controller_inventory_sources": "inventory_source",
    "controller_hosts": "host",
    "controller_groups": "group",
    "controller_templates": "job_template",
    "controller_workflows": "workflow_job_template",
    "controller_schedules": "schedule",
}

pytestmark = pytest.mark.skipif(
    not Path(COLLECTIONS, "ansible_collections", "awx", "awx").is_dir(),
    reason="AWX_COLLECTIONS names no directory with the collection awx.awx; 'nox -s aap' gets it",
)


def load(folder: Path, controller: Controller) -> subprocess.CompletedProcess[str]:
    """Make every object, each with the options that the tree gives it and no other."""
    tasks: list[t.Any] = [
        {
            "name": variable,
            f"awx.awx.{module}": {},
            "args": "{{ item }}",
            "loop": f"{{{{ {variable} }}}}",
            "loop_control": {"label": "{{ item.name }}"},
        }
        for variable, module in MODULES.items()
    ]
    files = [str(path) for path in sorted(TREE.iterdir())]
    book = folder / "load.yml"
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars_files": files, "tasks": tasks}
    book.write_text(json.dumps([play]), encoding="utf-8")
    environment = {
        **{name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ},
        "HOME": str(folder),
        "PYTHONUTF8": "1",
        "ANSIBLE_COLLECTIONS_PATH": COLLECTIONS,
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "CONTROLLER_HOST": controller.url,
        "CONTROLLER_OAUTH_TOKEN": "token",
        "no_proxy": "*",
        **SECRETS,
    }
    words = ["-e", json.dumps({"ansible_python_interpreter": sys.executable})]
    command = [sys.executable, "-m", "ansible", "playbook", *words, str(book)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=600, check=False, cwd=folder, env=environment
    )


@pytest.fixture
def controller() -> t.Iterator[Controller]:
    made = Controller()
    yield made
    made.stop()


def test_the_tree_makes_these_objects(tmp_path: Path, controller: Controller) -> None:
    """All of them, linked as they should be, and a second time only what AWX cannot be asked for."""
    done = load(tmp_path, controller)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {kind: len(objects) for kind, objects in controller.objects.items()} == {
        "organizations": 1,
        "credential_types": 1,
        "credentials": 1,
        "execution_environments": 1,
        "notification_templates": 1,
        "projects": 1,
        "inventories": 2,
        "inventory_sources": 1,
        "hosts": 2,
        "groups": 1,
        "job_templates": 5,
        "workflow_job_templates": 1,
        "workflow_job_template_nodes": 3,
        "workflow_approval_templates": 1,
        "schedules": 1,
    }
    the_credentials(controller)
    the_templates(controller)
    the_workflow(controller)
    assert not any(secret in done.stdout + done.stderr for secret in SECRETS.values())
    before = len(controller.writes)
    again = load(tmp_path, controller)
    assert again.returncode == 0, again.stdout + again.stderr
    kinds = {path.split("/")[0] for _method, path, _body in controller.writes[before:]}
    # Surveys are always sent; nodes are made anew, because that is how a removed one goes.
    assert kinds <= {"job_templates", "workflow_job_templates", "workflow_job_template_nodes"}


def the_credentials(controller: Controller) -> None:
    kind = controller.named("credential_types", "ThingSpace")
    assert kind["kind"] == "cloud"
    assert kind["injectors"]["env"]["THINGSPACE_PASSWORD"] == "{{ password }}"
    assert kind["injectors"]["env"]["THINGSPACE_BASE_URL"].startswith("{{ base_url | default(")
    assert [field["id"] for field in kind["inputs"]["fields"] if field.get("secret")] == ["client_secret", "password"]
    credential = controller.named("credentials", "ThingSpace")
    assert credential["credential_type"] == kind["id"]
    assert credential["inputs"] == {name[11:].lower(): value for name, value in SECRETS.items()}
    holding = [path for _method, path, body in controller.writes if "secret PASSWORD" in json.dumps(body)]
    assert holding == ["credentials"]


def the_templates(controller: Controller) -> None:
    credential = controller.named("credentials", "ThingSpace")["id"]
    accounts = controller.named("inventories", "ThingSpace accounts")["id"]
    for template in controller.objects["job_templates"]:
        assert template["inventory"] == accounts
        assert template["project"] == controller.named("projects", "ThingSpace licenses")["id"]
        assert controller.linked("job_templates", template["name"], "credentials") == [credential]
    drift = controller.named("job_templates", "ThingSpace drift")
    assert json.loads(drift["extra_vars"]) == {"fleet": "fleet", "fleet_fail_on": "changes"}
    notification = controller.named("notification_templates", "ThingSpace licenses")
    assert "{{ workflow_url }}" in notification["messages"]["workflow_approval"]["running"]["body"]
    told = notification["id"]
    for name in ("drift", "report"):
        assert controller.linked("job_templates", f"ThingSpace {name}", "notification_templates_error") == [told]
    assert controller.objects["schedules"][0]["unified_job_template"] == drift["id"]
    licensing = controller.named("job_templates", "ThingSpace license devices")["id"]
    survey = controller.surveys[f"job_templates/{licensing}/survey_spec"]
    assert "license_devices" in [question["variable"] for question in survey["spec"]]
    hosts = [host["id"] for host in controller.objects["hosts"]]
    assert controller.linked("groups", "thingspace_accounts", "hosts") == hosts
    source = controller.objects["inventory_sources"][0]
    assert (source["credential"], source["source"]) == (credential, "scm")


def the_workflow(controller: Controller) -> None:
    nodes = {node["identifier"]: node for node in controller.objects["workflow_job_template_nodes"]}
    ways = {
        name: controller.links.get(f"workflow_job_template_nodes/{node['id']}/success_nodes", [])
        for name, node in nodes.items()
    }
    assert ways == {"plan": [nodes["approval"]["id"]], "approval": [nodes["apply"]["id"]], "apply": []}
    for name in ("plan", "apply"):
        template = controller.named("job_templates", f"ThingSpace {name}")
        assert nodes[name]["unified_job_template"] == template["id"]
    approval = controller.objects["workflow_approval_templates"][0]
    assert (approval["name"], approval["timeout"]) == ("Approve the plan", 259200)
    approvals = "notification_templates_approvals"
    assert len(controller.linked("workflow_job_templates", "ThingSpace plan, approval, apply", approvals)) == 1
