# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: device_info
short_description: List the devices of an account
version_added: 0.2.0
description:
  - Returns all devices of a ThingSpace account, or those that match the filters. Filters are combined.
  - The list of devices is complete, or the task fails. A list that contradicts itself is never returned.
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._account
  - thingspace.licensing._connection
  - thingspace.licensing._progress
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.info_module
  - thingspace.licensing._attributes.action_group
options:
  device_id:
    description:
      - Return only the device with this id, if the account has it. Write it in quotes.
    type: str
  kind:
    description:
      - The kind of O(device_id).
    type: str
    choices: [imei, iccid, mdn, msisdn, eid, meid, esn]
    default: imei
  group:
    description:
      - Return only devices in this device group.
    type: str
  state:
    description:
      - Return only devices in this state, for example V(active), V(suspend), V(deactive), or V(pre-active).
    type: str
  service_plan:
    description:
      - Return only devices with this service plan.
    type: str
  custom_fields:
    description:
      - Return only devices whose custom fields have these values.
    type: dict
  created_after:
    description:
      - Return only devices that were added to the account at this time or later.
      - A date (V(2026-01-31)) or a date and time in ISO 8601 (V(2026-01-31T12:00:00Z)). Without a time zone it is UTC.
    type: str
  created_before:
    description:
      - Return only devices that were added to the account at this time or earlier. See O(created_after).
    type: str
  include_personal_data:
    description:
      - Whether RV(devices[].attributes) includes personal data, such as the name and address of the place where a
        device is used (C(PrimaryPlaceOfUse...)).
    type: bool
    default: false
  page_size:
    description:
      - How many devices to request at a time. ThingSpace returns at most 2000.
    type: int
    default: 2000
  report:
    description:
      - Whether RV(devices) lists the devices. V(none) keeps a large account out of the job log. O(devices_report) and
        RV(count) are still complete.
    type: str
    choices: [all, none]
    default: all
  devices_report:
    description:
      - CSV file for the devices, with a column C(imei) and one for each other field except the attributes. You can use
        it as O(thingspace.licensing.fota_license#module:devices_file).
    type: path
seealso:
  - module: thingspace.licensing.fota_license
"""

EXAMPLES = r"""
- name: Read the meters that are in use
  thingspace.licensing.device_info:
    account: "0000123456-00001"
    group: meters
    state: active
  register: fleet

- name: License them
  thingspace.licensing.fota_license:
    account: "0000123456-00001"
    devices: "{{ fleet.devices | map(attribute='imei') }}"

- name: Read the devices of a district that were added since New Year
  thingspace.licensing.device_info:
    account: "0000123456-00001"
    custom_fields:
      CustomField1: north
    created_after: "2026-01-01"
  register: new_devices

- name: Write a large account to a file
  thingspace.licensing.device_info:
    account: "0000123456-00001"
    report: none
    devices_report: fleet.csv

- name: Look at one device
  thingspace.licensing.device_info:
    account: "0000123456-00001"
    device_id: "89148000000800139708"
    kind: iccid
"""

RETURN = r"""
count:
  description: How many devices there are.
  returned: success
  type: int
devices:
  description: The devices; empty with O(report=none).
  returned: success
  type: list
  elements: dict
  contains:
    imei:
      description: The IMEI; V(none) if the device has none, which holds for each of these ids.
      type: str
    iccid:
      description: The ICCID, the number of the SIM.
      type: str
    mdn:
      description: The MDN, a phone number.
      type: str
    msisdn:
      description: The MSISDN, a phone number with its country code.
      type: str
    imsi:
      description: The IMSI, the number of the subscription.
      type: str
    min:
      description: The MIN, the mobile identification number.
      type: str
    eid:
      description: The EID, the number of the eUICC.
      type: str
    meid:
      description: The MEID of a CDMA device.
      type: str
    esn:
      description: The ESN of an old CDMA device.
      type: str
    state:
      description: State, for example V(active).
      type: str
    service_plan:
      description: Service plan.
      type: str
    groups:
      description: Names of its device groups.
      type: list
      elements: str
    custom_fields:
      description: Custom fields and their values.
      type: dict
    created_at:
      description: When it was added to the account, in ThingSpace's format.
      type: str
    connected:
      description: Whether it is connected. V(none) if ThingSpace does not return it.
      type: bool
    last_connected_at:
      description: When it was last connected, in ThingSpace's format.
      type: str
    attributes:
      description: Extended attributes and their values, see O(include_personal_data).
      type: dict
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
  returned: failure
  type: dict
  contains:
    code: {type: str, description: The stable code that playbooks can test.}
    message: {type: str, description: The text of C(msg).}
"""

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.filter import FILTER_SPEC
from ansible_collections.thingspace.licensing.plugins.module_utils._devices.info import run
from ansible_collections.thingspace.licensing.plugins.module_utils._module import run_module
from ansible_collections.thingspace.licensing.plugins.module_utils._options import ACCOUNT_SPEC, PROGRESS_SPEC


def main() -> None:
    """List the devices."""
    options = {
        **ACCOUNT_SPEC,
        **FILTER_SPEC,
        **PROGRESS_SPEC,
        "include_personal_data": {"type": "bool", "default": False},
        "page_size": {"type": "int", "default": 2000},
        "report": {"type": "str", "choices": ["all", "none"], "default": "all"},
        "devices_report": {"type": "path"},
    }
    run_module(run, options)


if __name__ == "__main__":
    main()
