# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_account
short_description: Plan all licenses of an account, or carry out the plan
version_added: 0.6.0
description:
  - Does what M(thingspace.licensing.fota_license), M(thingspace.licensing.swm_removal_candidates), and
    M(thingspace.licensing.simsec_license) do, for the whole fleet file of an account, in one process.
  - In check mode, it plans. A plan that a limit stops is still a plan. The task fails if a license has no plan.
    O(deadline) covers all licenses together.
  - In a real run, it carries out O(planned) and nothing else, in an order in which no device is ever without its wanted
    license. SIM-Secure licenses are assigned first and removed last, and only from devices whose new license the
    journal shows as confirmed right before that. O(deadline) applies to each part by itself.
  - A part that fails does not stop the others. But if a part no longer comes to what was planned (C(plan_changed)), no
    SIM-Secure license is removed after it.
  - It is a building block of the role P(thingspace.licensing.fleet_licensing#role).
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._connection
  - thingspace.licensing._progress
  - thingspace.licensing._simsec.journal
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.action_group
attributes:
  check_mode:
    support: full
    details:
      - Plans. RV(ignore:changed) says whether carrying out the plan would change anything.
  diff_mode:
    support: full
    details:
      - Returns the diffs of the license modules.
  idempotent:
    support: full
    details:
      - A plan that was carried out already sends nothing.
options:
  wanted:
    description:
      - The wanted state of the account, an entry of RV(thingspace.licensing.fleet_files#module:accounts).
      - Exactly one of O(wanted) and O(undo_run) is required.
    type: dict
  undo_run:
    description:
      - The record (C(run.json)) of the run to reverse in O(account). The device lists are then created, not read, and
        O(lists) is a directory with the account's name. See M(thingspace.licensing.fleet_undo) for what is reversed.
    type: path
  history:
    description:
      - With O(undo_run), the directory with the records of all runs. It shows what later runs did.
    type: path
  account:
    description:
      - With O(undo_run), the account. Otherwise O(wanted) names it.
    type: str
  lists:
    description:
      - Directory with the account's device lists, as M(thingspace.licensing.fleet_files) wrote them.
      - The predicted result for each device is written to the same directory, to C(plan-fota.csv),
        C(plan-removal_candidates.csv), and C(plan-) with the name of the list for SIM-Secure licenses. The current
        removal candidate list is written to C(before-candidates.csv).
      - In a real run, the names start with C(apply-) instead of C(plan-), or with C(apply-before-).
    type: path
    required: true
  wait:
    description:
      - In check mode, whether the run will wait until ThingSpace confirms SIM-Secure licenses that are assigned in
        waves.
      - In a real run, whether to wait until ThingSpace confirms SIM-Secure licenses.
    type: bool
    default: false
  wait_timeout:
    description:
      - How many seconds to wait for the confirmations of each SKU.
    type: float
    default: 600
  require_listener:
    description:
      - Whether a plan that sends SIM-Secure licenses is stopped with V(no_listener) unless a listener for ThingSpace's
        reports is known, like O(thingspace.licensing.simsec_license#module:require_listener).
      - The default is true with O(wait) or a lifetime SKU.
    type: bool
  retry_failed:
    description:
      - Whether failed SIM-Secure requests are planned again, like
        O(thingspace.licensing.simsec_license#module:retry_failed). You can also set this in the fleet file.
    type: bool
    default: false
  retry_unknown:
    description:
      - Whether SIM-Secure requests with an unknown result are planned again, like
        O(thingspace.licensing.simsec_license#module:retry_unknown). You can also set this in the fleet file.
    type: bool
    default: false
  planned:
    description:
      - What this module returned in check mode for the same account and options. Required in a real run.
    type: dict
  approved:
    description:
      - Whether the plan was approved, so that it may exceed the limits that it exceeds.
    type: bool
    default: false
  mark:
    description:
      - The RV(thingspace.licensing.fleet_run#module:mark) of the run. Required in a real run, except with O(only_wait).
    type: str
  stop_together:
    description:
      - Directory for this run only, the same for all its accounts. If one of them fails or its process is killed, the
        others begin no further part.
      - By default, a failure does not stop other accounts.
    type: path
  only_wait:
    description:
      - In a real run, send nothing, and only wait until ThingSpace confirms what an earlier run sent.
    type: bool
    default: false
seealso:
  - module: thingspace.licensing.fleet_files
  - module: thingspace.licensing.fleet_plan
"""

EXAMPLES = r"""
- name: Create the device lists of the account
  thingspace.licensing.fleet_files:
    src: [fleet]
    accounts: ["0000123456-00001"]
    dest: work
    journal: /var/lib/thingspace/journal.db
  register: fleet

- name: Plan its licenses
  thingspace.licensing.fleet_account:
    wanted: "{{ fleet.accounts[0] }}"
    lists: work/0000123456-00001
    journal: /var/lib/thingspace/journal.db
  check_mode: true
  register: planned

- name: Write that plan for approval
  thingspace.licensing.fleet_plan:
    accounts: ["{{ planned }}"]
    reports: work
    dest: plan
  register: plan

- name: Start the record of the run
  thingspace.licensing.fleet_run:
    state: started
    plan: "{{ plan.files.json }}"
    accounts: "{{ plan.accounts }}"
    reports: work
    dest: work
  register: begun

- name: Carry out the plan
  thingspace.licensing.fleet_account:
    wanted: "{{ fleet.accounts[0] }}"
    planned: "{{ planned }}"
    mark: "{{ begun.mark }}"
    lists: work/0000123456-00001
    journal: /var/lib/thingspace/journal.db
    wait: true
"""

RETURN = r"""
account:
  description: The account.
  returned: success
  type: str
  sample: "0000123456-00001"
file:
  description: The fleet file of the account.
  returned: in check mode
  type: str
  sample: fleet/east.yml
wanted:
  description: SHA-256 of the wanted state.
  returned: in check mode
  type: str
  sample: 9b74c9897bac770ffc029102a200c5de3f0b1f2e5d6d5a7c8b9e0f1a2b3c4d5e
api_versions:
  description: The API version for each kind of license.
  returned: in check mode
  type: dict
  sample:
    fota: v3
    removal_candidates: v2
limits:
  description: The limits of the fleet file for each kind of license that has no SKU.
  returned: in check mode
  type: dict
  sample:
    fota: {max_changes: 500, max_removals: 5%}
    removal_candidates: {max_changes: null, max_removals: null}
freeze:
  description: The freeze windows of the fleet file.
  returned: in check mode
  type: list
  elements: dict
  sample: []
sets:
  description: The sets of the fleet file, each with C(name) and C(count).
  returned: in check mode
  type: list
  elements: dict
fota:
  description: The result of M(thingspace.licensing.fota_license) in check mode. V(none) if the file does not manage it.
  returned: in check mode
  type: dict
removal_candidates:
  description:
    - The result of M(thingspace.licensing.swm_removal_candidates) in check mode. V(none) if the file does not manage
      it.
  returned: in check mode
  type: dict
simsec:
  description:
    - The result of M(thingspace.licensing.simsec_license) in check mode for each relevant SKU, kind of id, and state.
      C(item) is the entry of C(simsec) in O(wanted), with its C(state).
    - It has no C(plan) if a license that should be removed turned out to be a lifetime license. C(failure) says why a
      plan was stopped.
  returned: in check mode
  type: list
  elements: dict
incomplete:
  description:
    - Devices that are not as wanted and that no license module reports. According to the journal, they hold, or may
      hold, licenses of several SKUs, and the plan removes none of them. Each has C(device_id), C(outcome), and
      C(reason).
  returned: in check mode
  type: list
  elements: dict
  sample: []
reports:
  description: With O(undo_run), the value of O(lists).
  returned: in check mode
  type: str
notes:
  description: With O(undo_run), what to know before it is carried out.
  returned: in check mode
  type: list
  elements: str
results:
  description:
    - With O(undo_run), the result of the license module in check mode for each part. C(item) is the entry of C(parts)
      that M(thingspace.licensing.fleet_undo) returns.
  returned: in check mode
  type: list
  elements: dict
parts:
  description:
    - The result of the license module for each part that was begun, in the order of the plan. C(list) is the name of
      the part, as in its report C(apply-LIST.csv), and C(failure) says why it failed.
  returned: in a real run
  type: list
  elements: dict
requests:
  description:
    - The requests of the task.
  returned: when options are valid
  type: dict
  contains:
    sent: {type: int, description: "Requests sent, including logins and repetitions."}
    retried: {type: int, description: Repeated requests.}
    throttled: {type: int, description: Answers with HTTP 429.}
    throttled_seconds: {type: float, description: "Seconds spent waiting for the rate limit, in all threads together."}
  sample: {sent: 12, retried: 1, throttled: 1, throttled_seconds: 2.5}
failure:
  description:
    - Why the task failed, see
      L(error codes,https://github.com/thingspace-licensing/thingspace.licensing/blob/main/docs/errors.md).
    - It has the keys that the license module returns.
  returned: failure
  type: dict
  contains:
    code: {type: str, description: The stable code that playbooks can test.}
    message: {type: str, description: The text of C(msg).}
  sample:
    code: lifetime_consent
    message: "SIMSec-IoT-Lt is a lifetime license, which can never be removed. ..."
"""

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.account import run as plan_or_apply
from ansible_collections.thingspace.licensing.plugins.module_utils._module import run_module
from ansible_collections.thingspace.licensing.plugins.module_utils._options import JOURNAL_SPEC, PROGRESS_SPEC
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.account import run as undo


def main() -> None:
    """Plan the licenses of an account, or carry out the plan."""
    options = {
        **JOURNAL_SPEC,
        **PROGRESS_SPEC,
        "wanted": {"type": "dict"},
        "undo_run": {"type": "path"},
        "history": {"type": "path"},
        "account": {"type": "str"},
        "lists": {"type": "path", "required": True},
        "wait": {"type": "bool", "default": False},
        "require_listener": {"type": "bool"},
        "retry_failed": {"type": "bool", "default": False},
        "retry_unknown": {"type": "bool", "default": False},
        "wait_timeout": {"type": "float", "default": 600},
        "planned": {"type": "dict"},
        "approved": {"type": "bool", "default": False},
        "mark": {"type": "str"},
        "stop_together": {"type": "path"},
        "only_wait": {"type": "bool", "default": False},
    }
    sources = ["wanted", "undo_run"]
    run_module(
        lambda context: (undo if context.params["undo_run"] else plan_or_apply)(context),
        options,
        mutually_exclusive=[sources],
        required_one_of=[sources],
        required_by={"undo_run": ["account"]},
    )


if __name__ == "__main__":
    main()
