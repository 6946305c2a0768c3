# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_plan
short_description: Combine the plans of accounts for approval
version_added: 0.3.0
description:
  - Combines the check mode results of the license modules, for any number of accounts, into one plan with one digest of
    the whole wanted and current state.
  - Writes the plan as JSON, Markdown, and HTML, and compares it with an approved one. It sends no requests and changes
    no licenses.
  - With O(journal), if it exists, a plan with changes is also kept there by its digest, for 90 days after it was made
    or applied the last time.
  - With O(prices), the pages say how much more or less the assigned licenses cost if the plan is applied.
    Prices are neither in C(plan.json) nor approved.
  - It is a building block of the role P(thingspace.licensing.fleet_licensing#role).
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._simsec.journal
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.info_module
  - thingspace.licensing._attributes.action_group
  - thingspace.licensing._connection
  - thingspace.licensing._prices
options:
  state:
    description:
      - V(planned) makes a plan for approval. A plan that exceeds a limit is still a plan.
      - V(applying) makes the plan that is about to be carried out. The task fails if it exceeds limits of the whole
        run, and with O(any_errors_fatal) if an account must not be changed.
    type: str
    choices: [planned, applying]
    default: planned
    version_added: 0.6.0
  accounts:
    description:
      - The result of M(thingspace.licensing.fleet_account) in check mode for each account.
      - An account without a plan has C(account), and C(failure) or C(msg).
    type: list
    elements: dict
    required: true
  without_plan:
    description:
      - Hosts of the play that are missing in O(accounts). With O(state=applying), the task fails if there are any,
        because limits apply to all accounts of the play.
    type: list
    elements: str
    default: []
    version_added: 0.6.0
  dropped:
    description:
      - Accounts whose hosts failed, could not be reached, or left the play before they were planned. A warning names
        them. With O(any_errors_fatal), nothing may be carried out then.
    type: list
    elements: str
    default: []
    version_added: 0.6.0
  undo_run:
    description:
      - The record of the run that the plan reverses, if it does, or with O(journal) the name of the run. The files are
        then C(undo.json), C(undo.md), and C(undo.html). C(cannot.csv) lists the changes that are not reversed.
    type: path
    version_added: 0.6.0
  history:
    description:
      - The directory with the records of all runs. With O(journal), those that it keeps are known as well.
      - A plan that was carried out and undone is another plan when it is made again. It names the undo, and an approval
        from before the undo does not cover it (C(plan_changed)).
      - With O(undo_run), the default is the one that keeps the record. Without any, the page says that later runs are
        not known.
    type: path
    version_added: 0.6.0
  dest:
    description:
      - Directory for C(plan.json), C(plan.md), and C(plan.html). It is created if it does not exist.
      - With O(undo_run), it must not be O(history) or the directory of the record.
      - The pages need Jinja2, which ansible-core brings.
    type: path
  approved:
    description:
      - The approved plan, as a plan file or its digest. If the current plan differs, the task fails.
      - With the digest of a plan that O(journal) keeps, the file is not needed.
      - With a plan file, an account that is in O(accounts) with a C(failure) does not count as a difference.
    type: str
  max_changes:
    description:
      - How many devices may change in all accounts together. A plan that exceeds this has the status V(guard_tripped),
        and RV(over) returns the limit. Empty counts as unset.
    type: str
    version_added: 0.4.0
  max_removals:
    description:
      - How many licenses may be removed in all accounts together, as a number or as a percentage like V(5%) of the held
        licenses. Empty counts as unset.
    type: str
    version_added: 0.4.0
  max_lifetime:
    description:
      - How many devices may get a lifetime license in all accounts together. Empty counts as unset.
    type: str
    version_added: 0.4.0
  freeze:
    description:
      - Freeze windows for all accounts, each with C(name) and any of C(from), C(until), C(days), C(hours), C(timezone)
        and C(what), as in fleet files. An entry of O(accounts) may have more windows as C(freeze).
      - They do not change the plan. RV(accounts) shows which accounts must not be changed now.
    type: list
    elements: dict
    default: []
    version_added: 0.4.0
  ignore_freeze:
    description:
      - Whether to ignore freeze windows. The plan still contains those of the accounts, for a later undo.
    type: bool
    default: false
    version_added: 0.5.0
  require_approval:
    description:
      - Whether the task fails with V(not_approved) if there is something to carry out and no O(approved).
    type: bool
    default: false
    version_added: 0.6.0
  wait:
    description:
      - With O(state=applying), whether RV(next) is V(wait) if there is nothing else to do.
    type: bool
    default: false
    version_added: 0.6.0
  show:
    description:
      - Whether RV(lines) begin with the plan as Markdown, up to 1,000 lines. This is for jobs whose files do not
        outlive them.
    type: bool
    default: false
    version_added: 0.6.0
  any_errors_fatal:
    description:
      - With O(state=applying), whether an account that must not be changed keeps all others from being changed.
    type: bool
    default: false
    version_added: 0.6.0
  fail_on:
    description:
      - From which status on the run must end red. With V(error), only an account without a plan is red.
    type: str
    choices: [error, guard_tripped, incomplete, changes]
    default: error
    version_added: 0.6.0
  how_to_apply:
    description:
      - The command line that applies the plan. RV(command), RV(lines), and the pages show it with the digest.
      - It repeats variables of the role (C(fleet_licensing_*)) that were set on the command line, except those that
        change only what is told of a run.
    type: dict
    suboptions:
      playbook:
        description:
          - The playbook.
        type: str
        required: true
      inventory:
        description:
          - The sources of the inventory. Those that do not exist are left out. The default is the inventory of the
            play.
        type: list
        elements: str
        default: []
      limit:
        description:
          - The value of C(--limit). The default is that of the play.
        type: str
      repeat:
        description:
          - Regular expressions for names of variables whose current values the command has.
        type: list
        elements: str
        default: []
      variables:
        description:
          - More variables, and other values. Those without a value are left out. With O(dest), values of more than
            2,000 characters are in the file C(variables.json) there, which the command names.
        type: dict
        default: {}
    version_added: 0.6.0
  status_file:
    description:
      - File for the RV(status) as one word, for programs that start Ansible. It is written after the plan.
      - The word is V(plan_changed) if the plan is not the approved one, and there is a plan of every account.
      - With O(approved), the word is V(incomplete) also of a plan with changes, if RV(incomplete) is not 0.
        M(thingspace.licensing.fleet_run) writes that, too, if not everything was done.
    type: path
    version_added: 0.4.0
  templates:
    description:
      - Directory with Jinja2 templates of your own, with the names of the pages. A page without a template
        there is made by the built-in one, which yours can extend as C(builtin/) and its name.
      - If a template fails, the task fails with C(template_failed), and no file is changed.
    type: path
    version_added: 0.6.0
  prices:
    version_added: 0.6.0
  currency:
    version_added: 0.6.0
seealso:
  - module: thingspace.licensing.fleet_account
"""

EXAMPLES = r"""
- name: Plan the licenses of an account
  thingspace.licensing.fleet_account:
    account: "0000123456-00001"
    src: [fleet]
    reports: work
  check_mode: true
  register: planned

- name: Write that plan for approval
  thingspace.licensing.fleet_plan:
    accounts: ["{{ planned }}"]
    dest: plan
"""

RETURN = r"""
status:
  description:
    - V(no_change), V(incomplete) if there is nothing to do and something is not as wanted, V(changes), V(guard_tripped)
      if a limit stops the plan of an account, or V(error) if some account has no plan. If several apply, the last one
      wins.
  returned: when options are valid
  type: str
digest:
  description: SHA-256 of the whole wanted state and the whole current state.
  returned: when options are valid
  type: str
totals:
  description: Number of devices in all accounts together.
  returned: when options are valid
  type: dict
  sample:
    assign: 120
    remove: 3
    add: 0
    move: 0
incomplete:
  description:
    - How many devices are not as wanted and not changed by the plan, whatever its RV(status) is.
    - These are devices whose request failed, is not confirmed, or has an unknown result, and devices that keep several
      SIM-Secure licenses.
  returned: when options are valid
  type: int
  version_added: 0.6.0
  sample: 0
awaited:
  description:
    - How many of them were sent by an earlier run and are waiting for their confirmation.
  returned: when options are valid
  type: int
  version_added: 0.6.0
  sample: 0
remaining:
  description:
    - A short text about the devices that RV(incomplete) counts and what to do about them. Empty if that is V(0). The
      task warns with this text.
  returned: when options are valid
  type: str
  version_added: 0.6.0
  sample: ""
approved:
  description: Whether the plan was compared with O(approved).
  returned: when options are valid
  type: bool
  version_added: 0.6.0
next:
  description:
    - What the role does next, V(show), V(idle), V(wait) if nothing is left to do but to wait for confirmations, or
      V(apply).
  returned: success
  type: str
  version_added: 0.6.0
check_mode:
  description: Whether the task ran in check mode. The files are written in any case.
  returned: when options are valid
  type: bool
  version_added: 0.6.0
left:
  description: With O(undo_run), how many changes of the run are not undone.
  returned: when options are valid
  type: int
  version_added: 0.6.0
  sample: 0
history:
  description:
    - With O(undo_run), the directory with the records of all runs, O(history) or the one that keeps the record. Empty
      if it is not known.
  returned: when options are valid
  type: str
  version_added: 0.6.0
command:
  description:
    - The command that applies the plan. Empty without O(how_to_apply), and if the plan is to be made again instead,
      because an approval does not help.
    - If an approval covers only some accounts, RV(lines) name the others, in which nothing is changed.
  returned: when options are valid
  type: str
  version_added: 0.6.0
  sample: ""
lines:
  description:
    - The status, the totals, where the files are, and how to apply the plan, as lines of text.
  returned: when options are valid
  type: list
  elements: str
  version_added: 0.6.0
red:
  description:
    - Why the run must end red because of O(fail_on). Empty if it need not.
  returned: when options are valid
  type: str
  version_added: 0.6.0
  sample: ""
summary:
  description:
    - The totals, and a line for each account with something to do, as plain text. At most 1,000 bytes, so that
      M(ansible.builtin.set_stats) can pass it on to later jobs.
  returned: when options are valid
  type: str
  version_added: 0.4.0
  sample: |-
    Changes: 120 to assign, 3 to remove in 5 accounts.
    0000123456-00001: FOTA licenses 120 to assign, 3 to remove
accounts:
  description:
    - Name, status, and digest of each account. C(incomplete) is the number of its devices that are not as wanted and
      not changed by the plan.
    - C(blocked) is V(none), or the reason why the account must not be changed, with C(code) and C(message). Either it
      has no plan, a freeze window is open, its pools are too small, or it exceeds limits without approval.
  returned: when options are valid
  type: list
  elements: dict
own:
  description:
    - What the host of each account shows and does, by the name of the account.
    - C(text) says what is done to it, or why not. C(red) says whether the account must end red, C(foreseen) whether
      its changes are only predicted, because of check mode, and C(goes_on) whether it may be changed.
  returned: when options are valid
  type: dict
  version_added: 0.6.0
  sample:
    0000123456-00001:
      text: "FOTA licenses: 120 to assign."
      red: false
      foreseen: false
      goes_on: true
over:
  description:
    - The exceeded limits of the whole run, with C(code), C(message), and C(guards).
    - V(none) if it exceeds none, or if it is the approved plan.
  returned: when options are valid
  type: dict
  version_added: 0.4.0
files:
  description: The written files, by format.
  returned: when options are valid
  type: dict
  sample:
    json: plan/plan.json
    markdown: plan/plan.md
    html: plan/plan.html
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

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.command import COMMAND_SPEC
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan import Plans, run
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_end import FAIL_ON
from ansible_collections.thingspace.licensing.plugins.module_utils._module import run_module
from ansible_collections.thingspace.licensing.plugins.module_utils._options import JOURNAL_SPEC, PRICES_SPEC
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.plan import UndoPlans


def main() -> None:
    """Write the plan of a run."""
    options = {
        **JOURNAL_SPEC,
        **PRICES_SPEC,
        "state": {"type": "str", "choices": ["planned", "applying"], "default": "planned"},
        "accounts": {"type": "list", "elements": "dict", "required": True},
        "without_plan": {"type": "list", "elements": "str", "default": []},
        "dropped": {"type": "list", "elements": "str", "default": []},
        "undo_run": {"type": "path"},
        "history": {"type": "path"},
        "dest": {"type": "path"},
        "approved": {"type": "str"},
        "max_changes": {"type": "str"},
        "max_removals": {"type": "str"},
        "max_lifetime": {"type": "str"},
        "freeze": {"type": "list", "elements": "dict", "default": []},
        "ignore_freeze": {"type": "bool", "default": False},
        "require_approval": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": False},
        "show": {"type": "bool", "default": False},
        "any_errors_fatal": {"type": "bool", "default": False},
        "fail_on": {"type": "str", "choices": [*FAIL_ON], "default": "error"},
        "how_to_apply": {"type": "dict", "options": COMMAND_SPEC},
        "status_file": {"type": "path"},
        "templates": {"type": "path"},
    }
    run_module(lambda context: run(context, UndoPlans() if context.params["undo_run"] else Plans()), options)


if __name__ == "__main__":
    main()
