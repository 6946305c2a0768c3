# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret, in any spelling, in anything that a run leaves behind; issued tokens in the private session file only."""

from __future__ import annotations

import base64
import html
import json
import stat
import typing as t
import urllib.parse
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import (
    ACCOUNT,
    Module,
    Outcome,
    Playbook,
    Simulator,
    imeis,
)

SECRETS = {
    "password": "p@ss/w%rd \"quo'te\\back\tline two+plus & Zq7",
    "client_secret": "s3cr@t/%41 \"'\\n\tsecond+line=Kx9",
}
PARTS = ("p@ss/w%rd", "two+plus", "s3cr@t/%41", "second+line")
"""Pieces that no tab divides, and that nothing else holds."""


def spellings(secret: str) -> set[str]:
    """A secret as it could turn up: raw, encoded, escaped, on one line, and in base64 at any offset."""
    forms = {
        secret,
        urllib.parse.quote(secret),
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(json.dumps(secret))[3:-3],
        repr(secret)[1:-1],
        " ".join(secret.split()),
        secret.replace("\t", " "),
        secret.replace("\t", "?"),
    }
    for offset in range(3):
        # The characters that hold bits of neighbors are cut off.
        encoded = base64.b64encode(b"\0" * offset + secret.encode()).decode().rstrip("=")
        forms |= {encoded[(0, 2, 3)[offset] : -1], encoded[(0, 2, 3)[offset] : -1].replace("+", "-").replace("/", "_")}
    return forms


def assert_clean(where: str, text: str, secrets: t.Iterable[str]) -> None:
    """Fail when a secret is in a text, without printing it all."""
    for secret in secrets:
        for form in spellings(secret):
            assert form not in text, f"{where}: {form!r} in ...{text[max(0, text.find(form) - 200) :][:400]!r}"
    for part in PARTS:
        assert part not in text, f"{where}: {part!r} in ...{text[max(0, text.find(part) - 200) :][:400]!r}"


def issued_tokens(runtime: Path) -> list[str]:
    """The tokens in the session file."""
    values = [json.loads(path.read_text(encoding="utf-8")) for path in runtime.glob("session-*.json")]
    kept = [one for value in values for one in value.get("tokens", {}).values()]
    return [one[name] for one in kept for name in ("access", "session") if name in one]


def assert_private(runtime: Path) -> None:
    """Fail unless the directory belongs to its owner alone."""
    assert stat.S_IMODE(runtime.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in runtime.iterdir()} == {0o600}


def assert_nothing_leaks(outcome: Outcome, module: Module, *more: str, tokens: int = 2) -> None:
    """Search everything that a module run leaves behind."""
    issued = issued_tokens(module.runtime_dir)
    assert len(issued) == tokens
    secrets = [*SECRETS.values(), *more]
    assert_clean("stdout", outcome.stdout, [*secrets, *issued])
    assert_clean("stderr", outcome.stderr, [*secrets, *issued])
    assert_clean("result", str(outcome.result), [*secrets, *issued])
    assert_clean("message", outcome.message, [*secrets, *issued])
    assert_private(module.runtime_dir)
    for path in module.folder.rglob("*"):
        if path.is_file() and "simulator0" not in path.parts:
            in_state = path.parent == module.runtime_dir
            text = path.read_text(encoding="utf-8", errors="replace")
            assert_clean(path.name, text, secrets if in_state else [*secrets, *issued])


@pytest.fixture(autouse=True)
def _credentials(simulator: Simulator) -> None:
    simulator.state(credentials=SECRETS)


def test_success_with_diff_warnings_and_report(simulator: Simulator, module: Module) -> None:
    report = module.folder / "report.csv"
    simulator.faults({"action": "status", "status": 429, "operation": "fota_list", "headers": {"Retry-After": "0"}})
    outcome = module(devices=imeis(3), diff=True, devices_report=str(report), report="all", **SECRETS)
    assert not outcome.failed
    assert outcome.warnings
    assert outcome.result["diff"]
    assert report.stat().st_size
    assert_nothing_leaks(outcome, module)


@pytest.mark.parametrize("name", list(SECRETS))
def test_a_refused_login(simulator: Simulator, module: Module, name: str) -> None:
    simulator.state(credentials={name: "changed meanwhile"})
    outcome = module(devices=imeis(3), **SECRETS)
    assert outcome.code == "login_refused"
    assert_nothing_leaks(outcome, module, tokens=1 if name == "password" else 0)


ECHOES: dict[str, t.Callable[[str], str]] = {
    "raw": str,
    "json": lambda secret: json.dumps(secret)[1:-1],
    "quote": urllib.parse.quote,
    "quote_plus": urllib.parse.quote_plus,
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "lower_percent": lambda secret: "".join(f"%{byte:02x}" for byte in secret.encode()),
    "double_percent": lambda secret: urllib.parse.quote(urllib.parse.quote(secret, safe=""), safe=""),
    "base64_pair": lambda secret: base64.b64encode(f"not-secret:{secret}".encode()).decode(),
    "base64_login": lambda secret: base64.b64encode(json.dumps({"password": secret}).encode()).decode(),
    "html": lambda secret: html.escape(secret).replace("/", "&#x2F;"),
    "json_slash": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "json_number": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\u002F"),
}


@pytest.mark.parametrize(
    ("echo", "family"),
    [(echo, family) for echo in ECHOES for family in ("m2m", "oauth")] + [("raw", "gateway"), ("raw", "markup")],
)
def test_a_server_that_echoes_the_secrets(simulator: Simulator, module: Module, echo: str, family: str) -> None:
    name, operation = ("client_secret", "oauth_token") if family == "oauth" else ("password", "fota_assign")
    text = f"refused <<{ECHOES[echo](SECRETS[name])}>>"
    bodies: dict[str, t.Any] = {
        "m2m": {"errorCode": "X", "errorMessage": text},
        "oauth": {"error": "invalid_client", "error_description": text},
        "gateway": {"fault": {"code": "900800", "message": text, "description": text}},
        "markup": f"<html><h1>{text.replace('<<', '').replace('>>', '')}</h1></html>",
    }
    simulator.faults({"action": "status", "status": 403, "operation": operation, "times": 0, "body": bodies[family]})
    outcome = module(devices=imeis(3), report="all", **SECRETS)
    assert outcome.failed
    assert ("refused" if family != "markup" else "HTML") in outcome.message
    assert ECHOES[echo](SECRETS[name]) not in outcome.stdout
    assert_nothing_leaks(outcome, module, tokens=0 if family == "oauth" else 2)


@pytest.mark.parametrize("operation", ["oauth_token", "session_login", "session_logout"])
def test_an_answer_to_a_login_is_not_quoted_at_all(simulator: Simulator, module: Module, operation: str) -> None:
    words = "Zebra.Quagga"
    body = {"errorCode": f"{words}.INPUT_INVALID.Password.Invalid", "errorMessage": words, "error": words}
    status = 500 if operation == "session_logout" else 400
    if operation == "session_logout":
        assert not module("session", **SECRETS).failed
    simulator.faults({"action": "status", "status": status, "operation": operation, "times": 0, "body": body})
    state = "absent" if operation == "session_logout" else "present"
    outcome = module("session", state=state, retries=0, **SECRETS)
    assert outcome.failed
    assert f"HTTP {status}" in outcome.message
    assert "Zebra" not in outcome.stdout


def test_a_server_that_echoes_the_basic_pair(simulator: Simulator, module: Module) -> None:
    pair = base64.b64encode(f"not-secret:{SECRETS['client_secret']}".encode()).decode()
    body = {"error": "invalid_client", "error_description": f"refused Basic {pair}"}
    simulator.faults({"action": "status", "status": 401, "operation": "oauth_token", "times": 0, "body": body})
    outcome = module(devices=imeis(3), **SECRETS)
    assert outcome.code == "login_refused"
    assert "refused" in outcome.message
    assert_nothing_leaks(outcome, module, tokens=0)


def test_a_reason_that_quotes_the_password_reaches_no_report(simulator: Simulator, module: Module) -> None:
    report = module.runtime_dir.parent / "report.csv"
    rows = [{"deviceId": imeis(1)[0], "status": "Failure", "Reason": f"token {SECRETS['password']} refused"}]
    body = {"accountName": "x", "deviceList": rows}
    simulator.faults({"action": "status", "status": 200, "operation": "fota_assign", "times": 0, "body": body})
    outcome = module(devices=imeis(1), report="all", devices_report=str(report), **SECRETS)
    assert outcome.rows == {imeis(1)[0]: "failed"}
    assert "token ******** refused" in report.read_text(encoding="utf-8")
    assert_nothing_leaks(outcome, module)


@pytest.mark.parametrize("lead", [260, 270, 280])
def test_a_long_answer_is_not_cut_within_a_secret(simulator: Simulator, module: Module, lead: int) -> None:
    secret = "Hq7-vT2w-Zm4k-Lp9x-Rb6d-Yc3n-Ks8j"
    simulator.state(credentials={"password": secret})
    body = {"errorCode": "X", "errorMessage": "refused " + "x" * lead + secret}
    simulator.faults({"action": "status", "status": 403, "operation": "fota_assign", "body": body})
    outcome = module(devices=imeis(1), **{**SECRETS, "password": secret})
    assert "refused xxx" in outcome.message
    assert secret[:8] not in outcome.stdout


def test_a_server_that_echoes_the_tokens(simulator: Simulator, module: Module) -> None:
    assert not module("fota_license_info", **SECRETS).failed
    text = "refused " + " ".join(issued_tokens(module.runtime_dir))
    body = {"errorCode": "X", "errorMessage": text}
    simulator.faults({"action": "status", "status": 403, "operation": "fota_assign", "body": body})
    outcome = module(devices=imeis(3), report="all", **SECRETS)
    assert outcome.failed
    assert_nothing_leaks(outcome, module)


@pytest.mark.parametrize("password", ["proxy%2Fp%40ss%25%22word", "proxy-plain-password"])
def test_a_proxy_with_credentials_that_is_not_there(module: Module, password: str) -> None:
    env = {"HTTPS_PROXY": f"http://robot:{password}@127.0.0.1:9"}
    outcome = module(base_url="https://api.thingspace.example/api", devices=imeis(1), retries=0, env=env, **SECRETS)
    assert outcome.code == "connection_failed"
    assert_nothing_leaks(outcome, module, password, urllib.parse.unquote(password), tokens=0)


def test_credentials_in_base_url_are_not_repeated(module: Module) -> None:
    secret = "in-the-url-9f"
    outcome = module(base_url=f"https://robot:{secret}@api.thingspace.example/api", devices=imeis(1), **SECRETS)
    assert outcome.code == "invalid_options"
    assert secret not in outcome.message
    assert secret not in str(outcome.result["failure"])


def test_handed_over_tokens(simulator: Simulator, module: Module) -> None:
    assert not module("fota_license_info", **SECRETS).failed
    access, session = issued_tokens(module.runtime_dir)
    other = Module(module.folder / "other", simulator)
    other.folder.mkdir()
    none: dict[str, t.Any] = dict.fromkeys(("client_id", "client_secret", "username", "password"))
    simulator.clock(1300)
    outcome = other(devices=imeis(1), access_token=access, session_token=session, **none)
    assert outcome.code == "auth_rejected"
    text = outcome.stdout + outcome.stderr
    for path in (other.folder / "runtime").rglob("*"):
        text += path.read_text(encoding="utf-8")
    assert_clean("everything", text, [access, session])


def test_a_playbook_at_full_volume(simulator: Simulator, module: Module, playbook: Playbook) -> None:
    variables = module.folder / "secrets.json"
    variables.write_text(json.dumps({f"my_{name}": value for name, value in SECRETS.items()}), encoding="utf-8")
    options = {
        "base_url": simulator.base_url,
        "runtime_dir": str(module.runtime_dir),
        "account": ACCOUNT,
        "devices": imeis(3),
        "client_id": "not-secret",
        "username": "not-secret",
        **{name: "{{ my_" + name + " }}" for name in SECRETS},
    }
    tasks: list[dict[str, t.Any]] = [
        {"thingspace.licensing.fota_license": options, "register": "done"},
        {"ansible.builtin.debug": {"var": "done"}},
        {"thingspace.licensing.fota_license_info": options | {"devices": None, "account": "0000999999-00001"}},
    ]
    del tasks[2]["thingspace.licensing.fota_license_info"]["devices"]
    log = module.folder / "ansible.log"
    play = [{"hosts": "estate", "gather_facts": False, "tasks": tasks}]
    env = {"ANSIBLE_LOG_PATH": str(log)}
    run = playbook(play, "-vvvv", "--diff", "-e", f"@{variables}", env=env)
    variables.unlink()
    assert run.returncode == 2
    assert "account_not_found" in run.stdout
    assert '"assigned": 3' in run.stdout
    assert log.stat().st_size > 1000
    outcome = Outcome({"changed": True}, run.stdout, run.stderr, 0.0, 2)
    assert_nothing_leaks(outcome, module)
