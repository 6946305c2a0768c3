# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_account_info
short_description: Read everything about the licenses of an account for a report
version_added: 0.6.0
description:
  - Reads what M(thingspace.licensing.fota_license_info), M(thingspace.licensing.swm_removal_candidates_info),
    M(thingspace.licensing.simsec_license_info), and M(thingspace.licensing.device_info) read, and what the fleet files
    want of the account, in one process. It stores all of that in a file for M(thingspace.licensing.fleet_report).
  - A part that cannot be read is stored with its failure and does not stop the others. O(deadline) applies to each part
    by itself.
  - If the subscription is event-based, there are no removal candidates to read.
  - The file is also written in check mode. Changes nothing in ThingSpace.
  - It is a building block of the role P(thingspace.licensing.license_report#role).
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._account
  - thingspace.licensing._connection
  - thingspace.licensing._progress
  - thingspace.licensing._simsec.journal
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.info_module
  - thingspace.licensing._attributes.action_group
options:
  dest:
    description:
      - Directory for the file with what was read, which is named after the account. It is created if it does not exist.
      - Only the owner of the file can read it.
    type: path
    required: true
  parts:
    description:
      - What to read besides the fleet files.
    type: list
    elements: str
    choices: [fota, removal_candidates, simsec, devices]
    default: [fota, removal_candidates, simsec, devices]
  src:
    description:
      - Fleet files, or directories with such files. Only what they say about O(account) is read. They are checked
        against each other by O(thingspace.licensing.fleet_report#module:src).
    type: list
    elements: path
  fota_version:
    description:
      - API version for FOTA licenses if the fleet file sets none.
    type: str
    choices: [v1, v2, v3]
    default: v3
  removal_candidates_version:
    description:
      - API version for removal candidates if the fleet file sets none.
    type: str
    choices: [v1, v2]
    default: v2
  shrink_to:
    description:
      - A planned number of FOTA licenses. The report then has the number of devices that would lose theirs.
    type: int
seealso:
  - module: thingspace.licensing.fleet_report
"""

EXAMPLES = r"""
- name: Read an account
  thingspace.licensing.fleet_account_info:
    account: "0000123456-00001"
    src: [fleet]
    journal: /var/lib/thingspace/journal.db
    dest: work
  register: read

- name: Write a report
  thingspace.licensing.fleet_report:
    accounts: ["{{ read }}"]
    src: [fleet]
    dest: report
"""

RETURN = r"""
account:
  description: The account.
  returned: when O(account) is valid
  type: str
  sample: "0000123456-00001"
data_file:
  description: The file with what was read. Its format may change with each release.
  returned: success
  type: str
  sample: work/0000123456-00001.json
failures:
  description: The parts that could not be read, each with C(what), C(code), and C(message).
  returned: success
  type: list
  elements: dict
  sample: []
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

from ansible_collections.thingspace.licensing.plugins.module_utils._module import Context, Result, run_module
from ansible_collections.thingspace.licensing.plugins.module_utils._options import (
    ACCOUNT_SPEC,
    CANDIDATES_VERSION_SPEC,
    FOTA_VERSION_SPEC,
    JOURNAL_SPEC,
    PROGRESS_SPEC,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._report.data import WantedLicenses
from ansible_collections.thingspace.licensing.plugins.module_utils._report.read import run

PARTS = ["fota", "removal_candidates", "simsec", "devices"]


def main() -> None:
    """Read everything about an account."""
    options = {
        **ACCOUNT_SPEC,
        **JOURNAL_SPEC,
        **PROGRESS_SPEC,
        "dest": {"type": "path", "required": True},
        "parts": {"type": "list", "elements": "str", "choices": PARTS, "default": PARTS},
        "src": {"type": "list", "elements": "path"},
        "fota_version": FOTA_VERSION_SPEC["api_version"],
        "removal_candidates_version": CANDIDATES_VERSION_SPEC["api_version"],
        "shrink_to": {"type": "int"},
    }
    run_module(_read, options)


def _read(context: Context) -> Result:
    return run(context, _wanted)


def _wanted(context: Context) -> WantedLicenses:
    # A module compiles what it imports, each time.
    # pylint: disable-next=import-outside-toplevel
    from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.for_report import wanted_licenses

    return wanted_licenses(context)


if __name__ == "__main__":
    main()
