# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_files
short_description: Check fleet files, and make device lists of them
version_added: 0.3.0
description:
  - Reads the fleet files of a repository, which say which device of which account holds which license, and checks them
    as a whole. Every problem is reported at once, with file and line.
  - Without O(dest) it only checks. With it, it writes for each account and license the list of devices that the license
    modules take as C(devices_file).
  - Asks ThingSpace only for the devices that a C(select) describes; without one it needs no credentials. Never changes
    anything at ThingSpace.
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
      - Return only these accounts. Everything is checked all the same.
    type: list
    elements: str
  offline:
    description:
      - Whether to ask ThingSpace nothing. Devices that a C(select) describes are left out then.
      - With O(dest) it writes the lists of all accounts for which no device is selected, which is possible since 0.4.0.
        The other accounts, and those whose lists cannot be made, have V(none) as RV(accounts[].lists); a task for such
        an account alone makes them, or tells why it cannot.
    type: bool
    default: false
  dest:
    description:
      - Directory to write the lists to, into a directory for each account. It must exist.
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

- name: Make the lists of one account
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
  description: What the files want of each account.
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
        - V(none) if the file does not manage them.
      type: dict
    removal_candidates:
      description: The settings for the removal candidate list, and the numbers of devices C(count) and C(protected).
      type: dict
    simsec:
      description:
        - For each SIM-Secure SKU and kind of ids the settings, and the numbers of devices that hold the license
          (C(count)) and that hold it by the journal and are to lose it (C(remove)).
        - A device that is to hold another license is among the latter if that one is confirmed, or not assigned yet.
          Give the task that takes the old one away
          O(thingspace.licensing.simsec_license#module:replaced_by), which waits for the confirmation.
        - A device that the journal knows by another spelling of an id that the files name, with or without the check
          digit or zeros in front, is not among the latter. A warning names both.
        - C(list) and C(remove_list) are the names of their lists, and C(list_digest) tells what stands in the former.
      type: list
      elements: dict
    freeze:
      description: The freeze windows, as they stand in the file.
      type: list
      elements: dict
    lists:
      description:
        - The files that were written, by name.
        - V(none) without O(dest), and where they cannot be made with O(offline=true).
      type: dict
      sample:
        fota: work/0000123456-00001/fota.txt
    digest:
      description: SHA-256 over the settings and the devices in their order. It changes with the files alone.
      type: str
journal:
  description: The journal as given, V(none) without one.
  returned: success
  type: str
requests:
  description: The requests of the task.
  returned: when ThingSpace was asked
  type: dict
  contains:
    sent:
      description: Requests sent, including logins and repetitions.
      type: int
    retried:
      description: Repeated requests.
      type: int
    throttled:
      description: Answers with HTTP 429.
      type: int
    throttled_seconds:
      description: Seconds spent waiting for the rate limit, in all threads together.
      type: float
failure:
  description: Why the task failed.
  returned: failure
  type: dict
  contains:
    code:
      description: Stable code that playbooks can test, see the list of error codes.
      type: str
    message:
      description: The same text as in C(msg).
      type: str
    problems:
      description: All problems with the input, up to 1,000.
      type: list
      elements: str
    problem_count:
      description: Number of problems with the input.
      type: int
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
