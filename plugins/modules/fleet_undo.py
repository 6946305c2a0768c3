# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_undo
short_description: Create the device lists that reverse a run
version_added: 0.4.0
description:
  - Reads the record of a run (C(run.json)) and decides for each changed device whether the change can be reversed.
    Writes the device lists that the license modules take as C(devices_file), and lists what cannot be reversed and why.
  - It sends no requests and changes no licenses. It is for playbooks of your own. M(thingspace.licensing.fleet_account)
    reverses a run without lists, and also restores the removal candidate list.
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._simsec.journal
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.info_module
  - thingspace.licensing._attributes.action_group
  - thingspace.licensing._connection
options:
  run:
    description:
      - The record of the run, or with O(journal) the name of the run.
      - With V(latest), the newest run that applied a plan, in any of O(accounts). An undo is not one of these.
    type: path
    required: true
  history:
    description:
      - Directory with the records of all runs. A device that a later run changed again is left alone. O(journal) shows
        later runs, too.
      - Without both, later runs are not known.
    type: path
  accounts:
    description:
      - Return only these accounts of the run. The default is all accounts.
    type: list
    elements: str
  dest:
    description:
      - Directory for the lists, which are written to a subdirectory for each account. It must exist. Without it,
        nothing is written.
    type: path
seealso:
  - module: thingspace.licensing.fleet_account
"""

EXAMPLES = r"""
- name: Create the lists that reverse a run
  thingspace.licensing.fleet_undo:
    run: apply/run.json
    journal: journal.db
    dest: work
  register: undo

- name: Remove the FOTA licenses that it assigned
  thingspace.licensing.fota_license:
    account: "{{ undo.accounts[0].account }}"
    devices_file: "work/{{ undo.accounts[0].account }}/undo-fota-take.txt"
    state: absent
  when: undo.accounts[0].parts | selectattr('list', 'eq', 'undo-fota-take') | length > 0
"""

RETURN = r"""
run:
  description: The run to reverse.
  returned: success
  type: str
  sample: 20261121T215143Z-000012-5e6e8a4d-1a2b3c4d
kind:
  description: V(apply) or V(undo).
  returned: success
  type: str
started:
  description: When it started.
  returned: success
  type: str
ended:
  description: When it ended. V(none) if it was killed or is still running.
  returned: success
  type: str
status:
  description: V(running), V(done), or V(failed).
  returned: success
  type: str
checksum:
  description: The checksum of the record.
  returned: success
  type: str
accounts:
  description: What to do in each account.
  returned: success
  type: list
  elements: dict
  contains:
    account:
      description: The billing account.
      type: str
    parts:
      description:
        - The parts to carry out, in this order, each with C(kind), C(state), C(list) (the name of the device list),
          C(count), and C(step). The step is V(take), V(give), or V(moved) for devices that first get another SIM-Secure
          license again.
        - C(replaced_by) lists the licenses that devices must hold before they lose a SIM-Secure license. It is for the
          option of that name of M(thingspace.licensing.simsec_license).
      type: list
      elements: dict
    freeze:
      description: The account's freeze windows at the time of the plan.
      type: list
      elements: dict
    left:
      description: Number of changes that are not reversed. C(cannot.csv) beside the lists contains them.
      type: int
    notes:
      description: Notes for people.
      type: list
      elements: str
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
from ansible_collections.thingspace.licensing.plugins.module_utils._options import JOURNAL_SPEC
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.undo import run


def main() -> None:
    """Make the lists that reverse a run."""
    options = {
        **JOURNAL_SPEC,
        "run": {"type": "path", "required": True},
        "history": {"type": "path"},
        "accounts": {"type": "list", "elements": "str"},
        "dest": {"type": "path"},
    }
    run_module(run, options)


if __name__ == "__main__":
    main()
