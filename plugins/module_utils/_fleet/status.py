# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The file with the status of a run in one word. It tells a program that starts Ansible how the run ended."""

from __future__ import annotations

import contextlib

from .._error_codes import Code
from .._errors import LicensingError

GREEN = frozenset({"", "no_change", "changes"})
"""The statuses of a run that leaves nothing to do; C(changes) is one of them once the plan is carried out."""

NO_APPROVAL: dict[Code, str] = {
    "lifetime_consent": "Check the devices. If they are right, set 'lifetime_consent' in the fleet file.",
    "lifetime_without_journal": "Set the journal: -e fleet_journal=PATH.",
    "journal_behind": "Restore the newest journal. If you know which devices hold the other licenses, set "
    "'lifetime_elsewhere' in the fleet file. If there was no journal before: -e fleet_journal_new=true.",
    "no_listener": "A listener is required because the run assigns lifetime licenses, has "
    "'fleet_licensing_require_listener', or waits ('fleet_licensing_wait') in an account whose count shows nothing. "
    "Start a receiver and register it with the module 'callback'. If there is a listener that ThingSpace does not "
    "list: -e fleet_licensing_require_listener=false.",
    "not_licensed": "List only licensed devices, or set 'unlicensed: warn' under 'removal_candidates' in the fleet "
    "file.",
    "refusal_foreseen": "Leave these devices out, or set 'foreseen_refusals: skip' under 'fota' in the fleet file.",
    "pool_exhausted": "Buy licenses, free some, or list fewer devices.",
}
"""What stops a plan despite any approval, by code, and what to do about it in the terms of a fleet run."""


def without_approval(code: str, reason: str) -> str:
    """The message of a plan that is stopped for this reason, with what to do about it if no approval helps.

    :param reason: the module's reason; its own advice starts with what was not done.
    """
    if code not in NO_APPROVAL:
        return reason
    return f"{reason.partition(' Nothing was ')[0].rstrip()} No approval lets this through. {NO_APPROVAL[code]}"


def tell(path: str, word: str) -> None:
    """Write the word.

    :raises LicensingError: C(report_unwritable).
    """
    try:
        with open(path, "w", encoding="ascii") as stream:
            stream.write(word + "\n")
    except OSError as error:
        raise LicensingError(
            f"The status could not be written to {path}: {error.strerror or error}.", code="report_unwritable"
        ) from None


def worsen(path: str) -> None:
    """Record that a plan that was carried out leaves something. A worse status stays.

    :raises LicensingError: C(report_unwritable).
    """
    word = ""
    with contextlib.suppress(OSError, UnicodeError), open(path, encoding="ascii") as stream:
        word = stream.read(100).strip()
    if word in GREEN:
        tell(path, "incomplete")
