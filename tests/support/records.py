# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run records for tests, made of what is in files."""

from __future__ import annotations

import typing as t

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.documents import read
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record import RunAccount, RunPart, RunRecord

Json = dict[str, t.Any]

_PART = {"kind": "fota", "sku": "", "id_kind": "imei", "lifetime": False, "api_version": "", "action": "exact"}


RUN: Json = {
    "format": 1,
    "run": "20261121T215143Z-1a2b3c4d",
    "kind": "apply",
    "started": "2026-11-21T21:51:43Z",
    "ended": "2026-11-21T21:59:00Z",
    "plan": "",
    "status": "done",
    "accounts": [],
}
"""The record of a run that changed nothing, without its checksum."""


def run_part(part: Json) -> RunPart:
    """A part of a run. What is missing is as usual."""
    return read(RunPart, {**_PART, "summary": {}, **part})


def run_account(account: Json) -> RunAccount:
    """An account of a run."""
    return read(RunAccount, {**account, "parts": []})._replace(parts=list(map(run_part, account["parts"])))


def run_record(document: Json) -> RunRecord:
    """A run."""
    made = read(RunRecord, {**document, "accounts": []})
    return made._replace(accounts=list(map(run_account, document["accounts"])))
