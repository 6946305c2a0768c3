# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: swm_removal_candidates
short_description: Decide which devices lose their FOTA license first
version_added: 0.3.0
description:
  - Maintains the ordered list of devices that lose their Software Management license when the account's subscription
    becomes smaller than the number of assigned licenses. Until then, the list does nothing.
  - ThingSpace removes licenses in the order of the list, then from the devices that have held theirs longest.
    M(thingspace.licensing.swm_removal_candidates_info) predicts which devices these are.
  - ThingSpace can only replace the list, append to it, and delete it. This module adds and removes single devices, and
    reports if someone else changed the list at the same time.
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._account
  - thingspace.licensing._api_version.candidates
  - thingspace.licensing._connection
  - thingspace.licensing._progress
  - thingspace.licensing._devices
  - thingspace.licensing._guards
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.action_group
attributes:
  check_mode:
    support: full
    details:
      - Returns the rows of a run in which ThingSpace refuses nothing.
  diff_mode:
    support: full
    details:
      - Shows the list before and after, in its order, around the changes, up to 500 lines each. The header counts the
        changes.
  idempotent:
    support: full
options:
  state:
    description:
      - V(present) appends the devices of the task that are not on the list, in their order. If one of them is on the
        list more than once, the list is rewritten so that it is there once.
      - V(absent) removes the devices of the task from the list and keeps the order of the others.
      - V(exact) makes the list contain exactly the devices of the task in their order. Without devices, the list is
        deleted.
    type: str
    choices: [present, absent, exact]
    default: present
  protected:
    description:
      - Devices that must never be on the list. The task fails if it names one of them. It removes those that someone
        else put on the list, whatever the O(state).
    type: list
    elements: raw
  protected_file:
    description:
      - File with the protected devices, in the same formats as O(devices_file).
    type: path
  protected_column:
    description:
      - Column of O(protected_file) that holds the ids.
    type: str
  protected_delimiter:
    description:
      - The separator between the columns of O(protected_file), see O(devices_delimiter).
    type: str
    choices: [comma, semicolon, tab, bar]
    version_added: 0.6.0
  unlicensed:
    description:
      - What to do if the task would add devices that hold no license, and therefore have none to lose; or of which that
        is not known, because O(api_version) lists only a part of the account's licenses.
      - V(refuse) fails before the first write. V(warn) adds them anyway.
      - V(ignore) does not check, and so does not have to read the account's licenses.
    type: str
    choices: [refuse, warn, ignore]
    default: refuse
  max_removals:
    description:
      - How many devices the task may remove from the list, as a number (V(20)) or as a percentage of the list (V(5%)).
    type: str
  batch_size:
    description:
      - Maximum number of devices in one request. Verizon documents no limit. If ThingSpace refuses to replace the list
        with more than 1000 devices at once, batches of 1000 are sent.
      - Replacing a list that fits in one request is one step for ThingSpace. With more requests, the list is incomplete
        for a moment.
    type: int
    default: 10000
  before_file:
    description:
      - CSV file for the previous list, in its order. It is written before anything is sent, also in check mode.
      - To restore the list, use the file as O(devices_file). If a device was on the list twice, remove one of its lines
        before that.
    type: path
    version_added: 0.4.0
notes:
  - The list is read right before and right after it is rewritten. If someone else changed it in the meantime, the task
    fails with C(list_changed) and does not overwrite that.
  - If a rewrite fails halfway, the previous list is restored. If the task is killed halfway, the next task with the
    same O(runtime_dir) starts from the previous list.
seealso:
  - module: thingspace.licensing.swm_removal_candidates_info
  - module: thingspace.licensing.fota_license
"""

EXAMPLES = r"""
- name: Remove two retired devices first when the subscription shrinks
  thingspace.licensing.swm_removal_candidates:
    account: "0000123456-00001"
    devices:
      - "990003425730535"
      - "990000473475989"

- name: Make the list match the repository, in that order, and keep the ambulances off it
  thingspace.licensing.swm_removal_candidates:
    account: "0000123456-00001"
    devices_file: fleet/retire-first.csv
    protected_file: fleet/ambulances.csv
    state: exact
    max_removals: 10%

- name: Remove a device from the list
  thingspace.licensing.swm_removal_candidates:
    account: "0000123456-00001"
    devices: ["990003425730535"]
    state: absent

- name: Delete the list
  thingspace.licensing.swm_removal_candidates:
    account: "0000123456-00001"
    devices: []
    state: exact
"""

RETURN = r"""
lookup:
  description: How the current state was determined, always V(list).
  returned: when the account could be read
  type: str
  sample: list
plan:
  description: The plan.
  returned: when the account could be read
  type: dict
  contains:
    state:
      description: The wanted state.
      type: str
    add:
      description: Number of devices to add to the list.
      type: int
    remove:
      description: Number of devices to remove from the list.
      type: int
    move:
      description:
        - Smallest number of devices that have to change their place to reach the wanted order. A device that is on the
          list more than once and will be there once also counts.
      type: int
    unchanged:
      description:
        - Number of devices of the task that were already on or off the list as wanted, and did not have to move.
      type: int
    digest:
      description: SHA-256 of the wanted and the current list in their order, for O(approved_plan).
      type: str
summary:
  description: Number of devices for each outcome. Every outcome is a key.
  returned: when the account could be read
  type: dict
  sample: {assigned: 0, removed: 1, added: 2, unchanged: 5, accepted: 0, failed: 0, unknown: 0, skipped: 0}
devices:
  description: What happened to each device that O(report) includes; up to 1,000 devices unless O(report=all).
  returned: when the account could be read
  type: list
  elements: dict
  contains:
    device_id:
      description: The IMEI.
      type: str
    outcome:
      description:
        - V(added), V(removed), or V(unchanged). A device that only changed its place is V(unchanged), and the reason
          says which device it follows now.
        - V(failed) means that ThingSpace refused the change. V(unknown) means that the list could not be read, or does
          not show the change although it was not refused. V(skipped) means that nothing was sent for the device, or
          that the list was restored.
      type: str
    reason:
      description: The reason; empty for a plain success.
      type: str
  sample:
    - device_id: "990003425730535"
      outcome: added
      reason: ""
devices_left_out:
  description: Number of rows left out of RV(devices). Failed and unknown devices are left out last.
  returned: when rows are left out
  type: int
candidate_count:
  description: Number of devices on the list after the run. V(none) if the list could not be read.
  returned: when the account could be read
  type: int
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
    - The other values are also returned as far as they are known.
  returned: failure
  type: dict
  contains:
    code: {type: str, description: The stable code that playbooks can test.}
    message: {type: str, description: The text of C(msg).}
  sample:
    code: list_changed
    message: "Someone changed the removal candidates after the plan. Nothing was written. Run again."
"""

from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.converge import run
from ansible_collections.thingspace.licensing.plugins.module_utils._module import run_module
from ansible_collections.thingspace.licensing.plugins.module_utils._options import (
    REMOVAL_CANDIDATES_CONSTRAINTS,
    REMOVAL_CANDIDATES_SPEC,
)


def main() -> None:
    """Converge the account's removal candidate list."""
    run_module(run, REMOVAL_CANDIDATES_SPEC, **REMOVAL_CANDIDATES_CONSTRAINTS)


if __name__ == "__main__":
    main()
