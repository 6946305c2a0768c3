# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documented error bodies, four families of them, each with its source."""

from __future__ import annotations

from ..http.messages import ApiError, Reply


def fault(status: int, code: str, message: str, description: str) -> ApiError:
    """Build a gateway (WSO2) error; the code is a string (Synchronous Error Messages page)."""
    return ApiError(Reply(status, {"fault": {"code": code, "message": message, "description": description}}))


def no_resource(status: int, context: str, version: str) -> ApiError:
    """Build 900906: 400 for an unknown API, 404 for a wrong endpoint or method (same page)."""
    description = (
        f"Access failure for API: {context}, version: {version}. Check the API documentation and add a proper"
        " REST resource path to the invocation URL"
    )
    return fault(status, "900906", "No matching resource found in the API for the given request", description)


def missing_credentials() -> ApiError:
    """Build 900902; the page says Basic even where Bearer is what is missing."""
    description = (
        "Required OAuth credentials not provided. Make sure your API invocation call has a header:"
        ' "Authorization: Basic ACCESS_TOKEN"'
    )
    return fault(401, "900902", "Missing Credentials", description)


def invalid_credentials(context: str, version: str) -> ApiError:
    """Build 900901: a wrong and an expired Bearer token look the same."""
    description = (
        f"Access failure for API: {context}, version: {version}. Make sure you have given the correct access token"
    )
    return fault(401, "900901", "Invalid Credentials", description)


def wrong_authentication() -> ApiError:
    """Build the 403 for a wrong kind of authentication, which is XML (Synchronous Error Messages page)."""
    text = (
        '<am:fault xmlns:am="http://wso2.org/apimanager"><am:code>404</am:code><am:type>Status report</am:type>'
        "<am:message>Not Found</am:message><am:description>The requested resource is not available."
        "</am:description></am:fault>"
    )
    return ApiError(Reply(403, body=text.encode(), content_type="application/xml; charset=UTF-8"))


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
