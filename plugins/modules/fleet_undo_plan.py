# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_undo_plan
short_description: Combine the plan of an undo for approval
version_added: 0.4.0
description:
  - Combines the check mode results of the license modules for the lists of M(thingspace.licensing.fleet_undo), for any
    number of accounts, into one plan with one digest.
  - Writes the plan as C(undo.json), C(undo.md), and C(undo.html), and the changes that are not reversed as
    C(cannot.csv). Compares the plan with an approved one.
  - It sends no requests and changes no licenses. It is a building block of the role
    P(thingspace.licensing.fleet_licensing#role).
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.info_module
  - thingspace.licensing._attributes.action_group
  - thingspace.licensing._connection
options:
  run:
    description:
      - The record of the run.
    type: path
    required: true
  history:
    description:
      - The C(history) of M(thingspace.licensing.fleet_undo). Without it, C(undo.md) says that later runs are not known.
    type: path
  accounts:
    description:
      - For each account, what M(thingspace.licensing.fleet_account) returned in check mode with C(undo_run), or
        C(account) and C(failure), the reason why it has no plan.
    type: list
    elements: dict
    required: true
  dest:
    description:
      - Output directory. It must not be O(history) or the directory of O(run). It is created if it does not exist.
      - The pages need Jinja2, which ansible-core brings.
    type: path
  approved:
    description:
      - The approved C(undo.json), or its digest. If the current plan differs, the task fails and writes nothing.
    type: str
  max_changes:
    description:
      - How many devices the undo may change in all accounts together. An approval lets more through.
    type: int
  max_removals:
    description:
      - How many licenses the undo may remove in all accounts together, as a number or a percentage of the held
        licenses. An approval lets more through.
    type: str
    version_added: 0.6.0
  freeze:
    description:
      - Freeze windows for all accounts, as for M(thingspace.licensing.fleet_plan). An entry of O(accounts) may have
        more windows as C(freeze).
      - They do not change the plan. RV(accounts) shows which accounts must not be changed now.
    type: list
    elements: dict
    default: []
  ignore_freeze:
    description:
      - Whether to ignore freeze windows.
    type: bool
    default: false
    version_added: 0.6.0
  templates:
    description:
      - Directory with Jinja2 templates of your own, with the names of the pages. A page without a template
        there is made by the built-in one, which yours can extend as C(builtin/) and its name.
      - If a template fails, the task fails with C(template_failed), and no file is changed.
    type: path
    version_added: 0.6.0
seealso:
  - module: thingspace.licensing.fleet_undo
"""

EXAMPLES = r"""
- name: Plan the undo of an account
  thingspace.licensing.fleet_account:
    undo_run: apply/run.json
    history: apply/history
    account: "0000123456-00001"
    lists: work/0000123456-00001
  check_mode: true
  register: planned

- name: Write the plan of the undo for approval
  thingspace.licensing.fleet_undo_plan:
    run: apply/run.json
    history: apply/history
    accounts: ["{{ planned }}"]
    dest: undo
"""

RETURN = r"""
status:
  description:
    - V(no_change), V(incomplete) if there is nothing to do and devices are not as wanted, V(changes), V(guard_tripped)
      if something stops the plan of an account, or V(error) if some account has no plan.
  returned: when options are valid
  type: str
digest:
  description: SHA-256 of the run and the whole plan.
  returned: when options are valid
  type: str
totals:
  description: Number of devices in all accounts together.
  returned: when options are valid
  type: dict
  sample:
    assign: 3
    remove: 120
    add: 0
    move: 0
left:
  description: Number of changes that are not reversed.
  returned: when options are valid
  type: int
accounts:
  description:
    - Name, status, and digest of each account, and C(blocked), the failure of an account that must not be changed now,
      or V(none).
  returned: when options are valid
  type: list
  elements: dict
files:
  description: The written files, by format.
  returned: when options are valid
  type: dict
  sample:
    json: undo/undo.json
    markdown: undo/undo.md
    html: undo/undo.html
    csv: undo/cannot.csv
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
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.plan import run


def main() -> None:
    """Write the plan of an undo."""
    options = {
        "run": {"type": "path", "required": True},
        "history": {"type": "path"},
        "accounts": {"type": "list", "elements": "dict", "required": True},
        "dest": {"type": "path"},
        "approved": {"type": "str"},
        "max_changes": {"type": "int"},
        "freeze": {"type": "list", "elements": "dict", "default": []},
        "max_removals": {"type": "str"},
        "ignore_freeze": {"type": "bool", "default": False},
        "templates": {"type": "path"},
    }
    run_module(run, options)


if __name__ == "__main__":
    main()
