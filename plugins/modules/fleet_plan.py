# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_plan
short_description: Put the plans of accounts together for approval
version_added: 0.3.0
description:
  - Makes one plan of what the license modules returned in check mode, for any number of accounts, with one digest over
    everything that is wanted and everything that is.
  - Writes it as JSON, Markdown and HTML, and holds it against an approved one. It talks to nobody and changes no
    license.
  - It is a building block of the role P(thingspace.licensing.fleet_licensing#role).
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.info_module
  - thingspace.licensing._attributes.action_group
  - thingspace.licensing._connection
options:
  accounts:
    description:
      - The accounts, each with C(account), and either C(failure), why there is no plan of it, or what follows.
      - C(file) and C(wanted) are the file and the digest that M(thingspace.licensing.fleet_files) returned.
      - C(fota) and C(removal_candidates) are what these modules returned in check mode, C(simsec) is a list of what
        M(thingspace.licensing.simsec_license) returned in a loop over C(simsec) of M(thingspace.licensing.fleet_files).
      - C(incomplete) are devices that are not as wanted, which no license module tells, each with C(device_id),
        C(outcome) and C(reason), as M(thingspace.licensing.fleet_account_plan) returns them.
      - C(reports) is the directory with the C(devices_report) of each, named C(plan-fota.csv),
        C(plan-removal_candidates.csv), and C(plan-) with the name of the list for the others.
    type: list
    elements: dict
    required: true
  reports:
    description:
      - Directory with a directory for each account, for the entries of O(accounts) that have no C(reports).
    type: path
    version_added: 0.5.0
  dest:
    description:
      - Directory to write C(plan.json), C(plan.md) and C(plan.html) to. It is made if it does not exist.
    type: path
  approved:
    description:
      - A plan file, or the digest of a plan, that somebody approved. If this plan is another one, the task fails.
      - With a plan file, an account that is in O(accounts) with a C(failure) is no difference.
    type: str
  max_changes:
    description:
      - How many devices the accounts together may have touched. A plan that exceeds it is of the status
        V(guard_tripped), and returned in RV(over).
    type: int
    version_added: 0.4.0
  max_removals:
    description:
      - How many licenses may be taken away from the accounts together, as a number or as a share like V(5%) of those
        that they hold.
    type: str
    version_added: 0.4.0
  max_lifetime:
    description:
      - How many devices may get a lifetime license in all accounts together.
    type: int
    version_added: 0.4.0
  freeze:
    description:
      - Freeze windows for all accounts, each with C(name) and any of C(from), C(until), C(days), C(hours), C(timezone)
        and C(what), as in fleet files. An entry of O(accounts) may have further ones as C(freeze).
      - They change nothing about the plan. RV(accounts) tells which accounts are not to be changed now.
    type: list
    elements: dict
    default: []
    version_added: 0.4.0
  ignore_freeze:
    description:
      - Whether no account is kept from being changed because of a freeze window. The plan has those of the accounts all
        the same, for undoing it later.
    type: bool
    default: false
    version_added: 0.5.0
  status_file:
    description:
      - File to write the RV(status) to, as one word, for programs that start Ansible. It is written after the plan.
      - The word is V(plan_changed) if the plan is not the approved one, and there is a plan of every account.
      - With O(approved), the word is V(incomplete) also of a plan with changes, if RV(incomplete) is not 0.
        M(thingspace.licensing.fleet_run) writes that, too, if not everything was done.
    type: path
    version_added: 0.4.0
seealso:
  - module: thingspace.licensing.fleet_files
"""

EXAMPLES = r"""
- name: Plan the licenses of an account
  thingspace.licensing.fota_license:
    account: "0000123456-00001"
    devices_file: "{{ fleet.accounts[0].lists.fota }}"
    state: exact
    report: none
    devices_report: work/plan-fota.csv
  check_mode: true
  register: fota

- name: Write that plan for approval
  thingspace.licensing.fleet_plan:
    accounts:
      - account: "0000123456-00001"
        file: "{{ fleet.accounts[0].file }}"
        wanted: "{{ fleet.accounts[0].digest }}"
        reports: work
        fota: "{{ fota }}"
    dest: plan
"""

RETURN = r"""
status:
  description:
    - V(no_change), V(incomplete) if there is nothing to do and something is not as wanted, V(changes),
      V(guard_tripped) if a limit stops the plan of an account, or V(error) if the plan of an account could not be
      made. The last of these wins.
  returned: when options are valid
  type: str
digest:
  description: SHA-256 over all that is wanted and all that is.
  returned: when options are valid
  type: str
totals:
  description: Numbers of devices, all accounts together.
  returned: when options are valid
  type: dict
  sample:
    assign: 120
    remove: 3
    add: 0
    move: 0
incomplete:
  description:
    - How many devices are not as wanted, which the plan does not change; whatever its RV(status) is.
    - Those are devices whose request failed, is not confirmed, or is one of which nobody knows what came of it, and
      devices that keep several SIM-Secure licenses.
  returned: when options are valid
  type: int
  version_added: 0.6.0
  sample: 0
awaited:
  description:
    - How many of those were sent by an earlier run, and wait for their confirmation.
  returned: when options are valid
  type: int
  version_added: 0.6.0
  sample: 0
remaining:
  description:
    - What RV(incomplete) counts, in a few sentences, with what to do about it; empty if that is V(0). The task warns
      with this text.
  returned: when options are valid
  type: str
  version_added: 0.6.0
  sample: ""
summary:
  description:
    - The totals, and a line for each account with something to do, as plain text. At most 1,000 bytes, so that
      M(ansible.builtin.set_stats) can hand it on to the jobs that follow.
  returned: when options are valid
  type: str
  version_added: 0.4.0
  sample: |-
    Changes: 120 to assign, 3 to remove in 5 accounts.
    0000123456-00001: FOTA licenses 120 to assign, 3 to remove
accounts:
  description:
    - Name, status and digest of each account, and as C(incomplete) how many of its devices are not as wanted, which
      the plan does not change.
    - C(blocked) is V(none), or why nothing may be carried out there, with C(code) and C(message); there is no plan of
      it, a freeze window is open, its pools are too small, or it exceeds limits and nobody approved that.
  returned: when options are valid
  type: list
  elements: dict
over:
  description:
    - Which limits of the whole run the plan exceeds, with C(code), C(message) and C(guards).
    - V(none) if it exceeds none, or if it is the approved plan.
  returned: when options are valid
  type: dict
  version_added: 0.4.0
files:
  description: What was written, by format.
  returned: when options are valid
  type: dict
  sample:
    json: plan/plan.json
    markdown: plan/plan.md
    html: plan/plan.html
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

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan import run
from ansible_collections.thingspace.licensing.plugins.module_utils._module import run_module


def main() -> None:
    """Write the plan of a run."""
    options = {
        "accounts": {"type": "list", "elements": "dict", "required": True},
        "reports": {"type": "path"},
        "dest": {"type": "path"},
        "approved": {"type": "str"},
        "max_changes": {"type": "int"},
        "max_removals": {"type": "str"},
        "max_lifetime": {"type": "int"},
        "freeze": {"type": "list", "elements": "dict", "default": []},
        "ignore_freeze": {"type": "bool", "default": False},
        "status_file": {"type": "path"},
    }
    run_module(run, options)


if __name__ == "__main__":
    main()
