# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Every foreseeable failure, as one small tree with stable codes that playbooks can test.

A message says what was tried, what came back, and what to do next. Request arguments are never
put into an error, so that no secret can travel in one.
"""

from __future__ import annotations

import os
import traceback
import typing as t

CODES: dict[str, str] = {
    "account_not_found": "ThingSpace does not know the account, or the user may not see it.",
    "answer_too_large": "An answer was larger than any valid one, so reading stopped.",
    "api_rejected": "ThingSpace refused the request as a whole.",
    "auth_rejected": "ThingSpace keeps refusing the tokens, even right after a new login.",
    "bad_answer": "An answer could not be understood (truncated, not JSON, fields missing).",
    "bad_callback": "A callback could not be understood (not JSON, fields missing).",
    "canary_failed": "Too many devices of the first waves did not reach the wanted state. The others were not sent.",
    "connection_failed": "ThingSpace or the proxy could not be reached, or the connection broke.",
    "deadline_exceeded": "The task ran out of time.",
    "devices_failed": "The run finished, but some devices did not reach the wanted state.",
    "empty_exact": "A task with state exact has no devices, so it would remove every license.",
    "file_unreadable": "A file cannot be read or is not the right kind of file.",
    "fleet_file_exists": "A fleet file with other content already exists.",
    "fleet_file_invalid": "A fleet file cannot be read or is invalid.",
    "frozen": "The account is in a freeze window. Nothing was written.",
    "guard_tripped": "The plan exceeds a limit. Nothing was written.",
    "incomplete_list": "A list from ThingSpace contradicts itself, or no count proves that it is complete.",
    "insecure_url": "Plain http is refused unless the host is the local machine.",
    "internal_error": "This collection has a defect.",
    "interrupted": "The task was told to end, or the process that started it is gone. Nothing more was sent.",
    "invalid_account": "The account name is invalid.",
    "invalid_devices": "Some device ids are invalid or are listed twice.",
    "invalid_options": "Options are missing, unknown, or out of range, or they contradict each other.",
    "invalid_request_id": "The request id does not have the documented form.",
    "invalid_sku": "The SKU is invalid, or is a misspelled documented SKU.",
    "journal_behind": "The journal is an older copy, or it does not know of lifetime licenses that may be assigned.",
    "journal_damaged": "The journal is damaged or missing.",
    "journal_full": "The journal cannot be written because the disk is full.",
    "journal_locked": "Another job keeps the journal locked.",
    "journal_newer": "A newer release wrote the journal.",
    "journal_unusable": "The journal cannot be opened, read, or written.",
    "lifetime_consent": "The plan would give lifetime licenses to more devices than the task consents to.",
    "lifetime_not_removable": "A lifetime license can never be removed.",
    "lifetime_without_journal": "A lifetime license would be assigned without a journal.",
    "list_changed": "Someone else changed the removal candidates during the task.",
    "list_not_restored": "A rewrite of the removal candidates failed, and the previous list could not be restored.",
    "login_blocked": "Earlier logins did not succeed. Another one could lock the account, so it was not tried.",
    "login_refused": "ThingSpace refused the credentials.",
    "missing_credentials": "Credentials are missing or incomplete.",
    "missing_library": "The Python library requests is not installed for the module's Python.",
    "no_listener": "ThingSpace's reports would not reach any known listener.",
    "not_eligible": "Some devices cannot get the license because they are not active or not in the account.",
    "not_licensed": "Some devices hold no license, so they cannot be removal candidates.",
    "not_recorded": "A request was accepted but could not be recorded in the journal.",
    "outcome_unknown": "The result for some devices, or for the listener, is unknown.",
    "plan_changed": "The approved plan is not the plan that would be carried out now.",
    "plan_file_invalid": "The approved plan is not a plan file, or it was edited.",
    "pool_exhausted": "The account has fewer free licenses than the plan needs.",
    "rate_limited": "ThingSpace keeps answering that there are too many requests.",
    "redirected": "The server answered with a redirect, which the API never does.",
    "report_unwritable": "The report file cannot be written.",
    "run_file_invalid": "A run record cannot be read, is not a run record, or was edited.",
    "run_order_unknown": "It is unknown which runs came after the run to undo.",
    "runtime_dir_unusable": "The directory for shared state cannot be used safely.",
    "server_error": "ThingSpace keeps answering with a server error.",
    "sku_not_subscribed": "The account has no licenses of the SKU.",
    "timeout": "The server took longer than one request may take.",
    "tls_failed": "The server's certificate or the TLS connection was not accepted.",
    "two_licenses": "A device holds SIM-Secure licenses of several SKUs, which a fleet file cannot express.",
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
"""Problems kept in a result. Beyond that, only their number is given, so that a log stays readable."""

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
