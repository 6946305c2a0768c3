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
    M(thingspace.licensing.simsec_license) do, for everything that is wanted of an account, in one process.
  - What is wanted of the account is in its fleet file (O(src)), typed into a form (O(survey)), or the reversal of a run
    (O(undo_run)). The task reads it itself, both to plan and to carry out the plan.
  - In check mode, it plans. A plan that a limit stops is still a plan. The task fails if a license has no plan.
    O(deadline) covers all licenses together.
  - In a real run, it carries out O(planned) and nothing else, in an order in which no device is ever without its wanted
    license. SIM-Secure licenses are assigned first and removed last, and only from devices whose new license the
    journal shows as confirmed right before that. O(deadline) applies to each part by itself.
  - In a real run, devices that the plan leaves not as wanted are no failure, except of an undo.
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
      - A plan that was carried out already sends nothing, except for SIM-Secure licenses without O(journal).
options:
  account:
    description:
      - The account.
    type: str
    required: true
  src:
    description:
      - Fleet files, or directories with such files. The task reads the devices of O(account) only, and does not check
        other accounts. M(thingspace.licensing.fleet_files) checks all of them.
      - Exactly one of O(src), O(survey), and O(undo_run) is required.
    type: list
    elements: path
  survey:
    description:
      - A list of devices of the account, as typed into a form, and the license that they get or lose. Other devices are
        not changed. An empty answer counts as unset.
    type: dict
    suboptions:
      devices:
        description:
          - The devices, like O(thingspace.licensing.fota_license#module:devices_text).
        type: str
        required: true
      column:
        description:
          - The column, if they are a CSV text, like O(thingspace.licensing.fota_license#module:devices_column).
        type: str
      license:
        description:
          - V(FOTA), which is the default, or the SKU of a SIM-Secure license.
        type: str
      kind:
        description:
          - For SIM-Secure, the kind of the ids, V(imei) or V(iccid). The default is V(imei).
        type: str
      state:
        description:
          - V(present) if the devices get the license, which is the default, or V(absent) if they lose it.
        type: str
      max_changes:
        description:
          - How many devices may change.
        type: str
      lifetime_consent:
        description:
          - For a lifetime SKU, how many devices may get a license.
        type: str
      lifetime_elsewhere:
        description:
          - How many lifetime licenses are known to be assigned outside the journal.
        type: str
      account:
        description:
          - The account, as typed. Another one than O(account) is refused.
        type: str
      mode:
        description:
          - What the form asks for, V(check) or V(run). Something else is refused. The task does not depend on it.
        type: str
      variables:
        description:
          - The names of the variables of the playbook C(license_devices) that are set. Unknown ones are refused,
            because a mistyped name could lift a limit.
        type: list
        elements: str
  undo_run:
    description:
      - The record (C(run.json)) of the run to reverse in O(account), or with O(journal) the name of the run.
      - See M(thingspace.licensing.fleet_undo) for what is reversed.
    type: path
  history:
    description:
      - With O(undo_run), the directory with the records of all runs. It shows what later runs did.
    type: path
  reports:
    description:
      - Directory for the reports of all accounts. Those of O(account) are written to a subdirectory with its name.
      - The predicted result for each device is written to C(plan-fota.csv), C(plan-removal_candidates.csv), and
        C(plan-) with the name of the part for SIM-Secure licenses. The current removal candidate list is written to
        C(before-candidates.csv).
      - In a real run, the names start with C(apply-) instead of C(plan-), or with C(apply-before-). The files are in a
        subdirectory named C(run-) and O(mark), so that no other run uses them.
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
      - The default is true for a lifetime SKU, and with O(wait) if the account's count cannot confirm requests instead.
    type: bool
  settle_time:
    description:
      - How many seconds must pass after a SIM-Secure request before the account's count of assigned licenses proves its
        result, like O(thingspace.licensing.simsec_license#module:settle_time).
      - The default depends on how long ThingSpace recently took to report. Set it higher if there is no receiver and
        ThingSpace is slow.
    type: float
    version_added: 0.6.0
  require_journal:
    description:
      - Whether an account for which SIM-Secure licenses are wanted is refused without O(journal) (C(journal_required)).
        Without a journal, another run sends the same requests again. In a job of AWX, a file in the container is none.
    type: bool
    default: false
  journal_new:
    description:
      - Whether it is meant that O(journal) is empty although the account counts lifetime licenses, like
        O(thingspace.licensing.simsec_license#module:journal_new).
    type: bool
    default: false
    version_added: 0.6.0
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
- name: Plan the licenses of an account
  thingspace.licensing.fleet_account:
    account: "0000123456-00001"
    src: [fleet]
    reports: work
    journal: /var/lib/thingspace/journal.db
  check_mode: true
  register: planned

- name: Write that plan for approval
  thingspace.licensing.fleet_plan:
    accounts: ["{{ planned }}"]
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
    account: "0000123456-00001"
    src: [fleet]
    planned: "{{ planned }}"
    mark: "{{ begun.mark }}"
    reports: work
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
  description: The fleet file of the account. Empty without O(src).
  returned: in check mode
  type: str
  sample: fleet/east.yml
wanted:
  description: SHA-256 of what is wanted.
  returned: in check mode
  type: str
  sample: 9b74c9897bac770ffc029102a200c5de3f0b1f2e5d6d5a7c8b9e0f1a2b3c4d5e
freeze:
  description: The freeze windows of the fleet file, or those that the reversed run kept.
  returned: in check mode
  type: list
  elements: dict
  sample: []
sets:
  description: The sets of the fleet file, each with C(name) and C(count).
  returned: in check mode
  type: list
  elements: dict
incomplete:
  description:
    - Devices that are not as wanted and that no license module reports. According to the journal, they hold, or may
      hold, licenses of several SKUs, and the plan removes none of them. Or a set selects them, and no request can name
      them, because ThingSpace lists them without a usable id. Each has C(device_id), C(outcome), and C(reason).
  returned: in check mode
  type: list
  elements: dict
  sample: []
reports:
  description: Directory with the reports of the account.
  returned: in check mode
  type: str
  sample: work/0000123456-00001
notes:
  description:
    - What to know before it is carried out. For example, that a set of the fleet file selects no device, or a device
      without a usable id.
  returned: in check mode
  type: list
  elements: str
parts:
  description:
    - In check mode, what each license module would do, in this order. C(list) is the name of the part, as in its report
      C(plan-LIST.csv). C(kind) is V(fota), V(removal_candidates), or V(simsec). For SIM-Secure, there is a part for
      each C(sku), kind of id (C(id_kind)), and state. C(result) is the result of the license module.
    - C(result) has no C(plan) if a license that should be removed turned out to be a lifetime license. C(failure) says
      why a plan was stopped.
    - In a real run, the result of the license module for each part that was begun. C(list) is the name of the part, as
      in its report C(apply-LIST.csv), and C(failure) says why it failed.
  returned: success
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

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.account import run
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.from_files import from_files
from ansible_collections.thingspace.licensing.plugins.module_utils._module import Context, Result, run_module
from ansible_collections.thingspace.licensing.plugins.module_utils._options import (
    ACCOUNT_SPEC,
    JOURNAL_SPEC,
    PROGRESS_SPEC,
    SURVEY_SPEC,
)


def main() -> None:
    """Plan the licenses of an account, or carry out the plan."""
    options = {
        **ACCOUNT_SPEC,
        **JOURNAL_SPEC,
        **PROGRESS_SPEC,
        "src": {"type": "list", "elements": "path"},
        "survey": {"type": "dict", "options": SURVEY_SPEC},
        "undo_run": {"type": "path"},
        "history": {"type": "path"},
        "reports": {"type": "path", "required": True},
        "wait": {"type": "bool", "default": False},
        "require_journal": {"type": "bool", "default": False},
        "require_listener": {"type": "bool"},
        "journal_new": {"type": "bool", "default": False},
        "retry_failed": {"type": "bool", "default": False},
        "retry_unknown": {"type": "bool", "default": False},
        "wait_timeout": {"type": "float", "default": 600},
        "settle_time": {"type": "float"},
        "planned": {"type": "dict"},
        "approved": {"type": "bool", "default": False},
        "mark": {"type": "str"},
        "stop_together": {"type": "path"},
        "only_wait": {"type": "bool", "default": False},
    }
    sources = ["src", "survey", "undo_run"]
    run_module(_account, options, mutually_exclusive=[sources], required_one_of=[sources])


def _account(context: Context) -> Result:
    # A module compiles what it imports, each time.
    # pylint: disable=import-outside-toplevel
    if context.params["src"] is not None:
        return run(context, from_files)
    if context.params["survey"] is not None:
        from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.from_survey import from_survey

        return run(context, from_survey)
    from ansible_collections.thingspace.licensing.plugins.module_utils._undo.from_run import from_run

    return run(context, from_run)


if __name__ == "__main__":
    main()
