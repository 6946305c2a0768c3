# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendor's public Python SDK, pointed at the simulator."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.tests.support.simulated import Simulator


def sdk_client(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> t.Any:
    """A client of the SDK with both tokens, whose servers are the simulator."""
    from verizon.configuration import Configuration, Environment
    from verizon.http.auth.thingspace_oauth import ThingspaceOauthCredentials
    from verizon.http.auth.vz_m2m_token import VZM2mTokenCredentials
    from verizon.models.log_in_request import LogInRequest
    from verizon.verizon_client import VerizonClient

    servers = Configuration.environments[Environment.PRODUCTION]
    for server, address in list(servers.items()):
        here = address.replace("https://thingspace.verizon.com/api", simulator.base_url)
        monkeypatch.setitem(servers, server, here)
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    oauth = ThingspaceOauthCredentials(oauth_client_id="not-secret", oauth_client_secret="not-secret")
    first = VerizonClient(thingspace_oauth_credentials=oauth)
    login = LogInRequest(username="not-secret", password="not-secret")
    session = first.session_management.start_connectivity_management_session(login).body.session_token
    token = VZM2mTokenCredentials(vz_m2m_token=session)
    return VerizonClient(thingspace_oauth_credentials=oauth, vz_m2m_token_credentials=token)
