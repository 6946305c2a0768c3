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
    - Number of requests C(sent), including logins and repetitions, of repetitions (C(retried)), and of answers with
      HTTP 429 (C(throttled)). C(throttled_seconds) is the time that all threads together waited for the rate limit.
  returned: when options are valid
  type: dict
  sample: {sent: 12, retried: 1, throttled: 1, throttled_seconds: 2.5}
failure:
  description:
    - Why the task failed. Playbooks can test C(code), which is stable. C(message) is the text of C(msg). For other keys
      see L(error codes,https://github.com/thingspace-licensing/thingspace.licensing/blob/main/docs/errors.md).
  returned: failure
  type: dict
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
