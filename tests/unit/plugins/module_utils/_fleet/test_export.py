# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may hold a SIM-Secure license is exported or told, never silently left out."""

from __future__ import annotations

import contextlib
import itertools
import types
import typing as t
from pathlib import Path

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.export import _simsec
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import Confirmation
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.inventory import device_rows
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.plugins.module_utils._module import Context
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.answer import Action
from ansible_collections.thingspace.licensing.plugins.module_utils._text.lists import many
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imeis
from ansible_collections.thingspace.licensing.tests.support.journals import never

FATES: tuple[tuple[Action, str], ...] = tuple(
    itertools.product(t.get_args(Action), ("success", "failed", "accepted", "unknown", "refused"))
)
HISTORIES = [(one,) for one in FATES] + list(itertools.product(FATES, repeat=2))


def test_every_device_that_may_hold_a_license(tmp_path: Path) -> None:
    path, scope = str(tmp_path / "journal.db"), Scope(ACCOUNT, "SIMSec-IoT", "imei")
    devices = imeis(len(HISTORIES))
    with contextlib.closing(open_journal(path, write=True, told=never)) as journal:
        run = journal.begin_run(scope, "assign", 0)
        for device, history in zip(devices, HISTORIES, strict=True):
            for action, fate in history:
                request = journal.intend(run, scope, action, [device], "x")
                if fate == "refused":
                    journal.refused(request, "no", "no")
                elif fate == "unknown":
                    journal.settle(request, "unknown", "lost")
                else:
                    journal.accepted(request, f"r{request}")
                if fate in ("success", "failed"):
                    status = t.cast(t.Any, fate)
                    journal.confirm([Confirmation(f"r{request}", (("imei", device),), status, "why")])
        journal.end_run(run)
        may = {row.device_id for status, row in device_rows(journal, ACCOUNT, None) if status.may_hold}
    told: list[str] = []
    context = types.SimpleNamespace(params={"journal": path, "account": ACCOUNT}, warn=told.append, told=never)
    exported = {device for found in _simsec(t.cast(Context, context)).values() for device in found}
    assert exported < may
    assert len(told) == 1
    assert told[0].startswith(f"{many(len(may - exported), 'device')} may still hold")
