# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: simsec_license
short_description: Assign and unassign SIM-Secure for IoT licenses
version_added: 0.2.0
description:
  - Asks ThingSpace to assign SIM-Secure for IoT licenses to SIMs, or to take them away. ThingSpace answers only that it
    accepted the request; the result comes later, for each device, as a callback.
  - No call tells which SIM holds a license. With O(journal) every request is written down before it is sent, and so is
    every confirmation that a receiver hears. That makes the module idempotent and its check mode truthful, and a run
    that was killed is continued.
  - Lifetime licenses can never be taken back. They are only assigned to as many devices as O(lifetime_consent) says,
    and what may have been sent is never sent again unless O(retry_unknown) says so. They need a O(journal) that knows
    of as many of them as the account counts.
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._account
  - thingspace.licensing._connection
  - thingspace.licensing._progress
  - thingspace.licensing._devices
  - thingspace.licensing._guards
  - thingspace.licensing._guards.reserve
  - thingspace.licensing._guards.waves
  - thingspace.licensing._simsec
  - thingspace.licensing._simsec.journal
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.action_group
attributes:
  check_mode:
    support: full
    details:
      - Reads the journal and the account's counts and returns the rows of a run in which ThingSpace refuses nothing.
        The journal is not changed, nor made if it is missing.
  diff_mode:
    support: full
    details:
      - Lists the devices that would get or lose the license, up to 500.
  idempotent:
    support: partial
    details:
      - With O(journal). Without it every named device is sent each time, because ThingSpace cannot be asked.
options:
  sku:
    description:
      - The SKU of the license. Documented are V(SIMSec-IoT-Lt) (lifetime, can never be taken back), V(SIMSec-IoT)
        (flex), V(TS-BUNDLE-KTO-SIMSEC-MRC) (flex bundle) and V(TSS-IOT-INTLG-TIERED-SIMSEC) (tiered, Intelligence
        bundle).
      - Any other is sent as it is, with a warning.
      - If its name or the account's license type has the word lifetime, permanent or perpetual, it is treated as a
        lifetime SKU, also a documented one.
      - In doubt, assigning it needs O(lifetime_consent) and O(journal), too. It is in doubt if the account's license
        type has no word like flexible, bundle, monthly, subscription or tiered, or none at all for a SKU that is not
        documented.
    type: str
    required: true
  state:
    description:
      - V(present) assigns the license to the named devices, V(absent) takes it away from them.
      - V(absent) is refused for a lifetime SKU.
    type: str
    choices: [present, absent]
    default: present
  replaced_by:
    description:
      - With O(state=absent), the licenses that devices get instead of this one. A device loses this one only if the
        journal says, right before the request is sent, that ThingSpace has confirmed its other one. Otherwise it is
        V(skipped), with that reason, and the task does not fail because of it.
      - A confirmed license counts until something else was asked for, such as its removal, whatever came of that.
      - Nothing counts as confirmed of a SKU of which the account counts fewer licenses than the journal.
      - A device for which several entries name a license needs one of them. One for which no entry does loses this
        license like without this option, but for the case of another O(replaced_by[].kind).
      - Needs O(journal).
    type: list
    elements: dict
    version_added: 0.6.0
    suboptions:
      sku:
        description:
          - The SKU of the other license. If it is that of the task, the devices keep it.
        type: str
        required: true
      kind:
        description:
          - By which ids the other license was assigned. If not given, by those of the task.
          - Nobody knows which ids of two kinds belong to one SIM. Named by another kind, all devices of the entry must
            be confirmed before a device of the task that no entry names loses its license.
        type: str
        choices: [imei, iccid]
      devices_file:
        description:
          - The devices that get the other license, in a file as for O(devices_file). If not given, all of the task.
        type: path
      count:
        description:
          - How many devices the file must name. Otherwise the task fails before anything is sent.
        type: int
      digest:
        description:
          - The devices that the file must name, as the SHA-256 of their ids in ascending order with a line feed between
            two of them. Otherwise the task fails before anything is sent. The modules that make such entries set it.
        type: str
  lifetime_consent:
    description:
      - How many devices may be bound for life by this task. Needed for a lifetime SKU; if the plan would bind more, the
        task fails before anything is sent and says how many and which.
    type: int
  lifetime_elsewhere:
    description:
      - How many licenses of a lifetime SKU are known to be assigned that the journal does not know of, for instance in
        ThingSpace's portal. None of their devices may be among those of this task, for they would be bound once more.
      - If the account counts more than the journal and this number together, the task fails with V(journal_behind)
        before anything is sent. The journal may be an older copy.
      - Licenses that the journal knows by the other O(kind) of id count as not known, for they may be on the same SIMs.
        If there are more of them than this number, the task fails in the same way.
    type: int
    version_added: 0.6.0
  lifetime_without_journal:
    description:
      - Whether to assign a lifetime SKU without O(journal). The next run would bind the same devices once more.
      - Without it such a task fails before anything is sent.
    type: bool
    default: false
    version_added: 0.6.0
  retry_unknown:
    description:
      - Whether to send again what was sent without a trustworthy answer, and what was accepted more than an hour ago
        and never confirmed.
      - Without it, a request that was lost is sent again only if the SKU is not a lifetime one and the account's count
        of assigned licenses shows that the request had no effect.
    type: bool
    default: false
  retry_failed:
    description:
      - Whether to send again the devices for which ThingSpace reported a failure.
      - Without it they are reported with that failure and left alone, so a second run changes nothing.
    type: bool
    default: false
  check_eligibility:
    description:
      - Whether to look the devices up before assigning, and refuse the plan if one of them is not active or not a
        device of the account.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until every device is confirmed. Needs O(journal), to which a receiver writes the confirmations
        (see the guide about callbacks).
      - For a single device that was sent in a request of its own, the status of that is asked for as well, if
        ThingSpace answers that; then no journal is needed.
      - Fails before anything is sent if nobody listens, see O(require_listener).
      - With C(ansible-playbook) the progress is shown while waiting, if the journal can be read on the controller.
    type: bool
    default: false
  wait_timeout:
    description:
      - How many seconds to wait. What is not confirmed then is listed and the task fails; nothing is sent again by the
        next run, which only looks what became of it.
      - What was accepted more than an hour ago is not waited for, but listed at once.
      - With O(waves) it is for all waves together. What one does not need is left for the next.
      - O(deadline) bounds the requests, not the waiting.
    type: float
    default: 600
  require_listener:
    description:
      - Before anything is sent or waited for, the module looks whether a listener of C(CarrierService) is registered
        for the account, by one request. ThingSpace reports what becomes of each device only to that.
      - V(true) fails with V(no_listener) if there is none or if it cannot be found out, V(false) only warns then. Use
        V(false) if somebody listens whom ThingSpace does not list, as listeners that were registered by other means.
      - If not given, it is V(true) with O(wait), and for a lifetime SKU that would be assigned; else V(false).
    type: bool
    version_added: 0.6.0
  settle_time:
    description:
      - How many seconds old a request without a trustworthy answer must be before the account's count of assigned
        licenses is taken as proof of what became of it. The task waits for that, up to a minute; otherwise the devices
        stay V(unknown) for now.
      - If not given, it is three times as long as ThingSpace lately took to report on a device, between 5 and 900
        seconds, or 30 seconds if it never did. Set it higher if nothing is received and ThingSpace is known to be slow.
    type: float
  request_id:
    description:
      - The C(X-Request-ID) of the request, a digit, a hyphen and 3 to 30 digits. If the plan needs several requests,
        each gets a number of four digits behind it, and so do the parts of one that has to be divided.
      - If not given, each request gets a random one. The journal keeps them.
    type: str
  batch_size:
    description:
      - Devices in one request, up to 100.
    type: int
    default: 100
seealso:
  - module: thingspace.licensing.simsec_license_info
  - module: thingspace.licensing.callback
  - module: thingspace.licensing.device_info
"""

EXAMPLES = r"""
- name: Assign flex licenses and wait until ThingSpace confirmed them
  thingspace.licensing.simsec_license:
    account: "0000123456-00001"
    sku: SIMSec-IoT
    devices_file: fleet/meters.csv
    journal: /var/lib/thingspace/journal.db
    wait: true
    wait_timeout: 1800

- name: Assign to one device in a hundred first, and to the others when ThingSpace has confirmed all of these
  thingspace.licensing.simsec_license:
    account: "0000123456-00001"
    sku: SIMSec-IoT
    devices_file: fleet/meters.csv
    journal: /var/lib/thingspace/journal.db
    wait: true
    waves: [1%]

- name: Bind three SIMs for life
  thingspace.licensing.simsec_license:
    account: "0000123456-00001"
    sku: SIMSec-IoT-Lt
    kind: iccid
    devices:
      - "89148000000800139708"
      - "89148000000800139716"
      - "89148000000800139724"
    lifetime_consent: 3
    journal: /var/lib/thingspace/journal.db

- name: Take flex licenses away from devices that left the fleet
  thingspace.licensing.simsec_license:
    account: "0000123456-00001"
    sku: SIMSec-IoT
    devices: "{{ retired_imeis }}"
    state: absent
    max_removals: 20
    journal: /var/lib/thingspace/journal.db

- name: Take it away from devices that have got the bundle, as soon as that is confirmed
  thingspace.licensing.simsec_license:
    account: "0000123456-00001"
    sku: SIMSec-IoT
    devices_file: fleet/moving.csv
    state: absent
    replaced_by:
      - sku: TS-BUNDLE-KTO-SIMSEC-MRC
    journal: /var/lib/thingspace/journal.db
"""

RETURN = r"""
lookup:
  description: How the current state was found out, V(journal), or V(direct) without a journal.
  returned: when the account could be read
  type: str
  sample: journal
lifetime:
  description:
    - Whether the license stays with its device for life, by the name of the SKU or by what the account says of it.
  returned: when the account could be read
  type: bool
  version_added: 0.4.0
plan:
  description: What was to be done.
  returned: when the account could be read
  type: dict
  contains:
    state:
      description: The wanted state.
      type: str
    assign:
      description: Number of devices to be sent for assignment.
      type: int
    remove:
      description: Number of devices to be sent for removal.
      type: int
    unchanged:
      description: Number of named devices that are as wanted, according to the journal.
      type: int
    digest:
      description: SHA-256 over the wanted and the known state, for O(approved_plan).
      type: str
    missing:
      description:
        - How many licenses of the SKU the journal knows as confirmed and the account does not count any more. Which
          devices lost them is not known. Only if there are any.
      type: int
      version_added: 0.6.0
    incomplete:
      description:
        - Number of named devices that are not as wanted and that are not sent - their request failed, is not
          confirmed, or is one of which nobody knows what came of it. Only if there are any.
      type: int
      version_added: 0.6.0
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
    assigned: 0
    removed: 0
    added: 0
    unchanged: 0
    accepted: 250
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
        - V(accepted) means that ThingSpace accepted the request and nothing more is known yet; V(assigned) and
          V(removed) that it confirmed the change; V(unchanged) that it had done so before.
        - V(failed) means that ThingSpace refused or reported a failure, V(unknown) that the device was sent and no
          trustworthy answer could be had, V(skipped) that nothing was sent for it.
      type: str
    reason:
      description: Why, in ThingSpace's words where it said something; empty for a plain success.
      type: str
    request_id:
      description: ThingSpace's id of the request; empty where there is none.
      type: str
  sample:
    - device_id: "990003425730535"
      outcome: accepted
      reason: ""
      request_id: c3f3d17c-79ff-4b35-82df-94446785b6e0
devices_left_out:
  description: How many rows are left out of RV(devices). Those that failed or are unknown are left out last.
  returned: when rows are left out
  type: int
licenses:
  description:
    - The pool of the SKU after the run. Read after waiting; else computed as if everything accepted succeeds.
    - A number is V(none) where ThingSpace does not say.
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
    planned:
      description: Number of devices that the plan would bind for life.
      type: int
    consented:
      description: The number in O(lifetime_consent).
      type: int
    counted:
      description: Number of licenses of the lifetime SKU that the account counts as assigned.
      type: int
      version_added: 0.6.0
    known:
      description: Number of devices that may hold one of them according to the journal.
      type: int
      version_added: 0.6.0
    devices:
      description: The devices that the failure is about, up to 1,000.
      type: raw
    pending:
      description: Devices that were not confirmed in time, up to 1,000.
      type: list
      elements: str
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
    code: lifetime_consent
    message: "SIMSec-IoT-Lt is a lifetime license, which can never be taken back. ..."
"""

from ansible_collections.thingspace.licensing.plugins.module_utils._module import run_module
from ansible_collections.thingspace.licensing.plugins.module_utils._options import (
    SIMSEC_LICENSE_SPEC,
    WAVES_CONSTRAINTS,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.converge import run


def main() -> None:
    """Converge the SIM-Secure licenses of devices."""
    run_module(run, SIMSEC_LICENSE_SPEC, **WAVES_CONSTRAINTS)


if __name__ == "__main__":
    main()
