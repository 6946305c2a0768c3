# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates: the options win over the environment, and each refusal says what is wrong."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import trustme

from ansible_collections.thingspace.licensing.tests.functional.conftest import Start
from ansible_collections.thingspace.licensing.tests.support.harness import Module, Simulator

BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclasses.dataclass
class Authority:
    """Certificates in files."""

    server: Path
    right: Path
    wrong: Path


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A certificate for localhost only, its authority, and another authority."""
    ours, other = trustme.CA(), trustme.CA()
    found = Authority(tmp_path / "server.pem", tmp_path / "right.pem", tmp_path / "wrong.pem")
    ours.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(found.server))
    ours.cert_pem.write_to_path(str(found.right))
    other.cert_pem.write_to_path(str(found.wrong))
    return found


@pytest.fixture
def simulator(start_simulator: Start, authority: Authority) -> Simulator:
    """A simulator that speaks HTTPS."""
    return start_simulator("--devices", "5", "--tls-cert", str(authority.server))


@pytest.fixture
def url(simulator: Simulator) -> str:
    """The address under the name in the certificate."""
    return f"https://localhost:{simulator.port}/api"


def test_own_authority_by_option(module: Module, authority: Authority, url: str) -> None:
    assert module("fota_license_info", base_url=url, ca_path=str(authority.right)).code is None


def test_own_authority_by_environment(module: Module, authority: Authority, url: str) -> None:
    env = {"THINGSPACE_CA_PATH": str(authority.right)}
    assert module("fota_license_info", base_url=url, env=env).code is None


def test_the_option_wins_over_its_variable(module: Module, authority: Authority, url: str) -> None:
    right, wrong = str(authority.right), str(authority.wrong)
    env = {"THINGSPACE_CA_PATH": wrong}
    assert module("fota_license_info", base_url=url, ca_path=right, env=env).code is None
    env = {"THINGSPACE_CA_PATH": right}
    assert module("fota_license_info", base_url=url, ca_path=wrong, env=env).code == "tls_failed"


@pytest.mark.parametrize("variable", BUNDLE_VARIABLES)
def test_a_wrong_bundle_in_the_environment_loses(module: Module, authority: Authority, url: str, variable: str) -> None:
    env = {variable: str(authority.wrong)}
    assert module("fota_license_info", base_url=url, env=env).code == "tls_failed"
    assert module("fota_license_info", base_url=url, ca_path=str(authority.right), env=env).code is None
    assert module("fota_license_info", base_url=url, validate_certs=False, env=env).code is None


@pytest.mark.parametrize("variable", BUNDLE_VARIABLES)
def test_a_right_bundle_in_the_environment(
    simulator: Simulator, module: Module, authority: Authority, url: str, variable: str
) -> None:
    env = {variable: str(authority.right)}
    assert module("fota_license_info", base_url=url, env=env).code is None
    simulator.forget_requests()
    outcome = module("fota_license_info", base_url=url, ca_path=str(authority.wrong), env=env)
    assert outcome.code == "tls_failed", "'ca_path' names the authorities to trust instead of the usual ones"
    assert simulator.requests() == []


def test_unknown_authority(simulator: Simulator, module: Module, url: str) -> None:
    outcome = module("fota_license_info", base_url=url)
    assert outcome.code == "tls_failed"
    assert not outcome.changed
    assert "unable to get local issuer certificate" in outcome.message
    assert "Nothing was sent" in outcome.message
    assert "'ca_path'" in outcome.message
    assert outcome.result["requests"]["sent"] == 1, "trying again cannot help"
    assert simulator.requests() == []


def test_wrong_host_name(simulator: Simulator, module: Module, authority: Authority) -> None:
    outcome = module("fota_license_info", base_url=simulator.base_url, ca_path=str(authority.right))
    assert outcome.code == "tls_failed"
    assert "not valid for '127.0.0.1'" in outcome.message
    assert "correct 'base_url'" in outcome.message
    assert simulator.requests() == []


def test_checks_switched_off(simulator: Simulator, module: Module) -> None:
    outcome = module("fota_license_info", validate_certs=False)
    assert outcome.code is None
    assert outcome.warnings == ""
    assert outcome.stderr == ""


def test_checks_by_environment(simulator: Simulator, module: Module) -> None:
    env = {"THINGSPACE_VALIDATE_CERTS": "false"}
    assert module("fota_license_info", env=env).code is None
    assert module("fota_license_info", env=env, validate_certs=True).code == "tls_failed"
    env = {"THINGSPACE_VALIDATE_CERTS": "true"}
    assert module("fota_license_info", env=env).code == "tls_failed"
    assert module("fota_license_info", env=env, validate_certs=False).code is None


def test_http_to_a_tls_port(simulator: Simulator, module: Module) -> None:
    base_url = simulator.base_url.replace("https:", "http:")
    outcome = module("fota_license_info", base_url=base_url, retries=1, timeout=5)
    assert outcome.code == "connection_failed"
    assert not outcome.changed
    assert "The connection broke during 'get an access token'" in outcome.message
    assert simulator.requests() == []


def test_tls_to_an_http_port(start_simulator: Start, module: Module) -> None:
    plain = start_simulator("--devices", "5")
    outcome = module("fota_license_info", base_url=plain.base_url.replace("http:", "https:"))
    assert outcome.code == "tls_failed"
    assert not outcome.changed
    assert "TLS port" in outcome.message
    assert plain.requests() == []


@pytest.mark.parametrize("content", ["", "no certificate\n"])
def test_a_file_without_certificates(module: Module, tmp_path: Path, url: str, content: str) -> None:
    path = tmp_path / "empty.pem"
    path.write_text(content, encoding="utf-8")
    outcome = module("fota_license_info", base_url=url, ca_path=str(path), retries=0)
    assert outcome.code == "tls_failed"
    assert "'ca_path'" in outcome.message
