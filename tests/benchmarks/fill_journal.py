# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a journal in which every device was assigned and confirmed, as modules and a receiver would have written it.

Run by other benches as a process of its own: C(fill_journal.py JOURNAL ACCOUNT SKU FIRST DEVICES confirmed|waiting).
Prints the seconds and the size of the file. The requests are named r0, r1 and so on, each for 100 devices. Several
accounts are given as lists with commas, each with its FIRST; each has so many DEVICES.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time

from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import Confirmation
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Scope, open_journal
from ansible_collections.thingspace.licensing.tests.support.journals import never

BATCH = 100


def main(path: str, accounts: dict[str, int], sku: str, devices: int, *, confirmed: bool) -> None:
    """Write each request down, its answer, and the confirmations of its devices."""
    began = time.perf_counter()
    journal = open_journal(path, write=True, told=never)
    numbers = itertools.count()
    for account, first in accounts.items():
        scope = Scope(account, sku, "imei")
        run = journal.begin_run(scope, "assign", 0)
        for start in range(0, devices, BATCH):
            ids = [str(first + index) for index in range(start, min(start + BATCH, devices))]
            number = next(numbers)
            request = journal.intend(run, scope, "assign", ids, f"1-{number:018d}")
            journal.accepted(request, f"r{number}")
            if confirmed:
                names = zip(itertools.repeat("imei"), ids)
                journal.confirm([Confirmation(f"r{number}", (name,), "success", "") for name in names])
        journal.end_run(run)
    journal.close()
    print(
        json.dumps(
            {"seconds": time.perf_counter() - began, "bytes": os.path.getsize(path) if os.path.exists(path) else 0}
        )
    )


if __name__ == "__main__":
    FIRSTS = dict(zip(sys.argv[2].split(","), map(int, sys.argv[4].split(",")), strict=True))
    main(sys.argv[1], FIRSTS, sys.argv[3], int(sys.argv[5]), confirmed=sys.argv[6] == "confirmed")
