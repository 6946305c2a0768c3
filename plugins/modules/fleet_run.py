# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_run
short_description: Keep the record of a run over accounts
version_added: 0.4.0
description:
  - Writes C(run.json) before the first write of a run, with every device that is to be changed, and again after it,
    with what happened to each. A run that was killed leaves the first one behind.
  - It talks to nobody and changes no license.
  - It is a building block of the role P(thingspace.licensing.fleet_licensing#role).
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.info_module
  - thingspace.licensing._attributes.action_group
  - thingspace.licensing._connection
options:
  state:
    description:
      - V(started) makes a new record of what O(plan) is about to do, V(ended) completes the one in O(dest).
    type: str
    choices: [started, ended]
    required: true
  accounts:
    description:
      - The accounts, each with C(account). Accounts that are not named do not belong to the run.
      - With O(state=started), what M(thingspace.licensing.fleet_plan) returned as C(accounts). An account that is
        C(blocked) is not going to be changed.
      - With O(state=ended), C(fota) and C(removal_candidates) are what these modules returned, C(assigned) and
        C(removed) lists of what M(thingspace.licensing.simsec_license) returned, and C(failure) what kept the account
        from being done. C(undone) is a list of any of them, as the entry point C(undo) of the role returns them.
    type: list
    elements: dict
    required: true
  reports:
    description:
      - Directory with a directory for each account, with the C(devices_report) of each part, named as
        M(thingspace.licensing.fleet_plan) has them, with C(apply-) instead of C(plan-); and with
        C(before-candidates.csv), the removal candidates as the plan found them.
      - In C(apply-before-candidates.csv), the task that changes the removal candidates says how it found them, which is
        what the record keeps then. See C(before_file) of M(thingspace.licensing.swm_removal_candidates).
      - A report that is missing, or cannot be read, makes its devices C(unknown). It never keeps the record from being
        written.
    type: path
    required: true
  plan:
    description:
      - The plan file that M(thingspace.licensing.fleet_plan) or M(thingspace.licensing.fleet_undo_plan) wrote.
    type: path
  kind:
    description:
      - What kind of run it is.
    type: str
    choices: [apply, undo]
    default: apply
  run:
    description:
      - With O(state=ended), the name of the run, as O(state=started) returned it. Without it, the run is meant whose
        record is in O(dest). If another run has begun in O(dest) meanwhile, its C(run.json) is left alone.
    type: str
    version_added: 0.6.0
  dest:
    description:
      - Directory of C(run.json). It is made if it does not exist.
    type: path
    required: true
  history:
    description:
      - Directory that keeps the records of all runs, each under a name of its own. No two runs ever have the same name.
    type: path
  status_file:
    description:
      - The file to which M(thingspace.licensing.fleet_plan) wrote the status of the plan. With O(state=ended), if any
        device did not become as planned, the word in it becomes V(incomplete), unless it tells an error.
      - A device that ThingSpace only accepted did not become as planned yet.
      - With O(state=started) the word becomes V(incomplete) if the plan leaves devices as nobody wants them.
    type: path
    version_added: 0.6.0
seealso:
  - module: thingspace.licensing.fleet_plan
"""

EXAMPLES = r"""
- name: Write down what is about to be done
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
  description: Where the record is.
  returned: success
  type: str
  sample: apply/run.json
run:
  description:
    - The name of the run, from its begin, its number in O(history), the identity of that directory, and its plan.
  returned: success
  type: str
  sample: 20261121T215143Z-000042-9f8e7d6c-1a2b3c4d
mark:
  description:
    - How the C(request_id) of each M(thingspace.licensing.simsec_license) task of the run has to begin. Ten digits
      follow, other ones for each task. By that the journal tells the requests of the run from all others; without it,
      they are not undone.
  returned: success
  type: str
  sample: 1-4711081547110815
  version_added: 0.6.0
status:
  description: V(running), V(done), or V(failed) if any part failed.
  returned: success
  type: str
remaining:
  description:
    - What did not become as planned, in a few sentences; empty if there is nothing, and with O(state=started). The task
      warns with this text.
  returned: success
  type: str
  version_added: 0.6.0
  sample: ""
accounts:
  description:
    - For each account C(account), C(summary) with the number of devices for each outcome, C(failures) with texts, and
      C(complete), whether every device became as planned, which one that is only accepted is not.
  returned: success
  type: list
  elements: dict
failure:
  description: Why the task failed.
  returned: failure
  type: dict
  contains:
    code:
      description: Stable code that playbooks can test, see the list of error codes.
      type: str
    message:
      description: The same text as in C(msg).
      type: str
"""

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.run import run
from ansible_collections.thingspace.licensing.plugins.module_utils._module import run_module


def main() -> None:
    """Write the record of a run."""
    options = {
        "state": {"type": "str", "choices": ["started", "ended"], "required": True},
        "accounts": {"type": "list", "elements": "dict", "required": True},
        "reports": {"type": "path", "required": True},
        "plan": {"type": "path"},
        "run": {"type": "str"},
        "kind": {"type": "str", "choices": ["apply", "undo"], "default": "apply"},
        "dest": {"type": "path", "required": True},
        "history": {"type": "path"},
        "status_file": {"type": "path"},
    }
    run_module(run, options, required_if=[("state", "started", ("plan",))])


if __name__ == "__main__":
    main()
