# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fota_license
short_description: Assign and remove Software Management (FOTA) licenses
version_added: 0.1.0
description:
  - Makes the devices of a ThingSpace account hold, or not hold, a Software Management license.
  - The whole plan is checked before the first write. Licenses are moved in full batches, several at a time, and every
    device gets an outcome.
  - An answer that gets lost is never guessed. The account is read back before anything is sent again.
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._account
  - thingspace.licensing._api_version
  - thingspace.licensing._connection
  - thingspace.licensing._progress
  - thingspace.licensing._devices
  - thingspace.licensing._guards
  - thingspace.licensing._guards.reserve
  - thingspace.licensing._guards.waves
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.action_group
attributes:
  check_mode:
    support: full
    details:
      - Check mode always lists the account (RV(lookup=list)) and returns the rows of a run in which ThingSpace refuses
        nothing.
  diff_mode:
    support: full
    details:
      - Lists the licensed devices before and after, of those that change, up to 500 in each direction.
  idempotent:
    support: full
options:
  state:
    description:
      - V(present) licenses the named devices, V(absent) takes their licenses away.
      - V(exact) makes precisely the named devices hold a license; all others of the account lose theirs.
    type: str
    choices: [present, absent, exact]
    default: present
  lookup:
    description:
      - How to find out which devices hold a license.
      - V(list) reads the whole account, so that a second run sends no write.
      - V(direct) lets ThingSpace's answer for each device decide, which is cheaper for a few devices of a huge account.
        If the plan could then exceed a guard, the account is listed all the same.
      - V(auto) lists the account unless it is large and more than ten times larger than the job.
    type: str
    choices: [auto, list, direct]
    default: auto
  removal_candidates:
    description:
      - What it means that a device is on the list of those that lose their license first when the subscription shrinks,
        see M(thingspace.licensing.swm_removal_candidates). The list of O(api_version=v3) is the one of V(v2).
      - V(report) reads the list when licenses are moved, warns about listed devices that get or lose one, and says so
        in their rows. A list that cannot be read is only worth a warning.
      - V(keep) does the same, and O(state=exact) leaves the licenses of listed devices alone. For that the list must
        be readable.
      - V(ignore) does not read it.
    type: str
    choices: [report, keep, ignore]
    default: report
  batch_size:
    description:
      - Devices in one request. Verizon documents no limit.
    type: int
    default: 1000
seealso:
  - module: thingspace.licensing.fota_license_info
  - module: thingspace.licensing.swm_removal_candidates
  - module: thingspace.licensing.session
"""

EXAMPLES = r"""
- name: Set the connection once (credentials come from THINGSPACE_* environment variables)
  hosts: localhost
  module_defaults:
    group/thingspace.licensing.all:
      base_url: https://thingspace.verizon.com/api
  tasks:
    - name: License two devices
      thingspace.licensing.fota_license:
        account: "0000123456-00001"
        devices:
          - "990003425730535"
          - "990000473475989"

    - name: Make exactly the devices of a file hold a license
      thingspace.licensing.fota_license:
        account: "0000123456-00001"
        devices_file: fleet/vending.csv
        devices_column: imei
        state: exact
        max_removals: 5%
        reserve: 20
        devices_report: vending-outcome.csv

    - name: License ten devices first, then up to 5 % of all, then the others, if not more than 1 % fail
      thingspace.licensing.fota_license:
        account: "0000123456-00001"
        devices_file: fleet/vending.csv
        waves: [10, 5%]
        max_failures: 1%

    - name: Carry out the plan that was approved, and only that
      thingspace.licensing.fota_license:
        account: "0000123456-00001"
        devices_file: fleet/vending.csv
        state: exact
        approved_plan: "{{ approved_digest }}"
"""

RETURN = r"""
lookup:
  description: How the current state was found out, V(list) or V(direct).
  returned: when the account could be read
  type: str
  sample: list
plan:
  description: What was to be done.
  returned: when the account could be read
  type: dict
  contains:
    state:
      description: The wanted state.
      type: str
    assign:
      description: Number of licenses to assign; with RV(lookup=direct) the number of named devices.
      type: int
    remove:
      description: Number of licenses to take away; with RV(lookup=direct) the number of named devices.
      type: int
    unchanged:
      description: Number of named devices that were as wanted.
      type: int
    left_alone:
      description: Number of removal candidates that keep a license nobody names; only where there are such.
      type: int
    digest:
      description: SHA-256 over the wanted and the live state, for O(approved_plan). V(none) with RV(lookup=direct).
      type: str
    waves:
      description: How many devices are done after each wave. Only with O(waves).
      type: list
      elements: int
      version_added: 0.4.0
      sample: [10, 250, 5000]
summary:
  description: Number of devices for each outcome; every outcome is a key.
  returned: when the account could be read
  type: dict
  sample:
    assigned: 2
    removed: 0
    added: 0
    unchanged: 5
    accepted: 0
    failed: 0
    unknown: 0
    skipped: 0
devices:
  description: What happened to each device, as far as O(report) lets through, and up to 1,000 unless that is V(all).
  returned: when the account could be read
  type: list
  elements: dict
  contains:
    device_id:
      description: The device id.
      type: str
    outcome:
      description:
        - V(assigned), V(removed) or V(unchanged).
        - V(failed) means that ThingSpace refused, V(unknown) that no trustworthy answer could be had, V(skipped) that
          nothing was sent for the device.
      type: str
    reason:
      description: Why, in ThingSpace's words where it said something; empty for a plain success.
      type: str
  sample:
    - device_id: "990003425730535"
      outcome: assigned
      reason: ""
devices_left_out:
  description: How many rows are left out of RV(devices). Those that failed or are unknown are left out last.
  returned: when rows are left out
  type: int
licenses:
  description: The account's pool after the run. A number is V(none) where ThingSpace does not say.
  returned: when the account could be read
  type: dict
  contains:
    total:
      description: Licenses bought.
      type: int
    assigned:
      description: Licenses that a device holds.
      type: int
    available:
      description: Licenses that are free.
      type: int
requests:
  description: What the task cost.
  returned: when options are valid
  type: dict
  contains:
    sent:
      description: Requests sent, logins and repetitions included.
      type: int
    retried:
      description: Repetitions among them.
      type: int
    throttled:
      description: Answers with HTTP 429 among them.
      type: int
    throttled_seconds:
      description: Seconds spent waiting for the pace, all threads together.
      type: float
failure:
  description: Why the task failed. Everything else that is known is returned as well.
  returned: failure
  type: dict
  contains:
    code:
      description: Stable code for playbooks to test, see the list of error codes.
      type: str
    message:
      description: The same text as in C(msg).
      type: str
    problems:
      description: Every problem with the input, up to 1,000.
      type: list
      elements: str
    problem_count:
      description: Number of problems with the input.
      type: int
    guards:
      description: The limits that were exceeded, each with C(guard), C(planned) and C(allowed).
      type: list
      elements: dict
    digest:
      description: Digest of the plan that was stopped.
      type: str
    tried:
      description: Number of devices in the waves until one failed.
      type: int
    not_as_wanted:
      description: Number of devices among them that are not as wanted.
      type: int
    allowed:
      description: What O(max_failures) allowed of them.
      type: int
    status:
      description: HTTP status of ThingSpace's answer.
      type: int
    api_code:
      description: ThingSpace's own error code.
      type: str
    api_message:
      description: ThingSpace's own error text.
      type: str
  sample:
    code: guard_tripped
    message: "The plan was stopped before its first write: ..."
"""

from ansible_collections.thingspace.licensing.plugins.module_utils._fota.converge import run
from ansible_collections.thingspace.licensing.plugins.module_utils._module import run_module
from ansible_collections.thingspace.licensing.plugins.module_utils._options import FOTA_LICENSE_SPEC, WAVES_CONSTRAINTS


def main() -> None:
    """Converge the account's FOTA licenses."""
    run_module(run, FOTA_LICENSE_SPEC, **WAVES_CONSTRAINTS)


if __name__ == "__main__":
    main()
