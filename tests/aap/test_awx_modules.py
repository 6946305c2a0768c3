# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects, made by the modules of awx.awx: no option that these do not know, and nothing that they cannot find.

They need that collection, see the session aap in noxfile.py.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
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
DATABASE = {"THINGSPACE_JOURNAL": "postgresql://secret JOURNAL"}

FLOW = "ThingSpace plan, approval, apply"

# In the order in which dispatch makes them.
MODULES = {
    "controller_teams": "team",
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
    "controller_roles": "role",
}

pytestmark = pytest.mark.skipif(
    not Path(COLLECTIONS, "ansible_collections", "awx", "awx").is_dir(),
    reason="AWX_COLLECTIONS names no directory with the collection awx.awx; 'nox -s aap' gets it",
)


def load(
    folder: Path, controller: Controller, secrets: t.Mapping[str, str], tree: Path = TREE
) -> subprocess.CompletedProcess[str]:
    """Make every object, each with the options that the tree gives it and no other.

    :param secrets: what the environment holds.
    """
    tasks: list[t.Any] = [
        {
            "name": variable,
            f"awx.awx.{module}": {},
            "args": "{{ item }}",
            "loop": f"{{{{ {variable} }}}}",
            "loop_control": {"label": "{{ item.name | default(item.role) }}"},
        }
        for variable, module in MODULES.items()
    ]
    files = [str(path) for path in sorted(tree.iterdir())]
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
        **secrets,
    }
    words = ["-e", json.dumps({"ansible_python_interpreter": sys.executable})]
    command = [sys.executable, "-m", "ansible", "playbook", *words, str(book)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=600, check=False, cwd=folder, env=environment
    )


@pytest.fixture(name="loaded", scope="module")
def fixture_loaded(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Controller]:
    """A controller into which the tree was loaded once."""
    made = Controller()
    done = load(tmp_path_factory.mktemp("load"), made, {**SECRETS, **DATABASE})
    assert done.returncode == 0, done.stdout + done.stderr
    assert not any(secret in done.stdout + done.stderr for secret in [*SECRETS.values(), *DATABASE.values()])
    yield made
    made.stop()


def test_the_tree_makes_these_objects(loaded: Controller) -> None:
    assert {kind: len(objects) for kind, objects in loaded.objects.items()} == {
        "organizations": 1,
        "teams": 2,
        "credential_types": 2,
        "credentials": 2,
        "execution_environments": 1,
        "notification_templates": 1,
        "projects": 1,
        "inventories": 2,
        "inventory_sources": 1,
        "hosts": 2,
        "groups": 1,
        "job_templates": 8,
        "workflow_job_templates": 1,
        "workflow_job_template_nodes": 3,
        "workflow_approval_templates": 1,
        "schedules": 1,
    }


def test_credentials(loaded: Controller) -> None:
    for name, held in (("ThingSpace", SECRETS), ("ThingSpace database", DATABASE)):
        credential = loaded.named("credentials", name)
        kind = loaded.named("credential_types", name)
        assert (credential["credential_type"], kind["kind"]) == (kind["id"], "cloud")
        injected = {variable: text for variable, text in kind["injectors"]["env"].items() if variable in held}
        inputs = {text.strip("{ }"): held[variable] for variable, text in injected.items()}
        assert credential["inputs"] == inputs, "texts that AWX renders are passed on as they are"
        assert len(inputs) == len(held)
    for secret in ("secret PASSWORD", "secret JOURNAL"):
        holding = [path for _method, path, body in loaded.writes if secret in json.dumps(body)]
        assert holding == ["credentials"]


def test_templates(loaded: Controller) -> None:
    credentials = {credential["id"] for credential in loaded.objects["credentials"]}
    accounts = loaded.named("inventories", "ThingSpace accounts")["id"]
    for template in loaded.objects["job_templates"]:
        assert template["inventory"] == accounts
        assert template["project"] == loaded.named("projects", "ThingSpace licenses")["id"]
        assert set(loaded.linked("job_templates", template["name"], "credentials")) == credentials
    drift = loaded.named("job_templates", "ThingSpace drift")
    assert json.loads(drift["extra_vars"]) == {"fleet": "fleet", "fleet_fail_on": "changes"}
    notification = loaded.named("notification_templates", "ThingSpace licenses")
    assert "job.artifacts if job.artifacts is mapping" in notification["messages"]["success"]["body"]
    told = notification["id"]
    for name in ("plan", "apply", "undo", "drift", "report"):
        assert loaded.linked("job_templates", f"ThingSpace {name}", "notification_templates_error") == [told]
    assert loaded.objects["schedules"][0]["unified_job_template"] == drift["id"]
    licensing = loaded.named("job_templates", "ThingSpace license devices")["id"]
    survey = loaded.surveys[f"job_templates/{licensing}/survey_spec"]
    assert "license_devices" in [question["variable"] for question in survey["spec"]]
    hosts = [host["id"] for host in loaded.objects["hosts"]]
    assert loaded.linked("groups", "thingspace_accounts", "hosts") == hosts
    source = loaded.objects["inventory_sources"][0]
    user = loaded.named("credentials", "ThingSpace")["id"]
    assert (source["credential"], source["source"]) == (user, "scm")


def test_the_workflow(loaded: Controller) -> None:
    nodes = {node["identifier"]: node for node in loaded.objects["workflow_job_template_nodes"]}
    ways = {
        name: loaded.links.get(f"workflow_job_template_nodes/{node['id']}/success_nodes", [])
        for name, node in nodes.items()
    }
    assert ways == {"plan": [nodes["approval"]["id"]], "approval": [nodes["apply"]["id"]], "apply": []}
    for name in ("plan", "apply"):
        template = loaded.named("job_templates", f"ThingSpace {name}")
        assert nodes[name]["unified_job_template"] == template["id"]
    approval = loaded.objects["workflow_approval_templates"][0]
    assert (approval["name"], approval["timeout"]) == ("Approve the plan", 259200)
    approvals = "notification_templates_approvals"
    assert len(loaded.linked("workflow_job_templates", FLOW, approvals)) == 1
    assert loaded.named("workflow_job_templates", FLOW)["allow_simultaneous"] is True


def test_teams_hold_their_roles(loaded: Controller) -> None:
    """AWX answers 403 to approvers who open a job whose template they may not read."""
    assert loaded.holders("workflow_job_templates", FLOW, "approval_role") == ["ThingSpace approvers"]
    for name in ("plan", "apply"):
        assert loaded.holders("job_templates", f"ThingSpace {name}", "read_role") == ["ThingSpace approvers"]
    assert loaded.holders("job_templates", "ThingSpace plan", "execute_role") == ["ThingSpace operators"]
    assert loaded.holders("job_templates", "ThingSpace apply", "execute_role") == []


def test_another_load_keeps_credentials_and_nodes(loaded: Controller, tmp_path: Path) -> None:
    """Although the environment holds no secrets by then, and somebody corrected a credential in the web form."""
    corrected = loaded.named("credentials", "ThingSpace")
    corrected["inputs"] = {**corrected["inputs"], "password": "corrected", "rate_limit": "5"}
    kept = copy.deepcopy([loaded.objects[kind] for kind in ("credentials", "workflow_job_template_nodes")])
    before = len(loaded.writes)
    again = load(tmp_path, loaded, {})
    assert again.returncode == 0, again.stdout + again.stderr
    assert [loaded.objects[kind] for kind in ("credentials", "workflow_job_template_nodes")] == kept
    assert loaded.failed_approvals == []
    # The module compares an approval with fields that AWX does not show, so that it sends it each time.
    sent = {(method, path.split("/")[0]) for method, path, _body in loaded.writes[before:]}
    assert sent <= {("PATCH", "workflow_approval_templates")}


def test_a_change_of_the_tree_reaches_the_nodes_that_are_there(loaded: Controller, tmp_path: Path) -> None:
    changed = shutil.copytree(TREE, tmp_path / "tree")
    path = changed / "controller_workflows.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("timeout: 259200", "timeout: 86400"), encoding="utf-8")
    nodes = [node["id"] for node in loaded.objects["workflow_job_template_nodes"]]
    credentials = copy.deepcopy(loaded.objects["credentials"])
    done = load(tmp_path, loaded, {name: f"other {name}" for name in [*SECRETS, *DATABASE]}, changed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert loaded.objects["workflow_approval_templates"][0]["timeout"] == 86400
    assert [node["id"] for node in loaded.objects["workflow_job_template_nodes"]] == nodes
    assert loaded.objects["credentials"] == credentials, "it is not the load that changes secrets"
    assert loaded.failed_approvals == []
