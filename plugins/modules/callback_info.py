# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: callback_info
short_description: Read the listeners for ThingSpace's reports
version_added: 0.2.0
description:
  - Returns the callback listeners of a ThingSpace account that were registered through the API.
  - ThingSpace returns their passwords in clear text. They are masked and not returned.
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._account
  - thingspace.licensing._connection
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.info_module
  - thingspace.licensing._attributes.action_group
options:
  service:
    description:
      - Return only the listener of this service.
    type: str
    choices:
      - CarrierService
      - AlertService
      - DevicePRLInformation
      - DeviceProfileService
      - DeviceService
      - DeviceSuspensionStatus
      - DeviceUsage
      - DiagnosticsService
      - EnhancedConnectivityService
      - ExternalProvisioningChanges
      - NiddService
      - PromoChanges
      - ResumeTrackingNotification
      - SMSDeliveryConfirmation
      - StateService
      - SubscriptionNotificationService
seealso:
  - module: thingspace.licensing.callback
"""

EXAMPLES = r"""
- name: Read the listeners
  thingspace.licensing.callback_info:
    account: "0000123456-00001"
  register: listeners

- name: Stop if the results of SIM-Secure assignments would be lost
  ansible.builtin.assert:
    that: listeners.callbacks | selectattr('service', '==', 'CarrierService') | length == 1
"""

RETURN = r"""
callbacks:
  description: The listeners.
  returned: success
  type: list
  elements: dict
  contains:
    account:
      description: The billing account.
      type: str
    service:
      description: The service whose callbacks the listener receives.
      type: str
    url:
      description: The URL for callbacks.
      type: str
    username:
      description: The user name in callbacks. Empty if there is none.
      type: str
    has_password:
      description: Whether callbacks contain a password.
      type: bool
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

from ansible_collections.thingspace.licensing.plugins.module_utils._callback.info import run
from ansible_collections.thingspace.licensing.plugins.module_utils._callback.options import SERVICES
from ansible_collections.thingspace.licensing.plugins.module_utils._module import run_module
from ansible_collections.thingspace.licensing.plugins.module_utils._options import ACCOUNT_SPEC


def main() -> None:
    """Read the listeners."""
    run_module(run, {**ACCOUNT_SPEC, "service": {"type": "str", "choices": list(SERVICES)}})


if __name__ == "__main__":
    main()
