# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The file with the status of a run in one word. It tells a program that starts Ansible how the run ended."""

from __future__ import annotations

import contextlib
import os

from .._errors import LicensingError, Problem

GREEN = frozenset({"", "no_change", "changes"})
"""The statuses of a run that leaves nothing to do; C(changes) is one of them once the plan is carried out."""


WORDS = GREEN | {"incomplete", "guard_tripped", "error", "plan_changed"}
"""All that such a file may hold."""

_OURS = (".json", ".md", ".html", ".csv")
"""How the names of other files in C(dest) end."""


def status_problems(path: str | None, dest: str | None, journal: str | None) -> list[Problem]:
    """Refuse to replace a file that holds anything but a status, such as a fleet file or an approved plan, and to take
    the place of one that will be there.

    :param dest: where the plan or the record is written.
    """
    if not path:
        return []
    real = os.path.realpath(path)
    in_dest = bool(dest) and os.path.dirname(real) == os.path.realpath(str(dest)) and real.endswith(_OURS)
    if in_dest or (journal and real == os.path.realpath(journal)):
        return [Problem(f"'status_file' {path} is the place of another file. Name another file.")]
    if not os.path.isfile(path):
        return []
    with contextlib.suppress(OSError), open(path, encoding="ascii", errors="replace") as stream:
        text = stream.read(101)
        if len(text) > 100 or text.strip() not in WORDS:
            return [Problem(f"'status_file' {path} is there, and is no status file. Name another file.")]
    return []


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
    if os.path.exists(path) and not os.path.isfile(path):
        # Whoever reads a pipe has the first word already, and writing another one may wait for ever.
        return
    word = ""
    with contextlib.suppress(OSError, UnicodeError), open(path, encoding="ascii") as stream:
        word = stream.read(100).strip()
    if word in GREEN:
        tell(path, "incomplete")
