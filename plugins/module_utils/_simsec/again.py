# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What running again does without a journal. Other advice to run again is for runs that know what they sent."""

from __future__ import annotations

import re

from .._errors import LicensingError

SENDS_ALL = (
    "Without 'journal', running again sends all devices again, because ThingSpace does not show which of them hold a "
    "license. First compare the counts, in ThingSpace's portal or with simsec_license_info. For later runs, set "
    "'journal'."
)

_ADVICE = re.compile(r" ?\bRun again(?:: [^.]*| later| when [^.]*)?\.|; running again continues where this run stopped")


def without_advice(text: str) -> str:
    """The text without the advice to run again."""
    return _ADVICE.sub("", text).strip()


def warn_of_another(failure: LicensingError) -> None:
    """Replace the advice to run again, for a run that sent something without a journal."""
    failure.reword(without_advice)
    if SENDS_ALL not in failure.message:
        failure.add(f" {SENDS_ALL}")
