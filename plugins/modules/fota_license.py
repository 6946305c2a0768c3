# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fota_license
short_description: Assign and remove Software Management (FOTA) licenses
version_added: 0.1.0
description:
  - Assigns Software Management licenses to the devices of a ThingSpace account, or removes them.
  - Checks the whole plan before the first write. Moves licenses in full batches, in parallel, and returns an outcome
    for every device.
  - Never guesses a lost answer. It reads the account back before it sends anything again.
  - Tasks that change FOTA licenses of the same account and have the same O(journal) run one after the other; if that is
    a database, on all machines. A task that would have to wait for more than two minutes fails with C(journal_locked)
    and has sent nothing.
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
      - Check mode always reads the current state (RV(lookup=list) or RV(lookup=devices)) and returns the rows of a run
        in which ThingSpace refuses nothing.
  diff_mode:
    support: full
    details:
      - Lists the licenses of the changing devices before and after, up to 500 in each direction.
  idempotent:
    support: full
options:
  state:
    description:
      - V(present) assigns licenses to the listed devices. V(absent) removes their licenses.
      - V(exact) assigns licenses to exactly the listed devices. All other devices of the account lose theirs.
    type: str
    choices: [present, absent, exact]
    default: present
  lookup:
    description:
      - How to determine which devices hold a license.
      - V(list) reads the whole account, one request for 1,000 licenses. A second run sends no writes.
      - V(devices) asks ThingSpace about the named devices, one request for 1,000 devices, whatever the size of the
        account. A second run sends no writes. Only O(api_version=v3) has such a call. If the server does not have it,
        or its answer contradicts itself or a page that is read, the list is read instead, and the task warns. Devices
        that it does not know are looked for in a list, with up to ten requests. What that leaves open with
        O(state=present) is sent, is counted in RV(plan.unforeseen), and the task warns.
      - V(direct) relies on ThingSpace's answer for each device that is sent. If the plan could then exceed a guard, the
        current state is read anyway. It is always read in check mode, and with O(foreseen_refusals=stop).
      - If O(api_version) lists only a part of the licenses that the subscription counts, the task warns. With
        O(state=absent), it always reads the list then, and a device that the list does not have is C(skipped), unless
        the list of all devices says that it holds no license. O(state=exact) fails. If the subscription cannot be read,
        the task warns and goes on as if the list had all.
      - V(auto) is V(devices) if that is not more expensive than the list. Otherwise, it is V(list), unless the account
        is large and more than ten times larger than the job. Then it is V(direct).
      - RV(lookup) returns what was done.
    type: str
    choices: [auto, list, devices, direct]
    default: auto
  removal_candidates:
    description:
      - What to do about devices on the list of those that lose their license first when the subscription shrinks, see
        M(thingspace.licensing.swm_removal_candidates). For O(api_version=v3), the documents contradict each other about
        whether the list of V(v2) or that of V(v1) counts.
      - V(report) reads the list when licenses are moved, warns about listed devices that get or lose a license, and
        says so in their rows. If the list cannot be read, the task only warns. With O(api_version=v3), that is the list
        of V(v2), or that of V(v1) if the server does not have the other one, because a second list costs a request.
      - V(keep) does the same, and O(state=exact) leaves the licenses of listed devices alone. For that, the list must
        be readable. With O(api_version=v3), it reads both lists, both count, and the task warns if they differ. One of
        them is enough if the server does not have the other one.
      - V(ignore) does not read the list.
    type: str
    choices: [report, keep, ignore]
    default: report
  foreseen_refusals:
    description:
      - What to do about devices whose change ThingSpace would refuse. These are devices that FOTA does not serve
        (C(fotaEligible) is false), devices that are not in the account, whichever way ThingSpace is asked about them,
        and licenses that can never be removed because the firmware was upgraded (C(upgradeTime)).
      - V(skip) does not send them. Their rows are V(skipped) with the reason, and the task fails after it has changed
        the others. With O(state=exact), a license of an unlisted device that can never be removed is left alone, is
        counted in RV(plan.locked), and is no failure. If only ThingSpace's refusal of the removal shows that, the
        device is V(unchanged) all the same, and the refusal is remembered in the database of O(journal) or in
        O(runtime_dir), so that no later run sends the removal again.
      - V(stop) changes nothing if there is such a device, or if it cannot be read whether a device is one. Unlisted
        devices whose license can never be removed do not stop O(state=exact). The current state is always read, as with
        O(approved_plan).
      - V(ignore) does not look for such devices and sends them. With O(state=exact), a license that ThingSpace once
        refused to remove for ever is left alone all the same. In check mode, a warning says how many others it may
        refuse.
      - It takes one request for 1,000 changing devices with O(api_version=v3), unless RV(lookup=devices) has shown it
        already. Removals, V(v1), and V(v2) take pages of the device list. With V(stop), and for the removals of
        O(state=exact), it is as many as necessary. For named devices, it is at most ten, or one for each hundred of
        them. With RV(lookup=devices), it is at most two, and none if they would probably show less than half of the
        named devices. With RV(lookup=direct), nothing is looked up, and check mode then foresees nothing, either.
        RV(plan.unforeseen) counts what is not known, and the task warns. If that is only because few pages were read,
        it warns in check mode only. ThingSpace decides about these devices.
    type: str
    choices: [skip, stop, ignore]
    default: skip
    version_added: 0.6.0
  batch_size:
    description:
      - Maximum number of devices in one request. Verizon documents no limit.
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
  description: How the current state was determined, V(list), V(devices), or V(direct).
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
    assign:
      description: Number of licenses to assign. With RV(lookup=direct), the number of listed devices.
      type: int
    remove:
      description: Number of licenses to remove. With RV(lookup=direct), the number of listed devices.
      type: int
    unchanged:
      description: Number of listed devices that were already in the wanted state.
      type: int
    left_alone:
      description: Number of removal candidates that keep an unlisted license. Only if there are any.
      type: int
    locked:
      description:
        - Number of unlisted devices that keep a license because it can never be removed, as far as that is known before
          anything is sent. Only if there are any.
      type: int
      version_added: 0.6.0
    incomplete:
      description:
        - Number of devices that are not as wanted, and are not sent because ThingSpace would refuse the change. Only if
          there are any.
      type: int
      version_added: 0.6.0
    unforeseen:
      description:
        - Number of changing devices for which it is not known whether ThingSpace would refuse the change. Only if there
          are any. With RV(lookup=direct), the number of listed devices. With O(foreseen_refusals=ignore), only the
          removals of O(state=exact) count.
      type: int
      version_added: 0.6.0
    digest:
      description: SHA-256 of the wanted and the current state, for O(approved_plan). V(none) with RV(lookup=direct).
      type: str
    waves:
      description: Number of finished devices after each wave. Only with O(waves).
      type: list
      elements: int
      version_added: 0.4.0
      sample: [10, 250, 5000]
summary:
  description: Number of devices for each outcome. Every outcome is a key.
  returned: when the account could be read
  type: dict
  sample: {assigned: 2, removed: 0, added: 0, unchanged: 5, accepted: 0, failed: 0, unknown: 0, skipped: 0}
devices:
  description: What happened to each device that O(report) includes; up to 1,000 devices unless O(report=all).
  returned: when the account could be read
  type: list
  elements: dict
  contains:
    device_id:
      description: The device id.
      type: str
    outcome:
      description:
        - V(assigned), V(removed), or V(unchanged).
        - V(failed) means that ThingSpace refused. V(unknown) means that there was no reliable answer. V(skipped) means
          that nothing was sent for the device.
      type: str
    reason:
      description: The reason, with ThingSpace's text if there is one; empty for a plain success.
      type: str
  sample:
    - device_id: "990003425730535"
      outcome: assigned
      reason: ""
devices_left_out:
  description: Number of rows left out of RV(devices). Failed and unknown devices are left out last.
  returned: when rows are left out
  type: int
licenses:
  description:
    - The pool of licenses. A number is V(none) if ThingSpace does not return it.
    - It is the pool after the task, predicted in check mode.
    - The task warns if ThingSpace counts other licenses in use than the rows lead to.
  returned: when the account could be read
  type: dict
  contains:
    total: {type: int, description: Purchased licenses.}
    assigned: {type: int, description: Licenses that devices hold.}
    available: {type: int, description: Free licenses.}
  sample: {total: 1000, assigned: 248, available: 752}
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
