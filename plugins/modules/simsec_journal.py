# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: simsec_journal
short_description: Move, prune, or restore the journal of SIM-Secure licenses
version_added: 0.6.0
description:
  - Moves a journal from an SQLite file to a PostgreSQL database, or back. All rows are copied in one transaction, and
    compared by count and digest. The identity of the journal moves along, and the old one is refused from then on.
  - Both are refused from the beginning of the task until it has finished. If it fails or is interrupted, run it again,
    or give the move up.
  - Deletes old rows that no plan, status, or export needs.
  - Lets a copy of a database take the place of the one that it was copied from.
  - It sends no requests to ThingSpace and needs no credentials. The options of a connection are accepted because the
    action group may set them, and they are not used.
requirements:
  - psycopg 3.1 or newer, for a journal in a PostgreSQL database
author:
  - thingspace.licensing contributors (@thingspace)
extends_documentation_fragment:
  - thingspace.licensing._simsec.journal
  - thingspace.licensing._attributes
  - thingspace.licensing._attributes.action_group
  - thingspace.licensing._connection
attributes:
  check_mode:
    description:
      - Finds out whether the journal can be moved or is a copy, and counts what would be moved or deleted.
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  from_journal:
    description:
      - The journal to move to O(journal), as a path or as the address of a database. There must be no journal at
        O(journal) yet, one without rows, or what this journal left there when it was moved from there.
      - Let all jobs and receivers end before. A job that is sending delays the task, and no other begins. Afterward, a
        receiver that still uses the old one records nothing in it, and ThingSpace repeats its callbacks.
    type: str
  new_home:
    description:
      - Says that the database O(journal), which is a copy, is the journal from now on. A journal in a database
        remembers which database that is. A copy of the database, and a dump that was restored elsewhere, are refused
        with C(journal_copied) until a task has said this once.
      - Make sure that nobody uses the other one any more, because licenses would be assigned twice. What was sent since
        the copy was made is not in it.
      - Changes nothing if the journal belongs there already.
    type: bool
    default: false
  give_up_move:
    description:
      - Says that the move of O(journal) is given up, because the place to which it was to be moved is lost. Then
        O(journal) can be used again.
      - Possible only until the move was finished. Until then, the other place was never used, and it stays refused if
        it turns up again. A new move may fill it.
      - Changes nothing if O(journal) is not being moved. If the other place is not lost, finish the move instead.
    type: bool
    default: false
  prune_days:
    description:
      - Delete reports about requests of others, and runs that sent nothing, if they are older than this many days. At
        least 2.
      - Requests and what was reported about them are never deleted, because they show which devices hold a license.
      - The records of fleet runs that are older than this are deleted, too. Then these runs cannot be undone by their
        names any more. A record stays for 90 days in any case, and as long as the journal keeps the plan of the run,
        which is 90 days after it was made or applied the last time. So do all later records.
    type: int
seealso:
  - module: thingspace.licensing.simsec_license
  - module: thingspace.licensing.simsec_license_info
"""

EXAMPLES = r"""
- name: Move the journal to a database that all execution nodes share
  thingspace.licensing.simsec_journal:
    from_journal: /var/lib/thingspace/journal.db
    journal: service=licensing

- name: The server is lost, and a dump was restored on another one
  thingspace.licensing.simsec_journal:
    journal: postgresql://licensing@db2.example.com/licensing?sslmode=verify-full
    new_home: true

- name: The server to which the journal was to be moved is lost, and the move was interrupted
  thingspace.licensing.simsec_journal:
    journal: /var/lib/thingspace/journal.db
    give_up_move: true

- name: Delete what others have changed more than a year ago
  thingspace.licensing.simsec_journal:
    journal: service=licensing
    prune_days: 365
"""

RETURN = r"""
place:
  description: Where the journal is, without a password.
  returned: success
  type: str
  sample: service=licensing
moved:
  description: What was moved, or would be in check mode.
  returned: with O(from_journal)
  type: dict
  contains:
    from:
      description: Where the journal was.
      type: str
    identity:
      description: The identity of the journal.
      type: str
    rows:
      description:
        - The number of rows of each table of the journal. They were compared.
        - The table C(request) has the requests, C(entry) their devices, C(callback) ThingSpace's reports, and
          C(fleet_run) the records of runs.
      type: dict
given_up:
  description: The place to which the journal was to be moved, without a password. Empty if it was not being moved.
  returned: with O(give_up_move)
  type: str
pruned:
  description: How many rows were deleted, or would be in check mode.
  returned: with O(prune_days)
  type: dict
  contains:
    callbacks:
      description: Reports about requests of others.
      type: int
    runs:
      description: Runs that sent nothing.
      type: int
    fleet_runs:
      description: Records of fleet runs.
      type: int
failure:
  description:
    - Why the task failed, see
      L(error codes,https://github.com/thingspace-licensing/thingspace.licensing/blob/main/docs/errors.md).
    - The other values are also returned as far as they are known.
  returned: failure
  type: dict
  contains:
    code: {type: str, description: The stable code that playbooks can test.}
    message: {type: str, description: The text of C(msg).}
  sample:
    code: journal_unusable
    message: "There is already a journal at ..."
"""

from ansible_collections.thingspace.licensing.plugins.module_utils._module import run_module
from ansible_collections.thingspace.licensing.plugins.module_utils._options import JOURNAL_SPEC
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.keeping import run


def main() -> None:
    """Move or prune a journal, or let a copy take its place."""
    options = {
        **JOURNAL_SPEC,
        "from_journal": {"type": "str"},
        "give_up_move": {"type": "bool", "default": False},
        "new_home": {"type": "bool", "default": False},
        "prune_days": {"type": "int"},
    }
    run_module(run, options)


if __name__ == "__main__":
    main()
