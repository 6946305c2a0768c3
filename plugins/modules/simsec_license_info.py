# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: simsec_license_info
short_description: Read SIM-Secure for IoT licenses
version_added: 0.2.0
description:
  - Reads how many SIM-Secure licenses of each SKU an account purchased, and how many are assigned. ThingSpace returns
    no more than that.
  - With O(journal), it also returns the status of each device, and whether the journal and the account agree.
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._account
  - thingspace.licensing._connection
  - thingspace.licensing._simsec.journal
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.info_module
  - thingspace.licensing._attributes.action_group
options:
  sku:
    description:
      - Return only this SKU. The default is all SKUs.
    type: str
  journal_only:
    description:
      - Whether to read only the journal and send no requests to ThingSpace. This needs no credentials.
    type: bool
    default: false
  report:
    description:
      - Which devices RV(devices) lists. V(open) means devices whose last change is not confirmed, failed, or unknown.
    type: str
    choices: [open, all, none]
    default: open
  devices_report:
    description:
      - CSV file for the status of every device of the account, whatever O(report) says.
      - You can use it as O(thingspace.licensing.simsec_license#module:devices_file), with C(device_id) as the column.
    type: path
  history_report:
    description:
      - CSV file for every request of every device. It is the journal as text.
    type: path
seealso:
  - module: thingspace.licensing.simsec_license
"""

EXAMPLES = r"""
- name: Count
  thingspace.licensing.simsec_license_info:
    account: "0000123456-00001"
  register: simsec

- name: Stop when fewer than 50 flex licenses are free
  ansible.builtin.assert:
    that: (simsec.subscriptions | selectattr('sku', 'eq', 'SIMSec-IoT') | first).available >= 50

- name: Compare the journal with the account, and export both views of the journal
  thingspace.licensing.simsec_license_info:
    account: "0000123456-00001"
    journal: /var/lib/thingspace/journal.db
    devices_report: standing.csv
    history_report: history.csv
  register: simsec
  failed_when: simsec.drift | default([])
"""

RETURN = r"""
subscriptions:
  description:
    - The licenses of each SKU as the account counts them. A number is V(none) if ThingSpace does not return it.
  returned: when the account was asked
  type: list
  elements: dict
  contains:
    sku:
      description: The SKU.
      type: str
    license_type:
      description: ThingSpace's name of the kind of license.
      type: str
    purchased:
      description: Purchased licenses.
      type: int
    assigned:
      description: Licenses that devices hold.
      type: int
    available:
      description: Free licenses, as ThingSpace counts them.
      type: int
  sample:
    - sku: SIMSec-IoT
      license_type: Flexible
      purchased: 1000
      assigned: 248
      available: 752
journal:
  description: The number of devices in the journal, for each SKU by status.
  returned: with O(journal)
  type: list
  elements: dict
  contains:
    sku:
      description: The SKU.
      type: str
    confirmed:
      description: Devices whose assignment is confirmed.
      type: int
    removed:
      description: Devices whose removal is confirmed.
      type: int
    pending:
      description: Devices whose last change was accepted and is not confirmed yet.
      type: int
    failed:
      description: Devices whose last change failed.
      type: int
    unknown:
      description: Devices whose last change was sent without a reliable answer.
      type: int
journal_status:
  description: Facts about the journal itself.
  returned: with O(journal)
  type: dict
  version_added: 0.6.0
  contains:
    place:
      description: Where it is, without a password.
      type: str
    store:
      description: What it is, V(sqlite) or V(postgresql).
      type: str
    identity:
      description: Its identity, which stays the same when it is moved. Empty if there is no journal yet.
      type: str
    schema:
      description: The version of its tables.
      type: int
    size:
      description: How many bytes it takes up.
      type: int
    oldest_unconfirmed:
      description: When the oldest request of the account was sent that is not confirmed for all its devices, in UTC.
      type: str
    last_run:
      description: When the last task started that sent something for the account, in UTC.
      type: str
drift:
  description:
    - The SKUs for which the account counts more or fewer licenses than the journal can explain. Unconfirmed changes may
      count either way. Empty if both agree.
  returned: with O(journal), unless O(journal_only)
  type: list
  elements: dict
  contains:
    sku:
      description: The SKU.
      type: str
    account:
      description: Assigned licenses as the account counts them.
      type: int
    journal_least:
      description: Assigned licenses that the journal is sure of.
      type: int
    journal_most:
      description: Assigned licenses that the journal can explain.
      type: int
    difference:
      description: By how many they differ.
      type: int
    meaning:
      description: What that means.
      type: str
devices:
  description: The status of each device that O(report) includes; up to 1,000 devices unless O(report=all).
  returned: with O(journal)
  type: list
  elements: dict
  contains:
    sku:
      description: The SKU.
      type: str
    kind:
      description: What the id is, V(imei) or V(iccid).
      type: str
    device_id:
      description: The device id.
      type: str
    state:
      description: V(assigned), V(removed), V(pending), V(failed), or V(unknown).
      type: str
    action:
      description: The last change, V(assign) or V(remove).
      type: str
    reason:
      description: The reason, with ThingSpace's text if there is one.
      type: str
    request_id:
      description: ThingSpace's id of the request.
      type: str
    x_request_id:
      description: The C(X-Request-ID) that was sent.
      type: str
    sent:
      description: When the request was sent, in UTC.
      type: str
    confirmed:
      description: When ThingSpace reported on the device, in UTC.
      type: str
    held:
      description:
        - Whether the device holds the license according to the confirmations, V(yes), V(no), or V(unknown) while a
          change is not confirmed.
      type: str
      version_added: 0.4.0
devices_left_out:
  description: Number of rows left out of RV(devices). Failed and unknown devices are left out last.
  returned: when rows are left out
  type: int
requests:
  description:
    - The requests of the task.
  returned: when the account was asked
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
    code: journal_damaged
    message: "The journal journal.db is damaged ..."
"""

from ansible_collections.thingspace.licensing.plugins.module_utils._module import run_module
from ansible_collections.thingspace.licensing.plugins.module_utils._options import ACCOUNT_SPEC, JOURNAL_SPEC
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.info import run


def main() -> None:
    """Read the SIM-Secure licenses of an account."""
    options = {
        **ACCOUNT_SPEC,
        **JOURNAL_SPEC,
        "sku": {"type": "str"},
        "journal_only": {"type": "bool", "default": False},
        "report": {"type": "str", "choices": ["open", "all", "none"], "default": "open"},
        "devices_report": {"type": "path"},
        "history_report": {"type": "path"},
    }
    run_module(run, options)


if __name__ == "__main__":
    main()
