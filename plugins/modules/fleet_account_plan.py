# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_account_plan
short_description: Plan all licenses of an account as its fleet file wants them
version_added: 0.5.0
description:
  - Does what M(thingspace.licensing.fota_license), M(thingspace.licensing.swm_removal_candidates) and
    M(thingspace.licensing.simsec_license) do in check mode, for everything that a fleet file says of an account, in one
    process with one connection.
  - Changes nothing at ThingSpace, whether in check mode or not.
  - O(deadline) is for all licenses together.
  - A plan that a limit stops is a plan all the same. The task fails if there is no plan of a license.
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
      - It only plans. RV(ignore:changed) says whether carrying out the plan would change anything.
  diff_mode:
    support: full
    details:
      - Returns the differences that the license modules return.
  idempotent:
    support: full
    details:
      - It only plans.
options:
  wanted:
    description:
      - What is wanted of the account, an entry of RV(thingspace.licensing.fleet_files#module:accounts).
    type: dict
    required: true
  lists:
    description:
      - Directory with the account's lists of devices, as M(thingspace.licensing.fleet_files) wrote them.
      - What would happen to each device is written beside them, to C(plan-fota.csv), C(plan-removal_candidates.csv),
        and C(plan-) with the name of the list for SIM-Secure licenses; the list of removal candidates as it is, to
        C(before-candidates.csv).
    type: path
    required: true
  wait:
    description:
      - Whether SIM-Secure licenses that are assigned in waves will be waited for until ThingSpace confirms them.
    type: bool
    default: false
  require_listener:
    description:
      - Whether a plan that sends SIM-Secure licenses is stopped with V(no_listener) if it is not certain that somebody
        hears what ThingSpace will report, as O(thingspace.licensing.simsec_license#module:require_listener).
      - If not given, it is with O(wait) or a lifetime SKU.
    type: bool
    version_added: 0.6.0
  retry_failed:
    description:
      - Whether SIM-Secure requests that failed are planned again, as
        O(thingspace.licensing.simsec_license#module:retry_failed) does. It can also be asked for in the fleet file.
    type: bool
    default: false
    version_added: 0.6.0
  retry_unknown:
    description:
      - Whether SIM-Secure requests are planned again of which nobody knows what came of them, as
        O(thingspace.licensing.simsec_license#module:retry_unknown) does. It can also be asked for in the fleet file.
    type: bool
    default: false
    version_added: 0.6.0
seealso:
  - module: thingspace.licensing.fleet_files
  - module: thingspace.licensing.fleet_plan
"""

EXAMPLES = r"""
- name: Make the lists of the account's devices
  thingspace.licensing.fleet_files:
    src: [fleet]
    accounts: ["0000123456-00001"]
    dest: work
    journal: /var/lib/thingspace/journal.db
  register: fleet

- name: Plan its licenses
  thingspace.licensing.fleet_account_plan:
    wanted: "{{ fleet.accounts[0] }}"
    lists: work/0000123456-00001
    journal: /var/lib/thingspace/journal.db
  register: planned

- name: Write that plan for approval
  thingspace.licensing.fleet_plan:
    accounts: ["{{ planned }}"]
    reports: work
    dest: plan
"""

RETURN = r"""
account:
  description: The account.
  returned: success
  type: str
  sample: "0000123456-00001"
file:
  description: The fleet file that speaks of it.
  returned: success
  type: str
  sample: fleet/east.yml
wanted:
  description: SHA-256 over what is wanted.
  returned: success
  type: str
  sample: 9b74c9897bac770ffc029102a200c5de3f0b1f2e5d6d5a7c8b9e0f1a2b3c4d5e
api_versions:
  description: By kind of license, the version of the API that serves it.
  returned: success
  type: dict
  sample:
    fota: v3
    removal_candidates: v2
freeze:
  description: The freeze windows of the fleet file.
  returned: success
  type: list
  elements: dict
  sample: []
fota:
  description: What M(thingspace.licensing.fota_license) returns in check mode; V(none) if the file does not manage it.
  returned: success
  type: dict
removal_candidates:
  description:
    - What M(thingspace.licensing.swm_removal_candidates) returns in check mode; V(none) if the file does not manage it.
  returned: success
  type: dict
simsec:
  description:
    - What M(thingspace.licensing.simsec_license) returns in check mode for each SKU, kind of id and state that there
      is something to look at for. C(item) is the entry of C(simsec) in O(wanted), with its C(state).
    - It has no C(plan) if a license was to be taken away that turned out to be for life.
  returned: success
  type: list
  elements: dict
incomplete:
  description:
    - Devices that are not as wanted, which no license module tells - by the journal they hold, or may hold, licenses
      of several SKUs, and the plan takes none of them away. Each has C(device_id), C(outcome) and C(reason).
  returned: success
  type: list
  elements: dict
  version_added: 0.6.0
  sample: []
requests:
  description: The requests of the task.
  returned: when options are valid
  type: dict
  contains:
    sent:
      description: Requests sent, including logins and repetitions.
      type: int
    retried:
      description: Repeated requests.
      type: int
    throttled:
      description: Answers with HTTP 429.
      type: int
    throttled_seconds:
      description: Seconds spent waiting for the rate limit, in all threads together.
      type: float
failure:
  description: Why there is no plan, with the details that the license module returns.
  returned: failure
  type: dict
  contains:
    code:
      description: Stable code that playbooks can test, see the list of error codes.
      type: str
    message:
      description: The same text as in C(msg).
      type: str
  sample:
    code: lifetime_consent
    message: "SIMSec-IoT-Lt is a lifetime license, which can never be taken back. ..."
"""

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.account import run
from ansible_collections.thingspace.licensing.plugins.module_utils._module import run_module
from ansible_collections.thingspace.licensing.plugins.module_utils._options import JOURNAL_SPEC, PROGRESS_SPEC


def main() -> None:
    """Plan the licenses of an account."""
    options = {
        **JOURNAL_SPEC,
        **PROGRESS_SPEC,
        "wanted": {"type": "dict", "required": True},
        "lists": {"type": "path", "required": True},
        "wait": {"type": "bool", "default": False},
        "require_listener": {"type": "bool"},
        "retry_failed": {"type": "bool", "default": False},
        "retry_unknown": {"type": "bool", "default": False},
    }
    run_module(run, options)


if __name__ == "__main__":
    main()
