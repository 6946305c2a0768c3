# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What a run that is repeated does to the devices that are not as wanted, and so what to advise."""

from __future__ import annotations

import typing as t

from .._plan.incomplete import is_done
from .._simsec.again import SENDS_ALL
from .account_parts import RETRIES
from .option_names import Caller, how_to_set, in_terms_of
from .record import RunPart, RunRecord

REMOVE_THE_CAUSE = "Remove the cause, and plan again."


def to_wait(caller: Caller) -> str:
    """How to wait for confirmations of requests that a journal knows, as the rest of a sentence."""
    if caller == "undo":
        # An undo never only waits.
        return "undo the same run again later. Nothing is sent twice"
    again = "run the same again" if caller == "survey" else "apply the same plan again"
    return f"{again} with {how_to_set(caller, 'wait')}. It sends nothing to these devices, and waits"


def is_stopped(record: RunRecord) -> bool:
    """Whether something failed, or was stopped, for a reason that time alone does not remove."""
    return any(failure.code not in ("unconfirmed", "frozen") for failure in record.failures)


def is_frozen(record: RunRecord) -> bool:
    """Whether a freeze window kept the run from changing an account. The account's failure says until when."""
    return any(failure.code == "frozen" for failure in record.failures)


def sent_unseen(parts: t.Iterable[RunPart], journal: str | None) -> bool:
    """Whether the run sent SIM-Secure requests that nothing knows of, so that another run sends them again."""
    rows = (row for part in parts if part.kind == "simsec" for row in part.devices)
    return not journal and any(row["outcome"] in ("accepted", "unknown") for row in rows)


def of_a_run(record: RunRecord, journal: str | None) -> str:
    """What to do about what did not become as planned in a run; empty if everything did."""
    parts, caller = record.parts, record.caller
    outcomes = {row["outcome"] for part in parts for row in part.devices if not is_done(row)}
    texts = []
    if stopped := is_stopped(record):
        texts = [REMOVE_THE_CAUSE]
    if outcomes - {"accepted"}:
        retries = " or ".join(filter(None, (how_to_set(caller, option) for option in RETRIES)))
        known = " SIM-Secure requests that failed, or whose result is unknown, are sent again only with "
        texts += [
            f"{'The new plan' if stopped else 'Make a new plan. It'} shows what is still to be done."
            + (f"{known}{retries}. Look at the reasons first." if journal else "")
        ]
    if sent_unseen(parts, journal):
        texts.append(in_terms_of(caller, SENDS_ALL))
    elif "accepted" in outcomes:
        texts.append(f"To wait for the confirmations, {to_wait(caller)}.")
    return " ".join(texts)
