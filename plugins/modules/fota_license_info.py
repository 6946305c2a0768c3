# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fota_license_info
short_description: Read Software Management (FOTA) licenses
version_added: 0.1.0
description:
  - Returns the license pool and the subscription of a ThingSpace account, and the devices that hold a license.
  - The list of devices is complete, or the task fails. A list that contradicts itself is never returned.
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._account
  - thingspace.licensing._api_version
  - thingspace.licensing._connection
  - thingspace.licensing._progress
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.info_module
  - thingspace.licensing._attributes.action_group
options:
  pool_only:
    description:
      - Whether to read only the subscription and its pool, in one request, and no devices.
    type: bool
    default: false
  details:
    description:
      - Whether to read for each licensed device, too, if FOTA serves it, when its firmware was last upgraded, and its
        protocol. A license can never be removed after an upgrade.
      - That takes one request for 1,000 devices of the account, licensed or not. A long list is read in pieces, side by
        side, as O(max_concurrency) allows.
    type: bool
    default: false
    version_added: 0.6.0
  report:
    description:
      - Whether RV(devices) lists the devices. V(none) keeps a large account out of the job log. O(devices_report) and
        RV(licenses) are still complete.
    type: str
    choices: [all, none]
    default: all
  devices_report:
    description:
      - CSV file for the licensed devices, with the columns C(device_id) and C(assigned_at), and with O(details) also
        C(eligible), C(upgraded_at), C(removable), and C(protocol). You can use it as
        O(thingspace.licensing.fota_license#module:devices_file).
    type: path
seealso:
  - module: thingspace.licensing.fota_license
"""

EXAMPLES = r"""
- name: Read everything
  thingspace.licensing.fota_license_info:
    account: "0000123456-00001"
  register: fota

- name: Stop when fewer than 50 licenses are free
  ansible.builtin.assert:
    that: fota.licenses.available >= 50

- name: Write the licensed devices of a large account to a file
  thingspace.licensing.fota_license_info:
    account: "0000123456-00001"
    report: none
    devices_report: licensed.csv
"""

RETURN = r"""
licenses:
  description:
    - The pool of licenses. A number is V(none) if ThingSpace does not return it.
  returned: success
  type: dict
  contains:
    total: {type: int, description: Purchased licenses.}
    assigned: {type: int, description: Licenses that devices hold.}
    available: {type: int, description: Free licenses.}
  sample: {total: 1000, assigned: 248, available: 752}
subscription:
  description: The account's subscription, as ThingSpace returns it.
  returned: success
  type: dict
  contains:
    purchase_type:
      description: C(TS-HFOTA-MRC) (monthly), C(TS-HFOTA-EVNT) (event-based), or both with a comma.
      type: str
    license_count:
      description: Purchased licenses; 0 for event-based accounts.
      type: int
    license_used_count:
      description: Licenses in use.
      type: int
    update_time:
      description: When it last changed, in ThingSpace's format.
      type: str
devices:
  description:
    - The devices that hold a license, as far as O(api_version) lists them. Empty with O(pool_only) or O(report=none).
    - If the subscription counts more licenses in use than are listed, the task warns.
  returned: success
  type: list
  elements: dict
  contains:
    device_id:
      description: The IMEI.
      type: str
    assigned_at:
      description: When the license was assigned, in ThingSpace's format.
      type: str
    eligible:
      description: Whether FOTA serves the device. V(none) if ThingSpace does not say. With O(details).
      type: bool
      version_added: 0.6.0
    upgraded_at:
      description:
        - When the firmware was last upgraded, in ThingSpace's format; empty if it never was. V(none) if ThingSpace does
          not say. With O(details).
      type: str
      version_added: 0.6.0
    removable:
      description:
        - Whether the license can be removed, which is so if the firmware was never upgraded. V(none) if ThingSpace does
          not say. With O(details).
      type: bool
      version_added: 0.6.0
    protocol:
      description: The protocol, as ThingSpace spells it. V(none) if ThingSpace does not say. With O(details).
      type: str
      version_added: 0.6.0
reclaimable:
  description: Numbers of licenses that can be removed, or never can be. Also with O(report=none).
  returned: with O(details)
  type: dict
  version_added: 0.6.0
  contains:
    removable: {type: int, description: Licenses that can be removed.}
    locked: {type: int, description: "Licenses that can never be removed, because the firmware was upgraded."}
    unknown: {type: int, description: Licenses of which ThingSpace does not say that.}
  sample: {removable: 240, locked: 8, unknown: 0}
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

from ansible_collections.thingspace.licensing.plugins.module_utils._fota.info import run
from ansible_collections.thingspace.licensing.plugins.module_utils._module import run_module
from ansible_collections.thingspace.licensing.plugins.module_utils._options import (
    ACCOUNT_SPEC,
    FOTA_VERSION_SPEC,
    PROGRESS_SPEC,
)


def main() -> None:
    """Read the account's FOTA licenses."""
    options = {
        **ACCOUNT_SPEC,
        **FOTA_VERSION_SPEC,
        **PROGRESS_SPEC,
        "pool_only": {"type": "bool", "default": False},
        "details": {"type": "bool", "default": False},
        "report": {"type": "str", "choices": ["all", "none"], "default": "all"},
        "devices_report": {"type": "path"},
    }
    run_module(run, options)


if __name__ == "__main__":
    main()
