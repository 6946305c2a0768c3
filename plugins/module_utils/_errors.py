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

from ._error_codes import Code


class LicensingError(Exception):
    """A failure that a user can act on.

    :param message: what was tried, what came back, what to do next; free of secrets.
    :param in_doubt: whether the request behind it may have been executed, so that only reading can tell.
    :param details: further plain fields for C(failure).
    """

    def __init__(self, message: str, *, code: Code, in_doubt: bool = False, **details: t.Any) -> None:
        super().__init__(message)
        self.code = code
        self.in_doubt = in_doubt
        self.details = details

    @property
    def message(self) -> str:
        """The same as C(str)."""
        return str(self)

    def add(self, after: str = "", *, before: str = "") -> None:
        """Say more."""
        self.args = (f"{before}{self}{after}",)

    def reword(self, say: t.Callable[[str], str]) -> None:
        """Say everything in other words."""
        self.args = (say(str(self)),)
        if "advice" in self.details:
            self.details["advice"] = say(self.details["advice"])
        if "problems" in self.details:
            self.details["problems"] = [say(text) for text in self.details["problems"]]

    def as_failure(self) -> dict[str, t.Any]:
        """The C(failure) value of a module's result."""
        return {"code": self.code, "message": self.message, **self.details}


class OptionsError(LicensingError):
    """Bad input, found before anything was sent. Carries every problem, not just the first."""

    def __init__(self, problems: list[Problem]) -> None:
        codes = sorted({problem.code for problem in problems})
        code = codes[0] if len(codes) == 1 else "invalid_options"
        # Said once, at the end; and several parts of a task may find the same.
        texts = list(dict.fromkeys(problem.text.replace(" Nothing was sent.", "") for problem in problems))
        super().__init__(
            _listed(texts) + "Nothing was sent.",
            code=code,
            problems=texts[:MAX_PROBLEMS],
            problem_count=len(texts),
        )


class Problem(t.NamedTuple):
    """One thing that is wrong with the input."""

    text: str
    code: Code = "invalid_options"


MAX_PROBLEMS = 1000
"""Problems kept in a result. Beyond that, only their number is given, so that a log stays readable."""

_SHOWN = 20
_READ_AGAIN = "It was read again, and nothing was changed based on it."


class TransportError(LicensingError):
    """No usable answer came back.

    :param in_doubt: whether any byte of the request left.
    :param retryable: whether trying again can help at all.
    """

    def __init__(self, message: str, *, code: Code, in_doubt: bool, retryable: bool = True) -> None:
        super().__init__(message, code=code, in_doubt=in_doubt)
        self.retryable = retryable


class ApiError(LicensingError):
    """ThingSpace answered, and the answer is not the wanted one.

    :param status: HTTP status.
    """

    def __init__(self, message: str, *, code: Code, status: int, **more: t.Any) -> None:
        super().__init__(message, code=code, status=status, **more)
        self.status = status


class IncompleteList(LicensingError):
    """A list that contradicts itself.

    :ivar why: how it does.
    """

    def __init__(self, why: str, what: str = "licensed devices", done: str = _READ_AGAIN) -> None:
        self.why = why
        super().__init__(
            f"ThingSpace's list of {what} cannot be trusted: {why}. {done} Run again, and ask Verizon if it stays so.",
            code="incomplete_list",
        )


def defect(error: Exception, may_be_done: str = "") -> LicensingError:
    """A defect of ours: where it happened, but not its text, which may quote anything.

    :param may_be_done: what may have been carried out all the same; empty when nothing can have been.
    """
    known = may_be_done or "It is not known how far the task came."
    text = f"{defect_text(error)} {known} Running it again in check mode shows the state."
    return LicensingError(text, code="internal_error", in_doubt=bool(may_be_done))


def defect_text(error: Exception) -> str:
    """Where a defect of ours is, and that it is to be reported."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} in {os.path.basename(frame.filename)}, line {frame.lineno}"
    return f"A defect in thingspace.licensing: {where}. Please report it with this message."


def _listed(texts: list[str]) -> str:
    if len(texts) == 1:
        return texts[0] + " "
    shown = "\n".join("- " + text for text in texts[:_SHOWN])
    more = f"\n- and {len(texts) - _SHOWN} more (see failure.problems)" if len(texts) > _SHOWN else ""
    return f"{len(texts)} problems were found:\n{shown}{more}\n"
