# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks before every resource: the Bearer token, then the session (both on every call)."""

from __future__ import annotations

from ..http import gateway
from . import errors
from .call import Call

SESSION_HEADER = "vz-m2m-token"


def check(call: Call) -> None:
    """Raise the documented error unless the call shows what its route needs."""
    if call.route.needs == "nothing":
        return
    _check_token(call)
    if call.route.needs == "session":
        _check_session(call)


def _check_token(call: Call) -> None:
    """Check the Authorization header as the gateway does."""
    given = call.request.headers.get("authorization", "")
    if not given:
        raise gateway.missing_credentials()
    scheme, _space, token = given.partition(" ")
    if scheme.lower() != "bearer":
        raise gateway.wrong_authentication()
    if not call.world.auth.token_is_good(token.strip()):
        raise gateway.invalid_credentials(call.route.context, call.route.version)


def _check_session(call: Call) -> None:
    """Check the session; connectivity management itself always uses its own documented codes."""
    problem = call.world.auth.session_problem(call.request.headers.get(SESSION_HEADER))
    if problem is None:
        return
    form = call.world.quirks.word("session_error")
    if call.route.context == "/m2m/v1" and not form.startswith("m2m_"):
        form = "m2m_400"
    raise errors.session(form, problem)
