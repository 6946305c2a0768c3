# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Every foreseeable failure, as one small tree with stable codes that playbooks can test.

A message says what was tried, what came back and what to do next. Request arguments are never
put into an error, so that no secret can travel in one.
"""

from __future__ import annotations

import os
import traceback
import typing as t

CODES: dict[str, str] = {
    "account_not_found": "ThingSpace does not know the account, or the user may not see it.",
    "answer_too_large": "An answer was larger than any real one can be; reading it was stopped.",
    "api_rejected": "ThingSpace refused the request as a whole.",
    "auth_rejected": "ThingSpace keeps refusing the tokens, also right after logging in again.",
    "bad_answer": "An answer could not be understood (truncated, not JSON, fields missing).",
    "bad_callback": "A callback could not be understood (not JSON, fields missing).",
    "canary_failed": "Too many devices of the first waves are not as wanted; the others were not sent.",
    "connection_failed": "No connection to ThingSpace or the proxy, or it broke.",
    "deadline_exceeded": "The task's total time ran out.",
    "devices_failed": "The run went through, but some devices did not reach the wanted state.",
    "empty_exact": "An exact run was given no device, which would take away every license.",
    "file_unreadable": "A file cannot be read, or is not the kind of file that is needed.",
    "fleet_file_exists": "A fleet file exists already, and says something else.",
    "fleet_file_invalid": "A fleet file cannot be read, or says what no fleet file may say.",
    "frozen": "The account is in a freeze window; nothing was written.",
    "guard_tripped": "The plan exceeds a limit; nothing was written.",
    "incomplete_list": "A list of ThingSpace's contradicts itself, or no count proves it to be complete.",
    "insecure_url": "Plain http is refused unless the host is this machine.",
    "internal_error": "A defect in this collection.",
    "interrupted": "The task was told to end, or whoever started it is gone; nothing more was sent.",
    "invalid_account": "The account name cannot be one.",
    "invalid_devices": "Some device ids cannot be ids, or are named twice.",
    "invalid_options": "Options are missing, unknown, out of range or contradict each other.",
    "invalid_request_id": "The request id is not of the documented form.",
    "invalid_sku": "The SKU can be none, or is a documented one in a wrong spelling.",
    "journal_behind": "The journal is an older copy, or lifetime licenses may be assigned that it does not know of.",
    "journal_damaged": "The journal is damaged or gone.",
    "journal_full": "The journal cannot be written because the disk is full.",
    "journal_locked": "Another job kept the journal locked.",
    "journal_newer": "The journal was written by a newer release.",
    "journal_unusable": "The journal cannot be opened, read or written.",
    "lifetime_consent": "The plan would bind more devices for life than the task consents to.",
    "lifetime_not_removable": "A lifetime license can never be taken back.",
    "lifetime_without_journal": "A lifetime license would be assigned without a journal.",
    "list_changed": "Somebody else changed the removal candidates while the task was at it.",
    "list_not_restored": "A rewrite of the removal candidates failed, and so did putting the previous list back.",
    "login_blocked": "Earlier logins had no success; another one could lock the account, so it was not tried.",
    "login_refused": "ThingSpace refused the credentials.",
    "missing_credentials": "Credentials are missing or incomplete.",
    "missing_library": "The Python library requests is not installed for the module's Python.",
    "no_listener": "Nobody is known to hear what ThingSpace would report.",
    "not_eligible": "Some devices cannot get the license, because they are not active or not in the account.",
    "not_licensed": "Some devices hold no license, so they cannot be candidates for losing it.",
    "not_recorded": "A request was accepted, but that could not be written into the journal.",
    "outcome_unknown": "For some devices, or for the listener, no trustworthy answer could be had.",
    "plan_changed": "The approved plan is not the plan that would be carried out now.",
    "plan_file_invalid": "The approved plan is no plan file, or was changed after it was made.",
    "pool_exhausted": "The account has fewer free licenses than the plan needs.",
    "rate_limited": "ThingSpace kept answering that there are too many requests.",
    "redirected": "The server answered with a redirect, which the API never does.",
    "report_unwritable": "The report file cannot be written.",
    "run_file_invalid": "A run record cannot be read, is none, or was changed after it was written.",
    "run_order_unknown": "It cannot be told which runs came after the one that is to be undone.",
    "runtime_dir_unusable": "The directory for shared state cannot be used safely.",
    "server_error": "ThingSpace kept answering with a server error.",
    "sku_not_subscribed": "The account has no licenses of the SKU.",
    "timeout": "The server took longer than one request may take.",
    "tls_failed": "The server's certificate or the TLS connection was not acceptable.",
    "two_licenses": "A device holds SIM-Secure licenses of several SKUs, which no fleet file can say.",
    "unconfirmed": "Some devices were not confirmed in time.",
}
"""Each stable C(failure.code) and its meaning. Documented in docs/errors.md; a test keeps both equal."""


class LicensingError(Exception):
    """A failure that a user can act on.

    :param message: what was tried, what came back, what to do next; free of secrets.
    :param code: a key of C(CODES).
    :param details: further plain fields for C(failure).
    """

    def __init__(self, message: str, *, code: str, **details: t.Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.details = details

    def as_failure(self) -> dict[str, t.Any]:
        """The C(failure) value of a module's result."""
        return {"code": self.code, "message": self.message, **self.details}


class OptionsError(LicensingError):
    """Bad input, found before anything was sent. Carries every problem, not just the first."""

    def __init__(self, problems: list[Problem]) -> None:
        codes = sorted({problem.code for problem in problems})
        code = codes[0] if len(codes) == 1 else "invalid_options"
        texts = [problem.text for problem in problems]
        super().__init__(
            _listed(texts) + "Nothing was sent.",
            code=code,
            problems=texts[:MAX_PROBLEMS],
            problem_count=len(texts),
        )


class Problem(t.NamedTuple):
    """One thing that is wrong with the input."""

    text: str
    code: str = "invalid_options"


MAX_PROBLEMS = 1000
"""Problems kept in a result; beyond it only their number is given, so that a log stays readable."""

_SHOWN = 20


class TransportError(LicensingError):
    """No usable answer came back.

    :param sent: whether the request may have reached the server (and may have taken effect).
    :param retryable: whether trying again can help at all.
    """

    def __init__(self, message: str, *, code: str, sent: bool, retryable: bool = True, **details: t.Any) -> None:
        super().__init__(message, code=code, **details)
        self.sent = sent
        self.retryable = retryable


class ApiError(LicensingError):
    """ThingSpace answered, and the answer is not the wanted one.

    :param status: HTTP status.
    :param effect_possible: whether the request may have taken effect all the same (5xx, garbled success).
    """

    def __init__(
        self, message: str, *, code: str, status: int, effect_possible: bool = False, **details: t.Any
    ) -> None:
        super().__init__(message, code=code, status=status, **details)
        self.status = status
        self.effect_possible = effect_possible


def defect(error: Exception, may_be_done: str = "") -> LicensingError:
    """A defect of ours: where it happened, but not its text, which may quote anything.

    :param may_be_done: what may have been carried out all the same; empty when nothing can have been.
    """
    frame = traceback.extract_tb(error.__traceback__)[-1]
    known = may_be_done or "It is not known how far the task came."
    text = (
        f"A defect in thingspace.licensing: {type(error).__name__} in {os.path.basename(frame.filename)}, line "
        f"{frame.lineno}. Please report it with this message. {known} Running it again in check mode shows the state."
    )
    if may_be_done:
        return TransportError(text, code="internal_error", sent=True, retryable=False)
    return LicensingError(text, code="internal_error")


def is_lost(error: LicensingError) -> bool:
    """Whether the request behind this error may have taken effect, so that only reading can tell."""
    if isinstance(error, TransportError):
        return error.sent
    return isinstance(error, ApiError) and error.effect_possible


def _listed(texts: list[str]) -> str:
    if len(texts) == 1:
        return texts[0] + " "
    shown = "\n".join("- " + text for text in texts[:_SHOWN])
    more = f"\n- and {len(texts) - _SHOWN} more (see failure.problems)" if len(texts) > _SHOWN else ""
    return f"{len(texts)} problems were found:\n{shown}{more}\n"
