# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: session
short_description: Log in to and out of ThingSpace explicitly
version_added: 0.1.0
description:
  - Every module of this collection logs in automatically and shares the session with the other tasks and forks of the
    job, so most playbooks do not need this module.
  - Use it to pass the tokens to other tools, to log out at the end of a job, or to clear refused logins.
  - The returned tokens are not masked, because the purpose of the task is to return them. Set C(no_log=true) on it.
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._connection
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.action_group
attributes:
  check_mode:
    support: full
    details:
      - Sends no requests to ThingSpace. It predicts the result from what the tasks of this user share, and with
        O(share_tokens), those of all machines.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  state:
    description:
      - V(present) ensures that there is a session, and returns both tokens.
      - V(absent) ends the session, deletes the tokens, and clears refused logins, so that a correct password is tried
        again. Still, no password is sent more than four times an hour, and none after four logins in a row without a
        success. With O(share_tokens), this is the session of all machines.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: thingspace.licensing.fota_license_info
"""

EXAMPLES = r"""
- name: Log in
  thingspace.licensing.session:
  register: thingspace
  no_log: true

- name: Use the tokens with something else
  ansible.builtin.uri:
    url: https://thingspace.verizon.com/api/m2m/v1/accounts/0000123456-00001
    headers:
      Authorization: "Bearer {{ thingspace.access_token }}"
      VZ-M2M-Token: "{{ thingspace.session_token }}"
  no_log: true

- name: Log out
  thingspace.licensing.session:
    state: absent
"""

RETURN = r"""
access_token:
  description: The OAuth access token; V(none) in check mode.
  returned: O(state=present)
  type: str
session_token:
  description: The session token (C(VZ-M2M-Token)); V(none) in check mode.
  returned: O(state=present)
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

from ansible_collections.thingspace.licensing.plugins.module_utils._module import run_module
from ansible_collections.thingspace.licensing.plugins.module_utils._session import run


def main() -> None:
    """Log in or out."""
    run_module(run, {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}})


if __name__ == "__main__":
    main()
