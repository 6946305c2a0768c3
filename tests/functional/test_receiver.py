# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The receiver as a process: over HTTP and HTTPS, against callers that are wrong, slow or many, and killed."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import json
import os
import resource
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
import trustme

from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Scope, open_journal
from ansible_collections.thingspace.licensing.tests.support.forked import await_ready, plain_environment
from ansible_collections.thingspace.licensing.tests.support.journals import never

PROGRAM = Path("ansible_collections/thingspace/licensing/extensions/receiver/thingspace_receiver.py")
ROOT = Path(os.environ["ANSIBLE_COLLECTIONS_PATH"])
SECRETS = {"THINGSPACE_CALLBACK_USERNAME": "listener", "THINGSPACE_CALLBACK_PASSWORD": "open sesame"}
FIRST = 864508030100000
PATIENCE = 15.0
MOST = 512
"""Connections that the receiver holds at once."""

Reply = tuple[int, dict[str, str]]


def body(number: int = 0, request_id: str = "r1", **changes: t.Any) -> bytes:
    """A callback for one device."""
    value = {
        "username": "listener",
        "password": "open sesame",
        "requestId": request_id,
        "deviceIds": [{"id": str(FIRST + number), "kind": "Imei"}],
        "status": "Success",
        "callbackCount": 1,
    }
    return json.dumps({**value, **changes}).encode()


class Receiver:
    """A receiver process and its journal, in which the request r1 for 2,000 devices waits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "journal.db"
        self.tls: ssl.SSLContext | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0
        journal = open_journal(str(self.journal), write=True, told=never)
        scope = Scope("0000123456-00001", "SIMSec-IoT", "imei")
        devices = [str(FIRST + number) for number in range(2000)]
        journal.accepted(
            journal.intend(journal.begin_run(scope, "assign", None), scope, "assign", devices, "1-1"), "r1"
        )
        journal.close()

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(ROOT / PROGRAM), "--journal", str(self.journal), "--port", "0", *arguments]

    def environment(self, **extra: str) -> dict[str, str]:
        # It has to find the collection by itself.
        return plain_environment(self.folder / "home", **{"PYTHONPATH": "", **SECRETS, **extra})

    def start(self, *arguments: str, **env: str) -> None:
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        with (self.folder / "out").open("ab") as out, (self.folder / "err").open("ab") as err:
            self.process = subprocess.Popen(
                self.command("--ready-file", str(ready), "--max-seconds", "60", *arguments),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self.folder,
                env=self.environment(**env),
            )
        self.port = await_ready(self.process, ready, self.log)["port"]

    def connect(self) -> http.client.HTTPConnection:
        if self.tls is not None:
            return http.client.HTTPSConnection("localhost", self.port, timeout=PATIENCE, context=self.tls)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def post(self, data: t.Any, path: str = "/callback", method: str = "POST", **kwargs: t.Any) -> Reply:
        connection = self.connect()
        with contextlib.closing(connection):
            connection.request(method, path, data, **kwargs)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")

    def raw(self, data: bytes) -> bytes:
        """What comes back for bytes, until the receiver closes."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(data)
            with contextlib.suppress(ConnectionError):
                while piece := connection.recv(65536):
                    answer += piece
        return answer

    def status(self, *parts: bytes) -> int:
        """The status for a request that comes in parts, each after the receiver has seen the one before."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            for part in parts:
                connection.sendall(part)
                self.post(None, "/health", "GET")
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert json.loads(answer.read())["error"]
            return answer.status

    def confirmed(self) -> int:
        with contextlib.closing(sqlite3.connect(self.journal)) as db:
            return int(db.execute("SELECT count(*) FROM entry WHERE outcome IS NOT NULL").fetchone()[0])

    def log(self) -> str:
        return (self.folder / "out").read_text() + (self.folder / "err").read_text()

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@pytest.fixture
def receiver(tmp_path: Path) -> t.Iterator[Receiver]:
    """Not started yet. Looks for tracebacks and credentials in what it wrote."""
    made = Receiver(tmp_path)
    yield made
    if made.process is not None:
        if made.process.poll() is None:
            made.end(signal.SIGKILL)
        assert "Traceback" not in made.log()
        assert "sesame" not in made.log()


@pytest.fixture(params=["http", "https"])
def running(request: pytest.FixtureRequest, receiver: Receiver) -> Receiver:
    """Started, once with and once without TLS."""
    if request.param == "http":
        receiver.start()
        return receiver
    authority, path = trustme.CA(), receiver.folder / "server.pem"
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(path))
    receiver.tls = ssl.create_default_context()
    authority.configure_trust(receiver.tls)
    receiver.start("--tls-cert", str(path))
    return receiver


def test_answers(running: Receiver) -> None:
    assert running.post(body()) == (200, {"status": "recorded"})
    assert running.post(body(callbackCount=2)) == (200, {"status": "duplicate"})
    assert running.post(body(request_id="of others")[:-1])[0] == 400
    assert running.post(body(request_id="others")) == (200, {"status": "unmatched"})
    assert running.post(body(1, password="guess"))[0] == 401
    assert running.post(b"<html>")[1]["error"] == "bad_callback"
    assert running.post(body(1), "/other")[0] == 404
    assert running.post(None, method="GET")[0] == 405
    assert running.post(None, method="PUT")[0] == 405
    assert running.post(None, "/health", "GET") == (200, {"status": "ok"})
    assert running.confirmed() == 1
    assert running.end() == 0
    lines = (running.folder / "out").read_text().splitlines()
    assert [line.split()[2] for line in lines[:2]] == ["recorded", "duplicate"]
    assert f"127.0.0.1 recorded request=r1 device=imei:{FIRST} status=success" in lines[0]


def test_two_thousand_at_once(running: Receiver) -> None:
    def send(start: int) -> list[int]:
        statuses = []
        with contextlib.closing(running.connect()) as connection:
            for number in range(start, 2000, 100):
                connection.request("POST", "/callback", body(number))
                answer = connection.getresponse()
                answer.read()
                statuses.append(answer.status)
        return statuses

    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        statuses = [status for part in pool.map(send, range(100)) for status in part]
    assert time.monotonic() - started < PATIENCE
    assert statuses == [200] * 2000
    running.end(signal.SIGKILL)
    assert running.confirmed() == 2000


def test_what_is_too_large_or_unclear(receiver: Receiver) -> None:
    receiver.start()
    megabyte = b"x" * 2**20
    assert receiver.post(megabyte * 50)[0] == 413
    declared = f"POST /callback HTTP/1.1\r\nHost: x\r\nContent-Length: {50 * 2**20}\r\n\r\n"
    assert receiver.status(declared.encode()) == 413
    assert receiver.post(b'{"a": "' + megabyte)[0] == 413
    head = b"POST /callback HTTP/1.1\r\nHost: x\r\n"
    chunk = b"100000\r\n" + megabyte + b"\r\n"
    assert receiver.raw(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 50).startswith(b"HTTP/1.1 413")
    whole = body()
    pieces = b"".join(b"%x;x=1\r\n%b\r\n" % (len(part), part) for part in (whole[:50], whole[50:]))
    close = b"Connection: close\r\n"
    good = receiver.raw(head + close + b"Transfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\nTrailer: x\r\n\r\n")
    assert good.startswith(b"HTTP/1.1 200")
    wrong = {
        b"\r\n": 411,
        b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx": 400,
        b"Content-Length: -1\r\n\r\n": 400,
        b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n": 400,
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n": 400,
        b"Transfer-Encoding: gzip\r\n\r\n": 400,
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n": 400,
        b"Transfer-Encoding: chunked\r\n\r\n-5\r\n": 400,
        b"Expect: 100-continue\r\nContent-Length: 52428800\r\n\r\n": 413,
    }
    for rest, status in wrong.items():
        assert receiver.status(head + rest) == status, rest[:60]
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    assert receiver.status(chunked, b"5\r\nhello\r\n", b"zz\r\n") == 400
    assert receiver.raw(head + b"".join(b"%d: %b\r\n" % (number, b"x" * 1000) for number in range(1000))) == b""
    assert b" 400 " in receiver.raw(b"\x16\x03\x01 nonsense open sesame\r\n\r\n")
    assert b" 400 " in receiver.raw(b"POST /" + b"x" * 70_000)
    assert receiver.post(body())[0] == 200


def test_expect_continue(receiver: Receiver) -> None:
    receiver.start()
    head = (
        "POST /callback HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: {}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", receiver.port), PATIENCE) as connection:
        connection.sendall(head.format(len(body())).encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(body())
        assert connection.recv(100).startswith(b"HTTP/1.1 200")


def test_slow_and_vanishing_callers_hold_up_nobody(receiver: Receiver) -> None:
    receiver.start()
    head = b"POST /callback HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{"
    with contextlib.ExitStack() as stack:
        for number in range(100):
            caller = stack.enter_context(socket.create_connection(("127.0.0.1", receiver.port), PATIENCE))
            caller.sendall(head if number % 2 else head[:30])
        assert receiver.post(body())[0] == 200
    # A kept, idle connection and one under way: the one is closed, the other finished.
    with contextlib.closing(receiver.connect()) as idle, contextlib.closing(receiver.connect()) as late:
        idle.request("POST", "/callback", body(1))
        idle.getresponse().read()
        late.putrequest("POST", "/callback")
        late.putheader("Content-Length", str(len(body(2))))
        late.putheader("Expect", "100-continue")
        late.endheaders(body(2)[:20])
        assert late.sock.recv(100).startswith(b"HTTP/1.1 100 "), "it is under way"
        assert receiver.process is not None
        receiver.process.terminate()
        assert idle.sock.recv(1) == b"", "it ends"
        late.send(body(2)[20:])
        assert late.getresponse().status == 200
    assert receiver.process.wait(PATIENCE) == 0
    assert receiver.confirmed() == 3


def test_idle_and_slow_connections_starve_no_callback(running: Receiver) -> None:
    head = b"POST /callback HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n"
    starts = (b"", head[:30], head + b"{", b"\x16\x03\x01\x02\x00")
    with contextlib.ExitStack() as stack:
        for number in range(MOST + 100):
            caller = stack.enter_context(socket.create_connection(("127.0.0.1", running.port), PATIENCE))
            with contextlib.suppress(ConnectionError):  # garbage is not kept waiting
                caller.sendall(starts[number % len(starts)])
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            replies = list(pool.map(lambda number: running.post(body(number)), range(100)))
        took = time.monotonic() - began
    assert replies == [(200, {"status": "recorded"})] * 100
    assert took < 10
    assert running.confirmed() == 100


def test_the_oldest_idle_connection_makes_room(receiver: Receiver) -> None:
    receiver.start()
    with contextlib.ExitStack() as stack:

        def connect() -> socket.socket:
            return stack.enter_context(socket.create_connection(("127.0.0.1", receiver.port), PATIENCE))

        used = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=PATIENCE)
        stack.callback(used.close)
        used.request("GET", "/health")
        used.getresponse().read()
        oldest, *others = [connect() for _number in range(MOST - 1)]
        used.request("GET", "/health")  # so it is not the oldest any more
        assert used.getresponse().read() == b'{"status": "ok"}\n'
        newest = connect()
        assert oldest.recv(1) == b""
        for one in (others[-1], newest):
            one.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert one.recv(100).startswith(b"HTTP/1.1 200")
        used.request("GET", "/health")
        assert used.getresponse().status == 200


def test_killed_between_callbacks(receiver: Receiver) -> None:
    good = 0
    for start in (0, 400, 800):
        receiver.start()
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            sent = [pool.submit(receiver.post, body(number)) for number in range(start, start + 400)]
            next(concurrent.futures.as_completed(sent[100:]))
            receiver.end(signal.SIGKILL)
            good += sum(one.exception() is None and one.result()[0] == 200 for one in sent)
        assert good <= receiver.confirmed()
    assert 0 < good < 1200


def test_journal_that_cannot_grow(receiver: Receiver) -> None:
    receiver.start()
    assert receiver.process is not None
    assert receiver.post(body(0))[0] == 200
    size = max(Path(f"{receiver.journal}{name}").stat().st_size for name in ("", "-wal"))
    limit = resource.prlimit(receiver.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(receiver.process.pid, resource.RLIMIT_FSIZE, (4096, limit[1]))
    assert size > 4096
    status, reply = receiver.post(body(1))
    assert (status, reply["error"][:8]) == (503, "journal_")
    resource.prlimit(receiver.process.pid, resource.RLIMIT_FSIZE, limit)
    assert receiver.post(body(1)) == (200, {"status": "recorded"})
    assert receiver.post(None, "/health", "GET")[0] == 200
    assert receiver.confirmed() == 2


def test_rotation(receiver: Receiver) -> None:
    secret = receiver.folder / "new"
    secret.write_text("brandnew\n", encoding="utf-8")
    receiver.start(
        THINGSPACE_CALLBACK_PASSWORD="",
        THINGSPACE_CALLBACK_PASSWORD_FILE=str(secret),
        THINGSPACE_CALLBACK_PASSWORD_PREVIOUS="open sesame",
    )
    assert [receiver.post(body(password=one))[0] for one in ("open sesame", "brandnew", "other")] == [200, 200, 401]


def test_renewed_certificate(receiver: Receiver) -> None:
    path = receiver.folder / "server.pem"
    for number in range(2):
        authority = trustme.CA()
        path.write_bytes(authority.issue_cert("localhost").private_key_and_cert_chain_pem.bytes())
        receiver.tls = ssl.create_default_context()
        authority.configure_trust(receiver.tls)
        if not number:
            receiver.start("--tls-cert", str(path))
        assert receiver.post(body(number))[0] == 200


@pytest.mark.parametrize(
    ("arguments", "env", "words"),
    [
        (["--journal", "/nowhere/j.db"], {}, "/nowhere does not exist"),
        (["--journal", "mysql://u:secret@h/d"], {}, "set THINGSPACE_JOURNAL instead of --journal"),
        (["--journal", ""], {}, "give --journal, or set THINGSPACE_JOURNAL"),
        (["--journal", ""], {"THINGSPACE_JOURNAL": "j.db"}, "is the relative path j.db"),
        ([], {"THINGSPACE_CALLBACK_PASSWORD": ""}, "THINGSPACE_CALLBACK_PASSWORD must be set"),
        (["--tls-cert", "/nowhere.pem"], {}, "/nowhere.pem cannot be read"),
        (["--tls-key", "/nowhere.pem"], {}, "a certificate"),
        (["--port", "70000"], {}, "port 70000"),
        (["--path", "x"], {}, "start with a slash"),
        (["--password", "x"], {}, "unrecognized arguments"),
        (["--host", "192.0.2.1"], {}, "192.0.2.1 port 0"),
    ],
)
def test_bad_start(receiver: Receiver, arguments: list[str], env: dict[str, str], words: str) -> None:
    ended = subprocess.run(
        receiver.command(*arguments),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env=receiver.environment(**env),
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert words in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_signal_while_it_waits_for_a_database(receiver: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/d?connect_timeout=300"
        command = [one for one in receiver.command() if one not in ("--journal", str(receiver.journal))]
        env = receiver.environment(THINGSPACE_JOURNAL=place)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as started:
            try:
                client, _address = silent.accept()
                started.send_signal(signal.SIGTERM)
                out, err = started.communicate(timeout=PATIENCE)
                client.close()
            finally:
                started.kill()
    assert (started.returncode, out, err) == (0, "", "thingspace_receiver: ended\n")


def test_without_aiohttp(receiver: Receiver) -> None:
    (receiver.folder / "aiohttp.py").write_text("raise ImportError\n", encoding="utf-8")
    environ = receiver.environment(PYTHONPATH=str(receiver.folder))
    ended = subprocess.run(
        receiver.command(), capture_output=True, text=True, check=False, timeout=PATIENCE, env=environ
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "aiohttp, which receives callbacks, is not installed" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_outside_of_a_tree_of_collections(receiver: Receiver) -> None:
    copy = receiver.folder / "thingspace_receiver.py"
    copy.write_bytes((ROOT / PROGRAM).read_bytes())
    ended = subprocess.run([sys.executable, str(copy)], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "ansible-galaxy collection install" in ended.stderr
