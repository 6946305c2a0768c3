# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: simsec_license
short_description: Assign and unassign SIM-Secure for IoT licenses
version_added: 0.2.0
description:
  - Asks ThingSpace to assign SIM-Secure for IoT licenses to SIMs, or to remove them. ThingSpace only answers that it
    accepted the request. The result for each device comes later, in a callback.
  - No call shows which SIM holds a license. With O(journal), every request is recorded before it is sent, and so is
    every confirmation that a receiver gets. That makes the module idempotent and its check mode accurate, and a killed
    run continues.
  - Without a receiver, the account's count of assigned licenses confirms requests if it has changed by exactly as much
    as all of them together can change it. The reason of such a device is C(confirmed by count). It is wrong if somebody
    else changed the same SKU of the account by the number of devices that failed. A later report overrides it.
  - Lifetime licenses can never be removed. They are assigned to at most as many devices as O(lifetime_consent) says,
    and a request that may have been sent is never sent again unless O(retry_unknown) is set. They need a O(journal)
    that knows at least as many of them as the account counts.
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
      - Reads the journal and the account's counts, and returns the rows of a run in which ThingSpace refuses nothing.
        The journal is not changed, and not created if it is missing.
  diff_mode:
    support: full
    details:
      - Lists the devices that would get or lose the license, up to 500.
  idempotent:
    support: partial
    details:
      - With O(journal). Without it, every listed device is sent each time, because ThingSpace does not show its state.
options:
  sku:
    description:
      - The SKU of the license. The documented SKUs are V(SIMSec-IoT-Lt) (lifetime, can never be removed), V(SIMSec-IoT)
        (flex), V(TS-BUNDLE-KTO-SIMSEC-MRC) (flex bundle), and V(TSS-IOT-INTLG-TIERED-SIMSEC) (tiered, Intelligence
        bundle).
      - Any other SKU is sent unchanged, with a warning.
      - If its name or the account's license type contains the word lifetime, permanent, or perpetual, even a documented
        SKU is treated as a lifetime SKU.
      - If it is unclear whether it is a lifetime SKU, assigning it also needs O(lifetime_consent) and O(journal). That
        is the case if the account's license type has no word such as flexible, bundle, monthly, subscription, or
        tiered, or if an undocumented SKU has no license type.
    type: str
    required: true
  state:
    description:
      - V(present) assigns the license to the listed devices. V(absent) removes it from them.
      - V(absent) is refused for a lifetime SKU.
    type: str
    choices: [present, absent]
    default: present
  replaced_by:
    description:
      - With O(state=absent), the licenses that replace this one. A device loses this license only if the journal says,
        right before the request is sent, that ThingSpace has confirmed the other one. Otherwise it is V(skipped) with
        that reason, and the task does not fail because of it.
      - A confirmed license counts until another change of it is requested, such as its removal, whatever the result.
      - If the account's count confirmed it, it counts only if the run that assigned it waited and watched the count,
        the journal knew every license of that SKU before, and nothing else in the account changed meanwhile.
      - If the account counts fewer licenses of a SKU than the journal, no license of that SKU counts as confirmed.
      - A device that several entries list needs one of these licenses. A device that no entry lists loses this license
        as it would without this option, except with another O(replaced_by[].kind).
      - Needs O(journal).
    type: list
    elements: dict
    version_added: 0.6.0
    suboptions:
      sku:
        description:
          - The SKU of the other license. If it is the SKU of the task, the devices keep it.
        type: str
        required: true
      kind:
        description:
          - The kind of ids with which the other license was assigned. The default is the kind of the task.
          - It is unknown which ids of two kinds belong to one SIM. With another kind, all devices of the entry must be
            confirmed before a device of the task that no entry lists loses its license.
        type: str
        choices: [imei, iccid]
      devices_file:
        description:
          - The devices that get the other license, in a file as for O(devices_file). The default is all devices of the
            task.
        type: path
      count:
        description:
          - The number of devices that the file must list. Otherwise the task fails before anything is sent.
        type: int
      digest:
        description:
          - The devices that the file must list, as the SHA-256 of their ids in ascending order, separated by line
            feeds. Otherwise the task fails before anything is sent. The modules that create such entries set it.
        type: str
  lifetime_consent:
    description:
      - How many devices may get a lifetime license in this task. Required for a lifetime SKU. If the plan has more, the
        task fails before anything is sent, and says how many and which.
    type: int
  lifetime_elsewhere:
    description:
      - How many licenses of a lifetime SKU are known to be assigned outside the journal, for example in ThingSpace's
        portal. None of their devices may be in this task, because they would get the license again.
      - If the account counts more than the journal and this number together, the task fails with V(journal_behind)
        before anything is sent. The journal may be an older copy.
      - Licenses that the journal knows by the other O(kind) of id count as unknown, because they may be on the same
        SIMs. If there are more of them than this number, the task fails in the same way.
    type: int
    version_added: 0.6.0
  lifetime_without_journal:
    description:
      - Whether to assign a lifetime SKU without O(journal). The next run would assign it to the same devices again.
      - Without this option, such a task fails before anything is sent. In a job of AWX, so does one whose O(journal) is
        a file in the container, which ends with the job.
    type: bool
    default: false
    version_added: 0.6.0
  journal_new:
    description:
      - Whether it is meant that O(journal) knows nothing of the account although that counts lifetime licenses.
      - Without this option or O(lifetime_elsewhere), such a task fails with V(journal_behind) before anything is sent,
        because the journal may not be the one that was used before.
    type: bool
    default: false
    version_added: 0.6.0
  retry_unknown:
    description:
      - Whether to send requests again that had no reliable answer, or that were accepted more than an hour ago and
        never confirmed.
      - If reports under an unknown request id call some devices done, and the account's count of assigned licenses
        leaves that possible, the other devices are sent again first.
      - Without this option, a lost request is sent again only if the SKU is not a lifetime SKU and the account's count
        of assigned licenses shows that the request had no effect.
    type: bool
    default: false
  retry_failed:
    description:
      - Whether to send again the devices for which ThingSpace reported a failure.
      - Without this option, they are reported with that failure and left alone, so a second run changes nothing.
    type: bool
    default: false
  check_eligibility:
    description:
      - Whether to look up the devices before assigning, and refuse the plan if one of them is not active or not in the
        account.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until every device is confirmed. Needs O(journal), to which a receiver writes the confirmations
        (see the guide about callbacks).
      - If no listener is registered, the module says so, and reads the account's counts meanwhile with growing pauses,
        up to a minute. They confirm the devices all together, or none of them. See O(settle_time).
      - For a single device in a request of its own, the module also asks for the status of the request. If ThingSpace
        answers that, no journal is needed. Otherwise the task without a journal ends at once. ThingSpace documents the
        status for other requests only. So if the account's count contradicts it, it is not believed.
      - Fails before anything is sent if neither a listener nor a count can show the results, see O(require_listener).
      - C(ansible-playbook) shows the progress while waiting, if the journal can be read on the controller.
    type: bool
    default: false
  wait_timeout:
    description:
      - How many seconds to wait. Devices that are not confirmed by then are listed, and the task fails. The next run
        with the same O(journal) sends nothing again and only checks the results.
      - The module does not wait for requests that were accepted more than an hour ago. It lists them at once.
      - With O(waves), this covers all waves together. Time that one wave does not need is left for the next.
      - O(deadline) limits the requests, not the waiting.
    type: float
    default: 600
  require_listener:
    description:
      - Before the module sends or waits for anything, it sends one request to check whether a listener for
        C(CarrierService) is registered for the account. ThingSpace reports results only to that listener.
      - V(true) fails with V(no_listener) if there is no listener or if that cannot be determined. V(false) only warns.
        Use V(false) for a listener that ThingSpace does not list, for example because it was registered by other means.
      - The default is V(true) for a lifetime SKU that would be assigned, and with O(wait) if there is no O(journal) or
        if the account does not show how many licenses are assigned. Otherwise it is V(false).
    type: bool
    version_added: 0.6.0
  settle_time:
    description:
      - How many seconds must pass after a request before the account's count of assigned licenses proves its result.
      - After a request without a reliable answer, the task waits up to a minute for that. Otherwise the devices stay
        V(unknown) for now.
      - A task that waits without a listener lasts at least that long.
      - The default is three times as long as ThingSpace recently took to report on a device, between 15 and 900
        seconds, or 30 seconds if it never reported. Set it higher if you have no receiver and ThingSpace is slow.
    type: float
  request_id:
    description:
      - The C(X-Request-ID) of the request, which is a digit, a hyphen, and 3 to 30 digits. If the plan needs several
        requests, a four-digit number is appended for each, and also for each part of a request that has to be divided.
      - By default, each request gets a random id. The journal stores them.
    type: str
  batch_size:
    description:
      - Maximum number of devices in one request, up to 100.
    type: int
    default: 100
seealso:
  - module: thingspace.licensing.simsec_license_info
  - module: thingspace.licensing.callback
  - module: thingspace.licensing.device_info
"""

EXAMPLES = r"""
- name: Assign flex licenses and wait until ThingSpace has confirmed them
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

- name: Remove flex licenses from devices that left the fleet
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
  description: How the current state was determined, V(journal), or V(direct) without a journal.
  returned: when the account could be read
  type: str
  sample: journal
lifetime:
  description:
    - Whether this is a lifetime license, according to the name of the SKU or to the account.
  returned: when the account could be read
  type: bool
  version_added: 0.4.0
plan:
  description: The plan.
  returned: when the account could be read
  type: dict
  contains:
    state:
      description: The wanted state.
      type: str
    assign:
      description: Number of devices to send for assignment.
      type: int
    remove:
      description: Number of devices to send for removal.
      type: int
    unchanged:
      description: Number of listed devices that are in the wanted state, according to the journal.
      type: int
    digest:
      description: SHA-256 of the wanted and the known state, for O(approved_plan).
      type: str
    missing:
      description:
        - Number of confirmed licenses of the SKU in the journal that the account no longer counts. It is unknown which
          devices lost them. Only if there are any.
      type: int
      version_added: 0.6.0
    incomplete:
      description:
        - Number of listed devices that are not in the wanted state and are not sent. Their request failed, is not
          confirmed, or has an unknown result. Only if there are any.
      type: int
      version_added: 0.6.0
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
  sample: {assigned: 0, removed: 0, added: 0, unchanged: 0, accepted: 250, failed: 0, unknown: 0, skipped: 0}
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
        - V(accepted) means that ThingSpace accepted the request and nothing more is known yet. V(assigned) and
          V(removed) mean that the change is confirmed. V(unchanged) means that it was confirmed earlier.
        - V(failed) means that ThingSpace refused or reported a failure. V(unknown) means that the device was sent
          without a reliable answer. V(skipped) means that nothing was sent for it.
      type: str
    reason:
      description:
        - The reason, with ThingSpace's text if there is one; empty for a success that ThingSpace reported.
        - It is C(confirmed by count) if the account's count confirmed the change.
      type: str
    request_id:
      description: ThingSpace's id of the request; empty if there is none.
      type: str
  sample:
    - device_id: "990003425730535"
      outcome: accepted
      reason: ""
      request_id: c3f3d17c-79ff-4b35-82df-94446785b6e0
devices_left_out:
  description: Number of rows left out of RV(devices). Failed and unknown devices are left out last.
  returned: when rows are left out
  type: int
licenses:
  description:
    - The pool of licenses. A number is V(none) if ThingSpace does not return it.
    - It is the pool of the SKU after the task. It is read after waiting. Otherwise it is computed as if
      everything accepted succeeds.
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
    code: lifetime_consent
    message: "SIMSec-IoT-Lt is a lifetime license, which can never be removed. ..."
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
