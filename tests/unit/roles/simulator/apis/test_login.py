# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OAuth token, session, lock-out, expiry: all by the simulator's clock."""

from __future__ import annotations

import uuid

import pytest
import requests


def test_token_fields_and_same_token_within_the_hour(start):
    sim = start()
    first = sim.token().json()
    assert first["token_type"] == "Bearer"
    assert 3590 <= first["expires_in"] <= 3600
    sim.advance(3000)
    second = sim.token().json()
    assert second["access_token"] == first["access_token"]
    assert 590 <= second["expires_in"] <= 600
    sim.advance(601)
    assert sim.token().json()["access_token"] != first["access_token"]


@pytest.mark.parametrize(
    ("options", "status", "error"),
    [
        ({"key": "other"}, 401, "invalid_client"),
        ({"secret": "other"}, 401, "invalid_client"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_token_refused(start, options, status, error):
    answer = start().token(**options)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]


def test_token_without_basic_is_a_gateway_fault_with_a_string_code(start):
    answer = requests.post(f"{start().root}/api/ts/v1/oauth2/token", data={"grant_type": "x"}, timeout=5)
    assert (answer.status_code, answer.json()["fault"]["code"]) == (401, "900902")


def test_resource_without_wrong_and_expired_bearer(sim):
    assert sim.list().status_code == 200
    good = sim.headers.pop("Authorization")
    assert sim.list().json()["fault"]["code"] == "900902"
    answer = sim.list(headers={"Authorization": "Bearer nonsense"})
    assert (answer.status_code, answer.json()["fault"]["code"]) == (401, "900901")
    answer = sim.list(headers={"Authorization": "Basic eDp5"})
    assert answer.status_code == 403
    assert answer.text.startswith("<am:fault")
    assert "xml" in answer.headers["Content-Type"]
    sim.advance(3601)
    assert sim.list(headers={"Authorization": good}).json()["fault"]["code"] == "900901"


def test_revoke_ends_the_token_without_a_body(sim):
    token = sim.headers["Authorization"].split()[1]
    data = {"grant_type": "client_credentials", "token": token}
    answer = sim.http.post(
        f"{sim.root}/api/ts/v1/oauth2/revoke", data=data, auth=("not-secret", "not-secret"), timeout=5
    )
    assert (answer.status_code, answer.content) == (200, b"")
    assert sim.list().status_code == 401


def test_login_returns_a_guid_and_nothing_else(sim):
    reply = sim.session().json()
    assert list(reply) == ["sessionToken"]
    uuid.UUID(reply["sessionToken"])
    sim.quirk(login_expires_in="1800")
    assert sim.session().json()["expiresIn"] == 1800


def test_session_slides_for_twenty_idle_minutes(sim):
    for _time in range(3):
        sim.advance(1100)
        sim.headers["Authorization"] = f"Bearer {sim.token().json()['access_token']}"
        assert sim.list().status_code == 200
    sim.advance(1201)
    sim.headers["Authorization"] = f"Bearer {sim.token().json()['access_token']}"
    answer = sim.list()
    assert answer.status_code == 400
    assert answer.json() == {
        "errorCode": "INVALID_PARAMETER",
        "errorMessage": "UWS verification failure (The Session has expired.)",
    }


@pytest.mark.parametrize(
    ("form", "status", "word"),
    [
        ("uws_400", 400, "The Session has expired."),
        ("m2m_400", 400, "UnifiedWebService.REQUEST_FAILED.SessionToken.Expired"),
        ("m2m_403", 403, "UnifiedWebService.REQUEST_FAILED.SessionToken.Expired"),
        ("diagnostics_401", 401, "INVALID_ACCOUNT"),
        ("cloud_connector_401", 401, "unauthorized"),
    ],
)
def test_session_error_forms(sim, form, status, word):
    sim.quirk(session_error=form)
    answer = sim.list(headers={"VZ-M2M-Token": str(uuid.uuid4())})
    assert answer.status_code == status
    assert word in answer.text


def test_missing_and_malformed_session(sim):
    sim.quirk(session_error="m2m_400")
    assert "INPUT_INVALID.SessionToken.Invalid" in sim.list(headers={"VZ-M2M-Token": "x"}).text
    assert "REQUEST_FAILED.SessionToken.Format" in sim.list(headers={"VZ-M2M-Token": ""}).text


def test_header_names_are_case_insensitive(sim):
    headers = {name.lower(): value for name, value in sim.headers.items()}
    sim.headers.clear()
    assert sim.list(headers=headers).status_code == 200


def test_five_refused_logins_lock_also_the_right_password(sim):
    for _time in range(4):
        assert "Password.Invalid" in sim.session(password="wrong").text
    assert sim.session().status_code == 200  # a success sets the count back
    for _time in range(5):
        assert sim.session(password="wrong").status_code == 400
    assert sim.session().status_code == 400
    assert sim.control("GET", "sessions")["locked"] == ["not-secret"]
    sim.control("DELETE", "sessions")
    sim.headers["Authorization"] = f"Bearer {sim.token().json()['access_token']}"
    assert sim.session().status_code == 200


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b'{"username": "not-secret"}', b"\xff"])
def test_malformed_login_is_refused_but_not_counted(sim, body):
    for _time in range(6):
        assert sim.api("POST", "/m2m/v1/session/login", data=body).status_code == 400
    assert sim.session().status_code == 200


def test_new_login_may_end_the_old_session(sim):
    sim.session()
    assert sim.list().status_code == 200
    sim.quirk(new_login_ends_old_session=True)
    sim.session()
    assert sim.list().status_code == 400


def test_logout_ends_the_session_and_keeps_its_own_error_form(sim):
    answer = sim.api("POST", "/m2m/v1/session/logout")
    assert answer.json() == {"sessionToken": sim.headers["VZ-M2M-Token"]}
    again = sim.api("POST", "/m2m/v1/session/logout")
    assert (again.status_code, again.json()["errorCode"]) == (
        400,
        "UnifiedWebService.REQUEST_FAILED.SessionToken.Expired",
    )


def test_credentials_can_be_changed(start):
    sim = start()
    sim.control("PUT", "state", {"credentials": {"client_secret": 'p@ss/%"\n', "password": "other"}})
    assert sim.token().status_code == 401
    token = sim.token(secret='p@ss/%"\n').json()["access_token"]
    sim.headers["Authorization"] = f"Bearer {token}"
    assert sim.session().status_code == 400
    assert sim.session(password="other").status_code == 200
