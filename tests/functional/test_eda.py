# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source: by its contract, and under ansible-rulebook where that and Java are installed."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Scope, open_journal
from ansible_collections.thingspace.licensing.tests.support.harness import plain_environment
from ansible_collections.thingspace.licensing.tests.support.journals import never

SOURCE = "extensions/eda/plugins/event_source/simsec_confirmations.py"
ROOT = Path(os.environ["ANSIBLE_COLLECTIONS_PATH"])
COLLECTION = ROOT / "ansible_collections" / "thingspace" / "licensing"
ACCOUNT = "0000123456-00001"
DEVICE = "864508030109877"
SECRETS = {"username": "listener", "password": "open sesame"}
FAILURE = {"faultResponse": {"faultcode": "A.B", "faultstring": "No such thing"}, "status": "Failed"}
PATIENCE = 30.0

Main = t.Callable[["asyncio.Queue[t.Any]", dict[str, t.Any]], t.Coroutine[t.Any, t.Any, None]]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.fixture
def journal(tmp_path: Path) -> str:
    """A journal in which the request r1 waits for its confirmation."""
    path = str(tmp_path / "journal.db")
    made = open_journal(path, write=True, told=never)
    scope = Scope(ACCOUNT, "SIMSec-IoT", "imei")
    made.accepted(made.intend(made.begin_run(scope, "assign", None), scope, "assign", [DEVICE], "1-1"), "r1")
    made.close()
    return path


@pytest.fixture
def main() -> Main:
    """The entry point, loaded as ansible-rulebook loads it."""
    return t.cast("Main", runpy.run_path(str(COLLECTION / SOURCE))["main"])


def post(port: int, **changes: t.Any) -> int:
    """Send a callback; the status."""
    value = {**SECRETS, "requestId": "r1", "deviceIds": [{"id": DEVICE, "kind": "Imei"}], **FAILURE, **changes}
    return ask(port, "POST", "/callback", json.dumps(value))


def ask(port: int, method: str, path: str, body: str | None = None) -> int:
    """Send a request; the status."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, path, body)
        return connection.getresponse().status


def wait_until_it_listens(port: int, alive: t.Callable[[], bool]) -> None:
    """Return when the receiver behind this port is healthy."""
    end = time.monotonic() + PATIENCE
    while alive() and time.monotonic() < end:
        with contextlib.suppress(OSError):
            if ask(port, "GET", "/health") == 200:
                return
        time.sleep(0.02)
    raise AssertionError("it does not listen")


def test_events_by_contract(main: Main, journal: str) -> None:
    port = free_port()
    events: list[dict[str, t.Any]] = []

    async def scenario() -> None:
        queue: asyncio.Queue[t.Any] = asyncio.Queue(1)  # of the size that ansible-rulebook's has
        source = asyncio.create_task(main(queue, {"journal": journal, "port": str(port), **SECRETS}))
        await asyncio.to_thread(wait_until_it_listens, port, lambda: not source.done())
        sent: list[dict[str, t.Any]] = [
            {},
            {"callbackCount": 2},
            {"password": "guess"},
            {"requestId": "r9", "status": "Success"},
        ]
        assert [await asyncio.to_thread(post, port, **one) for one in sent] == [200, 200, 401, 200]
        events.extend([await asyncio.wait_for(queue.get(), 10) for _number in range(2)])
        assert queue.empty()
        source.cancel()
        with pytest.raises(asyncio.CancelledError):
            await source

    asyncio.run(scenario())
    common = {"device_id": DEVICE, "kind": "imei", "status": "failed", "reason": "A.B: No such thing"}
    known = {"account": ACCOUNT, "sku": "SIMSec-IoT", "action": "assign", "request_id": "r1", "outcome": "recorded"}
    unknown = {"account": None, "sku": None, "action": None, "request_id": "r9", "outcome": "unmatched"}
    meta = {"endpoint": "callback"}
    assert events == [{"simsec": {**common, **known}, "meta": meta}, {"simsec": {**common, **unknown}, "meta": meta}]
    with pytest.raises(OSError):  # the server is closed
        post(port)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"portt": 1}, "no option portt"),
        ({"port": "x"}, "'port' is not a number"),
        ({"journal": ""}, "needs 'journal'"),
        ({"username": None}, "THINGSPACE_CALLBACK_USERNAME must be set"),
        ({"certfile": "/nowhere.pem"}, "/nowhere.pem cannot be read"),
        ({"journal": "/nowhere/journal.db"}, "/nowhere does not exist"),
    ],
)
def test_bad_arguments(
    main: Main, journal: str, monkeypatch: pytest.MonkeyPatch, args: dict[str, t.Any], words: str
) -> None:
    for name in [name for name in os.environ if name.startswith("THINGSPACE_")]:
        monkeypatch.delenv(name)
    given = {"journal": journal, "port": 0, **SECRETS, **args}
    with pytest.raises((LicensingError, ValueError), match=words) as caught:
        asyncio.run(asyncio.wait_for(main(asyncio.Queue(), given), PATIENCE))
    assert "sesame" not in str(caught.value)


def test_imports_where_collections_are_not_importable(tmp_path: Path, journal: str) -> None:
    program = (
        "import asyncio, runpy, sys\n"
        "main = runpy.run_path(sys.argv[1])['main']\n"
        "try:\n"
        "    asyncio.run(asyncio.wait_for(main(asyncio.Queue(), {'journal': sys.argv[2], 'port': 0}), 1))\n"
        "except asyncio.TimeoutError:\n"
        "    print('it ran')\n"
    )
    environ = plain_environment(
        tmp_path / "home", THINGSPACE_CALLBACK_USERNAME="listener", THINGSPACE_CALLBACK_PASSWORD="open sesame"
    )
    del environ["PYTHONPATH"]
    command = [sys.executable, "-I", "-c", program, str(COLLECTION / SOURCE), journal]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE, env=environ)
    assert (ended.stdout, ended.stderr) == ("it ran\n", "")


RULEBOOK = os.environ.get("ANSIBLE_RULEBOOK") or shutil.which("ansible-rulebook")


@pytest.mark.skipif(not RULEBOOK or not shutil.which("java"), reason="needs ansible-rulebook and Java")
def test_rule_fires(tmp_path: Path, journal: str) -> None:
    assert RULEBOOK is not None
    port = free_port()
    text = (COLLECTION / "extensions/eda/rulebooks/simsec_failures.yml").read_text(encoding="utf-8")
    rulebook = tmp_path / "rulebook.yml"
    rulebook.write_text(text.replace("port: 9001", f"port: {port}"), encoding="utf-8")
    environ = plain_environment(
        tmp_path / "home",
        THINGSPACE_JOURNAL=journal,
        THINGSPACE_CALLBACK_USERNAME="listener",
        THINGSPACE_CALLBACK_PASSWORD="open sesame",
        PYTHONUNBUFFERED="1",
    )
    del environ["PYTHONPATH"]
    environ["PATH"] = f"{Path(RULEBOOK).parent}{os.pathsep}{environ['PATH']}"
    java = shutil.which("java")
    environ.setdefault("JAVA_HOME", str(Path(str(java)).resolve().parents[1]))
    output = tmp_path / "output"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [RULEBOOK, "--rulebook", str(rulebook)],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=tmp_path,
            env=environ,
        )
    try:
        wait_until_it_listens(port, lambda: process.poll() is None)
        assert post(port) == 200
        wanted = f"assign of SIMSec-IoT in account {ACCOUNT} failed for imei {DEVICE}: A.B: No such thing"
        end = time.monotonic() + PATIENCE
        while wanted not in output.read_text(encoding="utf-8"):
            assert time.monotonic() < end, output.read_text(encoding="utf-8")
            time.sleep(0.05)
        assert "sesame" not in output.read_text(encoding="utf-8")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
