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
    becomes smaller than the number of assigned licenses. Until then the list does nothing.
  - ThingSpace takes licenses in the order of the list, then from the devices that hold theirs longest.
    M(thingspace.licensing.swm_removal_candidates_info) foresees who that is.
  - ThingSpace can only replace the list, append to it and delete it. This module adds and removes single devices, and
    tells when somebody else changed the list at the same time.
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
      - Shows the list before and after, in its order, around what changes, up to 500 lines of each. The header counts
        what changes.
  idempotent:
    support: full
options:
  state:
    description:
      - V(present) puts those of the named devices that are not on the list behind it, in their order. If one of them
        stands there more than once, the list is rewritten, so that it stands there once.
      - V(absent) takes the named devices off the list and leaves the others in their order.
      - V(exact) makes the list precisely the named devices in their order. With no device, the list is deleted.
    type: str
    choices: [present, absent, exact]
    default: present
  protected:
    description:
      - Devices that may never be on the list. The task fails when one of them is named, and takes off the list those
        that somebody else put there, whatever the O(state).
    type: list
    elements: raw
  protected_file:
    description:
      - File with the protected devices, of the same kinds as O(devices_file).
    type: path
  protected_column:
    description:
      - Column of O(protected_file) that holds the ids.
    type: str
  protected_delimiter:
    description:
      - What separates the columns of O(protected_file), see O(devices_delimiter).
    type: str
    choices: [comma, semicolon, tab, bar]
    version_added: 0.6.0
  unlicensed:
    description:
      - What to do when the task would list devices that hold no license, and therefore have none to lose.
      - V(refuse) fails before the first write, V(warn) lists them all the same.
      - V(ignore) does not look, which saves reading the account's licenses.
    type: str
    choices: [refuse, warn, ignore]
    default: refuse
  max_removals:
    description:
      - How many devices the task may take off the list, as a number (V(20)) or as a share of the list (V(5%)).
    type: str
  batch_size:
    description:
      - Devices in one request. Verizon documents no limit; when ThingSpace refuses to replace the list by more than
        1000 devices at once, it is cut to batches of 1000.
      - Replacing a list that fits one request is one step for ThingSpace. With more requests the list is incomplete
        for a moment.
    type: int
    default: 10000
  before_file:
    description:
      - CSV file to write the list to as it was before, in its order; O(devices_file) takes it to put the list back.
        Written before anything is sent, in check mode, too.
    type: path
    version_added: 0.4.0
notes:
  - The list is read just before it is rewritten and just after. If somebody else changed it meanwhile, the task fails
    with C(list_changed) rather than overwrite that.
  - If a rewrite fails half-way, the list is put back as it was. If the task is killed half-way, the next one on the
    same O(runtime_dir) takes up from the list as it was.
seealso:
  - module: thingspace.licensing.swm_removal_candidates_info
  - module: thingspace.licensing.fota_license
"""

EXAMPLES = r"""
- name: Let go of two retired devices first when the subscription shrinks
  thingspace.licensing.swm_removal_candidates:
    account: "0000123456-00001"
    devices:
      - "990003425730535"
      - "990000473475989"

- name: Make the list what stands in the repository, in that order, and keep the ambulances off it
  thingspace.licensing.swm_removal_candidates:
    account: "0000123456-00001"
    devices_file: fleet/retire-first.csv
    protected_file: fleet/ambulances.csv
    state: exact
    max_removals: 10%

- name: Take a device off the list
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
  description: How the current state was found out, always V(list).
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
    add:
      description: Number of devices to put on the list.
      type: int
    remove:
      description: Number of devices to take off the list.
      type: int
    move:
      description:
        - Number of devices that stay on the list and change places; as few as lead to the wanted order. A device that
          stands there more than once and will stand there once is counted, too.
      type: int
    unchanged:
      description: Number of named devices that were on the list, or off it, as wanted, and did not have to move.
      type: int
    digest:
      description: SHA-256 over the wanted and the live list in their order, for O(approved_plan).
      type: str
summary:
  description: Number of devices for each outcome; every outcome is a key.
  returned: when the account could be read
  type: dict
  sample:
    assigned: 0
    removed: 1
    added: 2
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
      description: The IMEI.
      type: str
    outcome:
      description:
        - V(added), V(removed) or V(unchanged). A device that only changed its place is V(unchanged), and the reason
          tells behind which one it stands now.
        - V(failed) means that ThingSpace refused the change, V(unknown) that the list could not be read or does not
          show it although nobody refused it, V(skipped) that nothing was sent for the device or that the list was put
          back.
      type: str
    reason:
      description: Why; empty for a plain success.
      type: str
  sample:
    - device_id: "990003425730535"
      outcome: added
      reason: ""
devices_left_out:
  description: How many rows are left out of RV(devices). Those that failed or are unknown are left out last.
  returned: when rows are left out
  type: int
candidate_count:
  description: Number of devices on the list after the run; V(none) if it could not be read.
  returned: when the account could be read
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
    list:
      description:
        - What became of the list when writing failed. V(untouched) and V(put_back) mean that it is as it was,
          V(written) that some devices could not be appended, V(broken) that it may be neither the wanted nor the
          previous one.
      type: str
    previous_list:
      description: When the list may be broken, the file that holds the previous one, or that list itself.
      type: raw
    unlicensed:
      description: Devices that hold no license, up to 1,000.
      type: list
      elements: str
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
    code: list_changed
    message: "Somebody changed the removal candidates after this task had planned. Nothing was written. Run again."
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
