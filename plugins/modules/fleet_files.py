# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_files
short_description: Check fleet files and create device lists from them
version_added: 0.3.0
description:
  - Reads the fleet files of a repository, which state which device of which account holds which license, and checks
    them as a whole. All problems are reported together, with file and line.
  - Without O(dest), it only checks. With O(dest), it writes the device lists for each account and license. The license
    modules take them as C(devices_file).
  - Requests only the devices of a C(select) from ThingSpace. Without one, it needs no credentials. It never changes
    anything in ThingSpace.
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._connection
  - thingspace.licensing._progress
  - thingspace.licensing._simsec.journal
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.info_module
  - thingspace.licensing._attributes.action_group
options:
  src:
    description:
      - Fleet files, or directories of such files (C(*.yml), C(*.yaml)).
    type: list
    elements: path
    required: true
  accounts:
    description:
      - Return only these accounts. Everything is still checked.
    type: list
    elements: str
  offline:
    description:
      - Whether to send no requests to ThingSpace. Devices of a C(select) are then left out.
      - With O(dest), it writes the lists of all accounts without a C(select), which is possible since 0.4.0. For the
        other accounts, and those whose lists cannot be created, RV(accounts[].lists) is V(none). A task for only such
        an account creates them, or says why it cannot.
    type: bool
    default: false
  dest:
    description:
      - Directory for the lists, which are written to a subdirectory for each account. It must exist.
    type: path
seealso:
  - module: thingspace.licensing.fota_license
  - module: thingspace.licensing.simsec_license
  - module: thingspace.licensing.swm_removal_candidates
"""

EXAMPLES = r"""
- name: Check the fleet files of a pull request
  thingspace.licensing.fleet_files:
    src: fleet

- name: Create the lists of one account
  thingspace.licensing.fleet_files:
    src: [fleet]
    accounts: ["0000123456-00001"]
    dest: "{{ workdir }}"
  register: fleet

- name: License its devices
  thingspace.licensing.fota_license:
    account: "0000123456-00001"
    devices_file: "{{ fleet.accounts[0].lists.fota }}"
    state: "{{ fleet.accounts[0].fota.state }}"
"""

RETURN = r"""
accounts:
  description: The wanted state of each account.
  returned: success
  type: list
  elements: dict
  contains:
    account:
      description: The billing account.
      type: str
    file:
      description: The fleet file.
      type: str
    fota:
      description:
        - The settings of the file for FOTA licenses, and C(count), the number of devices that hold one.
        - C(state) is V(present) instead of V(exact) as long as a set with C(fota) selects a device without a usable
          IMEI. Any other device may be that one.
        - V(none) if the file does not manage them.
      type: dict
    removal_candidates:
      description:
        - The settings for the removal candidate list, and the device counts C(count) and C(protected).
        - V(none) if the file does not manage it.
      type: dict
    simsec:
      description:
        - For each SIM-Secure SKU and kind of ids, the settings, the number of devices that should hold the license
          (C(count)), and the number of devices that hold it according to the journal and should lose it (C(remove)).
        - A device that should hold another license is among the latter if that license is confirmed or not assigned
          yet. For the task that removes the old license, set O(thingspace.licensing.simsec_license#module:replaced_by),
          which waits for the confirmation.
        - A device that the journal knows by another spelling of a listed id, with or without the check digit or leading
          zeros, is not among the latter. A warning names both spellings.
        - As long as a set with C(simsec) selects a device without a usable id, no device that the file does not name is
          among the latter.
        - C(list) and C(remove_list) are the names of their lists. C(list_digest) is the digest of the content of the
          former.
      type: list
      elements: dict
    freeze:
      description: The freeze windows from the file.
      type: list
      elements: dict
    sets:
      description: The sets of the file, each with C(name) and C(count).
      type: list
      elements: dict
    notes:
      description: What to know about sets that select no device, or a device without a usable id.
      type: list
      elements: str
      version_added: 0.6.0
    lists:
      description:
        - The written files, by name.
        - V(none) without O(dest), and if they cannot be created with O(offline=true).
      type: dict
      sample:
        fota: work/0000123456-00001/fota.txt
    digest:
      description: SHA-256 of the settings and the devices in their order. It depends only on the files.
      type: str
files:
  description: The fleet file of each account, by the name of the account.
  returned: success
  type: dict
  version_added: 0.6.0
  sample:
    0000123456-00001: fleet/0000123456-00001.yml
journal:
  description: The value of O(journal). V(none) without a journal.
  returned: success
  type: str
requests:
  description:
    - The requests of the task.
  returned: when ThingSpace was asked
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

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.files import run
from ansible_collections.thingspace.licensing.plugins.module_utils._module import run_module
from ansible_collections.thingspace.licensing.plugins.module_utils._options import JOURNAL_SPEC, PROGRESS_SPEC


def main() -> None:
    """Check fleet files and write their lists."""
    options = {
        **JOURNAL_SPEC,
        **PROGRESS_SPEC,
        "src": {"type": "list", "elements": "path", "required": True},
        "accounts": {"type": "list", "elements": "str"},
        "offline": {"type": "bool", "default": False},
        "dest": {"type": "path"},
    }
    run_module(run, options)


if __name__ == "__main__":
    main()
