# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documented error bodies of the APIs, each family with its source; those of the gateway are in its own file."""

from __future__ import annotations

from ..http.messages import ApiError, Reply


def oauth(status: int, error: str, description: str) -> ApiError:
    """Build an OAuth error (provider exception of the SDKs: error, error_description)."""
    return ApiError(Reply(status, {"error": error, "error_description": description}))


def m2m(code: str, message: str, status: int = 400) -> ApiError:
    """Build a connectivity-management error; clients match the code without the service name."""
    return ApiError(Reply(status, {"errorCode": f"UnifiedWebService.{code}", "errorMessage": message}))


def fota(message: str, status: int = 400, code: str = "INVALID_PARAMETER") -> ApiError:
    """Build a software-management error (Error Messages page: INVALID_PARAMETER in all visible rows)."""
    return ApiError(Reply(status, {"errorCode": code, "errorMessage": message}))


def session(form: str, problem: str) -> ApiError:
    """Build a session error in one of the forms seen; ``problem`` is Expired, Format or Invalid.

    FOTA's own form is not documented. ``uws_400`` is the one of the Location API, the closest relative.
    """
    if form.startswith("m2m_"):
        family = "INPUT_INVALID" if problem == "Invalid" else "REQUEST_FAILED"
        return m2m(f"{family}.SessionToken.{problem}", _SESSION_TEXT[problem], int(form[4:]))
    if form == "diagnostics_401":
        return fota("An error was encountered when trying to verify the UWS account.", 401, "INVALID_ACCOUNT")
    if form == "cloud_connector_401":
        body = {
            "error": "unauthorized",
            "error_description": "Failure response received for UWS V1 REST accounts: [400]",
            "cause": "Requested service is unauthorized for given token",
        }
        return ApiError(Reply(401, body))
    return fota(f"UWS verification failure ({_SESSION_TEXT[problem]})")


# "The Session has expired." is documented; the two other texts are not, only their codes are.
_SESSION_TEXT = {
    "Expired": "The Session has expired.",
    "Format": "The Session token is missing.",
    "Invalid": "The Session token is not valid.",
}
