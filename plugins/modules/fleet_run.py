# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_run
short_description: Keep the record of a run
version_added: 0.4.0
description:
  - Writes C(run.json) before the first write of a run, with every device that will change, and again after the run,
    with what happened to each. A killed run leaves the first version behind.
  - With O(journal), the record is also kept there, so that the run can be undone on any node that uses the journal.
  - Both times, it also writes the record as pages for people, C(run.md) and C(run.html).
  - It sends no requests and changes no licenses.
  - It is a building block of the role P(thingspace.licensing.fleet_licensing#role).
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._simsec.journal
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.info_module
  - thingspace.licensing._attributes.action_group
  - thingspace.licensing._connection
  - thingspace.licensing._prices
options:
  state:
    description:
      - V(started) creates a new record of what O(plan) is about to do. V(ended) completes the record in O(dest).
    type: str
    choices: [started, ended]
    required: true
  accounts:
    description:
      - The accounts, each with C(account). Accounts that are not listed do not belong to the run.
      - With O(state=started), the C(accounts) that M(thingspace.licensing.fleet_plan) returned. An account that is
        C(blocked) will not be changed. Its planned devices are C(skipped), with the reason.
      - With O(state=ended), what M(thingspace.licensing.fleet_account) returned in a real run. If an account is
        missing, its task did not end. Its reports show which parts did. The devices of the others are C(unknown).
    type: list
    elements: dict
    required: true
  reports:
    description:
      - Directory with a subdirectory for each account. It contains the C(devices_report) of each part, named as for
        M(thingspace.licensing.fleet_plan) with C(apply-) instead of C(plan-), and C(before-candidates.csv), the removal
        candidates at the time of the plan.
      - The reports of a run are in a subdirectory of the account, named C(run-) and RV(mark), while it goes on. With
        O(state=ended), they are moved to the directory of the account.
      - C(apply-before-candidates.csv) contains the removal candidates before the task changed anything in the
        account. The record then keeps these. See C(before_file) of M(thingspace.licensing.swm_removal_candidates).
      - If a report is missing or cannot be read, its devices are C(unknown). The record is still written.
    type: path
    required: true
  plan:
    description:
      - The plan file that M(thingspace.licensing.fleet_plan) wrote.
    type: path
  kind:
    description:
      - The kind of run.
    type: str
    choices: [apply, undo]
    default: apply
  run:
    description:
      - With O(state=ended), the name of the run that O(state=started) returned. The default is the run whose record is
        in O(dest). If another run has started in O(dest) in the meantime, its C(run.json) is left alone.
    type: str
    version_added: 0.6.0
  dest:
    description:
      - Directory of C(run.json). It is created if it does not exist.
      - The pages need Jinja2, which ansible-core brings.
    type: path
    required: true
  history:
    description:
      - Directory that keeps the records of all runs, each with its own name. No two runs have the same name.
    type: path
  how_to_undo:
    description:
      - The command line that reverses a run, without the record. RV(lines) and the pages show it.
      - It repeats variables of the role (C(fleet_licensing_*)) that were set on the command line, if an undo needs
        them. Limits and what is ignored are not among them.
    type: dict
    suboptions:
      playbook:
        description:
          - The playbook.
        type: str
        required: true
      inventory:
        description:
          - The sources of the inventory. Those that do not exist are left out. The default is the inventory of the
            play.
        type: list
        elements: str
        default: []
      limit:
        description:
          - The value of C(--limit). The default is that of the play.
        type: str
      repeat:
        description:
          - Regular expressions for names of variables whose current values the command has.
        type: list
        elements: str
        default: []
      variables:
        description:
          - More variables, and other values. Those without a value are left out.
        type: dict
        default: {}
    version_added: 0.6.0
  status_file:
    description:
      - The file to which M(thingspace.licensing.fleet_plan) wrote the status of the plan. With O(state=ended), the word
        in it becomes V(incomplete) if any device did not reach the planned state, unless it is an error.
      - A device that ThingSpace has only accepted has not reached the planned state yet.
      - With O(state=started), the word becomes V(incomplete) if the plan leaves devices not as wanted.
    type: path
    version_added: 0.6.0
  show:
    description:
      - Whether RV(lines) begin with the page of the run as Markdown, up to 1,000 lines. This is for jobs whose files do
        not outlive them.
    type: bool
    default: false
    version_added: 0.6.0
  any_errors_fatal:
    description:
      - Whether a failure in one account keeps parts of others from being started.
    type: bool
    default: false
    version_added: 0.6.0
  fail_on:
    description:
      - With V(incomplete) or V(changes), C(red) of each account says that the run must end red if something is not as
        wanted.
    type: str
    choices: [error, guard_tripped, incomplete, changes]
    default: error
    version_added: 0.6.0
  templates:
    description:
      - Directory with Jinja2 templates of your own, with the names of the pages. A page without a template
        there is made by the built-in one, which yours can extend as C(builtin/) and its name.
      - If a template fails with O(state=started), the task fails with C(template_failed), and no run starts. With
        O(state=ended), the record is written, the built-in page is written instead, and the task fails.
    type: path
    version_added: 0.6.0
  prices:
    version_added: 0.6.0
  currency:
    version_added: 0.6.0
seealso:
  - module: thingspace.licensing.fleet_plan
"""

EXAMPLES = r"""
- name: Start the record of the run
  thingspace.licensing.fleet_run:
    state: started
    plan: apply/plan.json
    accounts:
      - account: "0000123456-00001"
        blocked:
    reports: apply/lists
    dest: apply
    history: history
"""

RETURN = r"""
path:
  description:
    - The path of the record.
    - Because of this key, Ansible adds C(owner), C(group), C(uid), C(gid), C(mode), C(size), and C(state=file).
  returned: success
  type: str
  sample: apply/run.json
files:
  description: The pages of the run, by format.
  returned: success
  type: dict
  version_added: 0.6.0
  sample:
    markdown: apply/run.md
    html: apply/run.html
run:
  description:
    - The name of the run, made of its start time, its number in O(history), the identity of that directory, and its
      plan.
  returned: success
  type: str
  sample: 20261121T215143Z-000042-9f8e7d6c-1a2b3c4d
mark:
  description:
    - The start of the C(request_id) of each M(thingspace.licensing.simsec_license) task of the run. Ten digits follow,
      which differ for each task. With this, the journal distinguishes the requests of the run from all others. Without
      it, they are not undone.
  returned: success
  type: str
  sample: 1-4711081547110815
  version_added: 0.6.0
status:
  description:
    - V(running), V(done), V(failed) if any part failed, or V(incomplete) if anything else is not as wanted at the end.
  returned: success
  type: str
lines:
  description:
    - With O(state=ended), the status, what is not as wanted, and where the files are, as lines of text.
  returned: success
  type: list
  elements: str
  version_added: 0.6.0
stop_together:
  description: With O(any_errors_fatal), the directory for O(thingspace.licensing.fleet_account#module:stop_together).
  returned: success
  type: str
  version_added: 0.6.0
  sample: ""
remaining:
  description:
    - A short text about the devices that did not reach the planned state. Empty if there are none, and with
      O(state=started). The task warns with this text.
  returned: success
  type: str
  version_added: 0.6.0
  sample: ""
accounts:
  description:
    - For each account, C(account), C(summary) with the number of devices for each outcome, C(failures) with texts, and
      C(complete), whether every device reached the planned state. A device that is only accepted has not reached it.
  returned: success
  type: list
  elements: dict
own:
  description:
    - What the host of each account shows, by the name of the account. C(text) says what happened, and C(red) whether
      the account must end red.
  returned: success
  type: dict
  version_added: 0.6.0
  sample:
    0000123456-00001:
      text: 120 assigned, 3 removed.
      red: false
summary:
  description:
    - A line for each account with the C(text) of RV(own). At most 1,000 characters, so that
      M(ansible.builtin.set_stats) can pass it on to later jobs.
  returned: success
  type: str
  version_added: 0.6.0
  sample: "0000123456-00001: 120 assigned, 3 removed."
failure:
  description:
    - Why the task failed, see
      L(error codes,https://github.com/thingspace-licensing/thingspace.licensing/blob/main/docs/errors.md).
  returned: failure
  type: dict
  contains:
    code: {type: str, description: The stable code that playbooks can test.}
    message: {type: str, description: The text of C(msg).}
"""

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.command import COMMAND_SPEC
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_end import FAIL_ON
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.run import run
from ansible_collections.thingspace.licensing.plugins.module_utils._module import run_module
from ansible_collections.thingspace.licensing.plugins.module_utils._options import JOURNAL_SPEC, PRICES_SPEC


def main() -> None:
    """Write the record of a run."""
    options = {
        **JOURNAL_SPEC,
        "state": {"type": "str", "choices": ["started", "ended"], "required": True},
        "accounts": {"type": "list", "elements": "dict", "required": True},
        "reports": {"type": "path", "required": True},
        "plan": {"type": "path"},
        "run": {"type": "str"},
        "kind": {"type": "str", "choices": ["apply", "undo"], "default": "apply"},
        "dest": {"type": "path", "required": True},
        "history": {"type": "path"},
        "show": {"type": "bool", "default": False},
        "any_errors_fatal": {"type": "bool", "default": False},
        "fail_on": {"type": "str", "choices": [*FAIL_ON], "default": "error"},
        "how_to_undo": {"type": "dict", "options": COMMAND_SPEC},
        "status_file": {"type": "path"},
        "templates": {"type": "path"},
        **PRICES_SPEC,
    }
    run_module(run, options, required_if=[("state", "started", ("plan",))])


if __name__ == "__main__":
    main()
