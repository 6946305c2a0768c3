# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What is told of a run: of each account, of what is not as wanted after it, and its last lines."""

from __future__ import annotations

import typing as t

from .._plan.incomplete import is_done
from .._plan.outcomes import MAY_HAVE_MOVED
from .._simsec.again import SENDS_ALL
from .._text.lists import few, said_once
from .again import REMOVE_THE_CAUSE, is_frozen, is_stopped, sent_unseen, to_wait
from .command import command_of
from .documents import Json
from .option_names import in_terms_of
from .record import RunAccount, RunPart, RunRecord
from .record_values import summary_of

_NAMED = 20


def undo_command(how: Json | None, run: str) -> str:
    """The command that shows what an undo of the run would do; empty if nobody says which it is."""
    return command_of(how, run=run) + " --check" if how else ""


def last_lines(record: RunRecord, path: str, files: t.Mapping[str, str], left: str, undo: str) -> list[str]:
    """What a person sees last: the status, what is not as wanted, and where the files are.

    :param left: see C(left_after).
    """
    if record.ended is None:
        return []
    page = [f"Run: {files['markdown']}"] if "markdown" in files else []
    lines = [
        f"Status: {record.status}",
        left,
        *page,
        f"Record: {path}",
        f"Digest: {record.plan}",
        f"To undo: {undo}" if undo and record.reversible else "",
    ]
    return [line for line in lines if line]


def left_after(record: RunRecord, journal: str | None) -> str:
    """What is not as wanted after the run: what the plan left, and what was not carried out."""
    return " ".join(filter(None, [record.remaining, not_done(record, journal)]))


def not_done(record: RunRecord, journal: str | None, path: str = "") -> str:
    """The changes that were not carried out, in counts, and what to do about them; empty if there are none."""
    shown_now = [shown_account(account) for account in record.accounts]
    names = [one["account"] for one in shown_now if not one["complete"]]
    if not names:
        return ""
    rows = [row for part in record.parts for row in part.devices if not is_done(row)]
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in summary_of(rows).items() if count)
    waiting = any(row["outcome"] == "accepted" for row in rows)
    # A run that was not to wait is as planned.
    only = all(row["outcome"] == "accepted" for row in rows) and not any(one["failures"] for one in shown_now)
    texts = [
        f"Not everything {'is confirmed yet' if only else 'became as planned'} in {few(names, _NAMED)}"
        + (f": {counts}." if counts else "."),
    ]
    if is_frozen(record):
        texts.append("Nothing is changed in an account during a freeze window.")
    if is_stopped(record):
        texts.append(REMOVE_THE_CAUSE)
    if sent_unseen(record.parts, journal):
        texts.append(in_terms_of(record.caller, SENDS_ALL))
    elif waiting:
        texts.append(f"What is only accepted is not confirmed yet. To wait, {to_wait(record.caller)}.")
    return " ".join([*texts, *([f"See {path}."] if path else [])])


def with_words(account: RunAccount, red: str) -> Json:
    """What is shown of an account, with the text of the role's last task about it."""
    shown = shown_account(account)
    licenses = _counts(part for part in account.parts if part.kind != "removal_candidates")
    entries = _counts(part for part in account.parts if part.kind == "removal_candidates")
    done = (
        [licenses, f"Removal candidates: {entries}" if entries else ""] if licenses or entries else ["Nothing was sent"]
    )
    counts = [f"{text}." for text in done if text]
    texts = [*shown["failures"], red] if shown["failures"] or red else counts
    if shown["failures"] and shown["changed"]:
        # A failure may be of one kind of license, and say that nothing was sent of that one.
        texts = [*counts, *texts]
    return {**shown, "red": bool(shown["failures"] or red), "text": said_once(filter(None, texts))}


def _counts(parts: t.Iterable[RunPart]) -> str:
    counts = summary_of(row for part in parts for row in part.devices)
    return ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items() if count)


def shown_account(account: RunAccount) -> Json:
    """What people see of an account: counts, and why it failed."""
    counts = summary_of(row for part in account.parts for row in part.devices)
    failures = [f"{account.failure.code}: {account.failure.message}"] if account.failure else []
    failures += [part.failure.message for part in account.parts if part.failure]
    return {
        "account": account.account,
        "summary": {outcome: count for outcome, count in counts.items() if count},
        "failures": failures,
        # What is unknown may have been done.
        "changed": any(counts[outcome] for outcome in MAY_HAVE_MOVED),
        "complete": all(is_done(row) for part in account.parts for row in part.devices) and not failures,
    }
