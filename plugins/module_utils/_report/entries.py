# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The accounts of a report: what was read of each, compared with the accounts of the fleet files."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import LicensingError, Problem
from .data import FLEET_FILES, AccountData, Json, ReadFailure
from .stored import load
from .text import visible

FORMER = ("wanted", "fota", "removal_candidates", "simsec", "devices", "reports", "shrink_to")
"""What an entry was made of until 0.5.0."""


def dropped(account: str) -> Json:
    """The entry of an account that was not read because its host was gone before. Ansible does not say why."""
    why = "Its host failed, could not be reached, or left the play before the account was read."
    return {"account": account, "msg": why}


def entry_problems(entries: t.Sequence[Json]) -> t.Iterator[Problem]:
    """Problems with the entries of the option C(accounts)."""
    names: set[str] = set()
    for entry in entries:
        name = entry.get("account")
        if not isinstance(name, str) or not name:
            yield Problem("each entry of 'accounts' needs an 'account'.")
        elif name in names:
            yield Problem(f"'accounts' has the account {visible(name)[:60]} twice.")
        names.add(str(name))
        former = [key for key in FORMER if key in entry]
        if former:
            yield Problem(
                f"'accounts' has {', '.join(former)} for {visible(name)[:60]}. Since 0.6.0, fleet_account_info reads "
                "an account, and each entry is what it returned."
            )


def data_of(entry: Json, fleet: t.Container[str] | ReadFailure | None) -> AccountData:
    """What was read of an account.

    :param fleet: the accounts of the fleet files, or what is wrong with these files; None without such files.
    """
    data = _read(entry)
    wrong = [fleet] if isinstance(fleet, ReadFailure) else []
    if fleet is None or (not wrong and entry["account"] in fleet):
        return data
    failures = [*wrong, *(failure for failure in data.failures if failure.what != FLEET_FILES)]
    return dataclasses.replace(data, wanted=None, failures=failures, unnamed=not wrong)


def _read(entry: Json) -> AccountData:
    name = visible(entry["account"])
    if not entry.get("data_file"):
        # The task failed.
        failure = entry.get("failure")
        failure = failure if isinstance(failure, dict) else {"code": "failed", "message": entry.get("msg")}
        message = visible(failure.get("message") or "The task ended without a result.")
        return AccountData(name, [ReadFailure("the account", visible(failure.get("code")), message)])
    try:
        return load(str(entry["data_file"]), entry["account"])
    except LicensingError as error:
        return AccountData(name, [ReadFailure("the account", error.code, visible(error.message))])
