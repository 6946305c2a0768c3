# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_report
short_description: Report on the licenses of accounts
version_added: 0.4.0
description:
  - Combines what M(thingspace.licensing.fleet_account_info) read of any number of accounts into one report, as HTML,
    Markdown, CSV, and JSON. It covers pool use, assignments over time, how long each pool lasts, the results of earlier
    runs, drift between the wanted and the current state, removal candidates, and reclaimable licenses.
  - It sends no requests and changes no licenses.
  - It is a building block of the role P(thingspace.licensing.license_report#role).
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.info_module
  - thingspace.licensing._attributes.action_group
  - thingspace.licensing._connection
  - thingspace.licensing._prices
options:
  accounts:
    description:
      - What M(thingspace.licensing.fleet_account_info) returned for each account. If a task failed, the account is in
        the report with its failure. Its entry then needs at least C(account).
      - Until 0.5.0, an entry had the results of the info modules and the directory with their files. Such an entry is
        refused.
    type: list
    elements: dict
    required: true
  dropped:
    description:
      - Accounts whose hosts failed, could not be reached, or left the play before they were read. The report says so.
    type: list
    elements: str
    default: []
    version_added: 0.6.0
  src:
    description:
      - Fleet files, or directories with such files, of all accounts. They are checked against each other, as
        M(thingspace.licensing.fleet_files) does with O(thingspace.licensing.fleet_files#module:offline). If anything is
        wrong, the report says so in place of what is wanted. An account that they do not list is named.
    type: list
    elements: path
    version_added: 0.6.0
  dest:
    description:
      - Directory for C(report.html), C(report.md), C(report.csv), and C(report.json). It is created if it does not
        exist.
    type: path
    required: true
  formats:
    description:
      - What to write. Only V(csv) contains every device. The others list the first 1,000 of each kind, and V(markdown)
        the first 50.
    type: list
    elements: str
    choices: [html, markdown, csv, json]
    default: [html, markdown, csv, json]
  title:
    description:
      - The title of the report.
    type: str
    default: License report
  history:
    description:
      - Directory with the records of earlier runs. The report shows the outcome of each.
      - The report stores the counts of each day there, in C(license-pools.jsonl). With these, it shows what changed
        since the previous report, and how long a pool lasts for which ThingSpace returns no dates.
      - With O(journal), if it exists, both are in the journal, too, so that a report can be made on any node.
    type: path
  reclaim_states:
    description:
      - States of devices that certainly no longer need a license.
    type: list
    elements: str
    default: [deactive]
  idle_days:
    description:
      - A device that was not connected for this number of days does not need a license, either. By default, that does
        not count.
    type: int
  show:
    description:
      - Whether RV(lines) begin with the report as Markdown, up to 1,000 lines, if that is one of O(formats).
    type: bool
    default: false
    version_added: 0.6.0
  fail_on:
    description:
      - What makes the accounts red, besides failures. V(drift) means that a device is missing a license or has an extra
        one. V(runway) means that a pool will be empty within O(runway_days). The task itself does not fail.
    type: list
    elements: str
    choices: [drift, runway]
    default: []
    version_added: 0.6.0
  runway_days:
    description:
      - See O(fail_on).
    type: int
    default: 30
    version_added: 0.6.0
seealso:
  - module: thingspace.licensing.fleet_account_info
  - module: thingspace.licensing.fleet_files
"""

EXAMPLES = r"""
- name: Read two accounts
  thingspace.licensing.fleet_account_info:
    account: "{{ item }}"
    dest: work
  loop: ["0000123456-00001", "0000123456-00002"]
  register: read

- name: Write a report
  thingspace.licensing.fleet_report:
    accounts: "{{ read.results }}"
    dest: report
    history: history
"""

RETURN = r"""
status:
  description: V(complete), or V(incomplete) if an account could not be read completely.
  returned: when options are valid
  type: str
totals:
  description: Figures over all accounts.
  returned: when options are valid
  type: dict
  contains:
    accounts:
      description: Number of accounts.
      type: int
    incomplete:
      description: How many of them could not be read in full.
      type: int
    licenses:
      description:
        - C(total), C(assigned), and C(available) of all pools that could be counted.
        - The same value is also under C(licences), its name until 0.5.0.  # codespell:ignore licences
      type: dict
    uncounted_pools:
      description: Number of pools whose licenses could not be counted.
      type: int
    candidates:
      description: Number of removal candidates. V(none) if no list was read.
      type: int
    fota_by_week:
      description:
        - FOTA licenses by the week of their assignment, with C(counts) for the weeks from C(first_day) on, and
          C(before) for all earlier ones. V(none) if that is unknown.
      type: dict
    simsec_by_week:
      description:
        - SIM-Secure licenses by the week of their assignment, with C(counts) for the weeks from C(first_day) on, and
          C(before) for all earlier ones. V(none) if that is unknown.
      type: dict
    drift:
      description:
        - Number of devices, C(wanted), C(as_wanted), C(missing) (wanted but not held), C(extra) (held and to be
          removed), C(kept) (not wanted but left alone), and C(unknown). V(none) without fleet files.
      type: dict
    reclaimable:
      description:
        - Licenses of devices that do not need them. C(now) counts those that can be removed, C(wanted) those that the
          fleet files want, and C(locked) those that can never be removed. C(unknown) (since 0.6.0) counts those of
          which ThingSpace does not say whether they can be removed. V(none) if no device is known to hold a license.
      type: dict
    soonest:
      description:
        - The pool that will be empty first, with C(account), C(license), and C(days). V(none) if that is unknown.
        - The value of C(license) is also under C(licence), its name until 0.5.0.  # codespell:ignore licence
      type: dict
    cost:
      description:
        - Monthly cost of the licenses, C(bought), C(assigned), C(free), and C(reclaimable), which are those that can be
          removed, without lifetime licenses. V(none) without prices.
      type: dict
accounts:
  description:
    - Name, status (V(complete) or V(incomplete)), and failures of each account.
  returned: when options are valid
  type: list
  elements: dict
own:
  description:
    - What the host of each account shows, by the name of the account. C(red) says whether something failed or is in
      O(fail_on), and C(text) says what.
  returned: when options are valid
  type: dict
  version_added: 0.6.0
  sample:
    0000123456-00001:
      text: Everything was read.
      red: false
files:
  description: The written files, by format.
  returned: when options are valid
  type: dict
  sample:
    html: report/report.html
    markdown: report/report.md
    csv: report/report.csv
    json: report/report.json
lines:
  description: What to show of the report, and where it is.
  returned: when options are valid
  type: list
  elements: str
  sample: ["Written to report:", report/report.html]
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

from ansible_collections.thingspace.licensing.plugins.module_utils._module import Context, Result, run_module
from ansible_collections.thingspace.licensing.plugins.module_utils._options import PRICES_SPEC
from ansible_collections.thingspace.licensing.plugins.module_utils._report.make import run

FORMATS = ["html", "markdown", "csv", "json"]


def main() -> None:
    """Write a report."""
    options = {
        **PRICES_SPEC,
        "accounts": {"type": "list", "elements": "dict", "required": True},
        "dropped": {"type": "list", "elements": "str", "default": []},
        "src": {"type": "list", "elements": "path"},
        "dest": {"type": "path", "required": True},
        "formats": {"type": "list", "elements": "str", "choices": FORMATS, "default": FORMATS},
        "title": {"type": "str", "default": "License report"},
        "history": {"type": "path"},
        "reclaim_states": {"type": "list", "elements": "str", "default": ["deactive"]},
        "idle_days": {"type": "int"},
        "show": {"type": "bool", "default": False},
        "fail_on": {"type": "list", "elements": "str", "choices": ["drift", "runway"], "default": []},
        "runway_days": {"type": "int", "default": 30},
    }
    run_module(_report, options)


def _report(context: Context) -> Result:
    return run(context, _accounts)


def _accounts(context: Context) -> frozenset[str]:
    # A module compiles what it imports, each time.
    # pylint: disable-next=import-outside-toplevel
    from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.for_report import accounts_of

    return accounts_of(context)


if __name__ == "__main__":
    main()
