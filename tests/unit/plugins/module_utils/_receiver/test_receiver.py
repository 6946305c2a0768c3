# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The receiver's parts: credentials, group commit, answers, and the journal that fails and comes back."""

from __future__ import annotations

import contextlib
import json
import socket
import sqlite3
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import Caller, Confirmation
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Recorded, Scope, open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._receiver.commit import AT_ONCE, GroupCommit
from ansible_collections.thingspace.licensing.plugins.module_utils._receiver.credentials import (
    PASSWORD,
    USERNAME,
    credentials,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._receiver.receiver import Accepted, Receiver
from ansible_collections.thingspace.licensing.plugins.module_utils._receiver.server import Server

PAIR = ("listener", "open sesame")
DEVICE = "864508030109877"


def body(request_id: str = "r1", **changes: t.Any) -> bytes:
    """A callback."""
    value = {
        "username": PAIR[0],
        "password": PAIR[1],
        "requestId": request_id,
        "deviceIds": [{"id": DEVICE, "kind": "Imei"}],
        "status": "Success",
    }
    return json.dumps({**value, **changes}).encode()


def fail(error: Exception) -> None:
    """Raise an error that was chosen beforehand."""
    raise error


class FakeJournal:
    """Remembers what it was given, unless told to fail."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.opened = self.closed = 0
        self.error: Exception | None = None
        self.poison = ""
        self.gate = threading.Event()
        self.gate.set()

    def open(self) -> FakeJournal:
        if isinstance(self.error, LicensingError):
            fail(self.error)
        self.opened += 1
        return self

    def confirm(self, confirmations: list[Confirmation], /) -> list[Recorded]:
        self.gate.wait(10)
        if self.error is not None:
            raise self.error
        ids = [one.request_id for one in confirmations]
        if self.poison in ids:
            raise UnicodeError(self.poison)
        known = {name for batch in self.batches for name in batch}
        if ids:
            self.batches.append(ids)
        return [Recorded("duplicate" if name in known else "recorded", "a", "s", DEVICE, "imei") for name in ids]

    def close(self) -> None:
        self.closed += 1


class Bench:
    """A receiver with a journal that can be made to fail."""

    def __init__(self) -> None:
        self.journal = FakeJournal()
        self.lines: list[str] = []
        self.told: list[tuple[Confirmation, Recorded]] = []
        self.commit = GroupCommit(self.journal.open, "/nowhere/journal.db")
        self.receiver = Receiver(
            self.commit,
            Accepted([PAIR]),
            log=self.lines.append,
            on_recorded=lambda confirmation, recorded: self.told.append((confirmation, recorded)),
        )

    def take(self, request_id: str = "r1", **changes: t.Any) -> tuple[int, dict[str, str]]:
        reply = self.receiver.take(body(request_id, **changes), "192.0.2.1")
        return reply.status, reply.body


@pytest.fixture
def bench() -> t.Iterator[Bench]:
    """Ends the thread, and looks for credentials in what was logged."""
    made = Bench()
    yield made
    made.commit.close()
    assert "sesame" not in "".join(made.lines)


def test_recorded_then_duplicate(bench: Bench) -> None:
    assert bench.take() == (200, {"status": "recorded"})
    assert bench.take() == (200, {"status": "duplicate"})
    assert [recorded.outcome for _one, recorded in bench.told] == ["recorded"]
    assert f"192.0.2.1 recorded request=r1 device=imei:{DEVICE} status=success" in bench.lines[0]
    assert len(bench.lines) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "wrong"},
        {"username": "wrong"},
        {"username": "", "password": ""},
        {"password": None},
        {"password": "open sesame\ud800"},
        {"password": "wrong", "deviceIds": []},
    ],
)
def test_wrong_credentials(bench: Bench, changes: dict[str, t.Any]) -> None:
    assert bench.take(**changes)[0] == 401
    assert bench.journal.batches == []


def test_what_is_no_callback(bench: Bench) -> None:
    status, reply = bench.take(deviceIds=[])
    assert (status, reply["error"]) == (400, "bad_callback")
    assert bench.receiver.take(b"{", "192.0.2.1").status == 400
    assert "refused 400 bad_callback: " in bench.lines[0]


def test_journal_that_fails_and_comes_back(bench: Bench) -> None:
    bench.journal.error = LicensingError("The journal /nowhere/journal.db is full.", code="journal_full")
    status, reply = bench.take()
    assert (status, reply["error"]) == (503, "journal_full")
    assert "/nowhere" not in json.dumps(reply)
    assert "not_recorded request=r1" in bench.lines[-1]
    assert bench.receiver.health().status == 503
    bench.journal.error = None
    assert bench.receiver.health() == (200, {"status": "ok"})
    assert bench.take()[0] == 200
    assert bench.told[0][0].request_id == "r1"
    assert (bench.journal.opened, bench.journal.closed) == (2, 1)


def test_a_lock_does_not_close_the_journal(bench: Bench) -> None:
    bench.journal.error = LicensingError("It is locked.", code="journal_locked")
    assert bench.take()[0] == 503
    bench.journal.error = None
    assert bench.take()[0] == 200
    assert bench.journal.opened == 1


def test_many_at_once_share_a_commit(bench: Bench) -> None:
    bench.journal.gate.clear()
    replies: list[int] = []
    threads = [threading.Thread(target=lambda n=n: replies.append(bench.take(f"r{n}")[0])) for n in range(600)]
    for thread in threads:
        thread.start()
    bench.journal.gate.set()
    for thread in threads:
        thread.join(10)
    assert replies == [200] * 600
    assert sum(map(len, bench.journal.batches)) == 600
    assert len(bench.journal.batches) < 300
    assert max(map(len, bench.journal.batches)) <= AT_ONCE


def test_one_that_cannot_be_recorded_does_not_harm_the_others(bench: Bench) -> None:
    bench.journal.poison = "r3"
    bench.journal.gate.clear()
    replies: dict[int, int] = {}
    threads = [threading.Thread(target=lambda n=n: replies.update({n: bench.take(f"r{n}")[0]})) for n in range(8)]
    for thread in threads:
        thread.start()
    bench.journal.gate.set()
    for thread in threads:
        thread.join(10)
    assert replies == {n: 503 if n == 3 else 200 for n in range(8)}
    assert "internal_error" in "".join(bench.lines)


def test_a_hook_that_fails_changes_no_answer() -> None:
    lines: list[str] = []
    commit = GroupCommit(FakeJournal().open, "/nowhere/journal.db")

    def fail(_confirmation: Confirmation, _recorded: Recorded) -> None:
        raise ValueError("sesame")

    receiver = Receiver(commit, Accepted([]), log=lines.append, on_recorded=fail)
    assert receiver.take(body(), "192.0.2.1").status == 200
    assert "hook_failed" in lines[1]
    assert "sesame" not in lines[1]
    commit.close()


def test_a_journal_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no journal" * 100, encoding="utf-8")
    path = str(tmp_path / "text")
    with pytest.raises(LicensingError) as caught:
        GroupCommit(lambda: open_journal(path, write=True), path)
    assert caught.value.code.startswith("journal_")


@pytest.fixture
def real(tmp_path: Path) -> t.Iterator[tuple[Receiver, Path]]:
    """A receiver with a real journal, which knows the request r1."""
    path = tmp_path / "journal.db"
    journal = open_journal(str(path), write=True)
    scope = Scope("0000123456-00001", "SIMSec-IoT", "imei")
    request = journal.intend(journal.begin_run(scope, "assign", None), scope, "assign", [DEVICE], "1-1")
    journal.accepted(request, "r1")
    journal.close()
    commit = GroupCommit(lambda: open_journal(str(path), write=True, patience=0.05), str(path))
    yield Receiver(commit, Accepted([PAIR]), log=lambda _line: None), path
    commit.close()


def test_real_journal(real: tuple[Receiver, Path]) -> None:
    receiver, _path = real
    assert receiver.take(body("r2"), "x").body == {"status": "unmatched"}
    assert receiver.take(body("r1"), "x").body == {"status": "recorded"}
    assert receiver.take(body("r1"), "x").body == {"status": "duplicate"}


def test_real_journal_locked_by_another_process(real: tuple[Receiver, Path]) -> None:
    receiver, path = real
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert receiver.take(body(), "x").body["error"] == "journal_locked"
    assert receiver.health().status == 503
    other.execute("ROLLBACK")
    other.close()
    assert receiver.take(body(), "x").body == {"status": "recorded"}


def test_real_journal_gone_and_restored(real: tuple[Receiver, Path]) -> None:
    receiver, path = real
    kept = path.with_suffix(".kept")
    backup = sqlite3.connect(kept)
    sqlite3.connect(path).backup(backup)
    backup.close()
    for name in ("", "-wal", "-shm"):
        Path(f"{path}{name}").unlink(missing_ok=True)
    assert receiver.take(body(), "x").status == 503
    kept.rename(path)
    assert receiver.take(body(), "x").body == {"status": "recorded"}


def test_slow_and_idle_callers_are_let_go(bench: Bench) -> None:
    server = Server(("127.0.0.1", 0), "/callback", bench.receiver, patience=0.3)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    answers = []
    for text in ("", "POST /callb", "POST /callback HTTP/1.1\r\nContent-Length: 500\r\n\r\n{"):
        with socket.create_connection(("127.0.0.1", server.server_port), 10) as caller:
            for char in text:
                caller.sendall(char.encode())
            answers.append(caller.makefile("rb").read())
    assert answers[:2] == [b"", b""]
    assert answers[2].startswith(b"HTTP/1.1 408 ")
    server.stop()
    thread.join()


def test_a_body_that_drips_gets_no_more_time_than_any_other(bench: Bench) -> None:
    server = Server(("127.0.0.1", 0), "/callback", bench.receiver, patience=0.3)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    with socket.create_connection(("127.0.0.1", server.server_port), 0.05) as caller:
        caller.sendall(b"POST /callback HTTP/1.1\r\nContent-Length: 500\r\n\r\n")
        answer = b""
        for _number in range(100):
            caller.sendall(b"x")
            with contextlib.suppress(TimeoutError):
                answer = caller.recv(4096)
                break
    assert answer.startswith(b"HTTP/1.1 408 ")
    server.stop()
    thread.join()


def test_accepted_pairs_belong_together() -> None:
    accepted = Accepted([("new", "n"), ("old", "o")])
    tried = [("new", "n"), ("old", "o"), ("new", "o"), ("old", "n"), ("", ""), ("new", "")]
    assert [accepted.admits(Caller(*pair)) for pair in tried] == [True, True, False, False, False, False]
    assert Accepted([]).admits(Caller("", ""))
    assert "sesame" not in repr(Accepted([PAIR]))


def test_credentials_from_environment_and_files(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("open sesame\n", encoding="utf-8")
    environ = {USERNAME: "listener", f"{PASSWORD}_FILE": str(secret)}
    assert credentials({}, environ) == [PAIR]
    assert credentials({}, {**environ, f"{PASSWORD}_PREVIOUS": "old"}) == [PAIR, ("listener", "old")]
    assert credentials({USERNAME: "given"}, environ) == [("given", "open sesame")]


@pytest.mark.parametrize(
    ("environ", "code", "words"),
    [
        ({}, "missing_credentials", f"{USERNAME} and {PASSWORD} must be set"),
        ({USERNAME: "listener"}, "missing_credentials", f"{PASSWORD} must be set"),
        ({USERNAME: "listener", PASSWORD: ""}, "missing_credentials", f"{PASSWORD} must be set"),
        ({USERNAME: "u", PASSWORD: "sesame", f"{PASSWORD}_FILE": "/x"}, "invalid_options", "not both"),
        ({USERNAME: "u", f"{PASSWORD}_FILE": "/nowhere"}, "file_unreadable", "No such file"),
    ],
)
def test_credentials_that_are_amiss(environ: dict[str, str], code: str, words: str) -> None:
    with pytest.raises(LicensingError) as caught:
        credentials({}, environ)
    assert caught.value.code == code
    assert words in caught.value.message
    assert "sesame" not in caught.value.message


def test_anonymous_only_on_request_and_only_without_credentials() -> None:
    assert credentials({}, {}, allow_anonymous=True) == []
    with pytest.raises(LicensingError):
        credentials({}, {USERNAME: "listener"}, allow_anonymous=True)
