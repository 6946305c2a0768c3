# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_export
short_description: Write the licenses of an account as a fleet file
version_added: 0.3.0
description:
  - Reads the FOTA licenses and the removal candidates of an account, and with O(journal) its SIM-Secure licenses, and
    writes them as a fleet file with CSV files. The first plan from the file is empty.
  - If a device holds, or may hold, licenses of two SIM-Secure SKUs according to the journal, it is named, and nothing
    is written for its account (C(two_licenses)). A fleet file cannot express that, and a file without one of the
    licenses would remove it.
  - Invalid ids, which no plan accepts, are left out, and a warning names them. The fleet file then has C(state)
    V(present) for that kind of license, so that none of these devices loses its license.
  - Changes nothing in ThingSpace.
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._account
  - thingspace.licensing._api_version
  - thingspace.licensing._connection
  - thingspace.licensing._progress
  - thingspace.licensing._simsec.journal
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.action_group
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows the fleet file, but not its device lists.
  idempotent:
    support: full
options:
  dest:
    description:
      - Output directory. It must exist, except in check mode. The file and the directory with its lists are named after
        the account.
    type: path
    required: true
  force:
    description:
      - Whether to overwrite files with other content.
    type: bool
    default: false
seealso:
  - module: thingspace.licensing.fleet_files
"""

EXAMPLES = r"""
- name: Start a repository with the licenses of the account
  thingspace.licensing.fleet_export:
    account: "0000123456-00001"
    dest: fleet
"""

RETURN = r"""
files:
  description: The fleet file and its lists.
  returned: success
  type: list
  elements: str
  sample: [fleet/0000123456-00001.yml, fleet/0000123456-00001/fota.csv]
counts:
  description: Number of devices.
  returned: success
  type: dict
  contains:
    fota:
      description: Devices that hold a FOTA license.
      type: int
    removal_candidates:
      description: Removal candidates that hold a FOTA license.
      type: int
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

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.export import run
from ansible_collections.thingspace.licensing.plugins.module_utils._module import run_module
from ansible_collections.thingspace.licensing.plugins.module_utils._options import (
    ACCOUNT_SPEC,
    FOTA_VERSION_SPEC,
    JOURNAL_SPEC,
    PROGRESS_SPEC,
)


def main() -> None:
    """Write an account's fleet file."""
    options = {
        **ACCOUNT_SPEC,
        **FOTA_VERSION_SPEC,
        **JOURNAL_SPEC,
        **PROGRESS_SPEC,
        "dest": {"type": "path", "required": True},
        "force": {"type": "bool", "default": False},
    }
    run_module(run, options)


if __name__ == "__main__":
    main()
