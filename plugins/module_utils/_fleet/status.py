# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The file with the status of a run in one word, by which a program that starts Ansible knows how it ended."""

from __future__ import annotations

import contextlib

from .._error_codes import Code
from .._errors import LicensingError

GREEN = frozenset({"", "no_change", "changes"})
"""The words of a run that leaves nothing; C(changes) is one when the plan is carried out."""

NO_APPROVAL: dict[Code, str] = {
    "lifetime_consent": "Check the devices. If they are right, set 'lifetime_consent' in the fleet file.",
    "lifetime_without_journal": "Set the journal: -e fleet_journal=PATH.",
    "journal_behind": "Restore the newest journal. If you know which devices hold the other licenses, set "
    "'lifetime_elsewhere' in the fleet file.",
    "no_listener": "A listener is required because the run waits for the result of each device "
    "('fleet_licensing_wait'), assigns lifetime licenses, or has 'fleet_licensing_require_listener'. "
    "Start a receiver and register it with the module 'callback'. If there is a listener that ThingSpace does not "
    "list: -e fleet_licensing_require_listener=false.",
    "not_licensed": "List only licensed devices, or set 'unlicensed: warn' under 'removal_candidates' in the fleet "
    "file.",
    "pool_exhausted": "Buy licenses, free some, or list fewer devices.",
}
"""What stops a plan whatever is approved, by code, and what to do about it in the words of a fleet run."""


def without_approval(code: str, told: str) -> str:
    """What a plan says that is stopped for this reason, with what to do about it where no approval helps.

    :param told: why, in the words of a module, whose own advice begins with what was not done.
    """
    if code not in NO_APPROVAL:
        return told
    return f"{told.partition(' Nothing was ')[0].rstrip()} No approval lets this through. {NO_APPROVAL[code]}"


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
    """Say that something is left of a plan that was carried out; a word that says something worse stays.

    :raises LicensingError: C(report_unwritable).
    """
    word = ""
    with contextlib.suppress(OSError, UnicodeError), open(path, encoding="ascii") as stream:
        word = stream.read(100).strip()
    if word in GREEN:
        tell(path, "incomplete")
