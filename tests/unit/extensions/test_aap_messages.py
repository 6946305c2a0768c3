# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The texts of notifications, rendered as AWX 24 does: in a sandbox, when they are saved and when something happened.

What AWX offers depends on what happened. Only jobs of job templates have artifacts: a workflow job has no such field. A
message about an approval knows nothing of any job. AWX does not send what it cannot render.
"""

from __future__ import annotations

import json
import typing as t

import jinja2
import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ansible_collections.thingspace.licensing.tests.unit.extensions.test_aap import TREE, Json, Unsafe, texts

MESSAGES: Json = TREE["controller_notifications"][0]["messages"]
JOB_URL, WORKFLOW_URL = "https://awx.example.com/#/jobs/playbook/13", "https://awx.example.com/#/jobs/workflow/12"
APPROVAL: Json = {
    "approval_status": "running",
    "approval_node_name": 'Approve "the" plan',
    "workflow_url": WORKFLOW_URL,
    "job_metadata": "{}",
}
SUMMARY = 'Changes: 2 to assign in 1 account.\n0000123456-00001: FOTA licenses 2 to assign \\ "quoted" <b>'
PLANNED = {"thingspace_plan_status": "changes", "thingspace_plan_summary": SUMMARY, "thingspace_plan_digest": "0" * 64}


class Saved(jinja2.StrictUndefined):
    """Refuses a field that AWX does not offer, even where it is only looked at."""

    __slots__ = ()
    __repr__ = __str__ = jinja2.StrictUndefined._fail_with_undefined_error


def job(**more: t.Any) -> Json:
    """What AWX offers about a job."""
    about = {"id": 13, "name": 'ThingSpace "plan"', "status": "successful", "type": "job", "limit": "", **more}
    return {"job": about, "job_friendly_name": "Job", "url": JOB_URL, "job_metadata": "{}"}


def text(event: str, context: Json, undefined: type[jinja2.Undefined] = jinja2.ChainableUndefined) -> str:
    """The text that the receiver of the webhook shows."""
    body = MESSAGES["workflow_approval"][event] if event in MESSAGES["workflow_approval"] else MESSAGES[event]
    rendered = ImmutableSandboxedEnvironment(undefined=undefined).from_string(body["body"]).render(context)
    content = json.loads(rendered)
    assert list(content) == ["text"]
    return str(content["text"])


def test_there_is_a_message_for_each_event() -> None:
    assert set(MESSAGES) == {"success", "error", "workflow_approval"}
    assert set(MESSAGES["workflow_approval"]) == {"running", "approved", "denied", "timed_out"}
    assert all(isinstance(body, Unsafe) for body in texts(MESSAGES))


@pytest.mark.parametrize("event", ["success", "error", "running", "approved", "denied", "timed_out"])
def test_awx_saves_it(event: str) -> None:
    """It renders each of them once with an example of a job and of an approval, without artifacts."""
    assert text(event, {**job(artifacts={}), **APPROVAL}, Saved)


@pytest.mark.parametrize("event", ["success", "error"])
def test_a_plan_tells_its_status_its_summary_and_where_it_is(event: str) -> None:
    told = text(event, job(artifacts=PLANNED)).splitlines()
    assert told[0].startswith('ThingSpace "plan"')
    assert told[0].endswith(": changes")
    assert told[1:] == [*SUMMARY.splitlines(), JOB_URL]


@pytest.mark.parametrize("event", ["success", "error"])
def test_a_run_tells_how_it_ended_and_by_which_name_it_can_be_undone(event: str) -> None:
    run = {"thingspace_run": "20261121T2151Z-1a2b3c4d", "thingspace_run_status": "done"}
    told = text(event, job(artifacts={**run, "thingspace_run_summary": "0000123456-00001: 2 assigned."})).splitlines()
    assert told[0].endswith(": done")
    assert told[1:] == ["0000123456-00001: 2 assigned.", "run 20261121T2151Z-1a2b3c4d", JOB_URL]


@pytest.mark.parametrize("event", ["success", "error"])
@pytest.mark.parametrize("artifacts", [{}, {"artifacts": {}}, {"artifacts": "$hidden due to Ansible no_log flag$"}])
def test_what_has_no_artifacts_still_tells_where_it_is(event: str, artifacts: Json) -> None:
    """A workflow, a job that never started, an apply."""
    told = text(event, job(status="failed", **artifacts))
    assert "failed" in told
    assert told.endswith("\n" + JOB_URL)


@pytest.mark.parametrize("event", ["running", "approved", "denied", "timed_out"])
def test_an_approval_leads_to_the_workflow(event: str) -> None:
    told = text(event, APPROVAL, jinja2.StrictUndefined)
    assert told.startswith('Approve "the" plan: ')
    assert told.endswith("\n" + WORKFLOW_URL)


def test_whoever_approves_is_told_the_plan_by_the_plan_job() -> None:
    """The message about the approval has no summary."""
    templates = {one["name"]: one for one in TREE["controller_templates"]}
    for name in ("ThingSpace plan", "ThingSpace apply", "ThingSpace undo"):
        for event in ("success", "error"):
            assert templates[name][f"notification_templates_{event}"] == ["ThingSpace licenses"]
    assert templates["ThingSpace drift"]["notification_templates_error"] == ["ThingSpace licenses"]
    assert TREE["controller_workflows"][0]["notification_templates_approvals"] == ["ThingSpace licenses"]
