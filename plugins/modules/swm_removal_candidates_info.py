# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: swm_removal_candidates_info
short_description: Read the removal candidates and predict which devices would lose a FOTA license
version_added: 0.3.0
description:
  - Returns the ordered list of devices that lose their Software Management license first when the subscription
    shrinks.
  - With O(shrink_to), it predicts a smaller subscription. It returns the devices that would lose their license, in
    which order and why, and changes nothing.
  - The list is complete, or the task fails.
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._account
  - thingspace.licensing._api_version.candidates
  - thingspace.licensing._connection
  - thingspace.licensing._progress
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.info_module
  - thingspace.licensing._attributes.action_group
options:
  shrink_to:
    description:
      - Planned number of licenses of the subscription. The module then reads every licensed device and returns
        RV(forecast).
    type: int
  report:
    description:
      - Whether the result lists devices. V(none) keeps a large account out of the job log. The counts and
        O(devices_report) are still complete.
    type: str
    choices: [all, none]
    default: all
  devices_report:
    description:
      - CSV file for the list, with the columns C(place) and C(device_id). You can use it as
        O(thingspace.licensing.swm_removal_candidates#module:devices_file).
      - With O(shrink_to), it contains the forecast instead, with the columns C(place), C(device_id), C(reason),
        C(assigned_at), C(certain), and C(upgraded).
    type: path
seealso:
  - module: thingspace.licensing.swm_removal_candidates
"""

EXAMPLES = r"""
- name: Read the list
  thingspace.licensing.swm_removal_candidates_info:
    account: "0000123456-00001"
  register: removal

- name: Predict a subscription of 980 licenses
  thingspace.licensing.swm_removal_candidates_info:
    account: "0000123456-00001"
    shrink_to: 980
    devices_report: eviction.csv
  register: rehearsal

- name: Stop if a device that nobody chose would lose its license
  ansible.builtin.assert:
    that: rehearsal.forecast.beyond_list == 0
"""

RETURN = r"""
candidates:
  description: The device ids on the list, in its order. Empty with O(report=none).
  returned: success
  type: list
  elements: str
  sample: ["990003425730535", "990000473475989"]
candidate_count:
  description: Number of devices on the list.
  returned: success
  type: int
licenses:
  description:
    - The pool of licenses. A number is V(none) if ThingSpace does not return it.
  returned: with O(shrink_to)
  type: dict
  contains:
    total: {type: int, description: Purchased licenses.}
    assigned: {type: int, description: Licenses that devices hold.}
    available: {type: int, description: Free licenses.}
  sample: {total: 1000, assigned: 248, available: 752}
forecast:
  description: The effect of a subscription of O(shrink_to) licenses.
  returned: with O(shrink_to)
  type: dict
  contains:
    shrink_to:
      description: Licenses of the smaller subscription.
      type: int
    assigned:
      description: Licenses held now.
      type: int
    evicted:
      description: Number of devices that would lose their license.
      type: int
    from_list:
      description: How many of them are on the list.
      type: int
    beyond_list:
      description: How many of them are not known to be, and would lose it because they have held it longest.
      type: int
    upgraded:
      description:
        - How many of them are known to have upgraded their firmware. No request can remove their license, but no
          document excepts them from an eviction.
      type: int
      version_added: 0.6.0
    upgraded_unknown:
      description: For how many of them it is not known whether they have upgraded their firmware.
      type: int
      version_added: 0.6.0
    certain:
      description: Whether it is certain for all of them.
      type: bool
    unnamed:
      description:
        - How many of them are not among C(devices), because O(api_version) does not list all licenses of the account.
          Then C(tied) lists the devices that may be among them, and C(without_license) is empty.
      type: int
      version_added: 0.6.0
    devices:
      description: Those that would lose their license, in that order.
      type: list
      elements: dict
      contains:
        place:
          description: When it is the device's turn, from 1.
          type: int
        device_id:
          description: The IMEI.
          type: str
        reason:
          description: V(listed) or V(oldest).
          type: str
        assigned_at:
          description: When the license was assigned, in ThingSpace's format.
          type: str
        certain:
          description:
            - Whether the device certainly loses its license. It is not certain if others got theirs at the same time,
              because ThingSpace does not document which of them loses it first.
          type: bool
        upgraded:
          description:
            - Whether the device has upgraded its firmware, so that no request can remove its license. V(none) if
              ThingSpace does not say, or if reading it takes more pages than the list of licenses has.
          type: bool
          version_added: 0.6.0
    tied:
      description: Devices that may lose their license instead of one that is not certain, up to 1,000.
      type: list
      elements: str
    tied_count:
      description: Number of such devices.
      type: int
    without_license:
      description:
        - Devices on the list that hold no license, so listing them has no effect.
        - The same value is also under C(without_licence), its name until 0.5.0.  # codespell:ignore licence
      type: list
      elements: str
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

from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.info import run
from ansible_collections.thingspace.licensing.plugins.module_utils._module import run_module
from ansible_collections.thingspace.licensing.plugins.module_utils._options import (
    ACCOUNT_SPEC,
    CANDIDATES_VERSION_SPEC,
    PROGRESS_SPEC,
)


def main() -> None:
    """Read the account's removal candidate list."""
    options = {
        **ACCOUNT_SPEC,
        **CANDIDATES_VERSION_SPEC,
        **PROGRESS_SPEC,
        "shrink_to": {"type": "int"},
        "report": {"type": "str", "choices": ["all", "none"], "default": "all"},
        "devices_report": {"type": "path"},
    }
    run_module(run, options)


if __name__ == "__main__":
    main()
