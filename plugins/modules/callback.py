# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: callback
short_description: Register the listener for ThingSpace's reports
version_added: 0.2.0
description:
  - Registers, replaces, or removes the callback listener of a service. Each service of an account has one listener.
  - ThingSpace reports the results of SIM-Secure assignments only to the listener of C(CarrierService). Without a
    listener, they are lost.
  - The module reads the registered listeners first. If the listener is as wanted, it sends nothing.
  - ThingSpace returns the passwords of all listeners in clear text. They are compared in memory and masked. No result,
    diff, or message contains one.
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._account
  - thingspace.licensing._connection
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.action_group
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - For a password, the diff only shows whether there is one and whether it changes.
  idempotent:
    support: full
options:
  service:
    description:
      - The service whose callbacks the listener receives.
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
    default: CarrierService
  url:
    description:
      - The URL to which ThingSpace sends callbacks. Required for O(state=present).
      - It starts with C(https://), and its port is 80, 443, 9001-9006, 50551-50559, or 28200-28220. Plain C(http) and
        other ports are accepted only on the local machine, where the simulator runs.
      - ThingSpace does not accept a self-signed certificate there.
    type: str
  callback_username:
    description:
      - User name that ThingSpace sends in every callback, so that the listener can recognize ThingSpace. Up to 40
        characters.
      - It must not be the O(username) of the API, because it is sent in clear text.
      - By default, a registered user name is kept. An empty string removes it.
    type: str
  callback_password:
    description:
      - Password that ThingSpace sends with O(callback_username). Up to 40 characters.
      - By default, a registered password is kept. An empty string removes it.
    type: str
  update_password:
    description:
      - V(always) replaces a registered password that differs from O(callback_password).
      - V(on_create) uses O(callback_password) only for a new listener. An existing listener keeps its password, even if
        its O(url) changes.
    type: str
    choices: [always, on_create]
    default: always
  state:
    description:
      - V(present) ensures that the listener is registered with these values. V(absent) ensures that the service has
        none.
    type: str
    choices: [present, absent]
    default: present
notes:
  - After a change, ThingSpace may continue to send callbacks with the previous password for some minutes.
seealso:
  - module: thingspace.licensing.callback_info
"""

EXAMPLES = r"""
- name: Receive the results of SIM-Secure assignments
  thingspace.licensing.callback:
    account: "0000123456-00001"
    url: https://callbacks.example.com/callback
    callback_username: thingspace-to-us
    callback_password: "{{ vault_callback_password }}"

- name: Stop receiving them
  thingspace.licensing.callback:
    account: "0000123456-00001"
    state: absent
"""

RETURN = r"""
callback:
  description: The listener after the task, without its password.
  returned: if it is known
  type: dict
  contains:
    account:
      description: The billing account.
      type: str
    service:
      description: The service.
      type: str
    url:
      description: The URL for callbacks. V(none) if there is no listener.
      type: str
    username:
      description: The user name in callbacks. Empty if there is no user name, V(none) if there is no listener.
      type: str
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

from ansible_collections.thingspace.licensing.plugins.module_utils._callback.converge import run
from ansible_collections.thingspace.licensing.plugins.module_utils._callback.options import LISTENER_SPEC
from ansible_collections.thingspace.licensing.plugins.module_utils._module import run_module
from ansible_collections.thingspace.licensing.plugins.module_utils._options import ACCOUNT_SPEC


def main() -> None:
    """Register or remove a listener."""
    run_module(run, {**ACCOUNT_SPEC, **LISTENER_SPEC})


if __name__ == "__main__":
    main()
